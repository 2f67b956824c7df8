"""Values of a record: a field of another type than CloudTrail's counts as absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Final[Mapping[str, Any]] = {}


def mapping(value: object) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else NOTHING


def text(value: object) -> str | None:
    """The text, or None where it is none or empty."""
    return value if isinstance(value, str) and value else None
