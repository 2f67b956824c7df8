"""A text that arrives in pieces, and the JSON values that are read off its front."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from engine.errors import DamagedError, FetchError
from engine.pipeline.decode.record import OWN_NAMES, READER, TOO_DEEP

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_JSON: Final = "is not JSON"
CUT_OFF: Final = "is cut off"
TOO_LONG: Final = "is too long for one value"
TOO_MANY_DIGITS: Final = "has a number of too many digits"
TOLD: Final = ""
"""In place of a reason: it is the same place that could not be read before, now met from further in."""

MOST_GAPS: Final = 100
"""How many stretches in a row may be unreadable before the rest is given up."""

GIVEN_UP: Final = f"has {MOST_GAPS} unreadable stretches in a row; the rest was not read"

_AT_ONCE: Final = 64 << 10
_LOOK_AHEAD: Final = 128
_NEAR: Final = 16

_BETWEEN: Final = re.compile(r"[\s,\ufeff]*")
_START: Final = re.compile(r'(?<=\n)\{|\{\s{0,64}"(?:messageId|' + "|".join(OWN_NAMES) + ')"')


class Text:
    """What has arrived of a text, which begins on `line`, and has not been used.

    `again`: the text could not be fetched to its end.
    """

    def __init__(self, pieces: Iterator[str], line: int = 1) -> None:
        self.again = False
        self._gaps = 0
        self._cut_off = False
        self._fault: str | None = None
        self._pieces = pieces
        self._ended = False
        self._unused = ""
        self._at = 0
        self._line = line
        self._counted = 0
        self._dropped = 0
        self._failed_at = -1

    @property
    def line(self) -> int:
        """The line on which the next value begins."""
        self._line += self._unused.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def more(self) -> bool:
        """Whether more has arrived: as much again as lies unused, so that a long value is not begun too often."""
        if self._ended:
            return False
        parts = [self._left()]
        wanted = max(_AT_ONCE, len(parts[0]))
        try:
            while wanted > 0:
                parts.append(next(self._pieces))
                wanted -= len(parts[-1])
        except StopIteration:
            self._ended = True
        except (DamagedError, FetchError) as error:
            self._ended, self._fault, self.again = True, str(error), isinstance(error, FetchError)
        self._unused = "".join(parts)
        return any(parts[1:])

    def _left(self) -> str:
        """What has not been used; what has is dropped."""
        left = self._unused[self._at :]
        self._line, self._counted = self.line, 0
        self._dropped += self._at
        self._unused, self._at = left, 0
        return left

    def skip(self) -> bool:
        """Whether there is something after the space and the commas between two values."""
        while True:
            between = _BETWEEN.match(self._unused, self._at)
            self._at = between.end() if between else self._at
            if self._at < len(self._unused):
                return True
            if not self.more():
                return False

    def take(self, pattern: re.Pattern[str]) -> bool:
        """Whether the text goes on with a pattern of at most 128 characters, which then is used."""
        if len(self._unused) - self._at < _LOOK_AHEAD:
            self.more()
        found = pattern.match(self._unused, self._at)
        self._at = found.end() if found else self._at
        return found is not None

    def put_back(self, before: str) -> None:
        """Sets something before what has not been used."""
        self._unused = before + self._left()
        self._dropped -= len(before)

    def told_end(self) -> str | None:
        """Why the text ended where it did not have to; told once."""
        fault, self._fault = self._fault, None
        return fault

    def told_open_end(self) -> str | None:
        """Why a list has no end, where neither the last value nor another one told so."""
        return self.told_end() or (None if self._gaps or self._cut_off else CUT_OFF)

    def value(self, longest: int) -> tuple[object, str | None]:
        """The next JSON value; or None and why it could not be read, and the text goes on where the next one may begin.

        That may be within what could not be read: so the records that a missing bracket swallowed are found again.
        """
        while True:
            try:
                value, self._at = READER.raw_decode(self._unused, self._at)
            except json.JSONDecodeError as error:
                reason = self._unreadable(error, longest)
            except RecursionError:
                reason = TOO_DEEP
            except ValueError:
                reason = TOO_MANY_DIGITS
            else:
                self._gaps = 0
                return value, None
            if reason is not None:
                self._gaps += 1
                self._resume()
                return None, reason

    def _unreadable(self, error: json.JSONDecodeError, longest: int) -> str | None:
        """Why a value cannot be read, `TOLD` where that is known, or None where more of it has arrived."""
        failed_at = self._dropped + error.pos
        reason = self._reason(error, longest)
        if reason is None:
            return None
        told, self._failed_at = failed_at == self._failed_at, failed_at
        self._cut_off = self._cut_off or reason == CUT_OFF
        if told:
            return TOLD
        return self.told_end() or CUT_OFF if reason == CUT_OFF else reason

    def _reason(self, error: json.JSONDecodeError, longest: int) -> str | None:
        """What is wrong with a value by itself; None where more of it has arrived."""
        unterminated = error.msg.startswith("Unterminated string")
        if not unterminated and error.pos < len(self._unused) - _NEAR:
            return NOT_JSON
        if len(self._unused) - self._at > longest:
            return TOO_LONG
        cut_off = unterminated or error.pos >= len(self._unused) - 1
        if self.more():
            return None
        return CUT_OFF if cut_off else NOT_JSON

    def _resume(self) -> None:
        """Goes on to where a value or a record may begin, or to the end, where this has failed too often.

        It begins on a new line, or with one of its own names: inside a JSON string these would stand with a backslash.
        """
        if self._gaps == MOST_GAPS:
            self._unused, self._at, self._ended, self._fault = "", 0, True, GIVEN_UP
            return
        self._at += 1
        while True:
            found = _START.search(self._unused, self._at)
            if found:
                self._at = found.start()
                return
            self._at = max(self._at, len(self._unused) - _LOOK_AHEAD)
            if not self.more():
                self._at = len(self._unused)
                return
