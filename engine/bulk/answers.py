"""The answers of a policy set's atoms (`engine.matching.formula`) to values, which stand for the values.

A set asks some questions of each field and fact, and most of them only say whether a value is one of few. So values that many
events do not share, such as sessions and keys, still have few different answers; equal answers have the same number.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from operator import truth
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.cache import BoundedCache
from engine.matching.checks import Trees
from engine.matching.formula import AtomFailure, atoms, evaluate, formula_of
from engine.matching.index import PathIndex
from engine.matching.keys import index_keys
from engine.matching.regexes import RegexSet, search
from engine.pipeline.decide.reads import matchers
from engine.policy.fact_layout import FACT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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

_MOST_SEARCHED: Final = 32
"""Regular expressions up to which searching for each costs less than an index of them."""

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
        few = sum(atom.kind == "regex" for atom in self._atoms) <= _MOST_SEARCHED
        unkeyed = []
        for place, atom in enumerate(self._atoms):
            several = () if few and atom.kind == "regex" else index_keys(atom)
            for key in several[0] if several else ():
                self._index.enter(place, key)
            if not several:
                unkeyed.append(place)
        self._unkeyed = tuple(unkeyed)
        self._said_by_key = {
            place for place, atom in enumerate(self._atoms) if atom.kind in _KNOWN_BY_KEY and place not in set(unkeyed)
        }
        patterns = [place for place in unkeyed if self._atoms[place].kind == "regex"]
        self._searches = self._searches_of(patterns)
        self._evaluated = tuple(place for place in unkeyed if place not in set(patterns))
        self._is_keyed = len(unkeyed) < len(self._atoms)
        self._all_said_by_key = len(self._said_by_key) + len(unkeyed) == len(self._atoms)
        self._only_equal = len(self._said_by_key) == len(self._atoms) and not (self._index.starts or self._index.rare)
        self._of_others = self._numbers[path, ()]

    def _searches_of(self, patterns: Sequence[int]) -> list[Callable[[Sequence[str]], Iterable[object]]]:
        """Functions that say of each of some texts which of these regular expressions are found in it."""
        values = [self._atoms[place].value for place in patterns]
        if len(values) >= _FEWEST_IN_SET:
            found_in = RegexSet(values).matches
            return [lambda some: map(tuple, map(found_in, some))]
        return [partial(_found, search(value)) for value in values]

    def number(self, value: Any) -> int:  # noqa: ANN401  a JSON scalar
        """The number of the answers to a value."""
        if self._only_equal and value.__class__ is str and value not in self._index.equals:
            return self._of_others
        key = value if value.__class__ is str or value is None else (value.__class__, value)
        known = self._known.get(key)
        if known is None:
            known = self.of_texts([value])[0] if value.__class__ is str else self._numbers[self._path, self._of_other(value)]
            if value.__class__ is not str or len(value) <= LONGEST:
                self._known[key] = known
        return known

    def of_texts(self, some: Sequence[str]) -> Sequence[int]:
        """The numbers of the answers to texts, none of which is remembered."""
        answers = [each(some) for each in self._searches]
        if self._is_keyed and self._all_said_by_key:
            answers.append(map(tuple, map(self._index.hits, some)))
        elif self._is_keyed:
            answers.append(map(self._by_keys, some))
        if self._evaluated:
            answers.append([self._answers(self._evaluated, text) for text in some])
        return list(map(self._numbers.__getitem__, zip(*answers, strict=True)))

    def _by_keys(self, text: str) -> tuple[object, ...]:
        """The atoms that a key finds, and that do not say no."""
        hits = self._index.hits(text)
        asked = [place for place in hits if place not in self._said_by_key]
        return (*(place for place in hits if place in self._said_by_key), *self._answers(asked, text))

    def _of_other(self, value: Any) -> tuple[object, ...]:  # noqa: ANN401  as above
        """The atoms that do not say no to what is not a text."""
        return self._answers([*self._index.hits(value), *self._unkeyed], value)

    def _answers(self, asked: Iterable[int], value: Any) -> tuple[object, ...]:  # noqa: ANN401  as above
        """Those of some atoms that do not say no, each with its answer where that is not yes."""
        document: Any = value
        for name in reversed(self._path):
            document = {name: document}
        found: list[object] = []
        for place in asked:
            answer = answer_of(evaluate(self._atoms[place], document))
            if answer is not False:
                found.append(place if answer is True else (place, answer))
        return tuple(found)


def _found(find: Callable[[str], object], some: Sequence[str]) -> Iterable[bool]:
    """Whether something is found in each of some texts."""
    return map(truth, map(find, some))


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
