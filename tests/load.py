"""How many events one function takes in a second, and two, and what bounds them: as a table.

`python tests/load.py [EVENTS] [ZIP]`: the zip of `trailbell build` (without it this folder) under AWS's own runtime client, in
batches as the template's queue hands them out; Slack is simulated and answers at once, so that the function itself is seen.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from builders import record
from outbox_world import TABLE as DELIVERIES
from runtime_api import ROOT, Lambda
from simulated_dynamodb import SimulatedDynamoDB
from stub_slack import StubSlack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

POLICIES = """
version: 1
name: base
owner: security
channels: [{name: watch, webhook: {env: SLACK_WEBHOOK_URL}, masking_floor: open, digest: {after: 1, by: [name]}}]
default: {notify: [watch], masking: open}
routes: [{id: job, when: "glob(key, 'job/*') && bucket == 'payments'", mute: a nightly job, everyone: true}]
"""
BATCH = 50
"""The template's."""
TICKS = os.sysconf("SC_CLK_TCK")
TABLE = "deliveries"


class Load(NamedTuple):
    """What the function is given: the beginning of every key, and whether it asks the table of deliveries."""

    name: str
    key: str
    table: bool


LOADS = (
    Load("muted", "job", table=False),
    Load("posted", "reads", table=False),
    Load("posted, with the table of deliveries", "reads", table=True),
)


class Measured(NamedTuple):
    """Events a second, by the clock and by the processor's time of the function alone."""

    clock: float
    processor: float


def batches(load: Load, events: int) -> list[object]:
    """Payloads as a queue hands them out, no event in two of them."""
    made = []
    for start in range(0, events, BATCH):
        details = [
            record(eventID=f"{load.name}-{number}", requestParameters={"bucketName": "payments", "key": f"{load.key}/{number}"})
            for number in range(start, min(start + BATCH, events))
        ]
        bodies = [
            json.dumps({"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": one}) for one in details
        ]
        items = [{"messageId": f"{start}-{place}", "eventSource": "aws:sqs", "body": body} for place, body in enumerate(bodies)]
        made.append({"Records": items})
    return made


def measured(load: Load, workers: int, events: int, environment: Mapping[str, str], task: Path) -> Measured:
    """One load through so many functions at once. Raises AssertionError where an event was not done."""
    given = {**environment, "TRAILBELL_DELIVERY_TABLE": TABLE if load.table else ""}
    named = load._replace(name=f"{load.name} {workers}")
    payloads = batches(named, events)
    functions = [Lambda(given, task, timeout=60.0) for _ in range(workers)]
    for function in functions:
        function.__enter__()
    try:
        for number, function in enumerate(functions):
            _invoke(function, batches(named._replace(name=f"{named.name} first {number}"), BATCH))
        processor, clock = sum(map(_processor, functions)), time.monotonic()
        threads = [threading.Thread(target=_invoke, args=(one, payloads[n::workers])) for n, one in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        clock, processor = time.monotonic() - clock, sum(map(_processor, functions)) - processor
    finally:
        for function in functions:
            function.__exit__(None, None, None)
    done = sum(
        line["Delivered"] + line["Booked"] + line["Muted"] for one in functions for line in one.lines() if "Received" in line
    )
    assert done == events + workers * BATCH, f"{done} events done of {events + workers * BATCH}"
    return Measured(events / clock, events / processor)


def _invoke(function: Lambda, payloads: Sequence[object]) -> None:
    for payload in payloads:
        invoked = function.invoke(payload)
        assert invoked.answer == {"batchItemFailures": []}, invoked


def _processor(function: Lambda) -> float:
    """Seconds of the processor that a function's process has had, in the program and in the kernel. Source: proc(5), stat."""
    fields = Path(f"/proc/{function.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rows(events: int, task: Path) -> Iterator[str]:
    """The table."""
    yield f"{'':<38}{'one worker':>12}{'two workers':>13}{'two : one':>11}{'a second of the processor':>27}{'clock it has':>14}"
    with SimulatedDynamoDB() as table, StubSlack() as slack:
        keys: dict[str, Any] = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-west-1"}
        boto3.client("dynamodb", endpoint_url=table.url, **keys).create_table(TableName=TABLE, **DELIVERIES)
        environment = {
            "SLACK_WEBHOOK_URL": slack.url("watch"),
            "TRAILBELL_WEBHOOK_HOSTS": slack.host,
            "TRAILBELL_POLICIES": str(task / "load-policies"),
            "AWS_ENDPOINT_URL": table.url,
        }
        for load in LOADS:
            one, two = (measured(load, workers, events, environment, task) for workers in (1, 2))
            yield (
                f"{load.name:<38}{one.clock:>12,.0f}{two.clock:>13,.0f}{two.clock / one.clock:>11.2f}"
                f"{one.processor:>27,.0f}{one.clock / one.processor:>14.0%}"
            )


def main(words: list[str]) -> int:
    """`[EVENTS] [ZIP]`: the table, in events a second; the last column is how much of the clock the function's own work takes."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder)
        if len(words) > 1:
            zipfile.ZipFile(words[1]).extractall(task)
        else:
            for name in ("lambda_entry.py", "engine", "schemas"):
                (task / name).symlink_to(ROOT / name)
        (task / "load-policies").mkdir()
        (task / "load-policies/base.yaml").write_text(POLICIES, encoding="utf-8")
        for row in rows(int(words[0]) if words else 5_000, task):
            print(row, flush=True)  # noqa: T201  what it is for
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
