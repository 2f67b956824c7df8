"""A log file that is too long for one invocation: it goes on where it stopped, and no event is decided or told twice."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import matcher, policy, policy_set, route
from worlds import CHANNELS, World, numbered

from engine.errors import FetchError
from engine.model import Deployment, FetchedFile, RecordOutcome
from engine.pipeline import batch, log_files
from engine.pipeline.batch import run
from engine.pipeline.decode import decode
from engine.pipeline.decode.logfile import DONE_BEFORE
from engine.pipeline.response import receive_counts
from engine.pipeline.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import LogFilePlace, PolicySet
    from engine.pipeline.total import Result

KEYS = tuple(f"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01/a_CloudTrail_{name}.json.gz" for name in "abc")
SECONDS = 60.0


class Bucket:
    """Log files, how far each is done, and a function that has time for so many records."""

    def __init__(self, files: Mapping[str, int]) -> None:
        self.files = {
            key: [numbered(number, bucketName=key) | {"eventID": f"{key}-{number}"} for number in range(count)]
            for key, count in files.items()
        }
        self.done: dict[str, int] = {}
        self.notes: list[LogFilePlace] = []

    def fetch(self, _bucket: str, key: str) -> FetchedFile:
        """A log file, as far as there is one."""
        if key not in self.files:
            raise FetchError("no such log file", passing=True)
        return FetchedFile(io.BytesIO(json.dumps({"Records": self.files[key]}).encode()), key, self.records_done(key))

    def records_done(self, file: str) -> int:
        """How far a file is done."""
        return self.done.get(file, 0)

    def note_done(self, place: LogFilePlace) -> None:
        """Keep how far a file is done."""
        self.notes.append(place)
        self.done[place.file] = max(place.number, self.records_done(place.file))

    def invoke(
        self, payload: object, records: int, policies: PolicySet | None = None, *, table: bool = True
    ) -> tuple[Result, World]:
        """One invocation with time for so many decisions."""
        world = World()
        ports = world.ports()._replace(
            log_files=self if table else None, remaining=lambda: SECONDS if len(world.of("decision")) < records else 1.0
        )
        setting = Setting(policies or policy_set(channels=CHANNELS), Deployment())
        return run(decode(payload, self.fetch), setting, ports, receive_counts=receive_counts(payload)), world


def notices(*keys: str) -> dict[str, Any]:
    """A batch of S3's notifications, an item each."""
    bodies = [
        json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "logs"}, "object": {"key": key}}}]})
        for key in keys
    ]
    return {
        "Records": [
            {"messageId": f"m{number}", "eventSource": "aws:sqs", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
            for number, body in enumerate(bodies)
        ]
    }


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "PIECE_RECORDS", 20)
    monkeypatch.setattr(log_files, "NOTED_FROM", 10)
    monkeypatch.setattr(batch, "MAX_PENDING_EVENTS", 15)


def ids(world: World) -> list[str]:
    return [line["decision"]["event_id"] for line in world.of("decision")]


def test_a_file_that_is_too_long_goes_on_where_it_stopped() -> None:
    bucket, payload = Bucket({KEYS[0]: 100}), notices(KEYS[0])
    decided: list[str] = []
    for stopped_at in (40, 80):
        result, world = bucket.invoke(payload, 40)
        decided += ids(world)
        assert result.failed_items == {"m0"}
        assert (result.tally.handed_back, bucket.done) == (1, {KEYS[0]: stopped_at})
        assert world.metrics()["HandedBack"] == 1
    result, world = bucket.invoke(payload, 40)
    assert (result.failed_items, result.tally.handed_back, bucket.done) == (set(), 0, {KEYS[0]: 100})
    assert result.tally.passed_over == {DONE_BEFORE: 80}
    assert result.tally.adds_up
    assert [*decided, *ids(world)] == [event["eventID"] for event in bucket.files[KEYS[0]]]


def test_what_was_not_read_for_want_of_time_is_handed_back() -> None:
    bucket = Bucket(dict.fromkeys(KEYS, 30))
    result, world = bucket.invoke(notices(*KEYS), 40)
    assert result.failed_items == {"m1", "m2"}
    assert bucket.done == {KEYS[0]: 30, KEYS[1]: 10}
    result, later = bucket.invoke(notices(*KEYS[1:]), 1_000)
    assert not result.failed
    assert sorted([*ids(world), *ids(later)]) == sorted(event["eventID"] for key in KEYS for event in bucket.files[key])


def test_a_payload_that_is_no_batch_fails_as_a_whole() -> None:
    bucket = Bucket({KEYS[0]: 30})
    payload = json.loads(notices(KEYS[0])["Records"][0]["body"])
    result, _ = bucket.invoke(payload, 15)
    assert (result.failed, result.failed_items, bucket.done) == (True, set(), {KEYS[0]: 15})
    result, _ = bucket.invoke(payload, 15)
    assert (result.failed, bucket.done) == (True, {KEYS[0]: 30})


def test_a_piece_is_noted_only_after_it_is_booked() -> None:
    bucket = Bucket({KEYS[0]: 60})
    noted: list[tuple[int, int]] = []
    world = World()

    def note(place: LogFilePlace) -> None:
        noted.append((place.number, len({name for line in world.of("delivery") for name in line["event_ids"]})))

    bucket.note_done = note  # type: ignore[method-assign]
    ports = world.ports()._replace(log_files=bucket, remaining=lambda: SECONDS * 100)
    payload = notices(KEYS[0])
    run(decode(payload, bucket.fetch), Setting(policy_set(channels=CHANNELS), Deployment()), ports)
    assert [number for number, _ in noted][-1] == 60
    assert len(noted) >= 3
    assert all(events >= number for number, events in noted), noted


def test_a_file_of_which_something_failed_is_read_again_from_its_start() -> None:
    def holds(record: Mapping[str, Any], _: object) -> bool:
        return bool(record["eventID"].endswith("-25") and 1 // 0)

    broken = route("r")._replace(matcher=matcher("`true`")._replace(holds=holds))
    bucket = Bucket({KEYS[0]: 60})
    result, _ = bucket.invoke(notices(KEYS[0]), 1_000, policy_set(policy("p", broken), channels=CHANNELS))
    assert result.failed_items == {"m0"}
    assert result.tally.records[RecordOutcome.FAILED] == 1
    assert max((place.number for place in bucket.notes), default=0) < 26


def test_a_small_file_costs_the_table_nothing() -> None:
    bucket = Bucket({KEYS[0]: 9})
    bucket.invoke(notices(KEYS[0]), 1_000)
    assert bucket.notes == []


def test_without_a_table_a_file_is_read_to_its_end() -> None:
    bucket = Bucket({KEYS[0]: 60})
    result, world = bucket.invoke(notices(KEYS[0]), 5, table=False)
    assert result.tally.handed_back == 0
    assert len(ids(world)) == 60
