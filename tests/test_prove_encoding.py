"""A policy set as a circuit says of an event what `decide` says of it, and what it takes for granted holds of real events."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from builders import DEFINITIONS, NOW, ROOT, SHIPPED
from expressions import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from payload_files import rows
from strategies import events, levelled_sets

from engine.matching.checks import Trees
from engine.model import Event
from engine.pipeline.decide import decide
from engine.pipeline.decide.reference import in_scope
from engine.pipeline.decode import decode_stream
from engine.pipeline.facts import derive_facts, time_of
from engine.pipeline.facts.target import record_scope
from engine.pipeline.select import passed_over
from engine.policy.load import load, read_set, trees_of
from engine.prove.axioms import axioms_of
from engine.prove.circuit import Circuit
from engine.prove.encoding import EncodedSet
from engine.prove.fields import Fields
from engine.prove.paths import ACCOUNT, BUCKET_NAME, COPY_SOURCE, NAME, REQUEST_KEY, ROLE, SESSION
from engine.prove.records import answers_of, document_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engine.model import PolicySet
    from engine.prove.circuit import Literal


TIED = (ACCOUNT, BUCKET_NAME, COPY_SOURCE, NAME, REQUEST_KEY, ROLE, SESSION)
"""Fields and facts of which something is taken for granted."""


class Compared:
    """What a circuit says of an event, and what `decide` does, in one form."""

    def __init__(self, policies: PolicySet, trees: Trees) -> None:
        self.policies = policies
        self.fields = Fields(Circuit(), axioms_of)
        self.encoded = EncodedSet(policies, self.fields, trees)
        self.looked_at = self.encoded.looked_at()

    def literals(self, event: Event) -> Callable[[Literal], bool]:
        """The value of each literal for an event."""
        verdict = decide(event, self.policies, NOW).verdict
        seen = document_of(event.record, verdict.actor, verdict.evidence)
        answers = answers_of(self.fields, seen, time_of(event.record.get("eventTime")) or NOW)
        return lambda literal: self.fields.circuit.value(literal, answers.__getitem__)

    def said(self, event: Event) -> dict[str, Any]:
        """What the circuit says."""
        one, levels, of = self.encoded, self.policies.levels, self.literals(event)
        channels = self.policies.channels
        return {
            "scopes": {name for name, literal in one.scopes.items() if of(literal)},
            "classes": [(entry.actor.name, entry.evidence) for entry in one.classes if of(entry.literal)],
            "mutes": {name for name, literal in one.mutes.items() if of(literal)},
            "silences": {name for name, reached in one.silences.items() if of(reached.acts)},
            "routes": {name for name, reached in one.routes.items() if of(reached.acts)},
            "defaulted": of(one.defaulted),
            "rings": of(one.rings()),
            "asked": {channel for channel in channels if of(one.rings(channel))},
            "below": {
                (channel, level.rank) for channel in channels for level in levels if of(one.less_strict(channel, level.rank))
            },
            "looked at": of(self.looked_at),
        }

    def decided(self, event: Event) -> dict[str, Any]:
        """What `decide` says."""
        verdict, levels = decide(event, self.policies, NOW).verdict, self.policies.levels
        _, buckets, recipient = record_scope(event.record, derive_facts(event.record)[0])
        return {
            "scopes": {policy.name for policy in self.policies.policies if in_scope(policy, buckets, recipient)},
            "classes": [(verdict.actor.name, verdict.evidence)],
            "mutes": {(mute.policy, mute.id) for mute in verdict.mutes},
            "silences": {(silence.policy, silence.id) for silence in verdict.silences},
            "routes": {
                *(tuple(name.split("/")) for name in verdict.routes),
                *(
                    (rule.policy, rule.id)
                    for rule in (*verdict.mutes, *verdict.void)
                    if (rule.policy, rule.id) in self.encoded.routes
                ),
            },
            "defaulted": verdict.defaulted,
            "rings": bool(verdict.requests),
            "asked": {request.channel for request in verdict.requests},
            "below": {(one.channel, level.rank) for one in verdict.requests for level in levels if one.level.rank < level.rank},
            "looked at": passed_over(event, self.policies.selection) is None,
        }


@pytest.fixture(scope="module")
def shipped() -> Compared:
    sources = read_set(SHIPPED)
    return Compared(load(SHIPPED), trees_of(sources))


@given(levelled_sets(), st.lists(events, min_size=8, max_size=8))
@settings(max_examples=EXAMPLES)
def test_the_circuit_says_of_random_sets_what_decide_says(policies: PolicySet, some: list[Event]) -> None:
    compared = Compared(policies, Trees(DEFINITIONS))
    for event in (*some, *mixed(some)):
        assert compared.said(event) == compared.decided(event)


def mixed(some: list[Event]) -> Iterator[Event]:
    """Events with what some ask for, and the rest of others: in CI more than 10,000 with those that were drawn."""
    asked = ("requestParameters", "resources", "eventTime", "recipientAccountId")
    for place, one in enumerate(some):
        for other in (some[place - 1], some[place - 3]):
            yield Event({**one.record, **{name: other.record[name] for name in asked if name in other.record}}, "test")


def test_the_circuit_says_of_the_shipped_set_what_decide_says(shipped: Compared) -> None:
    for path in sorted((ROOT / "tests/events").glob("*.json")):
        event = Event(json.loads(path.read_text(encoding="utf-8")), "")
        assert shipped.said(event) == shipped.decided(event), path.name


def test_what_is_taken_for_granted_holds_of_the_sample_events(shipped: Compared) -> None:
    for path in TIED:
        shipped.fields.text(path)
    shipped.fields.crossing()
    assert len(shipped.fields.axioms) > 40
    for path in sorted((ROOT / "tests/events").glob("*.json")):
        of = shipped.literals(Event(json.loads(path.read_text(encoding="utf-8")), ""))
        assert all(map(of, shipped.fields.axioms)), path.name


def test_what_is_taken_for_granted_holds_of_real_events(corpus: Path, shipped: Compared) -> None:
    for path in TIED:
        shipped.fields.text(path)
    wrong, looked = Counter[str](), 0
    for row in rows(corpus / "MANIFEST.tsv"):
        with (corpus / row["file"]).open("rb") as stream:
            for event in decode_stream(stream, row["file"]):
                if isinstance(event, Event) and not is_edited(event.record):
                    of = shipped.literals(event)
                    wrong.update(str(axiom) for axiom in shipped.fields.axioms if not of(axiom))
                    looked += 1
    assert looked > 3_000
    assert wrong.total() < looked / 500, "a few published records are made up: an IAM user with a role's ARN"


def is_edited(record: Any) -> bool:
    """Whether somebody changed the caller before the record was published: AWS writes no such accounts and ARNs."""
    identity = record.get("userIdentity") or {}
    account, arn, of_role = (str(identity.get(name)) for name in ("accountId", "arn", "type"))
    owned = of_role in ("AssumedRole", "Root", "IAMUser")
    issuer = str(((identity.get("sessionContext") or {}).get("sessionIssuer") or {}).get("arn"))
    if account == "-" or ("/aws-reserved/sso.amazonaws.com/" in issuer and "/AWSReservedSSO_" not in issuer):
        return True
    return (owned and not re.fullmatch("[0-9]{12}", account)) or (
        of_role == "AssumedRole" and not re.fullmatch("arn:[a-z-]+:sts::[0-9]{12}:assumed-role/[^/]+/[^/]+", arn)
    )
