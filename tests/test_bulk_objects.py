"""Log files in S3 are read as files are, and what is no log file is passed over."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result

from engine.cli import trailbell
from engine.errors import InputError

TOUR = Path(__file__).parent.parent / "examples/tour"
EVENT = (TOUR / "events/01-person-reads-payments.json").read_bytes()


@pytest.fixture
def bucket(aws: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A bucket of a test's own."""
    access = {"AWS_ENDPOINT_URL": aws, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in access.items():
        monkeypatch.setenv(name, value)
    name = f"trail-{abs(hash(request.node.name))}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def put(bucket: str, *keys: str, body: bytes = EVENT) -> None:
    for key in keys:
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)


def decide(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(trailbell, ["decide", "--policies", str(TOUR / "policies"), *words])
    assert done.exit_code == code, done.output
    return done


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_a_prefix_is_read_with_what_is_below_it_and_no_digest(bucket: str, scheme: str) -> None:
    put(bucket, "AWSLogs/1/CloudTrail/us-east-1/a.json", "AWSLogs/1/CloudTrail/us-east-1/b.json", "AWSLogs/11/CloudTrail/c.json")
    put(bucket, "AWSLogs/1/CloudTrail-Digest/d.json", "AWSLogs/1/CloudTrail-Insight/e.json", "AWSLogs/1/notes.txt", body=b"none")
    assert len(decide(f"{scheme}://{bucket}/AWSLogs/1").stdout.splitlines()) == 2
    assert len(decide(f"{scheme}://{bucket}/AWSLogs/11/").stdout.splitlines()) == 1
    assert len(decide(f"{scheme}://{bucket}").stdout.splitlines()) == 3


def test_an_object_is_read_by_its_address_whatever_its_name(bucket: str) -> None:
    put(bucket, "event")
    here = json.loads(decide(str(TOUR / "events/01-person-reads-payments.json")).stdout)
    assert json.loads(decide(f"s3://{bucket}/event").stdout) == here


def test_what_is_damaged_is_named_by_its_address(bucket: str) -> None:
    put(bucket, "events/a.json")
    put(bucket, "events/b.json", body=b"{")
    done = decide(f"s3://{bucket}/events/", code=1)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.startswith(f"s3://{bucket}/events/b.json")


def test_what_is_not_there_is_said(bucket: str) -> None:
    assert f"s3://{bucket}/none: no object that ends in .json" in decide(f"s3://{bucket}/none", code=2).output
    with pytest.raises(InputError, match=r"s3://no-such-trail: cannot be listed \(NoSuchBucket\)"):
        CliRunner().invoke(trailbell, ["decide", "s3://no-such-trail"], catch_exceptions=False)


def test_an_object_that_cannot_be_fetched_is_named(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.bulk.objects.listed", lambda address, _: [(f"{address}gone.json", 7)])
    done = decide(f"s3://{bucket}/", code=1)
    assert done.stderr == f"s3://{bucket}/gone.json: cannot be fetched (404)\n"
