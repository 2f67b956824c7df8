"""Which of many matchers may hold for a document, without asking each: those that stand on a test which says yes.

A matcher is entered by one of its choices (`engine.matching.anchors`): where none of the choice's tests says yes, the matcher
neither holds nor fails, so it need not be asked. Matchers without a choice are always among the candidates.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from engine.matching.anchors import choices, glob_anchor
from engine.matching.tree import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.matching.anchors import Anchor, Choice

_GRAM: Final = 4
"""Characters by which a part of a string is looked up."""

_WORTH: Final = {"equals": 0, "prefix": 1, "suffix": 2, "holds": 3, "true": 4, "regex": 5}
"""Kinds of tests, the most telling first."""


class Index:
    """Matchers by number (their place in what was given); `candidates` gives numbers in order."""

    def __init__(self, matchers: Iterable[Sequence[str] | None]) -> None:
        """`matchers`: the expressions of each, which must all hold; None or none for one that always holds."""
        self._always: list[int] = []
        self._paths: dict[tuple[str, ...], _Tests] = {}
        found = [choices([parse(text) for text in expressions]) if expressions else () for expressions in matchers]
        shared = Counter(anchor for several in found for choice in several for anchor in choice)
        for number, several in enumerate(found):
            choice = _best(several, shared)
            if choice is None:
                self._always.append(number)
            else:
                self._enter(number, choice)

    def _enter(self, number: int, choice: Choice) -> None:
        for anchor in choice:
            self._paths.setdefault(anchor.path, _Tests()).enter(number, anchor)

    def candidates(self, document: Mapping[str, Any]) -> list[int]:
        """The numbers of all matchers that may hold or fail for a document, in order."""
        found = set(self._always)
        for path, tests in self._paths.items():
            tests.collect(_read(document, path), found)
        return sorted(found)


def _best(found: Sequence[Choice], shared: Mapping[Anchor, int]) -> Choice | None:
    """The most telling choice that can be looked up: the one that fewest matchers share, of the surest tests, of few."""
    usable = [choice for choice in found if choice and all(anchor.kind != "regex" for anchor in choice)]

    def telling(choice: Choice) -> tuple[int, int, int]:
        return max(shared[anchor] for anchor in choice), max(_WORTH[anchor.kind] for anchor in choice), len(choice)

    return min(usable, key=telling, default=None)


def _read(document: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401  any JSON value
    for name in path:
        document = document.get(name) if document.__class__ is dict else None
    return document


class Globs:
    """Groups of globs by number; `candidates` gives the groups of which one may match a text."""

    def __init__(self, groups: Iterable[Sequence[str] | None]) -> None:
        """`groups`: the globs of each; None for one that matches everything."""
        self._always: list[int] = []
        self._tests = _Tests()
        for number, patterns in enumerate(groups):
            anchors = [] if patterns is None else [glob_anchor((), pattern) for pattern in patterns]
            entered = [anchor for anchor in anchors if anchor is not None]
            if patterns is None or len(entered) < len(anchors):
                self._always.append(number)
            else:
                for anchor in entered:
                    self._tests.enter(number, anchor)

    def candidates(self, texts: Iterable[str]) -> list[int]:
        """The numbers of all groups that may match one of the texts, in order."""
        found = set(self._always)
        for text in texts:
            self._tests.collect(text, found)
        return sorted(found)


class _Tests:
    """The tests of one path."""

    __slots__ = ("_ends", "_equals", "_grams", "_other", "_present", "_short", "_starts", "_true")

    def __init__(self) -> None:
        self._equals: dict[object, list[int]] = {}
        self._starts: dict[int, dict[str, list[int]]] = {}
        self._ends: dict[int, dict[str, list[int]]] = {}
        self._grams: dict[str, list[tuple[str, int, int]]] = {}
        self._short: list[tuple[str, int]] = []
        self._true: list[int] = []
        self._present: list[int] = []
        self._other: list[int] = []

    def enter(self, number: int, anchor: Anchor) -> None:
        """Enter a matcher by one of its tests."""
        kind, text = anchor.kind, anchor.value
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
        elif len(text) >= _GRAM:
            places = range(len(text) - _GRAM + 1)
            rarest = min(places, key=lambda place: len(self._grams.get(text[place : place + _GRAM], ())))
            self._grams.setdefault(text[rarest : rarest + _GRAM], []).append((text, rarest, number))
        else:
            self._short.append((text, number))

    def collect(self, value: Any, found: set[int]) -> None:  # noqa: ANN401  any JSON value
        """Add the matchers of which a test says yes to a value."""
        if self._equals and value.__class__ not in (dict, list):
            found.update(self._equals.get(_key(value), ()))
        if self._true and (value or value.__class__ in (int, float)):
            found.update(self._true)
        if value.__class__ is str:
            found.update(self._of_text(value))
        else:
            found.update(self._other)
            if value is not None:
                found.update(self._present)

    def _of_text(self, value: str) -> Iterator[int]:
        for length, texts in self._starts.items():
            yield from texts.get(value[:length], ())
        for length, texts in self._ends.items():
            yield from texts.get(value[-length:], ())
        if self._grams:
            for place in range(len(value) - _GRAM + 1):
                for text, before, number in self._grams.get(value[place : place + _GRAM], ()):
                    if place >= before and value.startswith(text, place - before):
                        yield number
        for text, number in self._short:
            if text in value:
                yield number


def _key(value: object) -> object:
    """What equal JSON scalars have in common: true is not 1, and 1 is 1.0."""
    return (value.__class__, value) if value.__class__ is bool else value
