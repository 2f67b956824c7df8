"""Guarantees of a policy set: proved for every event, or broken by an event about which `decide` agrees."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from builders import NOW, ROOT, base_files
from click.testing import CliRunner

from engine.cli import trailbell
from engine.model import Event
from engine.pipeline.decide import decide
from engine.policy.load import check
from engine.policy.source import parse_source
from engine.prove.check import Answered, prove
from engine.prove.guarantees import holds_of

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model import PolicySet

TEAM = """
version: 1
name: team
owner: team
buckets: ["payments-*"]
routes:
  - {id: nightly, when: "actor.role == 'payments-nightly' && access.kind == 'read'", mute: a job}
  - {id: rest, notify: [security], masking: strict}
"""
GUARDS = """
version: 1
name: guards
owner: security
channels: [{name: security, webhook: {env: SLACK_WEBHOOK_SECURITY}}, {name: owners, webhook: {env: SLACK_WEBHOOK_OWNERS}}]
"""
OTHER = "version: 1\nname: other\nowner: other\n"


def answered(guarantee: str, team: str = TEAM, other: str = "") -> tuple[Answered, PolicySet]:
    """The answer about one guarantee of a set of the shipped base and a team's file, and of another file where there is one."""
    texts = {"guards.yaml": f"{GUARDS}guarantees: [{{id: g, {guarantee}}}]\n", "team.yaml": team}
    if other:
        texts["other.yaml"] = OTHER + other
    sources = [*base_files(), *(parse_source(text.encode(), path) for path, text in texts.items())]
    policies, findings = check(sources)
    assert policies is not None, findings
    (answer,) = (answer for answer in prove(sources, policies) if answer.guarantee.name == "guards/g")
    return answer, policies


PEOPLE = "actor.kind == 'person' && actor.role != 'payments-nightly'"
ROOT_USER = "when: actor.type == 'Root', always: {reaches: [s3-watch]}"
MISUSE = "when: actor.class == 'credential-misuse', always: {reaches: [s3-watch]}"
PAYMENTS = "when: \"glob(bucket, 'payments-*') && actor.role != 'payments-nightly' && !(copy.bucket)\", "
HEARD = f"when: {PEOPLE}, always: rings"
NOT_MUTED = f"when: {PEOPLE}, never: muted"
STRICT = f"{PAYMENTS} never: {{shown_below: strict, except: [s3-watch]}}"
REACHED = f"{PAYMENTS} always: {{reaches: [security]}}"
BATCH = "when: \"glob(bucket, 'payments-*') && actor.role == 'payments-nightly' && access.kind == 'write'\", never: muted"
OWNERS = "when: \"bucket == 'payments-prod'\", never: {shown_below: strict, except: [s3-watch, owners]}"


@pytest.mark.parametrize(
    "guarantee",
    [
        *(ROOT_USER, MISUSE, HEARD, NOT_MUTED, STRICT, REACHED, BATCH, OWNERS),
        "when: actor.class == 'attack-tool', never: muted",
        "when: access.denied && actor.kind == 'person', always: {reaches: [s3-watch]}",
        "when: actor.type == 'AWSService', never: {class_kind: person}",
    ],
)
def test_what_holds_for_every_event_is_proved(guarantee: str) -> None:
    answer, _ = answered(guarantee)
    assert (answer.result, answer.why, answer.empty) == ("proved", (), False)


def edited(old: str, new: str) -> str:
    """The team's file after an edit."""
    assert old in TEAM
    return TEAM.replace(old, new)


MUTED = edited("actor.role == 'payments-nightly' && access.kind == 'read'", "actor.role == 'payments-nightly'")
NIGHTLY = "actor.role == 'payments-nightly'"


LARGE = "^([a-z]{1,30}[0-9]{1,30}[a-z]{1,30}){1,30}x$"


@pytest.mark.parametrize(
    ("guarantee", "why"),
    [
        ("when: lower(key) == 'readme', never: muted", "`lower(key) == 'readme'`, which is not understood"),
        (
            "when: \"userIdentity.principalId == 'AROA:one' && actor.session == 'two'\", never: rings",
            "a principal id that does not name the session",
        ),
        (
            f"when: \"actor.role == 'payments-nightly' && regex(key, '{LARGE}')\", never: muted",
            "a pattern that is too large",
        ),
    ],
)
def test_what_is_not_understood_is_unknown_and_says_why(guarantee: str, why: str) -> None:
    answer, _ = answered(guarantee, TEAM.replace("'payments-nightly' &&", "'payments-nightly' && glob(key, 'a*.b') &&"))
    assert answer.result == "unknown"
    assert why in answer.why


TRAPS = {
    "a role of AWS itself has a colon": "actor.role == 'aws:ec2-instance'",
    "digits of a count are those of ASCII": "regex(userAgent, '^a{\u0663}$') && userAgent != 'aaa'",
    "the Kelvin sign is a k where case does not count": "regex(userAgent, '(?i)^k$') && !contains(['k', 'K'], userAgent)",
    "a dot is no line break": "regex(key, '^a') && !regex(key, '^a.*$')",
    "a text may end with a line break": "regex(key, '^a$') == `false` && regex(key, '^a\\n$')",
    "a missing field is no text": "userAgent != 'x' && !(userAgent)",
    "null is not greater": "!(additionalEventData.bytesTransferredOut > `5`)",
    "an account is a text": "userIdentity.accountId != `111122223333`",
    "an address has other spellings": "cidr(source.ip, '10.0.0.1') && source.ip != '10.0.0.1'",
    "all addresses of a network but those at its edges": (
        "cidr(source.ip, '10.0.0.0/30') && !contains(['10.0.0.0', '10.0.0.1', '10.0.0.3'], source.ip)"
    ),
    "a header of a call of management may be a list": 'contains(requestParameters."x-amz-acl", `1`)',
    "a copy whose source cannot be read": "copy.bucket == '?'",
    "a copy from an access point": "glob(copy.bucket, '*-s3alias')",
    "an event of no account": "!(recipientAccountId)",
    "a caller who is nobody's": "actor.cross_account == `null`",
}
"""Expressions that hold for some event, although a careless reading says that they never do."""
NOT_FOUND = {trap for trap in TRAPS if "a copy" in trap or "may be a list" in trap}
"""Those of which no event is found: records are not made so oddly. It is never said that there is none."""


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_does_not_make_a_guarantee_true_or_empty(trap: str) -> None:
    answer, _ = answered(f"when: {json.dumps(TRAPS[trap])}, never: rings")
    assert answer.result == ("unknown" if trap in NOT_FOUND else "broken"), answer.why


def test_a_guarantee_that_is_about_no_event_is_proved_and_says_so() -> None:
    answer, _ = answered("when: actor.type == 'Root' && actor.role == 'admin', always: rings")
    assert (answer.result, answer.empty) == ("proved", True)


def test_without_the_solver_lint_says_so_and_prove_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_of_tour = str(ROOT / "examples/tour/policies")
    monkeypatch.setitem(sys.modules, "pysat", None)
    linted = CliRunner().invoke(trailbell, ["lint", set_of_tour])
    assert linted.exit_code == 0
    assert linted.stdout.count("[TB442]") == 1
    assert "the guarantees of this set are not proved: python-sat is not installed" in linted.stdout
    proved = CliRunner().invoke(trailbell, ["prove", "--policies", set_of_tour])
    assert proved.exit_code == 1
    assert "trailbell[prove]" in proved.stderr
    of_base = CliRunner().invoke(trailbell, ["lint", str(ROOT / "tests/base/policies")])
    assert (of_base.exit_code, of_base.stdout) == (0, "")
    assert "the base's guarantees are not proved of this set: python-sat is not installed" in of_base.stderr
    empty = tmp_path / "plain.yaml"
    empty.write_text((ROOT / "tests/base/policies/channels.yaml").read_text("utf-8"), "utf-8")
    assert "TB442" not in CliRunner().invoke(trailbell, ["lint", str(empty)]).stdout


def test_the_events_that_break_guarantees_are_policy_tests_that_pass(tmp_path: Path) -> None:
    for source in sorted((ROOT / "examples/tour/policies").iterdir()):
        text = source.read_text("utf-8").replace("\n    when: access.denied\n", "\n    when: access.denied && readOnly\n")
        (tmp_path / source.name).write_text(text, "utf-8")
    tests = tmp_path / "tests" / "broken.yaml"
    tests.parent.mkdir()
    done = CliRunner().invoke(trailbell, ["prove", "--policies", str(tmp_path), "--out", str(tests)])
    assert done.exit_code == 1
    assert [case["name"] for case in yaml.safe_load(tests.read_text("utf-8"))["tests"]] == ["breaks payments/denied-is-heard"]
    tests.parent.rename(tmp_path.parent / "broken-tests")
    ran = CliRunner().invoke(trailbell, ["test", str(tmp_path.parent / "broken-tests"), "--policies", str(tmp_path)])
    assert "1 of 1 passed" in ran.stdout
    as_json = json.loads(CliRunner().invoke(trailbell, ["prove", "--policies", str(tmp_path), "--format", "json"]).stdout)
    assert [entry["result"] for entry in as_json["guarantees"]].count("broken") == 1


FAULTS = {
    "a mute is widened to every call": (BATCH, MUTED, ""),
    "a mute is widened to a pattern of roles": (NOT_MUTED, edited(NIGHTLY, "glob(actor.role, 'payments-n*')"), ""),
    "a mute is widened by an alternative": (HEARD, edited(NIGHTLY, "contains(['payments-nightly', 'ops'], actor.role)"), ""),
    "a mute is widened by a list": (
        HEARD,
        edited(NIGHTLY, "in_list(actor.role, 'jobs')"),
        "lists: {jobs: [payments-nightly, admin]}\n",
    ),
    "a mute is widened by a condition": (
        HEARD,
        edited(f"{NIGHTLY} && access.kind == 'read'", "holds('job')"),
        "conditions: {job: \"actor.role == 'etl' || actor.role == 'payments-nightly'\"}\n",
    ),
    "a mute is widened to a user": (
        HEARD,
        edited(NIGHTLY, "(actor.role == 'payments-nightly' || userIdentity.type == 'IAMUser' && actor.name == 'bob')"),
        "",
    ),
    "the order of routes is changed": (
        REACHED,
        edited("  - {id: rest,", "  - {id: logs, when: \"glob(key, '*.log')\", notify: [owners]}\n  - {id: rest,"),
        "",
    ),
    "a route leads elsewhere": (REACHED, edited("notify: [security]", "notify: [owners]"), ""),
    "a route gets a condition": (REACHED, edited("{id: rest,", "{id: rest, when: access.kind == 'read',"), ""),
    "a route gets hours": (
        REACHED,
        edited("{id: rest,", "{id: rest, during: {days: [mon-fri], timezone: Asia/Tokyo},"),
        "",
    ),
    "a route gets an exception on a day": (
        REACHED,
        edited("{id: rest,", "{id: rest, during: {timezone: UTC, except: '2027-01-01'},"),
        "",
    ),
    "a bucket is excluded from the scope": (REACHED, edited('["payments-*"]', '["payments-*", "!payments-dev"]'), ""),
    "a file is about one account alone": (REACHED, edited("routes:", 'accounts: ["111122223333"]\nroutes:'), ""),
    "a level is lowered": (STRICT, edited("masking: strict", "masking: standard"), ""),
    "a route of another file shows more": (
        OWNERS,
        TEAM,
        "routes: [{id: r, when: \"actor.session == 'deploy'\", notify: [security]}]\n",
    ),
    "a silence is added": (
        REACHED,
        f"{TEAM}silences: [{{id: s, when: actor.role == 'migrator', until: 2027-01-31T00:00:00Z, reason: work}}]\n",
        "",
    ),
    "a silence of one channel is added": (
        HEARD,
        TEAM
        + "silences:\n  - {id: s, when: \"glob(actor.role, 'AWSReservedSSO_Ops_*')\", from: 2027-01-01T00:00:00Z, "
        + "until: 2027-01-31T00:00:00Z, reason: work, channels: [security]}\n",
        "",
    ),
    "a class takes callers away": (
        "when: actor.type == 'IAMUser', always: {class_kind: person}",
        TEAM,
        "",
    ),
    "a file takes the default away": (
        "when: \"bucket == 'ledger' && actor.kind == 'person'\", always: {reaches: [s3-watch]}",
        TEAM,
        "buckets: [ledger]\nroutes: [{id: r, notify: [owners]}]\n",
    ),
    "a mute of another file": (
        "when: \"bucket == 'ledger' && actor.kind == 'person'\", always: rings",
        TEAM,
        'buckets: [ledger]\nroutes: [{id: r, when: "everyone_reads", mute: public, everyone: true}]\n'.replace(
            "everyone_reads", "bucket == 'ledger' && access.kind == 'read'"
        ),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_shown_by_an_event_that_decides_so(fault: str) -> None:
    guarantee, team, other = FAULTS[fault]
    answer, policies = answered(guarantee, team, other)
    assert answer.result == "broken", answer.why
    witness = answer.witness
    assert witness is not None
    verdict = decide(Event(witness.record, ""), policies, NOW).verdict
    assert holds_of(answer.guarantee.statement, verdict, policies) is not answer.guarantee.always
    assert json.loads(json.dumps(witness.record)) == witness.record
