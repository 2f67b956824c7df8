"""The probe: its event arrives as all others do, is recorded, and is not sent; nothing else passes for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from builders import NOW, policy_set, record
from moto import mock_aws
from worlds import CHANNELS, World, no_file, sqs

from engine.edge.canary import probe_of, read_canary
from engine.model import Deployment, Probe, RecordOutcome, Selection
from engine.pipeline.batch import run
from engine.pipeline.decode import decode
from engine.pipeline.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator


PROBE = Probe("payments-prod", "trailbell/probe", "arn:aws:iam::111122223333:role/trailbell-probe")


def probed(**changes: Any) -> dict[str, Any]:
    """The record of a read of the probe's, four minutes ago."""
    identity = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": PROBE.role}}}
    parts = {"userIdentity": identity, "requestParameters": {"bucketName": PROBE.bucket, "key": PROBE.key}}
    return record(**{**parts, "eventTime": (NOW - timedelta(minutes=4)).isoformat(), **changes})


def test_a_probe_goes_the_way_of_all_events_but_is_not_sent_and_its_time_is_a_metric() -> None:
    world, setting = World(), Setting(policy_set(channels=CHANNELS), Deployment(probe=PROBE))
    result = run(decode(sqs(probed()), no_file), setting, world.ports())
    assert (world.posts, result.failed, result.tally.adds_up) == ([], False, True)
    (told,) = world.of("decision")
    assert told["probe"] is True
    assert told["decision"]["channels"] == {"ops": "open"}, "it is decided as any other"
    assert (world.metrics()["ProbeMinutes"], world.metrics()["Probed"], world.metrics()["FromCloudTrail"]) == (4.0, 1, 1)
    assert result.tally.buckets == frozenset(), "its bucket has had no event of its own"
    assert result.tally.suppressed == {}


def of_identity(**changes: Any) -> dict[str, Any]:
    return {"userIdentity": {**probed()["userIdentity"], **changes}}


@pytest.mark.parametrize(
    "changes",
    [
        of_identity(type="IAMUser"),
        of_identity(sessionContext={"sessionIssuer": {"arn": f"{PROBE.role}-2"}}),
        of_identity(sessionContext=None),
        {"userIdentity": None},
        {"eventName": "PutObject"},
        {"eventSource": "s3express.amazonaws.com"},
        {"requestParameters": {"bucketName": PROBE.bucket, "key": "salaries.csv"}},
        {"requestParameters": {"bucketName": "ledger", "key": PROBE.key}},
        {"requestParameters": None},
    ],
    ids=str,
)
def test_what_differs_from_the_probe_in_anything_rings(changes: dict[str, Any]) -> None:
    world, setting = World(), Setting(policy_set(channels=CHANNELS), Deployment(probe=PROBE))
    result = run(decode(sqs(probed(**changes)), no_file), setting, world.ports())
    assert RecordOutcome.PROBED not in result.tally.records
    assert "ProbeMinutes" not in world.metrics()
    assert len(world.posts) == 1


def test_a_probe_that_a_set_does_not_select_does_not_arrive() -> None:
    world, only = World(), policy_set(channels=CHANNELS, selection=Selection(names=frozenset({"PutObject"})))
    run(decode(sqs(probed()), no_file), Setting(only, Deployment(probe=PROBE)), world.ports())
    assert "ProbeMinutes" not in world.metrics()


# --- its read ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
def test_the_object_is_read_under_the_probes_role() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=PROBE.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=PROBE.bucket, Key=PROBE.key, Body=b"")
    made: list[tuple[str, dict[str, str]]] = []

    def client(service: str, **credentials: str) -> Any:
        made.append((service, credentials))
        return boto3.client(service, **credentials)  # type: ignore[call-overload]

    assert read_canary(PROBE, client) == ""
    assert [service for service, _ in made] == ["sts", "s3"]
    assert set(made[1][1]) == {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}


@pytest.mark.usefixtures("aws")
def test_a_read_that_fails_says_of_which_call_and_why() -> None:
    assert read_canary(PROBE) == "GetObject: NoSuchBucket"


def test_a_function_has_a_probe_where_both_its_variables_are_set() -> None:
    both = {"TRAILBELL_PROBE": "s3://payments-prod/trailbell/probe", "TRAILBELL_PROBE_ROLE": PROBE.role}
    assert probe_of(both) == PROBE
    for name in both:
        assert probe_of({**both, name: ""}) is None
    assert probe_of({}) is None
