"""What is wrong with a text that is not YAML, or that YAML reads otherwise than its author: where, and what to write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model import Finding, Location
from engine.policy import codes
from engine.policy.positions import location_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import yaml

_QUOTE: Final = "quote the whole value"
_OPENED: Final = {
    "while scanning a simple key": ("there is no colon after this key", "write key: value"),
    "while parsing a flow sequence": ("this bracket is never closed", "close it with ]"),
    "while parsing a flow mapping": ("this brace is never closed", "close it with }"),
    "while scanning a quoted scalar": ("this quote is never closed", "close it, or double a quote that is part of the text"),
}
"""What the parser was doing, which says better what is wrong, and where, than what it stumbled over."""

_FLOW: Final[Mapping[str, str]] = {"while parsing a flow sequence": "[ ]", "while parsing a flow mapping": "{ }"}
_VALUE: Final = re.compile(r"(?:^\s*(?:-\s+)*|[{\[,]\s*)(?:[\w-]+:\s+)?(?=[^\s\w])")
"""What stands before a value: the start of a line or of a part of a list or mapping, and a key."""
_KEY: Final = re.compile(r"([\w-]+):(?=\s)")
_INDICATORS: Final = frozenset("`@%*&!|>")
_QUOTED: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")
_TOKEN: Final = re.compile(rf"{_QUOTED.pattern}|[(),]")
_NEGATED_PATH: Final = re.compile(r"^!(\w+(?:\.\w+)+)")
_OPERATORS: Final = ("=", "!", "<", ">", "&", "|")


def not_yaml(error: yaml.MarkedYAMLError, text: str, path: str) -> Finding:
    """The finding of a text that the parser does not take, where the mistake was made, as far as that is known."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Finding(codes.NOT_YAML, Location(path), "this is not YAML", "look for a missing quote, bracket or indent")
    finding = _begun_with_indicator(error, text, path) or _split_value(error, text, path) or _without_comma(error, text, path)
    if finding is not None:
        return finding
    if error.context in _OPENED and error.context_mark is not None:
        what, instead = _OPENED[error.context]
        return Finding(codes.NOT_YAML, Location(path, error.context_mark.line + 1, error.context_mark.column + 1), what, instead)
    if "mapping values are not allowed" in str(error.problem):
        line = _without_colon(text.split("\n")[: mark.line])
        if line is not None:
            what, instead = _OPENED["while scanning a simple key"]
            return Finding(codes.NOT_YAML, Location(path, *line), what, instead)
        if text[mark.index : mark.index + 2] == ": ":
            what = "a colon and a space within a value"
            return Finding(codes.NOT_YAML, Location(path, mark.line + 1, mark.column + 1), what, _QUOTE)
    what = f"this is not YAML: {error.problem or error.context}"
    return Finding(
        codes.NOT_YAML,
        Location(path, mark.line + 1, mark.column + 1),
        what,
        "look for a missing quote, bracket or indent before it",
    )


def tag_instead(tag: str, value: str) -> str:
    """What to write instead of a tag: an expression that begins with `!` needs quotes."""
    if not tag.startswith("!") or ("(" not in tag and value and not value.startswith(_OPERATORS)):
        return "delete the tag"
    expression = _NEGATED_PATH.sub(r"!(\1)", tag) + (f" {value}" if value else "")
    return "quote the expression" if '"' in expression else f'quote the expression: "{expression}"'


def _begun_with_indicator(  # noqa: PLR0911  one answer a kind of value
    error: yaml.MarkedYAMLError, text: str, path: str
) -> Finding | None:
    """A plain value whose first character means something in YAML, or one that goes on behind its quotes."""
    mark = error.problem_mark or error.context_mark
    if mark is None or error.context in _FLOW or mark.index >= len(text):
        return None
    lines = text.split("\n")
    goes_on = mark.line > 0 and lines[mark.line].lstrip().startswith("&&")
    number = mark.line - goes_on
    line, column = lines[number], len(lines[number]) if goes_on else mark.column + 1
    start = next((match.end() for match in reversed([*_VALUE.finditer(line[:column])])), None)
    if start is None:
        return None
    begin, where = line[start], Location(path, number + 1, start + 1)
    if begin == "!":
        return Finding(codes.TAG, where, "YAML reads what begins with ! as a tag", "quote the expression, the ! included")
    if begin in _INDICATORS:
        return Finding(codes.NOT_YAML, where, f"a value that begins with {begin} means something else in YAML", _QUOTE)
    if begin in "[{" and str(error.context).startswith("while parsing a block"):
        return Finding(codes.NOT_YAML, where, f"a value that begins with {begin} is a list or a mapping in YAML", _QUOTE)
    quoted = _QUOTED.match(line, start)
    if quoted is not None and line[quoted.end() :].strip() and not line[quoted.end() :].lstrip().startswith((":", "#", ",")):
        return Finding(codes.NOT_YAML, where, "this value goes on after its closing quote", _QUOTE)
    return None


def _split_value(error: yaml.MarkedYAMLError, text: str, path: str) -> Finding | None:
    """An unquoted expression within brackets or braces, where YAML ends a value at a comma and begins a list at a bracket."""
    brackets, opened, mark = _FLOW.get(str(error.context)), error.context_mark, error.problem_mark
    if brackets is None or opened is None or mark is None:
        return None
    comma = split_by_comma(text[opened.index + 1 : mark.index])
    if comma is not None:
        where = location_at(path, text, opened.index + 1 + comma)
        return Finding(codes.NOT_YAML, where, f"a comma within {brackets} ends the value", "quote the expression")
    if text[mark.index : mark.index + 1] in ("[", "{"):
        what = f"YAML reads {text[mark.index]} within {brackets} as the start of a list or mapping"
        return Finding(codes.NOT_YAML, location_at(path, text, mark.index), what, "quote the expression")
    return None


def _without_comma(error: yaml.MarkedYAMLError, text: str, path: str) -> Finding | None:
    """Two keys of a mapping in braces with nothing between them."""
    opened, mark = error.context_mark, error.problem_mark
    if opened is None or mark is None or opened.line != mark.line or "expected ',' or" not in str(error.problem):
        return None
    key = _KEY.match(text, mark.index)
    if key is None:
        return None
    where = Location(path, mark.line + 1, mark.column + 1)
    return Finding(codes.NOT_YAML, where, f"there is no comma before {key[1]}", "write a comma between the two")


def split_by_comma(text: str) -> int | None:
    """Where the first comma within parentheses stands in a text, outside of quotes; None where there is none."""
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] == "," and depth:
            return token.start()
        depth += {"(": 1, ")": -1}.get(token[0], 0)
    return None


def _without_colon(lines: Sequence[str]) -> tuple[int, int] | None:
    """Line and column (from 1) of the last line, where it should be `key: value` and has no colon."""
    for number in range(len(lines), 0, -1):
        content = lines[number - 1].split(" #")[0].strip()
        if content and not content.startswith("#"):
            start = len(lines[number - 1]) - len(lines[number - 1].lstrip(" -")) + 1
            return None if ": " in content or content.endswith(":") else (number, start)
    return None
