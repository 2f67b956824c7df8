"""One thing wrong with an expression, and what the checks of expressions say it with: fields, places, types in words."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from engine.matching import Node, walk
from engine.matching.types import INNER_SCOPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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


class Path(NamedTuple):
    """A field that is read of the event itself."""

    names: tuple[str, ...]
    nodes: tuple[Node, ...]

    @property
    def text(self) -> str:
        """As it is written."""
        return ".".join(self.names)


def paths(node: Node) -> Iterator[Path]:
    """Every field that a node reads of the event itself."""
    if node.kind == "field":
        yield Path((node.value,), (node,))
        return
    if node.kind == "subexpression":
        leading = tuple(takewhile(lambda child: child.kind == "field", node.children))
        if leading:
            yield Path(tuple(child.value for child in leading), leading)
            return
    inner = INNER_SCOPE.get(node.kind, len(node.children))
    for child in node.children[:inner]:
        yield from paths(child)


def path_of(node: Node) -> Path | None:
    """The field that a node reads, where it does nothing else."""
    path = next(paths(node), None) if node.kind in ("field", "subexpression") else None
    return path if path is not None and len(path.nodes) == max(1, len(node.children)) else None


def outer(node: Node) -> Iterator[Node]:
    """A node and everything below it that reads the event itself."""
    yield node
    for child in node.children[: INNER_SCOPE.get(node.kind, len(node.children))]:
        yield from outer(child)


def offset_of(node: Node) -> int:
    """Where the first name or literal of a node stands."""
    return next((part.offset for part in walk(node) if part.offset is not None), 0)


def length_of(value: object) -> int:
    """How many characters a literal takes, about: with its quotes."""
    return len(str(value)) + 2


def worded(kinds: Iterable[str]) -> str:
    """Types in words: `a string or an array`."""
    return " or ".join(f"{'an' if kind[0] in 'ao' else 'a'} {kind}" for kind in sorted(kinds))
