"""Lines and columns of a text."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate

from engine.model import Location


@lru_cache(4)
def line_starts(text: str) -> list[int]:
    """The index at which each line of a text starts, and one for the end of the last line."""
    ends = accumulate(len(line) + 1 for line in text.split("\n"))
    return [0, *ends]


def line_text(text: str, number: int) -> str:
    """A line of a text, counted from 1, without its line end; empty where there is no such line."""
    starts = line_starts(text)
    return text[starts[number - 1] : starts[number] - 1] if 1 <= number < len(starts) else ""


def location_at(path: str, text: str, index: int, length: int = 1) -> Location:
    """The location of a character of a text, counted from 0."""
    starts = line_starts(text)
    line = bisect_right(starts, index, hi=len(starts) - 1)
    return Location(path, line, index - starts[line - 1] + 1, max(length, 1))
