"""Values of a record: a field of another type than CloudTrail's counts as absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOTHING: Final[Mapping[str, Any]] = {}


def members(value: object) -> Callable[[str], Any]:
    """What reads the members of an object by name, None where it has none of that name; of anything else all are None."""
    return (value if isinstance(value, dict) else NOTHING).get


def text(value: object) -> str | None:
    """The text, or None where it is none or empty."""
    return value if isinstance(value, str) and value else None
