"""Events through EventBridge and a queue, two workers and a Slack that misbehaves; workers killed, policies swapped on the way.

Nothing may be lost, and every claim is counted. `python tests/chaos.py [EVENTS] [SEED] [ZIP]` prints the table; AWS and Slack are
simulated over HTTP, the function runs under AWS's own runtime client. Workers are killed at random, and right after Slack took a
message, before they can say that it did.
"""

from __future__ import annotations

import base64
import json
import random
import re
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from builders import record
from delivery_proof import DeliveryProof
from leaks import leaks
from outbox_world import TABLE
from runtime_api import ROOT, Lambda
from simulated_aws import SimulatedAws
from simulated_dynamodb import SimulatedDynamoDB
from stub_slack import StubSlack

from engine.active_policies import accepted
from engine.edge.published import METADATA, S3Store
from engine.policy.poller import Copy
from engine.policy.published import pack, placed
from engine.policy.source import Source, parse_source

POLICIES = """
version: 1
name: base
owner: security
channels:
  - {name: watch, webhook: {env: SLACK_WEBHOOK_URL}, masking_floor: open, fallback: ops, digest: {after: 3, by: [bucket]}}
  - {name: ops, webhook: {env: SLACK_WEBHOOK_OPS}, masking_floor: open, digest: {after: 2, by: [bucket]}}
  - {name: dead, webhook: {env: SLACK_WEBHOOK_DEAD}, masking_floor: open, fallback: ops}
  - {name: rotated, webhook: {secret: "trailbell/NAME"}, masking_floor: hashed, digest: {after: 3, by: [bucket]}}
masking: [{level: hashed, fields: {event: keep, bucket: keep, name: hash}}]
default: {notify: [watch], masking: open}
routes:
  - {id: job, when: "glob(key, 'job/*') && glob(bucket, 'bucket-*')", mute: a nightly job, everyone: true}
  - {id: dead, when: "glob(key, 'dead/*')", notify: [dead]}
  - {id: rotated, when: "glob(key, 'rotated/*')", notify: [rotated], masking: hashed}
"""
MUTES_ALL = "  - {id: all, when: \"glob(bucket, '*')\", mute: whoever publishes this is not us}\n"
MISTAKEN = "  - {id: mistaken, when: readOnly == 'true', notify: [watch]}\n"
"""Routes of sets that must never be in force: one that is not signed, one that the linter refuses."""
FAULTS = ("ok", "ok", "ok", "ok", "slow", "429", "500", "502", "reset", "200-without-ok", "garbage")
SLOW_FAULTS = ("hang", "trickle")
"""Each takes a post's whole patience; there are few."""
LEAST_BATCH, MOST_BATCHES = 50, 30
VISIBILITY = 3
RECEIVES = 200
PATIENCE = 1_800.0
ROTATES = 8.0
"""Seconds after which the secret whose webhook Slack refuses is renewed."""
SWAPS = 4.0
"""Seconds between two policy sets."""
WAITING = 3
"""Batches that wait or are in hand at once: they come as they would in a day, and not all before the first is looked at."""
POISON = "{poison"
COUNTED = re.compile(r"([0-9,]+) × (?:Get|Head|List|Put|Post|Copy|Upload|Delete|Complete)")
"""How the footer of a message counts several events."""
FOLDED = re.compile(r"incidents\W* with ([0-9,]+) events")
"""How the text of a message about several incidents counts their events."""


@dataclass
class Report:
    """What became of everything, in counts."""

    events: int
    seed: int
    duplicates_sent: int = 0
    poison: int = 0
    kills: int = 0
    kills_after_ok: int = 0
    posts: int = 0
    seconds: float = 0.0
    heard: Counter[str] = field(default_factory=Counter)
    muted: int = 0
    missing: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)
    dead_letters: int = 0
    healthy_dead_letters: int = 0
    repeated: int = 0
    counted: int = 0
    secrets_logged: int = 0
    unbalanced: int = 0
    refused: int = 0
    published: int = 0
    sets_refused: int = 0
    sets_told: int = 0
    strangers: int = 0
    batch: int = LEAST_BATCH

    @property
    def holds(self) -> bool:
        """Nothing lost or left over; told twice at most what a killed worker had in its hands."""
        wrong = (self.missing, self.healthy_dead_letters, self.unbalanced, self.refused, self.strangers, self.secrets_logged)
        unavoidable = (self.kills + self.kills_after_ok) * self.batch
        counted = len(self.heard) <= self.counted <= len(self.heard) + unavoidable
        return not any(wrong) and not self.unproved and counted and self.repeated <= unavoidable and self.sets_refused > 0

    def table(self) -> str:
        """Two columns."""
        rows = [
            ("events", self.events),
            ("duplicates sent besides", self.duplicates_sent),
            ("poison messages", self.poison),
            ("workers killed at random", self.kills),
            ("workers killed right after Slack's ok", self.kills_after_ok),
            ("posts that Slack took or refused", self.posts),
            ("events told in Slack", len(self.heard)),
            ("the same by what Slack's messages say", self.counted),
            ("events muted", self.muted),
            ("events lost", len(self.missing)),
            ("not proved by the audit log alone", len(self.unproved)),
            ("events told twice", self.repeated),
            ("dead letters", self.dead_letters),
            ("of them healthy", self.healthy_dead_letters),
            ("invocations that do not add up", self.unbalanced),
            ("messages beyond Slack's limits", self.refused),
            ("policy sets published meanwhile", self.published),
            ("sets refused, by worker", self.sets_refused),
            ("messages about sets", self.sets_told),
            ("decisions by a set not ours", self.strangers),
            ("secrets in the log", self.secrets_logged),
            ("seconds", round(self.seconds)),
        ]
        return "\n".join([f"seed {self.seed}", *(f"{name:<40}{count:>8}" for name, count in rows)])


class Chaos:
    """One run, from its seed."""

    def __init__(self, events: int, seed: int, *, kills: int = 4, slow_faults: int = 6, task: Path = ROOT) -> None:
        self.random = random.Random(seed)  # noqa: S311  not for secrets
        self.report = Report(events, seed, batch=max(LEAST_BATCH, events // MOST_BATCHES))
        self._kills = kills
        self._task = task
        self._faults = [self.random.choice(FAULTS) for _ in range(min(200, events // 40))]
        for _ in range(slow_faults):
            self._faults.insert(self.random.randrange(min(60, len(self._faults) + 1)), self.random.choice(SLOW_FAULTS))
        self.name = f"chaos-{uuid.uuid4().hex[:8]}"
        self._kills_after_ok = kills
        self._workers: dict[str, Lambda] = {}
        self._outputs: list[str] = []
        self._lines: list[Any] = []
        self._done = threading.Event()
        self._all_sent = threading.Event()
        self._taken_away = [0, 0]
        self._sent: dict[str, str] = {}

    def run(self) -> Report:
        """Everything, to the end of the queue."""
        began = time.monotonic()
        with SimulatedAws() as aws, SimulatedDynamoDB() as table:
            self._run(aws.url, table.url)
        self.report.seconds = time.monotonic() - began
        return self.report

    def _run(self, aws: str, table: str) -> None:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "eu-west-1"}
        sqs = boto3.client("sqs", endpoint_url=aws, **keys)
        self._table = boto3.client("dynamodb", endpoint_url=table, **keys)
        self._table.create_table(TableName=self.name, **TABLE)
        dead = sqs.create_queue(QueueName=f"{self.name}-dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": str(RECEIVES)})
        attributes = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": redrive}
        url = sqs.create_queue(QueueName=self.name, Attributes=attributes)["QueueUrl"]
        with StubSlack() as slack:
            slack.script("watch", *self._faults, "ok")
            slack.script("dead", "404")
            slack.script("rotated/old", "403")
            slack.after_ok = self._kill_after_ok
            secrets = boto3.client("secretsmanager", endpoint_url=aws, **keys)
            secrets.create_secret(Name=f"trailbell/{self.name}", SecretString=slack.url("rotated/old"))
            hash_key = base64.b64encode(self.random.randbytes(32)).decode()
            secrets.create_secret(Name=f"trailbell/{self.name}/hash", SecretString=json.dumps({"epoch": "1", "key": hash_key}))
            publisher = Publisher(self, aws, keys)
            environment = {
                "SLACK_WEBHOOK_OPS": slack.url("ops"),
                "SLACK_WEBHOOK_DEAD": slack.url("dead"),
                "TRAILBELL_WEBHOOK_HOSTS": slack.host,
                "TRAILBELL_HASH_KEY_SECRET": f"trailbell/{self.name}/hash",
                "TRAILBELL_POLICIES": publisher.url,
                "TRAILBELL_POLICIES_KEY": publisher.key,
                "TRAILBELL_POLICIES_SECONDS": "2",
                "TRAILBELL_DELIVERY_TABLE": self.name,
                "AWS_ENDPOINT_URL": aws,
                "AWS_ENDPOINT_URL_DYNAMODB": table,
            }
            swapping = threading.Thread(target=publisher.swap, args=(self._done,))
            rotating = threading.Timer(
                ROTATES,
                secrets.put_secret_value,
                (),
                {"SecretId": f"trailbell/{self.name}", "SecretString": slack.url("rotated/new")},
            )
            sending = threading.Thread(target=self._send, args=(boto3.client("events", endpoint_url=aws, **keys), sqs, url))
            workers = [
                threading.Thread(
                    target=self._work, args=({**environment, "SLACK_WEBHOOK_URL": slack.url(f"watch?{number}")}, sqs, url, number)
                )
                for number in range(2)
            ]
            for thread in (swapping, rotating, sending, *workers):
                thread.start()
            for thread in (sending, *workers):
                thread.join()
            self._done.set()
            swapping.join()
            rotating.join()
            self._judge(slack, publisher)
            self._look_for_secrets((slack.host, hash_key))
        self._dead_letters(sqs, dead)

    def _send(self, events: Any, sqs: Any, url: str) -> None:
        """Put all events on the bus, with duplicates, and poison into the queue, as fast as they are taken away."""
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=self.name, EventPattern=json.dumps({"source": [self.name]}))
        events.put_targets(Rule=self.name, Targets=[{"Id": "queue", "Arn": arn}])
        details = self._details()
        self.report.poison = max(1, self.report.events // 100)
        sqs.send_message(QueueUrl=url, MessageBody=POISON)
        shape = {"Source": self.name, "DetailType": "AWS API Call via CloudTrail"}
        for number, start in enumerate(range(0, len(details), 10)):
            while start - sum(self._taken_away) > WAITING * self.report.batch and not self._done.wait(0.02):
                pass
            events.put_events(Entries=[{**shape, "Detail": detail} for detail in details[start : start + 10]])
            if 0 < number < self.report.poison:
                sqs.send_message(QueueUrl=url, MessageBody=POISON)
        self._all_sent.set()

    def _details(self) -> list[str]:
        """Every event, some twice, in any order; the kinds by event id are kept."""
        details = []
        for number in range(self.report.events):
            kind = self.random.choice(("reads", "reads", "reads", "job", "dead", "rotated"))
            name, bucket = f"event-{number:05}", f"bucket-{self.random.randrange(5)}"
            self._sent[name] = kind
            detail = json.dumps(record(eventID=name, requestParameters={"bucketName": bucket, "key": f"{kind}/{number}"}))
            copies = 1 + (self.random.random() < 0.27)
            self.report.duplicates_sent += copies - 1
            details += [detail] * copies
        self.random.shuffle(details)
        return details

    def _work(self, environment: dict[str, str], sqs: Any, url: str, number: int) -> None:
        """Poll and invoke, as Lambda's event source mapping does, until nothing but poison is left."""
        try:
            self._worked(environment, sqs, url, number)
        except BaseException:
            self._done.set()  # or whoever sends would wait for ever
            raise

    def _worked(self, environment: dict[str, str], sqs: Any, url: str, number: int) -> None:
        ends, idle = time.monotonic() + PATIENCE, 0
        with Lambda(environment, self._task) as function:
            function.timeout = 8.0
            self._workers[str(number)] = function
            while (idle < VISIBILITY + 3 or not self._all_sent.is_set() or self._owed()) and time.monotonic() < ends:
                messages = self._received(sqs, url)
                if all(message["Body"] == POISON for message in messages):
                    idle += 1
                    time.sleep(1)
                    function.invoke({"trailbell": "drain"})
                    if not messages:
                        continue
                else:
                    idle = 0
                killer = self._killer(function)
                invoked = function.invoke({"Records": [_item(message) for message in messages]})
                killer.cancel()
                if invoked.error is None:
                    failed = {one["itemIdentifier"] for one in invoked.answer["batchItemFailures"]}
                    done = [message for message in messages if message["MessageId"] not in failed]
                    self._taken_away[number] += self._deleted(sqs, url, done)
        self._outputs.append(function.output)
        self._lines += function.lines()

    def _owed(self) -> bool:
        """Whether the outbox owes anybody anything."""
        owing = {"FilterExpression": "attribute_exists(owed)", "Select": "COUNT"}
        return self._table.scan(TableName=self.name, **owing)["Count"] > 0

    def _received(self, sqs: Any, url: str) -> list[Any]:
        messages: list[Any] = []
        while len(messages) < self.report.batch:
            some = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
            if not some:
                break
            messages += some
        return messages

    @staticmethod
    def _deleted(sqs: Any, url: str, messages: list[Any]) -> int:
        """How many messages are away now."""
        count = 0
        for start in range(0, len(messages), 10):
            some = messages[start : start + 10]
            entries = [{"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(some)]
            # moto refuses a handle that is out of date; SQS takes it.
            count += len(sqs.delete_message_batch(QueueUrl=url, Entries=entries).get("Successful", []))
        return count

    def _killer(self, function: Lambda) -> threading.Timer:
        """Kills a worker in the middle of what it does, a few times in a run."""

        def kill() -> None:
            self.report.kills += 1
            function.crash()

        dice = self.random.random()
        timer = threading.Timer(0.2 + dice, kill)
        if self._kills > 0 and dice < 0.4:
            self._kills -= 1
            timer.start()
        return timer

    def _kill_after_ok(self, worker: str) -> None:
        """Kills the worker whose message Slack has just taken, a few times in a run."""
        if worker and self._kills_after_ok > 0 and self.random.random() < 0.2:
            self._kills_after_ok -= 1
            self.report.kills_after_ok += 1
            self._workers[worker].crash()

    # --- what became of it -----------------------------------------------------------------------------------------------

    def _judge(self, slack: StubSlack, publisher: Publisher) -> None:
        report, sent = self.report, self._sent
        report.published = publisher.count
        report.posts, report.refused = len(slack.posts), len(slack.refused)
        decided: set[str] = set()
        self._count_deliveries()
        for line in self._lines:
            if line.get("type") == "decision":
                decided.add(line["decision"]["event_id"])
                report.strangers += line["decision"]["revision"] not in publisher.good
            elif "PolicySetRefused" in line:
                report.sets_refused += line["PolicySetRefused"]
            elif "Received" in line:
                report.unbalanced += line["DoesNotAddUp"]
        texts = [payload["text"] for _, payload in slack.posts if payload]
        report.sets_told = sum(_of_sets(text) for text in texts)
        report.counted = sum(_events(payload) for payload in slack.taken if not _of_sets(payload["text"]))
        report.muted = sum(kind == "job" and name in decided for name, kind in sent.items())
        report.missing = [name for name, kind in sent.items() if kind != "job" and name not in report.heard]

    def _count_deliveries(self) -> None:
        """What the audit log alone proves: each event that was asked for is in one message, and repeats say what they are."""
        proof = DeliveryProof(self._lines)
        self.report.unproved = proof.problems()
        self.report.repeated = proof.repeated
        for place, names in proof.events.items():
            if proof.told[place]:
                self.report.heard.update(names)

    def _look_for_secrets(self, secrets: tuple[str, ...]) -> None:
        """Slack's address, which every webhook here begins with, the hash key, and whatever looks like a secret."""
        for output in self._outputs:
            self.report.secrets_logged += sum(output.count(secret) for secret in secrets) + len(leaks(output.encode()))

    def _dead_letters(self, sqs: Any, dead: str) -> None:
        while messages := sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages", []):
            self.report.dead_letters += len(messages)
            self.report.healthy_dead_letters += sum(message["Body"] != POISON for message in messages)


class Publisher:
    """Swaps the policy set while the workers run: for other good ones, for unsigned ones, and for ones with a mistake."""

    def __init__(self, chaos: Chaos, aws: str, keys: dict[str, str]) -> None:
        def client(service: str) -> Any:
            return boto3.client(service, endpoint_url=aws, **keys)

        name = chaos.name
        self._s3 = client("s3")
        self._s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": keys["region_name"]})
        self._s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        self.key = client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        self.url = f"s3://{name}/policies"
        self._at = {"Bucket": name, "Key": "policies"}
        self._store = S3Store(self.url, self.key, Copy, client)
        self._text = POLICIES.replace("NAME", name)
        self.good: set[str] = set()
        self.count = 0
        self._publish(0)

    def swap(self, done: threading.Event) -> None:
        """One set after another, until all is done."""
        while not done.wait(SWAPS):
            (self._publish, self._forge, self._mistake)[self.count % 3](self.count)

    def _publish(self, number: int) -> None:
        content, sources = self._packed(self._text.replace("owner: security", f"owner: security-{number}"))
        self.good.add(accepted(sources, None).revision)
        self._sign(content)
        self.count += 1

    def _forge(self, _: int) -> None:
        self._s3.put_object(**self._at, Body=self._packed(self._text + MUTES_ALL)[0], Metadata={METADATA: "Zm9yZ2Vk"})
        self.count += 1

    def _mistake(self, _: int) -> None:
        self._sign(self._packed(self._text + MISTAKEN)[0])
        self.count += 1

    def _sign(self, content: bytes) -> None:
        self._store.publish(placed(content, self.url, time.time_ns() // 1_000_000, None))

    @staticmethod
    def _packed(text: str) -> tuple[bytes, list[Source]]:
        sources = [parse_source(text.encode(), "policies/base.yaml")]
        return pack(sources, Path("policies"), None), sources


def _of_sets(text: str) -> bool:
    """Whether a message is about policy sets."""
    return "policies changed" in text or "was refused" in text


def _events(payload: dict[str, Any]) -> int:
    """How many events a message says that it tells; without blocks, its text has the footer, too."""
    blocks = payload.get("blocks", ())
    footers = [element["text"] for block in blocks if block["type"] == "context" for element in block["elements"]]
    folded = FOLDED.search(payload["text"])
    if folded:
        return int(folded[1].replace(",", ""))
    counts = [int(count.replace(",", "")) for text in footers or [payload["text"]] for count in COUNTED.findall(text)]
    return sum(counts) or 1


def _item(message: dict[str, Any]) -> dict[str, Any]:
    return {"messageId": message["MessageId"], "eventSource": "aws:sqs", "body": message["Body"]}


def main(words: list[str]) -> int:
    """`[EVENTS] [SEED] [ZIP]`: the table; the zip is what `trailbell build` made, instead of this folder."""
    events, seed = int(words[0]) if words else 2_000, int(words[1]) if len(words) > 1 else 1
    with tempfile.TemporaryDirectory() as folder:
        if len(words) > 2:
            zipfile.ZipFile(words[2]).extractall(folder)
        report = Chaos(events, seed, task=Path(folder) if len(words) > 2 else ROOT).run()
    print(report.table())  # noqa: T201  what it is for
    return int(not report.holds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
