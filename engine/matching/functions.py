"""Every function that a matcher may call, as a table: JMESPath's own and the four of our own.

Sources: https://jmespath.org/specification.html#built-in-functions and jmespath.py 1.1 (`jmespath/functions.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

_Types: TypeAlias = tuple[str, ...]


class Function(NamedTuple):
    """What a function takes and gives, in JMESPath's type names.

    `parameters` holds the types of each parameter (none: any); a `variadic` function takes more of the last one, and checks only
    the first of those. `result` holds the types of the answer (none: any).
    """

    parameters: tuple[_Types, ...]
    result: _Types
    variadic: bool = False


_ANY: Final[_Types] = ()
_ARRAY: Final = ("array",)
_BOOLEAN: Final = ("boolean",)
_REFERENCE: Final = ("expref",)
_NUMBER: Final = ("number",)
_NUMBERS: Final = ("array-number",)
_OBJECT: Final = ("object",)
_STRING: Final = ("string",)
_TEXT: Final = ("string", "null")
_SORTABLE: Final = ("array-number", "array-string")
_EXTREME: Final = ("number", "string", "null")

TYPE_OF: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
"""JMESPath's name of the type of each JSON value."""

FUNCTIONS: Final[Mapping[str, Function]] = {
    "abs": Function((_NUMBER,), _NUMBER),
    "avg": Function((_NUMBERS,), ("number", "null")),
    "ceil": Function((_NUMBER,), _NUMBER),
    "cidr": Function((_TEXT, _STRING), _BOOLEAN),
    "contains": Function((("array", "string"), _ANY), _BOOLEAN),
    "ends_with": Function((_STRING, _STRING), _BOOLEAN),
    "floor": Function((_NUMBER,), _NUMBER),
    "glob": Function((_TEXT, _STRING), _BOOLEAN),
    "join": Function((_STRING, ("array-string",)), _STRING),
    "keys": Function((_OBJECT,), _ARRAY),
    "length": Function((("string", "array", "object"),), _NUMBER),
    "lower": Function((_TEXT,), _TEXT),
    "map": Function((_REFERENCE, _ARRAY), _ARRAY),
    "max": Function((_SORTABLE,), _EXTREME),
    "max_by": Function((_ARRAY, _REFERENCE), _ANY),
    "merge": Function((_OBJECT,), _OBJECT, variadic=True),
    "min": Function((_SORTABLE,), _EXTREME),
    "min_by": Function((_ARRAY, _REFERENCE), _ANY),
    "not_null": Function((_ANY,), _ANY, variadic=True),
    "regex": Function((_TEXT, _STRING), _BOOLEAN),
    "reverse": Function((("array", "string"),), ("array", "string")),
    "sort": Function((_SORTABLE,), _ARRAY),
    "sort_by": Function((_ARRAY, _REFERENCE), _ARRAY),
    "starts_with": Function((_STRING, _STRING), _BOOLEAN),
    "sum": Function((_NUMBERS,), _NUMBER),
    "to_array": Function((_ANY,), _ARRAY),
    "to_number": Function((_ANY,), ("number", "null")),
    "to_string": Function((_ANY,), _STRING),
    "type": Function((_ANY,), _STRING),
    "values": Function((_OBJECT,), _ARRAY),
}
"""`glob`, `regex`, `cidr` and `lower` are Trailbell's; they answer false, or null, for a null value."""

REFERENCE: Final = "expref"
"""The type of an expression reference, `&field`: only some parameters take one, and those take nothing else."""
