"""No claim makes anything quieter: a law over random sets of classes, mutes and silences, and over whoever calls.

A mute or silence that loads without `everyone: true` holds only for callers that a test of a pinning field names. So it never
holds for somebody who has none of the identities that the rules name, whatever they choose to claim; and where it holds after
every claimed value was replaced, the same tests held before.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import yaml
from builders import NOW, record
from hypothesis import given
from hypothesis import strategies as st

from engine.lint.registry import BASE
from engine.matching.checks import Trees
from engine.matching.formula import evaluate
from engine.model import Event, Finding, PolicySet
from engine.pipeline.decide import decide
from engine.pipeline.facts import document, facts
from engine.policy.definitions import definitions
from engine.policy.load import check
from engine.policy.pins import branch_pins, spelled_out
from engine.policy.provenance import row_of
from engine.policy.quieter import QuieterRules
from engine.policy.source import parse_source

HEX = "0123456789abcdef0123456789abcdef"
SESSIONS = ("nightly", "payments-nightly", HEX, "ann@example.com", "backup-agent", "i-0123456789abcdef0")
AGENTS = ("Boto3/1.34", "[aws-cli/2.15.0]", "Mozilla/5.0", "exec-env/AWS_ECS_FARGATE")

LISTS = {"jobs": ["payments-nightly", "etl"], "sessions": list(SESSIONS)}
CONDITIONS = {
    "of-jobs": ["in_list(actor.role, 'jobs')", "access.kind == 'read'"],
    "claims-a-job": "in_list(actor.session, 'sessions') || regex(userAgent, 'Boto3')",
    "either": "holds('of-jobs') || holds('claims-a-job')",
}

PINS = st.sampled_from(
    [
        "in_list(actor.role, 'jobs')",
        "holds('of-jobs')",
        "actor.role == 'payments-nightly'",
        "contains(['payments-nightly', 'etl'], actor.role)",
        "glob(actor.role, 'payments-*')",
        "regex(actor.role, '^(payments|etl)-')",
        "userIdentity.type == 'IAMUser' && actor.name == 'backup-agent'",
        "actor.type == 'Root'",
        "userIdentity.accessKeyId == 'AKIAIOSFODNN7BACKUP0'",
        "glob(userIdentity.arn, 'arn:aws:sts::111122223333:assumed-role/payments-nightly/*')",
        "glob(userIdentity.principalId, 'AROAEXAMPLENIGHTLY00:*')",
        "userIdentity.type == 'AWSService' && actor.service == 'config.amazonaws.com'",
        "actor.account == '444455556666' && actor.cross_account",
        "regex(userIdentity.inScopeOf.issuerType, '^AWS::ECS::')",
    ]
)
CLAIMS = st.sampled_from(
    [
        *(f"actor.session == '{session}'" for session in SESSIONS),
        "regex(actor.session, '^[0-9a-f]{32}$')",
        "in_list(actor.session, 'sessions')",
        "holds('claims-a-job')",
        "holds('either')",
        "in_list(userIdentity.sessionContext.sourceIdentity, 'jobs')",
        "regex(userAgent, 'Boto3|aws-cli|Mozilla')",
        "regex(userIdentity.arn, 'nightly')",
        "actor.name == 'backup-agent'",
        "glob(userIdentity.principalId, '*nightly*')",
        "(actor.role || actor.session) == 'payments-nightly'",
        "cidr(source.ip, '10.0.0.0/8')",
        "source.private",
    ]
)
OTHERS = st.sampled_from(
    [
        "access.kind == 'read'",
        "bucket == 'payments-prod'",
        "userIdentity.type == 'AssumedRole'",
        "glob(actor.role, '*')",
        "cidr(source.ip, '203.0.113.0/24')",
        "userIdentity.type == 'IAMUser'",
        "actor.account == '111122223333'",
        "!(actor.cross_account)",
        "errorCode == `null`",
        "glob(actor.role, 'AWSReservedSSO_*')",
        "`true`",
    ]
)
CLASSES = st.sampled_from(
    [
        *(f"actor.class == '{name}'" for name in ("one", "two", "unknown")),
        *(f"actor.kind == '{kind}'" for kind in ("robot", "person", "unknown")),
        *(f"actor.evidence == '{name}-{number}'" for name in ("one", "two") for number in (0, 1)),
        "actor.strength == 'attested'",
        "contains(['one', 'two'], actor.class)",
        "actor.class != 'unknown'",
    ]
)
LEAVES = st.one_of(PINS, PINS, CLAIMS, OTHERS)


def joined(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds("({} && {})".format, inner, inner),
            st.builds("({} || {})".format, inner, inner),
            st.builds("!({})".format, inner),
        ),
        max_leaves=5,
    )


WHENS = st.one_of(
    CLASSES.map(lambda expression: [expression]),
    st.lists(joined(st.one_of(LEAVES, CLASSES)), min_size=1, max_size=3),
)


@st.composite
def sets(draw: st.DrawFn) -> dict[str, Any]:
    """A set with two classes, mutes and silences, most of which will not load."""
    actors = [
        {
            "class": name,
            "kind": draw(st.sampled_from(["robot", "person"])),
            "evidence": [
                {"id": f"{name}-{number}", "says": "a sign", "strength": "claimed", "when": draw(joined(LEAVES))}
                for number in (0, 1)
            ],
        }
        for name in ("one", "two")
    ]
    return {
        "version": 1,
        "name": "team",
        "owner": "team",
        "lists": LISTS,
        "conditions": CONDITIONS,
        "actors": actors,
        "routes": [{"id": f"m{number}", "when": draw(WHENS), "mute": "a job"} for number in range(4)]
        + [{"id": "r", "notify": ["watch"]}],
        "silences": [
            {"id": f"s{number}", "when": draw(WHENS), "until": "2030-01-01T00:00:00Z", "reason": "work"} for number in range(3)
        ],
    }


def checked(team: dict[str, Any]) -> tuple[PolicySet | None, tuple[Finding, ...]]:
    texts = {"base.yaml": BASE, "team.yaml": yaml.safe_dump(team, sort_keys=False)}
    return check([parse_source(text.encode(), path) for path, text in texts.items()])


def loading(team: dict[str, Any]) -> tuple[dict[str, Any], PolicySet]:
    """The set without the rules that are refused. Evidence is called claimed, so nothing else can be wrong with it."""
    _, findings = checked(team)
    assert {finding.code for finding in findings} <= {"TB404", "TB405", "TB423"}
    text = yaml.safe_dump(team, sort_keys=False)
    root = parse_source(text.encode(), "team.yaml").root
    assert root is not None
    refused = {finding.where.line for finding in findings}
    kept = {
        section: [rule.value for rule in root.children[section].items() if rule.keys.get("when", root.where).line not in refused]
        for section in ("routes", "silences")
    }
    policies, left = checked({**team, **kept})
    assert policies is not None, left
    return {**team, **kept}, policies


# --- who calls ------------------------------------------------------------------------------------------------------------


def role(name: str, session: str, key: str, principal: str) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        "arn": f"arn:aws:sts::111122223333:assumed-role/{name}/{session}",
        "accountId": "111122223333",
        "accessKeyId": key,
    }


SESSION = st.sampled_from(SESSIONS)
STRANGERS = st.one_of(
    SESSION.map(lambda session: role("mallory", session, "ASIAEXAMPLE7MALLORY7", "AROAEXAMPLEMALLORY00")),
    SESSION.map(
        lambda session: role("AWSReservedSSO_Mallory_0123456789abcdef", session, "ASIAEXAMPLE7MALLORY7", "AROAEXAMPLEMALLORY00")
    ),
    st.just(
        {
            "type": "IAMUser",
            "userName": "mallory",
            "arn": "arn:aws:iam::111122223333:user/mallory",
            "principalId": "AIDAEXAMPLEMALLORY00",
            "accountId": "111122223333",
            "accessKeyId": "AKIAEXAMPLE7MALLORY7",
        }
    ),
    st.just({"type": "AWSAccount", "accountId": "anonymous", "principalId": "ANONYMOUS_PRINCIPAL"}),
    st.just({"type": "AWSAccount", "accountId": "999988887777", "principalId": "AIDAEXAMPLEMALLORY00"}),
    st.sampled_from(["backup-agent", "nightly"]).map(
        lambda name: {"type": "SAMLUser", "userName": name, "principalId": f"x:{name}"}
    ),
    st.builds(
        lambda session, service: {
            **role("mallory", session, "ASIAEXAMPLE7MALLORY7", "AROAEXAMPLEMALLORY00"),
            "invokedBy": service,
        },
        SESSION,
        st.sampled_from(["config.amazonaws.com", "AWS Internal"]),
    ),
)
KNOWN = st.one_of(
    SESSION.map(lambda session: role("payments-nightly", session, "ASIAEXAMPLE7NIGHTLY7", "AROAEXAMPLENIGHTLY00")),
    SESSION.map(
        lambda session: {
            **role("web", session, "ASIAIOSFODNN7WEB0000", "AROAEXAMPLEWEB000000"),
            "inScopeOf": {"issuerType": "AWS::ECS::Task"},
        }
    ),
    st.just(
        {
            "type": "IAMUser",
            "userName": "backup-agent",
            "arn": "arn:aws:iam::111122223333:user/backup-agent",
            "principalId": "AIDAEXAMPLEBACKUP000",
            "accountId": "111122223333",
            "accessKeyId": "AKIAIOSFODNN7BACKUP0",
        }
    ),
    st.just(
        {"type": "Root", "accountId": "111122223333", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root"}
    ),
    st.just({"type": "AWSService", "invokedBy": "config.amazonaws.com"}),
    st.just({"type": "AWSAccount", "accountId": "444455556666", "principalId": "AIDAEXAMPLEPARTNER00"}),
)


@st.composite
def called(draw: st.DrawFn, identities: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """A record of one of these callers, with claims of any sort."""
    return record(
        userIdentity=draw(identities),
        userAgent=draw(st.sampled_from(AGENTS)),
        sourceIPAddress=draw(st.sampled_from(["203.0.113.7", "10.0.0.7", "config.amazonaws.com"])),
    )


def with_other_claims(draw: Any, before: dict[str, Any]) -> dict[str, Any]:
    """The same record after somebody replaced every claimed value as they like."""
    after = deepcopy(before)
    identity = after["userIdentity"]
    if identity["type"] == "AssumedRole":
        session = draw(SESSION)
        identity["arn"] = f"{identity['arn'].rpartition('/')[0]}/{session}"
        identity["principalId"] = f"{identity['principalId'].partition(':')[0]}:{session}"
        identity["userName"] = draw(st.sampled_from(["backup-agent", "nightly"]))
        identity["sessionContext"] = {"sourceIdentity": draw(SESSION)}
    after["userAgent"] = draw(st.sampled_from(AGENTS))
    after["tlsDetails"] = {"clientProvidedHostHeader": draw(SESSION)}
    if before["sourceIPAddress"].startswith("10."):
        after["sourceIPAddress"] = draw(st.sampled_from(["10.0.0.7", "192.168.0.1"]))
    return after


def quieted(event: dict[str, Any], policies: PolicySet) -> set[str]:
    """The mutes and silences that kept an event from somebody."""
    verdict = decide(Event(event, "test"), policies, NOW).verdict
    return {rule.id for rule in (*verdict.mutes, *verdict.silences)}


def pinned_before(rule: dict[str, Any], team: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether the formula over pinning fields alone holds that the analysis finds in a rule."""
    seen = document(event, facts(Event(event, "test")))
    rules = QuieterRules([team], Trees(definitions([team])))
    for branch in rules.branches(rule):
        for _, spelled in spelled_out(branch, rules.actors):
            for pin in branch_pins(spelled):
                beside = row_of(pin.path or ()).beside
                needed = [atom for atom in spelled if beside is not None and atom.path in ({beside.path} | {("actor", "type")})]
                if all(evaluate(atom, seen) is True for atom in (pin, *needed)):
                    return True
    return False


# --- the law --------------------------------------------------------------------------------------------------------------


@given(sets(), st.lists(called(STRANGERS), min_size=1, max_size=6))
def test_whoever_has_no_pinned_identity_is_never_muted_whatever_they_claim(
    team: dict[str, Any], events: list[dict[str, Any]]
) -> None:
    _, policies = loading(team)
    assert [quieted(event, policies) for event in events] == [set()] * len(events)


@given(sets(), called(st.one_of(KNOWN, STRANGERS)), st.data())
def test_where_a_rule_holds_after_every_claim_was_replaced_its_pins_held_before(
    team: dict[str, Any], before: dict[str, Any], data: st.DataObject
) -> None:
    kept, policies = loading(team)
    rules = {rule["id"]: rule for rule in (*kept["routes"], *kept["silences"])}
    after = with_other_claims(data.draw, before)
    for name in quieted(after, policies):
        assert pinned_before(rules[name], kept, before), json.dumps(rules[name])
