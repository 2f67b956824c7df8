"""One thing wrong with an expression, and what the checks of expressions say it with: places, types in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.matching.tree import walk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.matching.tree import Node


class Problem(NamedTuple):
    """One thing wrong with an expression, at a character of it (from 0); `warns`: it may be meant.

    `edit` is the safe fix: the first character, the one behind the last, and the new text.
    """

    code: str
    offset: int
    length: int
    what: str
    instead: str
    warns: bool = False
    edit: tuple[int, int, str] | None = None


def offset_of(node: Node) -> int:
    """Where the first name or literal of a node stands."""
    return next((part.offset for part in walk(node) if part.offset is not None), 0)


def length_of(value: object) -> int:
    """How many characters a literal takes, about: with its quotes."""
    return len(str(value)) + 2


def worded(kinds: Iterable[str]) -> str:
    """Types in words: `a string or an array`."""
    return " or ".join(f"{'an' if kind[0] in 'ao' else 'a'} {kind}" for kind in sorted(kinds))
