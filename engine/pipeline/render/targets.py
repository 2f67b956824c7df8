"""Where a link of a message leads."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Target(StrEnum):
    """What a link opens."""

    RUNBOOK = "runbook"
    RECORD = "record"
    ELSE = "else"
    EVENT = "event"
    MUTE = "mute"


class Link(NamedTuple):
    """A link of a message; `label` None: what its target is called."""

    target: Target
    url: str
    label: str | None = None


URL_MAX_LENGTH: Final = 3000
"""Characters of an address in a message."""
