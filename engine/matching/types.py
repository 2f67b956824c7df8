"""What types a node can give, as far as its syntax alone tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.matching.functions import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.matching.tree import Node

ANY: Final = frozenset({"array", "boolean", "null", "number", "object", "string"})
"""Every type of JSON, by JMESPath's names."""

BOOLEAN: Final = frozenset({"boolean"})

_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "not_expression": BOOLEAN,
    "projection": frozenset({"array", "null"}),
    "filter_projection": frozenset({"array", "null"}),
    "value_projection": frozenset({"array", "null"}),
    "flatten": frozenset({"array", "null"}),
    "multi_select_list": frozenset({"array", "null"}),
    "multi_select_dict": frozenset({"object", "null"}),
}
_OF_LITERAL: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


def types(node: Node) -> frozenset[str]:
    """The types that a node can give: `ANY` where its syntax does not tell."""
    if node.kind == "literal":
        return frozenset({_OF_LITERAL[node.value.__class__]})
    if node.kind == "comparator":
        return BOOLEAN if node.value in ("eq", "ne") else BOOLEAN | {"null"}
    if node.kind == "function_expression":
        return frozenset(FUNCTIONS[node.value].result) or ANY
    if node.kind in ("and_expression", "or_expression"):
        return frozenset[str]().union(*map(types, node.children))
    if node.kind in ("pipe", "subexpression"):
        return types(node.children[-1])
    return _OF_KIND.get(node.kind, ANY)
