"""Values that came from JSON as JSON again: most of an audit record is the event as it came.

msgspec does it in a fifth of the time, but to import it takes as long as it saves on a few hundred values, for which a start
should not wait: it is imported when a process has shown that it goes on. What msgspec would write otherwise than Python does,
Python writes; all, where there is none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

AS_JSON: Final = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode
"""What comes from JSON holds nothing that holds itself."""

START: Final = 16
"""Values that Python's own way encodes first."""

_REFUSALS: Final = (ValueError, TypeError, OverflowError, RecursionError)
"""How msgspec ends where it meets a lone surrogate, or a number of more than 64 bits."""


class Encoder:
    """What encodes values from JSON, the first `start` of them in Python's own way."""

    def __init__(self, start: int = START) -> None:
        self._waiting = start
        self._quick: Callable[[object], bytes] | None = None

    def encoded(self, value: object) -> str:
        """The value in ASCII, without spaces; equal to `AS_JSON`, but for how a number is written that is no integer."""
        if self._quick is None:
            return self._begun(value)
        try:
            made = self._quick(value)
        except _REFUSALS:
            return AS_JSON(value)
        return made.decode("ascii") if made.isascii() and b"\x7f" not in made else AS_JSON(value)

    def _begun(self, value: object) -> str:
        """The same, while msgspec is waited for."""
        if self._waiting == 0:
            self._quick = _quick()
        self._waiting -= 1
        return AS_JSON(value)


def _quick() -> Callable[[object], bytes] | None:
    try:
        from msgspec.json import Encoder as Quick  # noqa: PLC0415  see above
    except ImportError:
        return None
    return Quick().encode
