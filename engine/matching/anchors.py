"""What must be so for an expression to hold, where looking it up can replace asking the expression.

An `Anchor` is a plain test of one path. A choice is a set of anchors of which at least one must answer yes: where none does, the
expression certainly is not true, and it would not have failed either. So an anchor may stand only on a part before which nothing
can fail, and where its own test would fail it answers yes: the expression is asked, and fails as it should.
"""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING, Final

from engine.matching.globs import glob_anchor
from engine.matching.inline import texts
from engine.matching.regexes import required
from engine.matching.tree import conjuncts, field_path
from engine.matching.types import NOTHING_KNOWN, never_fails
from engine.model import Anchor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.matching.tree import Node
    from engine.matching.types import Known
    from engine.model import Choice

_MOST_CHOICES: Final = 8
_MOST_WAYS: Final = 16


def choices(trees: Iterable[Node], known: Known = NOTHING_KNOWN) -> tuple[Choice, ...]:
    """The choices of expressions that must all be true, in order, for an object. `known` holds the types of its paths."""
    known = {**known, (): frozenset({"object"})}
    return tuple(islice(_of_all(trees, known), _MOST_CHOICES))


def leading(trees: Sequence[Node]) -> tuple[Node, Anchor] | None:
    """The first part of expressions that must all be true, and as an anchor, where it is an equality of a path with a text."""
    first = next(iter(conjuncts(trees[0]) if trees else ()), None)
    if first is None or first.kind != "comparator" or first.value != "eq":
        return None
    anchor = next((anchor for choice in _equality(*first.children) for anchor in choice), None)
    return None if anchor is None or not isinstance(anchor.value, str) else (first, anchor)


def beyond(trees: Iterable[Node], anchor: Anchor) -> tuple[Node, ...]:
    """What of expressions that must all be true is still to be asked where an equality, as an anchor, has answered yes."""
    found = (_beyond(tree, anchor) for tree in trees)
    return tuple(tree for tree in found if tree is not None)


def _beyond(tree: Node, anchor: Anchor) -> Node | None:
    """The last part of a conjunction stays: it alone has to be exactly true."""
    if _is(tree, anchor):
        return None
    if tree.kind != "and_expression":
        return tree
    *parts, last = tree.children
    left = tuple(part for part in parts if not _is(part, anchor))
    return tree._replace(children=(*left, last)) if left else last


def _is(node: Node, anchor: Anchor) -> bool:
    return node.kind == "comparator" and node.value == "eq" and frozenset({anchor}) in _equality(*node.children)


def _of_all(nodes: Iterable[Node], known: Known) -> Iterator[Choice]:
    """Each part can be stood on while nothing before it can fail."""
    for node in nodes:
        yield from _of(node, known)
        if not never_fails(node, known):
            return


def _of(node: Node, known: Known) -> Iterable[Choice]:
    if node.kind == "and_expression":
        return _of_all(node.children, known)
    if node.kind == "or_expression":
        return _of_any(node.children, known)
    if node.kind == "comparator" and node.value == "eq":
        return _equality(*node.children)
    if node.kind == "function_expression" and node.value in _CALLS:
        return _CALLS[node.value](node)
    path = field_path(node)
    return () if path is None else (frozenset({Anchor("true", path)}),)


def _of_any(nodes: Sequence[Node], known: Known) -> Iterable[Choice]:
    """A choice for a whole `||` takes a choice of every branch."""
    branches = [tuple(_of(node, known)) for node in nodes]
    ways = 1
    for branch in branches:
        ways *= len(branch)
    if ways > _MOST_WAYS:
        branches = [branch[:1] for branch in branches]
    return tuple(frozenset[Anchor]().union(*way) for way in product(*branches))


# --- one function a kind of test ---------------------------------------------------------------------------------------


def _equality(left: Node, right: Node) -> Iterable[Choice]:
    if left.kind == "literal":
        left, right = right, left
    path, value = field_path(left), right.value
    scalar = value is None or isinstance(value, (str, bool, int)) or (isinstance(value, float) and value == value)  # noqa: PLR0124  not NaN
    if path is None or right.kind != "literal" or not scalar:
        return ()
    return (frozenset({Anchor("equals", path, value)}),)


def _contains(node: Node) -> Iterable[Choice]:
    subject, search = node.children
    members, path = texts(subject, of_object=True), field_path(search)
    if members is not None and path is not None:
        return (frozenset(Anchor("equals", path, member) for member in members),)
    return _on_text("holds", node, "always")


def _starts_with(node: Node) -> Iterable[Choice]:
    return _on_text("prefix", node, "always")


def _ends_with(node: Node) -> Iterable[Choice]:
    return _on_text("suffix", node, "always")


def _regex(node: Node) -> Iterable[Choice]:
    """What a pattern requires of a text; one that requires nothing plain is no test."""
    path, pattern = field_path(node.children[0]), node.children[1]
    if path is None or pattern.kind != "literal":
        return ()
    kind, text = required(pattern.value)
    return (frozenset({Anchor(kind, path, text, "unless_null")}),) if text else ()


def _on_text(kind: str, node: Node, other: str) -> Iterable[Choice]:
    """The choice of a test whose second argument is a literal text; an empty text is no test."""
    path, text = field_path(node.children[0]), node.children[1]
    if path is None or text.kind != "literal" or not isinstance(text.value, str) or not text.value:
        return ()
    return (frozenset({Anchor(kind, path, text.value, other)}),)


def _glob(node: Node) -> Iterable[Choice]:
    path, pattern = field_path(node.children[0]), node.children[1]
    if path is None or pattern.kind != "literal":
        return ()
    anchor = glob_anchor(path, pattern.value)
    return () if anchor is None else (frozenset({anchor}),)


_CALLS: Final[Mapping[str, Callable[[Node], Iterable[Choice]]]] = {
    "contains": _contains,
    "ends_with": _ends_with,
    "glob": _glob,
    "regex": _regex,
    "starts_with": _starts_with,
}
