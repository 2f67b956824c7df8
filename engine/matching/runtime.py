"""What compiled expressions call where the straight path does not serve: other types, other places, JMESPath's odd corners.

Each function has the meaning of one `visit_*` method of jmespath.py 1.1 (`jmespath/visitor.py`).
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final

from engine.errors import MatcherTypeError, MatcherValueError
from engine.matching.calls import CALLS, Json, absent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def field(value: Json, name: str) -> Json:
    """A field of an object; null for anything that has no fields."""
    if value is None:
        return None
    try:
        return value.get(name)
    except AttributeError:
        return None


def item(value: Json, place: int) -> Json:
    """An element of an array; null for anything else and beyond its ends."""
    if not isinstance(value, list):
        return None
    try:
        return value[place]
    except IndexError:
        return None


def part(value: Json, bounds: tuple[int | None, int | None, int | None]) -> Json:
    """A slice of an array; null for anything else."""
    if not isinstance(value, list):
        return None
    try:
        return value[slice(*bounds)]
    except ValueError:
        raise MatcherValueError("the step of a slice is zero") from None


def flat(value: Json) -> Json:
    """An array with the arrays in it opened, one level; null for anything else."""
    if not isinstance(value, list):
        return None
    merged: list[Json] = []
    for element in value:
        if isinstance(element, list):
            merged.extend(element)
        else:
            merged.append(element)
    return merged


def members(value: Json) -> list[Json] | None:
    """The values of an object; None for anything else."""
    try:
        return list(value.values())
    except AttributeError:
        return None


def equals(left: Json, right: Json) -> bool:
    """Whether two values are equal. 1 is not true and 0 is not false; inside arrays and objects, as in jmespath.py, they are.

    It never raises: two values that nest too deep for Python to compare are not equal.
    """
    if left.__class__ is bool or right.__class__ is bool:
        return left is right
    try:
        same: bool = left == right
    except RecursionError:
        return False
    return same


def _ordering(compare: Callable[[Json, Json], bool]) -> Callable[[Json, Json], bool | None]:
    def ordered(left: Json, right: Json) -> bool | None:
        if left.__class__ not in _ORDERED or right.__class__ not in _ORDERED:
            return None
        try:
            return compare(left, right)
        except TypeError:
            raise MatcherTypeError("a string and a number have no order") from None

    return ordered


_ORDERED: Final = frozenset({str, int, float})

NAMES: Final[Mapping[str, object]] = {
    "__builtins__": {},
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "dict": dict,
    "len": len,
    "field": field,
    "item": item,
    "part": part,
    "flat": flat,
    "members": members,
    "equals": equals,
    "absent": absent,
    "lt": _ordering(operator.lt),
    "lte": _ordering(operator.le),
    "gt": _ordering(operator.gt),
    "gte": _ordering(operator.ge),
    **{f"call_{name}": call for name, call in CALLS.items()},
}
"""Everything that generated code can name: nothing of Python's own but its types and `len`."""
