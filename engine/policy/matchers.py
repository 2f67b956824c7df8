"""Matchers made of their expressions; what a prepared policy set does without (`engine.policy.prepared`)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.matching.link import link
from engine.model import Matcher
from engine.policy.given import GIVEN, KNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.matching.source import Source
    from engine.model import FactGroups, Record

    Expressions = tuple[str, ...]
    First = Callable[[Record, FactGroups], int]

_KEPT: Final = 65_536

MOST_AT_ONCE: Final = 64
"""Matchers in one function that says which of them holds first: Python's compiler nests it so deep."""


class Makers(NamedTuple):
    """What makes the matchers of a set: each one, and the function that gives the place of the first of several that holds."""

    matcher: Callable[[Expressions], Matcher]
    first: Callable[[Sequence[Expressions]], First]


def parsed() -> Makers:
    """Makers that parse. They raise `ExpressionError` for an expression that can never work."""
    return Makers(matcher, lambda several: in_turn([link(source, GIVEN) for source in first_sources(several)]))


@lru_cache(_KEPT)
def matcher(expressions: Expressions) -> Matcher:
    """The matcher of expressions that must all hold. Raises `ExpressionError` for one that can never work.

    It is kept until `forget_matchers`: what checks a set asks for the same ones as what compiles it.
    """
    from engine.matching.analyse import analyse  # noqa: PLC0415  the parser, which a prepared set does without

    found = analyse(expressions, GIVEN, KNOWN)
    return Matcher(expressions, link(found.source, GIVEN), found.keys, found.reads)


def forget_matchers() -> None:
    """Keep no matcher any more: the set that was loaded has its own."""
    matcher.cache_clear()


def first_sources(several: Sequence[Expressions]) -> Iterator[Source]:
    """The sources of what says which of several matchers holds first, `MOST_AT_ONCE` in each."""
    from engine.matching.analyse import analyse_first  # noqa: PLC0415  as above

    for start in range(0, len(several), MOST_AT_ONCE):
        yield analyse_first(several[start : start + MOST_AT_ONCE], GIVEN)


def in_turn(parts: Sequence[First]) -> First:
    """One function of those for `MOST_AT_ONCE` matchers each."""
    if len(parts) == 1:
        return parts[0]

    def first(record: Record, facts: FactGroups) -> int:
        for number, part in enumerate(parts):
            place = part(record, facts)
            if place >= 0:
                return number * MOST_AT_ONCE + place
        return -1

    return first
