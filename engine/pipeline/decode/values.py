"""The JSON values of a text that arrives in pieces: one payload, JSON Lines, or the elements of a list, one at a time.

A log file is never held in memory as a whole. A value that Python's JSON reader cannot take (nested too deeply, a number with too
many digits) is an error by itself. Where a text is damaged, the end of the damaged value is unknown: the values before it stand,
the damage is one error, and reading goes on at the next line that begins with a value. A log file that is one line, as CloudTrail
writes it, therefore ends at its first damage.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import FetchError
from engine.model import repr_only
from engine.pipeline.decode.pieces import Pieces
from engine.pipeline.decode.record import READER, TOO_DEEP

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

LONGEST_ELEMENT: Final = 8 << 20
"""The most characters of a list's element. Records of CloudTrail and messages of SQS have at most 1 MiB."""

LONGEST: Final = 32 << 20
"""The most characters of any other value: a payload that is no list, an inflated CloudWatch Logs subscription."""

EMPTY: Final = "is empty"
NOT_JSON: Final = "is not JSON"
CUT_OFF: Final = "is cut off"
TOO_LONG: Final = "is too long for one value"
TOO_MANY_DIGITS: Final = "has a number of too many digits"
RECORDS: Final = ".Records"

_FILL: Final = 64 << 10
_LOOK_AHEAD: Final = 128
_LONGEST_TOKEN: Final = 16
"""The most characters of a number's, a constant's or an escape's beginning that is not yet a token."""

_RECORDS: Final = re.compile(r'\{\s{0,32}"Records"\s{0,8}:\s{0,32}\[')
_LIST: Final = re.compile(r"\[")
_LIST_END: Final = re.compile(r"\]")
_OBJECT_END: Final = re.compile(r"\}")
_BETWEEN: Final = re.compile(r"[\s,\ufeff]*")
_LINE_START: Final = re.compile(r"(?<=\n)[{\[]")
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+("?)|([{\[])|[}\]]', re.DOTALL)


@repr_only("path", "number", "error", "retry")
class JsonValue(NamedTuple):
    """A value of a text, or the `error` in its place.

    `path` leads from the text to the value; `number` counts from 1 in its list or text. `retry`: the text could not be fetched to
    its end, so another attempt may read more.
    """

    path: str
    number: int
    value: object = None
    error: str | None = None
    retry: bool = False


class Position(NamedTuple):
    """How far a text was read: `number` values, up to `line`; `in_list`: of its first `Records`, which begin on `first_line`."""

    in_list: bool = False
    number: int = 0
    line: int = 1
    first_line: int = 1

    def after(self, values: int, line_ends: int) -> Position:
        """The position that many values and lines further on."""
        return self._replace(number=self.number + values, line=self.line + line_ends)


START: Final = Position()
"""The beginning of a text."""


def read_values(pieces: Iterator[str], position: Position = START) -> Iterator[JsonValue]:
    """Every value of a text from `position` on, with an error in the place of each that cannot be read.

    An empty text is an error, too. Where `pieces` raises `DamagedError` or `FetchError` the text ends: what came before
    stands.
    """
    text = _Text(pieces, position.line)
    empty = not text.skip() and position == START
    number = position.number
    if position.in_list:
        yield from _log(text, RECORDS, f" line {position.first_line}", number)
        number = 1
    yield from _values(text, number)
    error = text.take_fault() or (EMPTY if empty else None)
    if error:
        yield JsonValue("", 1, error=error, retry=text.retry)


def starts_a_log(text: str) -> bool:
    """Whether a text begins with a list of `Records`, which is read element by element, whatever else its object has."""
    return _RECORDS.match(text) is not None


def _values(text: _Text, number: int) -> Iterator[JsonValue]:
    """The values that follow each other. A text's only value needs no line in its path."""
    while text.skip():
        line = f" line {text.line}"
        if text.take(_RECORDS):
            yield from _log(text, line + RECORDS if number else RECORDS, line)
        elif text.take(_LIST):
            yield from _elements(text, line if number else "")
        else:
            value, error = text.value(LONGEST)
            only = not number and not text.skip()
            yield JsonValue("" if only else line, number + 1, value, error, text.retry)
        number += 1


def _log(text: _Text, path: str, line: str, number: int = 0) -> Iterator[JsonValue]:
    """The elements of a list of `Records`, of which `number` were read before, and errors in what follows it in its object."""
    closed = yield from _elements(text, path, number)
    if not closed or (text.skip() and text.take(_OBJECT_END)):
        return
    text.put_back("{")
    _, error = text.value(LONGEST)
    if error:
        yield JsonValue(line, 1, error=error, retry=text.retry)


def _elements(text: _Text, path: str, number: int = 0) -> Generator[JsonValue, None, bool]:
    """The elements of a list; returns whether its end was reached."""
    while text.skip():
        if text.take(_LIST_END):
            return True
        value, error = text.value(LONGEST_ELEMENT)
        yield JsonValue(f"{path}[{number}]", number + 1, value, error, text.retry)
        number += 1
        if text.lost:
            return False
    yield JsonValue(f"{path}[{number}]", number + 1, error=text.take_fault() or CUT_OFF, retry=text.retry)
    return False


class _Text:
    """The part of a text that has arrived and was not used yet.

    `lost`: the last value is damaged, so the text goes on elsewhere. `retry`: the text could not be fetched to its end.
    """

    def __init__(self, pieces: Iterator[str], line: int) -> None:
        self.lost = self.retry = False
        self._pieces = Pieces(pieces)
        self._unused = ""
        self._at = 0
        self._line = line
        self._counted = 0

    @property
    def line(self) -> int:
        """The line on which the next value begins."""
        self._line += self._unused.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def skip(self) -> bool:
        """Whether a value follows the space and the commas that come next."""
        while True:
            between = _BETWEEN.match(self._unused, self._at)
            self._at = between.end() if between else self._at
            if self._at < len(self._unused):
                return True
            if not self._fill():
                return False

    def take(self, pattern: re.Pattern[str]) -> bool:
        """Whether the text goes on with a pattern of at most 128 characters, which is used then."""
        if len(self._unused) - self._at < _LOOK_AHEAD:
            self._fill()
        match = pattern.match(self._unused, self._at)
        self._at = match.end() if match else self._at
        return match is not None

    def put_back(self, before: str) -> None:
        """Sets something before what was not used yet."""
        self._unused = before + self._left()

    def take_fault(self) -> str | None:
        """Why the text ended too early, if it did; the second call returns None."""
        fault, self._pieces.fault = self._pieces.fault, None
        return None if fault is None else str(fault)

    def value(self, longest: int) -> tuple[object, str | None]:
        """The next JSON value, or None and the error; after damage the text goes on at the next line that begins with a value."""
        self.lost = False
        while True:
            try:
                value, self._at = READER.raw_decode(self._unused, self._at)
            except json.JSONDecodeError as failure:
                error = self._damage(failure, longest)
                if error is None:
                    continue
                self._resume()
                return None, error
            except RecursionError:
                return None, self._pass_by(TOO_DEEP, longest)
            except ValueError:
                return None, self._pass_by(TOO_MANY_DIGITS, longest)
            return value, None

    def _damage(self, failure: json.JSONDecodeError, longest: int) -> str | None:
        """Why a value cannot be read; None where more of it has arrived."""
        unterminated = failure.msg.startswith("Unterminated string")
        if not unterminated and failure.pos < len(self._unused) - _LONGEST_TOKEN:
            return NOT_JSON
        if len(self._unused) - self._at > longest:
            return TOO_LONG
        cut_off = unterminated or failure.pos >= len(self._unused) - 1
        if self._fill():
            return None
        return (self.take_fault() or CUT_OFF) if cut_off else NOT_JSON

    def _pass_by(self, error: str, longest: int) -> str:
        """The error of a value whose end can be found all the same; the text goes on after it."""
        while len(self._unused) - self._at <= longest:
            end = _end_of_value(self._unused, self._at)
            if end is not None:
                self._at = end
                return error
            if not self._fill():
                break
        self._resume()
        return error

    def _resume(self) -> None:
        """Goes on to the next line that begins with an object or a list, or to the end."""
        self.lost = True
        while True:
            start = _LINE_START.search(self._unused, self._at + 1)
            if start:
                self._at = start.start()
                return
            self._at = max(self._at, len(self._unused) - 1)
            if not self._fill():
                self._at = len(self._unused)
                return

    def _fill(self) -> bool:
        """Whether more has arrived: as much again as lies unused, so that a long value is not begun too often."""
        if self._pieces.ended:
            return False
        left = self._left()
        arrived = self._pieces.take(max(_FILL, len(left)))
        self.retry = self.retry or isinstance(self._pieces.fault, FetchError)
        self._unused = "".join([left, *arrived])
        return any(arrived)

    def _left(self) -> str:
        """What was not used yet; what was is forgotten."""
        left = self._unused[self._at :]
        self._line, self._counted = self.line, 0
        self._unused, self._at = left, 0
        return left


def _end_of_value(text: str, start: int) -> int | None:
    """Where the object or list that begins at `start` ends, by its brackets; None where that is not seen."""
    if text[start] not in "{[":
        return None
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token[0].startswith('"'):
            if not token[1]:
                return None
        else:
            depth += 1 if token[2] else -1
            if not depth:
                return token.end()
    return None
