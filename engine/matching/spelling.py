"""Nodes of a syntax tree as one would write them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.matching.tree import Node

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_UNWRITTEN: Final = "…"
"""What stands for a part that is not spelled here."""


def written(node: Node) -> str:
    """A node as an expression, on one line."""
    if node.kind == "literal":
        return f"'{node.value}'" if isinstance(node.value, str) else f"`{json.dumps(node.value)}`"
    form = _FORMS.get(node.kind)
    return form(node.value, [written(child) for child in node.children]) if form else _UNWRITTEN


def _name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else f'"{name}"'


def _joined(parts: list[str]) -> str:
    """`a.b`; what follows a projection's brackets has no dot where it has brackets of its own."""
    return "".join(part if place == 0 or part.startswith("[") else f".{part}" for place, part in enumerate(parts) if part)


def _projection(parts: list[str]) -> str:
    left, right = parts[:2]
    return _joined([left if left.endswith("]") else f"{left}[*]", right])


_COMPARISONS: Final = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

_FORMS: Final[Mapping[str, Callable[[Any, list[str]], str]]] = {
    "and_expression": lambda _, parts: f"({' && '.join(parts)})",
    "comparator": lambda name, parts: f"{parts[0]} {_COMPARISONS[name]} {parts[1]}",
    "current": lambda _, __: "@",
    "expref": lambda _, parts: f"&{parts[0]}",
    "field": lambda name, _: _name(name),
    "filter_projection": lambda _, parts: _joined([f"{parts[0]}[?{parts[2]}]", parts[1]]),
    "flatten": lambda _, parts: f"{parts[0]}[]",
    "function_expression": lambda name, parts: f"{name}({', '.join(parts)})",
    "holds": lambda condition, _: f"holds('{condition.name}')",
    "identity": lambda _, __: "",
    "in_list": lambda known, parts: f"in_list({parts[0]}, '{known.name}')",
    "index": lambda number, _: f"[{number}]",
    "index_expression": lambda _, parts: "".join(parts),
    "key_val_pair": lambda name, parts: f"{_name(name)}: {parts[0]}",
    "multi_select_dict": lambda _, parts: f"{{{', '.join(parts)}}}",
    "multi_select_list": lambda _, parts: f"[{', '.join(parts)}]",
    "not_expression": lambda _, parts: f"!({parts[0]})",
    "or_expression": lambda _, parts: f"({' || '.join(parts)})",
    "pipe": lambda _, parts: " | ".join(parts),
    "projection": lambda _, parts: _projection(parts),
    "slice": lambda bounds, _: f"[{':'.join('' if bound is None else str(bound) for bound in bounds)}]",
    "subexpression": lambda _, parts: _joined(parts),
    "value_projection": lambda _, parts: _joined([parts[0], "*", parts[1]] if parts[0] else ["*", parts[1]]),
}
"""How each kind of node is written, by its value and its parts."""
