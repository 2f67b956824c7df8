"""The base that ships and the sets of the tour: they load, their tests hold, callers in real records are told apart.

Nothing here looks at what `policies/` holds: that is for whoever works in a clone to change.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.edge.secrets import random_key
from engine.model import Deployment, Event, Kind
from engine.pipeline.decide import decide
from engine.pipeline.setting import Setting
from engine.policy.load import check, load, read_set
from engine.workbench.casefile import read_cases
from engine.workbench.cases import check as check_case
from engine.workbench.cases import coverage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import PolicySet

ROOT = Path(__file__).parent.parent
BASE = (ROOT / "tests/base/policies", ROOT / "tests/base/tests")
TOUR = (ROOT / "examples/tour/policies", ROOT / "examples/tour/tests")
EVENTS = sorted([*(ROOT / "tests/events").glob("*.json"), *(ROOT / "examples/tour/events").glob("*.json*")])
NOW = datetime(2026, 11, 1, tzinfo=UTC)

MUTED = (ROOT / "tests/base/muted/policies", ROOT / "tests/base/muted/tests")
"""The base under teams that mute and silence a caller of every class."""

LEVELS = (ROOT / "tests/base/levels/policies", ROOT / "tests/base/levels/tests")
"""The base under a file that shows each of its levels in a channel with every field."""

each_set = pytest.mark.parametrize("folders", [BASE, TOUR, MUTED, LEVELS], ids=["base", "tour", "muted", "levels"])


# --- the sets ------------------------------------------------------------------------------------------------------------


@each_set
def test_a_shipped_set_has_no_findings(folders: tuple[Path, Path]) -> None:
    _, findings = check(read_set(folders[0]))
    assert [finding.line for finding in findings] == []


@pytest.mark.parametrize("folders", [BASE, TOUR], ids=["base", "tour"])
def test_the_policy_tests_of_a_shipped_set_hold_and_cover_all_of_it(folders: tuple[Path, Path]) -> None:
    assert _failed_or_uncovered(*folders) == []


def test_mutes_and_silences_of_each_class_hold_but_for_those_that_nothing_makes_quieter() -> None:
    assert [line for line in _failed_or_uncovered(*MUTED) if not line.startswith("uncovered: ")] == []


def test_the_base_guarantees_that_nobody_silences_an_attack() -> None:
    (watch,) = (source for source in read_set(BASE[0]) if source.path.endswith("/watch.yaml"))
    assert watch.root is not None
    assert {guarantee["id"] for guarantee in watch.root.value["guarantees"]} >= {
        "nothing-mutes-attackers",
        "attackers-are-heard",
        "root-is-heard",
        "strangers-are-heard",
        "denied-is-heard",
        "who-claims-to-be-a-robot-copies-nothing-out-unheard",
    }


def test_each_level_that_ships_shows_what_it_should() -> None:
    assert [line for line in _failed_or_uncovered(*LEVELS) if not line.startswith("uncovered: ")] == []


def test_the_classes_that_routes_everywhere_rely_on_ship_under_their_names() -> None:
    policies = load(BASE[0])
    kinds = {actor.name: actor.kind for actor in (*policies.actors, policies.unknown)}
    assert (kinds["ecs-robot"], kinds["human"], kinds["unknown"]) == (Kind.ROBOT, Kind.PERSON, Kind.UNKNOWN)


def _failed_or_uncovered(policies_folder: Path, tests_folder: Path) -> list[str]:
    policies = load(policies_folder)
    cases, findings = read_cases(tests_folder)
    setting = Setting(policies, Deployment(), random_key())
    results = [check_case(case, setting) for case in cases]
    assert results
    return [
        *(finding.line for finding in findings),
        *(f"{result.case.name}: {one}" for result in results for one in result.comparisons if not one.holds),
        *(f"{result.case.name}: {asked}" for result in results for asked in result.trace if asked.answer.value == "failed"),
        *(f"uncovered: {one}" for one in coverage(results, policies) if not (one.held and one.not_held)),
    ]


# --- the events ----------------------------------------------------------------------------------------------------------

_DOCUMENTATION = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
_ACCOUNTS = {"111122223333", "123456789012", "444455556666", "999999999999"}
_NOT_TEXT = {"userAgent", "eventID", "requestID", "sharedEventID", "x-amz-id-2"}
"""Fields whose numbers with dots are versions, and whose digits are chance."""


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.name)
def test_an_event_holds_documentation_values_only(path: Path) -> None:
    for record in _records(path):
        texts = list(_texts(record))
        everything = "\n".join(texts)
        octets = r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
        addresses = {*re.findall(octets, everything), record["sourceIPAddress"]}
        assert [address for address in addresses if not _for_documentation(address)] == []
        assert set(re.findall(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])", everything)) <= _ACCOUNTS
        assert [key for key in re.findall(r"\b(?:AKIA|ASIA|AROA|AIDA)\w+", everything) if not key.endswith("EXAMPLE")] == []
        assert set(re.findall(r"@([\w.-]+)", everything)) <= {"example.com"}


def test_every_event_has_an_id_of_its_own() -> None:
    ids = Counter(record["eventID"] for path in EVENTS for record in _records(path))
    assert [event_id for event_id, count in ids.items() if count > 1] == []


def _for_documentation(address: str) -> bool:
    if address.endswith(".amazonaws.com") or address == "203.0.113.07":
        return True
    return any(ipaddress.ip_address(address) in net for net in _DOCUMENTATION)


def _records(path: Path) -> list[dict[str, Any]]:
    text = path.read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else [json.loads(text)]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (text for part in value for text in _texts(part))
    elif isinstance(value, dict):
        yield from (text for name, part in value.items() if name not in _NOT_TEXT for text in _texts(part))


# --- real and published records ------------------------------------------------------------------------------------------

TOLD_APART = {
    ("attack-tool", "attack-tool-agent"): 290,
    ("presigned-link", "signed-by-a-user"): 1,
    ("app-user", "app-identity"): 2,
    ("aws-service", "aws-service-identity"): 256,
    ("aws-service", "service-linked-role"): 754,
    ("aws-service", "invoked-by-a-service"): 87,
    ("aws-service", "called-from-a-service"): 2,
    ("ec2-robot", "delivered-to-ec2"): 8,
    ("ec2-robot", "ec2-instance-session"): 15,
    ("lambda-robot", "lambda-agent"): 16,
    ("lambda-robot", "lambda-worker"): 8,
    ("build-robot", "pipeline-identity"): 1,
    ("build-robot", "codebuild-agent"): 1,
    ("build-robot", "pipeline-session"): 1,
    ("job-robot", "athena-spark-session"): 2,
    ("cross-account", "other-account"): 7,
    ("human", "identity-center-role"): 64,
    ("human", "identity-center-user"): 3,
    ("human", "root-user"): 79,
    ("human", "console-session"): 859,
    ("human", "mfa"): 150,
    ("human", "iam-user"): 809,
    ("human", "federated-user"): 6,
    ("human", "browser-or-console"): 23,
    ("human", "session-of-a-person"): 3,
    ("human", "role-on-a-desktop"): 3,
    ("command-line", "role-in-a-command-line"): 16,
    ("eks-robot", "eks-sign-in"): 1,
    ("unknown", None): 92,
}
"""What the shipped evidence catches among the corpus's 3,559 records. The unknown are roles in hand-made records without an
agent, and programs (an SDK on Linux, a vendor's scanner) of which only their owner knows what they are."""


@pytest.fixture(scope="module")
def shipped() -> PolicySet:
    return load(BASE[0])


def test_the_callers_in_real_records_are_told_apart_as_recorded(corpus: Path, shipped: PolicySet) -> None:
    told: Counter[tuple[str, str | None]] = Counter()
    for path in sorted((corpus / "records").glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            decision = decide(Event(json.loads(line), f"{path.name}:{number}"), shipped, NOW)
            assert decision.verdict.failures == ()
            told[decision.verdict.actor.name, decision.verdict.evidence.id if decision.verdict.evidence else None] += 1
    assert dict(told) == TOLD_APART


def test_every_class_that_ships_is_muted_in_a_test() -> None:
    policies = load(MUTED[0])
    cases, _ = read_cases(MUTED[1])
    muted = {case.expect["class"] for case in cases if "mutes" in case.expect}
    assert {actor.name for actor in (*policies.actors, policies.unknown)} == muted
    void = {case.expect["class"] for case in cases if [] in (case.expect.get("mutes"), case.expect.get("silences"))}
    assert void == {actor.name for actor in policies.actors if actor.never_mute} == {"credential-misuse", "attack-tool"}


def test_no_person_in_real_records_passes_for_a_robot(corpus: Path, shipped: PolicySet) -> None:
    for path in sorted((corpus / "records").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            record = json.loads(line)
            identity = record.get("userIdentity") or {}
            if identity.get("type") in {"IAMUser", "Root", "SAMLUser"} or "AWSReservedSSO_" in str(identity.get("arn")):
                kind = decide(Event(record, path.name), shipped, NOW).verdict.actor.kind
                assert kind is not Kind.ROBOT
                assert kind is not Kind.SERVICE or identity.get("invokedBy")
