"""What a level does to each field, worked out once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import Field, Operator

if TYPE_CHECKING:
    from engine.model import Level

_MOST: Final = 64

_VOCABULARY: Final = frozenset(
    {Field.TIME, Field.EVENT, Field.REGION, Field.CLASS, Field.EVIDENCE, Field.ACTOR_TYPE, Field.MFA, Field.ACCOUNT}
)
"""Fields of few values, which tell nothing of the caller where they stand elsewhere. Account ids are looked for on their own."""


class Plan(NamedTuple):
    """The fields that a level does not keep, each with its operator, and those of them that are looked for elsewhere."""

    level: Level
    changes: tuple[tuple[Field, Operator], ...]
    sought: tuple[tuple[Field, Operator], ...]
    hides_accounts: bool
    hides_source: bool


_plans: dict[int, Plan] = {}


def plan(level: Level) -> Plan:
    """The plan of a level, which is known by which object it is: the plan keeps it, so that no other can be it."""
    found = _plans.get(id(level))
    if found is None:
        if len(_plans) >= _MOST:
            _plans.clear()
        found = _plans[id(level)] = _planned(level)
    return found


def _planned(level: Level) -> Plan:
    operators = {field: level.operators.get(field, Operator.DROP) for field in Field}
    changes = tuple((field, operator) for field, operator in operators.items() if operator is not Operator.KEEP)
    changed = dict(changes)
    sought = tuple(change for change in changes if change[0] not in _VOCABULARY)
    return Plan(level, changes, sought, Field.ACCOUNT in changed, Field.SOURCE_IP in changed)
