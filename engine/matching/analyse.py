"""What is found out about matchers once, when a policy set is loaded or prepared: their source, and by what to look them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.matching.checks import check
from engine.matching.formula import formula_of
from engine.matching.generate import first_source, predicate_source
from engine.matching.keys import index_keys
from engine.matching.types import reads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.matching.source import Given, Source
    from engine.matching.types import Known
    from engine.model import AnyOf


class Analysed(NamedTuple):
    """A matcher's source, the keys by which an index finds it, and the paths that it reads."""

    source: Source
    keys: tuple[AnyOf, ...]
    reads: frozenset[tuple[str, ...]]


def analyse(expressions: Sequence[str], given: Given, known: Known) -> Analysed:
    """A matcher over a record and facts. Raises `ExpressionError` for the first expression that can never work."""
    trees = [check(expression) for expression in expressions]
    paths = frozenset[tuple[str, ...]]().union(*map(reads, trees))
    return Analysed(predicate_source(trees, given), index_keys(formula_of(trees, known)), paths)


def analyse_first(matchers: Sequence[Sequence[str]], given: Given) -> Source:
    """The source of what gives the place of the first matcher that holds. Raises `ExpressionError`."""
    return first_source([[check(expression) for expression in expressions] for expressions in matchers], given)
