"""Times that give all combinations of answers that some hours, dates and ends of silences can have together.

An answer changes at an edge: where the hours of a window begin or end on some day, where the dates of a window do, where a
silence does, or where a time zone changes its offset. Between changes of dates, silences and offsets, hours recur every week.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.model import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

Edges: TypeAlias = "tuple[Window, ...] | tuple[datetime, ...]"
"""What a question about time depends on: the windows of hours, or the times between which a silence lasts."""

USUAL: Final = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
"""The time of an event where nothing asks for another: a Monday."""
_FIRST: Final = datetime(2007, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2099, 1, 1, tzinfo=UTC)
"""Events are between these times."""
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=8)
_STEP: Final = timedelta(days=20)
"""No time zone changes its offset and back in less: the shortest summer time pauses for Ramadan, some 30 days."""
_SECOND: Final = timedelta(seconds=1)


@lru_cache(256)
def critical_times(asked: tuple[Edges, ...]) -> tuple[datetime, ...]:
    """Times that give each combination of answers that some time gives, the usual one first."""
    return tuple(dict.fromkeys(_critical_times(asked)))


def _critical_times(edges: Sequence[Edges]) -> Iterator[datetime]:
    windows = [edge for entry in edges for edge in entry if isinstance(edge, Window)]
    ends = {edge for entry in edges for edge in entry if isinstance(edge, datetime)}
    yield USUAL
    changes = {_FIRST, _LAST, *(time for time in ends if _FIRST < time < _LAST)}
    for window in windows:
        changes |= {time for time in (*_offset_changes(window.timezone), *_date_changes(window)) if _FIRST < time < _LAST}
    ordered = sorted(changes)
    seen: set[object] = set()
    for start, end in sorted(pairwise(ordered), key=lambda stretch: _years_off(stretch[0])):
        state = (*(_state(window, start) for window in windows), *(start >= time for time in sorted(ends)))
        if state in seen:
            continue
        if end - start >= _WEEK:
            seen.add(state)
        yield from _within(windows, start, end)


def _years_off(time: datetime) -> tuple[int, datetime]:
    """The stretches of the usual year come first."""
    return abs(time.year - USUAL.year), time


@lru_cache(64)
def _offset_changes(zone: tzinfo) -> tuple[datetime, ...]:
    """When a time zone changes its offset, to the second."""
    found: list[datetime] = []
    time, offset = _FIRST, _offset(zone, _FIRST)
    while time < _LAST:
        after = min(time + _STEP, _LAST)
        if _offset(zone, after) != offset:
            found.append(_change(zone, time, after))
            time, offset = found[-1], _offset(zone, found[-1])
        else:
            time = after
    return tuple(found)


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The first second with another offset than `before`'s."""
    offset = _offset(zone, before)
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return after


def _offset(zone: tzinfo, time: datetime) -> timedelta | None:
    return time.astimezone(zone).utcoffset()


def _date_changes(window: Window) -> Iterator[datetime]:
    """The midnights around which the dates or exceptions of a window begin or end; hours go on into the day after."""
    for first, last in (*(window.dates or ()), *window.exceptions):
        for day in (first, first + 1, last + 1, last + 2):
            if _FIRST.toordinal() < day < _LAST.toordinal():
                yield datetime.fromordinal(day).replace(tzinfo=window.timezone).astimezone(UTC)


def _state(window: Window, time: datetime) -> object:
    """What a window's answers depend on at a time, the weekday and the minute aside: its offset, and its dates."""
    local = time.astimezone(window.timezone)
    days = (local.toordinal() - 1, local.toordinal())
    dated = tuple(
        (
            any(first <= day <= last for first, last in window.dates or ()),
            any(first <= day <= last for first, last in window.exceptions),
        )
        for day in days
    )
    return local.utcoffset(), dated


def _within(windows: Sequence[Window], start: datetime, end: datetime) -> Iterator[datetime]:
    """The times from `start` to before `end`, or of its first week, at which hours begin or end."""
    yield start
    for window in windows:
        midnight = start.astimezone(window.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
        offset = _offset(window.timezone, start) or timedelta()
        first = midnight.replace(tzinfo=UTC) - offset
        for day in range(-1, _WEEK.days + 1):
            for minutes in (window.start, window.end):
                time = first + day * _DAY + timedelta(minutes=minutes)
                if start < time < end:
                    yield time
