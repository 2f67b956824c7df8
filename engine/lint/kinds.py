"""Types that cannot meet: an order of what has none, an answer beside a literal of another type, an argument that is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.lint.fields import ANY, shape_of
from engine.lint.problems import Problem, length_of, offset_of, outer, path_of, worded
from engine.matching import FUNCTIONS, Node
from engine.matching.types import ANY as EVERY_TYPE
from engine.matching.types import types

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPE: Final = "TB205"
ARGUMENT: Final = "TB213"

EQUALITIES: Final = ("eq", "ne")
_ORDERED: Final = frozenset({"number", "string"})


def _given(node: Node) -> frozenset[str]:
    """The types that a node can give, besides null; empty where nothing is known."""
    path = path_of(node)
    shape = shape_of(path.names) if path else None
    if shape is not None:
        return shape.types if shape is not ANY else frozenset()
    return types(node) - {"null"} if path is None and types(node) != EVERY_TYPE else frozenset()


def never_alike(node: Node) -> Iterator[Problem]:
    """An order between what has none, or a function's answer beside a literal of another type."""
    left, right = node.children
    if node.value not in EQUALITIES:
        for side in (left, right):
            kind = _given(side)
            if kind and not kind & _ORDERED:
                what = f"{_called(side)} is {worded(kind)}, which has no order, so this never holds"
                yield Problem(TYPE, offset_of(side), _size(side), what, "compare numbers, or use == or !=")
    elif left.kind == "function_expression" and right.kind == "literal" and right.value is not None:
        kind = _given(left)
        if kind and not kind & types(right):
            ever = "never" if node.value == "eq" else "always"
            what = f"{left.value}() gives {worded(kind)}, so this {ever} holds"
            yield Problem(TYPE, right.offset or 0, length_of(right.value), what, "compare it with a value of that type")


def argument_problems(tree: Node) -> Iterator[Problem]:
    """Arguments of a type that the function refuses: it fails for every event that has the field."""
    for node in outer(tree):
        if node.kind != "function_expression":
            continue
        for argument, allowed in zip(node.children, FUNCTIONS[node.value].parameters, strict=False):
            kind, taken = _given(argument), {name.partition("-")[0] for name in allowed}
            if kind and taken and not kind & taken:
                what = f"{node.value}() does not take {_called(argument)}: it is {worded(kind)}"
                yield Problem(ARGUMENT, offset_of(argument), _size(argument), what, f"give it {worded(taken - {'null'})}")


def _called(node: Node) -> str:
    path = path_of(node)
    return path.text if path else f"{node.value}()" if node.kind == "function_expression" else "this"


def _size(node: Node) -> int:
    path = path_of(node)
    return len(path.text) if path else length_of(node.value) if node.kind == "literal" else 1
