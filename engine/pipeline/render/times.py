"""The times of events, which are text like every masked value, and how a channel shows them."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import tzinfo

    from engine.pipeline.render.labels import Words

_TO_SECONDS: Final = len("2026-11-01 09:30:00")


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
    """An event's time in the channel's zone, `2026-11-01 09:30:00 JST (Sun)`; as it is where it cannot be read."""
    time = moment(text)
    if time is None:
        return text
    # As CloudTrail writes it, `2026-11-01T09:30:00Z`, it stands there already. Python reads some that have no digits there, too.
    written = text[10::3] == "T::Z" and text[4:8:3] == "--" and text[11:19].replace(":", "").isdigit()
    if zone is UTC and written and text[11:13] != "24":
        return f"{text[:10]} {text[11:19]} UTC ({words.weekdays[time.weekday()]})"
    local = time.astimezone(zone)
    name, stamp = local.tzname() or "", str(local)
    return f"{stamp[:_TO_SECONDS]} {name if name.isalpha() else f'UTC{stamp[-6:]}'} ({words.weekdays[local.weekday()]})"
