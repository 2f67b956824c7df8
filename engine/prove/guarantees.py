"""The guarantees of a policy set: what they say as a literal, and whether a decision breaks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import MatcherError
from engine.model import Kind
from engine.pipeline.decide.reference import in_scope
from engine.pipeline.decide.windows import within
from engine.pipeline.facts.target import record_scope
from engine.policy.compile import expressions, windows
from engine.policy.fact_layout import TARGET
from engine.policy.guarantee_references import WORDS
from engine.prove.circuit import FALSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from engine.model import FactGroups, Location, Matcher, Policy, PolicySet, Record, Verdict, Window
    from engine.policy.matchers import MatcherFactory
    from engine.policy.source import Source, YamlNode
    from engine.prove.circuit import Literal
    from engine.prove.encoding import EncodedSet

RINGS: Final = "rings"
MUTED: Final = "muted"
REACHES: Final = "reaches"
SHOWN_BELOW: Final = "shown_below"
CLASS_KIND: Final = "class_kind"
QUIETER_BY: Final = "quieter_by"


class Statement(NamedTuple):
    """What a guarantee says of an event: one of the kinds above, with the channels, the level or the kind that it names."""

    kind: str
    channels: tuple[str, ...] = ()
    name: str = ""

    def __str__(self) -> str:
        """As it is written, on one line."""
        if self.kind == SHOWN_BELOW:
            return f"{self.kind}: {self.name}" + (f", except: [{', '.join(self.channels)}]" if self.channels else "")
        return self.kind + (f": [{', '.join(self.channels)}]" if self.channels else f": {self.name}" if self.name else "")


class Guarantee(NamedTuple):
    """What always holds, or never does, for the events in a policy's scope that `matcher` is about (None: all), within `during`.

    `unless_silenced`: events from which a silence took a channel are left out.
    """

    id: str
    policy: Policy
    where: Location
    matcher: Matcher | None
    statement: Statement
    always: bool
    during: tuple[Window, ...] = ()
    unless_silenced: bool = False

    @property
    def name(self) -> str:
        """The policy and the id."""
        return f"{self.policy.name}/{self.id}"

    def __str__(self) -> str:
        """What it says, on one line."""
        unless = ", unless silenced" if self.unless_silenced else ""
        when = f", when {' and '.join(self.matcher.expressions)}" if self.matcher is not None else ""
        return f"{WORDS[not self.always]} {self.statement}{unless}{when}"


def guarantees(sources: Sequence[Source], policies: PolicySet, factory: MatcherFactory) -> Iterator[Guarantee]:
    """The guarantees of files that load, in their order, with the set that they make."""
    by_name = {policy.name: policy for policy in policies.policies}
    for source in sources:
        section = source.root.at("guarantees") if source.root is not None else None
        if source.root is not None and section is not None:
            policy = by_name[source.root.value["name"]]
            yield from (_guarantee(node, policy, factory, policies.definitions.lists) for node in section.items())


def _guarantee(node: YamlNode, policy: Policy, factory: MatcherFactory, lists: Mapping[str, frozenset[str]]) -> Guarantee:
    content = node.value
    word = next(word for word in WORDS if word in content)
    return Guarantee(
        id=content["id"],
        policy=policy,
        where=node.children["id"].where,
        matcher=factory.matcher(expressions(content["when"])) if "when" in content else None,
        statement=_statement(content[word]),
        always=word == "always",
        during=windows(content["during"], lists) if "during" in content else (),
        unless_silenced="unless" in content,
    )


def _statement(content: str | Mapping[str, Any]) -> Statement:
    if isinstance(content, str):
        return Statement(content)
    kind = next(name for name in (REACHES, SHOWN_BELOW, CLASS_KIND, QUIETER_BY) if name in content)
    if kind == REACHES:
        return Statement(kind, tuple(content[kind]))
    return Statement(kind, tuple(content.get("except", ())), content[kind])


# --- as literals --------------------------------------------------------------------------------------------------------


def about(guarantee: Guarantee, encoded: EncodedSet) -> Literal:
    """Whether an event is one of those that a guarantee is about."""
    circuit = encoded.fields.circuit
    parts = [
        encoded.looked_at(),
        encoded.in_scope(guarantee.policy),
        encoded.during(guarantee.during),
    ]
    if guarantee.matcher is not None:
        parts.append(encoded.holds(guarantee.matcher.expressions))
    if guarantee.unless_silenced:
        parts.append(-encoded.silenced())
    return circuit.all_of(parts)


def broken(guarantee: Guarantee, encoded: EncodedSet) -> Literal:
    """Whether an event breaks a guarantee."""
    stated = _stated(guarantee.statement, encoded)
    return encoded.fields.circuit.all_of([about(guarantee, encoded), -stated if guarantee.always else stated])


def quieter(guarantee: Guarantee, encoded: EncodedSet, other: EncodedSet) -> Literal:
    """Whether an event that a guarantee is about asks for a channel that it does not ask for with other claims."""
    circuit = encoded.fields.circuit
    lost = (circuit.all_of([encoded.rings(channel), -other.rings(channel)]) for channel in encoded.policies.channels)
    silenced = other.silenced() if guarantee.unless_silenced else FALSE
    return circuit.all_of([about(guarantee, encoded), -silenced, circuit.any_of(lost)])


def _stated(statement: Statement, encoded: EncodedSet) -> Literal:
    circuit = encoded.fields.circuit
    if statement.kind == RINGS:
        return encoded.rings()
    if statement.kind == MUTED:
        return circuit.any_of(encoded.mutes.values())
    if statement.kind == REACHES:
        return circuit.all_of(encoded.rings(channel) for channel in statement.channels)
    if statement.kind == SHOWN_BELOW:
        rank = _rank(statement, encoded.policies)
        others = [channel for channel in encoded.policies.channels if channel not in statement.channels]
        return circuit.any_of(encoded.less_strict(channel, rank) for channel in others)
    return circuit.any_of(entry.literal for entry in encoded.classes if entry.actor.kind is Kind(statement.name))


def _rank(statement: Statement, policies: PolicySet) -> int:
    return next(level.rank for level in policies.levels if level.name == statement.name)


# --- of a decision ------------------------------------------------------------------------------------------------------


def is_about(guarantee: Guarantee, record: Record, facts: FactGroups, time: datetime) -> bool:
    """Whether a guarantee is about an event, silences aside. `facts` are all of them, those of the class included."""
    _, buckets, recipient = record_scope(record, facts[TARGET])
    if not in_scope(guarantee.policy, buckets, recipient) or not _in_hours(guarantee, time):
        return False
    try:
        return guarantee.matcher is None or guarantee.matcher.holds(record, facts)
    except MatcherError:
        return False


def _in_hours(guarantee: Guarantee, time: datetime) -> bool:
    return not guarantee.during or within(guarantee.during, time)


def breaks(guarantee: Guarantee, verdict: Verdict, policies: PolicySet) -> bool:
    """Whether a decision about an event that a guarantee is about breaks it."""
    if guarantee.unless_silenced and verdict.silences:
        return False
    return holds_of(guarantee.statement, verdict, policies) is not guarantee.always


def is_quieter(guarantee: Guarantee, verdict: Verdict, other: Verdict) -> bool:
    """Whether a channel that a decision asks for is missing in the one about the same event with other claims."""
    if guarantee.unless_silenced and (verdict.silences or other.silences):
        return False
    return not _asked(verdict) <= _asked(other)


def _asked(verdict: Verdict) -> frozenset[str]:
    return frozenset(request.channel for request in verdict.requests)


def holds_of(statement: Statement, verdict: Verdict, policies: PolicySet) -> bool:
    """Whether a statement about one event holds of the decision about it."""
    asked = _asked(verdict)
    if statement.kind == RINGS:
        return bool(asked)
    if statement.kind == MUTED:
        return bool(verdict.mutes)
    if statement.kind == REACHES:
        return asked >= set(statement.channels)
    if statement.kind == SHOWN_BELOW:
        rank = _rank(statement, policies)
        return any(request.level.rank < rank for request in verdict.requests if request.channel not in statement.channels)
    return verdict.actor.kind is Kind(statement.name)
