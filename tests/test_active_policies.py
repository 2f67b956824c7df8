"""Policy sets published while the function runs: signed by KMS, stored in S3, followed under AWS's own runtime client."""

from __future__ import annotations

import base64
import json
import re
import shutil
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from builders import event, record
from click.testing import CliRunner
from runtime_api import Lambda
from stub_slack import StubSlack
from worlds import Memory
from worlds import World as Pipeline

from engine import active_policies
from engine import lint as lint_room
from engine.active_policies import LOOK_AGE_SECONDS, PolicyUpdater, accepted
from engine.cli import trailbell
from engine.edge.background import Background
from engine.edge.published import METADATA, S3Store
from engine.errors import PublishedSetError
from engine.model import Deployment
from engine.pipeline.batch import run
from engine.pipeline.posting import CLAIM_MIN_SECONDS
from engine.pipeline.setting import Setting
from engine.policy import poller
from engine.policy.emergency import emergency_set
from engine.policy.poller import Copy, PolicyPoller
from engine.policy.published import pack, placed, unpack
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
GOOD = """\
version: 1
name: base
owner: security
channels:
  - {name: watch, webhook: {env: SLACK_WEBHOOK_URL}}
masking:
  - level: standard
    fields: {time: keep, event: keep, bucket: keep}
default: {notify: [watch], masking: standard}
"""
OTHER = GOOD.replace("bucket: keep", "bucket: keep, key: keep")
LINTED = GOOD + "routes: [{id: r, when: readOnly == 'true', notify: [watch]}]\n"
MUTES_ALL = GOOD + "routes:\n  - {id: r, when: \"bucket == 'payments-prod'\", mute: everything, everyone: true}\n"
PATIENCE = 30.0


class World:
    """One bucket, one key, one Slack, and functions that follow."""

    def __init__(self, aws: str, bucket: str, slack: StubSlack, task: Path) -> None:
        self.aws, self.bucket, self.slack, self.task = aws, bucket, slack, task
        self.s3 = self.client("s3")
        self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        made = self.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.key = made["KeyMetadata"]["Arn"]
        self.url = f"s3://{bucket}/policies/current"
        self.number = 0

    def client(self, service: str) -> Any:
        """A boto3 client."""
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, endpoint_url=self.aws, region_name="eu-west-1", **keys)

    def publish(self, text: str, *, place: str | None = None) -> str:
        """A set of one file, signed, for its own place unless another is given; its version."""
        content = pack([parse_source(text.encode(), "policies/base.yaml")], Path("policies"), "0123456789abcdef")
        return self.sign(
            placed(content, place or self.url, time.time_ns() // 1_000_000, "arn:aws:iam::111122223333:user/publisher")
        )

    def sign(self, content: bytes) -> str:
        """These bytes, signed; their version."""
        return S3Store(self.url, self.key, Copy, self.client).publish(content)

    @contextmanager
    def function(self, **environment: str) -> Iterator[Lambda]:
        """A function that follows."""
        settings = {
            "SLACK_WEBHOOK_URL": self.slack.url("watch/token-w"),
            "TRAILBELL_WEBHOOK_HOSTS": self.slack.host,
            "TRAILBELL_POLICIES": self.url,
            "TRAILBELL_POLICIES_KEY": self.key,
            "TRAILBELL_POLICIES_SECONDS": "0",
            "AWS_ENDPOINT_URL": self.aws,
            **environment,
        }
        with Lambda(settings, self.task) as function:
            yield function

    def ring(self, function: Lambda, *, table_away: bool = False) -> str:
        """Invoke with a new event; the revision that decided it. While the table is away, the event is handed back."""
        self.number += 1
        detail = record(eventID=f"event-{self.number}", requestParameters={"bucketName": "payments-prod", "key": "a.csv"})
        before = len(function.of("decision"))
        invoked = function.invoke({"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": detail})
        assert table_away or invoked.error is None
        end = time.monotonic() + PATIENCE
        while len(function.of("decision")) == before and time.monotonic() < end:
            time.sleep(0.01)  # what was written is still being read
        (decision,) = function.of("decision")[before:]
        return str(decision["decision"]["revision"])

    def ring_until(self, function: Lambda, wanted: Any, *, table_away: bool = False) -> str:
        """Invoke until the set in force, or something told, is as wanted."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            revision = self.ring(function, table_away=table_away)
            if wanted(revision):
                return revision
        raise AssertionError(f"never so within {PATIENCE} seconds: {self.told()}")

    def told(self) -> list[str]:
        """What was said of Trailbell itself."""
        texts = [body["text"] for _, body in self.slack.posts]
        return [text for text in texts if any(word in text for word in ("policies changed", "was refused", "No policy set"))]


@pytest.fixture
def here(aws: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    task = tmp_path / "task"
    task.mkdir()
    shutil.copy(ROOT / "lambda_entry.py", task)
    for folder in ("engine", "schemas"):
        (task / folder).symlink_to(ROOT / folder)
    (task / "policies").mkdir()
    (task / "policies/base.yaml").write_text(GOOD.replace("time: keep, ", ""), encoding="utf-8")
    with StubSlack() as slack:
        name = re.sub("[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
        yield World(aws, f"{name}-{uuid.uuid4().hex[:8]}", slack, task)


def test_a_new_set_is_in_force_without_a_new_function_and_is_told(here: World) -> None:
    here.publish(GOOD)
    with here.function() as function:
        first = here.ring(function)
        assert len(here.told()) == 1
        here.publish(OTHER)
        second = here.ring_until(function, lambda revision: revision != first)
        assert [text.count("sha256:") > 0 for text in here.told()] == [True, True]
        assert first in here.told()[1]
        assert second in here.told()[1]
        assert "commit 0123456789ab" in here.told()[1]
        ages = [line["PolicySetAge"] for line in function.lines() if "PolicySetAge" in line]
        assert all(0 <= age < 3_600 for age in ages)
    with here.function() as function:
        assert here.ring(function) == second
        assert len(here.told()) == 2, "another start tells nothing anew"


def test_a_set_with_an_error_is_refused_told_once_and_survived_by_the_last_good_one(here: World) -> None:
    here.publish(GOOD)
    with here.function() as function:
        first = here.ring(function)
        here.publish(LINTED)
        here.ring_until(function, lambda _: len(here.told()) > 1)
        assert "base.yaml:10:36 [TB205]" in here.told()[1]
        for _ in range(3):
            assert here.ring(function) == first
        assert len(here.told()) == 2
    with here.function() as function:
        assert here.ring(function) == first
        assert len(here.told()) == 2
        refused = [
            line["PolicySetRefused"] for line in map(json.loads, function.output.splitlines()) if "PolicySetRefused" in line
        ]
        assert refused[0] == 1


def test_a_set_of_somebody_else_is_refused(here: World) -> None:
    here.publish(GOOD)
    with here.function() as function:
        first = here.ring(function)
        content = pack([parse_source(MUTES_ALL.encode(), "policies/base.yaml")], Path("policies"), None)
        for metadata in ({}, {METADATA: "bm90IGEgc2lnbmF0dXJl"}, {METADATA: "not base64"}):
            count = len(here.told())
            here.s3.put_object(Bucket=here.bucket, Key="policies/current", Body=content, Metadata=metadata)
            here.ring_until(function, lambda _, count=count: len(here.told()) > count)
            assert "its signature is not that of the key" in here.told()[-1]
            assert here.ring(function) == first


def test_a_signature_is_of_these_bytes_alone(here: World) -> None:
    here.publish(GOOD)
    signed = here.s3.get_object(Bucket=here.bucket, Key="policies/current")
    body = signed["Body"].read().replace(b"bucket: keep", b"source_ip: keep")
    here.s3.put_object(Bucket=here.bucket, Key="policies/current", Body=body, Metadata=signed["Metadata"])
    with here.function() as function:
        here.ring(function)
        assert "its signature is not that of the key" in here.told()[0]


def test_without_a_published_set_the_one_of_the_zip_is_in_force(here: World) -> None:
    with here.function() as function:
        here.ring(function)
        (told,) = here.told()
        assert "cannot be read (404)" in told
        assert "PolicySetAge" not in function.output
        here.publish(OTHER)
        here.ring_until(function, lambda _: any("policies changed" in text for text in here.told()))


def test_a_deleted_set_is_told_where_the_zips_comes_in_its_place(here: World) -> None:
    version = here.publish(GOOD)
    with here.function() as function:
        here.ring(function)
    for key, one in (("policies/current", version), ("policies/current.state", None)):
        here.s3.delete_object(Bucket=here.bucket, Key=key, **({"VersionId": one} if one else {}))
    before = len(here.told())
    with here.function() as function:
        here.ring(function)
        assert len(here.told()) == before + 1


def test_a_state_that_is_no_object_stops_neither_the_start_nor_a_new_set(here: World) -> None:
    here.publish(GOOD)
    here.s3.put_object(Bucket=here.bucket, Key="policies/current.state", Body=b"[]")
    with here.function() as function:
        first = here.ring(function)
        here.publish(OTHER)
        here.ring_until(function, lambda revision: revision != first)


def test_with_no_set_at_all_everything_rings_strictly_masked(here: World) -> None:
    (here.task / "policies/base.yaml").write_text("version: [", encoding="utf-8")
    here.publish(LINTED)
    with here.function() as function:
        here.ring(function)
        (told,) = here.told()
        assert "Every event rings here" in told
        (event,) = [body["text"] for _, body in here.slack.posts if body["text"] != told]
        assert "payments-prod" in event
        assert "203.0.113" not in event
        assert "a.csv" not in event
        here.publish(GOOD)
        here.ring_until(function, lambda _: any("policies changed" in text for text in here.told()))


def test_what_is_to_be_told_is_told_again_until_slack_takes_it(here: World) -> None:
    here.publish(GOOD)
    here.slack.script("watch/token-w", "200-without-ok", "ok")
    with here.function() as function:
        function.invoke({"Records": []})
        assert len(here.told()) == 1
        here.ring(function)
        assert len(here.told()) == 2, "it was told again"
        here.ring(function)
        assert len(here.told()) == 2, "and then no more"


def test_when_the_time_is_short_what_is_to_be_told_waits_for_the_next_events() -> None:
    store = Memory()
    store.publish(GOOD)
    world = Pipeline(seconds=CLAIM_MIN_SECONDS)
    following, background = PolicyPoller(store, accepted), Background[Any](60.0)
    followed = PolicyUpdater(following, background, lambda one: Setting(one, Deployment()), lambda: (emergency_set(), True))
    followed.post_notices(world.ports())
    assert world.posts == []
    world.seconds = 57.0
    followed.post_notices(world.ports())
    followed.post_notices(world.ports())
    assert len(world.posts) == 1


class Idle:
    """A store whose looks wait for `answers`, and a function that is idle for hours between two invocations."""

    def __init__(self, waits: float = 0.0) -> None:
        self.store, self.at, self.waits = Memory(), datetime(2026, 11, 1, tzinfo=UTC), waits
        self.store.publish(GOOD)
        poller = PolicyPoller(self.store, accepted)
        look = poller.look

        def slow(known: str | None) -> Any:
            time.sleep(self.waits)
            return look(known)

        self.world = Pipeline()
        self.updater = PolicyUpdater(
            poller,
            Background[Any](60.0, lambda: 0.0),
            lambda one: Setting(one, Deployment()),
            lambda: (emergency_set(), True),
            lambda: self.at,
        )
        poller.look = slow  # type: ignore[method-assign]

    def invoked(self, after: timedelta) -> str:
        """The revision that decides the next event."""
        self.at += after
        self.updater.update(self.world.ports()._replace(now=lambda: self.at))
        return self.updater.setting.policies.revision


def test_what_was_published_in_an_hour_without_events_decides_the_first_one() -> None:
    function = Idle()
    first = function.invoked(timedelta(seconds=1))
    function.store.publish(OTHER)
    assert function.invoked(timedelta(seconds=LOOK_AGE_SECONDS - 10)) == first, "the last look is not old: it waits for no look"
    assert function.invoked(timedelta(hours=1)) != first


def test_a_wrong_mute_is_gone_for_the_first_event_after_the_right_set_was_published() -> None:
    function = Idle()
    function.store.publish(MUTES_ALL)
    function.invoked(timedelta(hours=1))
    read = event(requestParameters={"bucketName": "payments-prod", "key": "a.csv"})
    run([read], function.updater.setting, function.world.ports())
    assert function.world.posts == []
    function.store.publish(GOOD)
    function.invoked(timedelta(hours=1))
    run([read], function.updater.setting, function.world.ports())
    assert len(function.world.posts) == 1


def test_a_store_that_hangs_is_waited_for_a_few_seconds_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active_policies, "LOOK_SECONDS", 1.0)
    function = Idle()
    first = function.invoked(timedelta(seconds=1))
    function.waits = 60.0
    function.store.publish(OTHER)
    began = time.monotonic()
    assert function.invoked(timedelta(hours=1)) == first
    waited = time.monotonic() - began
    assert 0.9 < waited < 20
    assert function.invoked(timedelta(seconds=1)) == first
    assert time.monotonic() - began < waited + 0.5


def test_where_the_time_is_short_no_look_is_waited_for() -> None:
    function = Idle(waits=60.0)
    function.world.seconds = active_policies.LOOK_SECONDS
    began = time.monotonic()
    function.invoked(timedelta(hours=1))
    assert time.monotonic() - began < active_policies.LOOK_SECONDS / 4


def create_table(here: World, table: str) -> None:
    here.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def test_with_a_table_of_deliveries_one_function_tells_for_all(here: World) -> None:
    table = f"{here.bucket}-deliveries"
    create_table(here, table)
    here.publish(GOOD)
    settings = {"TRAILBELL_DELIVERY_TABLE": table}
    with here.function(**settings) as one, here.function(**settings) as other:
        first = here.ring(one)
        assert here.ring(other) == first
        here.publish(OTHER)
        for function in (one, other):
            here.ring_until(function, lambda revision: revision != first)
        here.ring(one)
        assert len(here.told()) == 2, "of the first set, and of its change"


def versions_of(here: World) -> list[str]:
    stored = here.s3.list_object_versions(Bucket=here.bucket, Prefix="policies/current")["Versions"]
    return [version["VersionId"] for version in stored if version["Key"] == "policies/current"]


def copy_over(here: World, version: str) -> None:
    source = f"{here.bucket}/policies/current?versionId={version}"
    here.s3.copy_object(Bucket=here.bucket, Key="policies/current", CopySource=source)


def test_yesterdays_version_copied_over_the_newest_is_refused_also_after_a_cold_start(here: World) -> None:
    table = f"{here.bucket}-deliveries"
    create_table(here, table)
    yesterdays = here.publish(GOOD)
    with here.function(TRAILBELL_DELIVERY_TABLE=table) as function:
        first = here.ring(function)
        here.publish(OTHER)
        second = here.ring_until(function, lambda revision: revision != first)
        copy_over(here, yesterdays)
        here.ring_until(function, lambda _: len(here.told()) == 3)
        assert "it is older than a set that was active before" in here.told()[2]
        assert here.ring(function) == second
    state = json.dumps({"good": yesterdays, "refused": None}).encode()
    here.s3.put_object(Bucket=here.bucket, Key="policies/current.state", Body=state)
    with here.function(TRAILBELL_DELIVERY_TABLE=table) as function:
        assert here.ring(function) not in (first, second), "the set of the zip"


def test_an_older_set_that_comes_back_is_refused_by_a_function_that_runs_also_without_a_table(here: World) -> None:
    here.publish(GOOD)
    with here.function() as function:
        first = here.ring(function)
        newer = here.publish(OTHER)
        second = here.ring_until(function, lambda revision: revision != first)
        here.s3.delete_object(Bucket=here.bucket, Key="policies/current", VersionId=newer)
        here.ring_until(function, lambda _: len(here.told()) == 3)
        assert "it is older than a set that was active before" in here.told()[2]
        assert here.ring(function) == second


def test_a_set_signed_for_staging_is_refused_in_production(here: World) -> None:
    here.publish(GOOD)
    with here.function() as function:
        first = here.ring(function)
        here.publish(MUTES_ALL, place=f"s3://{here.bucket}/policies/staging")
        here.ring_until(function, lambda _: len(here.told()) == 2)
        assert "it is signed for another place" in here.told()[1]
        assert here.ring(function) == first


def test_a_set_of_the_older_format_is_refused_with_what_to_do(here: World) -> None:
    here.publish(GOOD)
    with here.function() as function:
        first = here.ring(function)
        here.sign(json.dumps({"format": 1, "commit": None, "files": {"base.yaml": OTHER}}).encode())
        here.ring_until(function, lambda _: len(here.told()) == 2)
        assert "publish it again with this version of trailbell publish" in here.told()[1]
        assert here.ring(function) == first


def test_while_the_table_does_not_answer_the_set_that_is_active_stays(here: World) -> None:
    table = f"{here.bucket}-deliveries"
    create_table(here, table)
    here.publish(GOOD)
    with here.function(TRAILBELL_DELIVERY_TABLE=table) as function:
        first = here.ring(function)
        here.client("dynamodb").delete_table(TableName=table)
        here.publish(OTHER)
        assert [here.ring(function, table_away=True) for _ in range(3)] == [first] * 3
        create_table(here, table)
        here.ring_until(function, lambda revision: revision != first, table_away=True)


@pytest.mark.parametrize("runs", [True, False], ids=["a function that runs", "a function that starts"])
def test_a_set_that_is_quieter_is_announced_as_such_with_what_changed_and_who_published_it(here: World, *, runs: bool) -> None:
    here.publish(GOOD)
    with here.function() as function:
        first = here.ring(function)
        if runs:
            here.publish(MUTES_ALL)
            here.ring_until(function, lambda revision: revision != first)
    if not runs:
        here.publish(MUTES_ALL)
        with here.function() as function:
            here.ring(function)
    assert "are quieter" in here.told()[1]
    (blocks,) = [body["blocks"] for _, body in here.slack.posts if "are quieter" in body["text"]]
    shown = json.dumps(blocks)
    assert "+ mute base/r" in shown
    assert "bucket == 'payments-prod' (everything)" in shown
    assert "arn:aws:iam::111122223333:user/publisher in their own words" in shown
    assert "CloudTrail's Sign events of the key name who signed" in shown


def test_a_change_of_the_default_is_announced_where_the_default_was(here: World) -> None:
    here.publish(GOOD)
    moved = GOOD.replace("{name: watch, webhook: {env: SLACK_WEBHOOK_URL}}", "{name: watch, webhook: {env: SLACK_WEBHOOK_AWAY}}")
    with here.function(SLACK_WEBHOOK_AWAY=here.slack.url("away/token-a")) as function:
        first = here.ring(function)
        here.publish(moved)
        here.ring_until(function, lambda revision: revision != first)
        here.ring(function)
    announced = [path for path, body in here.slack.posts if "are quieter" in body["text"]]
    assert sorted("away" in path for path in announced) == [False, True]


def test_events_do_not_wait_for_what_is_told_of_sets(here: World) -> None:
    here.publish(GOOD)
    with here.function() as function:
        here.ring(function)
        lines = [line["event_ids"] for line in function.of("delivery")]
        assert lines == [["event-1"], ["event-1"], []]


def test_two_forged_sets_are_told_each_also_with_a_table(here: World) -> None:
    table = f"{here.bucket}-deliveries"
    create_table(here, table)
    here.publish(GOOD)
    with here.function(TRAILBELL_DELIVERY_TABLE=table) as function:
        here.ring(function)
        for count in (2, 3):
            here.s3.put_object(Bucket=here.bucket, Key="policies/current", Body=b"{}", Metadata={})
            here.ring_until(function, lambda _, count=count: len(here.told()) == count)


def test_a_set_that_asks_for_a_key_that_cannot_be_had_is_told_once_and_in_force_when_it_can(here: World) -> None:
    here.publish(GOOD)
    name = f"trailbell/{here.bucket}"
    with here.function(TRAILBELL_HASH_KEY_SECRET=name) as function:
        first = here.ring(function)
        here.publish(GOOD.replace("bucket: keep", "bucket: keep, name: hash"))
        here.ring_until(function, lambda _: len(here.told()) == 2)
        assert "cannot be read" in here.told()[1]
        for _ in range(5):
            assert here.ring(function) == first
        assert len(here.told()) == 2
        key = json.dumps({"epoch": "1", "key": base64.b64encode(bytes(32)).decode()})
        here.client("secretsmanager").create_secret(Name=name, SecretString=key)
        here.ring_until(function, lambda revision: revision != first)


def test_without_a_signing_key_the_start_says_so(here: World) -> None:
    with here.function(TRAILBELL_POLICIES_KEY="") as function:
        invoked = function.invoke({"Records": []})
    assert "TRAILBELL_POLICIES_KEY has to name the KMS key" in json.dumps(invoked.error)


def test_a_pinned_set_stays(here: World) -> None:
    version = here.publish(GOOD)
    here.publish(OTHER)
    with here.function(TRAILBELL_POLICIES=f"{here.url}#{version}") as function:
        pinned = here.ring(function)
        assert here.ring(function) == here.ring(function) == pinned
    with here.function() as function:
        assert here.ring(function) != pinned


def test_no_secret_and_no_event_is_in_what_is_logged_of_sets(here: World) -> None:
    here.publish(GOOD)
    with here.function() as function:
        here.ring(function)
        assert "token-w" not in function.output


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `trailbell publish` with these words, for the folder `policies`."""
    for name, value in (
        ("AWS_ENDPOINT_URL", here.aws),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "base.yaml").write_text(GOOD, encoding="utf-8")
    words = ["publish", str(folder), "--to", here.url, "--key", here.key]
    return lambda *more: CliRunner().invoke(trailbell, [*words, *more])


def test_publish_signs_and_stores_and_a_broken_set_is_not_published(here: World, command: Any, tmp_path: Path) -> None:
    done = command()
    assert done.exit_code == 0, done.output
    assert "published as version" in done.output
    stored = unpack(here.s3.get_object(Bucket=here.bucket, Key="policies/current")["Body"].read())
    assert stored.place == here.url
    assert abs((stored.number or 0) / 1_000 - time.time()) < PATIENCE
    assert (stored.publisher or "").startswith("arn:aws:sts::")
    with here.function() as function:
        assert here.ring(function) in done.output
    (tmp_path / "policies/base.yaml").write_text(LINTED, encoding="utf-8")
    refused = command()
    assert refused.exit_code == 1
    assert "[TB205]" in refused.output
    assert command("--to", "s3://no-such-bucket/x").exit_code == 1


def test_rolling_back_publishes_the_old_content_under_a_new_number(here: World, command: Any) -> None:
    table = f"{here.bucket}-deliveries"
    create_table(here, table)
    yesterdays = here.publish(GOOD)
    with here.function(TRAILBELL_DELIVERY_TABLE=table) as function:
        first = here.ring(function)
        here.publish(OTHER)
        here.ring_until(function, lambda revision: revision != first)
        done = command("--rollback", yesterdays)
        assert done.exit_code == 0, done.output
        assert f"policy set {first}, the content of version {yesterdays}, published as version" in done.output
        here.ring_until(function, lambda revision: revision == first)


def test_a_set_of_the_older_format_is_rolled_back_to(here: World, command: Any) -> None:
    old = here.sign(json.dumps({"format": 1, "commit": None, "files": {"base.yaml": GOOD}}).encode())
    done = command("--rollback", old)
    assert done.exit_code == 0, done.output
    with here.function() as function:
        assert here.ring(function) in done.output


def test_what_somebody_else_stored_is_not_rolled_back_to(here: World, command: Any) -> None:
    here.publish(GOOD)
    content = pack([parse_source(MUTES_ALL.encode(), "policies/base.yaml")], Path("policies"), None)
    metadata = here.s3.get_object(Bucket=here.bucket, Key="policies/current")["Metadata"]
    forged = here.s3.put_object(Bucket=here.bucket, Key="policies/current", Body=content, Metadata=metadata)["VersionId"]
    staging = here.publish(MUTES_ALL, place=f"s3://{here.bucket}/policies/staging")
    broken = here.publish(LINTED)
    before = versions_of(here)
    for version, reason in (
        (forged, "is not signed by this key"),
        (staging, "is signed for another place"),
        (broken, "has errors under this engine"),
        ("no-such-version", "cannot be read"),
    ):
        done = command("--rollback", version)
        assert (done.exit_code, reason in done.output) == (1, True), done.output
        assert ("base.yaml:10:36" in done.output) is (version == broken)
    assert versions_of(here) == before


QUIET = MUTES_ALL.replace("id: r", "id: quiet")


def shadows(function: Lambda) -> list[dict[str, Any]]:
    """What the decision records say of a shadow set."""
    return [line["shadow"] for line in function.of("decision") if "shadow" in line]


def test_a_shadow_set_is_decided_and_recorded_not_posted_and_then_promoted(here: World, command: Any, tmp_path: Path) -> None:
    assert command().exit_code == 0
    (tmp_path / "policies/base.yaml").write_text(QUIET, encoding="utf-8")
    done = command("--shadow")
    assert done.exit_code == 0, done.output
    assert f"{here.url}.shadow: policy set " in done.output
    with here.function() as function:
        here.ring_until(function, lambda _: bool(shadows(function)))
        (shadow,) = shadows(function)
        assert (shadow["differs"], shadow["decision"]["mutes"][0]["id"]) == (True, "quiet")
        assert shadow["revision"] in done.output
        counts = [(line["ShadowDecided"], line["ShadowDiffers"]) for line in function.lines() if "ShadowDecided" in line]
        assert counts == [(1, 1)]
        rings = [body for _, body in here.slack.posts if "payments-prod" in body["text"]]
        assert len(rings) == len(function.of("decision")), "the active set decides what is posted"
        promoted = command("--promote")
        assert promoted.exit_code == 0, promoted.output
        assert f"{here.url}: policy set {shadow['revision']}, the shadow set until now, published" in promoted.output
        here.ring_until(function, lambda revision: revision == shadow["revision"])
        before = len(shadows(function))
        here.ring(function)
        assert len(shadows(function)) == before, "the active set is no shadow of itself"


def test_a_shadow_set_of_somebody_else_is_neither_used_nor_promoted(here: World, command: Any) -> None:
    assert command().exit_code == 0
    assert "there is no shadow set" in command("--promote").output
    signed_for_the_place = here.s3.get_object(Bucket=here.bucket, Key="policies/current")
    here.s3.put_object(
        Bucket=here.bucket,
        Key="policies/current.shadow",
        Body=signed_for_the_place["Body"].read(),
        Metadata=signed_for_the_place["Metadata"],
    )
    refused = command("--promote")
    assert (refused.exit_code, "is signed for another place" in refused.output) == (1, True), refused.output
    with here.function() as function:
        here.ring_until(function, lambda _: any("ShadowSetRefused" in line for line in function.lines()))
        (said,) = [line for line in function.lines() if "ShadowSetRefused" in line]
        assert "signed for another place" in said["reason"]
        assert shadows(function) == []


@pytest.mark.parametrize("words", [("--shadow", "--promote"), ("--shadow", "--rollback", "v"), ("--promote", "--rollback", "v")])
def test_one_thing_is_published_at_a_time(command: Any, words: tuple[str, ...]) -> None:
    assert "give one of --rollback, --shadow and --promote" in command(*words).output


def test_a_set_that_this_engine_linted_before_it_was_signed_is_not_linted_again(
    here: World, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command().exit_code == 0
    linted: list[object] = []
    monkeypatch.setattr(lint_room, "lint", lambda *given, **_: linted.append(given) or ())
    store = S3Store(here.url, here.key, Copy, here.client)
    assert PolicyPoller(store, accepted).start()[0] is not None
    assert linted == []
    here.publish(GOOD)  # without a word about a linter
    assert PolicyPoller(store, accepted).start()[0] is not None
    assert len(linted) == 1
    monkeypatch.setattr(poller, "__version__", "9.9.9")
    assert command().exit_code == 0
    linted.clear()
    assert PolicyPoller(store, accepted).start()[0] is not None
    assert linted, "another engine may find more"


def test_a_bucket_without_versions_is_told(here: World) -> None:
    here.s3.create_bucket(Bucket=f"{here.bucket}-2", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    store = S3Store(f"s3://{here.bucket}-2/x", here.key, Copy, here.client)
    with pytest.raises(PublishedSetError, match="keeps no versions: turn versioning on"):
        store.publish(b"{}")


@pytest.mark.parametrize("url", ["", "s3://", "s3://bucket", "https://bucket/key", "policies"])
def test_a_place_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(PublishedSetError, match="s3://bucket/key"):
        S3Store(url, "key", Copy)
