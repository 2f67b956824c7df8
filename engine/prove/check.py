"""Every guarantee of a policy set, answered."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from engine.matching.checks import Trees
from engine.model import Event, repr_only
from engine.pipeline.decide import decide
from engine.pipeline.facts import class_facts, derive_facts, time_of
from engine.pipeline.select import passed_over
from engine.policy.bases import effective
from engine.policy.definitions import definitions
from engine.policy.matchers import from_source
from engine.prove.axioms import axioms_of
from engine.prove.circuit import Circuit
from engine.prove.claims import OtherClaims, differ_in_claims_alone
from engine.prove.encoding import EncodedSet
from engine.prove.fields import Fields
from engine.prove.guarantees import QUIETER_BY, Guarantee, about, breaks, broken, guarantees, is_about, is_quieter, quieter
from engine.prove.paths import CLAIMS
from engine.prove.prover import Prover, Unknown, Witness
from engine.prove.records import document_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from engine.model import Document, PolicySet, Record, Verdict
    from engine.policy.source import Source


@repr_only("guarantee", "result", "why", "empty")
class Answered(NamedTuple):
    """A guarantee and its result: `proved`, `broken` by the `witness`, or `unknown` for the reasons `why`.

    `empty`: it is proved because no event is one that it is about.
    """

    guarantee: Guarantee
    result: str
    witness: Witness | None = None
    why: tuple[str, ...] = ()
    empty: bool = False


class Proof:
    """A set that loads as a formula, and what asks about it. `sources` are its files and those of its base.

    Raises `ModuleNotFoundError` where python-sat is not installed.
    """

    def __init__(self, sources: Sequence[Source], policies: PolicySet) -> None:
        files = [source for source in effective(sources) if source.root is not None]
        trees = Trees(definitions(source.root.value for source in files if source.root is not None))
        self.guarantees = list(guarantees(files, policies, from_source(trees)))
        fields = Fields(Circuit(), axioms_of)
        self.trees = trees
        self.encoded = EncodedSet(policies, fields, trees)
        self.prover = Prover(fields)
        self._trees = trees

    @cached_property
    def claiming(self) -> EncodedSet:
        """The set as a formula about the same events with other claims."""
        return EncodedSet(self.encoded.policies, OtherClaims(self.encoded.fields), self._trees)

    def answers(self) -> Iterator[Answered]:
        """The guarantees in the order of the files, each with its answer."""
        for guarantee in self.guarantees:
            if guarantee.statement.kind == QUIETER_BY:
                yield answer_about_claims(guarantee, self.encoded, self.claiming, self.prover)
            else:
                yield answer_of(guarantee, self.encoded, self.prover)


def prove(sources: Sequence[Source], policies: PolicySet) -> Iterator[Answered]:
    """The guarantees of a set that loads, in the order of its files, each with its answer."""
    yield from Proof(sources, policies).answers()


def answer_of(guarantee: Guarantee, encoded: EncodedSet, prover: Prover) -> Answered:
    """The answer about one guarantee. `encoded` and `prover` are of one circuit."""
    policies = encoded.policies

    def confirm(record: Record, time: datetime) -> Document | None:
        verdict, seen, meant = decided(guarantee, record, time, policies)
        return None if meant and breaks(guarantee, verdict, policies) else seen

    return _answered(guarantee, prover.witness(broken(guarantee, encoded), confirm), encoded, prover)


def answer_about_claims(guarantee: Guarantee, encoded: EncodedSet, claiming: EncodedSet, prover: Prover) -> Answered:
    """The answer about a guarantee that claims make nothing quieter. `claiming` encodes the events with other claims."""
    policies = encoded.policies

    def confirm(record: Record, other: Record, time: datetime) -> Document | None:
        verdict, seen, meant = decided(guarantee, record, time, policies)
        quieter_verdict, seen_of_other, _ = decided(guarantee, other, time, policies)
        shown = meant and is_quieter(guarantee, verdict, quieter_verdict) and differ_in_claims_alone(record, other)
        return None if shown else {**seen, CLAIMS: seen_of_other}

    found = prover.pair(quieter(guarantee, encoded, claiming), confirm)
    return _answered(guarantee, found, encoded, prover)


def _answered(guarantee: Guarantee, found: Witness | Unknown | None, encoded: EncodedSet, prover: Prover) -> Answered:
    policies = encoded.policies
    if isinstance(found, Witness):
        return Answered(guarantee, "broken", found)
    if isinstance(found, Unknown):
        return Answered(guarantee, "unknown", why=found.why)

    def is_meant(record: Record, time: datetime) -> Document | None:
        verdict, seen, meant = decided(guarantee, record, time, policies)
        return None if meant and not (guarantee.unless_silenced and verdict.silences) else seen

    return Answered(guarantee, "proved", empty=prover.witness(about(guarantee, encoded), is_meant) is None)


def decided(guarantee: Guarantee, record: Record, time: datetime, policies: PolicySet) -> tuple[Verdict, Document, bool]:
    """The verdict about a record, what matchers see of it, and whether a guarantee is about it, silences aside."""
    event = Event(record, "")
    verdict = decide(event, policies, time).verdict
    facts = (*derive_facts(record), class_facts(verdict.actor, verdict.evidence))
    own_time = time_of(record.get("eventTime")) or time
    meant = passed_over(event, policies.selection) is None and is_about(guarantee, record, facts, own_time)
    return verdict, document_of(record, verdict.actor, verdict.evidence), meant
