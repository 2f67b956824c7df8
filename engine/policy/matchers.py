"""Matchers made of their expressions; what a prepared policy set does without (`engine.policy.prepared`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.matching.link import link
from engine.model import Matcher
from engine.policy.fact_layout import FACT_TYPES, FACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.matching.checks import Trees
    from engine.matching.source import Generated
    from engine.model import Definitions, FactGroups, Record, VoidFor

    Expressions = tuple[str, ...]
    First = Callable[[Record, FactGroups], int]

MOST_AT_ONCE: Final = 64
"""Matchers in one function that says which of them holds first: Python's compiler nests it so deep."""


class MatcherFactory(NamedTuple):
    """What makes the matchers of a set.

    `matcher` returns that of expressions that must all hold; `first` the function from a record and facts to the number of the
    first of several that holds, -1 where none does; `void_for`, of the contents of all files, what makes each quieter rule void.
    """

    matcher: Callable[[Expressions], Matcher]
    first: Callable[[Sequence[Expressions]], First]
    void_for: Callable[[Sequence[Mapping[str, Any]]], VoidFor]


def from_source(trees: Trees | None = None, defined: Definitions | None = None) -> MatcherFactory:
    """A factory that parses, but for the expressions in `trees`, and makes equal matchers once.

    Without `trees`, `defined` are the lists and conditions that the expressions may use.

    It raises `ExpressionError` for an expression that can never work.
    """
    from engine.matching.checks import NOTHING_DEFINED, Trees  # noqa: PLC0415  the parser, which a prepared set does without

    parsed = Trees(defined or NOTHING_DEFINED) if trees is None else trees
    made: dict[Expressions, Matcher] = {}

    def matcher(expressions: Expressions) -> Matcher:
        if expressions not in made:
            made[expressions] = _matcher(expressions, parsed)
        return made[expressions]

    def first(several: Sequence[Expressions]) -> First:
        return in_turn([link(source, FACTS) for source in first_sources(several, parsed)])

    return MatcherFactory(matcher, first, lambda contents: _void_for(contents, parsed))


def _void_for(contents: Sequence[Mapping[str, Any]], trees: Trees) -> VoidFor:
    from engine.policy.quieter import QuieterRules  # noqa: PLC0415  the analysis, which a prepared set does without

    return QuieterRules(contents, trees).void_for()


def _matcher(expressions: Expressions, trees: Trees) -> Matcher:
    from engine.matching.analyse import analyse  # noqa: PLC0415  as above

    analysed = analyse([trees[expression] for expression in expressions], FACTS, FACT_TYPES)
    return Matcher(expressions, link(analysed.source, FACTS), analysed.keys, analysed.reads)


def first_sources(several: Sequence[Expressions], trees: Trees) -> Iterator[Generated]:
    """The sources of what says which of several matchers holds first, `MOST_AT_ONCE` in each."""
    from engine.matching.generate import first_source  # noqa: PLC0415  as above

    for start in range(0, len(several), MOST_AT_ONCE):
        part = several[start : start + MOST_AT_ONCE]
        yield first_source([[trees[expression] for expression in expressions] for expressions in part], FACTS)


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
