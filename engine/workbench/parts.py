"""Which part of a matcher decided: each part that must hold, as it is written, with its result for one event.

A matcher is taken apart as formulas are (`engine.matching.formula`), and each part is evaluated by the one compiler. An example,
of an event in the bucket `orders`:

    bucket == 'ledger' && access.kind == 'read'
      bucket == 'ledger'        does not hold: orders
      access.kind == 'read'     holds
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.cache import BoundedCache
from engine.matching import formula_of
from engine.matching.checks import Trees
from engine.matching.formula import And, Atom, AtomFailure, Not, Or, evaluate, settle
from engine.matching.tree import field_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.matching import Node
    from engine.matching.formula import Formula
    from engine.model import PolicySet

_COMPARISONS: Final = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_UNWRITTEN: Final = "…"
"""What stands for a part that is not spelled here: a projection, a slice, a pipe."""


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
        return _node(part.node)
    if isinstance(part, Not):
        return f"!({_written(part.part)})"
    joint = " && " if isinstance(part, And) else " || "
    text = joint.join(_written(each, inner=True) for each in part.parts)
    return f"({text})" if inner and isinstance(part, Or) else text


def _node(node: Node) -> str:
    """A node as one would write it."""
    path = field_path(node)
    if path is not None:
        return ".".join(path)
    if node.kind == "literal":
        return f"'{node.value}'" if isinstance(node.value, str) else f"`{json.dumps(node.value)}`"
    form = _FORMS.get(node.kind)
    return form(node.value, [_node(child) for child in node.children]) if form else _UNWRITTEN


_FORMS: Final[Mapping[str, Callable[[Any, list[str]], str]]] = {
    "comparator": lambda name, parts: f"{parts[0]} {_COMPARISONS[name]} {parts[1]}",
    "in_list": lambda known, parts: f"in_list({parts[0]}, '{known.name}')",
    "holds": lambda condition, _: f"holds('{condition.name}')",
    "function_expression": lambda name, parts: f"{name}({', '.join(parts)})",
    "multi_select_list": lambda _, parts: f"[{', '.join(parts)}]",
    "not_expression": lambda _, parts: f"!({parts[0]})",
    "and_expression": lambda _, parts: f"({' && '.join(parts)})",
    "or_expression": lambda _, parts: f"({' || '.join(parts)})",
}
"""How each kind of node is written, by its value and its parts."""
