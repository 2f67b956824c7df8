"""Which part of a matcher decided: each part that must hold, as it is written, with its result for one event.

A matcher is taken apart as formulas are (`engine.matching.formula`), and each part is evaluated by the one compiler. An example,
of an event in the bucket `orders`:

    bucket == 'ledger' && access.kind == 'read'
      bucket == 'ledger'        does not hold: orders
      access.kind == 'read'     holds
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.cache import BoundedCache
from engine.matching import formula_of
from engine.matching.checks import Trees
from engine.matching.formula import And, Atom, AtomFailure, Not, Or, evaluate, settle
from engine.matching.spelling import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.matching.formula import Formula
    from engine.model import PolicySet

_formulas = BoundedCache[tuple[str, tuple[str, ...]], "Formula"](1_000)
"""The formulas of matchers by the revision of their set and their expressions: the same rules are explained for many events."""


class PartResult(NamedTuple):
    """A part of a matcher, as written; whether it holds (None: its evaluation failed); the path of its field, if it reads one."""

    text: str
    holds: bool | None
    path: tuple[str, ...] | None = None


def part_results(expressions: Sequence[str], document: Mapping[str, Any], policies: PolicySet) -> tuple[PartResult, ...]:
    """The parts of a matcher that must all hold, in order, each with its result for a document (record and facts).

    All are evaluated. `policies` is the set that the matcher belongs to.
    """
    formula = formula_in(policies, expressions)
    parts = formula.parts if isinstance(formula, And) else (formula,)
    return tuple(_result(part, document) for part in parts)


def formula_in(policies: PolicySet, expressions: Sequence[str]) -> Formula:
    """The formula of expressions of a set that must all be true, with what they use of its lists and conditions."""
    key = policies.revision, tuple(expressions)
    formula = _formulas.get(key)
    if formula is None:
        trees = Trees(policies.definitions)
        formula = _formulas[key] = formula_of([trees[expression] for expression in expressions])
    return formula


def nearly_holds(parts: Sequence[PartResult]) -> bool:
    """Whether a matcher of several parts holds but for one."""
    return len(parts) > 1 and sum(part.holds is not True for part in parts) == 1


def _result(part: Formula, document: Mapping[str, Any]) -> PartResult:
    result = settle(part, lambda atom: evaluate(atom, document))
    atom = part.part if isinstance(part, Not) else part
    path = atom.path if isinstance(atom, Atom) else None
    return PartResult(_written(part), None if isinstance(result, AtomFailure) else result is True, path)


# --- spelling -------------------------------------------------------------------------------------------------------------


def _written(part: Formula, *, inner: bool = False) -> str:
    if isinstance(part, Atom):
        return written(part.node)
    if isinstance(part, Not):
        return f"!({_written(part.part)})"
    joint = " && " if isinstance(part, And) else " || "
    text = joint.join(_written(each, inner=True) for each in part.parts)
    return f"({text})" if inner and isinstance(part, Or) else text
