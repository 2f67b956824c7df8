"""Whether some text is in several languages at once, and such a text: automata that are made as far as they are walked.

An automaton reads a text from left to right. Its states are numbers; 0 is the start. Characters between which no pattern
distinguishes are read as one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from engine.errors import HardPatternError
from engine.prove.patterns import WORD, Assertion, Chars, Choice, Repeat, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.prove.patterns import Pattern, Ranges

_MOST_NODES: Final = 4_000
MOST_STEPS: Final = 400_000
"""Steps of single automata that one search may take."""

_START, _WORD, _OTHER, _END = range(4)
_SURROGATES: Final = (0xD800, 0xDFFF)
_REPLACEMENT: Final = (0xFFFD, 0xFFFE)
"""U+FFFD and what follows it. RE2 is given it in place of half a surrogate pair, which JSON can write."""
_NICE: Final = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./ :@,=+"
"""Characters that a text is made of where others would do as well, the best ones first."""


class TextSet(Protocol):
    """A set of texts."""

    bounds: frozenset[int]
    """The characters at which a set of characters begins that is read as one."""

    def step(self, state: int, code: int) -> int:
        """The state after one more character."""

    def accepts(self, state: int) -> bool:
        """Whether the text up to here is in the language."""

    def ended(self, state: int) -> bool | None:
        """Whether every text that goes on from here is in the language, or none is; None where that is not known."""


class Automaton:
    """The language of a pattern: the texts that match it as a whole or, with `search`, those in which it is found.

    Raises `HardPatternError` for a pattern that is too large.
    """

    def __init__(self, pattern: Pattern, *, search: bool) -> None:
        self._nodes: list[tuple[str, object, tuple[int, ...]]] = []
        self._sets: list[Ranges] = []
        self._search = search
        self._words = False
        match = self._add("match", None, ())
        self._first = self._build(pattern, match)
        edges = {edge for ranges in self._sets for start, end in ranges for edge in (start, end + 1)}
        if self._words:
            edges |= {edge for start, end in WORD for edge in (start, end + 1)}
        if any(_SURROGATES[0] <= edge <= _SURROGATES[1] + 1 or edge in _REPLACEMENT for edge in edges):
            raise HardPatternError("U+FFFD and halves of surrogate pairs, which a regular expression does not tell apart")
        self.bounds = frozenset(edges)
        self._edges = sorted(edges)
        self._numbers: dict[tuple[frozenset[int], int] | None, int] = {}
        self._states: list[tuple[frozenset[int], int] | None] = []
        self._steps: dict[tuple[int, int], int] = {}
        self._accepting: dict[int, bool] = {}
        self._number((frozenset({self._first}), _START))

    # --- making it ---------------------------------------------------------------------------------------------------

    def _add(self, kind: str, what: object, following: tuple[int, ...]) -> int:
        if len(self._nodes) >= _MOST_NODES:
            raise HardPatternError("a pattern that is too large")
        self._nodes.append((kind, what, following))
        return len(self._nodes) - 1

    def _build(self, pattern: Pattern, following: int) -> int:
        """The node at which a pattern begins that goes on at `following`."""
        if isinstance(pattern, Chars):
            self._sets.append(pattern.ranges)
            return self._add("chars", pattern.ranges, (following,))
        if isinstance(pattern, Assertion):
            self._words = self._words or pattern.kind == "boundary"
            return self._add(pattern.kind, None, (following,))
        if isinstance(pattern, Sequence):
            for part in reversed(pattern.parts):
                following = self._build(part, following)
            return following
        if isinstance(pattern, Choice):
            return self._add("split", None, tuple(self._build(part, following) for part in pattern.parts))
        return self._repeat(pattern, following)

    def _repeat(self, pattern: Repeat, following: int) -> int:
        if pattern.most is None:
            loop = self._add("split", None, ())
            self._nodes[loop] = ("split", None, (self._build(pattern.part, loop), following))
            following = loop
        else:
            end = following
            for _ in range(pattern.most - pattern.least):
                following = self._add("split", None, (self._build(pattern.part, following), end))
        for _ in range(pattern.least):
            following = self._build(pattern.part, following)
        return following

    # --- walking it --------------------------------------------------------------------------------------------------

    def _number(self, state: tuple[frozenset[int], int] | None) -> int:
        if state not in self._numbers:
            self._numbers[state] = len(self._states)
            self._states.append(state)
        return self._numbers[state]

    def step(self, state: int, code: int) -> int:
        """The state after one more character."""
        kind = bisect_right(self._edges, code)
        after = self._steps.get((state, kind))
        if after is None:
            after = self._steps[state, kind] = self._number(self._after(self._states[state], code))
        return after

    def _after(self, state: tuple[frozenset[int], int] | None, code: int) -> tuple[frozenset[int], int] | None:
        if state is None:  # found already
            return None
        nodes, before = state
        here = _WORD if self._words and _contains(WORD, code) else _OTHER
        reached = self._reached(nodes, before, here)
        if self._search and 0 in reached:
            return None
        moved = {
            following[0]
            for kind, what, following in map(self._nodes.__getitem__, reached)
            if kind == "chars" and _contains(what, code)  # type: ignore[arg-type]  # the ranges of a set
        }
        if self._search:
            moved.add(self._first)
        return frozenset(moved), here

    def _reached(self, nodes: Iterable[int], before: int, here: int) -> set[int]:
        """The nodes that are reached without reading a character, at a place between two kinds of characters."""
        reached: set[int] = set()
        pending = list(nodes)
        while pending:
            node = pending.pop()
            if node in reached:
                continue
            reached.add(node)
            kind, _, following = self._nodes[node]
            if kind == "split" or _holds(kind, before, here):
                pending += following
        return reached

    def accepts(self, state: int) -> bool:
        """Whether the text up to here is in the language."""
        if state not in self._accepting:
            at = self._states[state]
            self._accepting[state] = at is None or 0 in self._reached(at[0], at[1], _END)
        return self._accepting[state]

    def ended(self, state: int) -> bool | None:
        """Whether every text that goes on from here is in the language, or none is; None where that is not known."""
        at = self._states[state]
        if at is None:
            return True
        return None if at[0] else False


def _holds(kind: str, before: int, here: int) -> bool:
    if kind in ("start", "end"):
        return before == _START if kind == "start" else here == _END
    return kind == "boundary" and (before == _WORD) is not (here == _WORD)


def _contains(ranges: Ranges, code: int) -> bool:
    return any(start <= code <= end for start, end in ranges)


class Segment:
    """The texts of which one part is in a language: the `place`th of the parts that a `separator` sets apart.

    `last`: the last such part holds all that follows.
    """

    def __init__(self, inner: TextSet, separator: str, place: int) -> None:
        self._inner = inner
        self._separator = ord(separator)
        self._place = place
        self.bounds = inner.bounds | {self._separator, self._separator + 1}
        self._numbers: dict[tuple[int, int], int] = {(0, 0): 0}
        self._states = [(0, 0)]

    def step(self, state: int, code: int) -> int:
        """The state after one more character."""
        part, inner = self._states[state]
        if code == self._separator:
            after = (part + 1, inner)
        else:
            after = (part, self._inner.step(inner, code) if part == self._place else inner)
        if after not in self._numbers:
            self._numbers[after] = len(self._states)
            self._states.append(after)
        return self._numbers[after]

    def accepts(self, state: int) -> bool:
        """Whether the text up to here is in the language."""
        part, inner = self._states[state]
        return part >= self._place and self._inner.accepts(inner)

    def ended(self, state: int) -> bool | None:
        """Whether every text that goes on from here is in the language, or none is; None where that is not known."""
        part, inner = self._states[state]
        if part > self._place:
            return self._inner.accepts(inner)
        return False if part == self._place and self._inner.ended(inner) is False else None


class Difference:
    """The texts that are in one language and not in another."""

    def __init__(self, one: TextSet, other: TextSet) -> None:
        self._one = one
        self._other = other
        self.bounds = one.bounds | other.bounds
        self._numbers: dict[tuple[int, int], int] = {(0, 0): 0}
        self._states = [(0, 0)]

    def step(self, state: int, code: int) -> int:
        """The state after one more character."""
        one, other = self._states[state]
        after = (self._one.step(one, code), self._other.step(other, code))
        if after not in self._numbers:
            self._numbers[after] = len(self._states)
            self._states.append(after)
        return self._numbers[after]

    def accepts(self, state: int) -> bool:
        """Whether the text up to here is in the language."""
        one, other = self._states[state]
        return self._one.accepts(one) and not self._other.accepts(other)

    def ended(self, state: int) -> bool | None:
        """Whether every text that goes on from here is in the language, or none is; None where that is not known."""
        one, other = self._states[state]
        ends = self._one.ended(one), self._other.ended(other)
        if ends[0] is False or ends[1] is True:
            return False
        return True if ends == (True, False) else None


def contains_text(language: TextSet, text: str) -> bool:
    """Whether a text is in a language."""
    state = 0
    for character in text:
        state = language.step(state, ord(character))
    return language.accepts(state)


class CommonText(NamedTuple):
    """A shortest text that several languages have in common, None where there is none, and the steps that it took to tell."""

    text: str | None
    steps: int


def common_text(wanted: Iterable[tuple[TextSet, bool]], most_steps: int = MOST_STEPS) -> CommonText:
    """A shortest text that is in each language, or is not, as `wanted`.

    Raises `HardPatternError` where that takes too long to tell.
    """
    pairs = list(wanted)
    languages = [language for language, _ in pairs]
    goals = [goal for _, goal in pairs]
    codes = _representatives(frozenset[int]().union(*(language.bounds for language in languages)))
    start = (0,) * len(pairs)
    came_from: dict[tuple[int, ...], tuple[tuple[int, ...], int] | None] = {start: None}
    pending = deque([start])
    steps = 0
    while pending:
        state = pending.popleft()
        if all(language.accepts(part) is goal for language, part, goal in zip(languages, state, goals, strict=True)):
            return CommonText(_text_to(state, came_from), steps)
        for code in codes:
            after = _step(languages, goals, state, code)
            if after is not None and after not in came_from:
                came_from[after] = (state, code)
                pending.append(after)
        steps += len(codes) * len(pairs)
        if steps > most_steps:
            raise HardPatternError("patterns that are too many, or too large, together")
    return CommonText(None, steps)


def _step(languages: list[TextSet], goals: list[bool], state: tuple[int, ...], code: int) -> tuple[int, ...] | None:
    """The state after a character; None where no text that goes on so can be what is wanted."""
    after: list[int] = []
    for language, goal, part in zip(languages, goals, state, strict=True):
        moved = language.step(part, code)
        if language.ended(moved) is (not goal):
            return None
        after.append(moved)
    return tuple(after)


def _text_to(state: tuple[int, ...], came_from: Mapping[tuple[int, ...], tuple[tuple[int, ...], int] | None]) -> str:
    codes: list[int] = []
    step = came_from[state]
    while step is not None:
        codes.append(step[1])
        step = came_from[step[0]]
    return "".join(map(chr, reversed(codes)))


def _representatives(bounds: frozenset[int]) -> list[int]:
    """One character of each set that is read as one, nice ones first; none is half of a surrogate pair."""
    edges = sorted({0, *bounds, _SURROGATES[0], _SURROGATES[1] + 1, 0x110000})
    best: dict[int, int] = {}
    for character in _NICE:
        best.setdefault(bisect_right(edges, ord(character)), ord(character))
    codes = list(best.values())
    ranges = [(edges[place - 1], edges[place]) for place in range(1, len(edges)) if place not in best]
    return codes + [start if end - start == 1 else _middle(start, end) for start, end in ranges if start != _SURROGATES[0]]


def _middle(start: int, end: int) -> int:
    """A character that can be printed, where the range from `start` to before `end` has one early on; else the first."""
    return next((code for code in range(start, min(end, start + 256)) if chr(code).isprintable()), start)
