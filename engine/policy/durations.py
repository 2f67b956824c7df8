"""Times as policies and policy tests write them: `15m`, `2h`, `30s`."""

from __future__ import annotations

from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600}


def seconds_of(text: str) -> int:
    """The seconds of a time whose form the schema has checked."""
    return int(text[:-1]) * _SECONDS[text[-1]]
