"""From text to a syntax tree: JMESPath's own parser, with bounds before it and checks after it.

Grammar and tokens: https://jmespath.org/specification.html and jmespath.py 1.1 (`jmespath/parser.py`, `jmespath/lexer.py`).
"""

from __future__ import annotations

import json
import re
from itertools import repeat, takewhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import ExpressionError
from engine.matching.limits import MAX_DEPTH, MAX_EXPRESSION, MAX_NODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.matching.grammar import Raw


class Node(NamedTuple):
    """One node of a syntax tree.

    `kind` is jmespath.py's name of the node type. `value` is what it carries: a field's or function's name, the key of a pair, a
    literal, an index, the name of a comparison (`eq`, `ne`, `lt`, `lte`, `gt`, `gte`), the three numbers of a slice. `offset` is
    where that name or literal starts, in characters from 0; None for nodes without one.
    Chains are flat: `a && b && c` is one `and_expression` of three children, and so are `||` and `|`.
    Two kinds are Trailbell's own, and stand in checked trees in place of the calls: `in_list`, whose value is a `TextList` and
    whose child is what is looked up in it, and `holds`, whose value is a `SpelledCondition`.
    """

    kind: str
    value: Any = None
    children: tuple[Node, ...] = ()
    offset: int | None = None


class TextList(NamedTuple):
    """A list of texts that a set defines; two of one set with the same name are the same."""

    name: str
    texts: frozenset[str]

    def __repr__(self) -> str:
        """Without the texts, of which there may be many."""
        return f"TextList({self.name!r})"


class SpelledCondition(NamedTuple):
    """A condition that a set defines: the trees of its expressions, in which the conditions that they use are spelled out.

    `depth` is how many conditions use one another in a row, 1 where it uses none. `parts`, `characters` and `levels` are what
    the limits of an expression are about: its nodes, its text, and how deep it nests.
    """

    name: str
    trees: tuple[Node, ...]
    depth: int
    parts: int
    characters: int
    levels: int


def parse(expression: str) -> Node:
    """The syntax tree of an expression, within the limits. Functions are not looked up here. Raises `ExpressionError`."""
    from engine.matching.grammar import raw_tree  # noqa: PLC0415  a prepared policy set never parses, and jmespath costs 16 ms

    _check_text(expression)
    raw, tokens = raw_tree(expression)
    return _NodeBuilder(tokens).node(raw, 0)


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it, each parent before its children."""
    yield node
    for child in node.children:
        yield from walk(child)


def moved(node: Node, offset: int | None) -> Node:
    """A node with everything in it at one place of another expression."""
    value = node.value
    if node.kind == "holds":
        value = value._replace(trees=tuple(moved(tree, offset) for tree in value.trees))
    here = None if node.offset is None else offset
    return Node(node.kind, value, tuple(moved(child, offset) for child in node.children), here)


def conjuncts(node: Node) -> tuple[Node, ...]:
    """The parts that must all be true for the whole to be true, in the order of their evaluation."""
    return node.children if node.kind == "and_expression" else (node,)


def field_path(node: Node) -> tuple[str, ...] | None:
    """The field names of a node that reads fields and does nothing else; None for any other node."""
    names = leading_names(node)
    return names if names and len(names) == max(1, len(node.children)) else None


def leading_names(node: Node) -> tuple[str, ...]:
    """The field names with which a node starts to read: `a.b[0].c` gives none, `a.b` gives both, `a.b.{c: d}` gives a and b."""
    children = node.children if node.kind == "subexpression" else (node,)
    return tuple(child.value for child in takewhile(lambda child: child.kind == "field", children))


def equality(node: Node) -> tuple[tuple[str, ...], Any] | None:
    """The path and the literal of which a node says that they are equal; None for any other node."""
    if node.kind != "comparator" or node.value != "eq":
        return None
    field, other = node.children if node.children[1].kind == "literal" else node.children[::-1]
    path = field_path(field)
    return None if path is None or other.kind != "literal" else (path, other.value)


def spelling(node: Node) -> object:
    """A node without its positions: equal for nodes that are written alike."""
    return node.kind, repr(node.value), tuple(map(spelling, node.children))


# --- before the parser -------------------------------------------------------------------------------------------------

_DEEPENERS: Final = "([{!&*:?"
_PIECE: Final = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|\[\?|\|\||&&|[!=<>]=|[][(){}!&*:|,<>]""", re.DOTALL
)
_JSON_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SEPARATORS: Final = frozenset({"||", "&&", "|", "==", "!=", "<=", ">=", "<", ">"})


def _check_text(expression: str) -> None:
    """Size and nesting, before a recursive parser sees them; and literals, which jmespath.py would repair with a warning."""
    if not expression.strip():
        raise ExpressionError("the expression is empty")
    if len(expression) > MAX_EXPRESSION:
        raise ExpressionError(f"the expression is longer than {MAX_EXPRESSION} characters", MAX_EXPRESSION)
    if "`" in expression:
        _check_literals(expression)
    if sum(map(expression.count, _DEEPENERS)) > MAX_DEPTH:
        _check_nesting(expression)


def _check_literals(expression: str) -> None:
    for piece in _PIECE.finditer(expression):
        if piece[0][0] != "`":
            continue
        text = piece[0][1:-1].replace("\\`", "`")
        depth = 0
        for bracket in re.findall(r"[][{}]", _JSON_STRING.sub("", text)):
            depth += 1 if bracket in "[{" else -1
            if depth > MAX_DEPTH:
                raise _too_deep(piece.start())
        try:
            json.loads(text)
        except ValueError:
            raise ExpressionError("the text between backticks is not JSON; a string is written 'text'", piece.start()) from None


def _check_nesting(expression: str) -> None:
    """Follows what makes the parser recurse: brackets, prefixes and projections, until something ends them.

    A level is `[at its start, after the last `&`, now]`: a separator ends projections and `!`, only a comma ends a reference.
    """
    levels = [[0, 0, 0]]
    for piece in _PIECE.finditer(expression):
        text = piece[0]
        level = levels[-1]
        if text in ("(", "[", "{", "[?"):
            levels.append([level[2] + 1] * 3)
        elif text in ")]}":
            if len(levels) > 1:
                levels.pop()
            levels[-1][2] += text == "]"
        elif text == ",":
            level[:] = [level[0]] * 3
        elif text in _SEPARATORS:
            level[2] = level[1]
        elif text == "&":
            level[1:] = [level[2] + 1] * 2
        elif text in "!*:":
            level[2] += 1
        if levels[-1][2] > MAX_DEPTH:
            raise _too_deep(piece.start())


def _too_deep(offset: int | None = None) -> ExpressionError:
    return ExpressionError(f"the expression nests deeper than {MAX_DEPTH} levels", offset)


# --- after the parser --------------------------------------------------------------------------------------------------

_CHAINS: Final = frozenset({"and_expression", "or_expression", "pipe"})
_PATHS: Final = frozenset({"subexpression", "index_expression"})
_NAMED: Final = frozenset({"field", "function_expression", "key_val_pair"})


class _NodeBuilder:
    """Turns jmespath.py's dicts into nodes, in the order of the text, so that names and literals meet their tokens."""

    def __init__(self, tokens: Iterable[Raw]) -> None:
        names: list[int] = []
        literals: list[int] = []
        for token in tokens:
            if token["type"].endswith("identifier"):
                names.append(token["start"])
            elif token["type"] == "literal":
                literals.append(token["start"])
        self._next_name = iter(names).__next__
        self._next_literal = iter(literals).__next__
        self._count = 0

    def node(self, raw: Raw, depth: int) -> Node:
        """The node of a raw tree, checked."""
        kind: str = raw["type"]
        self._count += 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        if self._count > MAX_NODES:
            raise ExpressionError(f"the expression has more than {MAX_NODES} parts")
        if kind in _CHAINS:
            return Node(kind, None, self._chain(kind, raw, depth + 1))
        if kind == "slice":
            return Node(kind, tuple(raw["children"]))
        offset = self._next_name() if kind in _NAMED else self._next_literal() if kind == "literal" else None
        return Node(kind, raw.get("value"), self._children(kind, raw["children"], depth + 1), offset)

    def _children(self, kind: str, raws: list[Raw], depth: int) -> tuple[Node, ...]:
        if kind == "filter_projection":
            # In the text the condition stands before what is projected; in the tree after it.
            left, condition, right = (self.node(raws[place], depth) for place in (0, 2, 1))
            return left, right, condition
        # `a.b.c` is read from the inside out: its first name lies deepest.
        steps = range(len(raws), 0, -1) if kind in _PATHS else repeat(1)
        return tuple(self.node(raw, depth + step - 1) for raw, step in zip(raws, steps, strict=False))

    def _chain(self, kind: str, raw: Raw, depth: int) -> tuple[Node, ...]:
        """`a && b && c` is left-deep in the raw tree, and may be thousands deep: flat here."""
        links: list[Raw] = []
        while raw["type"] == kind:
            raw, right = raw["children"]
            links.append(right)
        nodes = (self.node(link, depth) for link in (raw, *reversed(links)))
        return tuple(part for node in nodes for part in (node.children if node.kind == kind else (node,)))
