"""What parses but can never be right: refused where an expression is loaded, not where an event meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import ExpressionError
from engine.matching.functions import FUNCTIONS, REFERENCE
from engine.matching.globs import check_glob
from engine.matching.networks import check_cidr
from engine.matching.regexes import check_regex
from engine.matching.tree import parse, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.matching.tree import Node

_PATTERNS: Final[Mapping[str, Callable[[str], None]]] = {"glob": check_glob, "regex": check_regex, "cidr": check_cidr}


def check(expression: str) -> Node:
    """The syntax tree of an expression that can be compiled.

    Raises `ExpressionError` for what `parse` refuses, and for unknown functions, a wrong number of arguments, misplaced
    expression references and literal patterns that cannot be used.
    """
    tree = parse(expression)
    for node in walk(tree):
        if node.kind == "function_expression":
            _check_call(node)
    _check_references(tree, takes=False)
    return tree


class Trees(dict[str, "Node"]):
    """The syntax trees of expressions by their text, each parsed and checked when it is first looked up.

    A lookup raises `ExpressionError` as `check` does. One belongs to a load, or to a run of the linter: nothing bounds it.
    """

    def __missing__(self, expression: str) -> Node:
        """Parse and check an expression."""
        tree = self[expression] = check(expression)
        return tree


def _check_call(node: Node) -> None:
    function = FUNCTIONS.get(node.value)
    if function is None:
        raise ExpressionError(f"there is no function {node.value}()", node.offset, _close_function(node.value))
    least, count = len(function.parameters), len(node.children)
    if count < least or (count > least and not function.variadic):
        wanted = f"{'at least ' if function.variadic else ''}{least} argument{'s' if least > 1 else ''}"
        raise ExpressionError(f"{node.value}() takes {wanted}, not {count}", node.offset)
    if node.value in _PATTERNS and node.children[1].kind == "literal":
        _check_pattern(node.value, node.children[1])


def _close_function(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  only for this message

    meant = _OF_OTHER_LANGUAGES.get(name.lower()) or next(iter(get_close_matches(name, FUNCTIONS, n=1)), None)
    return f"did you mean {meant}()?" if meant else f"there is: {', '.join(FUNCTIONS)}"


_OF_OTHER_LANGUAGES: Final[Mapping[str, str]] = {
    "endswith": "ends_with",
    "fnmatch": "glob",
    "includes": "contains",
    "in_cidr": "cidr",
    "ip_in": "cidr",
    "len": "length",
    "like": "glob",
    "lowercase": "lower",
    "match": "regex",
    "matches": "regex",
    "size": "length",
    "startswith": "starts_with",
    "tolower": "lower",
    "to_lower": "lower",
}
"""Functions that people know from elsewhere, and their names here."""


def _check_pattern(name: str, node: Node) -> None:
    if not isinstance(node.value, str):
        raise ExpressionError(f"the pattern of {name}() is a string", node.offset)
    try:
        _PATTERNS[name](node.value)
    except ExpressionError as error:
        raise ExpressionError(error.what, node.offset, error.instead) from None


def _check_references(node: Node, *, takes: bool) -> None:
    """`&field` stands where a parameter takes a reference, and there nothing else does. `takes` says so of the node itself."""
    if (node.kind == "expref") != takes:
        raise ExpressionError(
            "an expression reference, `&field`, is missing here"
            if takes
            else "an expression reference, `&field`, stands only as an argument of map, sort_by, min_by and max_by",
            next((part.offset for part in walk(node) if part.offset is not None), None),
        )
    function = FUNCTIONS.get(node.value) if node.kind == "function_expression" else None
    parameters = function.parameters if function else ()
    for place, child in enumerate(node.children):
        _check_references(child, takes=place < len(parameters) and REFERENCE in parameters[place])
