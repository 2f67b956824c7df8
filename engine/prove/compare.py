"""Whether two policy sets decide alike about every event."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.errors import MatcherError
from engine.matching.checks import Trees
from engine.model import SEVERITY_RANK, Event
from engine.pipeline.decide import decide
from engine.pipeline.facts import class_facts, derive_facts
from engine.pipeline.select import passed_over
from engine.policy.matchers import from_source
from engine.prove.axioms import axioms_of
from engine.prove.circuit import FALSE, Circuit
from engine.prove.encoding import EncodedSet
from engine.prove.fields import Fields
from engine.prove.prover import Prover
from engine.prove.records import document_of

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model import Document, FactGroups, Level, Matcher, PolicySet, Record, Severity
    from engine.prove.circuit import Literal
    from engine.prove.prover import Unknown, Witness


class Heard(NamedTuple):
    """What a channel hears of an event: at which masking level, and how severe it is."""

    channel: str
    level: str
    severity: Severity


def heard(record: Record, policies: PolicySet, time: datetime) -> frozenset[Heard] | None:
    """Who hears what of an event; None where it is passed over."""
    event = Event(record, "")
    if passed_over(event, policies.selection) is not None:
        return None
    requests = decide(event, policies, time).verdict.requests
    return frozenset(Heard(request.channel, _level_text(request.level), request.severity) for request in requests)


def difference(new: PolicySet, old: PolicySet, exempt: str | None = None) -> Witness | Unknown | None:
    """An event of which the sets tell other channels, or otherwise; None where there is none; or why that is not known.

    `exempt`: an expression; what the new set decides about events for which it holds may differ. Raises `ExpressionError`.
    """
    trees = Trees(new.definitions)
    matcher = from_source(trees).matcher((exempt,)) if exempt is not None else None
    fields = Fields(Circuit(), axioms_of)
    sets = EncodedSet(new, fields, trees), EncodedSet(old, fields, Trees(old.definitions))
    exempted = sets[0].holds(matcher.expressions) if matcher is not None else FALSE

    def confirm(record: Record, time: datetime) -> Document | None:
        verdict = decide(Event(record, ""), new, time).verdict
        seen = document_of(record, verdict.actor, verdict.evidence)
        facts = (*derive_facts(record), class_facts(verdict.actor, verdict.evidence))
        differs = heard(record, new, time) != heard(record, old, time)
        return None if differs and not (matcher is not None and _holds(matcher, record, facts)) else seen

    return Prover(fields).witness(fields.circuit.all_of([_differ(*sets), -exempted]), confirm)


def _holds(matcher: Matcher, record: Record, facts: FactGroups) -> bool:
    try:
        return matcher.holds(record, facts)
    except MatcherError:
        return False


def _differ(one: EncodedSet, other: EncodedSet) -> Literal:
    """Whether two sets tell other channels of an event, or otherwise."""
    circuit = one.fields.circuit
    looks = one.looked_at(), other.looked_at()
    answers = (_answers(one), _answers(other))
    keys = sorted({*answers[0], *answers[1]})
    differing = [-circuit.same(answers[0].get(key, FALSE), answers[1].get(key, FALSE)) for key in keys]
    return circuit.any_of([-circuit.same(*looks), circuit.all_of([looks[0], circuit.any_of(differing)])])


def _answers(one: EncodedSet) -> dict[tuple[str, str], Literal]:
    """When each channel is told, when at each masking level, and when at least as severely as each severity."""
    found: dict[tuple[str, str], Literal] = {}
    for channel in one.policies.channels:
        found[channel, ""] = one.rings(channel)
        for level in one.policies.levels:
            shown = [one.less_strict(channel, level.rank + 1), -one.less_strict(channel, level.rank)]
            found[channel, _level_text(level)] = one.fields.circuit.all_of(shown)
        for severity in SEVERITY_RANK:
            found[channel, severity.value] = one.at_least(channel, severity)
    return found


def _level_text(level: Level) -> str:
    """A masking level by its name and what it says of each field: two sets may call different ones alike."""
    operators = sorted((field.value, operator.value) for field, operator in level.operators.items())
    return f"{level.name} {operators} {sorted(level.account_names.items())}"
