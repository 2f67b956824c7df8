"""The code of every function in the table.

JMESPath's functions answer as those of jmespath.py 1.1 (`jmespath/functions.py`) do, oddities included; the errors are ours,
because jmespath.py's quote the value. An expression reference arrives as a Python function of one value.
"""

from __future__ import annotations

import json
import math
import operator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.errors import ExpressionError, MatcherTypeError, MatcherValueError
from engine.matching.functions import FUNCTIONS, REFERENCE, TYPE_OF
from engine.matching.globs import cached_glob
from engine.matching.networks import cached_cidr
from engine.matching.regexes import cached_regex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.matching.globs import Test

Json: TypeAlias = Any
"""A JSON value."""

_Key: TypeAlias = "Callable[[Json], Json]"
_Classes: TypeAlias = frozenset[type]
_Parameter: TypeAlias = tuple[_Classes, tuple[_Classes, ...]]


def _type(value: Json) -> str | None:
    return TYPE_OF.get(value.__class__)


def wrong_type(name: str, value: Json, place: int = 0) -> MatcherTypeError:
    """The error for a function whose argument is of a type that it does not take."""
    takes = " or ".join(FUNCTIONS[name].parameters[place])
    return MatcherTypeError(f"{name}() takes {takes}, not {_type(value)}")


# --- types -------------------------------------------------------------------------------------------------------------


def _classes(name: str) -> _Classes:
    return frozenset(python_class for python_class, known in TYPE_OF.items() if known == name)


def _parameter(types: Sequence[str]) -> _Parameter | None:
    """The classes that a parameter takes, and, for arrays, each choice of classes for all elements; None: takes anything."""
    if not types or REFERENCE in types:
        return None
    outer = frozenset[type]().union(*(_classes(name.partition("-")[0]) for name in types))
    return outer, tuple(_classes(name.partition("-")[2]) for name in types if "-" in name)


def _takes(value: Json, outer: _Classes, elements: tuple[_Classes, ...]) -> bool:
    """Whether a value suits. The first element of an array chooses what all of its elements must be."""
    kind: type = value.__class__
    if kind not in outer or not elements or not value:
        return kind in outer
    allowed = next((classes for classes in elements if value[0].__class__ in classes), frozenset[type]())
    return all(element.__class__ in allowed for element in value)


def _guarded(name: str, call: Callable[..., Json]) -> Callable[..., Json]:
    """A function with its arguments checked, and with Python's own errors turned into ours."""
    parameters = [_parameter(types) for types in FUNCTIONS[name].parameters]

    def guarded(*values: Json) -> Json:
        for place, parameter in enumerate(parameters):
            if parameter is not None and not _takes(values[place], *parameter):
                raise wrong_type(name, values[place], place)
        try:
            return call(*values)
        except TypeError:
            raise MatcherTypeError(f"{name}() does not take these types together") from None
        except (ValueError, OverflowError, RecursionError, ExpressionError):
            raise MatcherValueError(f"{name}() cannot use a value that it was given") from None

    return guarded


# --- JMESPath's own ----------------------------------------------------------------------------------------------------


def _to_number(value: Json) -> Json:
    if value.__class__ in (int, float):
        return value
    if value.__class__ is not str:
        return None
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return None


def _to_string(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=str)


def _merge(*values: Json) -> dict[str, Json]:
    merged: dict[str, Json] = {}
    for value in values:
        merged.update(value)
    return merged


def _key_of(name: str, key: _Key, *types: str) -> _Key:
    """A key that must be of one of some types for every element."""
    classes = frozenset[type]().union(*map(_classes, types))

    def checked(value: Json) -> Json:
        result = key(value)
        if result.__class__ not in classes:
            raise MatcherTypeError(f"{name}() takes keys that are {' or '.join(types)}, not {_type(result)}")
        return result

    return checked


def _sort_by(values: list[Json], key: _Key) -> list[Json]:
    """The first element's key says whether all keys are strings or numbers."""
    if not values:
        return values
    kind = "string" if isinstance(key(values[0]), str) else "number"
    return sorted(values, key=_key_of("sort_by", key, kind))


def _min_by(values: list[Json], key: _Key) -> Json:
    return min(values, key=_key_of("min_by", key, "number", "string"), default=None)


def _max_by(values: list[Json], key: _Key) -> Json:
    return max(values, key=_key_of("max_by", key, "number", "string"), default=None)


# --- our own -----------------------------------------------------------------------------------------------------------


def absent(name: str, value: Json) -> bool:
    """What glob, regex and cidr answer for anything but a string: false for null, an error for the rest."""
    if value is not None:
        raise wrong_type(name, value)
    return False


def _of_pattern(test: Callable[[str], Test]) -> Callable[[str | None, str], bool]:
    return lambda value, pattern: value is not None and test(pattern)(value)


_BARE: Final[Mapping[str, Callable[..., Json]]] = {
    "abs": abs,
    "avg": lambda values: sum(values) / len(values) if values else None,
    "ceil": math.ceil,
    "cidr": _of_pattern(cached_cidr),
    "contains": operator.contains,
    "ends_with": str.endswith,
    "floor": math.floor,
    "glob": _of_pattern(cached_glob),
    "join": str.join,
    "keys": list,
    "length": len,
    "lower": lambda value: None if value is None else value.lower(),
    "map": lambda key, values: [key(value) for value in values],
    "max": lambda values: max(values, default=None),
    "max_by": _max_by,
    "merge": _merge,
    "min": lambda values: min(values, default=None),
    "min_by": _min_by,
    "not_null": lambda *values: next((value for value in values if value is not None), None),
    "regex": _of_pattern(cached_regex),
    "reverse": lambda value: value[::-1],
    "sort": sorted,
    "sort_by": _sort_by,
    "starts_with": str.startswith,
    "sum": sum,
    "to_array": lambda value: value if isinstance(value, list) else [value],
    "to_number": _to_number,
    "to_string": _to_string,
    "type": _type,
    "values": lambda value: list(value.values()),
}

CALLS: Final[Mapping[str, Callable[..., Json]]] = {name: _guarded(name, call) for name, call in _BARE.items()}
"""Each function, by name; raises `MatcherTypeError` and `MatcherValueError`, whose texts hold types and never values."""
