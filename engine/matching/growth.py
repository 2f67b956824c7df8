"""How large a value an expression can make of an event.

JMESPath copies: behind each `| [@, @]` stands twice as much as before it, so a line of text can ask for more than a machine has.
Sizes are characters of JSON; null has none where it stands alone. Of `n` characters a node makes at most `per * n + fixed`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import reduce
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import ExpressionError
from engine.matching.limits import LARGEST_EVENT, MAX_GROWTH
from engine.matching.tree import leading_names, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.matching.tree import Node


class Size(NamedTuple):
    """At most `per` times the characters of the current value, and `fixed` more."""

    per: float
    fixed: float

    def of_event(self) -> float:
        """For the largest event."""
        return self.per * LARGEST_EVENT + self.fixed

    def of(self, inner: Size) -> Size:
        """For what another node gives."""
        return Size(self.per * inner.per, self.per * inner.fixed + self.fixed)

    def of_each(self, elements: Size) -> Size:
        """For each element of what another node gives. An element has two characters at least, its comma included."""
        return Size(self.per + self.fixed / 2, self.fixed).of(elements)


_SAME: Final = Size(1, 0)
_SHORT: Final = Size(0, 16)
"""A truth value, a type's name or a count."""

_NULL: Final = 4
"""Characters of `null` within a list or an object."""

_NUMBER: Final = Size(0, 320)
"""`1e308` is five characters, and as a whole number 309."""


def check_growth(tree: Node) -> None:
    """Refuse an expression of which some value can have more than `MAX_GROWTH` times the characters of an event."""
    size_of(tree)


def size_of(node: Node) -> Size:
    """How large the value of a node can be. Raises `ExpressionError` where that, or a value on the way to it, is too much."""
    size = _OF_KIND.get(node.kind, _same)(node)
    if size.of_event() > MAX_GROWTH * LARGEST_EVENT:
        offset = next((part.offset for part in walk(node) if part.offset is not None), None)
        raise ExpressionError(f"a value of this expression can become more than {MAX_GROWTH} times as large as the event", offset)
    return size


def _same(node: Node) -> Size:
    """What takes a part of the current value, or one of the values of its children."""
    return _largest(map(size_of, node.children)) if node.children else _SAME


def _largest(sizes: Iterable[Size]) -> Size:
    return reduce(lambda one, other: Size(max(one.per, other.per), max(one.fixed, other.fixed)), sizes)


def _sum(sizes: Iterable[Size]) -> Size:
    return reduce(lambda one, other: Size(one.per + other.per, one.fixed + other.fixed), sizes)


def _literal(node: Node) -> Size:
    return Size(0, len(json.dumps(node.value)))


def _short(node: Node) -> Size:
    for child in node.children:
        size_of(child)
    return _SHORT


def _steps(node: Node) -> Size:
    """`a.b`, `a[0]` and `a | b`: each step is about what the one before it gives."""
    return reduce(lambda before, step: step.of(before), map(size_of, node.children))


def _projection(node: Node) -> Size:
    left, right, *_ = map(size_of, node.children)
    return right.of_each(left)


def _several(node: Node) -> Size:
    """A list or an object made of several values. Fields of different names are together no larger than their object."""
    parts: dict[object, list[Size]] = defaultdict(list)
    for child in node.children:
        value = child.children[0] if child.kind == "key_val_pair" else child
        parts[leading_names(value)[:1]].append(size_of(value))
    whole = [_sum(parts.pop((), [Size(0, 0)]))]
    fields = [_sum(sizes) for sizes in parts.values()]
    shared = [Size(max(size.per for size in fields), sum(size.fixed for size in fields))] if fields else []
    marks = sum(_NULL + 4 + (len(json.dumps(child.value)) if child.kind == "key_val_pair" else 0) for child in node.children) + 2
    return _sum([*whole, *shared, Size(0, marks)])


# --- calls -------------------------------------------------------------------------------------------------------------


def _call(node: Node) -> Size:
    return _OF_FUNCTION.get(node.value, _short)(node)


def _map(node: Node) -> Size:
    each, values = map(size_of, node.children)
    return Size(each.per, each.fixed + _NULL).of_each(values)


def _merge(node: Node) -> Size:
    return _sum(map(size_of, node.children))


def _join(node: Node) -> Size:
    """What stands between the texts stands there as often as there are texts."""
    glue, values = map(size_of, node.children)
    return Size(1, glue.of_event()).of_each(values)


def _first(node: Node) -> Size:
    """`sort_by(list, &key)` and its like give what the list holds."""
    values, _ = map(size_of, node.children)
    return values


def _longer(node: Node) -> Size:
    """A text in a text: quotes and backslashes take two characters. In lower case a letter may be two as well."""
    return Size(2, 4).of(_same(node))


def _number(node: Node) -> Size:
    _short(node)
    return _NUMBER


_OF_FUNCTION: Final[Mapping[str, Callable[[Node], Size]]] = {
    **dict.fromkeys(("avg", "ceil", "floor", "sum", "to_number"), _number),
    **dict.fromkeys(("abs", "keys", "max", "min", "not_null", "reverse", "sort", "values"), _same),
    **dict.fromkeys(("max_by", "min_by", "sort_by"), _first),
    **dict.fromkeys(("lower", "to_array", "to_string"), _longer),
    "join": _join,
    "map": _map,
    "merge": _merge,
}

_OF_KIND: Final[Mapping[str, Callable[[Node], Size]]] = {
    **dict.fromkeys(("comparator", "holds", "in_list", "not_expression"), _short),
    **dict.fromkeys(("index_expression", "pipe", "subexpression"), _steps),
    **dict.fromkeys(("filter_projection", "projection", "value_projection"), _projection),
    **dict.fromkeys(("multi_select_dict", "multi_select_list"), _several),
    "function_expression": _call,
    "literal": _literal,
}
