"""A service that does not answer is not called again for a while: every call costs seconds that the events need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN_SECONDS: Final = 30.0
"""For how long a service that did not answer is not called."""

_OVERLOADED: Final = frozenset({"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"})
"""Error codes of an overloaded service: boto3 has retried already."""


class CircuitBreaker:
    """Which services failed recently, and with which error. `now` counts seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._open: dict[str, tuple[float, str]] = {}

    def error(self, service: str) -> str | None:
        """The error of a service that failed recently; None: it may be called."""
        until, error = self._open.get(service, (0.0, ""))
        return error if self._now() < until else None

    def trip(self, service: str, error: str) -> None:
        """Remember that a service did not answer."""
        self._open[service] = (self._now() + OPEN_SECONDS, error)


def is_unanswered(error: Exception) -> bool:
    """Whether an error of boto3 means that AWS did not answer, or is overloaded."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError  # noqa: PLC0415  only where AWS is called

    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code") in _OVERLOADED
    return isinstance(error, BotoCoreError) and not isinstance(error, ParamValidationError)
