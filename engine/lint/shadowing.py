"""Which part of a policy set leaves nothing for a later one: it holds wherever the later one does."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import TooManyWaysError
from engine.lint.fields import FIELD_TYPES
from engine.matching.formula import And, Atom, Not, Or, atoms, conjunction, disjunction, evaluate, formula_of, negation
from engine.matching.keys import index_keys
from engine.matching.relations import document_with
from engine.matching.tree import Node
from engine.matching.ways import Budget, follows, holding, implied
from engine.model import UNKNOWN, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.matching.formula import Formula, Path, Result
    from engine.policy.source import YamlNode as Part

MOST_COMPARED: Final = 30_000
"""Pairs of conditions of one section that are compared; few sets of real size come near."""

_MOST_STEPS: Final = 2_000_000
"""Steps of the comparisons of one section."""

_STEPS_OF_A_PAIR: Final = 50_000

_MOST_TOGETHER: Final = 32
"""Earlier parts that are looked at together."""

_MOST_ATOMS: Final = 4
"""Of a part that is looked at together with others."""

_STEPS_OF_SEVERAL: Final = 2_000

_LONGEST_START: Final = 32
_CLASS: Final = ("actor", "class")
_KIND: Final = ("actor", "kind")


class _Start(NamedTuple):
    """The beginning of a text, as what conditions are looked up by."""

    text: str


class Shadows:
    """The parts of a section that were looked at, and which of them holds wherever a later one does."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        """`kinds` holds the kind of each actor class."""
        self._kinds = {UNKNOWN: Kind.UNKNOWN.value, **kinds}
        self._left = MOST_COMPARED
        self._budget = Budget(_MOST_STEPS)
        self._by_mark: dict[object, list[tuple[Part, Formula]]] = {}
        self._in_order: list[tuple[Part, Formula]] = []

    def shadowing(self, part: Part, condition: Formula, decides: Callable[[Part, Part], bool]) -> tuple[Part, ...]:
        """Earlier parts of which one holds wherever this one does: as few as are known, none where there are none.

        `decides(earlier, part)` says whether an earlier part that holds decides before this one. `condition` says when this one
        holds. It counts as an earlier one from now on.
        """
        condition = by_class(condition, self._kinds)
        candidates = [earlier for mark in mentioned(condition) for earlier in self._by_mark.get(mark, ())][: self._left]
        self._left -= len(candidates)
        earlier = [(other, conclusion) for other, conclusion in candidates if decides(other, part)]
        for mark in landmarks(condition):
            self._by_mark.setdefault(mark, []).append((part, condition))
        together = _complementary([(other, said) for other, said in self._in_order[-_MOST_TOGETHER:] if decides(other, part)])
        self._in_order.append((part, condition))
        try:
            cases = holding(condition, self._budget) if earlier or together else []
            if not cases:
                return ()
            alone = next((other for other, conclusion in earlier if follows(cases, conclusion, self._budget)), None)
            return (alone,) if alone is not None else self._together(cases, together)
        except TooManyWaysError:
            return ()

    def _together(self, cases: Sequence[Mapping[Atom, Result]], parts: Sequence[tuple[Part, Formula]]) -> tuple[Part, ...]:
        """As few of some parts as leave nothing of these cases."""

        def cover(some: Sequence[tuple[Part, Formula]]) -> bool:
            return follows(cases, disjunction(condition for _, condition in some), Budget(_STEPS_OF_SEVERAL))

        if not parts or not cover(parts):
            return ()
        needed = list(parts)
        for one in parts:
            without = [other for other in needed if other is not one]
            if cover(without):
                needed = without
        return tuple(part for part, _ in needed)


def _complementary(parts: Sequence[tuple[Part, Formula]]) -> Sequence[tuple[Part, Formula]]:
    """The small ones of some parts that may leave nothing together: two ask of one field what it is and what it is not."""
    small = [(part, condition) for part, condition in parts if sum(1 for _ in atoms(condition)) <= _MOST_ATOMS]
    read = [{path for atom in atoms(condition) for path in atom.paths} for _, condition in small]
    times = Counter(path for paths in read for path in paths)
    split = _FLAGS.union(*(_negated(condition) for _, condition in small))
    shared = {path for path in split if times[path] > 1}
    return [one for one, paths in zip(small, read, strict=True) if paths & shared]


def _negated(part: Formula) -> Iterator[Path]:
    if isinstance(part, Not):
        yield from (path for atom in atoms(part) for path in atom.paths)
    elif not isinstance(part, Atom):
        for each in part.parts:
            yield from _negated(each)


_FLAGS: Final = frozenset(path for path, types in FIELD_TYPES.items() if types <= {"boolean", "null"})
"""Fields of which two tests ask for each value."""


def covers(wide: Formula, narrow: Formula, kinds: Mapping[str, str]) -> bool:
    """Whether a condition holds wherever another one does. `kinds` holds the kind of each actor class."""
    kinds = {UNKNOWN: Kind.UNKNOWN.value, **kinds}
    return implied(by_class(narrow, kinds), by_class(wide, kinds), Budget(_STEPS_OF_A_PAIR))


def by_class(condition: Formula, kinds: Mapping[str, str]) -> Formula:
    """A formula in which each question about an actor's kind asks for the classes of those kinds."""
    if all(atom.path != _KIND for atom in atoms(condition)):
        return condition
    if isinstance(condition, Not):
        return negation(by_class(condition.part, kinds))
    if isinstance(condition, And | Or):
        join = conjunction if isinstance(condition, And) else disjunction
        return join(by_class(part, kinds) for part in condition.parts)
    results = {kind: evaluate(condition, document_with({_KIND: kind})) for kind in set(kinds.values())}
    if not all(isinstance(result, bool) for result in results.values()):
        return condition
    classes = sorted(name for name, kind in kinds.items() if results[kind] is True)
    names = tuple(Node("field", name) for name in _CLASS)
    node = Node("function_expression", "contains", (Node("literal", classes), Node("subexpression", None, names)))
    return formula_of([node], condition.known)


# --- candidates ----------------------------------------------------------------------------------------------------------
# What implies a condition says something about the same field; where the condition asks for a text, it names that text, or one
# with that start. So few of many conditions have to be compared.


def landmarks(condition: Formula) -> frozenset[object]:
    """One of these is mentioned by whatever implies a condition; None is mentioned by everything."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    return min((marks for part in parts for marks in _marks(part)), key=_vagueness, default=frozenset({None}))


def _marks(part: Formula) -> Iterator[frozenset[object]]:
    for keys in index_keys(part):
        yield frozenset(
            key.value
            if key.kind == "equals" and isinstance(key.value, str)
            else _Start(str(key.value)[:_LONGEST_START])
            if key.kind == "prefix"
            else key.path
            for key in keys
        )
    paths = frozenset[Any]().union(*(atom.paths for atom in atoms(part)))
    yield paths or frozenset({None})


def _vagueness(marks: frozenset[object]) -> int:
    """0 for texts, 1 for starts of them, 2 for paths, 3 where it may be anything."""
    return max((0 if isinstance(mark, str) else 1 if isinstance(mark, _Start) else 2 if mark else 3 for mark in marks), default=0)


def mentioned(condition: Formula) -> dict[object, None]:
    """The paths, texts and starts of texts in a condition, in order."""
    marks: dict[object, None] = {None: None}
    for atom in atoms(condition):
        marks |= dict.fromkeys(sorted(atom.paths))
        for text in _texts(atom):
            marks[text] = None
            marks |= dict.fromkeys(_Start(text[:end]) for end in range(1, min(len(text), _LONGEST_START) + 1))
    return marks


def _texts(atom: Atom) -> Iterator[str]:
    """What the value of a field equals or starts with where an atom says yes."""
    for keys in index_keys(atom):
        yield from (key.value for key in keys if key.kind in ("equals", "prefix") and isinstance(key.value, str))
