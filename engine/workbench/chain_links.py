"""The links of a deployed chain: whether each works, what was seen, and the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from engine.model.stack import StackState


class Health(StrEnum):
    """Whether a link works."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One link from the trail to Slack: its name, its health, what was seen, and how to fix it (empty if it works)."""

    name: str
    health: Health
    seen: str
    remedy: str = ""


_GONE: Final = frozenset(
    {
        *("ResourceNotFoundException", "NoSuchEntity", "NotFoundException", "NoSuchBucket", "NotFound", "KeyError"),
        *("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
    }
)
"""Codes of AWS for what is not there."""


def judged(name: str, works: bool, seen: str, remedy: str) -> ChainLink:  # noqa: FBT001  a fact, not a switch
    """A link that works, or is broken."""
    return ChainLink(name, Health.OK if works else Health.BROKEN, seen, "" if works else remedy)


def broken(name: str, seen: str, remedy: str) -> ChainLink:
    """A link that is broken."""
    return ChainLink(name, Health.BROKEN, seen, remedy)


def unknown(name: str, state: StackState, part: str) -> ChainLink:
    """A link that could not be looked at."""
    seen = f"could not be read: {state.unread.get(part, 'it is not in the stack')}"
    return ChainLink(name, Health.UNKNOWN, seen, "give yourself permission to read it, as in AWS's policy SecurityAudit")


def is_gone(state: StackState, part: str) -> bool:
    """Whether a part could not be read because it is not there."""
    return state.unread.get(part) in _GONE


def mended(state: StackState, command: str) -> str:
    """What mends a part of the stack: a command, or Terraform where it made the stack."""
    return "terraform apply" if state.terraform else command
