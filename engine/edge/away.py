"""What does not answer is left alone for a while: its silence costs each call seconds that the events need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

AWAY_FOR: Final = 30.0
"""Seconds for which what did not answer is not asked again."""

_BUSY: Final = frozenset({"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"})
"""Error codes of what has too much to do: boto3 tried again already."""


class Away:
    """Who of several did not answer of late, and how that was told. `now` counts seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[str, tuple[float, str]] = {}

    def why(self, who: str) -> str | None:
        """What was said of somebody who is away, None of who is not."""
        until, said = self._until.get(who, (0.0, ""))
        return said if self._now() < until else None

    def note(self, who: str, said: str) -> None:
        """Somebody did not answer."""
        self._until[who] = (self._now() + AWAY_FOR, said)


def unanswered(error: Exception) -> bool:
    """Whether an error of boto3's means that AWS did not answer, or has too much to do."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError  # noqa: PLC0415  only where AWS is asked

    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code") in _BUSY
    return isinstance(error, BotoCoreError) and not isinstance(error, ParamValidationError)
