"""Comparisons and function calls written out, where a literal says enough to spare JMESPath's general way.

A shortcut stands only where it means exactly the same; whatever it does not cover falls through to the general function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.matching.globs import shape
from engine.matching.tree import field_path
from engine.matching.types import types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.matching.tree import Node
    from engine.matching.writer import ValueScope, Writer

# --- comparisons -------------------------------------------------------------------------------------------------------

_SIGNS: Final[Mapping[str, str]] = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_MIRRORED: Final[Mapping[str, str]] = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
_SHALLOW: Final = frozenset({"string", "null"})


def comparison(writer: Writer, node: Node, scope: ValueScope) -> str:
    """The value of a comparator."""
    left, right = node.children
    operator = node.value
    if left.kind == "literal":
        left, right = right, left
        operator = _MIRRORED.get(operator, operator)
    if operator in _SIGNS:
        return _order(writer, operator, left, right, scope)
    if right.kind == "literal":
        return _equality(writer, writer.value(left, scope), right.value, same=operator == "eq")
    codes = writer.value(left, scope), writer.value(right, scope)
    if types(left) <= _SHALLOW or types(right) <= _SHALLOW:
        return f"({codes[0]} {'==' if operator == 'eq' else '!='} {codes[1]})"
    return f"({'' if operator == 'eq' else 'not '}equals({codes[0]}, {codes[1]}))"


def _equality(writer: Writer, code: str, literal: object, *, same: bool) -> str:
    """Equality with a literal, whose type says how much of JMESPath's equality is needed."""
    constant = writer.constant(literal)
    if literal is None or isinstance(literal, bool):
        return f"({code} is {'' if same else 'not '}{constant})"
    if not (isinstance(literal, (int, float)) and literal in (0, 1)):
        return f"({code} {'==' if same else '!='} {constant})"
    bound, name = writer.bind(code)
    if same:
        return f"({bound} == {constant} and {name}.__class__ is not bool)"
    return f"({bound} != {constant} or {name}.__class__ is bool)"


def _order(writer: Writer, operator: str, left: Node, right: Node, scope: ValueScope) -> str:
    """`<` and its like: null where a side is neither a number nor a string, an error where one is a number and one a string."""
    codes = writer.value(left, scope), writer.value(right, scope)
    if right.kind != "literal" or right.value.__class__ not in (int, float):
        return f"{operator}({codes[0]}, {codes[1]})"
    bound, name = writer.bind(codes[0])
    quick = f"{name} {_SIGNS[operator]} {codes[1]}"
    return f"({quick} if {bound}.__class__ is int or {name}.__class__ is float else {operator}({name}, {codes[1]}))"


# --- calls -------------------------------------------------------------------------------------------------------------


def call(writer: Writer, node: Node, scope: ValueScope) -> str:
    """The value of a function call."""
    short = _SHORT.get(node.value)
    code = short(writer, node, scope) if short else None
    if code is not None:
        return code
    return f"call_{node.value}({', '.join(writer.value(child, scope) for child in node.children)})"


def texts(node: Node, *, of_object: bool) -> frozenset[str] | None:
    """The strings of a list that is made of nothing else; None for any other node. A multi-select of null is null, not a list."""
    if node.kind == "literal" and isinstance(node.value, list):
        items = node.value
    elif node.kind == "multi_select_list" and of_object and all(child.kind == "literal" for child in node.children):
        items = [child.value for child in node.children]
    else:
        return None
    return frozenset(items) if all(isinstance(item, str) for item in items) else None


def _of_text(writer: Writer, node: Node, scope: ValueScope, quick: str, general: str) -> str:
    """`quick` where a value is a string, `general` otherwise; `{0}` in both is the value's name."""
    bound, name = writer.bind(writer.value(node, scope))
    return f"({quick.format(name)} if {bound}.__class__ is str else {general.format(name)})"


def member(writer: Writer, node: Node, scope: ValueScope, known: frozenset[str]) -> str:
    """Whether a value is one of some texts: one lookup, however many they are. What is no text is none of them."""
    return _of_text(writer, node, scope, f"{{0}} in {writer.constant(known, 'texts')}", "False")


def _contains(writer: Writer, node: Node, scope: ValueScope) -> str | None:
    subject, search = node.children
    known = texts(subject, of_object=scope.is_object)
    if known is not None:
        return member(writer, search, scope, known)
    if search.kind != "literal" or not isinstance(search.value, str):
        return None
    needle = writer.constant(search.value)
    bound, name = writer.bind(writer.value(subject, scope))
    return f"({needle} in {name} if {bound}.__class__ is str or {name}.__class__ is list else call_contains({name}, {needle}))"


def _affix(writer: Writer, node: Node, scope: ValueScope) -> str | None:
    subject, affix = node.children
    if affix.kind != "literal" or not isinstance(affix.value, str):
        return None
    text = writer.constant(affix.value)
    return _of_text(writer, subject, scope, f"{{0}}.{_AFFIXES[node.value]}({text})", f"call_{node.value}({{0}}, {text})")


_AFFIXES: Final[Mapping[str, str]] = {
    "starts_with": "startswith",
    "ends_with": "endswith",
    "prefix": "startswith",
    "suffix": "endswith",
    "equals": "__eq__",
}


def _pattern(writer: Writer, node: Node, scope: ValueScope) -> str | None:
    subject, pattern = node.children
    if pattern.kind != "literal":
        return None
    path = field_path(subject)
    tested = (node.value, pattern.value, path)
    if path is not None and tested in scope.known:
        return scope.known[tested]
    quick = f"{writer.constant(pattern.value, node.value)}({{0}})"
    if node.value == "regex":
        quick = f"({quick} is not None)"
    code, name = writer.bind(_of_text(writer, subject, scope, quick, f"absent('{node.value}', {{0}})"))
    if path is not None:
        scope.known[tested] = name
    return code


def _glob(writer: Writer, node: Node, scope: ValueScope) -> str | None:
    subject, pattern = node.children
    kind, text = shape(pattern.value) if pattern.kind == "literal" else ("pattern", "")
    if kind == "pattern":
        return _pattern(writer, node, scope)
    return _of_text(writer, subject, scope, f"{{0}}.{_AFFIXES[kind]}({writer.constant(text)})", "absent('glob', {0})")


def _length(writer: Writer, node: Node, scope: ValueScope) -> str:
    bound, name = writer.bind(writer.value(node.children[0], scope))
    return f"(len({name}) if {bound}.__class__ is list or {name}.__class__ is str else call_length({name}))"


def _not_null(writer: Writer, node: Node, scope: ValueScope) -> str | None:
    """Reading a field never fails, so that later ones need not be read."""
    if not all(map(field_path, node.children)):
        return None
    return f"({writer.chain(node.children, scope, 'else', lambda each, at: _unless_none(writer, each, at))} else None)"


def _unless_none(writer: Writer, node: Node, scope: ValueScope) -> str:
    bound, name = writer.bind(writer.value(node, scope))
    return f"{name} if {bound} is not None"


def _lower(writer: Writer, node: Node, scope: ValueScope) -> str:
    return _of_text(writer, node.children[0], scope, "{0}.lower()", "call_lower({0})")


_SHORT: Final[Mapping[str, Callable[[Writer, Node, ValueScope], str | None]]] = {
    "cidr": _pattern,
    "contains": _contains,
    "ends_with": _affix,
    "glob": _glob,
    "length": _length,
    "lower": _lower,
    "not_null": _not_null,
    "regex": _pattern,
    "starts_with": _affix,
}
