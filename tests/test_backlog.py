"""Ten thousand events waiting and a Slack that takes one message a second: in virtual time, how long until all are told, and how.

`-s` prints the table; docs/operations.md tells it.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import record
from templates import template

from engine.active_policies import accepted
from engine.model import Deployment, HttpResponse, Ports
from engine.pipeline.batch import run
from engine.pipeline.decode import decode
from engine.pipeline.response import lambda_response
from engine.pipeline.setting import Setting
from engine.policy.source import parse_source

POLICIES = """\
version: 1
name: base
owner: security
channels:
  - {name: watch, webhook: {env: SLACK_WEBHOOK_URL}, DIGEST}
masking: [{level: standard, fields: {time: keep, event: keep, bucket: keep, key: keep, name: keep, event_id: keep}}]
default: {notify: [watch], masking: standard}
"""
BEGAN = datetime(2026, 11, 24, tzinfo=UTC)
EVENTS = 10_000
BATCH, TIMEOUT, VISIBILITY, TRIES = 50, 57.0, 370.0, 12
"""The template's, without the reserve."""
RESERVE = 3.0
HOUR = 3_600.0
POST = 0.1
"""Seconds that one post takes."""


@dataclass
class Backlog:
    """A queue, one function and its webhooks, in virtual seconds. `post_takes`: how long each post does."""

    setting: Setting
    at: float = 0.0
    post_takes: float = POST
    messages: int = 0
    refused: int = 0
    down_until: float = 0.0
    last_taken: dict[str, float] = field(default_factory=dict)
    waiting: deque[tuple[float, str]] = field(default_factory=deque)
    receives: Counter[str] = field(default_factory=Counter)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)
    booked: dict[str, list[str]] = field(default_factory=dict)

    def post(self, url: str, _: bytes, __: float) -> HttpResponse:
        """Slack: one message a second for each webhook."""
        self.at += self.post_takes
        if self.at < self.down_until:
            return HttpResponse(503, "")
        if self.at - self.last_taken.get(url, -1.0) < 1.0:
            self.refused += 1
            return HttpResponse(429, "rate_limited", retry_after=1.0)
        self.last_taken[url] = self.at
        self.messages += 1
        return HttpResponse(200, "ok")

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        self.at += seconds

    def emit(self, line: str) -> None:
        """What the log hears."""
        told = json.loads(line)
        for part in told.get("incidents", ()):
            if told["outcome"] == "booked":
                self.booked.setdefault(part["incident"], []).extend(told["event_ids"])
            elif told["outcome"] in {"delivered", "digested"}:
                self.told.update((told["channel"], one) for one in self.booked[part["incident"]][part["from"] - 1 : part["to"]])

    def drain(self) -> None:
        """Invoke until nothing waits."""
        while self.waiting:
            self.at = max(self.at, self.waiting[0][0])
            bodies = [self.waiting.popleft()[1] for _ in range(min(BATCH, len(self.waiting)))]
            began = self.at
            ports = Ports(
                post=self.post,
                webhook=lambda ref, _=False: f"https://hooks.slack.com/services/T/B/{ref.env}",
                emit=self.emit,
                now=lambda: BEGAN + timedelta(seconds=self.at),
                elapsed=lambda: self.at,
                sleep=self.sleep,
                remaining=lambda began=began: TIMEOUT - (self.at - began),
            )
            items = [{"messageId": str(place), "eventSource": "aws:sqs", "body": body} for place, body in enumerate(bodies)]
            payload = {"Records": items}
            self.receives.update(bodies)
            assert max(self.receives.values()) <= TRIES, "it would lie among the dead letters"
            result = run(decode(payload, _no_file), self.setting, ports)
            again: Any = lambda_response(payload, result.failed_items)
            for one in again["batchItemFailures"]:
                self.waiting.append((self.at + VISIBILITY, bodies[int(one["itemIdentifier"])]))
            self.waiting = deque(sorted(self.waiting, key=lambda entry: entry[0]))


def _no_file(_: str, __: str) -> Any:
    raise AssertionError("no log file here")


def drained(digest: str, events: int = EVENTS, down_for: float = 0.0) -> Backlog:
    return drained_by(POLICIES.replace("DIGEST", digest), events, down_for)


def drained_by(text: str, events: int, down_for: float = 0.0, post_takes: float = POST) -> Backlog:
    policies = accepted([parse_source(text.encode(), "base.yaml")], None)
    backlog = Backlog(Setting(policies, Deployment()), post_takes=post_takes, down_until=down_for)
    for number in range(events):
        parameters = {"bucketName": f"bucket-{number % 5}", "key": f"{number}.csv"}
        detail = record(eventID=f"event-{number:05}", requestParameters=parameters)
        backlog.waiting.append(
            (0.0, json.dumps({"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": detail}))
        )
    backlog.drain()
    return backlog


@pytest.mark.parametrize(
    ("digest", "most_messages", "most_minutes"),
    [
        ("digest: {after: 5, by: [bucket]}", 1_000, 20),
        ("digest: {after: 1, by: [name]}", 210, 5),
        ("masking_floor: standard", 1_000, 20),
    ],
    ids=["like events by bucket", "all like events", "no digest"],
)
def test_a_backlog_is_told_whole_in_time_and_nothing_healthy_dies(digest: str, most_messages: int, most_minutes: int) -> None:
    backlog = drained(digest)
    minutes, receives = backlog.at / 60, max(backlog.receives.values())
    print(f"{digest}: {backlog.messages} messages, last after {minutes:.0f} min, {receives} receives")  # noqa: T201  -s shows it
    assert len(backlog.told) == EVENTS
    assert max(backlog.receives.values()) == 1, "no receive is used up by Slack's rate"
    assert backlog.messages <= most_messages
    assert backlog.at <= most_minutes * 60


@pytest.mark.parametrize(
    ("channels", "webhooks", "post_takes"), [(2, 1, 0.1), (3, 1, 0.1), (25, 1, 0.1), (10, 10, 0.3), (25, 25, 0.3), (6, 2, 0.5)]
)
def test_many_channels_are_told_of_each_event_once_and_at_the_first_receive(
    channels: int, webhooks: int, post_takes: float
) -> None:
    entries = "".join(
        f"\n  - {{name: c{number}, webhook: {{env: SLACK_WEBHOOK_URL_{number % webhooks}}}}}" for number in range(channels)
    )
    names = ", ".join(f"c{number}" for number in range(channels))
    text = POLICIES.replace("\n  - {name: watch, webhook: {env: SLACK_WEBHOOK_URL}, DIGEST}", entries)
    backlog = drained_by(text.replace("[watch]", f"[{names}]"), 2 * BATCH, post_takes=post_takes)
    assert max(backlog.receives.values()) == 1, "no receive is used up by Slack's rate, nor by the time that posts take"
    assert set(backlog.told.values()) == {1}
    assert len(backlog.told) == channels * 2 * BATCH


@pytest.mark.parametrize("events", [1, BATCH, 2_000])
def test_an_hour_without_slack_kills_nothing_healthy(events: int) -> None:
    backlog = drained("digest: {after: 5, by: [bucket]}", events, HOUR)
    receives = max(backlog.receives.values())
    print(f"{events} events, an hour without Slack: last after {backlog.at / 60:.0f} min, {receives} receives")  # noqa: T201
    assert len(backlog.told) == events
    assert receives <= TRIES
    assert receives <= HOUR // VISIBILITY + 2, "a try in each time of hiding, and the one that was under way"


def test_the_numbers_are_the_templates() -> None:
    parameters = template()["Parameters"]
    names = ("BatchSize", "VisibilityTimeout", "MaxReceiveCount")
    assert [parameters[name]["Default"] for name in names] == [BATCH, VISIBILITY, TRIES]
    assert parameters["Timeout"]["Default"] - RESERVE == TIMEOUT
