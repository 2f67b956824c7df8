"""Expressions as formulas: questions about single fields (atoms), joined by `And`, `Or` and `Not`.

An `Atom` is a part of an expression that reads exactly one path of the document. Its result is yes, no or a failure. Parts are
evaluated from left to right, and no further than needed, as JMESPath does. Whatever analyses expressions works on formulas: index
keys (`keys`), what one condition says about another (`relations`, `ways`), and the linter.

A formula only says which parts there are and how they are joined. A part is always evaluated by the expression compiler, so that
there is one meaning of an expression, not two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from engine.errors import MatcherError
from engine.matching.compile import predicate
from engine.matching.inline import texts
from engine.matching.tree import Node, equality, field_path, spelling
from engine.matching.types import BOOLEAN, NOTHING_KNOWN, never_fails, reads, types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.matching.types import Known

    Path: TypeAlias = tuple[str, ...]

Formula: TypeAlias = "Atom | And | Or | Not"

_MOST_ALTERNATIVES: Final = 8
"""Alternatives of a `||` whose values are not booleans; each is written once more for every one before it."""

_TRUE_OR_NULL: Final = BOOLEAN | {"null"}
_CACHED: Final = 4_096


@dataclass(frozen=True, slots=True)
class Atom:
    """A question about the value at one `path`; or, where that is None, about several `paths` or the whole document.

    `kind` says how the question is understood, `value` is what it compares with:

    - `is`: equals `value`, a text, a number or null; `true`, `false`: is exactly that (no value)
    - `in`: is one of the texts in the frozenset `value`
    - `prefix`, `suffix`: a text that starts or ends with the text `value`; `contains`: a text, or a list, that contains it
    - `glob`, `regex`, `cidr`: a text that the pattern `value` matches
    - `truthy`: is true as JMESPath sees it (no value)
    - `other`: anything else; `value` is the spelling of the part, without positions

    `exact`: the result is yes where the value of `node` is exactly true, not where it is true as JMESPath sees it. Where both are
    the same, it is set. `known` are the types of paths that were known when the formula was made; `may_fail`: going by these,
    there may be a document for which the evaluation fails.

    Two atoms are equal where they ask the same, wherever in an expression they stand.
    """

    paths: frozenset[Path]
    kind: str
    value: Any
    exact: bool
    node: Node = field(compare=False)
    known: Known = field(compare=False, repr=False)
    path: Path | None = field(compare=False)
    may_fail: bool = field(compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """True where every part is; no part is evaluated after one that is not. Without parts it is true."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where some part is; no part is evaluated after one that is. Without parts it is false."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where its part is false."""

    part: Formula


class AtomFailure(NamedTuple):
    """The result of an atom whose evaluation fails. `error` is None where it is only known that it does."""

    atom: Atom
    error: MatcherError | None = None


Result: TypeAlias = bool | AtomFailure

TRUE: Final = And(())
FALSE: Final = Or(())


def formula_of(trees: Iterable[Node], known: Known = NOTHING_KNOWN) -> Formula:
    """The formula of expressions that must all be exactly true, in order, for an object.

    `known` are the types of the object's paths. Formulas are compared only where they were made with the same ones.
    """
    known = {**known, (): frozenset({"object"})}
    return conjunction(_read(tree, known, exact=True) for tree in trees)


def settle(part: Formula, result: Callable[[Atom], Result | None]) -> Result | Atom:
    """The result of a formula by the results of its atoms.

    `result` gives that of an atom, or None where it is not known; then the atom that would be evaluated next is returned.
    """
    if isinstance(part, Atom):
        known = result(part)
        return part if known is None else known
    if isinstance(part, Not):
        inner = settle(part.part, result)
        return not inner if isinstance(inner, bool) else inner
    goes_on = isinstance(part, And)
    for each in part.parts:
        inner = settle(each, result)
        if inner is not goes_on:
            return inner
    return goes_on


def atoms(part: Formula) -> Iterator[Atom]:
    """The atoms of a formula from left to right, each as often as it stands there."""
    if isinstance(part, Atom):
        yield part
    else:
        for each in (part.part,) if isinstance(part, Not) else part.parts:
            yield from atoms(each)


# --- evaluating ----------------------------------------------------------------------------------------------------------


def evaluate(atom: Atom, document: Mapping[str, Any]) -> Result:
    """The result of an atom for a document."""
    try:
        return _predicate(atom)(document)
    except MatcherError as error:
        return AtomFailure(atom, error)


@lru_cache(_CACHED)
def _predicate(atom: Atom) -> Callable[[Mapping[str, Any]], bool]:
    """A predicate holds where its expression is exactly true; `!!x` is so where x is true as JMESPath sees it."""
    tree = atom.node if atom.exact else _not(_not(atom.node))
    return predicate([tree])


def _not(node: Node) -> Node:
    return Node("not_expression", None, (node,))


# --- joining -------------------------------------------------------------------------------------------------------------


def conjunction(parts: Iterable[Formula]) -> Formula:
    """All of some formulas, in order. What follows one that is always false is left out; nothing else is, as it may fail."""
    return _joined(And, parts, ends=FALSE)


def disjunction(parts: Iterable[Formula]) -> Formula:
    """Any of some formulas, in order. What follows one that is always true is left out."""
    return _joined(Or, parts, ends=TRUE)


def negation(part: Formula) -> Formula:
    """The opposite of a formula."""
    if part in (TRUE, FALSE):
        return FALSE if part == TRUE else TRUE
    return part.part if isinstance(part, Not) else Not(part)


def _joined(join: type[And | Or], parts: Iterable[Formula], *, ends: Formula) -> Formula:
    flat: list[Formula] = []
    for part in parts:
        if part.__class__ is join:
            flat += part.parts
        else:
            flat.append(part)
        if flat and flat[-1] == ends:
            break
    return flat[0] if len(flat) == 1 else join(tuple(flat))


# --- reading -------------------------------------------------------------------------------------------------------------


def _read(node: Node, known: Known, *, exact: bool) -> Formula:
    """The formula of a node: whether its value is exactly true or, without `exact`, true as JMESPath sees it."""
    if node.kind == "literal":
        return TRUE if node.value is True or (not exact and _is_true(node.value)) else FALSE
    if node.kind == "not_expression":
        return negation(_read(node.children[0], known, exact=False))
    if node.kind == "and_expression":
        *first, last = node.children
        return conjunction([*(_read(child, known, exact=False) for child in first), _read(last, known, exact=exact)])
    if node.kind == "holds":
        return conjunction(_read(tree, known, exact=True) for tree in node.value.trees)
    if node.kind == "or_expression" and (not exact or _few(node.children, known)):
        return disjunction(_alternatives(node.children, known, exact=exact))
    return _split(node, known, exact=exact) or _atom(node, known, exact=exact)


def _is_true(value: object) -> bool:
    """Whether a literal is true as JMESPath sees it: zero is; empty texts, arrays and objects are not."""
    return value.__class__ in (int, float) or bool(value)


def _true_is_exact(node: Node, known: Known) -> bool:
    """Whether a value of a node that is true as JMESPath sees it can only be `true` itself."""
    if node.kind == "and_expression":
        return _true_is_exact(node.children[-1], known)
    if node.kind == "or_expression":
        return all(_true_is_exact(child, known) for child in node.children)
    return types(node, known) <= _TRUE_OR_NULL


def _few(nodes: Sequence[Node], known: Known) -> bool:
    return sum(not _true_is_exact(node, known) for node in nodes[:-1]) <= _MOST_ALTERNATIVES


def _alternatives(nodes: Sequence[Node], known: Known, *, exact: bool) -> Iterator[Formula]:
    """When each of several nodes, joined by `||`, makes the whole true.

    The value is that of the first node that is true as JMESPath sees it, and that may be another value than `true`.
    """
    passed: list[Formula] = []
    for node in nodes:
        yield conjunction([*passed, _read(node, known, exact=exact)])
        if exact and not _true_is_exact(node, known):
            passed.append(negation(_read(node, known, exact=False)))


def _split(node: Node, known: Known, *, exact: bool) -> Formula | None:
    """`f(a || b, 'x')` as "a, and f(a, 'x'); or not a, and f(b, 'x')", so that each part reads one field; None for any other."""
    if node.kind not in ("function_expression", "comparator", "in_list"):
        return None
    places = [place for place, child in enumerate(node.children) if not _is_constant(child)]
    if len(places) != 1 or node.children[places[0]].kind != "or_expression":
        return None
    before, (choice, *after) = node.children[: places[0]], node.children[places[0] :]
    if len(choice.children) > _MOST_ALTERNATIVES:
        return None
    parts: list[Formula] = []
    passed: list[Formula] = []
    for place, child in enumerate(choice.children, 1):
        taken = [] if place == len(choice.children) else [_read(child, known, exact=False)]
        outer = node._replace(children=(*before, child, *after))
        parts.append(conjunction([*passed, *taken, _read(outer, known, exact=exact)]))
        passed += map(negation, taken)
    return disjunction(parts)


def _is_constant(node: Node) -> bool:
    return node.kind == "literal" or (node.kind == "multi_select_list" and all(map(_is_constant, node.children)))


def _atom(node: Node, known: Known, *, exact: bool) -> Formula:
    if node.kind == "comparator" and node.value == "ne":
        return negation(_atom(node._replace(value="eq"), known, exact=True))
    exact = exact or _true_is_exact(node, known)
    paths = reads(node)
    kind, value = _understood(node, exact=exact) or ("other", spelling(node))
    path = next(iter(paths), ()) if len(paths) == 1 else ()
    atom = Atom(paths, kind, value, exact, node, known, path or None, not never_fails(node, known))
    return atom if paths or atom.may_fail else TRUE if evaluate(atom, {}) is True else FALSE


def _understood(node: Node, *, exact: bool) -> tuple[str, Any] | None:
    """Kind and value of an atom whose question is understood; None for any other."""
    if field_path(node):
        return ("true" if exact else "truthy"), None
    equal = equality(node)
    if equal is not None:
        return _equality(equal[1])
    if node.kind == "in_list":
        return _membership(node.value.texts) if field_path(node.children[0]) else None
    if node.kind != "function_expression" or len(node.children) != 2:  # noqa: PLR2004  a field and a literal
        return None
    subject, argument = node.children
    members = texts(subject, of_object=True)
    if node.value == "contains" and members is not None and field_path(argument):
        return _membership(members)
    kind = _KIND_OF_CALL.get(node.value)
    understood = kind is not None and field_path(subject) and isinstance(argument.value, str) and argument.kind == "literal"
    return (kind, argument.value) if kind is not None and understood else None


def _membership(texts: frozenset[str]) -> tuple[str, Any]:
    return ("is", next(iter(texts))) if len(texts) == 1 else ("in", texts)


_KIND_OF_CALL: Final[Mapping[str, str]] = {
    **{name: name for name in ("cidr", "contains", "glob", "regex")},
    "ends_with": "suffix",
    "starts_with": "prefix",
}


def _equality(value: object) -> tuple[str, Any] | None:
    if isinstance(value, bool):
        return ("true" if value else "false"), None
    scalar = value is None or isinstance(value, str | int | float)
    return ("is", value) if scalar and value == value else None  # noqa: PLR0124  not NaN
