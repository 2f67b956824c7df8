"""One pass over a syntax tree that knows types, constants and the values which fields can take, and judges each part by them."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar, Final

from engine.lint.comparisons import (
    ARGUMENT,
    CONSTANT,
    Expected,
    Side,
    comparison_problems,
    list_problems,
    membership_problems,
)
from engine.lint.fields import ANY, FieldShape
from engine.lint.names import FIELD, Scope, negated_name, unknown_field
from engine.lint.patterns import pattern_problems
from engine.lint.problems import Problem, length_of, offset_of, worded
from engine.lint.shapes import (
    BOOLEAN,
    NULL,
    call_shape,
    element_of,
    falsy,
    flattened,
    list_of,
    literal_shape,
    member_of,
    object_of,
    truthy,
    union,
)
from engine.matching.functions import FUNCTIONS, REFERENCE
from engine.matching.spelling import written
from engine.matching.tree import field_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.matching.tree import Node

NOT_BOOLEAN: Final = "TB207"

_PATTERNS: Final = frozenset({"cidr", "contains", "ends_with", "glob", "regex", "starts_with"})


class Purpose(Enum):
    """What becomes of a value: it is taken as it is, as true or false, or it makes the matcher hold where it is exactly true."""

    VALUE = auto()
    TRUTH = auto()
    EXACT = auto()


class TypingPass:
    """Judges the parts of one expression. `problems` are in the order in which they are met."""

    def __init__(self, expected: Expected) -> None:
        self.problems: list[Problem] = []
        self._expected = expected

    def judge(self, tree: Node) -> None:
        """Judge a whole expression. One that is `true` alone is how a rule for everything is written."""
        if tree.kind == "literal" and tree.value is True:
            return
        shape = self.shape(tree, Scope(self._expected.event.shape, None), Purpose.EXACT)
        if shape.constant and not self.problems:
            what = "this is the same for every event, and reads none of its fields"
            self._report(Problem(CONSTANT, offset_of(tree), length_of(tree.value), what, "test a field, or leave `when` out"))

    def _report(self, problem: Problem) -> None:
        self.problems.append(problem)

    def shape(self, node: Node, scope: Scope, use: Purpose) -> FieldShape:
        """What a node can give; what is wrong with it and below it is reported."""
        look = self._LOOKS.get(node.kind)
        before = len(self.problems)
        shape = ANY if look is None else look(self, node, scope, use)
        if use is Purpose.EXACT and node.kind not in _CHAINS and "boolean" not in shape.types and len(self.problems) == before:
            self._not_boolean(node, shape)
        return shape

    def _not_boolean(self, node: Node, shape: FieldShape) -> None:
        path = field_path(node)
        what = f"a matcher holds only where it is exactly true, and this is {worded(shape.types) or 'null'}"
        instead = f"write {written(node)} != `null`" if path else "compare it with something"
        size = len(".".join(path)) if path else length_of(node.value) if node.kind == "literal" else 1
        self._report(Problem(NOT_BOOLEAN, offset_of(node), size, what, instead))

    # --- reading ---------------------------------------------------------------------------------------------------------

    def _literal(self, node: Node, _: Scope, __: Purpose) -> FieldShape:
        return literal_shape(node.value)

    def _field(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        shape = member_of(scope.shape, node.value)
        if shape is None:
            self._report(unknown_field(node, scope, self._expected.text))
        return ANY if shape is None else shape

    def _current(self, _: Node, scope: Scope, __: Purpose) -> FieldShape:
        return scope.shape

    def _subexpression(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        known = self._expected.event.paths.get(field_path(node) or ()) if scope.node is None else None
        if known is not None:
            return known
        first, *others = node.children
        if first.kind == "not_expression":
            self._report(negated_name(node, self._expected.text))
            self.shape(first.children[0], scope, Purpose.VALUE)
            return ANY
        shape = self.shape(first, scope, Purpose.VALUE)
        for place, child in enumerate(others, 1):
            before = len(self.problems)
            read = first if place == 1 else node._replace(children=node.children[:place])
            shape = self.shape(child, Scope(shape, read), Purpose.VALUE)
            if len(self.problems) > before:
                return ANY
        return shape

    def _index(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        left, step = node.children
        shape = self.shape(left, scope, Purpose.VALUE)
        if not self._has_elements(left, shape):
            return ANY
        if step.kind == "slice":
            if step.value[2] == 0:
                self._report(
                    Problem(ARGUMENT, offset_of(left), 1, "a slice with a step of 0 fails for every event", "write another step")
                )
            return list_of(element_of(shape), always=False)
        return _maybe_null(element_of(shape))

    def _flatten(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        (left,) = node.children
        shape = self.shape(left, scope, Purpose.VALUE)
        if not self._has_elements(left, shape):
            return ANY
        return list_of(flattened(shape), always=shape.always and shape.types == {"array"})

    def _projection(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        left, right, *condition = node.children
        shape = self.shape(left, scope, Purpose.VALUE)
        if not self._has_elements(left, shape):
            return ANY
        inner = Scope(element_of(shape), left)
        for part in condition:
            self.shape(part, inner, Purpose.TRUTH)
        element = self.shape(right, inner, Purpose.VALUE)
        return list_of(_present(element), always=shape.always and shape.types == {"array"})

    def _values(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        left, right = node.children
        shape = self.shape(left, scope, Purpose.VALUE)
        if "object" not in shape.types:
            what = f"{written(left)} has no fields, so this is always null"
            self._report(Problem(FIELD, offset_of(left), 1, what, "leave out the *"))
            return ANY
        element = self.shape(right, Scope(ANY, left), Purpose.VALUE)
        return list_of(_present(element), always=False)

    def _has_elements(self, node: Node, shape: FieldShape) -> bool:
        if "array" in shape.types or not shape.types:
            return True
        instead = "write starts_with() or glob()" if "string" in shape.types else "leave out the brackets"
        what = f"{written(node) or 'this'} has no elements, so this is always null"
        self._report(Problem(FIELD, offset_of(node), len(written(node)), what, instead))
        return False

    def _list(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        shapes = [self.shape(child, scope, Purpose.VALUE) for child in node.children]
        return list_of(union(shapes), always=scope.shape.always, constant=all(shape.constant for shape in shapes))

    def _dict(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        fields = {pair.value: self.shape(pair.children[0], scope, Purpose.VALUE) for pair in node.children}
        return object_of(fields, always=scope.shape.always)

    def _pipe(self, node: Node, scope: Scope, use: Purpose) -> FieldShape:
        for child in node.children[:-1]:
            scope = Scope(self.shape(child, scope, Purpose.VALUE), child)
        return self.shape(node.children[-1], scope, use)

    # --- joining ---------------------------------------------------------------------------------------------------------

    def _and(self, node: Node, scope: Scope, use: Purpose) -> FieldShape:
        *first, last = node.children
        shapes = [self._operand(child, scope, Purpose.TRUTH, node) for child in first]
        shapes.append(self._operand(last, scope, use, node))
        return union([*map(falsy, shapes[:-1]), shapes[-1]])

    def _or(self, node: Node, scope: Scope, use: Purpose) -> FieldShape:
        *first, last = node.children
        shapes = [self._operand(child, scope, use, node) for child in first]
        # `(a || 'none') == 'x'` has a default; a constant is one only as the last operand of a value
        shapes.append(self.shape(last, scope, use) if use is Purpose.VALUE else self._operand(last, scope, use, node))
        return union([*map(truthy, shapes[:-1]), shapes[-1]])

    def _operand(self, node: Node, scope: Scope, use: Purpose, chain: Node) -> FieldShape:
        before = len(self.problems)
        shape = self.shape(node, scope, Purpose.VALUE if node.kind == "literal" else use)
        if shape.constant and len(self.problems) == before:
            self._constant_operand(node, chain)
        return shape

    def _constant_operand(self, node: Node, chain: Node) -> None:
        """An operand that reads nothing: the same for every event, or a text that was to be compared, too."""
        operator = "&&" if chain.kind == "and_expression" else "||"
        size = length_of(node.value) if node.kind == "literal" else 1
        other = next((field for child in chain.children if (field := _compared(child)) is not None), None)
        if node.kind == "literal" and isinstance(node.value, str):
            what = f"{operator} joins conditions, and this is a text alone"
            instead = f"write {written(other)} == '{node.value}'" if other is not None else f"compare it: FIELD == '{node.value}'"
            self._report(Problem(NOT_BOOLEAN, offset_of(node), size, what, instead))
        else:
            what = f"this part of the {operator} is the same for every event"
            self._report(Problem(CONSTANT, offset_of(node), size, what, "test a field, or leave it out"))

    def _not(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        shape = self.shape(node.children[0], scope, Purpose.TRUTH)
        return _CONSTANT_BOOLEAN if shape.constant else BOOLEAN

    # --- comparing and calling -------------------------------------------------------------------------------------------

    def _comparator(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        before = len(self.problems)
        left, right = (Side(child, self.shape(child, scope, Purpose.VALUE)) for child in node.children)
        if len(self.problems) == before:
            self.problems += comparison_problems(node.value, left, right, self._expected)
        result = _CONSTANT_BOOLEAN if left.shape.constant and right.shape.constant else BOOLEAN
        return result if node.value in ("eq", "ne") else _maybe_null(result)

    def _call(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        before = len(self.problems)
        parameters = FUNCTIONS[node.value].parameters
        shapes: list[FieldShape] = []
        for place, child in enumerate(node.children):
            if child.kind == "expref":
                shapes.append(NULL)
            else:
                shapes.append(self.shape(child, scope, Purpose.VALUE))
                self._argument(node, child, shapes[-1], parameters[min(place, len(parameters) - 1)])
        self._references(node, shapes)
        if len(self.problems) == before:
            self._test(node, [Side(child, shape) for child, shape in zip(node.children, shapes, strict=True)])
        return call_shape(
            node.value, [shape for child, shape in zip(node.children, shapes, strict=True) if child.kind != "expref"]
        )

    def _references(self, node: Node, shapes: Sequence[FieldShape]) -> None:
        """`&field` is read of each element of the list beside it."""
        for child in node.children:
            if child.kind == "expref":
                listed = next((shape for shape in shapes if "array" in shape.types), ANY)
                self.shape(child.children[0], Scope(element_of(listed), child), Purpose.VALUE)

    def _argument(self, call: Node, argument: Node, shape: FieldShape, allowed: tuple[str, ...]) -> None:
        """An argument of a type that the function refuses: it fails for every event that has the field."""
        taken = {name.partition("-")[0] for name in allowed} - {REFERENCE}
        if not shape.types or not taken:
            return
        side = Side(argument, shape)
        if not shape.types & taken:
            what = f"{call.value}() does not take {side.name}: it is {worded(shape.types)}"
            self._report(Problem(ARGUMENT, side.offset, side.length, what, _instead(call, side, taken)))
            return
        elements = {name.partition("-")[2] for name in allowed if name.startswith("array-")}
        inner = shape.elements.types if shape.elements is not None and shape.types == {"array"} else None
        if elements and inner and not inner & elements and shape.elements is not None and shape.elements.always:
            what = f"{call.value}() does not take {side.name}: it holds {worded(inner)}"
            self._report(Problem(ARGUMENT, side.offset, side.length, what, f"give it a list of {' or '.join(sorted(elements))}s"))

    def _test(self, node: Node, sides: Sequence[Side]) -> None:
        """What a test of a text or of a list says of every event."""
        if node.value not in _PATTERNS:
            return
        subject, pattern = sides
        if node.value == "contains" and "array" in subject.shape.types:
            self.problems += membership_problems(subject, pattern, self._expected)
        elif node.value == "contains" and pattern.shape.types and "string" not in pattern.shape.types:
            what = f"contains() looks for its second argument in its first, and {subject.name} is {worded(subject.shape.types)}"
            swapped = pattern.shape.types == {"array"}
            instead = f"write contains({written(pattern.node)}, {written(subject.node)})" if swapped else "look for a string"
            self._report(Problem(ARGUMENT, pattern.offset, pattern.length, what, instead))
        elif subject.shape.constant:
            what = f"{node.value}() tests no field, so this is the same for every event"
            self._report(Problem(CONSTANT, node.offset or 0, len(node.value), what, "a field is written without quotes"))
        elif pattern.node.kind == "literal":
            self.problems += pattern_problems(node.value, subject, pattern.node, self._expected)

    def _in_list(self, node: Node, scope: Scope, _: Purpose) -> FieldShape:
        before = len(self.problems)
        (child,) = node.children
        side = Side(child, self.shape(child, scope, Purpose.VALUE))
        if len(self.problems) == before:
            self.problems += list_problems(side, node, self._expected)
        return _CONSTANT_BOOLEAN if side.shape.constant else BOOLEAN

    def _holds(self, _: Node, __: Scope, ___: Purpose) -> FieldShape:
        """A condition is judged where it is defined."""
        return BOOLEAN

    _LOOKS: ClassVar[Mapping[str, Callable[[TypingPass, Node, Scope, Purpose], FieldShape]]] = {
        "and_expression": _and,
        "comparator": _comparator,
        "current": _current,
        "field": _field,
        "filter_projection": _projection,
        "flatten": _flatten,
        "function_expression": _call,
        "holds": _holds,
        "identity": _current,
        "in_list": _in_list,
        "index_expression": _index,
        "literal": _literal,
        "multi_select_dict": _dict,
        "multi_select_list": _list,
        "not_expression": _not,
        "or_expression": _or,
        "pipe": _pipe,
        "projection": _projection,
        "subexpression": _subexpression,
        "value_projection": _values,
    }


def _maybe_null(shape: FieldShape) -> FieldShape:
    return replace(shape, always=False) if shape.always else shape


def _present(shape: FieldShape) -> FieldShape:
    """What a projection keeps of its elements: it leaves out null."""
    return shape if shape.always else replace(shape, always=True)


def _compared(node: Node) -> Node | None:
    """The field that a node compares with a value, where it does no more."""
    if node.kind != "comparator":
        return None
    return next((child for child in node.children if field_path(child)), None)


def _instead(call: Node, argument: Side, taken: set[str]) -> str:
    if argument.shape.types == {"array"} and call.value in _PATTERNS and argument.node.kind.endswith("projection"):
        return f"test each element: length({written(argument.node.children[0])}[?{call.value}(FIELD, '…')]) > `0`"
    return f"give it {worded(taken - {'null'})}"


_CHAINS: Final = frozenset({"and_expression", "or_expression", "pipe"})
_CONSTANT_BOOLEAN: Final = FieldShape(frozenset({"boolean"}), always=True, constant=True)
