"""How one event is decided, and why: the facts, the evaluated matchers, the decision, the messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from engine.model import Field, MatchResult, Operator
from engine.pipeline.audit import decision_json
from engine.pipeline.booking import PendingNotification
from engine.pipeline.decide import trace
from engine.pipeline.facts import document, facts
from engine.pipeline.mask import mask, redact
from engine.pipeline.posting import compose
from engine.policy.provenance import row_of
from engine.workbench.incidents import Likeness, likeness
from engine.workbench.parts import PartResult, nearly_holds, part_results
from engine.workbench.windows import time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from engine.model import Decision, Event, HashKey, Level, MaskedEvent, Message, PolicySet, TraceEntry
    from engine.pipeline.setting import Setting


@dataclass(frozen=True, slots=True)
class ExplainedRule:
    """A rule that was evaluated, with the result of each part of its matcher; `time`: when it holds, if the event is outside."""

    entry: TraceEntry
    parts: tuple[PartResult, ...]
    time: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one event. `facts` are masked at `level` unless `revealed`.

    `decisive` are the rules that held or failed, `near` those that held but for one part or for the time. `alike`: by channel
    what it hears of together with this event (None: it is told each event).
    """

    decision: Decision
    decisive: tuple[ExplainedRule, ...] = field(repr=False)
    near: tuple[ExplainedRule, ...] = field(repr=False)
    trace: tuple[TraceEntry, ...]
    facts: Mapping[str, Any] = field(repr=False)
    level: Level
    revealed: bool
    masked: Mapping[str, MaskedEvent]
    messages: Mapping[str, Message]
    alike: Mapping[str, Likeness | None]


def explain(event: Event, setting: Setting, now: datetime, *, reveal: bool = False) -> Explanation:
    """Decide one event, keep the result of every matcher, and render its messages without sending them."""
    policies = setting.policies
    decision, entries = trace(event, policies, now)
    level = strictest(decision, policies)
    channels = policies.channels
    seen = document(event.record, facts(event), decision.verdict.actor, decision.verdict.evidence)
    rules = [
        ExplainedRule(entry, part_results(entry.expressions, seen, policies), time_text(entry, policies)) for entry in entries
    ]
    decisive = (MatchResult.HELD, MatchResult.FAILED)
    pending = {request.channel: PendingNotification(0, event, decision, request) for request in decision.verdict.requests}
    masked = {name: mask(event, decision, entry.request.level, setting.key) for name, entry in pending.items()}
    return Explanation(
        decision=decision,
        decisive=tuple(rule for rule in rules if rule.entry.answer in decisive),
        near=tuple(rule for rule in rules if rule.entry.answer not in decisive and _is_near(rule)),
        trace=entries,
        facts=_facts(event, decision) if reveal else _masked_facts(event, decision, level, setting.key),
        level=level,
        revealed=reveal,
        masked=masked,
        messages={name: compose(channels[name], [entry], setting)[0] for name, entry in pending.items()},
        alike={
            name: likeness(channels[name], masked[name], entry.request, decision.verdict.actor.kind)
            for name, entry in pending.items()
        },
    )


def _is_near(rule: ExplainedRule) -> bool:
    holds = all(part.holds for part in rule.parts)
    return holds if rule.entry.answer is MatchResult.OUT_OF_TIME else nearly_holds(rule.parts)


_PROVENANCE_ORDER: Final = ("who", "who, else how", "who, else claimed", "how", "how, else claimed", "claimed", "what")


def facts_by_provenance(facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The facts that an event has, flat, by who vouches for them (`engine.policy.provenance`)."""
    grouped: dict[str, dict[str, Any]] = {words: {} for words in _PROVENANCE_ORDER}
    for path, value in _flat(facts, ()):
        if value is not None:
            grouped.setdefault(row_of(path).words, {})[".".join(path)] = value
    return {words: group for words, group in grouped.items() if group}


def _flat(facts: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(facts, dict):
        for name, inner in facts.items():
            yield from _flat(inner, (*path, name))
    else:
        yield path, facts


def value_at(facts: Mapping[str, Any], path: tuple[str, ...] | None) -> Any:  # noqa: ANN401  a fact may be anything
    """The value of a fact; None for what is no fact, so that nothing of the record is shown past the masking."""
    value: Any = facts
    for name in path or ("",):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def strictest(decision: Decision, policies: PolicySet) -> Level:
    """The strictest level among the channels, or the default's level if no channel is notified."""
    levels = [request.level for request in decision.verdict.requests] or [policies.default.level]
    return max(levels, key=lambda level: level.rank)


def _facts(event: Event, decision: Decision) -> dict[str, Any]:
    """Return the facts as matchers see them, nested by their names in the policy language."""
    seen = document({}, facts(event), decision.verdict.actor, decision.verdict.evidence)
    return dict(seen)


def _masked_facts(event: Event, decision: Decision, level: Level, key: HashKey | None) -> dict[str, Any]:
    """The facts as the level leaves them; null where it drops one. What is not an event's own text stays."""
    unmasked, values = _facts(event, decision), mask(event, decision, level, key).values
    keeps_copy = level.operators.get(Field.COPY_SOURCE) is Operator.KEEP

    def redacted(text: str | None) -> str | None:
        return None if text is None else redact(text, event, decision, level)

    return {
        **unmasked,
        "bucket": values.get(Field.BUCKET),
        "key": values.get(Field.KEY),
        "copy": {part: redacted(text) if keeps_copy else None for part, text in unmasked["copy"].items()},
        "actor": {
            **unmasked["actor"],
            "type": values.get(Field.ACTOR_TYPE),
            "name": values.get(Field.NAME),
            "role": values.get(Field.ROLE),
            "session": values.get(Field.SESSION),
            "account": values.get(Field.ACCOUNT),
            "service": redacted(unmasked["actor"]["service"]),
        },
        "source": {**unmasked["source"], "ip": values.get(Field.SOURCE_IP) if unmasked["source"]["ip"] else None},
    }


def as_json(explanation: Explanation) -> dict[str, Any]:
    """`{facts, trace, decision, messages: {channel: payload}, alike: {channel: what it hears of together}}`."""
    return {
        "facts": explanation.facts,
        "trace": [_entry_json(entry) for entry in explanation.trace],
        "decision": decision_json(explanation.decision),
        "messages": {name: message.payload for name, message in explanation.messages.items()},
        "alike": {name: None if alike is None else alike.json() for name, alike in explanation.alike.items()},
    }


def _entry_json(entry: TraceEntry) -> dict[str, Any]:
    return {
        "kind": entry.kind.value,
        "policy": entry.policy,
        "id": entry.id,
        "when": list(entry.expressions),
        "answer": entry.answer.value,
        **({"reason": entry.reason} if entry.reason else {}),
    }
