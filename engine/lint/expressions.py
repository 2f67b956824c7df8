"""What is wrong with an expression that compiles: it cannot mean what it says, or fails on real events."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import TooManyWaysError
from engine.lint.fields import ACCOUNTS, BUCKETS, RECORD, FieldShape, shape_of
from engine.lint.kinds import EQUALITIES, TYPE, argument_problems, never_alike
from engine.lint.problems import Path, Problem, length_of, offset_of, outer, path_of, paths, worded
from engine.matching import Node, conjuncts, never_fails, walk
from engine.matching.formula import And, AtomFailure, Not, Or, atoms
from engine.matching.relations import left_of
from engine.matching.tree import spelling
from engine.matching.types import types
from engine.matching.ways import Budget, always, failures, never
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.lint.conditions import Condition
    from engine.matching.formula import Formula
    from engine.matching.ways import Way

FIELD: Final = "TB202"
BARE: Final = "TB203"
QUOTES: Final = "TB204"
VALUE: Final = "TB206"
NOT_BOOLEAN: Final = "TB207"
CONSTANT: Final = "TB208"
GLOB: Final = "TB209"
MAY_FAIL: Final = "TB210"
NEGATED: Final = "TB212"

_WORDS: Final = frozenset({"true", "false", "null"})

_LENIENT: Final = frozenset({"glob", "regex", "cidr", "lower", "not_null", "type", "to_string", "to_array", "to_number"})
"""Functions that take null."""

_LITERAL: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`""", re.DOTALL)
_ONE_LITERAL: Final = re.compile(r"""'[^'\\]*'|`(?:true|false|[0-9]+)`""")
_MOST_STEPS: Final = 20_000
"""Steps that may be taken to find out what an expression can do."""

_ACCOUNT_DIGITS: Final = 12
_NOBODY: Final = frozenset({"anonymous", "anonymous_principal"})
"""What stands for the account of a caller who has none."""
_NAMES: Final = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}


def expression_problems(condition: Condition, *, names: bool) -> list[Problem]:
    """Everything wrong with an expression, in the order of its text; one problem for each place.

    `names`: only S3 data events are looked at, so that event names are known.
    """
    tree, text = condition.tree, condition.text
    problems = [
        *_negated(tree, text),
        *_fields(tree, text),
        *_comparisons(tree, text, names=names),
        *argument_problems(tree),
        *_boolean(tree),
        *_same_sides(tree),
        *_settled(condition.formula),
    ]
    if not problems:
        problems = list(_may_fail(condition.formula))
    seen: dict[int, Problem] = {}
    for problem in sorted(problems, key=lambda problem: (problem.offset, problem.code)):
        seen.setdefault(problem.offset, problem)
    return list(seen.values())


# --- fields ------------------------------------------------------------------------------------------------------------------


def _fields(tree: Node, text: str) -> Iterator[Problem]:
    for path in paths(tree):
        shape: FieldShape = RECORD
        for depth, (name, node) in enumerate(zip(path.names, path.nodes, strict=True)):
            if shape_of(path.names[: depth + 1]) is None:
                yield _unknown(path, depth, node, text, shape)
                break
            shape = (shape.fields or {}).get(name, shape)
            if shape.fields is None and "object" in shape.types:
                break


def _negated(tree: Node, text: str) -> Iterator[Problem]:
    """`!a.b` is `(!a).b` in JMESPath, and so always null."""
    for node in walk(tree):
        if node.kind == "subexpression" and node.children[0].kind == "not_expression":
            inner = next(paths(node.children[0]), None)
            rest = [str(child.value) for child in node.children[1:] if child.kind == "field"]
            name = ".".join([*(inner.names if inner else ()), *rest])
            offset = max(0, offset_of(node) - 1)
            length = len(name) + 1
            as_written = text[offset : offset + length] == f"!{name}"
            written, what = f"!({name})", "! is read before the dot, so this is always null"
            edit = (offset, offset + length, written) if as_written else None
            yield Problem(NEGATED, offset, length, what, f"write {written}", edit=edit)


def _unknown(path: Path, depth: int, node: Node, text: str, shape: FieldShape) -> Problem:
    name, offset = str(node.value), node.offset or 0
    if depth == 0 and name in _WORDS:
        bare = (offset, offset + len(name), f"`{name}`")
        return Problem(BARE, offset, len(name), f"{name} is read as a field name", f"write `{name}`", edit=bare)
    if depth == 0 and text[offset : offset + 1] == '"':
        end = offset + len(name) + 2
        edit = (offset, end, f"'{name}'") if text[offset:end] == f'"{name}"' and "'" not in name else None
        return Problem(QUOTES, offset, len(name) + 2, "double quotes name a field", f"a string is written '{name}'", edit=edit)
    if shape.fields is None:
        where = ".".join(path.names[:depth])
        return Problem(FIELD, offset, len(name), f"{where} has no fields, so this is always null", f"write {where}")
    where = f"in {'.'.join(path.names[:depth])}" if depth else "in the event"
    return Problem(FIELD, offset, len(name), f"there is no field {name} {where}", suggestion(name, shape.fields))


# --- comparisons ---------------------------------------------------------------------------------------------------------------


def _comparisons(tree: Node, text: str, *, names: bool) -> Iterator[Problem]:
    for node in outer(tree):
        if node.kind == "comparator":
            yield from never_alike(node)
        if node.kind == "comparator" and node.value in EQUALITIES:
            left, right = node.children
            for field, other in ((left, right), (right, left)):
                path = path_of(field)
                if field.kind == "not_expression" and other.kind == "literal" and not isinstance(other.value, bool):
                    what = "! is read before ==, so this compares true or false with something else"
                    yield Problem(TYPE, offset_of(field), 1, what, "write !(… == …), or !=")
                elif path is not None and other.kind == "literal" and other.value is not None:
                    yield from _comparison(_FieldLiteral(path, other, node.value == "eq", text), names=names)


class _FieldLiteral(NamedTuple):
    """A field beside a literal, in the text of an expression."""

    path: Path
    literal: Node
    equal: bool
    text: str

    def edit(self, written: str) -> tuple[int, int, str] | None:
        """The edit that replaces the literal."""
        start = self.literal.offset or 0
        return start, self._end(start), written

    def whole(self, written: str) -> tuple[int, int, str] | None:
        """The edit that replaces the whole comparison, where the field is written plainly."""
        start, name = self.path.nodes[0].offset or 0, self.path.text
        if self.text[start : start + len(name)] != name:
            return None
        literal = self.literal.offset or 0
        return min(start, literal), max(start + len(name), self._end(literal)), written

    def _end(self, start: int) -> int:
        literal = _LITERAL.match(self.text, start)
        return literal.end() if literal else start


def _comparison(comparison: _FieldLiteral, *, names: bool) -> Iterator[Problem]:
    path, literal, ever = comparison.path, comparison.literal, "never" if comparison.equal else "always"
    shape = shape_of(path.names)
    offset, value = literal.offset or 0, literal.value
    if shape is None:
        return
    if _NAMES[value.__class__] not in shape.types:
        what = f"{path.text} is {worded(shape.types)}, so this {ever} holds"
        written = _written(value, shape)
        edit = comparison.edit(written) if _ONE_LITERAL.fullmatch(written) else None
        yield Problem(TYPE, offset, length_of(value), what, f"write {written}", edit=edit)
    elif isinstance(value, str):
        yield from _value(comparison, shape, value, names=names)


def _value(comparison: _FieldLiteral, shape: FieldShape, value: str, *, names: bool) -> Iterator[Problem]:
    path, offset = comparison.path, comparison.literal.offset or 0
    if "*" in value and not shape.values:
        what = f"{'==' if comparison.equal else '!='} compares exactly, so * is only a star"
        written = f"{'' if comparison.equal else '!'}glob({path.text}, '{value}')"
        edit = comparison.whole(written) if "'" not in value and "\\" not in value else None
        yield Problem(GLOB, offset, length_of(value), what, f"write {written}", edit=edit)
    elif shape.values is not None and value not in shape.values and (names or path.names != ("eventName",)):
        yield Problem(VALUE, offset, length_of(value), f"{path.text} is never '{value}'", suggestion(value, sorted(shape.values)))
    elif path.names in BUCKETS and (value != value.lower() or "_" in value):
        what = f"no bucket is named '{value}': names have no capitals and no underscores"
        yield Problem(VALUE, offset, length_of(value), what, f"write '{value.lower().replace('_', '-')}'")
    elif path.names in ACCOUNTS and value.lower() not in _NOBODY and not (value.isdigit() and len(value) == _ACCOUNT_DIGITS):
        yield Problem(VALUE, offset, length_of(value), f"'{value}' is no account id", "write its twelve digits")


def _written(value: object, shape: FieldShape) -> str:
    """The value as the field would have it."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "string" in shape.types:
        return f"'{text}'"
    if "boolean" in shape.types:
        return "`true` or `false`" if text.lower() not in _WORDS else f"`{text.lower()}`"
    return f"`{text}`"


# --- truth ----------------------------------------------------------------------------------------------------------------


def _boolean(tree: Node) -> Iterator[Problem]:
    """The whole is exactly true only where each of its parts can be."""
    last = conjuncts(tree)[-1]
    path = path_of(last)
    shape = shape_of(path.names) if path else None
    given = shape.types if shape is not None else types(last)
    if given and "boolean" not in given:
        what = f"a matcher holds only where it is exactly true, and this is {worded(given - {'null'}) or 'null'}"
        instead = f"write {path.text} != `null`" if path else "compare it with something"
        yield Problem(NOT_BOOLEAN, offset_of(last), len(path.text) if path else 1, what, instead)


def _same_sides(tree: Node) -> Iterator[Problem]:
    """Comparisons of what is the same for every event. A whole `true` is how one writes a route for everything; it is allowed."""
    for node in walk(tree):
        if node.kind == "comparator":
            left, right = node.children
            if spelling(left) == spelling(right) or (left.kind == right.kind == "literal"):
                what = "both sides are the same for every event"
                yield Problem(CONSTANT, offset_of(node), 1, what, "compare a field with a value")


def _settled(part: Formula) -> Iterator[Problem]:
    """Conditions that never hold together, such as `a == 'x' && a == 'y'`, and such of which one always holds."""
    if isinstance(part, Not):
        yield from _settled(part.part)
    elif isinstance(part, And | Or):
        inner = [problem for each in part.parts for problem in _settled(each)]
        yield from inner or _settled_together(part)


def _settled_together(part: And | Or) -> Iterator[Problem]:
    """The first part that, together with those before it that read the same fields, decides the whole."""
    of_parts = [{path for atom in atoms(each) for path in atom.paths} for each in part.parts]
    read = Counter(path for paths in of_parts for path in paths)
    related = [each for each, paths in zip(part.parts, of_parts, strict=True) if any(read[path] > 1 for path in paths)]
    claim = never if isinstance(part, And) else always
    budget = Budget(_MOST_STEPS)
    if not related or not claim(part.__class__(tuple(related)), budget) or any(claim(each, budget) for each in related):
        return
    for place in range(2, len(related) + 1):
        if claim(part.__class__(tuple(related[:place])), budget):
            yield _constant(related[: place - 1], related[place - 1], never=claim is never)
            return


def _constant(before: Sequence[Formula], part: Formula, *, never: bool) -> Problem:
    """What to say of a part that never holds with those before it, or always does where they do not."""
    atom = next(atoms(part))
    name = ".".join(min(atom.paths, default=("it",)))
    values = [other for each in before for other in atoms(each) if other.path == atom.path and other.kind == atom.kind == "is"]
    if values and never:
        what, instead = f"this never holds: {name} would be two different values at once", "join them with || instead of &&"
    elif values:
        what, instead = f"this always holds: {name} is never both values at once", "join them with && instead of ||"
    elif never:
        what, instead = f"this never holds: no {name} meets this and the condition before it", "delete one of them, or use ||"
    else:
        what, instead = f"this always holds: every {name} meets this or the condition before it", "delete one of them, or use &&"
    return Problem(CONSTANT, offset_of(atom.node), len(name), what, instead)


# --- failing and being absent --------------------------------------------------------------------------------------------------


def _may_fail(part: Formula) -> Iterator[Problem]:
    """Calls that fail for a field that is absent, unless what stands before them says that it is there."""
    if not any(atom.may_fail for atom in atoms(part)):
        return
    try:
        for way in failures(part, Budget(_MOST_STEPS)):
            yield from _failing_calls(way)
    except TooManyWaysError:
        return


def _failing_calls(way: Way) -> Iterator[Problem]:
    """The calls in the atom that fails, of which the first argument may be null."""
    for node in walk(way.end.atom.node) if isinstance(way.end, AtomFailure) else ():
        if node.kind != "function_expression" or node.value in _LENIENT or never_fails(node):
            continue
        path = path_of(node.children[0])
        shape = shape_of(path.names) if path else None
        if path is None or shape is None or shape.always or len(shape.types) > 1:
            continue
        if "null" in left_of(way.results, path.names).types:
            what = f"{node.value}() fails where {path.text} is absent, and a matcher that fails does not hold"
            instead = f"put {path.text} != `null` && before it, or use glob() or regex(), which take null"
            yield Problem(MAY_FAIL, node.offset or 0, len(node.value), what, instead, warns=True)
