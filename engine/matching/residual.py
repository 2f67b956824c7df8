"""What is left of expressions where it is known that a field equals a text: for generated code that asks such a thing once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from engine.matching.tree import conjuncts, equality

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.matching.tree import Node

Equality: TypeAlias = "tuple[tuple[str, ...], str]"
"""A path and the text that its value equals."""


def leading_equality(trees: Sequence[Node]) -> tuple[Node, Equality] | None:
    """The first part of expressions that must all be true, where it is the equality of a field with a text; what it says."""
    first = next(iter(conjuncts(trees[0]) if trees else ()), None)
    path, text = (first and equality(first)) or ((), None)
    return (first, (path, text)) if first is not None and isinstance(text, str) else None


def residual(trees: Iterable[Node], known: Equality) -> tuple[Node, ...]:
    """What of expressions that must all be true is still to be evaluated where an equality is known to be true."""
    left = (_without(tree, known) for tree in trees)
    return tuple(tree for tree in left if tree is not None)


def _without(tree: Node, known: Equality) -> Node | None:
    """The last part of a conjunction stays: it alone has to be exactly true."""
    if equality(tree) == known:
        return None
    if tree.kind != "and_expression":
        return tree
    *parts, last = tree.children
    left = tuple(part for part in parts if equality(part) != known)
    return tree._replace(children=(*left, last)) if left else last
