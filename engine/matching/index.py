"""Which of many matchers may hold for an event, without asking each: those that stand on a test which says yes.

A matcher is entered by one of its choices (`engine.matching.anchors`): where none of the choice's tests says yes, the matcher
neither holds nor fails, so it need not be asked. Matchers without a choice are always among the candidates.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from engine.matching.globs import glob_anchor
from engine.matching.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.matching.source import Given
    from engine.matching.writer import Writer
    from engine.model import Anchor, Choice, FactGroups, Record

    _Numbers = Sequence[int]

_ASKED_IN_PLACE: Final = 2
"""Matchers that are asked in the time that one look takes."""

_MOST_WRITTEN: Final = 16
"""Lengths of prefixes that are written out one by one."""

_WORTH: Final = {"equals": 0, "prefix": 1, "suffix": 2, "holds": 3, "true": 4}
"""Kinds of tests, the most telling first."""


class Index:
    """Matchers by number; what gives candidates gives their numbers in order. All of them, where asking each is as quick.

    `paths` are those whose values are looked up, each in the tests at its place; `always`: who is a candidate whatever they say.
    `certain` are the equalities with a text that are so for an event where those matchers are candidates.
    """

    def __init__(self, matchers: Iterable[tuple[int, Sequence[Choice]]], given: Given) -> None:
        """`matchers`: the number of each, with its choices; none for one that always holds."""
        always: list[int] = []
        paths: dict[tuple[str, ...], Tests] = {}
        found = [(number, [one for one in several if _readable(one, given)]) for number, several in matchers]
        self.certain: dict[int, Anchor] = {}
        shared = Counter(anchor for _, several in found for choice in several for anchor in choice)
        for number, several in found:
            choice = _best(several, shared)
            if choice is None:
                always.append(number)
            for anchor in choice or ():
                paths.setdefault(anchor.path, Tests()).enter(number, anchor)
                if anchor.kind == "equals" and isinstance(anchor.value, str) and choice == frozenset({anchor}):
                    self.certain[number] = anchor
        looks = sum(tests.looks for tests in paths.values())
        if len(found) <= _ASKED_IN_PLACE * looks + len(always):
            always, paths, self.certain = [number for number, _ in found], {}, {}
        self.always = always
        self.paths = tuple(paths)
        self.tests = tuple(paths.values())
        self._facts = [(*given.places[path], tests.hits) for path, tests in paths.items() if path in given.places]
        self._fields = [(path, tests.hits) for path, tests in paths.items() if path not in given.places]

    def candidates(self, record: Record, facts: FactGroups) -> _Numbers:
        """The numbers of all matchers that may hold or fail for an event."""
        found: list[_Numbers] = [self.always] if self.always else []
        for group, place, hits in self._facts:
            more = hits(facts[group][place])
            if more:
                found.append(more)
        for path, hits in self._fields:
            value: Any = record
            for name in path:
                value = value.get(name) if value.__class__ is dict else None
            more = hits(value)
            if more:
                found.append(more)
        return found[0] if len(found) == 1 else together(found)

    def written(self, writer: Writer, code: Callable[[tuple[str, ...]], str]) -> Iterator[str]:
        """The same as lines of code that leave the candidates in `c`. `code` says by which code a path is read."""
        yield f"c = {writer.constant(self.always)}"
        for path, tests in zip(self.paths, self.tests, strict=True):
            yield from tests.written(writer, code(path))


def _readable(choice: Choice, given: Given) -> bool:
    """Whether every path of a choice is a fact, or a field of the record."""
    heads = {path[0] for path in given.places}
    return bool(choice) and all(anchor.path in given.places or anchor.path[0] not in heads for anchor in choice)


def _best(found: Sequence[Choice], shared: Mapping[Anchor, int]) -> Choice | None:
    """The most telling choice: the one that fewest matchers share, of the surest tests, of few."""

    def telling(choice: Choice) -> tuple[int, int, int]:
        return max(shared[anchor] for anchor in choice), max(_WORTH[anchor.kind] for anchor in choice), len(choice)

    return min(found, key=telling, default=None)


def together(several: Iterable[_Numbers]) -> _Numbers:
    """The numbers of several lists, each once, in order."""
    return sorted(set(chain.from_iterable(several)))


class Globs:
    """Groups of globs by number; `candidates` gives the groups of which one may match a text."""

    def __init__(self, groups: Iterable[Sequence[str] | None]) -> None:
        """`groups`: the globs of each; None for one that matches everything."""
        always: list[int] = []
        tests = Tests()
        for number, patterns in enumerate(groups):
            anchors = [] if patterns is None else [glob_anchor((), pattern) for pattern in patterns]
            entered = [anchor for anchor in anchors if anchor is not None]
            if patterns is None or len(entered) < len(anchors):
                always.append(number)
            else:
                for anchor in entered:
                    tests.enter(number, anchor)
        self._always = always
        self._hits = tests.hits

    def candidates(self, texts: Iterable[str]) -> _Numbers:
        """The numbers of all groups that may match one of the texts, in order."""
        return together([self._always, *map(self._hits, texts)])


class Tests:
    """The tests of one path. Each table holds, for what is looked up, the numbers of the matchers that stand on it."""

    __slots__ = ("_ends", "_equals", "_other", "_parts", "_present", "_rare", "_starts", "_true")

    def __init__(self) -> None:
        self._equals: dict[object, list[int]] = {}
        self._starts: dict[int, dict[str, list[int]]] = {}
        self._ends: dict[int, dict[str, list[int]]] = {}
        self._parts = Parts()
        self._true: list[int] = []
        self._present: list[int] = []
        self._other: list[int] = []
        self._rare = False

    def enter(self, number: int, anchor: Anchor) -> None:
        """Enter a matcher by one of its tests."""
        kind, text = anchor.kind, anchor.value
        self._rare = self._rare or kind not in ("equals", "prefix")
        if kind == "true":
            self._true.append(number)
        elif kind == "equals":
            self._equals.setdefault(_key(text), []).append(number)
        elif isinstance(text, str):
            self._enter_text(kind, text, number)
        if anchor.other == "always":
            self._other.append(number)
        elif anchor.other == "unless_null":
            self._present.append(number)

    def _enter_text(self, kind: str, text: str, number: int) -> None:
        if kind == "prefix":
            self._starts.setdefault(len(text), {}).setdefault(text, []).append(number)
        elif kind == "suffix":
            self._ends.setdefault(len(text), {}).setdefault(text, []).append(number)
        else:
            self._parts.enter(text, number)

    @property
    def looks(self) -> int:
        """How many tables a value is looked up in, about."""
        return 1 + len(self._starts) + len(self._ends) + bool(self._parts)

    def hits(self, value: Any) -> _Numbers:  # noqa: ANN401  any JSON value
        """The matchers of which a test says yes to a value, in order."""
        if value.__class__ is not str:
            return self._of_other(value)
        equal = self._equals.get(value)
        found = [equal] if equal else []
        for length, texts in self._starts.items():
            more = texts.get(value[:length])
            if more:
                found.append(more)
        if self._rare:
            found += self._of_text(value)
        if not found:
            return ()
        return found[0] if len(found) == 1 else together(found)

    def written(self, writer: Writer, value: str) -> Iterator[str]:
        """The same as lines of code that add what hits the value of that code to what `c` names."""
        name = writer.constant
        add = f"if m: c = {name(together)}((c, m)) if c else m"
        yield f"v = {value}"
        if len(self._starts) > _MOST_WRITTEN:
            yield from (f"m = {name(self.hits)}(v)", add)
            return
        yield "if v.__class__ is str:"
        yield from (f"    m = {name(self._equals)}.get(v)", f"    {add}")
        for length, texts in self._starts.items():
            yield from (f"    m = {name(texts)}.get(v[:{length:d}])", f"    {add}")
        if self._rare:
            yield f"    for m in {name(self._of_text)}(v): c = {name(together)}((c, m))"
        yield "else:"
        yield from (f"    m = {name(self._of_other)}(v)", f"    {add}")

    def _of_text(self, value: str) -> list[list[int]]:
        """What the rarer kinds of tests of a text hit."""
        found = [self._true] if self._true and value else []
        found += [more for length, texts in self._ends.items() if (more := texts.get(value[-length:]))]
        parts = self._parts.hits(value) if self._parts else []
        return [*found, sorted(set(parts))] if parts else found

    def _of_other(self, value: Any) -> _Numbers:  # noqa: ANN401  any JSON value
        """The matchers of which a test says yes to what is not a string."""
        found = list(self._other)
        if value.__class__ not in (dict, list):
            found += self._equals.get(_key(value), ())
        if value or value.__class__ in (int, float):
            found += self._true
        if value is not None:
            found += self._present
        return sorted(set(found))


def _key(value: object) -> object:
    """What equal JSON scalars have in common: true is not 1, and 1 is 1.0."""
    return (value.__class__, value) if value.__class__ is bool else value
