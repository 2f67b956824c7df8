"""The literal texts that every match of a pattern contains.

Regular expressions are read as RE2 does (https://github.com/google/re2/wiki/Syntax). A pattern with syntax that this module does
not know demands nothing, so a text that is named is always demanded; under `(?i)` in upper or lower case.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Run(NamedTuple):
    """Characters in a row. `start`, `end`: the value starts or ends with them."""

    text: str
    start: bool = False
    end: bool = False


Alternative: TypeAlias = tuple[Run, ...]
"""The runs that a value contains, in this order, where it matches by one of a pattern's alternatives."""

_MOST_ALTERNATIVES: Final = 256
_MOST_COPIES: Final = 64
"""Characters that a count such as `{12}` is spelled out to."""
_DEEPEST: Final = 50

_ANYTHING: Final[tuple[Alternative, ...]] = ((),)


def demanded(kind: str, value: str) -> tuple[Alternative, ...]:
    """The alternatives of a pattern, each with the runs that it demands; none of them is left out.

    `kind` is that of an atom: `glob`, `regex`, `prefix`, `suffix` or `contains`. Any other demands nothing.
    """
    read = _READERS.get(kind)
    return _ANYTHING if read is None else read(value)


# --- plain texts and globs -------------------------------------------------------------------------------------------


def _glob(pattern: str) -> tuple[Alternative, ...]:
    pieces = re.split(r"[*?]", pattern)
    last = len(pieces) - 1
    runs = (Run(piece, start=place == 0, end=place == last) for place, piece in enumerate(pieces))
    return (tuple(run for run in runs if run.text),)


# --- regular expressions ---------------------------------------------------------------------------------------------

_GAP: Final = None
_START: Final = True
_END: Final = False
_Piece: TypeAlias = "str | bool | None"
"""A character; a place where anything may stand; the start or the end of the value."""
_Pieces: TypeAlias = "tuple[_Piece, ...]"

_COUNT: Final = re.compile(r"\{(\d{1,4})(,(\d{1,4})?)?\}")
_FLAGS: Final = re.compile(r"\?([a-zA-Z]*)(?:-([a-zA-Z]+))?([:)])")
_NAMED: Final = re.compile(r"\?P?<[A-Za-z0-9_]+>")
_CLASSES: Final = frozenset("dDwWsSbB")


class _UnknownError(Exception):
    """Syntax of which nothing is said."""


def _regex(pattern: str) -> tuple[Alternative, ...]:
    try:
        alternatives = _Regex(pattern).read()
    except _UnknownError:
        return _ANYTHING
    return tuple(tuple(_runs(pieces)) for pieces in alternatives)


class _Regex:
    """Reads a regular expression from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0
        self._lines = False
        """Whether `^` and `$` may stand for the ends of lines."""

    def read(self) -> list[_Pieces]:
        """The alternatives of the whole."""
        alternatives = self._alternatives(0)
        if self._place < len(self._pattern):
            raise _UnknownError
        return alternatives

    def _next(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _taken(self, form: re.Pattern[str]) -> re.Match[str] | None:
        match = form.match(self._pattern, self._place)
        if match is not None:
            self._place = match.end()
        return match

    def _alternatives(self, depth: int) -> list[_Pieces]:
        if depth > _DEEPEST:
            raise _UnknownError
        alternatives = self._sequence(depth)
        while self._next() == "|":
            self._place += 1
            alternatives = [*alternatives, *self._sequence(depth)]
        return _bounded(alternatives)

    def _sequence(self, depth: int) -> list[_Pieces]:
        alternatives: list[list[_Piece]] = [[]]
        while self._next() not in ("", "|", ")"):
            part = self._repeated(self._part(depth))
            if len(alternatives) * len(part) > _MOST_ALTERNATIVES:
                part = [(_GAP,)]
            if len(part) == 1:
                for pieces in alternatives:
                    pieces.extend(part[0])
            else:
                alternatives = [[*before, *after] for before, after in product(alternatives, part)]
        return [tuple(pieces) for pieces in alternatives]

    def _part(self, depth: int) -> list[_Pieces]:
        character = self._next()
        self._place += 1
        if character == "(":
            return self._group(depth)
        if character == "[":
            return [self._class()]
        if character == "\\":
            return [(self._escape(),)]
        if character in "^$":
            return [(_GAP if self._lines else _START if character == "^" else _END,)]
        if character in "*+?":
            raise _UnknownError
        return [(_GAP if character == "." else character,)]

    def _escape(self) -> _Piece:
        character = self._next()
        self._place += 1
        if character in _CLASSES and character:
            return _GAP
        if character == "A":
            return _START
        if character == "z":
            return _END
        if not character or character.isalnum() or not character.isascii():
            raise _UnknownError
        return character

    def _class(self) -> _Pieces:
        """A class is any character; one of a single member is that character."""
        start = self._place
        if self._next() == "^":
            self._place += 1
        first = True
        while first or self._next() != "]":
            character = self._next()
            if not character or (character == "[" and self._pattern[self._place + 1 : self._place + 2] == ":"):
                raise _UnknownError
            self._place += 2 if character == "\\" else 1
            first = False
        members = self._pattern[start : self._place]
        self._place += 1
        return (members if len(members) == 1 else _GAP,)

    def _group(self, depth: int) -> list[_Pieces]:
        if self._next() == "?" and not self._taken(_NAMED):
            flags = self._taken(_FLAGS)
            if flags is None:
                raise _UnknownError
            self._lines = self._lines or "m" in (flags[1] or "")
            if flags[3] == ")":
                return [()]
        alternatives = self._alternatives(depth + 1)
        if self._next() != ")":
            raise _UnknownError
        self._place += 1
        return alternatives

    def _repeated(self, part: list[_Pieces]) -> list[_Pieces]:
        """A part with the count that follows it."""
        least, most = 1, 1
        count = self._taken(_COUNT)
        if count is not None:
            least = int(count[1])
            most = least if count[2] is None else _MOST_COPIES + 1
        elif self._next() and self._next() in "*+?":
            least, most = int(self._next() == "+"), _MOST_COPIES + 1
            self._place += 1
        else:
            return part
        if self._next() == "?":
            self._place += 1
        if least == 0:
            return [(_GAP,)]
        if len(part) > 1 or len(part[0]) * least > _MOST_COPIES:
            return [(*pieces, _GAP) for pieces in part]
        return [(*part[0] * least, *(() if most == least else (_GAP,)))]


def _bounded(alternatives: list[_Pieces]) -> list[_Pieces]:
    return alternatives if len(alternatives) <= _MOST_ALTERNATIVES else [(_GAP,)]


def _runs(pieces: _Pieces) -> Iterator[Run]:
    """The runs of one alternative. A start or an end in the middle is a gap."""
    text, start, place = "", False, 0
    for place, piece in enumerate(pieces):
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            yield Run(text, start, end=piece is _END and place == len(pieces) - 1)
        text, start = "", piece is _START and place == 0
    if text:
        yield Run(text, start)


_READERS: Final[Mapping[str, Callable[[str], tuple[Alternative, ...]]]] = {
    "contains": lambda text: ((Run(text),) if text else (),),
    "glob": _glob,
    "prefix": lambda text: ((Run(text, start=True),) if text else (),),
    "regex": _regex,
    "suffix": lambda text: ((Run(text, end=True),) if text else (),),
}
