"""Which random events are such as AWS writes, as far as the prover takes anything for granted of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import NOW

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
    return all(fields.circuit.value(axiom, answers.__getitem__) for axiom in fields.axioms)
