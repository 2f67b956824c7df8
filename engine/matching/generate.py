"""From a syntax tree to the source of a Python function.

The source is made of this package's own templates, temporary names and numbered constants only: names and literals of a policy
are passed beside it, so that one source serves every expression of the same shape, and no text of a policy is ever run.
"""

from __future__ import annotations

from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.matching import inline
from engine.matching.residual import leading_equality, residual
from engine.matching.source import reads_whole
from engine.matching.tree import leading_names
from engine.matching.types import reads, types
from engine.matching.writer import JOINTS, ValueScope, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.matching.source import Generated, Given
    from engine.matching.tree import Node

    Codes: TypeAlias = Mapping[Any, str]

NO_ROW: Final[Codes] = MappingProxyType({})


def expression_source(tree: Node) -> Generated:
    """The source of a function from any document to what an expression finds in it."""
    writer = new_writer()
    return writer.source(writer.value(tree, ValueScope("d", {})))


def predicate_source(trees: Sequence[Node], given: Given, row: Codes = NO_ROW) -> Generated:
    """The source of a function from a record and facts to whether all expressions are exactly true. `row`: see `known`."""
    writer = new_writer()
    scope = ValueScope("d", known(given, row), is_object=True)
    return writer.source(f"True if {_all_true(writer, trees, scope, given)} else False", "d, f")


def first_source(groups: Sequence[Sequence[Node]], given: Given) -> Generated:
    """The source of a function from a record and facts to the number of the first group that is all true; -1 where none is."""
    writer = new_writer()
    return writer.source(first(writer, groups, given, known(given)), "d, f")


def first(writer: Writer, groups: Sequence[Sequence[Node]], given: Given, codes: Codes, start: int = 0) -> str:
    """Code for that place, counted from `start`, of the record `d` and facts `f`.

    What one group certainly reads, the next ones do not read again; and of groups in a row that begin with the same equality, it
    is evaluated once.
    """
    scope = ValueScope("d", dict(codes), is_object=True)
    parts: list[str] = []
    for _, several in groupby(enumerate(groups, start), lambda group: _equality(group[1])):
        run = list(several)
        shared = leading_equality(run[0][1])
        if shared is None or len(run) == 1:
            parts += _in_turn(writer, run, scope, given)
            continue
        condition, name = writer.exactly(shared[0], scope), writer.temporary()
        inner = ValueScope("d", dict(scope.known), is_object=True)
        left = [(place, residual(trees, shared[1])) for place, trees in run]
        parts.append(
            f"{name} if ({name} := ({''.join(_in_turn(writer, left, inner, given))}-1) if {condition} else -1) >= 0 else "
        )
    return f"{''.join(parts)}-1"


def _equality(trees: Sequence[Node]) -> object:
    """The equality with which a group begins, without its position."""
    leading = leading_equality(trees)
    return leading and leading[1]


def _in_turn(writer: Writer, groups: Iterable[tuple[int, Sequence[Node]]], scope: ValueScope, given: Given) -> list[str]:
    return [f"{place} if {_all_true(writer, trees, scope, given)} else " for place, trees in groups]


def new_writer() -> Writer:
    """A writer of one function."""
    return Writer(_VALUES)


def known(given: Given, row: Codes = NO_ROW) -> dict[Any, str]:
    """By which code facts are read; and, where the record `d` is a row, everything else that is read of it."""
    facts = {path: f"f[{group}][{place}]" for path, (group, place) in given.places.items()}
    return {**row, **facts}


def _all_true(writer: Writer, trees: Sequence[Node], scope: ValueScope, given: Given) -> str:
    """Whether all of some expressions are exactly true; a whole document is made only for those that cannot do without."""
    if not trees:
        return "True"
    if not any(reads_whole(path, given) for tree in trees for path in reads(tree)):
        return writer.chain(trees, scope, "and", writer.exactly)
    made, name = writer.bind(f"{writer.constant(None, 'whole')}(d, f)")
    return f"{made} is {name} and {writer.chain(trees, ValueScope(name, {}, is_object=True), 'and', writer.exactly)}"


# --- one function a kind of node ---------------------------------------------------------------------------------------


def _current(_: Writer, __: Node, scope: ValueScope) -> str:
    return scope.name


def _literal(writer: Writer, node: Node, _: ValueScope) -> str:
    return writer.constant(node.value)


def _field(writer: Writer, node: Node, scope: ValueScope) -> str:
    return writer.read(scope, (node.value,))


def _path(writer: Writer, node: Node, scope: ValueScope) -> str:
    names = leading_names(node)
    code = writer.read(scope, names) if names else writer.value(node.children[0], scope)
    return writer.steps(code, node.children[max(1, len(names)) :])


def _pipe(writer: Writer, node: Node, scope: ValueScope) -> str:
    return writer.steps(writer.value(node.children[0], scope), node.children[1:])


def _index(writer: Writer, node: Node, scope: ValueScope) -> str:
    return f"item({scope.name}, {writer.constant(node.value)})"


def _slice(writer: Writer, node: Node, scope: ValueScope) -> str:
    return f"part({scope.name}, {writer.constant(node.value)})"


def _flatten(writer: Writer, node: Node, scope: ValueScope) -> str:
    return f"flat({writer.value(node.children[0], scope)})"


def _multi_select_list(writer: Writer, node: Node, scope: ValueScope) -> str:
    return _unless_null(scope, lambda: f"[{', '.join(writer.value(child, scope) for child in node.children)}]")


def _multi_select_dict(writer: Writer, node: Node, scope: ValueScope) -> str:
    pairs = ((writer.constant(pair.value), pair.children[0]) for pair in node.children)
    return _unless_null(scope, lambda: f"{{{', '.join(f'{key}: {writer.value(value, scope)}' for key, value in pairs)}}}")


def _unless_null(scope: ValueScope, write: Callable[[], str]) -> str:
    """A multi-select of null is null; then nothing in it is read."""
    if scope.is_object:
        return write()
    known = dict(scope.known)
    code = f"({write()} if {scope.name} is not None else None)"
    scope.known = known
    return code


def _chain(writer: Writer, node: Node, scope: ValueScope) -> str:
    """`a && b` gives a where a is false, else b. Python's `and` does the same but for zero, which JMESPath holds to be true."""
    joint = JOINTS[node.kind]
    if not any("number" in types(child) for child in node.children[:-1]):
        return f"({writer.chain(node.children, scope, joint, writer.value)})"
    name = writer.temporary()
    number = f"{name}.__class__ is int or {name}.__class__ is float"
    links = writer.chain(node.children, scope, joint, lambda each, at: f"(({name} := {writer.value(each, at)}) or {number})")
    return f"({links}, {name})[1]"


def _not(writer: Writer, node: Node, scope: ValueScope) -> str:
    return f"(not {writer.test(node.children[0], scope)})"


def _in_list(writer: Writer, node: Node, scope: ValueScope) -> str:
    return inline.member(writer, node.children[0], scope, node.value.texts)


def _holds(writer: Writer, node: Node, scope: ValueScope) -> str:
    """A condition reads the document as a whole, which is the current value wherever `holds` may stand."""
    return f"(True if {writer.chain(node.value.trees, scope, 'and', writer.exactly)} else False)"


def _reference(writer: Writer, node: Node, _: ValueScope) -> str:
    name = writer.temporary()
    return f"lambda {name}: {writer.value(node.children[0], ValueScope(name, {}))}"


def _projection(writer: Writer, node: Node, scope: ValueScope) -> str:
    bound, name = writer.bind(writer.value(node.children[0], scope))
    return f"({_collected(writer, node, name)} if {bound}.__class__ is list else None)"


def _value_projection(writer: Writer, node: Node, scope: ValueScope) -> str:
    bound, name = writer.bind(f"members({writer.value(node.children[0], scope)})")
    return f"({_collected(writer, node, name)} if {bound} is not None else None)"


def _collected(writer: Writer, node: Node, name: str) -> str:
    """What a projection makes of every element, but for nulls; of a filter, only where its condition is true."""
    element = writer.temporary()
    scope = ValueScope(element, {})
    condition = f"{writer.test(node.children[2], scope)} and " if node.kind == "filter_projection" else ""
    bound, kept = writer.bind(writer.value(node.children[1], scope))
    return f"[{kept} for {element} in {name} if {condition}{bound} is not None]"


_VALUES: Final[Mapping[str, Callable[[Writer, Node, ValueScope], str]]] = {
    "and_expression": _chain,
    "comparator": inline.comparison,
    "current": _current,
    "expref": _reference,
    "field": _field,
    "filter_projection": _projection,
    "flatten": _flatten,
    "function_expression": inline.call,
    "holds": _holds,
    "identity": _current,
    "in_list": _in_list,
    "index": _index,
    "index_expression": _path,
    "literal": _literal,
    "multi_select_dict": _multi_select_dict,
    "multi_select_list": _multi_select_list,
    "not_expression": _not,
    "or_expression": _chain,
    "pipe": _pipe,
    "projection": _projection,
    "slice": _slice,
    "subexpression": _path,
    "value_projection": _value_projection,
}
