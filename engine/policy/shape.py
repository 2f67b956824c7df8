"""Checks a file against the JSON Schema, and words each mistake as a finding at its place."""

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
_PLAIN_KEY: Final = re.compile(r"[\w-]+")
_WORD: Final = re.compile(r"[\w.*?/-]+", re.ASCII)
_SECRET: Final = re.compile(r"hooks\.slack\.com|xox[a-z]-|\b(?:AKIA|ASIA)[A-Z0-9]{12,}")
"""What must not come back in a finding, which a build log shows to everybody."""


@cache
def _validator(schema_text: str) -> Draft202012Validator:
    import json  # noqa: PLC0415  both only where a set is validated, never on a prepared start

    from jsonschema import Draft202012Validator  # noqa: PLC0415

    return Draft202012Validator(json.loads(schema_text))


def shape_findings(root: YamlNode, schema_text: str) -> tuple[Finding, ...]:
    """Check a file against a schema (its JSON text): one finding for each mistake, at the deepest node that explains it."""
    errors = sorted(_validator(schema_text).iter_errors(root.value), key=lambda error: list(map(str, error.absolute_path)))
    findings = [finding for error in errors for finding in _findings(root, error)]
    return tuple(finding for finding in findings if not _misspelled(finding, findings))


def _misspelled(finding: Finding, findings: Iterable[Finding]) -> bool:
    """Whether a key is missing because it is there under a name that is nearly its own: one mistake, one finding."""
    if finding.code != codes.MISSING_KEY:
        return False
    meant = f"did you mean {finding.what.removesuffix(' is missing')}?"
    return any(other.code == codes.UNKNOWN_KEY and other.instead == meant for other in findings)


def _findings(root: YamlNode, error: ValidationError) -> Iterator[Finding]:
    node = root.at(*error.absolute_path) or root
    describe: Callable[[YamlNode, ValidationError], Iterable[Finding]] | None = _DESCRIBERS.get(str(error.validator))
    yield from (
        describe(node, error) if describe else [Finding(codes.WRONG_VALUE, node.where, _of(error, "this is not allowed here"))]
    )


def _unknown_keys(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    known = list(_schema(error).get("properties", {}))
    for key in node.keys:
        if key not in known:
            split = node.children[key].value is None and not _PLAIN_KEY.fullmatch(key)
            instead = "quote the expression before it: a comma within { } ends a value" if split else suggestion(key, known)
            yield Finding(codes.UNKNOWN_KEY, node.keys[key], f"there is no key {_quoted(key)} here", instead)


def _missing(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    """Jsonschema tells each missing key on its own; the mapping's first key is where one would write it."""
    missing = next((key for key in _expected(error) if f"'{key}'" in error.message), "")
    description = _schema(error).get("properties", {}).get(missing, {}).get("description", "")
    yield Finding(
        codes.MISSING_KEY,
        _start(node),
        f"{missing} is missing",
        f"add {missing}: {_lowered(description)}" if description else f"add {missing}",
    )


def _schema(error: ValidationError) -> Mapping[str, Any]:
    """The part of the schema that was broken."""
    part: Any = error.schema
    return part if isinstance(part, dict) else {}


def _expected(error: ValidationError) -> Any:  # noqa: ANN401  whatever the keyword takes
    """What the broken keyword asks for."""
    return error.validator_value


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _start(node: YamlNode) -> Location:
    return next(iter(node.keys.values()), node.where)


def _type(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    expected = [_expected(error)] if isinstance(_expected(error), str) else list(_expected(error))
    words = " or ".join(_TYPES[name] for name in expected)
    yield Finding(
        codes.WRONG_TYPE,
        node.where,
        _of(error, f"expected {words}, got {_described(node.value)}"),
        _REASONS.get(_key(error)) or _instead(node.value, expected),
        edits=_fix(node, expected) if len(expected) == 1 and _key(error) not in _REASONS else (),
    )


_REASONS: Final[Mapping[str, str]] = {
    "mute": "write the reason: mute: a nightly job, OPS-1",
    "reason": "write the reason: reason: a migration, OPS-1",
}
"""Values that only their author knows."""


def _key(error: ValidationError) -> str:
    """The key that holds the value; empty where none does."""
    return next((part for part in reversed(error.absolute_path) if isinstance(part, str)), "")


def _fix(node: YamlNode, expected: list[str]) -> tuple[Edit, ...]:
    """The value as it is expected, where only one can be meant."""
    value, (start, end) = node.value, node.span
    if expected == ["array"] and isinstance(value, str) and _WORD.fullmatch(value):
        return Edit(start, start, "["), Edit(end, end, "]")
    if expected == ["boolean"] and isinstance(value, str) and value.lower() in ("true", "false"):
        return (Edit(start, end, value.lower()),)
    if expected == ["string"] and isinstance(value, int):
        text = str(value).lower()
        return (Edit(start, end, f'"{text}"'),) if end - start == len(text) else ()
    return ()


def _instead(value: object, expected: list[str]) -> str:
    if isinstance(value, str) and _SECRET.search(value):
        return "keep the URL in an environment variable or a secret, and name that: {env: SLACK_WEBHOOK_URL}"
    if "string" in expected and isinstance(value, int | float | bool):
        return f'quote it: "{str(value).lower() if isinstance(value, bool) else value}"'
    if "array" in expected and isinstance(value, str):
        return f"write a list: [{value}]"
    if "boolean" in expected and isinstance(value, str):
        return "write true or false, without quotes"
    return "the schema describes the key; an editor shows the description at the key"


def _described(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return f"{str(value).lower()} (true or false)"
    return f"{_quoted(str(value))} ({'text' if isinstance(value, str) else 'a number'})"


def _choice(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    choices = [str(choice) for choice in _expected(error)]
    yield Finding(
        codes.WRONG_VALUE,
        node.where,
        _of(error, f"{_described(node.value)} is not one of the allowed values"),
        suggestion(str(node.value), choices),
    )


def _constant(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    yield Finding(
        codes.WRONG_VALUE, node.where, _of(error, f"{_described(node.value)} is not allowed here"), f"write {_expected(error)}"
    )


def _pattern(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    examples = [_PATTERN_WORDS[_expected(error)]] if _expected(error) in _PATTERN_WORDS else _schema(error).get("examples", [""])
    if isinstance(node.value, dict):  # a key of it that `propertyNames` refuses
        key = str(error.instance)
        yield Finding(codes.WRONG_VALUE, node.keys[key], f"{_quoted(key)} has the wrong form", f"such as {examples[0]}")
        return
    instead = _bucket_instead(str(node.value)) if _key(error) == "buckets" else f"such as {examples[0]}" if examples[0] else ""
    yield Finding(codes.WRONG_VALUE, node.where, _of(error, f"{_quoted(str(node.value))} has the wrong form"), instead)


def _bucket_instead(text: str) -> str:
    """What to write for a scope that is more than the name of a bucket."""
    name, _, key = _BEFORE_BUCKET.sub("", text).partition("/")
    if name == text:
        return "names have lower-case letters, digits, dots and dashes; * and ? stand for any"
    if key not in ("", "*"):
        return f"write the name of the bucket, {name}, and test the key in when: glob(key, '{key}')"
    return f"write the name of the bucket: {name}"


_BEFORE_BUCKET: Final = re.compile(r"^(?:arn:[a-z-]*:s3[a-z-]*:[^:]*:[^:]*:|s3://)")


def _size(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    what, instead = _SIZES[str(error.validator)]
    yield Finding(codes.WRONG_VALUE, node.where, _of(error, f"this is too {what}"), f"write {instead.format(_expected(error))}")


def _unique(node: YamlNode, _: ValidationError) -> Iterator[Finding]:
    seen: list[Any] = []
    for child in node.items():
        if child.value in seen:
            yield Finding(codes.TWICE, child.where, f"duplicate {_described(child.value)}", "keep one of them")
        seen.append(child.value)


def _any_of(node: YamlNode, error: ValidationError) -> Iterator[Finding]:
    """Of alternatives, what is wrong with the one that has the value's type; else what types are expected."""
    fitting = [inner for inner in error.context or () if inner.validator != "type" or inner.path]
    if fitting:
        yield from _findings_below(node, fitting)
        return
    expected = [choice.get("type", "object") for choice in _expected(error)]
    words = " or ".join(_TYPES[name] for name in expected)
    yield Finding(codes.WRONG_TYPE, node.where, f"expected {words}, got {_described(node.value)}", _instead(node.value, expected))


def _findings_below(node: YamlNode, errors: list[ValidationError]) -> Iterator[Finding]:
    for inner in errors:
        inner_node = node.at(*inner.relative_path) or node
        describe = _DESCRIBERS.get(str(inner.validator))
        if describe is not None:
            yield from describe(inner_node, inner)


_PATTERN_WORDS: Final = {
    "^[a-z0-9]+(-[a-z0-9]+)*$": "payments-prod: lower case, digits and single dashes",
    "^[0-9]{12}$": '"111122223333": twelve digits in quotes',
    "^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "prod: lower case, digits and single dashes, a letter first",
    "^([0-9]{12}|[a-z][a-z0-9]*(-[a-z0-9]+)*)$": '"111122223333": twelve digits in quotes, or an alias of account_names',
    "^https://[^\\s/]+(/\\S*)?$": "https://wiki.example.com/page",
    "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$": "mon, or mon-fri",
    "^[A-Za-z0-9]{1,100}$": "GetObject",
    "^([1-9][0-9]?|[1-9][0-9]{2}|1[0-3][0-9]{2}|14[0-3][0-9]|1440)m$|^([1-9]|1[0-9]|2[0-4])h$": "15m or 2h: from 1m to 24h",
    "^(here|channel|user:[UW][A-Z0-9]{2,20}|subteam:S[A-Z0-9]{2,20})$": "here, channel, user:U0123456789 or subteam:S0123456789",
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

_DESCRIBERS: Final[Mapping[str, Callable[[YamlNode, ValidationError], Iterable[Finding]]]] = {
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
    key = _key(error)
    return f"{key}: {what}" if key else what


def _quoted(text: str) -> str:
    """A text in quotes, cut; one that may be a secret is not shown."""
    if _SECRET.search(text):
        return "a webhook's URL"
    return repr(text if len(text) <= _SHORTEST_QUOTE else text[:_SHORTEST_QUOTE] + "…")


def suggestion(word: str, known: Iterable[str]) -> str:
    """What may have been meant; else all that there is."""
    names = list(known)
    same = next((name for name in names if name.lower() == word.lower()), None)
    if same is not None:
        return f"did you mean {same}?"
    near = difflib.get_close_matches(word[:100], names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"there is: {', '.join(names[:30])}" if names else "there is none"
