"""When a rule holds, in words."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from engine.model import MatcherKind, MatchResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.model import DayRanges, PolicySet, Silence, TraceEntry, Window

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_DATES: Final = 8


def windows_text(windows: Iterable[Window]) -> str:
    """Windows as a policy would write them: `mon-fri 20:00-07:00 Asia/Tokyo, except 2027-01-01; or sat-sun UTC`."""
    return "; or ".join(map(_window_text, windows))


def span_text(silence: Silence) -> str:
    """From when until when a silence holds."""
    start = f"from {silence.start.isoformat()} " if silence.start is not None else ""
    return f"{start}until {silence.until.isoformat()}"


def time_text(entry: TraceEntry, policies: PolicySet) -> str:
    """When a rule holds that was evaluated outside its time; empty for any other."""
    if entry.answer is not MatchResult.OUT_OF_TIME:
        return ""
    policy = next(policy for policy in policies.policies if policy.name == entry.policy)
    if entry.kind is MatcherKind.SILENCE:
        return next(span_text(silence) for silence in policy.silences if silence.id == entry.id)
    return next(windows_text(route.during) for route in policy.routes if route.id == entry.id)


def _window_text(window: Window) -> str:
    days = _dates_text(window.dates) if window.dates is not None else "" if len(window.days) == len(_DAYS) else _days(window.days)
    hours = "" if (window.start, window.end) == (0, 24 * 60) else f"{_clock(window.start)}-{_clock(window.end)}"
    text = " ".join(filter(None, (days, hours, str(window.timezone))))
    return f"{text}, except {_dates_text(window.exceptions)}" if window.exceptions else text


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _days(days: frozenset[int]) -> str:
    """Days of the week, in a row as a range."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(_DAYS[run[0]] if len(run) == 1 else f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}" for run in runs)


def _dates_text(ranges: DayRanges) -> str:
    shown = ", ".join(_range_text(*days) for days in ranges[:_MOST_DATES])
    return f"{shown} and {len(ranges) - _MOST_DATES} more" if len(ranges) > _MOST_DATES else shown


def _range_text(first: int, last: int) -> str:
    days: Iterator[str] = (date.fromordinal(day).isoformat() for day in ((first,) if first == last else (first, last)))
    return "..".join(days)
