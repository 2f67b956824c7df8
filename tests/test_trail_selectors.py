"""What a trail may leave out: events that are proved never to ring, of callers that no person can be; and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, SHIPPED, record
from click.testing import CliRunner
from event_selectors import is_recorded
from hypothesis import given
from hypothesis import strategies as st
from repository import ROOT

from engine.cli import trailbell
from engine.model import Event
from engine.pipeline.decide import decide
from engine.policy.load import load, read_set
from engine.prove.trail_selectors import COPIES, LeftOut, MuteAnswer, answers, selectors, values_in

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model import PolicySet

ACCOUNT, ROLE = "111122223333", "AWSServiceRoleForConfig"
ANYWHERE = f"actor.type == 'AssumedRole' && actor.role == '{ROLE}'"
LINKED = f"{ANYWHERE} && actor.account == '{ACCOUNT}'"
WATCHED = ("ledger", "ledger-archive", "web-*")
BASE = """
version: 1
name: base
owner: security
channels: [{name: watch, webhook: {env: SLACK_WEBHOOK_URL}}]
masking: [{level: standard, fields: {time: keep, event: keep}}]
default: {notify: [watch], masking: standard}
"""


def set_of(folder: Path, mute: str, *, before: str = "", buckets: str = "[ledger]", more: str = "") -> Path:
    """A set with one mute."""
    folder.mkdir(exist_ok=True)
    (folder / "base.yaml").write_text(BASE, encoding="utf-8")
    rule = f'  - {{id: quiet, when: "{mute}", mute: the service looks at it each hour{more}}}\n'
    team = f"version: 1\nname: team\nowner: team\nbuckets: {buckets}\nroutes:\n{before}{rule}"
    (folder / "team.yaml").write_text(f"{team}  - {{id: rest, notify: [watch]}}\n", encoding="utf-8")
    return folder


def asked(folder: Path) -> MuteAnswer:
    sources = read_set(folder)
    (answer,) = [one for one in answers(sources, load(folder), [ACCOUNT]) if one.mute == "team/quiet"]
    return answer


def test_a_service_linked_role_that_is_always_muted_may_be_left_out(tmp_path: Path) -> None:
    assert asked(set_of(tmp_path / "p", LINKED)) == MuteAnswer("team/quiet", (LeftOut(ACCOUNT, ROLE, "ledger"),), "")


@pytest.mark.parametrize(
    ("mute", "how", "why"),
    [
        ("actor.type == 'AssumedRole' && actor.role == 'nightly'", {}, "a person may take the role nightly"),
        (f"actor.role == '{ROLE}' || actor.role == 'nightly'", {}, "a person may take the role nightly"),
        ("actor.service == 'config.amazonaws.com' && actor.type == 'AWSService'", {}, "does not name the roles"),
        (f"userIdentity.sessionContext.sessionIssuer.arn == 'arn:aws:iam::{ACCOUNT}:role/x'", {}, "does not name the roles"),
        (ANYWHERE, {}, f"test actor.account == '{ACCOUNT}'"),
        (LINKED, {"buckets": "[ledger-*]"}, "neither it nor its file names a bucket in full"),
        (LINKED, {"more": ", during: {days: [mon-fri], hours: '09:00-17:00', timezone: Asia/Tokyo}"}, "at some hours only"),
        (LINKED, {"before": "  - {id: denied, when: access.denied, notify: [watch]}\n"}, "by team/denied"),
        (f"{LINKED} && access.kind == 'read'", {}, "by team/rest"),
        (f"{LINKED} && glob(key, 'reports/*')", {}, "by team/rest"),
        (f"{LINKED} && source.ip == '192.0.2.7'", {}, "by team/rest"),
    ],
    ids=str,
)
def test_any_doubt_leaves_a_mutes_events_recorded(tmp_path: Path, mute: str, how: dict[str, str], why: str) -> None:
    answer = asked(set_of(tmp_path / "p", mute, **how))
    assert answer.left_out == ()
    assert why in answer.why


@pytest.mark.parametrize("folder", [SHIPPED, ROOT / "examples/tour/policies", ROOT / "engine/init/policies"], ids=str)
def test_nothing_that_ships_may_be_left_out_and_each_mute_says_why(folder: Path) -> None:
    found = list(answers(read_set(folder), load(folder), [ACCOUNT]))
    assert found
    assert all(answer.why and not answer.left_out for answer in found)


# --- the selectors, as CloudTrail evaluates them ------------------------------------------------------------------------------

CALLERS = [
    *((account, role) for account in (ACCOUNT, "444455556666") for role in (ROLE, f"{ROLE}2", "nightly", "AWSServiceRoleFor")),
    (ACCOUNT, None),
]


def read_by(account: str, role: str | None) -> dict[str, Any]:
    if role is None:
        return {"type": "AWSAccount", "accountId": "anonymous"}
    issuer = {"type": "Role", "userName": role, "arn": f"arn:aws:iam::{account}:role/{role}", "accountId": account}
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/session"
    return {"type": "AssumedRole", "arn": arn, "accountId": account, "sessionContext": {"sessionIssuer": issuer}}


def event_of(caller: tuple[str, str | None], bucket: str, name: str, source: str, error: str | None) -> dict[str, Any]:
    parameters = {"bucketName": bucket, "key": "a/b", **({"x-amz-copy-source": source} if name in COPIES else {})}
    resources = [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/a/b"}]
    resources.append({"type": "AWS::S3::Bucket", "accountId": ACCOUNT, "ARN": f"arn:aws:s3:::{bucket}"})
    parts = {"userIdentity": read_by(*caller), "requestParameters": parameters, "resources": resources, "eventName": name}
    return record(**parts, **({} if error is None else {"errorCode": error}))


events = st.builds(
    event_of,
    st.sampled_from(CALLERS),
    st.sampled_from(["ledger", "ledgers", "ledger-archive", "web-eu", "other"]),
    st.sampled_from(["GetObject", "PutObject", "ListObjects", *COPIES]),
    st.sampled_from(["ledger/a", "other/a"]),
    st.none() | st.just("AccessDenied"),
)


@pytest.fixture(scope="module")
def proposal(tmp_path_factory: pytest.TempPathFactory) -> tuple[PolicySet, list[dict[str, Any]]]:
    folder = set_of(tmp_path_factory.mktemp("p"), LINKED)
    return load(folder), selectors(WATCHED, asked(folder).left_out)


@given(events)
def test_what_the_trail_leaves_out_is_what_rings_nowhere_and_is_the_roles_alone(
    proposal: tuple[PolicySet, list[dict[str, Any]]], one: dict[str, Any]
) -> None:
    policies, proposed = proposal
    before, after = is_recorded(one, selectors(WATCHED, ())), is_recorded(one, proposed)
    assert before or not after
    left_out = before and not after
    is_of_the_role = one["userIdentity"].get("arn", "").startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/")
    bucket = one["requestParameters"]["bucketName"]
    assert left_out == (is_of_the_role and bucket == "ledger" and one["eventName"] not in COPIES)
    if left_out:
        assert not decide(Event(one, ""), policies, NOW).verdict.requests


def test_a_caller_without_an_arn_stays_recorded(proposal: tuple[PolicySet, list[dict[str, Any]]]) -> None:
    anonymous = event_of((ACCOUNT, None), "ledger", "GetObject", "", None)
    assert is_recorded(anonymous, proposal[1])


def test_without_bounds_a_trail_records_all_buckets_but_what_is_left_out() -> None:
    made = selectors(["*"], [LeftOut(ACCOUNT, ROLE, "ledger")])
    assert is_recorded(event_of((ACCOUNT, "nightly"), "whatever", "GetObject", "", None), made)
    assert is_recorded(event_of((ACCOUNT, "nightly"), "ledger", "GetObject", "", None), made)
    assert not is_recorded(event_of((ACCOUNT, ROLE), "ledger", "GetObject", "", None), made)


def test_buckets_with_the_same_roles_share_a_selector_and_values_are_counted() -> None:
    left_out = [LeftOut(ACCOUNT, ROLE, bucket) for bucket in ("a-1", "a-2")] + [LeftOut(ACCOUNT, f"{ROLE}2", "a-3")]
    made = selectors(["a-*"], left_out)
    assert [len(one["FieldSelectors"]) for one in made] == [3, 4, 4, 3]
    assert values_in(made) == (2 + 1 + 3) + (2 + 2 + 1) + (2 + 1 + 1) + (2 + 2)


# --- the command ---------------------------------------------------------------------------------------------------------------


def test_the_command_proposes_selectors_and_says_what_to_check(tmp_path: Path) -> None:
    folder = set_of(tmp_path / "p", LINKED)
    given_ = ["rules", "--policies", str(folder), "--trail", ACCOUNT]
    told = CliRunner().invoke(trailbell, given_)
    assert told.exit_code == 0
    assert f"may leave out {ROLE} of {ACCOUNT} on ledger" in told.output
    assert "/aws-service-role/" in told.output
    as_json = json.loads(CliRunner().invoke(trailbell, [*given_, "--format", "json"]).output)
    assert as_json == json.loads(told.output.splitlines()[-1]) == selectors(["ledger"], asked(folder).left_out)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--trail", "12"], "twelve digits"),
        (["--trail", ACCOUNT, "--format", "template"], "text and json"),
    ],
)
def test_what_it_cannot_do_it_says(more: list[str], why: str) -> None:
    told = CliRunner().invoke(trailbell, ["rules", "--policies", str(ROOT / "examples/tour/policies"), *more])
    assert (told.exit_code, why in told.output) == (2, True)
