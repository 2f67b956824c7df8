"""A batch with more notifications than are held at once is delivered in pieces, and comes to the same as one in one piece."""

from __future__ import annotations

import io
import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from builders import policy, policy_set, route
from hypothesis import given
from hypothesis import strategies as st
from worlds import CHANNELS, DOWN, OK, World, named, no_file, numbered, sqs

from engine.model import Deployment, DigestRule, FetchedFile, Field, Outcome, RecordOutcome
from engine.pipeline import batch
from engine.pipeline.batch import run
from engine.pipeline.decode import decode
from engine.pipeline.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import Channel
    from engine.pipeline.total import Result

MUTED = {"requestParameters": {"bucketName": "payments-prod", "key": "mute"}}


def ran(records: Sequence[dict[str, Any]], world: World, size: int, watch: Channel = CHANNELS["watch"]) -> Result:
    """What becomes of a batch of which so many notifications are held at once."""
    muting = policy("p", route("m", "key == 'mute'", mute="job"), route("r"), buckets=("payments-prod",))
    policies = policy_set(muting, channels={**CHANNELS, "watch": watch})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batch, "MAX_PENDING_EVENTS", size)
        return run(decode(sqs(*records), no_file), Setting(policies, Deployment()), world.ports())


def test_events_are_delivered_before_the_next_ones_are_recorded() -> None:
    world = World(seconds=10_000)
    ran([numbered(1), numbered(2, **MUTED), numbered(3), numbered(4), numbered(5)], world, 2)
    kinds = [line["type"] for line in world.lines if "type" in line]
    assert [(kind, len(list(same))) for kind, same in groupby(kinds)] == [
        ("decision", 4),
        ("delivery", 4),
        ("decision", 1),
        ("delivery", 4),
    ]


records = st.lists(
    st.one_of(
        st.integers(0, 5).map(numbered),
        st.integers(6, 9).map(lambda number: numbered(number, **MUTED)),
        st.just({"eventID": "no record"}),
    ),
    max_size=12,
)


@given(records, st.integers(1, 4))
def test_pieces_come_to_the_same_as_the_whole(some: list[dict[str, Any]], size: int) -> None:
    def of(held: int) -> tuple[object, ...]:
        world = World(seconds=10_000)
        result = ran(some, world, held)
        without_times = [{**line, "incidents": len(line["incidents"])} for line in world.of("delivery")]
        booked_first = sorted(without_times, key=lambda line: line["outcome"] != "booked")
        return result, world.of("decision"), world.of("undecided"), booked_first, world.posts

    assert of(size) == of(1_000)


def test_a_copy_comes_again_with_an_event_that_failed_in_an_earlier_piece() -> None:
    world = World(lambda _: DOWN)
    result = ran([numbered(1), numbered(2), numbered(3), numbered(1)], world, 1)
    assert result.failed_items == {"m0", "m1", "m2", "m3"}
    assert result.tally.records == {RecordOutcome.FAILED: 3, RecordOutcome.DUPLICATE: 1}


def test_slacks_rate_holds_over_all_pieces() -> None:
    times: list[float] = []
    world = World(seconds=10_000)

    def noted(_: str) -> Any:
        times.append(world.time)
        return OK

    world.answers = noted
    ran([numbered(number) for number in range(12)], world, 2)
    assert len(times) == 12
    assert all(later - earlier >= 1 for earlier, later in zip(times, times[4:], strict=False) if later > times[3])
    assert times[-1] >= 8


def test_each_piece_is_digested_by_itself() -> None:
    watch = named("watch", digest=DigestRule(1, (Field.BUCKET,)))
    world = World()
    result = ran([numbered(number) for number in range(7)], world, 3, watch)
    booked = [line for line in world.of("delivery") if line["outcome"] == "booked"]
    assert [len(line["event_ids"]) for line in booked] == [3, 3, 1]
    assert result.tally.messages == {("watch", Outcome.DIGESTED): 6, ("watch", Outcome.DELIVERED): 1}


def test_a_piece_leaves_time_for_the_pieces_after_it() -> None:
    world = World(seconds=60)
    result = ran([numbered(number) for number in range(400)], world, 100)
    assert result.tally.records == {RecordOutcome.DELIVERED: 400}
    told = [line for line in world.of("delivery") if line["outcome"] != "booked"]
    assert max(len(line["incidents"]) for line in told) > 50


def test_a_payload_of_values_that_are_no_records_leaves_a_hundred_records_and_their_number() -> None:
    world = World()
    body = json.dumps({"Records": [{}] * 5_000})
    payload = {"Records": [{"messageId": "m0", "eventSource": "aws:sqs", "body": body}, *sqs(numbered(1))["Records"]]}
    payload["Records"][1]["messageId"] = "m1"
    result = run(decode(payload, no_file), Setting(policy_set(channels=CHANNELS), Deployment()), world.ports())
    reasons = [line["reason"] for line in world.of("undecided")]
    assert len(reasons) == 101
    assert reasons[-1] == "4,900 more records could not be read"
    assert result.failed_items == {"m0"}
    assert result.tally.records == {RecordOutcome.UNREADABLE: 101, RecordOutcome.DELIVERED: 1}


def test_the_audit_record_of_a_damaged_log_file_names_the_file() -> None:
    content = json.dumps({"Records": [numbered(1), numbered(2)]})[:-40].encode()
    key = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01/111122223333_CloudTrail_eu-west-1_20261101T0000Z_a.json.gz"
    notice = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "logs"}, "object": {"key": key}},
    }
    world = World()
    setting = Setting(policy_set(channels=CHANNELS), Deployment())
    file = FetchedFile(io.BytesIO(content), "file")
    result = run(decode({"Records": [notice]}, lambda _bucket, _key: file), setting, world.ports())
    assert result.tally.records == {RecordOutcome.DELIVERED: 1, RecordOutcome.UNREADABLE: 1}
    assert [line["log_file"] for line in world.of("undecided")] == [f"s3://logs/{key}"]
    assert not result.failed
