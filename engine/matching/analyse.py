"""What is computed of a matcher once, when a policy set is loaded or prepared: its source, and by what an index finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.matching.formula import formula_of
from engine.matching.generate import predicate_source
from engine.matching.keys import index_keys
from engine.matching.types import reads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.matching.source import Generated, Given
    from engine.matching.tree import Node
    from engine.matching.types import Known
    from engine.model import AnyOf


class Analysed(NamedTuple):
    """A matcher's source, the keys by which an index finds it, and the paths that it reads."""

    source: Generated
    keys: tuple[AnyOf, ...]
    reads: frozenset[tuple[str, ...]]


def analyse(trees: Sequence[Node], given: Given, known: Known) -> Analysed:
    """A matcher of checked expressions, over a record and facts. `known` are the types of the facts."""
    paths = frozenset[tuple[str, ...]]().union(*map(reads, trees))
    return Analysed(predicate_source(trees, given), index_keys(formula_of(trees, known)), paths)
