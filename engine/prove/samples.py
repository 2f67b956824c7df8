"""Some texts of a pattern, the short ones first: what is tried before an automaton is walked."""

from __future__ import annotations

from itertools import islice, permutations, product
from typing import TYPE_CHECKING, Final

from engine.prove.patterns import LAST, Assertion, Chars, Choice, Repeat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.prove.patterns import Pattern

MOST_SAMPLES: Final = 16
_MOST_JOINED: Final = 4
_NICE: Final = "aebcdf0123456789ABCDEFghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ-_./ :@,=+"


def samples(pattern: Pattern) -> tuple[str, ...]:
    """At most `MOST_SAMPLES` texts that a pattern may match; assertions are not looked at."""
    return tuple(dict.fromkeys(islice(_samples(pattern), MOST_SAMPLES)))


def _samples(pattern: Pattern) -> Iterator[str]:
    if isinstance(pattern, Chars):
        yield _nice(pattern)
    elif isinstance(pattern, Assertion):
        yield ""
    elif isinstance(pattern, Choice):
        for part in pattern.parts:
            yield from islice(_samples(part), MOST_SAMPLES)
    elif isinstance(pattern, Repeat):
        one = tuple(islice(_samples(pattern.part), 1 if pattern.least else 2))
        yield from (text * pattern.least for text in one)
        if pattern.most is None or pattern.most > pattern.least:
            yield from (text * (pattern.least + 1) for text in one)
    else:
        parts = [tuple(islice(_samples(part), MOST_SAMPLES)) for part in pattern.parts]
        yield from map("".join, islice(product(*parts), MOST_SAMPLES))


def _nice(pattern: Chars) -> str:
    for character in _NICE:
        if any(start <= ord(character) <= end for start, end in pattern.ranges):
            return character
    return chr(pattern.ranges[0][0] if pattern.ranges else LAST)


def joined(groups: Sequence[Sequence[str]]) -> Iterator[str]:
    """Texts that hold one text of each group, one after the other, in any order."""
    few = groups[:_MOST_JOINED]
    for texts in product(*(group[:4] for group in few)):
        for ordered in permutations(texts) if len(texts) > 1 else [texts]:
            yield from (separator.join(ordered) for separator in (" ", "", "/"))


def around(texts: Iterable[str]) -> Iterator[str]:
    """The texts themselves, and with something before and behind them."""
    for text in texts:
        yield from (text, f"x {text}", f"{text} x", f"{text}0", f"0{text}")
