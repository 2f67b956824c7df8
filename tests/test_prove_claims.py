"""Guarantees that no claim makes anything quieter: proved of every two events, or broken by two about which `decide` agrees."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from builders import DEFINITIONS, NOW, ROOT, actor, base_files, matcher, policy, policy_set, route
from click.testing import CliRunner
from granted_events import is_granted
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st
from strategies import events, expressions, levelled_sets

from engine.cli import trailbell
from engine.matching.checks import Trees
from engine.model import Event, Location, Strength
from engine.pipeline.decide import decide
from engine.pipeline.facts import time_of
from engine.policy.load import check
from engine.policy.source import parse_source
from engine.prove.axioms import axioms_of
from engine.prove.check import Answered, answer_about_claims, decided, prove
from engine.prove.circuit import Circuit
from engine.prove.claims import OtherClaims, claimed_paths, differ_in_claims_alone
from engine.prove.encoding import EncodedSet
from engine.prove.fields import Fields
from engine.prove.guarantees import QUIETER_BY, Guarantee, Statement, about, is_quieter
from engine.prove.paths import CLAIMS
from engine.prove.prover import Prover
from engine.prove.records import answers_of

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model import PolicySet

SET = """
version: 1
name: team
owner: team
buckets: ["payments-*"]
channels: [{name: security, webhook: {env: SLACK_WEBHOOK_SECURITY}}, {name: owners, webhook: {env: SLACK_WEBHOOK_OWNERS}}]
routes:
  - {id: r0, WHEN}
  - {id: rest, notify: [security]}
guarantees:
  - {id: g, when: "glob(bucket, 'payments-*') && actor.kind == 'person' && access.kind == 'read'", never: {quieter_by: claimed}}
"""


STATEMENT = "never: {quieter_by: claimed}"


def answered(route: str, more: str = "", statement: str = STATEMENT) -> tuple[Answered, PolicySet]:
    """The answer about the guarantee of a set of the shipped base and a team's file with this route before the last."""
    text = SET.replace("WHEN", route).replace(STATEMENT, statement) + more
    sources = [*base_files(), parse_source(text.encode(), "team.yaml")]
    policies, findings = check(sources)
    assert policies is not None, findings
    (answer,) = (answer for answer in prove(sources, policies) if answer.guarantee.name == "team/g")
    return answer, policies


# --- what is shown --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "route",
    [
        "when: actor.role == 'payments-nightly', mute: a job",
        "when: \"glob(userIdentity.arn, 'arn:aws:sts::111122223333:assumed-role/payments-nightly/*')\", mute: a job",
        "when: userIdentity.type == 'IAMUser' && userIdentity.userName == 'backup', mute: a job",
        "when: access.kind == 'list', notify: [owners]",
    ],
)
def test_where_a_test_of_what_aws_wrote_decides_it_is_proved(route: str) -> None:
    answer, _ = answered(route)
    assert (answer.result, answer.why, answer.empty) == ("proved", (), False)


FAULTS = {
    "the session": ("when: actor.session == 'nightly', notify: [owners]", {"userIdentity.principalId", "userIdentity.arn"}),
    "the session in an ARN": (
        "when: \"glob(userIdentity.arn, '*/nightly')\", notify: [owners]",
        {"userIdentity.principalId", "userIdentity.arn"},
    ),
    "the user agent": ("when: \"regex(userAgent, 'Boto3')\", notify: [owners]", {"userAgent"}),
    "a header": ("when: requestParameters.Host == 'intranet', notify: [owners]", {"requestParameters.Host"}),
    "the source identity": (
        "when: userIdentity.sessionContext.sourceIdentity == 'ops', notify: [owners]",
        {"userIdentity.sessionContext.sourceIdentity"},
    ),
    "a private address": ("when: \"cidr(source.ip, '10.0.0.0/8')\", notify: [owners]", {"sourceIPAddress"}),
    "a name that a provider gives": (
        "when: userIdentity.type == 'SAMLUser' && userIdentity.userName == 'ops', notify: [owners]",
        {"userIdentity.userName"},
    ),
}


@pytest.mark.parametrize("claim", FAULTS)
def test_where_a_claim_takes_a_channel_away_two_events_show_it(claim: str) -> None:
    route, paths = FAULTS[claim]
    answer, policies = answered(route)
    assert answer.result == "broken", answer.why
    witness = answer.witness
    assert witness is not None
    assert witness.other is not None
    assert set(claimed_paths(witness.record, witness.other)) == paths
    asked = [
        {request.channel for request in decide(Event(one, ""), policies, NOW).verdict.requests}
        for one in (witness.record, witness.other)
    ]
    assert asked[0] - asked[1]


def test_a_channel_that_a_silence_takes_away_may_be_left_out() -> None:
    silence = "silences: [{id: s, when: actor.session == 'x', until: 2027-01-31T00:00:00Z, reason: work, everyone: true}]\n"
    route = "when: access.kind == 'list', notify: [owners]"
    assert answered(route, silence)[0].result == "broken"
    left_out = "never: {quieter_by: claimed}, unless: [silenced]"
    assert answered(route, silence, left_out)[0].result == "proved"


def test_prove_shows_both_events_and_writes_both_as_policy_tests(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    for source in sorted((ROOT / "examples/tour/policies").iterdir()):
        (policies / source.name).write_text(source.read_text("utf-8"), "utf-8")
    guarantee = "guarantees: [{id: jobs, when: \"bucket == 'payments-prod'\", never: {quieter_by: claimed}}]\n"
    (policies / "jobs.yaml").write_text(f"version: 1\nname: jobs\nowner: payments\n{guarantee}", "utf-8")
    tests = tmp_path / "broken.yaml"
    done = CliRunner().invoke(trailbell, ["prove", "--policies", str(policies), "--out", str(tests)])
    assert done.exit_code == 1
    assert "✗ broken  jobs/jobs: never quieter_by: claimed, when bucket == 'payments-prod'" in done.stdout
    assert "with other claims of its caller (userIdentity.principalId, userIdentity.arn):" in done.stdout
    written = yaml.safe_load(tests.read_text("utf-8"))["tests"]
    assert [case["name"] for case in written] == ["breaks jobs/jobs", "breaks jobs/jobs, with other claims"]
    ran = CliRunner().invoke(trailbell, ["test", str(tests), "--policies", str(policies)])
    assert "2 of 2 passed" in ran.stdout


def test_always_quieter_by_a_claim_is_no_guarantee() -> None:
    text = SET.replace("WHEN", "notify: [owners]").replace("never:", "always:")
    _, findings = check([*base_files(), parse_source(text.encode(), "team.yaml")])
    assert [(finding.code, finding.what) for finding in findings] == [("TB318", "nothing is always quieter by a claim")]


# --- the law --------------------------------------------------------------------------------------------------------------


TEXTS = st.sampled_from(["", "a", "ab", "prod"])
ATOMS = st.one_of(
    st.builds(
        "{} == '{}'".format,
        st.sampled_from(["actor.session", "actor.name", "userAgent", "odd", "odd.inner", "requestParameters.Host"]),
        TEXTS,
    ),
    st.builds("glob({}, '*{}')".format, st.sampled_from(["userIdentity.arn", "userIdentity.principalId", "userAgent"]), TEXTS),
    st.sampled_from(
        [
            *("source.private", "cidr(source.ip, '10.0.0.0/8')", "sourceIPAddress == '203.0.113.7'", "actor.class == 'robot'"),
            *("actor.kind == 'person'", "bucket == 'payments-prod'", "userAgent == odd", "contains(keys(@), 'odd')"),
            *("glob(userIdentity.arn, 'arn:aws:sts::111122223333:assumed-role/*')", "userAgent", "length(odd) > `1`"),
            *("glob(userIdentity.arn, 'arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Analyst_0123456789abcdef/a*')",),
            *("glob(userIdentity.principalId, 'AROAEXAMPLEEXAMPLEEXA:*')", "actor.strength == 'claimed'"),
        ]
    ),
)
WHENS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{} && {}".format, inner, inner), st.builds("({} || {})".format, inner, inner), st.builds("!({})".format, inner)
    ),
    max_leaves=3,
)


@st.composite
def claiming_sets(draw: st.DrawFn) -> Any:
    """Sets whose rules ask for claims."""
    channels = st.sampled_from(["watch", "security", "ops"])
    mutes = st.just({"mute": "a job"})
    acts = mutes | st.builds(lambda name, continues: {"notify": (name,), "continues": continues}, channels, st.booleans())
    routes = [route(f"r{number}", draw(WHENS), **draw(acts)) for number in range(draw(st.integers(1, 4)))]
    robot = actor("robot", draw(WHENS), strength=draw(st.sampled_from(Strength)), never_mute=draw(st.booleans()))
    return policy_set(policy("p0", *routes), actors=(robot,) if draw(st.booleans()) else ())


CLAIMED = st.fixed_dictionaries(
    {"odd": TEXTS | st.none() | st.just({"inner": "ab"}), "userAgent": TEXTS | st.none(), "session": TEXTS.filter(bool)},
    optional={"sourceIPAddress": st.sampled_from(["10.0.0.7", "192.168.0.1"]), "Host": TEXTS},
)


def claiming(event: Event, claims: dict[str, Any]) -> Event:
    """The same event, of which the caller claims otherwise."""
    other = deepcopy(dict(event.record))
    other |= {name: claims[name] for name in ("odd", "userAgent", "sourceIPAddress") if name in claims}
    identity = other.get("userIdentity", {})
    for name, separator in (("arn", "/"), ("principalId", ":")):
        if identity.get("type") == "AssumedRole" and separator in str(identity.get(name)):
            identity[name] = f"{identity[name].rpartition(separator)[0]}{separator}{claims['session']}"
    if "Host" in claims and isinstance(other.get("requestParameters"), dict):
        other["requestParameters"]["Host"] = claims["Host"]
    return Event(other, "")


@given(levelled_sets() | claiming_sets(), expressions | WHENS, st.lists(st.tuples(events, CLAIMED), min_size=6, max_size=6))
def test_no_two_events_break_what_is_proved_and_the_two_that_are_shown_break_it(
    policies: Any, when: str, pairs: list[tuple[Event, dict[str, Any]]]
) -> None:
    single, fields = Fields(Circuit(), axioms_of), Fields(Circuit(), axioms_of)
    encoded = EncodedSet(policies, fields, Trees(DEFINITIONS))
    second = EncodedSet(policies, OtherClaims(fields), Trees(DEFINITIONS))
    guarantee = Guarantee(
        "g", policies.policies[0], Location("p.yaml", 1, 1), matcher(when), Statement(QUIETER_BY, (), "claimed"), always=False
    )
    about(guarantee, EncodedSet(policies, single, Trees(DEFINITIONS)))
    answer = answer_about_claims(guarantee, encoded, second, Prover(fields))
    note(answer.result)
    if answer.witness is not None:
        one, other = answer.witness.record, answer.witness.other
        assert other is not None
        assert differ_in_claims_alone(one, other)
        verdicts = [decided(guarantee, each, NOW, policies) for each in (one, other)]
        assert verdicts[0][2]
        assert is_quieter(guarantee, verdicts[0][0], verdicts[1][0])
    for event, claims in pairs:
        other_event = claiming(event, claims)
        if not all(is_granted(each, single, policies) for each in (event, other_event)):
            continue
        if not differ_in_claims_alone(event.record, other_event.record):
            continue
        note("a pair")
        verdict, seen, meant = decided(guarantee, event.record, NOW, policies)
        other_verdict, seen_of_other, _ = decided(guarantee, other_event.record, NOW, policies)
        time = time_of(event.record.get("eventTime")) or NOW
        answers = answers_of(fields, {**seen, CLAIMS: seen_of_other}, time)
        value = lambda literal: fields.circuit.value(literal, answers.__getitem__)  # noqa: E731, B023
        assert all(map(value, fields.axioms))
        for channel in policies.channels:
            assert value(second.rings(channel)) is (channel in {request.channel for request in other_verdict.requests})
        assert not (answer.result == "proved" and meant and is_quieter(guarantee, verdict, other_verdict)), answer
