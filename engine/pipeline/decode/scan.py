"""The JSON values of a text: one payload, JSON Lines, or a list's elements one by one, so that a log file is never held whole.

What cannot be read is told once, and reading goes on at the next place where a value or a record begins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import repr_only
from engine.pipeline.decode.record import READER
from engine.pipeline.decode.text import TOLD, Text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

LONGEST_ELEMENT: Final = 8 << 20
"""How many characters an element of a list may have. A record of CloudTrail's and a message of SQS's reach 1 MiB."""

LONGEST: Final = 32 << 20
"""How many characters any other value may have: a payload that is no list, an inflated CloudWatch Logs subscription."""

EMPTY: Final = "is empty"
RECORDS: Final = ".Records"

_RECORDS: Final = re.compile(r'\{\s{0,32}"Records"\s{0,8}:\s{0,32}\[')
_LIST: Final = re.compile(r"\[")
_LIST_END: Final = re.compile(r"\]")
_OBJECT_END: Final = re.compile(r"\}")


@repr_only("step", "number", "gap", "again")
class Scanned(NamedTuple):
    """A value, or a gap: why there is none. `step` is the way to it in its text, `number` counts from 1 in its list or text.

    `again`: the text could not be fetched to its end, so that where there is a gap, another try may find more.
    """

    step: str
    number: int
    value: object = None
    gap: str | None = None
    again: bool = False


class Begun(NamedTuple):
    """How far a text has been read by other means: so many values, up to a line; `listed`: of its first list of `Records`.

    That list begins on `first_line`.
    """

    listed: bool = False
    number: int = 0
    line: int = 1
    first_line: int = 1

    def after(self, values: int, line_ends: int) -> Begun:
        """The same so many values and lines further on."""
        return self._replace(number=self.number + values, line=self.line + line_ends)


START: Final = Begun()
"""The beginning of a text."""


def scan(pieces: Iterator[str], begun: Begun = START) -> Iterator[Scanned]:
    """Every value of a text, and a gap for every stretch that could not be read; an empty text is a gap, too.

    The text ends where `pieces` raises `DamagedError` or `FetchError`: what came before stands. With `begun`, what is left of it.
    """
    text = Text(pieces, begun.line)
    empty = not text.skip() and begun == START
    number = begun.number
    if begun.listed:
        yield from _log(text, RECORDS, f" line {begun.first_line}", begun.number)
        number = 1
    yield from _values(text, number)
    end = text.told_end() or (EMPTY if empty else None)
    if end:
        yield Scanned("", 1, gap=end, again=text.again)


def sole_object(text: str) -> dict[str, Any] | None:
    """The object that a text consists of, as `scan` would give it; None for any other text, whatever that holds."""
    if not text.startswith("{") or starts_a_log(text):
        return None
    try:
        value, end = READER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return value if end == len(text) else None


def starts_a_log(text: str) -> bool:
    """Whether a text begins with a list of `Records`, which is read element by element, whatever else its object has."""
    return _RECORDS.match(text) is not None


def _values(text: Text, number: int) -> Iterator[Scanned]:
    """The values that follow each other. A sole one needs no line to be found."""
    while text.skip():
        line = f" line {text.line}"
        if text.take(_RECORDS):
            yield from _log(text, line + RECORDS if number else RECORDS, line)
        elif text.take(_LIST):
            yield from _elements(text, line if number else "")
        else:
            value, gap = text.value(LONGEST)
            if gap == TOLD:
                continue
            sole = not number and not text.skip()
            yield Scanned("" if sole else line, number + 1, value, gap, text.again)
        number += 1


def _log(text: Text, step: str, line: str, number: int = 0) -> Iterator[Scanned]:
    """The elements of a list of `Records`, and what stands after it; so many of them were read before."""
    closed = yield from _elements(text, step, number)
    if closed:
        yield from _members_after(text, line)


def _elements(text: Text, step: str, number: int = 0) -> Generator[Scanned, None, bool]:
    """The elements of a list, up to its bracket; returns whether there was one."""
    while text.skip():
        if text.take(_LIST_END):
            return True
        value, gap = text.value(LONGEST_ELEMENT)
        if gap != TOLD:
            yield Scanned(f"{step}[{number}]", number + 1, value, gap, text.again)
            number += 1
    end = text.told_open_end()
    if end:
        yield Scanned(f"{step}[{number}]", number + 1, gap=end, again=text.again)
    return False


def _members_after(text: Text, step: str) -> Iterator[Scanned]:
    """Reads what stands after `Records` in its object, up to its brace; nothing there is of use."""
    if text.skip() and text.take(_OBJECT_END):
        return
    text.put_back("{")
    _, gap = text.value(LONGEST)
    if gap:
        yield Scanned(step, 1, gap=gap, again=text.again)
