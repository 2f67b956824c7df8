"""Which of many matchers may hold for an event, without evaluating each: those of which an index key matches.

A matcher is entered by one set of its keys (`engine.matching.keys`): where none of them answers yes, the matcher neither holds
nor fails, so it need not be evaluated. Matchers without keys are always among the candidates.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from engine.matching.globs import glob_key
from engine.matching.substrings import SubstringIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.matching.source import Given
    from engine.model import AnyOf, FactGroups, IndexKey, Record

    Numbers = Sequence[int]

_MATCHERS_PER_LOOKUP: Final = 2
"""Matchers that are evaluated in the time that one lookup takes."""

_RANK: Final = {"equals": 0, "in": 0, "prefix": 1, "suffix": 2, "contains": 3, "truthy": 4}
"""Kinds of keys, the most selective first; one that asks for true or false is no better than `truthy`."""


class Index:
    """Matchers by number; `candidates` returns the numbers of those that may hold, all of them where evaluating each is as quick.

    `paths` are those whose values are looked up, each with its `PathIndex`; `always` are the numbers of matchers that are
    candidates whatever the values are.
    """

    def __init__(self, matchers: Iterable[tuple[int, Sequence[AnyOf]]], given: Given) -> None:
        """`matchers`: the number of each, with its keys; none for one that always holds."""
        readable = [(number, [keys for keys in several if _readable(keys, given)]) for number, several in matchers]
        shared = Counter(key for _, several in readable for keys in several for key in keys)
        self.always: list[int] = []
        self.paths: dict[tuple[str, ...], PathIndex] = {}
        for number, several in readable:
            self._enter(number, _most_selective(several, shared))
        lookups = sum(values.lookups for values in self.paths.values())
        if len(readable) <= _MATCHERS_PER_LOOKUP * lookups + len(self.always):
            self.always, self.paths = [number for number, _ in readable], {}
        self._facts = [(*given.places[path], values.hits) for path, values in self.paths.items() if path in given.places]
        self._fields = [(path, values.hits) for path, values in self.paths.items() if path not in given.places]

    def _enter(self, number: int, keys: AnyOf | None) -> None:
        if keys is None:
            self.always.append(number)
            return
        for key in keys:
            self.paths.setdefault(key.path, PathIndex()).enter(number, key)

    def candidates(self, record: Record, facts: FactGroups) -> Numbers:
        """The numbers of all matchers that may hold or fail for an event, in order."""
        lists: list[Numbers] = [self.always] if self.always else []
        for group, place, hits in self._facts:
            numbers = hits(facts[group][place])
            if numbers:
                lists.append(numbers)
        for path, hits in self._fields:
            value: Any = record
            for name in path:
                value = value.get(name) if value.__class__ is dict else None
            numbers = hits(value)
            if numbers:
                lists.append(numbers)
        return lists[0] if len(lists) == 1 else together(lists)


def _readable(keys: AnyOf, given: Given) -> bool:
    """Whether every path is a fact, or a field of the record."""
    heads = {path[0] for path in given.places}
    return all(key.path in given.places or key.path[0] not in heads for key in keys)


def _most_selective(several: Sequence[AnyOf], shared: Mapping[IndexKey, int]) -> AnyOf | None:
    """The keys that fewest matchers share, of the most selective kind, and few of them."""

    def selectivity(keys: AnyOf) -> tuple[int, int, int]:
        ranks = (_RANK["truthy" if isinstance(key.value, bool) else key.kind] for key in keys)
        return max(shared[key] for key in keys), max(ranks), len(keys)

    return min(several, key=selectivity, default=None)


def together(several: Iterable[Numbers]) -> Numbers:
    """The numbers of several lists, each once, in order."""
    return sorted(set(chain.from_iterable(several)))


class GlobIndex:
    """Groups of globs by number; `candidates` returns the numbers of those of which a glob may match a text."""

    def __init__(self, groups: Iterable[Sequence[str] | None]) -> None:
        """`groups`: the globs of each; None for one that matches everything."""
        self._always: list[int] = []
        values = PathIndex()
        for number, patterns in enumerate(groups):
            keys = [] if patterns is None else [glob_key((), pattern) for pattern in patterns]
            if patterns is None or None in keys:
                self._always.append(number)
            else:
                for key in filter(None, keys):
                    values.enter(number, key)
        self._hits = values.hits

    def candidates(self, texts: Iterable[str]) -> Numbers:
        """The numbers of all groups that may match one of the texts, in order."""
        return together([self._always, *map(self._hits, texts)])


class PathIndex:
    """The keys of one path: tables from what is looked up to the numbers of the matchers with such a key.

    `equals` is by the value itself, `starts` by the length of a start and the start. `rare`: there are other kinds of keys, too.
    Of lists, each text leads to the matchers of every list that it is in, which are kept once for each list.
    """

    __slots__ = ("_ends", "_lists", "_members", "_not_null", "_not_text", "_substrings", "_truthy", "equals", "rare", "starts")

    def __init__(self) -> None:
        self.equals: dict[object, list[int]] = {}
        self.starts: dict[int, dict[str, list[int]]] = {}
        self.rare = False
        self._ends: dict[int, dict[str, list[int]]] = {}
        self._lists: dict[frozenset[str], list[int]] = {}
        self._members: dict[str, list[list[int]]] = {}
        self._substrings = SubstringIndex()
        self._truthy: list[int] = []
        self._not_null: list[int] = []
        self._not_text: list[int] = []

    def enter(self, number: int, key: IndexKey) -> None:
        """Enter a matcher by one of its keys."""
        self.rare = self.rare or key.kind not in ("equals", "prefix")
        if key.kind == "truthy":
            self._truthy.append(number)
        elif key.kind == "equals":
            self.equals.setdefault(_distinct(key.value), []).append(number)
        elif isinstance(key.value, frozenset):
            self._enter_list(key.value, number)
        elif isinstance(key.value, str):
            self._enter_text(key.kind, key.value, number)
        if key.other == "always":
            self._not_text.append(number)
        elif key.other == "unless_null":
            self._not_null.append(number)

    def _enter_text(self, kind: str, text: str, number: int) -> None:
        if kind == "prefix":
            self.starts.setdefault(len(text), {}).setdefault(text, []).append(number)
        elif kind == "suffix":
            self._ends.setdefault(len(text), {}).setdefault(text, []).append(number)
        else:
            self._substrings.enter(text, number)

    def _enter_list(self, texts: frozenset[str], number: int) -> None:
        if texts not in self._lists:
            self._lists[texts] = []
            for text in texts:
                self._members.setdefault(text, []).append(self._lists[texts])
        self._lists[texts].append(number)

    @property
    def lookups(self) -> int:
        """In how many tables a value is looked up, about."""
        return 1 + len(self.starts) + len(self._ends) + bool(self._substrings) + bool(self._lists)

    def hits(self, value: Any) -> Numbers:  # noqa: ANN401  any JSON value
        """The numbers of the matchers of which a key answers yes to a value, in order."""
        if value.__class__ is not str:
            return self.hits_of_other(value)
        equal = self.equals.get(value)
        lists = [equal] if equal else []
        for length, texts in self.starts.items():
            numbers = texts.get(value[:length])
            if numbers:
                lists.append(numbers)
        if self.rare:
            lists += self.rare_hits(value)
        if not lists:
            return ()
        return lists[0] if len(lists) == 1 else together(lists)

    def rare_hits(self, value: str) -> list[list[int]]:
        """Those of the rarer kinds of keys for a text, a list for each."""
        hits = [self._truthy] if self._truthy and value else []
        hits += self._members.get(value, ())
        hits += [numbers for length, texts in self._ends.items() if (numbers := texts.get(value[-length:]))]
        contained = self._substrings.hits(value) if self._substrings else []
        return [*hits, sorted(set(contained))] if contained else hits

    def hits_of_other(self, value: Any) -> Numbers:  # noqa: ANN401  any JSON value
        """Those for what is not a text."""
        hits = list(self._not_text)
        if value.__class__ not in (dict, list):
            hits += self.equals.get(_distinct(value), ())
        if value or value.__class__ in (int, float):
            hits += self._truthy
        if value is not None:
            hits += self._not_null
        return sorted(set(hits))


def _distinct(value: object) -> object:
    """What equal JSON scalars have in common: true is not 1, and 1 is 1.0."""
    return (value.__class__, value) if value.__class__ is bool else value
