"""The paths of one event that a matcher may read, each with its value as a level leaves it, and the test that holds for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import Operator
from engine.pipeline.decide import decider_of
from engine.pipeline.decide.reference import decision as decision_of
from engine.pipeline.facts import derive_facts, document, facts
from engine.pipeline.mask import mask, redact
from engine.pipeline.mask.fields import field_values
from engine.policy.provenance import Row, row_of
from engine.workbench.explain import strictest
from engine.workbench.fields import path_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from engine.model import Decision, Event, HashKey, Level, PolicySet

    Step = str | int

FIELDS_MAX: Final = 1_000
"""An event may have as many fields as its sender likes."""

_STARS: Final = "***"


class EventField(NamedTuple):
    """A path with its value; None where the level shows nothing of it. `is_masked`: the value is not the event's own."""

    name: str
    value: Any
    is_masked: bool
    row: Row

    @property
    def test(self) -> str | None:
        """The test that holds for this value, as a matcher has it; None for a masked one."""
        return None if self.is_masked else f"{self.name} == {literal(self.value)}"


def literal(value: object) -> str:
    """A value as JMESPath writes it: a raw string where it can, or else JSON in backticks."""
    if isinstance(value, str) and value.isprintable() and not {"'", "\\"} & set(value):
        return f"'{value}'"
    return f"`{json.dumps(value).replace('`', chr(92) + '`')}`"


def event_fields(event: Event, policies: PolicySet, key: HashKey | None, now: datetime, *, reveal: bool) -> list[EventField]:
    """The fields and facts of an event that are not null, facts first, at most `FIELDS_MAX`.

    Values are masked as the strictest level of its decision says, unless they are revealed.
    """
    verdict = decider_of(policies).verdict(event.record, now)
    decision = decision_of(event, verdict)
    level = strictest(decision, policies)
    seen = document(event.record, facts(event), verdict.actor, verdict.evidence)
    shown = _Masking(event, decision, level, key)
    of_facts = [name for name in seen if name not in event.record]
    ordered = {name: seen[name] for name in (*of_facts, *event.record)}
    found: list[EventField] = []
    for path, value in _leaves(ordered, ()):
        if len(found) == FIELDS_MAX:
            break
        left = value if reveal else shown.value(value)
        row = row_of(tuple(part for part in path if isinstance(part, str)))
        found.append(EventField(path_name(path), left, left != value, row))
    return found


def _leaves(value: object, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    elif value is not None:
        yield path, value


class _Masking:
    """What a level leaves of any text of an event."""

    def __init__(self, event: Event, decision: Decision, level: Level, key: HashKey | None) -> None:
        self._event, self._decision, self._level = event, decision, level
        kept = mask(event, decision, level, key).values
        recorded = field_values(event.record, decision, derive_facts(event.record))
        self._fields = {
            text: kept.get(field, _STARS)
            for field, text in recorded.items()
            if level.operators.get(field, Operator.DROP) is not Operator.KEEP
        }

    def value(self, value: Any) -> Any:  # noqa: ANN401  what JSON holds
        """A value of the event, masked: that of a message field as the field's operator says, others by what they contain."""
        if isinstance(value, bool):
            return value
        text = value if isinstance(value, str) else json.dumps(value)
        if text in self._fields:
            return self._fields[text]
        left = redact(text, self._event, self._decision, self._level)
        return value if left == text else left
