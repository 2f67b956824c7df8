"""What the parts of an expression can give, by the shapes of the fields that they read.

A shape claims only what holds for every event whose fields have the shapes of `engine.lint.fields`: a part gives no type and no
text that its shape leaves out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.lint.fields import ANY, FieldShape
from engine.matching.functions import FUNCTIONS
from engine.matching.types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOST_VALUES: Final = 200

NULL: Final = FieldShape(frozenset())
"""What gives nothing but null."""

CONSTANT_NULL: Final = replace(NULL, constant=True)
BOOLEAN: Final = FieldShape(frozenset({"boolean"}), always=True)
_TYPE_NAMES: Final = frozenset({"array", "boolean", "null", "number", "object", "string"})


def literal_shape(value: object) -> FieldShape:
    """The shape of a literal, which is the same for every event."""
    if value is None:
        return CONSTANT_NULL
    texts = frozenset({value}) if isinstance(value, str) else None
    elements = union(map(literal_shape, value)) if isinstance(value, list) else None
    return FieldShape(frozenset({type_of(value)}), texts, always=True, elements=elements, constant=True)


def union(shapes: Iterable[FieldShape]) -> FieldShape:
    """What one of several shapes gives."""
    whole: FieldShape | None = None
    for shape in shapes:
        whole = shape if whole is None else _either(whole, shape)
    return NULL if whole is None else whole


def _either(one: FieldShape, other: FieldShape) -> FieldShape:
    if one == other:
        return one
    return FieldShape(
        one.types | other.types,
        _values(one, other),
        None,
        always=one.always and other.always,
        elements=_elements(one, other),
        form=one.form if one.form is other.form else None,
        constant=False,
    )


def _values(one: FieldShape, other: FieldShape) -> frozenset[str] | None:
    """The texts of both; None where one of them may be any text."""
    sides = [shape.values for shape in (one, other) if "string" in shape.types]
    if any(values is None for values in sides):
        return None
    texts = frozenset[str]().union(*(values or () for values in sides))
    return texts if sides and len(texts) <= _MOST_VALUES else None


def _elements(one: FieldShape, other: FieldShape) -> FieldShape | None:
    sides = [shape.elements for shape in (one, other) if "array" in shape.types]
    return union(shape for shape in sides if shape is not None) if sides and None not in sides else None


def list_of(elements: FieldShape | None, *, always: bool, constant: bool = False) -> FieldShape:
    """A list of what has a shape (None: of anything)."""
    return FieldShape(frozenset({"array"}), always=always, elements=elements, constant=constant)


def element_of(shape: FieldShape) -> FieldShape:
    """What a list of a shape holds."""
    return shape.elements or ANY


def flattened(shape: FieldShape) -> FieldShape:
    """What a list holds once the lists in it are taken apart."""
    inner = element_of(shape)
    if "array" not in inner.types:
        return inner
    rest = replace(inner, types=inner.types - {"array"}, elements=None)
    return union([rest, element_of(inner)]) if rest.types else element_of(inner)


def member_of(shape: FieldShape, name: str) -> FieldShape | None:
    """The shape of a field of an object; None where the object has no such field, or where it is no object."""
    if "object" not in shape.types:
        return None
    if shape.fields is None:
        return ANY
    inner = shape.fields.get(name)
    if inner is None:
        return ANY if name.startswith(shape.loose or ("\0",)) else None
    return inner if shape.always and shape.types == frozenset({"object"}) else replace(inner, always=False)


def truthy(shape: FieldShape) -> FieldShape:
    """What of a shape is true as JMESPath sees it; nothing of it is null."""
    values = shape.values - {""} if shape.values is not None else None
    return replace(shape, values=values, always=True)


def falsy(shape: FieldShape) -> FieldShape:
    """What of a shape is false as JMESPath sees it: null, false, and what is empty."""
    values = frozenset({""}) if "string" in shape.types else None
    nothing_else = shape.types - {"number"}
    return FieldShape(nothing_else, values, always=shape.always, elements=NULL if "array" in nothing_else else None)


def call_shape(name: str, arguments: Sequence[FieldShape]) -> FieldShape:  # noqa: PLR0911  one answer a kind of function
    """What a function gives, where it does not fail."""
    constant = all(argument.constant for argument in arguments)
    result = FUNCTIONS[name].result
    first = arguments[0] if arguments else ANY
    if name == "lower":
        values = frozenset(value.lower() for value in first.values) if first.values is not None else None
        return FieldShape(frozenset({"string"}), values, always=first.always, form=None, constant=constant)
    if name == "not_null":
        return _first_not_null(arguments, constant=constant)
    if name == "type":
        return FieldShape(frozenset({"string"}), _TYPE_NAMES, always=True, constant=constant)
    if name in ("reverse", "sort", "sort_by") and first.types <= {"array"}:
        return replace(first, always=True, constant=constant)
    if name in ("max_by", "min_by"):
        return replace(element_of(first), always=False, constant=constant)
    if name == "to_array":
        inner = element_of(first) if first.types == {"array"} else ANY if "array" in first.types else first
        return list_of(inner if first.always or first.types == {"array"} else ANY, always=True, constant=constant)
    types = frozenset(result) - {"null"} if result else ANY.types
    return FieldShape(types, always=bool(result) and "null" not in result, constant=constant)


def _first_not_null(arguments: Sequence[FieldShape], *, constant: bool) -> FieldShape:
    possible: list[FieldShape] = []
    for argument in arguments:
        possible.append(replace(argument, always=True))
        if argument.always:
            return replace(union(possible), constant=constant)
    return replace(union(possible), always=False, constant=constant)


def object_of(fields: Mapping[str, FieldShape], *, always: bool) -> FieldShape:
    """An object with these fields and no others."""
    return FieldShape(frozenset({"object"}), None, fields, always=always)
