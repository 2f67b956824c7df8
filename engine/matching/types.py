"""What syntax alone tells about a node: the types that it can give, whether it can fail, and what it reads."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.matching.functions import FUNCTIONS, TYPE_OF
from engine.matching.tree import field_path, leading_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.matching.tree import Node

    Known: TypeAlias = Mapping[tuple[str, ...], frozenset[str]]
    """Types of paths, by JMESPath's names, that the maker of documents vouches for; the empty path is the current value."""

ANY: Final = frozenset({"array", "boolean", "null", "number", "object", "string"})
"""Every type of JSON, by JMESPath's names."""

BOOLEAN: Final = frozenset({"boolean"})

NOTHING_KNOWN: Final[Known] = MappingProxyType({})

_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "holds": BOOLEAN,
    "in_list": BOOLEAN,
    "not_expression": BOOLEAN,
    "projection": frozenset({"array", "null"}),
    "filter_projection": frozenset({"array", "null"}),
    "value_projection": frozenset({"array", "null"}),
    "flatten": frozenset({"array", "null"}),
    "multi_select_list": frozenset({"array", "null"}),
    "multi_select_dict": frozenset({"object", "null"}),
}


def type_of(value: object) -> str:
    """The type of a JSON value, by JMESPath's name."""
    return TYPE_OF[value.__class__]


def types(node: Node, known: Known = NOTHING_KNOWN) -> frozenset[str]:  # noqa: PLR0911  one answer a kind of node
    """The types that a node can give: `ANY` where nothing tells. `known` holds for the current value of the node."""
    if node.kind == "literal":
        return frozenset({type_of(node.value)})
    if node.kind == "comparator":
        return BOOLEAN if node.value in ("eq", "ne") else BOOLEAN | {"null"}
    if node.kind == "function_expression":
        return frozenset(FUNCTIONS[node.value].result) or ANY
    if node.kind in ("and_expression", "or_expression"):
        return frozenset[str]().union(*(types(child, known) for child in node.children))
    if node.kind in ("current", "identity"):
        return known.get((), ANY)
    path = field_path(node) if known else None
    if path is not None:
        return known.get(path, ANY)
    if node.kind in ("pipe", "subexpression"):
        return types(node.children[-1])
    if node.kind.startswith("multi_select") and "null" not in known.get((), ANY):
        return _OF_KIND[node.kind] - {"null"}
    return _OF_KIND.get(node.kind, ANY)


# --- failing -----------------------------------------------------------------------------------------------------------

_NEVER_FAIL: Final = frozenset(
    {"ends_with", "keys", "length", "lower", "not_null", "reverse", "starts_with", "to_array", "to_number", "type", "values"}
)
"""Functions that answer whatever they are given, as long as its type is right."""

_PATTERNS: Final = frozenset({"cidr", "glob", "regex"})
INNER_SCOPE: Final[Mapping[str, int]] = {
    "expref": 0,
    "filter_projection": 1,
    "index_expression": 1,
    "pipe": 1,
    "projection": 1,
    "subexpression": 1,
    "value_projection": 1,
}
"""Kinds of nodes whose children, from this place on, do not see the node's own current value."""


def never_fails(node: Node, known: Known = NOTHING_KNOWN) -> bool:
    """Whether a node gives a value for every document that keeps what is `known`. When in doubt, false."""
    if node.kind == "function_expression" and not _call_never_fails(node, known):
        return False
    if node.kind == "comparator" and node.value not in ("eq", "ne") and _may_mix(node, known):
        return False
    if node.kind == "slice":
        return bool(node.value[2] != 0)
    if node.kind == "holds":
        return all(never_fails(tree, known) for tree in node.value.trees)
    inner = INNER_SCOPE.get(node.kind, len(node.children))
    return all(never_fails(child, known if place < inner else NOTHING_KNOWN) for place, child in enumerate(node.children))


def _call_never_fails(node: Node, known: Known) -> bool:
    if node.value in _PATTERNS:
        safe = node.children[1].kind == "literal"
    elif node.value == "contains":
        subject = node.children[0]
        fixed = subject.kind == "literal" or all(child.kind == "literal" for child in subject.children)
        safe = fixed and types(subject, known) == {"array"}
    else:
        safe = node.value in _NEVER_FAIL
    takes = FUNCTIONS[node.value].parameters
    return safe and all(
        not allowed or types(child, known) <= set(allowed) for child, allowed in zip(node.children, takes, strict=False)
    )


def _may_mix(node: Node, known: Known) -> bool:
    """Whether `<` or its like may meet a string and a number."""
    left, right = (types(child, known) & {"number", "string"} for child in node.children)
    return len(left | right) > 1


# --- reading -----------------------------------------------------------------------------------------------------------


def reads(node: Node) -> frozenset[tuple[str, ...]]:
    """The paths of the document that a node reads, each as far as its names go; the empty path is the document as a whole."""
    if node.kind in ("current", "identity"):
        return frozenset({()})
    if node.kind == "holds":
        return frozenset[tuple[str, ...]]().union(*map(reads, node.value.trees))
    names = leading_names(node)
    if names:
        return frozenset({names})
    inner = INNER_SCOPE.get(node.kind, len(node.children))
    return frozenset[tuple[str, ...]]().union(*map(reads, node.children[:inner]))


def members_read(node: Node) -> frozenset[tuple[str, ...]]:
    """The same, but where a node chooses members of an object, as `a.[b, c]` does, these; whether `a` is null counts, too."""
    chosen = _chosen(node)
    if chosen:
        return chosen
    if node.kind == "holds":
        return frozenset[tuple[str, ...]]().union(*map(members_read, node.value.trees))
    if node.kind in ("current", "identity") or leading_names(node):
        return reads(node)
    inner = INNER_SCOPE.get(node.kind, len(node.children))
    return frozenset[tuple[str, ...]]().union(*map(members_read, node.children[:inner]))


def _chosen(node: Node) -> frozenset[tuple[str, ...]]:
    """The paths that `a.[b, c]` reads; empty for any other node."""
    names = leading_names(node)
    if not names or len(node.children) != len(names) + 1 or node.children[-1].kind != "multi_select_list":
        return frozenset()
    below = [leading_names(child) for child in node.children[-1].children]
    return frozenset((*names, *each) for each in below) if all(below) else frozenset()
