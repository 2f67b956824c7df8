"""The link that proposes a mute: what it opens mutes this caller at this bucket, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from builders import NOW, STANDARD, base_files, channel, event, policy, policy_set, route
from hypothesis import example, given
from hypothesis import strategies as st
from messages import linked
from slack_limits import violations

from engine.lint import lint
from engine.matching import compile_predicate, parse
from engine.model import ActorClass, Decision, Deployment, Event, Field, Kind, Operator, PolicySet
from engine.pipeline.decide import decide
from engine.pipeline.mask import mask
from engine.pipeline.render import render
from engine.pipeline.render.changes import mute_links
from engine.policy.load import check
from engine.policy.source import parse_source

ROOT = Path(__file__).parent.parent
BASE = "https://github.com/owner/repository/new/main/policies"
HERE = Deployment(changes=BASE)
SHIPPED = base_files()


def compiled(*more: str) -> PolicySet:
    sources = [*SHIPPED, *(parse_source(text.encode(), f"policies/x{number}.yaml") for number, text in enumerate(more))]
    policies, findings = check(sources)
    assert policies is not None, findings
    return policies


def task(**changes: Any) -> Event:
    """An ECS task that reads."""
    role, account = changes.pop("role", "payments-nightly"), changes.pop("account", "111122223333")
    session = "0123456789abcdef0123456789abcdef"
    identity = {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        "accountId": account,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{account}:role/{role}", "userName": role}},
    }
    return event(userIdentity=identity, userAgent="[aws-sdk-java/2.20]", **changes)


def url(given_event: Event, policies: PolicySet | None = None, deployment: Deployment = HERE) -> str | None:
    policies = policies or compiled()
    decision = decide(given_event, policies, NOW)
    links = [
        link.url
        for request in decision.verdict.requests
        for link in mute_links(mask(given_event, decision, request.level, None), decision, deployment)
    ]
    return links[0] if links else None


def content(address: str) -> str:
    """The file that a link opens."""
    (value,) = parse_qs(urlsplit(address).query)["value"]
    return value


def filled(text: str) -> str:
    return text.replace('owner: ""', "owner: team-payments").replace('mute: ""', "mute: reconciliation, PAY-1")


def test_what_it_opens_asks_for_an_owner_and_a_reason_and_then_mutes_this_caller_alone() -> None:
    address = url(task())
    assert address is not None
    assert address.startswith(f"{BASE}?filename=mute-payments-prod-payments-nightly.yaml&value=")
    text = content(address)
    told = [
        (finding.code, finding.where.line) for finding in lint([*SHIPPED, parse_source(text.encode(), "policies/x.yaml")], NOW)
    ]
    assert [line for _, line in told] == [3, 8]
    assert "schema" not in text, "where the schema is depends on the repository that the file is opened in"
    muting = compiled(filled(text))
    assert [finding.line for finding in lint([*SHIPPED, parse_source(filled(text).encode(), "policies/x.yaml")], NOW)] == []

    def quiet(other: Event) -> bool:
        return not decide(other, muting, NOW).verdict.requests

    assert quiet(task())
    assert not quiet(task(role="payments-migrator"))
    assert not quiet(task(eventName="DeleteObject"))
    assert not quiet(task(account="444455556666"))
    assert not quiet(task(requestParameters={"bucketName": "ledger", "key": "a"}))
    copied = {"bucketName": "elsewhere", "key": "a", "x-amz-copy-source": "payments-prod/a"}
    assert not quiet(task(requestParameters=copied))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"errorCode": "AccessDenied"}, "denied"),
        ({"account": "444455556666"}, "another account"),
        ({"requestParameters": {"bucketName": "x' || 'a'=='a", "key": "k"}}, "no bucket's name"),
        ({"role": "x' || 'a'=='a"}, "no role's name"),
        ({"userIdentity": {"type": "Root", "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:root"}}, "a person"),
        ({"userIdentity": {"type": "Other"}}, "nobody known"),
    ],
)
def test_there_is_none_where_a_mute_would_be_wrong(changes: dict[str, Any], why: str) -> None:
    given_event = event(**changes) if "userIdentity" in changes else task(**changes)
    assert url(given_event) is None, why


def test_there_is_none_without_an_address_or_with_one_that_is_not_plain() -> None:
    for changes in (None, "http://github.com/x", "https://github.com/x?y=", "https://github.com/x y"):
        assert url(task(), deployment=Deployment(changes=changes)) is None


def changed(decision: Decision, **parts: Any) -> Decision:
    return decision._replace(verdict=decision.verdict._replace(**parts))


def test_there_is_none_where_a_route_decided() -> None:
    for scope in ("", 'buckets: ["payments-*"]\n'):
        assert (
            url(task(), compiled(f"version: 1\nname: x\nowner: team\n{scope}routes: [{{id: r, notify: [s3-watch]}}]\n")) is None
        )


@pytest.mark.parametrize("field", [Field.BUCKET, Field.ROLE, Field.CLASS])
def test_there_is_none_where_the_level_hides_what_it_needs(field: Field) -> None:
    level = STANDARD._replace(operators={**STANDARD.operators, field: Operator.DROP})
    actor = ActorClass("batch", Kind.ROBOT)
    policies = policy_set(policy("p", route("r")))
    decision = changed(decide(task(), policies, NOW), actor=actor, defaulted=True)
    assert list(mute_links(mask(task(), decision, level, None), decision, HERE)) == []


def test_a_class_that_is_never_muted_has_none() -> None:
    decision = changed(decide(task(), compiled(), NOW), actor=ActorClass("misuse", Kind.ROBOT, never_mute=True))
    assert list(mute_links(mask(task(), decision, STANDARD, None), decision, HERE)) == []


def test_the_message_with_it_is_within_slacks_limits() -> None:
    decision = decide(task(), compiled(), NOW)
    message = render(mask(task(), decision, STANDARD, None), decision, decision.verdict.requests[0], channel("watch"), HERE)
    assert list(violations(message.payload)) == []
    assert list(linked(message)) == ["What else", "Mute…"]


names = st.one_of(st.text(max_size=70), st.from_regex(r"[A-Za-z0-9+=,.@_-]{1,64}", fullmatch=True), st.just("x' || 'a'=='a"))
POLICIES = compiled()


@example("payments-nightly", "payments-prod")
@example("x' || 'a'=='a", "payments-prod")
@given(names, st.one_of(names, st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True)))
def test_what_it_opens_always_says_what_was_meant(role: str, bucket: str) -> None:
    owned = [{"accountId": "111122223333", "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}]
    address = url(task(role=role, resources=owned, requestParameters={"bucketName": bucket, "key": "k"}), POLICIES)
    if address is None:
        assert (role, bucket) != ("payments-nightly", "payments-prod")
        return
    file = yaml.safe_load(content(address))
    assert file["buckets"] == [bucket]
    (rule,) = file["routes"]
    tree = parse(rule["when"])
    tests = [(one.kind, one.value, one.children[1].value) for one in tree.children]
    assert tests == [("comparator", "eq", value) for value in ("ecs-robot", role, bucket, False, "read")]
    actor = {"class": "ecs-robot", "role": role, "cross_account": False}
    assert compile_predicate([rule["when"]])({"actor": actor, "bucket": bucket, "access": {"kind": "read"}})
    assert set(rule) == {"id", "when", "mute"}
    assert rule["mute"] == file["owner"] == ""
