"""Whether a file has the shape of a policy: the JSON Schema's findings, in words, at the place of the mistake."""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from engine.model import Edit, Finding
from engine.policy import codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

    from engine.model import Location
    from engine.policy.source import YamlNode

_TYPES: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_SHORTEST_QUOTE: Final = 60
_WORD: Final = re.compile(r"[\w.*?/-]+", re.ASCII)
_SECRET: Final = re.compile(r"hooks\.slack\.com|xox[a-z]-|\b(?:AKIA|ASIA)[A-Z0-9]{12,}")
"""What must not come back in a finding, which a build log shows to everybody."""


@cache
def _validator(schema_text: str) -> Draft202012Validator:
    import json  # noqa: PLC0415  both only where a set is validated, never on a prepared start

    from jsonschema import Draft202012Validator  # noqa: PLC0415

    return Draft202012Validator(json.loads(schema_text))


def shape_findings(root: YamlNode, schema_text: str) -> tuple[Finding, ...]:
    """What a schema (its JSON text) has to say about a file, one finding a mistake, at the deepest place that explains it."""
    errors = sorted(_validator(schema_text).iter_errors(root.value), key=lambda error: list(map(str, error.absolute_path)))
    found = [finding for error in errors for finding in _findings(root, error)]
    return tuple(finding for finding in found if not _misspelled(finding, found))


def _misspelled(finding: Finding, found: Iterable[Finding]) -> bool:
    """Whether a key is missing because it is there under a name that is nearly its own: one mistake, one finding."""
    if finding.code != codes.MISSING_KEY:
        return False
    meant = f"did you mean {finding.what.removesuffix(' is missing')}?"
    return any(one.code == codes.UNKNOWN_KEY and one.instead == meant for one in found)


def _findings(root: YamlNode, error: ValidationError) -> Iterator[Finding]:
    node = root.at(*error.absolute_path) or root
    say: Callable[[YamlNode, ValidationError], Iterable[Finding]] | None = _SAYINGS.get(str(error.validator))
    yield from say(node, error) if say else [Finding(codes.WRONG_VALUE, node.where, _of(error, "this cannot stand here"))]


def _unknown_keys(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    known = list(_schema(error).get("properties", {}))
    for key in node.keys:
        if key not in known:
            yield Finding(codes.UNKNOWN_KEY, node.keys[key], f"there is no key {_quoted(key)} here", suggestion(key, known))


def _missing(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    """Jsonschema tells each missing key on its own; the mapping's first key is where one would write it."""
    missing = next((key for key in _wanted(error) if f"'{key}'" in error.message), "")
    says = _schema(error).get("properties", {}).get(missing, {}).get("description", "")
    yield Finding(
        codes.MISSING_KEY, _start(node), f"{missing} is missing", f"add {missing}: {_lowered(says)}" if says else f"add {missing}"
    )


def _schema(error: ValidationError) -> Mapping[str, Any]:
    """The part of the schema that was broken."""
    part: Any = error.schema
    return part if isinstance(part, dict) else {}


def _wanted(error: ValidationError) -> Any:  # noqa: ANN401  whatever the keyword takes
    """What the broken keyword asks for."""
    return error.validator_value


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _start(node: YamlNode) -> Location:
    return next(iter(node.keys.values()), node.where)


def _type(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    wanted = [_wanted(error)] if isinstance(_wanted(error), str) else list(_wanted(error))
    words = " or ".join(_TYPES[name] for name in wanted)
    yield Finding(
        codes.WRONG_TYPE,
        node.where,
        _of(error, f"{_seen(node.value)} stands where {words} is wanted"),
        _instead(node.value, wanted),
        edits=_answer(node, wanted) if len(wanted) == 1 else (),
    )


def _answer(node: YamlNode, wanted: list[str]) -> tuple[Edit, ...]:
    """The value as it is wanted, where only one can be meant."""
    value, (start, end) = node.value, node.span
    if wanted == ["array"] and isinstance(value, str) and _WORD.fullmatch(value):
        return Edit(start, start, "["), Edit(end, end, "]")
    if wanted == ["boolean"] and isinstance(value, str) and value.lower() in ("true", "false"):
        return (Edit(start, end, value.lower()),)
    if wanted == ["string"] and isinstance(value, int):
        text = str(value).lower()
        return (Edit(start, end, f'"{text}"'),) if end - start == len(text) else ()
    return ()


def _instead(value: object, wanted: list[str]) -> str:
    if isinstance(value, str) and _SECRET.search(value):
        return "keep the URL in an environment variable or a secret, and name that: {env: SLACK_WEBHOOK_URL}"
    if "string" in wanted and isinstance(value, int | float | bool):
        return f'quote it: "{str(value).lower() if isinstance(value, bool) else value}"'
    if "array" in wanted and isinstance(value, str):
        return f"write a list: [{value}]"
    if "boolean" in wanted and isinstance(value, str):
        return "write true or false, without quotes"
    return "the schema describes the key; an editor shows the description at the key"


def _seen(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return f"{str(value).lower()} (true or false)"
    return f"{_quoted(str(value))} ({'text' if isinstance(value, str) else 'a number'})"


def _choice(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    choices = [str(choice) for choice in _wanted(error)]
    yield Finding(
        codes.WRONG_VALUE,
        node.where,
        _of(error, f"{_seen(node.value)} is not among the values"),
        suggestion(str(node.value), choices),
    )


def _constant(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    yield Finding(codes.WRONG_VALUE, node.where, _of(error, f"{_seen(node.value)} cannot stand here"), f"write {_wanted(error)}")


def _pattern(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    examples = _schema(error).get("examples") or [_PATTERN_WORDS.get(_wanted(error), "")]
    if isinstance(node.value, dict):  # a key of it that `propertyNames` refuses
        key = str(error.instance)
        yield Finding(codes.WRONG_VALUE, node.keys[key], f"{_quoted(key)} has the wrong form", f"such as {examples[0]}")
        return
    yield Finding(
        codes.WRONG_VALUE,
        node.where,
        _of(error, f"{_quoted(str(node.value))} has the wrong form"),
        f"such as {examples[0]}" if examples[0] else "",
    )


def _size(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    what, instead = _SIZES[str(error.validator)]
    yield Finding(codes.WRONG_VALUE, node.where, _of(error, f"this is too {what}"), f"write {instead.format(_wanted(error))}")


def _unique(node: YamlNode, _: ValidationError) -> Iterator[Finding]:
    seen: list[Any] = []
    for child in node.items():
        if child.value in seen:
            yield Finding(codes.TWICE, child.where, f"{_seen(child.value)} stands twice", "keep one of them")
        seen.append(child.value)


def _any_of(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    """Of alternatives, what is wrong with the one that has the value's type; else what types are wanted."""
    fitting = [inner for inner in error.context or () if inner.validator != "type" or inner.path]
    if fitting:
        yield from _findings_below(node, fitting)
        return
    wanted = [choice.get("type", "object") for choice in _wanted(error)]
    words = " or ".join(_TYPES[name] for name in wanted)
    yield Finding(
        codes.WRONG_TYPE, node.where, f"{_seen(node.value)} stands where {words} is wanted", _instead(node.value, wanted)
    )


def _findings_below(node: YamlNode, errors: list[ValidationError]) -> Iterator[Finding]:
    for inner in errors:
        inner_node = node.at(*inner.relative_path) or node
        say = _SAYINGS.get(str(inner.validator))
        if say is not None:
            yield from say(inner_node, inner)


_PATTERN_WORDS: Final = {
    "^[a-z0-9]+(-[a-z0-9]+)*$": "payments-prod: lower case, digits and single dashes",
    "^[0-9]{12}$": '"111122223333": twelve digits in quotes',
    "^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "prod: lower case, digits and single dashes, a letter first",
    "^([0-9]{12}|[a-z][a-z0-9]*(-[a-z0-9]+)*)$": '"111122223333": twelve digits in quotes, or an alias of account_names',
    "^https://[^\\s/]+(/\\S*)?$": "https://wiki.example.com/page",
    "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$": "mon, or mon-fri",
    "^[A-Za-z0-9]{1,100}$": "GetObject",
}

_SIZES: Final = {
    "minItems": ("short", "at least {} of them"),
    "maxItems": ("long", "at most {} of them"),
    "minLength": ("short", "at least {} characters"),
    "maxLength": ("long", "at most {} characters"),
    "minProperties": ("short", "at least {} of them"),
    "minimum": ("small", "at least {}"),
    "maximum": ("large", "at most {}"),
}

_SAYINGS: Final[Mapping[str, Callable[[YamlNode, ValidationError], Iterable[Finding]]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing,
    "type": _type,
    "enum": _choice,
    "const": _constant,
    "pattern": _pattern,
    "minItems": _size,
    "maxItems": _size,
    "minLength": _size,
    "maxLength": _size,
    "minProperties": _size,
    "minimum": _size,
    "maximum": _size,
    "uniqueItems": _unique,
    "anyOf": _any_of,
}


def _of(error: ValidationError, what: str) -> str:
    """`key: what`, with the key that holds the value."""
    names = [part for part in error.absolute_path if isinstance(part, str)]
    return f"{names[-1]}: {what}" if names else what


def _quoted(text: str) -> str:
    """A text in quotes, cut; one that may be a secret is not shown."""
    if _SECRET.search(text):
        return "a webhook's URL"
    return repr(text if len(text) <= _SHORTEST_QUOTE else text[:_SHORTEST_QUOTE] + "…")


def suggestion(word: str, known: Iterable[str]) -> str:
    """What may have been meant; else all that there is."""
    names = list(known)
    near = difflib.get_close_matches(word[:100], names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"there is: {', '.join(names[:30])}" if names else "there is none"
