"""Dates of the windows of routes: days, ranges of days, and lists of both."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model import DayRanges

_DATES: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?", re.ASCII)


def day_range(text: str) -> tuple[int, int] | None:
    """The first and the last day of `2026-12-24` or `2026-12-29..2027-01-03`, as ordinals; None for what is neither.

    Raises `ValueError` for a day that does not exist, and for a range that ends before it begins.
    """
    form = _DATES.fullmatch(text)
    if form is None:
        return None
    first, last = (date.fromisoformat(day).toordinal() for day in (form[1], form[2] or form[1]))
    if last < first:
        raise ValueError("the range ends before it begins")
    return first, last


def day_ranges(texts: str | Iterable[str], lists: Mapping[str, frozenset[str]]) -> DayRanges:
    """The days of `dates` or `except`, whose texts are days, ranges and names of lists of these."""
    given = [texts] if isinstance(texts, str) else texts
    days = (day for text in given for day in (lists[text] if day_range(text) is None else (text,)))
    merged: list[tuple[int, int]] = []
    for first, last in sorted(filter(None, map(day_range, days))):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return tuple(merged)
