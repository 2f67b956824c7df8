"""What a level does to each field, worked out once."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import OPEN, Field, Operator
from engine.pipeline.mask.prints import WAYS
from engine.pipeline.mask.withheld import LOOSE, MAIL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model import Level

_MOST: Final = 64
_MOST_SHAPES: Final = 256
_FIELDS: Final = tuple(Field)

_VOCABULARY: Final = frozenset(
    {Field.TIME, Field.EVENT, Field.REGION, Field.CLASS, Field.EVIDENCE, Field.ACTOR_TYPE, Field.MFA, Field.ACCOUNT}
)
"""Fields of few values, which tell nothing of the caller where they stand elsewhere. Account ids are looked for on their own."""

POLICY_TEXT: Final = frozenset({Field.CLASS, Field.EVIDENCE})
"""Fields whose values are the policies' own words. They follow each other."""


class Hides(NamedTuple):
    """What a level hides, by places. Among the fields that are left, `own` are the policies' own words; `accounts`: all ids.

    Among all fields, `source` is the source address where that is hidden, and `sought` are the other values that must not come
    back, `mails` those of them that may be e-mail addresses.
    """

    own: slice
    accounts: bool
    source: int | None
    sought: tuple[int, ...]
    mails: tuple[int, ...]


class Shape(NamedTuple):
    """What a level leaves of events that have the same fields, all of them text.

    `fields` are left, in order, and `left` picks their values of those of all fields. `prints` and `hashes` say what is printed
    at which place among them, `network` at which that of the source address. `missing`: how many fields would be hashed, had
    there been a key. `hides` None: nothing.
    """

    fields: tuple[Field, ...]
    left: Callable[[Sequence[Any]], tuple[str, ...]]
    prints: tuple[tuple[int, Callable[[str], str]], ...]
    hashes: tuple[tuple[int, Field], ...]
    network: int | None
    missing: int
    hides: Hides | None


class Plan(NamedTuple):
    """The fields that a level does not keep, each with its operator, and those of them that are looked for elsewhere.

    `shapes` are known by the types of an event's values, `keyed` where there is a hash key; None: such events have no shape.
    """

    level: Level
    changes: tuple[tuple[Field, Operator], ...]
    sought: tuple[tuple[Field, Operator], ...]
    hides_accounts: bool
    hides_source: bool
    shapes: dict[tuple[type, ...], Shape | None]
    keyed: dict[tuple[type, ...], Shape | None]


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
    operators = {} if level.name == OPEN else {field: level.operators.get(field, Operator.DROP) for field in Field}
    changes = tuple((field, operator) for field, operator in operators.items() if operator is not Operator.KEEP)
    changed = dict(changes)
    sought = tuple(change for change in changes if change[0] not in _VOCABULARY)
    return Plan(level, changes, sought, Field.ACCOUNT in changed, Field.SOURCE_IP in changed, {}, {})


def shaped(chosen: Plan, types: tuple[type, ...], *, keyed: bool) -> Shape | None:
    """The shape of events whose values have these types; `keyed`: there is a hash key. Made once, of nothing of an event."""
    shapes = chosen.keyed if keyed else chosen.shapes
    if types not in shapes:
        if len(shapes) >= _MOST_SHAPES:
            shapes.clear()
        shapes[types] = _shape(chosen, types, keyed=keyed)
    return shapes[types]


def _shape(chosen: Plan, types: tuple[type, ...], *, keyed: bool) -> Shape | None:
    """None: where a value is no text, or what it prints is not of itself alone (a copy's source).

    What the parts would not look for, such as a plain error code, is looked for all the same: nothing hangs on where it stands.
    """
    recorded = [field for field, found in zip(_FIELDS, types, strict=True) if found is str]
    changed = {field: operator for field, operator in chosen.changes if field in recorded}
    gone = {Operator.DROP} if keyed else {Operator.DROP, Operator.HASH}
    fields = tuple(field for field in recorded if changed.get(field) not in gone)
    odd = len(recorded) != sum(found is not type(None) for found in types)
    if odd or changed.get(Field.COPY_SOURCE) is Operator.MASK or len(fields) <= len(POLICY_TEXT):
        return None
    printed = [(place, field, changed[field]) for place, field in enumerate(fields) if field in changed]
    return Shape(
        fields=fields,
        left=itemgetter(*map(_FIELDS.index, fields)),
        prints=tuple(
            (place, WAYS[field]) for place, field, operator in printed if operator is not Operator.HASH and field in WAYS
        ),
        hashes=tuple((place, field) for place, field, operator in printed if operator is Operator.HASH),
        network=fields.index(Field.SOURCE_IP) if changed.get(Field.SOURCE_IP) in LOOSE else None,
        missing=0 if keyed else sum(operator is Operator.HASH for operator in changed.values()),
        hides=_hides(chosen, recorded, fields) if chosen.changes else None,
    )


def _hides(chosen: Plan, recorded: Sequence[Field], fields: Sequence[Field]) -> Hides:
    operators = dict(chosen.changes)
    networks = Field.SOURCE_IP in recorded and operators.get(Field.SOURCE_IP) in LOOSE
    sought = [field for field, _ in chosen.sought if field in recorded and not (networks and field is Field.SOURCE_IP)]
    own = [place for place, field in enumerate(fields) if field in POLICY_TEXT]
    return Hides(
        own=slice(own[0], own[-1] + 1) if own else slice(0, 0),
        accounts=chosen.hides_accounts,
        source=_FIELDS.index(Field.SOURCE_IP) if chosen.hides_source and Field.SOURCE_IP in recorded else None,
        sought=tuple(map(_FIELDS.index, sought)),
        mails=tuple(_FIELDS.index(field) for field in sought if field in MAIL),
    )
