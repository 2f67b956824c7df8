"""The answers of a policy set's atoms (`engine.matching.formula`) to values, which stand for the values.

A set asks some questions of each field and fact, and most of them only say whether a value is one of few. So values that many
events do not share, such as sessions and keys, still have few different answers; equal answers have the same number.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.cache import BoundedCache
from engine.matching.checks import Trees
from engine.matching.formula import AtomFailure, atoms, evaluate, formula_of
from engine.matching.index import PathIndex
from engine.matching.keys import index_keys
from engine.matching.regexes import RegexSet
from engine.pipeline.decide.reads import matchers
from engine.policy.fact_layout import FACT_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.matching.formula import Atom, Result
    from engine.model import PolicySet
    from engine.policy.fact_layout import Path

REMEMBERED: Final = 8_192
"""Values of a path that are remembered with their answers."""

LONGEST: Final = 256
"""Characters of the longest text that is remembered."""

_DIFFERENT: Final = 65_536
"""Combinations of answers that have numbers at once."""

_KNOWN_BY_KEY: Final = frozenset({"is", "in", "prefix", "suffix", "contains"})
"""Kinds of atoms of which an index key says everything about a text."""

_FEWEST_IN_SET: Final = 3
"""Regular expressions from which on asking all of them at once pays."""

Answer: TypeAlias = bool | str
"""Yes, no, or why the evaluation fails."""


def atoms_of(policies: PolicySet) -> set[Atom]:
    """All atoms of a set's matchers."""
    trees = Trees(policies.definitions)
    every = {matcher.expressions for matcher in matchers(policies)}
    return {
        atom for expressions in every for atom in atoms(formula_of([trees[expression] for expression in expressions], FACT_TYPES))
    }


def answer_of(result: Result) -> Answer:
    """An atom's result, as far as a verdict depends on it."""
    return str(result.error) if isinstance(result, AtomFailure) else result


class AnswerNumbers(BoundedCache[object, int]):
    """The number of each combination of answers. No number is given twice, so one that is forgotten only gets a new one."""

    def __init__(self) -> None:
        super().__init__(_DIFFERENT)
        self._next = count()

    def __missing__(self, answers: object) -> int:
        """The number of a new combination."""
        number = self[answers] = next(self._next)
        return number


class PathAnswers:
    """The answers of all atoms of one path, as a number for each value."""

    def __init__(self, path: Path, asked: Iterable[Atom], numbers: AnswerNumbers) -> None:
        self._path = path
        self._numbers = numbers
        self._known: BoundedCache[object, int] = BoundedCache(REMEMBERED)
        self._atoms = sorted(asked, key=repr)
        self._index = PathIndex()
        unkeyed = []
        for place, atom in enumerate(self._atoms):
            for keys in index_keys(atom)[:1]:
                for key in keys:
                    self._index.enter(place, key)
            if not index_keys(atom):
                unkeyed.append(place)
        patterns = [place for place in unkeyed if self._atoms[place].kind == "regex"]
        together = patterns if len(patterns) >= _FEWEST_IN_SET else []
        self._set = RegexSet([self._atoms[place].value for place in together]) if together else None
        self._in_set = together
        self._always = tuple(place for place in unkeyed if place not in set(together))
        self._said_by_key = {
            place for place, atom in enumerate(self._atoms) if atom.kind in _KNOWN_BY_KEY and place not in set(unkeyed)
        }

        self._only_equal = len(self._said_by_key) == len(self._atoms) and not (self._index.starts or self._index.rare)
        self._of_others = self._numbers[path, ()]

    def number(self, value: Any) -> int:  # noqa: ANN401  a JSON scalar
        """The number of the answers to a value."""
        if self._only_equal and value.__class__ is str and value not in self._index.equals:
            return self._of_others
        key = value if value.__class__ is str or value is None else (value.__class__, value)
        known = self._known.get(key)
        if known is None:
            known = self._numbers[self._path, self._answers(value)]
            if value.__class__ is not str or len(value) <= LONGEST:
                self._known[key] = known
        return known

    def _answers(self, value: Any) -> tuple[object, ...]:  # noqa: ANN401  as above
        """The atoms that do not say no, each with its answer where that is not yes."""
        document: Any = value
        for name in reversed(self._path):
            document = {name: document}
        is_text = value.__class__ is str
        found: list[object] = []
        asked = [*self._index.hits(value), *self._always]
        if is_text and self._set is not None:
            found += [self._in_set[place] for place in self._set.matches(value)]
        elif self._set is not None:
            asked += self._in_set
        for place in asked:
            if is_text and place in self._said_by_key:
                found.append(place)
                continue
            answer = answer_of(evaluate(self._atoms[place], document))
            if answer is not False:
                found.append(place if answer is True else (place, answer))
        return tuple(found)


def by_path(every: Iterable[Atom]) -> tuple[Mapping[Path, Sequence[Atom]], Sequence[Atom]]:
    """The atoms of single paths, by path, and those of several."""
    single: dict[Path, list[Atom]] = {}
    joint = []
    for atom in every:
        if atom.path is None:
            joint.append(atom)
        else:
            single.setdefault(atom.path, []).append(atom)
    return single, joint
