"""The times at which rules hold: the windows of a route, and the span of a silence."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from engine.model import DayRanges, Silence, Window

_LAST_DAY = 1 << 32
"""A number above every day's."""


def within(windows: Sequence[Window], time: datetime) -> bool:
    """Whether a time lies in one of some windows."""
    return any(_contains(window, time) for window in windows)


def lasts(silence: Silence, time: datetime) -> bool:
    """Whether a time lies between a silence's start, if it has one, and its end, which is excluded."""
    return time < silence.until and (silence.start is None or silence.start <= time)


def _contains(window: Window, time: datetime) -> bool:
    """The hours' end is excluded. Hours that run past midnight belong to the day on which they start, whatever it is."""
    local = time.astimezone(window.timezone)
    minute, day = local.hour * 60 + local.minute, local.toordinal()
    if window.start < window.end:
        return window.start <= minute < window.end and _is_day(window, day)
    if minute >= window.start:
        return _is_day(window, day)
    return minute < window.end and _is_day(window, day - 1)


def _is_day(window: Window, day: int) -> bool:
    """Whether a window may start on a day. The first day of the calendar, number 1, was a Monday."""
    return (
        (day - 1) % 7 in window.days
        and (window.dates is None or _in_ranges(day, window.dates))
        and not _in_ranges(day, window.exceptions)
    )


def _in_ranges(day: int, ranges: DayRanges) -> bool:
    place = bisect_right(ranges, (day, _LAST_DAY)) - 1
    return place >= 0 and day <= ranges[place][1]
