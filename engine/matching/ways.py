"""Every way in which a formula can end, and what follows from that: what implies what, what never or always holds, what can fail.

What is claimed is certain; that nothing is claimed may only mean that it is not known, or that the budget is spent.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import TooManyWaysError
from engine.matching.formula import Atom, AtomFailure, atoms, settle
from engine.matching.relations import consistent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.matching.formula import Formula, Result

NOTHING: Final[Mapping[Atom, Result]] = MappingProxyType({})


class Budget:
    """How many steps an analysis may still take. A step is one atom of a formula that is looked at."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take steps. Raises `TooManyWaysError` where there are not as many left."""
        self.left -= steps
        if self.left < 0:
            raise TooManyWaysError("there are too many combinations of results to look at each")


class Way(NamedTuple):
    """One way in which a formula can end: the results of the atoms that were evaluated, in that order, and its own."""

    results: Mapping[Atom, Result]
    end: Result


def ways(part: Formula, budget: Budget, given: Mapping[Atom, Result] = NOTHING) -> Iterator[Way]:
    """Every way in which a formula can end where the results `given` are known.

    A document takes exactly one of them. Those that no document can take are left out as far as `relations` knows. An atom that
    fails ends a formula; no error is known of it. Raises `TooManyWaysError` when the budget is spent.
    """
    size = sum(1 for _ in atoms(part))
    pending = [given]
    while pending:
        results = pending.pop()
        budget.spend(size + len(results))
        end = settle(part, results.get)
        if not isinstance(end, Atom):
            yield Way(results, end)
            continue
        possible: list[Result] = [AtomFailure(end)] if end.may_fail else []
        for result in (*possible, False, True):
            more = {**results, end: result}
            if consistent(more, end):
                pending.append(more)


def holding(part: Formula, budget: Budget) -> list[Mapping[Atom, Result]]:
    """The results of each way in which a formula is true. Raises `TooManyWaysError`."""
    return [way.results for way in ways(part, budget) if way.end is True]


def implied(premise: Formula, conclusion: Formula, budget: Budget) -> bool:
    """Whether the conclusion is true, and does not fail, wherever the premise is true."""
    try:
        return follows(holding(premise, budget), conclusion, budget)
    except TooManyWaysError:
        return False


def follows(cases: Iterable[Mapping[Atom, Result]], conclusion: Formula, budget: Budget) -> bool:
    """Whether a formula is true in each of some cases (`holding`). Raises `TooManyWaysError`."""
    return all(way.end is True for case in cases for way in ways(conclusion, budget, case))


def never(part: Formula, budget: Budget) -> bool:
    """Whether a formula is true for no document."""
    try:
        return all(way.end is not True for way in ways(part, budget))
    except TooManyWaysError:
        return False


def always(part: Formula, budget: Budget) -> bool:
    """Whether a formula is true for every document."""
    try:
        return all(way.end is True for way in ways(part, budget))
    except TooManyWaysError:
        return False


def failures(part: Formula, budget: Budget) -> Iterator[Way]:
    """The ways in which a formula may fail; `end` names the atom. Raises `TooManyWaysError`."""
    return (way for way in ways(part, budget) if isinstance(way.end, AtomFailure))
