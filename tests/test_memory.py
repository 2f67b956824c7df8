"""The function's memory stays flat over a log file, however many events it holds and however many of them notify."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lambda_world import POLICIES, client, read_of, sqs, world

if TYPE_CHECKING:
    from runtime_api import Lambda

KEY = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01/111122223333_CloudTrail_eu-west-1_20261101T0000Z_large.json.gz"


def notice(bucket: str) -> dict[str, object]:
    """What S3 says when the log file is there."""
    put = {"bucket": {"name": bucket}, "object": {"key": KEY}}
    return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": put}]}


def log_file(path: Path, count: int) -> None:
    """A log file in which every fifth event is muted."""
    with gzip.open(path, "wt", compresslevel=1) as file:
        for number in range(count):
            event = read_of(f"{'job' if number % 5 == 0 else 'data'}/{number}.csv", number, padding="x" * 800)
            file.write(("," if number else '{"Records":[') + json.dumps(event))
        file.write("]}")


def peak(function: Lambda) -> int:
    """The most memory that the function's process held so far, in MB."""
    (line,) = (line for line in Path(f"/proc/{function.pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("count", [12_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_a_large_log_file_is_worked_through_in_little_memory(count: int, aws: str, tmp_path: Path) -> None:
    path, bucket = tmp_path / "large.json.gz", f"large-logs-{count}"
    log_file(path, count)
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.upload_file(str(path), bucket, KEY)
    policies = POLICIES.replace("audit: {masking: open}", "audit: {masking: open, event: false}")
    policies = policies.replace("fallback: by-parameter}", "fallback: by-parameter, digest: {after: 5, by: [bucket]}}")
    with world(aws, tmp_path, policies) as here:
        here.function.timeout = 300.0
        assert here.function.invoke(sqs(json.dumps(notice(bucket)))).answer == {"batchItemFailures": []}
        (received,) = [line for line in here.function.lines() if "Received" in line]
        assert (received["Received"], received["Muted"], received["Delivered"]) == (count, count // 5, count * 4 // 5)
        assert sum(len(line["event_ids"]) for line in here.function.of("delivery")) == count * 4 // 5
        assert len(here.slack.posts) == -(-count * 4 // 5 // 5_000)
        assert peak(here.function) < 160
