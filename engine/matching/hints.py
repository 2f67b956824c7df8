"""What to write instead of what is not JMESPath, where it is known from other languages what was meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WORD: Final = re.compile(r"[A-Za-z_]+")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
_DASHED: Final = re.compile(r"(?:-[A-Za-z0-9_]*)+")
_VALUE_BEFORE: Final = re.compile(r"(?:[=<>,(]\s*)$")
_NOT_BEFORE: Final = re.compile(r"\bnot\s+$", re.IGNORECASE)
_FIELD_BEFORE: Final = re.compile(r"""([A-Za-z_][\w.]*)\s+(?:not\s+)?$""", re.IGNORECASE)
_CURLY_QUOTES: Final = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d"

_LIST: Final = "one of several values is written contains(['a', 'b'], {field})"
_WORDS: Final[Mapping[str, str]] = {
    "and": "write && instead of {word}",
    "between": "write a range as two comparisons: `1` <= {field} && {field} <= `9`",
    "contains": "a function stands before its arguments: contains({field}, 'text')",
    "eq": "write == instead of {word}",
    "in": _LIST,
    "is": "write == instead of {word}, and null as `null`",
    "like": "write glob({field}, 'a*') instead of {word}",
    "matches": "write regex({field}, 'pattern') instead of {word}",
    "ne": "write != instead of {word}",
    "not": f"write ! before parentheses, as in !({{field}} == 'a'); {_LIST}",
    "or": "write || instead of {word}",
}


def hint(expression: str, offset: int) -> str:
    """What to write instead of what was not expected at a character of an expression; empty where that is not known."""
    before, rest = expression[:offset], expression[offset:]
    return next((text for look in _HINTS if (text := look(before, rest))), "")


def _quotes(_: str, rest: str) -> str:
    return "write straight single quotes: 'text'" if rest[:1] in _CURLY_QUOTES and rest else ""


def _dash(before: str, rest: str) -> str:
    """`a-b` is a minus in other languages; JMESPath has none, and a name with a dash is quoted."""
    name, dashed = _NAME.search(before), _DASHED.match(rest)
    if name is None or dashed is None:
        return ""
    whole = name[0] + dashed[0]
    if _VALUE_BEFORE.search(before[: name.start()]):
        return f"a text has single quotes: '{whole}'"
    return f'a name with a dash has double quotes: "{whole}"'


def _number(_: str, rest: str) -> str:
    number = _NUMBER.match(rest)
    return f"a number has backticks: `{number[0]}`" if number else ""


def _negated(before: str, _: str) -> str:
    return "write ! instead of not, and parentheses: !(…)" if _NOT_BEFORE.search(before) else ""


def _word(before: str, rest: str) -> str:
    word, field = _WORD.match(rest), _FIELD_BEFORE.search(before)
    text = _WORDS.get(word[0].lower(), "") if word else ""
    return text.format(word=word[0] if word else "", field=field[1] if field else "field")


def _operator(_: str, rest: str) -> str:
    return next((text for start, text in _OPERATORS.items() if rest.startswith(start)), "")


_OPERATORS: Final[Mapping[str, str]] = {
    "=~": "write regex(field, 'pattern') instead of =~",
    "=": "write ==",
    ">": "write != instead of <>",
    "&": "write &&",
    "/": "a text has single quotes: 'a/b'",
    ";": "an expression is one line; join conditions with &&, or write them as a list",
    "%": "a text has single quotes: '100%'",
    "$": "a name stands for itself, without $",
    "#": "a comment stands outside of the expression",
}

_HINTS: Final[tuple[Callable[[str, str], str], ...]] = (_quotes, _dash, _negated, _word, _number, _operator)
"""What may be meant, the most certain first."""
