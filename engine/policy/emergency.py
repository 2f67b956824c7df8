"""The policy set used when no other can be loaded: every event is posted, strictly masked, to the webhook of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.policy.compile import compile_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import PolicySet

_KEPT: Final = ("time", "event", "bucket", "region", "class", "event_id", "error_code")

CONTENT: Final[Mapping[str, Any]] = {
    "version": 1,
    "name": "emergency",
    "owner": "trailbell",
    "channels": [{"name": "emergency", "webhook": {"env": "SLACK_WEBHOOK_URL"}, "masking_floor": "strictest"}],
    "masking": [
        {"level": "standard", "fields": dict.fromkeys(_KEPT, "keep")},
        {"level": "strictest", "fields": dict.fromkeys(_KEPT, "keep")},
    ],
    "default": {"notify": ["emergency"], "masking": "strictest"},
}
"""A policy as its file would be read. (`standard` has to be there: it is every channel's floor unless one says otherwise.)"""


def emergency_set() -> PolicySet:
    """The compiled set."""
    return compile_set([("emergency", CONTENT)], None)
