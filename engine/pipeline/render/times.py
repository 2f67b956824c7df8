"""The times of events, which are text like every masked value, and how a channel shows them."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import tzinfo

    from engine.pipeline.render.words import Words

_TO: Final = "\N{EN DASH}"


def moment(text: str) -> datetime | None:
    """The time that an ISO 8601 text means, aware (UTC where it does not say); None for any other text.

    So too for the calendar's first and last year, in which there may be no room to move to another zone.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.year in (MINYEAR, MAXYEAR):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def local_time(text: str, zone: tzinfo, words: Words) -> str:
    """An event's time in the channel's zone, `Sun 1 Nov 18:30:00 JST`; as it is where it cannot be read."""
    time = moment(text)
    if time is None:
        return text
    local = time.astimezone(zone)
    return f"{_day(local, words)} {local.time().isoformat('seconds')} {_zone(local)}"


def full_time(text: str, zone: tzinfo, words: Words) -> str:
    """The same with the year, `2026-11-01 18:30:00 JST (Sun)`."""
    time = moment(text)
    if time is None:
        return text
    local = time.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {_zone(local)}{words.in_brackets.format(text=words.weekdays[local.weekday()])}"


def local_span(first: datetime, last: datetime, zone: tzinfo, words: Words) -> str:
    """`18:12-18:26 JST` with an en dash; with the days where they are two."""
    start, end = first.astimezone(zone), last.astimezone(zone)
    if start.date() == end.date():
        shown = [f"{start:%H:%M}", f"{end:%H:%M}"]
    else:
        shown = [f"{_day(start, words)} {start:%H:%M}", f"{_day(end, words)} {end:%H:%M}"]
    return f"{_TO.join(dict.fromkeys(shown))} {_zone(end)}"


def local_day(text: str, zone: tzinfo, words: Words) -> str:
    """`Sun 1 Nov`; empty where the time cannot be read."""
    time = moment(text)
    return "" if time is None else _day(time.astimezone(zone), words)


def _day(local: datetime, words: Words) -> str:
    return words.day.format(
        weekday=words.weekdays[local.weekday()], day=local.day, month=words.months[local.month - 1], number=local.month
    )


def _zone(local: datetime) -> str:
    """The name of its zone; the offset where that has none."""
    name = local.tzname() or ""
    return name if name.isalpha() else f"UTC{str(local)[-6:]}"
