"""What is wrong with a comparison or a list of values: it is the same for every event, whatever the field holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.lint.fields import LOGGED_AS
from engine.lint.problems import Problem, length_of, offset_of, worded
from engine.matching.spelling import written
from engine.matching.tree import Node, equality, field_path, spelling, walk
from engine.matching.types import type_of
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.lint.fields import EventShape, FieldShape
    from engine.lint.forms import Mismatch

TYPE: Final = "TB205"
VALUE: Final = "TB206"
CONSTANT: Final = "TB208"
GLOB: Final = "TB209"
ARGUMENT: Final = "TB213"
PASSED_OVER: Final = "TB216"

EVENT_NAME: Final = ("eventName",)
_NULL: Final = Node("literal", None)
_ORDERED: Final = frozenset({"number", "string"})
LITERAL: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`""", re.DOTALL)
_ONE_LITERAL: Final = re.compile(r"""'[^'\\]*'|`(?:true|false|-?[0-9]+)`""")
_WORDS: Final = frozenset({"true", "false", "null"})


class Side(NamedTuple):
    """One side of a comparison: its node, and what it can give."""

    node: Node
    shape: FieldShape

    @property
    def path(self) -> tuple[str, ...]:
        """The field that it is, where it is no more than that."""
        return field_path(self.node) or ()

    @property
    def name(self) -> str:
        """What a finding calls it."""
        if self.node.kind == "function_expression":
            return f"{self.node.value}()"
        return written(self.node) if self.node.kind != "multi_select_list" else "a list"

    @property
    def types(self) -> str:
        """What it is, in words."""
        verb = "gives" if self.node.kind == "function_expression" else "is"
        return f"{self.name} {verb} {worded(self.shape.types)}"

    @property
    def offset(self) -> int:
        """Where it stands in its expression."""
        return offset_of(self.node)

    @property
    def length(self) -> int:
        """How many characters it takes, about."""
        path = ".".join(self.path)
        return len(path) or (length_of(self.node.value) if self.node.kind == "literal" else 1)

    @property
    def is_text(self) -> bool:
        """Whether it is a literal text."""
        return self.node.kind == "literal" and isinstance(self.node.value, str)


class Expected(NamedTuple):
    """What an expression is judged by: its text, the events that it is about, and those of their names that are looked at.

    `selected` is None where all are. `either` are fields that it compares both with 'true' or 'false' and with `true` or `false`:
    its author knows that the other one may never be written.
    """

    text: str
    event: EventShape
    selected: frozenset[str] | None = None
    either: frozenset[tuple[str, ...]] = frozenset()

    def edit(self, literal: Node, replacement: str) -> tuple[int, int, str] | None:
        """The edit that replaces a literal; None where that is not known to be all of it."""
        start = literal.offset or 0
        there = LITERAL.match(self.text, start)
        return (start, there.end(), replacement) if there and _ONE_LITERAL.fullmatch(replacement) else None


# --- comparisons -----------------------------------------------------------------------------------------------------------


def written_either_way(tree: Node) -> frozenset[tuple[str, ...]]:
    """The fields that an expression compares with a word and with a boolean: `x == 'true' || x == `true``."""
    compared = (equality(node._replace(value="eq")) for node in walk(tree) if node.value in ("eq", "ne"))
    equalities = [each for each in compared if each is not None]
    words = {path for path, value in equalities if value in ("true", "false")}
    return frozenset(path for path, value in equalities if isinstance(value, bool) and path in words)


def comparison_problems(operator: str, left: Side, right: Side, expected: Expected) -> Iterator[Problem]:
    """What is wrong with `left operator right`."""
    if left.shape.constant and right.shape.constant:
        yield Problem(CONSTANT, left.offset, 1, "both sides are the same for every event", "compare a field with a value")
    elif spelling(left.node) == spelling(right.node):
        yield Problem(
            CONSTANT, left.offset, left.length, "both sides are the same for every event", "compare a field with a value"
        )
    elif operator in ("eq", "ne"):
        field, other = (right, left) if left.node.kind == "literal" else (left, right)
        yield from _equality(field, other, expected, equal=operator == "eq")
    else:
        yield from _order(left, right)


def _order(left: Side, right: Side) -> Iterator[Problem]:
    for side in (left, right):
        if side.shape.types and not side.shape.types & _ORDERED:
            what = f"{side.types}, which has no order, so this never holds"
            yield Problem(TYPE, side.offset, side.length, what, "compare numbers, or use == or !=")
            return
    field, other = (right, left) if left.node.kind == "literal" else (left, right)
    if field.shape.types and other.shape.types and not field.shape.types & other.shape.types & _ORDERED:
        what = f"{field.types} and {other.types}, so this never holds"
        value = other.node.value if other.node.kind == "literal" else None
        number = isinstance(value, str) and "number" in field.shape.types and value.lstrip("-").isdigit()
        instead = f"write `{value}`" if number else "compare values of one type"
        yield Problem(TYPE, other.offset, other.length, what, instead)


def _equality(field: Side, other: Side, expected: Expected, *, equal: bool) -> Iterator[Problem]:
    ever = "never" if equal else "always"
    if field.node.kind == "not_expression" and not other.shape.types & {"boolean"}:
        what = "! is read before ==, so this compares true or false with something else"
        yield Problem(TYPE, field.offset, 1, what, "write !(… == …), or !=")
    elif not other.shape.types or not field.shape.types:
        yield from _null(field, other, ever)
    elif not field.shape.types & other.shape.types and field.path not in expected.either:
        yield from _other_type(field, other, expected, ever)
    elif other.is_text:
        yield from text_problems(field, other.node, expected, equal=equal)
    elif field.shape.types == other.shape.types == {"string"}:
        yield from _no_common_text(field, other, ever)


def _null(field: Side, other: Side, ever: str) -> Iterator[Problem]:
    """One side is always null, which only an absent field is, too."""
    side = field if field.shape.types else other
    if side.shape.always and side.shape.types:
        yield Problem(
            CONSTANT, side.offset, side.length, f"{side.name} is never null, so this {ever} holds", "compare it with a value"
        )


def _holds(field: Side, other: Side, ever: str) -> str:
    """When two sides are equal that have no value in common: never, or where both are null."""
    if field.shape.always or other.shape.always:
        return f"{ever} holds"
    return "holds only where both are absent" if ever == "never" else "fails only where both are absent"


def _other_type(field: Side, other: Side, expected: Expected, ever: str) -> Iterator[Problem]:
    holds = _holds(field, other, ever)
    what = f"{field.types}, so this {holds}"
    if other.node.kind != "literal":
        what = f"{field.types} and {other.types}, so this {holds}"
    instead, edit = _of_field_type(field, other, expected, ever)
    yield Problem(TYPE, other.offset, other.length, what, instead, edit=edit)


def _of_field_type(field: Side, other: Side, expected: Expected, ever: str) -> tuple[str, tuple[int, int, str] | None]:
    """What to write instead of a value of another type, and the edit where that is certain."""
    negation = "" if ever == "never" else "!"
    if other.node.kind == "multi_select_list" or other.shape.types == {"array"}:
        return f"one of several values is written {negation}contains({written(other.node)}, {written(field.node)})", None
    if field.shape.types == {"array"}:
        return f"a list has no single value; write {negation}contains({written(field.node)}, {written(other.node)})", None
    if other.node.kind != "literal" or not field.path:
        return "compare it with a value of that type", None
    as_text = str(other.node.value).lower() if isinstance(other.node.value, bool) else str(other.node.value)
    if "string" in field.shape.types:
        replacement = f"'{as_text}'"
    elif "boolean" in field.shape.types:
        replacement = f"`{as_text.lower()}`" if as_text.lower() in _WORDS else "`true` or `false`"
    elif "number" in field.shape.types:
        replacement = f"`{as_text}`" if as_text.lstrip("-").isdigit() else "a number in backticks: `1`"
    else:
        return "test one of its fields", None
    return f"write {replacement}", expected.edit(other.node, replacement)


def _no_common_text(field: Side, other: Side, ever: str) -> Iterator[Problem]:
    mine, others = field.shape.values, other.shape.values
    if mine is not None and others is not None and not mine & others:
        what = f"{field.name} and {other.name} have no value in common, so this {_holds(field, other, ever)}"
        yield Problem(VALUE, other.offset, other.length, what, "compare fields that can be equal")


# --- texts ------------------------------------------------------------------------------------------------------------------


def text_problems(field: Side, literal: Node, expected: Expected, *, equal: bool) -> Iterator[Problem]:
    """What is wrong with a literal text that a field is compared with, alone or in a list."""
    text, offset, size = str(literal.value), literal.offset or 0, length_of(literal.value)
    shape = field.shape
    if "string" not in shape.types:
        return
    if shape.values is not None:
        if text not in shape.values:
            yield _no_value(field, text, Problem(VALUE, offset, size, "", ""))
        elif field.path == EVENT_NAME:
            yield from _passed_over(text, Problem(PASSED_OVER, offset, size, "", "", warns=True), expected)
        return
    if not text and shape.form is not None and field.path:
        what = f"{field.name} is never an empty text: where there is none, it is null"
        yield Problem(VALUE, offset, size, what, f"compare it with {written(_NULL)}", warns=True)
        return
    mismatch = shape.form.mismatch(text) if shape.form is not None else None
    if "*" in text and field.path:
        operator = "==" if equal else "!="
        replacement = f"{'' if equal else '!'}glob({written(field.node)}, '{text}')"
        edit = _whole_edit(field, literal, expected, replacement) if "'" not in text and "\\" not in text else None
        yield Problem(GLOB, offset, size, f"{operator} compares exactly, so * is only a star", f"write {replacement}", edit=edit)
    elif mismatch is not None:
        yield _mismatch(field, mismatch, literal, expected)
    elif field.node.kind == "function_expression" and field.node.value == "lower" and text != text.lower():
        what = f"lower() gives no capitals, so it is never '{text}'"
        edit = expected.edit(literal, f"'{text.lower()}'")
        yield Problem(VALUE, offset, size, what, f"write '{text.lower()}'", edit=edit)


def _mismatch(field: Side, mismatch: Mismatch, literal: Node, expected: Expected) -> Problem:
    edit = expected.edit(literal, f"'{mismatch.value}'") if mismatch.value is not None else None
    instead = mismatch.instead.replace("FIELD", written(field.node))
    return Problem(VALUE, literal.offset or 0, length_of(literal.value), mismatch.what, instead, mismatch.warns, edit)


def _whole_edit(field: Side, literal: Node, expected: Expected, replacement: str) -> tuple[int, int, str] | None:
    """The edit that replaces a whole comparison, where the field is written plainly beside the literal."""
    start, name, at = field.offset, ".".join(field.path), literal.offset or 0
    there = LITERAL.match(expected.text, at)
    between = expected.text[min(start + len(name), there.end() if there else at) : max(start, at)]
    if expected.text[start : start + len(name)] != name or there is None or between.strip() not in ("==", "!="):
        return None
    return min(start, at), max(start + len(name), there.end()), replacement


def _no_value(field: Side, text: str, problem: Problem) -> Problem:
    """What to say of a text that is none of the few which a field may have."""
    values = field.shape.values or frozenset()
    what = f"{field.name} is never '{text}'"
    if field.path == EVENT_NAME:
        name = text.removeprefix("s3:")
        meant = LOGGED_AS.get(name, name)
        if meant in values:
            why = "" if name != text else f": CloudTrail logs it as {meant}"
            return problem._replace(what=f"{what}{why}", instead=f"write '{meant}'")
    return problem._replace(what=what, instead=suggestion(text, sorted(values)))


def _passed_over(text: str, problem: Problem, expected: Expected) -> Iterator[Problem]:
    """An event that exists and that the set does not look at."""
    if text in LOGGED_AS:
        yield problem._replace(
            code=VALUE,
            what=f"eventName is never '{text}': CloudTrail logs it as {LOGGED_AS[text]}",
            instead=f"write '{LOGGED_AS[text]}'",
            warns=False,
        )
    elif expected.selected is not None and text not in expected.selected:
        yield problem._replace(
            what=f"{text} is passed over: `events.names` does not have it", instead="add it to events.names, or leave this out"
        )


# --- lists --------------------------------------------------------------------------------------------------------------------


def membership_problems(listed: Side, value: Side, expected: Expected) -> Iterator[Problem]:
    """What is wrong with `contains(list, value)`: elements that the value never is."""
    elements = listed.shape.elements
    if elements is None or not value.shape.types or "array" not in listed.shape.types:
        return
    if elements.types and not elements.types & value.shape.types and elements.always and listed.shape.types == {"array"}:
        what = f"{listed.name} holds {worded(elements.types)} and {value.types}, so this never holds"
        yield Problem(TYPE, value.offset, value.length, what, "compare values of one type")
        return
    for literal in _literals(listed.node):
        if isinstance(literal.value, str):
            yield from text_problems(value, literal, expected, equal=True)
        elif type_of(literal.value) not in value.shape.types and not (literal.value is None and not value.shape.always):
            what = f"{value.types}, so it is never {written(literal)}"
            yield Problem(TYPE, literal.offset or 0, length_of(literal.value), what, "write a value of that type")
    if value.is_text:
        yield from text_problems(Side(listed.node, elements), value.node, expected, equal=True)


def list_problems(value: Side, node: Node, expected: Expected) -> Iterator[Problem]:
    """What is wrong with `in_list(value, 'name')`: texts of the list that the value never is."""
    known, offset, size = node.value, node.offset or 0, len("in_list")
    if "string" not in value.shape.types:
        what = f"{value.types or f'{value.name} is always null'}, and a list holds texts, so this never holds"
        yield Problem(TYPE, offset, size, what, "look up a text in it")
        return
    for text in sorted(known.texts):
        problem = next(text_problems(value, Node("literal", text, (), offset), expected, equal=True), None)
        if problem is not None and problem.code != PASSED_OVER:
            what = f"of the list {known.name}: {problem.what}"
            instead = "in a list, texts are compared exactly" if problem.code == GLOB else problem.instead
            yield problem._replace(offset=offset, length=size, what=what, instead=instead, edit=None)
            return


def _literals(node: Node) -> Iterator[Node]:
    """The elements of a list that is written out."""
    if node.kind == "multi_select_list":
        yield from (child for child in node.children if child.kind == "literal")
    elif node.kind == "literal" and isinstance(node.value, list):
        yield from (Node("literal", value, (), node.offset) for value in node.value)
