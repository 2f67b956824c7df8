"""What parses but can never be right: refused where an expression is loaded, not where an event meets it.

Here, too, the names that a set defines are put in place: a checked tree holds the texts of `in_list(field, 'name')`, and in place
of `holds('name')` the expressions of that condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import BrokenConditionError, CircularConditionError, DeepConditionError, ExpressionError, UndefinedNameError
from engine.matching.functions import FUNCTIONS, REFERENCE, Function
from engine.matching.globs import check_glob
from engine.matching.growth import check_growth
from engine.matching.limits import MAX_CONDITION_DEPTH, MAX_DEPTH, MAX_EXPRESSION, MAX_NODES
from engine.matching.networks import check_cidr
from engine.matching.regexes import check_regex
from engine.matching.tree import Node, SpelledCondition, TextList, moved, parse, walk
from engine.matching.types import INNER_SCOPE
from engine.model import Definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_PATTERNS: Final[Mapping[str, Callable[[str], None]]] = {"glob": check_glob, "regex": check_regex, "cidr": check_cidr}

NAMING: Final[Mapping[str, Function]] = {
    "holds": Function((("string",),), ("boolean",)),
    "in_list": Function(((), ("string",)), ("boolean",)),
}
"""The functions whose last argument is a name that the set defines."""

NOTHING_DEFINED: Final = Definitions()


def check(expression: str) -> Node:
    """The syntax tree of an expression that can be compiled, and that uses no list and no condition.

    Raises `ExpressionError` for what `parse` refuses, and for unknown functions, a wrong number of arguments, misplaced
    expression references, literal patterns that cannot be used, and values that grow too large.
    """
    return Trees()[expression]


def _parsed(expression: str) -> Node:
    tree = parse(expression)
    for node in walk(tree):
        if node.kind == "function_expression":
            _check_call(node)
    _check_references(tree, takes=False)
    check_growth(tree)
    return tree


class Trees(dict[str, Node]):
    """The syntax trees of a set's expressions by their text, each parsed and checked when it is first looked up.

    A lookup raises `ExpressionError` as `check` does; `UndefinedNameError` for a list or a condition that is not defined, and
    `BrokenConditionError` for one that is wrong itself. One belongs to a load, or to a run of the linter: nothing bounds it.
    """

    def __init__(self, definitions: Definitions = NOTHING_DEFINED) -> None:
        super().__init__()
        self.definitions = definitions
        self._lists = {name: TextList(name, texts) for name, texts in definitions.lists.items()}
        self._conditions: dict[str, SpelledCondition] = {}
        self._spelling: list[str] = []

    def __missing__(self, expression: str) -> Node:
        """Parse and check an expression."""
        tree = self._resolved(_parsed(expression), whole=True)
        conditions = list(_conditions_in([tree]))
        if conditions:
            _check_size(expression, tree, conditions)
        self[expression] = tree
        return tree

    def condition(self, name: str) -> SpelledCondition:
        """A condition of the set, spelled out. Raises `ExpressionError`."""
        if name not in self._conditions:
            if name in self._spelling:
                raise CircularConditionError(self._spelling[self._spelling.index(name) :])
            if len(self._spelling) == MAX_CONDITION_DEPTH:
                raise _deep()
            self._spelling.append(name)
            try:
                expressions = self.definitions.conditions[name]
                self._conditions[name] = _condition(name, expressions, [self[expression] for expression in expressions])
            finally:
                self._spelling.pop()
        condition = self._conditions[name]
        if len(self._spelling) + condition.depth > MAX_CONDITION_DEPTH:
            raise _deep()
        return condition

    def _resolved(self, node: Node, *, whole: bool) -> Node:
        """A node with its names in place. `whole`: the current value is the document as a whole."""
        if node.kind == "function_expression" and node.value in NAMING:
            return self._in_list(node, whole=whole) if node.value == "in_list" else self._holds(node, whole=whole)
        inner = INNER_SCOPE.get(node.kind, len(node.children))
        children = tuple(self._resolved(child, whole=whole and place < inner) for place, child in enumerate(node.children))
        unchanged = all(old is new for old, new in zip(node.children, children, strict=True))
        return node if unchanged else node._replace(children=children)

    def _in_list(self, node: Node, *, whole: bool) -> Node:
        value, name = node.children
        known = self._lists.get(name.value)
        if known is None:
            raise UndefinedNameError("list", name.value, self._lists, name.offset)
        return Node("in_list", known, (self._resolved(value, whole=whole),), node.offset)

    def _holds(self, node: Node, *, whole: bool) -> Node:
        name = node.children[0]
        if not whole:
            raise ExpressionError(
                "a condition is about the event, so holds() stands neither in brackets nor behind |", node.offset
            )
        if name.value not in self.definitions.conditions:
            raise UndefinedNameError("condition", name.value, self.definitions.conditions, name.offset)
        try:
            condition = self.condition(name.value)
        except BrokenConditionError:
            raise
        except ExpressionError:
            raise BrokenConditionError(f"the condition {name.value} is wrong itself", name.offset) from None
        trees = tuple(moved(tree, node.offset) for tree in condition.trees)
        return Node("holds", condition._replace(trees=trees), (), node.offset)


# --- conditions, spelled out -------------------------------------------------------------------------------------------


def _condition(name: str, expressions: Iterable[str], trees: list[Node]) -> SpelledCondition:
    inner = list(_conditions_in(trees))
    return SpelledCondition(
        name,
        tuple(trees),
        depth=1 + max((condition.depth for condition in inner), default=0),
        parts=sum(1 for tree in trees for _ in walk(tree)) + sum(condition.parts for condition in inner),
        characters=sum(map(len, expressions)) + sum(condition.characters for condition in inner),
        levels=max(map(_levels, trees)),
    )


def _conditions_in(trees: Iterable[Node]) -> Iterator[SpelledCondition]:
    """The conditions that trees use, but for those that these use."""
    return (node.value for tree in trees for node in walk(tree) if node.kind == "holds")


def _levels(node: Node) -> int:
    """How deep a node nests, spelled out."""
    return node.value.levels if node.kind == "holds" else 1 + max(map(_levels, node.children), default=0)


def _check_size(expression: str, tree: Node, conditions: list[SpelledCondition]) -> None:
    """The limits of an expression, spelled out."""
    for limit, size, of in (
        (MAX_NODES, sum(1 for _ in walk(tree)) + sum(condition.parts for condition in conditions), "parts"),
        (MAX_EXPRESSION, len(expression) + sum(condition.characters for condition in conditions), "characters"),
        (MAX_DEPTH + 1, _levels(tree), "levels"),
    ):
        if size > limit:
            raise ExpressionError(f"with its conditions spelled out, the expression has more than {limit} {of}")


def _deep() -> DeepConditionError:
    return DeepConditionError(f"conditions use one another more than {MAX_CONDITION_DEPTH} deep")


# --- calls -------------------------------------------------------------------------------------------------------------


def _check_call(node: Node) -> None:
    function = FUNCTIONS.get(node.value) or NAMING.get(node.value)
    if function is None:
        raise ExpressionError(f"there is no function {node.value}()", node.offset, _close_function(node.value))
    least, count = len(function.parameters), len(node.children)
    if count < least or (count > least and not function.variadic):
        wanted = f"{'at least ' if function.variadic else ''}{least} argument{'s' if least > 1 else ''}"
        raise ExpressionError(f"{node.value}() takes {wanted}, not {count}", node.offset)
    last = node.children[-1]
    if node.value in NAMING and not (last.kind == "literal" and isinstance(last.value, str)):
        what = "condition, such as holds('office')" if node.value == "holds" else "list, such as in_list(actor.role, 'robots')"
        raise ExpressionError(f"{node.value}() takes the name of a {what}, written out", node.offset)
    if node.value in _PATTERNS and node.children[1].kind == "literal":
        _check_pattern(node.value, node.children[1])


def _close_function(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  only for this message

    meant = _OF_OTHER_LANGUAGES.get(name.lower()) or next(iter(get_close_matches(name, _ALL, n=1)), None)
    return f"did you mean {meant}()?" if meant else f"there is: {', '.join(_ALL)}"


_ALL: Final = sorted({*FUNCTIONS, *NAMING})

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
