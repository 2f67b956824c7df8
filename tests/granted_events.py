"""Which random events are such as AWS writes, as far as the prover takes anything for granted of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builders import NOW

from engine.lint.fields import FIELD_TYPES
from engine.pipeline.decide import decide
from engine.pipeline.facts import time_of
from engine.prove.records import answers_of, document_of

if TYPE_CHECKING:
    from engine.model import Event, PolicySet
    from engine.prove.fields import Fields


def is_granted(event: Event, fields: Fields, policies: PolicySet) -> bool:
    """Whether an event is one of those that AWS writes, as far as anything is taken for granted of it."""
    verdict = decide(event, policies, NOW).verdict
    seen = document_of(event.record, verdict.actor, verdict.evidence)
    answers = answers_of(fields, seen, time_of(event.record.get("eventTime")) or NOW)
    typed = all(not isinstance(one, int | float | list | dict) or isinstance(one, bool) for one in flags_of(event, fields))
    return typed and all(fields.circuit.value(axiom, answers.__getitem__) for axiom in fields.axioms)


def flags_of(event: Event, fields: Fields) -> list[Any]:
    """The values of the fields at the top of a record that are flags, as the table of fields has them."""
    names = [path[0] for path in fields.texts if len(path) == 1 and "boolean" in FIELD_TYPES.get(path, ())]
    return [event.record.get(name) for name in names]
