"""Events through a queue, two workers and a Slack that misbehaves, workers killed on the way: nothing lost, every claim counted.

`python tests/chaos.py [EVENTS] [SEED]` prints the table; the queue, DynamoDB and the runtime client are simulated over HTTP.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from builders import record
from moto.server import ThreadedMotoServer
from runtime_api import Lambda
from stub_slack import StubSlack

POLICIES = """
version: 1
name: base
owner: security
channels:
  - {name: watch, webhook: {env: SLACK_WEBHOOK_URL}, masking_floor: open, fallback: ops, digest: {after: 3, by: [bucket]}}
  - {name: ops, webhook: {env: SLACK_WEBHOOK_OPS}, masking_floor: open}
  - {name: dead, webhook: {env: SLACK_WEBHOOK_DEAD}, masking_floor: open, fallback: ops}
default: {notify: [watch], masking: open}
routes:
  - {id: job, when: "glob(key, 'job/*')", mute: a nightly job}
  - {id: dead, when: "glob(key, 'dead/*')", notify: [dead]}
"""
FAULTS = ("ok", "ok", "ok", "ok", "slow", "429", "500", "502", "reset", "200-without-ok")
BATCH = 25
VISIBILITY = 3
RECEIVES = 60
PATIENCE = 240.0


@dataclass
class Report:
    """What became of everything, in counts."""

    events: int
    seed: int
    duplicates_sent: int = 0
    poison: int = 0
    kills: int = 0
    posts: int = 0
    seconds: float = 0.0
    heard: Counter[str] = field(default_factory=Counter)
    muted: int = 0
    missing: list[str] = field(default_factory=list)
    dead_letters: int = 0
    healthy_dead_letters: int = 0
    repeated: int = 0
    unbalanced: int = 0
    refused: int = 0

    @property
    def holds(self) -> bool:
        """Nothing lost or left over; told twice at most what a killed worker had in its hands."""
        wrong = (self.missing, self.healthy_dead_letters, self.unbalanced, self.refused)
        return not any(wrong) and self.repeated <= self.kills * BATCH

    def table(self) -> str:
        """Two columns."""
        rows = [
            ("events", self.events),
            ("duplicates sent besides", self.duplicates_sent),
            ("poison messages", self.poison),
            ("workers killed", self.kills),
            ("posts that Slack took or refused", self.posts),
            ("events told in Slack", len(self.heard)),
            ("events muted", self.muted),
            ("events lost", len(self.missing)),
            ("events told twice", self.repeated),
            ("dead letters", self.dead_letters),
            ("of them healthy", self.healthy_dead_letters),
            ("invocations that do not add up", self.unbalanced),
            ("messages beyond Slack's limits", self.refused),
            ("seconds", round(self.seconds)),
        ]
        return "\n".join([f"seed {self.seed}", *(f"{name:<34}{count:>8}" for name, count in rows)])


class Chaos:
    """One run, from its seed."""

    def __init__(self, events: int, seed: int, *, kills: int = 4) -> None:
        self.random = random.Random(seed)  # noqa: S311  not for secrets
        self.report = Report(events, seed)
        self._kills = kills
        self._name = f"chaos-{uuid.uuid4().hex[:8]}"
        self._busy = threading.Semaphore(0)
        self._lines: list[Any] = []
        self._done = threading.Event()

    def run(self) -> Report:
        """Everything, to the end of the queue."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        began = time.monotonic()
        try:
            self._run("http://{}:{}".format(*server.get_host_and_port()))
        finally:
            server.stop()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _run(self, aws: str) -> None:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "eu-west-1"}
        sqs = boto3.client("sqs", endpoint_url=aws, **keys)
        boto3.client("dynamodb", endpoint_url=aws, **keys).create_table(
            TableName=self._name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dead = sqs.create_queue(QueueName=f"{self._name}-dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": str(RECEIVES)})
        attributes = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": redrive}
        url = sqs.create_queue(QueueName=self._name, Attributes=attributes)["QueueUrl"]
        sent = self._send(sqs, url)
        with tempfile.TemporaryDirectory() as folder, StubSlack() as slack:
            (Path(folder) / "base.yaml").write_text(POLICIES, encoding="utf-8")
            slack.script("watch", *(self.random.choice(FAULTS) for _ in range(200)), "ok")
            slack.script("dead", "404")
            environment = {
                "SLACK_WEBHOOK_URL": slack.url("watch"),
                "SLACK_WEBHOOK_OPS": slack.url("ops"),
                "SLACK_WEBHOOK_DEAD": slack.url("dead"),
                "TRAILBELL_WEBHOOK_HOSTS": slack.host,
                "TRAILBELL_POLICIES": folder,
                "TRAILBELL_DELIVERY_TABLE": self._name,
                "AWS_ENDPOINT_URL": aws,
            }
            workers = [threading.Thread(target=self._work, args=(environment, aws, url, number)) for number in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            self._judge(slack, sent)
        self._dead_letters(sqs, dead)

    def _send(self, sqs: Any, url: str) -> dict[str, str]:
        """Put all events into the queue, with duplicates and poison among them; the keys by event id."""
        sent: dict[str, str] = {}
        bodies = []
        for number in range(self.report.events):
            kind = self.random.choice(("reads", "reads", "reads", "job", "dead"))
            name, bucket = f"event-{number:05}", f"bucket-{self.random.randrange(5)}"
            sent[name] = kind
            detail = record(eventID=name, requestParameters={"bucketName": bucket, "key": f"{kind}/{number}"})
            body = json.dumps({"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": detail})
            copies = 1 + (self.random.random() < 0.27)
            self.report.duplicates_sent += copies - 1
            bodies += [body] * copies
        self.report.poison = max(1, self.report.events // 100)
        bodies += ["{poison"] * self.report.poison
        self.random.shuffle(bodies)
        for start in range(0, len(bodies), 10):
            entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies[start : start + 10])]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)
        return sent

    def _work(self, environment: dict[str, str], aws: str, url: str, number: int) -> None:
        """Poll and invoke, as Lambda's event source mapping does, until nothing but poison is left."""
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "eu-west-1"}
        sqs = boto3.client("sqs", endpoint_url=aws, **keys)
        ends, idle = time.monotonic() + PATIENCE, 0
        with Lambda(environment) as function:
            function.timeout = 12.0
            while idle < VISIBILITY + 3 and time.monotonic() < ends:
                messages = self._received(sqs, url)
                if all(message["Body"] == "{poison" for message in messages):
                    idle += 1
                    time.sleep(1)
                    if not messages:
                        continue
                else:
                    idle = 0
                killer = self._killer(function, number)
                invoked = function.invoke({"Records": [_item(message) for message in messages]})
                killer.cancel()
                if invoked.error is None:
                    failed = {one["itemIdentifier"] for one in invoked.answer["batchItemFailures"]}
                    for message in messages:
                        if message["MessageId"] not in failed:
                            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        self._lines += function.lines()

    def _received(self, sqs: Any, url: str) -> list[Any]:
        messages: list[Any] = []
        while len(messages) < BATCH:
            some = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
            if not some:
                break
            messages += some
        return messages

    def _killer(self, function: Lambda, number: int) -> threading.Timer:
        """Kills a worker in the middle of what it does, a few times in a run."""

        def kill() -> None:
            self.report.kills += 1
            function.crash()

        dice = self.random.random()
        timer = threading.Timer(0.2 + dice, kill)
        if number == 0 and self._kills > 0 and dice < 0.4:
            self._kills -= 1
            timer.start()
        return timer

    # --- what became of it -----------------------------------------------------------------------------------------------

    def _judge(self, slack: StubSlack, sent: dict[str, str]) -> None:
        report = self.report
        report.posts, report.refused = len(slack.posts), len(slack.refused)
        decided: set[str] = set()
        for line in self._lines:
            if line.get("type") == "delivery" and line["outcome"] in ("delivered", "digested", "fallback"):
                report.heard.update(name for name in line["event_ids"])
            elif line.get("type") == "decision":
                decided.add(line["decision"]["event_id"])
            elif "Received" in line:
                report.unbalanced += line["DoesNotAddUp"]
        report.muted = sum(kind == "job" and name in decided for name, kind in sent.items())
        report.missing = [name for name, kind in sent.items() if kind != "job" and name not in report.heard]
        report.repeated = sum(count > 1 for count in report.heard.values())

    def _dead_letters(self, sqs: Any, dead: str) -> None:
        while messages := sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages", []):
            self.report.dead_letters += len(messages)
            self.report.healthy_dead_letters += sum(message["Body"] != "{poison" for message in messages)


def _item(message: dict[str, Any]) -> dict[str, Any]:
    return {"messageId": message["MessageId"], "eventSource": "aws:sqs", "body": message["Body"]}


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    told = Chaos(count, int(sys.argv[2]) if len(sys.argv) > 2 else 1).run()
    print(told.table())  # noqa: T201  what it is for
    sys.exit(not told.holds)
