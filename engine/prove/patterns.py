"""Regular expressions as RE2 reads them, as syntax trees over sets of characters.

Python's syntax is another one: there `(?i)k` does not match the Kelvin sign, here it does. What this module does not read raises
`HardPatternError`, so that nothing is claimed of it. A pattern that Python's `re` evaluates (`matching.regexes`) means the same.
Source: https://github.com/google/re2/wiki/Syntax and RE2's own parser, `re2/parse.cc`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from engine.errors import HardPatternError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LAST: Final = 0x10FFFF
"""The last code point."""

_MOST_REPEATS: Final = 1_000
_DEEPEST: Final = 100

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""A set of characters: ranges in order, apart from each other, their ends included."""

ANYTHING: Final[Ranges] = ((0, LAST),)


class Chars(NamedTuple):
    """One character of a set."""

    ranges: Ranges


class Sequence(NamedTuple):
    """One part after the other."""

    parts: tuple[Pattern, ...]


class Choice(NamedTuple):
    """Any one of some parts."""

    parts: tuple[Pattern, ...]


class Repeat(NamedTuple):
    """A part `least` to `most` times (None: any number)."""

    part: Pattern
    least: int
    most: int | None


class Assertion(NamedTuple):
    """A place between characters: `start` or `end` of the text, or a word's `boundary`."""

    kind: str


Pattern: TypeAlias = "Chars | Sequence | Choice | Repeat | Assertion"

ANY_TEXT: Final = Repeat(Chars(ANYTHING), 0, None)


def text_pattern(text: str) -> Sequence:
    """The pattern of one text."""
    return Sequence(tuple(Chars(((ord(character), ord(character)),)) for character in text))


def literal_start(pattern: Pattern, *, search: bool) -> str:
    """What each text begins with that matches a pattern; with `search`, in which it is found."""
    parts = pattern.parts if isinstance(pattern, Sequence) else (pattern,)
    if search:
        if not parts or parts[0] != Assertion("start"):
            return ""
        parts = parts[1:]
    found: list[str] = []
    for part in parts:
        if not isinstance(part, Chars) or len(part.ranges) != 1 or part.ranges[0][0] != part.ranges[0][1]:
            break
        found.append(chr(part.ranges[0][0]))
    return "".join(found)


def glob_pattern(glob: str) -> Sequence:
    """The pattern of the texts that a glob matches."""
    wild: dict[str, Pattern] = {"*": ANY_TEXT, "?": Chars(ANYTHING)}
    parts = (wild.get(character, Chars(((ord(character), ord(character)),))) for character in glob)
    return Sequence(tuple(parts))


def regex_pattern(text: str) -> Pattern:
    """The pattern of what a regular expression finds. Raises `HardPatternError`."""
    return _PatternReader(text).whole()


# --- sets of characters ------------------------------------------------------------------------------------------------


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """A set of characters of ranges in any order."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def without(ranges: Ranges) -> Ranges:
    """All other characters."""
    outside: list[tuple[int, int]] = []
    start = 0
    for first, last in ranges:
        if first > start:
            outside.append((start, first - 1))
        start = last + 1
    if start <= LAST:
        outside.append((start, LAST))
    return tuple(outside)


_FOLDED: Final[Mapping[str, str]] = {"k": "K\u212a", "s": "S\u017f"}
"""The letters of ASCII that are equal to another character as well where case does not count."""
_ASCII: Final = 0x7F


def _folded(ranges: Ranges) -> Ranges:
    """A set with the other cases of its characters. Raises `HardPatternError` for letters beyond ASCII."""
    found = list(ranges)
    for start, end in ranges:
        if end > _ASCII and (start > _ASCII + 1 or end < LAST):
            raise HardPatternError("letters beyond ASCII where case does not count")
        for character in map(chr, range(start, min(end, _ASCII) + 1)):
            if character.isalpha():
                others = (character.swapcase(), *_FOLDED.get(character.lower(), "")[1:])
                found += [(ord(other), ord(other)) for other in others]
    return union(found)


_DIGITS: Final = ((0x30, 0x39),)
_WORDS: Final = union([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
_SPACES: Final = union([(0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20)])
WORD: Final = _WORDS
"""The characters of words."""

_PERL: Final[Mapping[str, Ranges]] = {"d": _DIGITS, "w": _WORDS, "s": _SPACES}
_POSIX: Final[Mapping[str, Ranges]] = {
    "alnum": union([(0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)]),
    "alpha": union([(0x41, 0x5A), (0x61, 0x7A)]),
    "digit": _DIGITS,
    "lower": ((0x61, 0x7A),),
    "punct": union([(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)]),
    "space": union([(0x09, 0x0D), (0x20, 0x20)]),
    "upper": ((0x41, 0x5A),),
    "word": _WORDS,
    "xdigit": union([(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)]),
}
_CONTROLS: Final[Mapping[str, int]] = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}

# --- the parser --------------------------------------------------------------------------------------------------------

_COUNT: Final = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{0,4}))?\}")
_FLAGS: Final = re.compile(r"\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAMED: Final = re.compile(r"\?P?<[A-Za-z0-9_]+>")
_POSIX_NAME: Final = re.compile(r"\[:(\^?)([a-z]+):\]")
_HEXADECIMAL: Final = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})")


class _Flags(NamedTuple):
    fold: bool = False
    lines: bool = False
    dot_all: bool = False


class _PatternReader:
    """Reads a regular expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._flags = _Flags()

    def whole(self) -> Pattern:
        """The pattern of the whole text."""
        pattern = self._choice(0)
        if self._place < len(self._text):
            raise self._hard()
        return pattern

    def _hard(self) -> HardPatternError:
        return HardPatternError(f"the pattern's syntax at character {self._place + 1}")

    def _next(self) -> str:
        return self._text[self._place : self._place + 1]

    def _take(self) -> str:
        character = self._next()
        if not character:
            raise self._hard()
        self._place += 1
        return character

    def _taken(self, form: re.Pattern[str]) -> re.Match[str] | None:
        match = form.match(self._text, self._place)
        if match is not None:
            self._place = match.end()
        return match

    def _choice(self, depth: int) -> Pattern:
        """Alternatives up to the end of their group; flags that are set in it end with it."""
        if depth > _DEEPEST:
            raise self._hard()
        flags = self._flags
        parts = [self._sequence(depth)]
        while self._next() == "|":
            self._place += 1
            parts.append(self._sequence(depth))
        self._flags = flags
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self, depth: int) -> Pattern:
        parts: list[Pattern] = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._repeated(self._part(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _part(self, depth: int) -> Pattern:
        character = self._take()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._class()
        if character == ".":
            return Chars(ANYTHING if self._flags.dot_all else without(((10, 10),)))
        if character in "^$":
            if self._flags.lines:
                raise self._hard()
            return Assertion("start" if character == "^" else "end")
        if character == "\\":
            return self._escape()
        if character in "*+?":
            raise self._hard()
        return self._literal(ord(character))

    def _literal(self, code: int) -> Chars:
        ranges: Ranges = ((code, code),)
        return Chars(_folded(ranges) if self._flags.fold else ranges)

    def _group(self, depth: int) -> Pattern:
        before = self._flags
        if self._next() == "?" and not self._taken(_NAMED):
            flags = self._taken(_FLAGS)
            if flags is None:
                raise self._hard()
            self._flags = _changed(before, flags[1] or "", flags[2] or "")
            if flags[3] == ")":
                return Sequence(())  # the flags hold to the end of the group around them
        pattern = self._choice(depth + 1)
        if self._take() != ")":
            raise self._hard()
        self._flags = before
        return pattern

    def _repeated(self, part: Pattern) -> Pattern:
        count = self._taken(_COUNT)
        if count is not None:
            least = int(count[1])
            most = least if count[2] is None else int(count[3]) if count[3] else None
            if max(least, most or 0) > _MOST_REPEATS:
                raise self._hard()
        elif self._next() and self._next() in "*+?":
            sign = self._take()
            least, most = int(sign == "+"), 1 if sign == "?" else None
        else:
            return part
        if self._next() == "?":
            self._place += 1
        if self._next() and self._next() in "*+?":
            raise self._hard()
        return Repeat(part, least, most)

    def _escape(self) -> Pattern:
        character = self._next()
        if character and character in "bAz":  # not \\B, which RE2 also finds within a character of several bytes
            self._place += 1
            return Assertion({"b": "boundary", "A": "start", "z": "end"}[character])
        ranges = self._perl()
        return Chars(ranges) if ranges is not None else self._literal(self._code())

    def _perl(self) -> Ranges | None:
        r"""The set of `\d` and its like; None for any other escape."""
        character = self._next()
        ranges = _PERL.get(character.lower()) if character else None
        if ranges is None:
            return None
        self._place += 1
        ranges = _folded(ranges) if self._flags.fold else ranges
        return ranges if character.islower() else without(ranges)

    def _code(self) -> int:
        """The character of an escape that stands for one."""
        hexadecimal = self._taken(_HEXADECIMAL)
        if hexadecimal is not None:
            return min(int(hexadecimal[1] or hexadecimal[2], 16), LAST)
        character = self._take()
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum() or ord(character) > _ASCII:
            self._place -= 1
            raise self._hard()
        return ord(character)

    def _class(self) -> Pattern:
        negated = self._next() == "^"
        self._place += negated
        found: list[tuple[int, int]] = []
        first = True
        while first or self._next() != "]":
            first = False
            found += self._class_part()
        self._place += 1
        ranges = union(found)
        return Chars(without(ranges) if negated else ranges)

    def _class_part(self) -> Ranges:
        posix = self._taken(_POSIX_NAME)
        if posix is not None:
            if posix[2] not in _POSIX:
                raise self._hard()
            ranges = _folded(_POSIX[posix[2]]) if self._flags.fold else _POSIX[posix[2]]
            return without(ranges) if posix[1] else ranges
        if self._next() == "\\":
            self._place += 1
            perl = self._perl()
            if perl is not None:
                return perl
            start = self._code()
        else:
            start = ord(self._take())
        end = start
        if self._next() == "-" and self._text[self._place + 1 : self._place + 2] not in ("]", ""):
            self._place += 1
            end = self._class_end()
        if end < start:
            raise self._hard()
        ranges = ((start, end),)
        return _folded(ranges) if self._flags.fold else ranges

    def _class_end(self) -> int:
        if self._next() == "\\":
            self._place += 1
            return self._code()
        if self._next() == "[":
            raise self._hard()
        return ord(self._take())


def _changed(flags: _Flags, on: str, off: str) -> _Flags:
    names = {"i": "fold", "m": "lines", "s": "dot_all"}
    changes = {names[letter]: value for letters, value in ((on, True), (off, False)) for letter in letters if letter in names}
    return flags._replace(**changes)
