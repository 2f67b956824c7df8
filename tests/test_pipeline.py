"""The whole way of a batch: what comes in equals the sum of how it ends, and nothing is lost on the way."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, OPEN_LEVEL, STANDARD, STRICT, matcher, policy, policy_set, route, silence
from hypothesis import given
from hypothesis import strategies as st
from worlds import CHANNELS, DOWN, GONE, OK, World, named, no_file, numbered, sqs

from engine.model import AuditRule, Deployment, DigestRule, Field, HttpResponse, Outcome, PostFault, RecordOutcome, Selection
from engine.pipeline.batch import process_records, run
from engine.pipeline.decode import decode
from engine.pipeline.decode.envelopes import EVENT_OF_S3, OTHER_EVENT
from engine.pipeline.response import receive_counts
from engine.pipeline.select import NOT_S3_DATA
from engine.pipeline.setting import Setting
from engine.pipeline.total import Result, conclude

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model import Channel, PolicySet


def ran(payload: object, policies: PolicySet, world: World) -> Result:
    return run(decode(payload, no_file), Setting(policies, Deployment()), world.ports())


# --- facts ------------------------------------------------------------------------------------------------------------------

TWO = (
    numbered(1),
    numbered(
        2,
        requestParameters={"bucketName": "books-prod", "key": "2026/book.csv"},
        sourceIPAddress="2001:db8::7",
        errorCode="AccessDenied",
        recipientAccountId="444455556666",
        userIdentity={
            "type": "AssumedRole",
            "arn": "arn:aws:sts::444455556666:assumed-role/auditor/erin@example.com",
            "accountId": "444455556666",
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        },
    ),
)
"""Two events that agree in no fact."""


def heard(some: Sequence[Mapping[str, Any]], policies: PolicySet, gone: str) -> tuple[list[Any], list[Any]]:
    """What is posted where somebody hears it, sorted, and what the audit records hold of the events, of a batch."""
    world = World(lambda url: GONE if gone in url else OK)
    ran(sqs(*some), policies, world)
    posts = sorted((body for url, body in world.posts if gone not in url), key=str)
    return posts, [line["event"] for line in world.of("decision")]


@pytest.mark.parametrize(
    ("watch", "gone"),
    [(named("watch"), "NONE"), (named("watch", fallback="ops"), "WATCH")],
    ids=["as it was asked", "fallback"],
)
def test_each_message_and_audit_record_has_the_facts_of_its_own_event(watch: Channel, gone: str) -> None:
    policies = policy_set(policy("p", route("r")), channels={**CHANNELS, "watch": watch})
    policies = policies._replace(audit=AuditRule(STANDARD, event=True))
    expected = [heard([one], policies, gone) for one in TWO]
    posts = sorted((post for posts, _ in expected for post in posts), key=str)
    assert heard(TWO, policies, gone) == (posts, [event for _, (event,) in expected])
    for one, (posts, (event,)) in zip(TWO, expected, strict=True):
        assert event["bucket"] == one["requestParameters"]["bucketName"]
        assert event["role"] == one["userIdentity"]["arn"].split("/")[1]
        for post in posts:
            assert f" {event['bucket']} " in post["text"]
            assert event["role"].removeprefix("AWSReservedSSO_").partition("_")[0] in post["text"]


def test_a_summary_has_the_facts_of_its_own_events() -> None:
    folding = {**CHANNELS, "watch": named("watch", digest=DigestRule(1, (Field.CLASS,)))}
    policies = policy_set(policy("p", route("r")), channels=folding)
    taken = {**TWO[1], "errorCode": None}  # what was denied is told apart
    posts, _ = heard([TWO[0], taken, {**taken, "eventID": "event-3"}], policies, "NONE")
    (summary,) = [post for post in posts if "2 buckets" in post["text"]]
    for one in TWO:
        assert one["requestParameters"]["bucketName"] in json.dumps(summary)
        assert one["userIdentity"]["arn"].split("/")[2] in json.dumps(summary)


# --- order and records -----------------------------------------------------------------------------------------------------


def test_the_decision_record_stands_before_any_post_and_a_delivery_record_after_each() -> None:
    order: list[str] = []
    world = World(lambda _: order.append("post") or OK)  # type: ignore[func-returns-value]
    ports = world.ports()
    noting = ports._replace(emit=lambda line: (order.append(json.loads(line).get("type", "metrics")), ports.emit(line))[-1])
    run(decode(sqs(numbered(1), numbered(2)), no_file), Setting(policy_set(channels=CHANNELS), Deployment()), noting)
    booked = ["delivery", "delivery"]
    assert order[:8] == ["decision", "decision", *booked, "post", "delivery", "post", "delivery"]
    assert set(order[8:]) == {"metrics"}


def test_each_record_says_how_often_its_item_was_handed_out() -> None:
    payload = sqs(numbered(1), numbered(2), numbered(3))
    payload["Records"][2]["body"] = "{not json"
    for item, count in zip(payload["Records"], ("1", "4", "2"), strict=True):
        item["attributes"] = {"ApproximateReceiveCount": count}
    world = World()
    setting = Setting(policy_set(channels=CHANNELS), Deployment())
    run(decode(payload, no_file), setting, world.ports(), receive_counts=receive_counts(payload))
    assert [one["receive_count"] for one in (*world.of("decision"), *world.of("undecided"))] == [1, 4, 2]


@pytest.mark.parametrize("count", [None, 3, "x", "-1", "9" * 5_000, "٣"])
def test_what_is_no_receive_count_is_none(count: object) -> None:
    payload = sqs(numbered(1))
    payload["Records"][0]["attributes"] = {"ApproximateReceiveCount": count}
    assert receive_counts(payload) == {"m0": None}


def test_a_shadow_set_is_recorded_and_costs_the_event_nothing() -> None:
    mute = route("m", "eventName == 'GetObject'", mute="noise")
    broken = route("b")._replace(matcher=matcher("`true`")._replace(holds=lambda _, __: 1 // 0))
    active = policy_set(channels=CHANNELS)
    for shadow, expected in (
        (active, {"differs": False}),
        (active._replace(selection=Selection(names=frozenset({"PutObject"}))), {"differs": True, "decision": None}),
        (policy_set(policy("p", broken), channels=CHANNELS), {"differs": True, "failed": "ZeroDivisionError"}),
    ):
        world = World()
        result = run(decode(sqs(numbered(1)), no_file), Setting(active, Deployment(), shadow=shadow), world.ports())
        assert world.of("decision")[0]["shadow"] == {"revision": shadow.revision, **expected}
        assert (result.failed, len(world.posts)) == (False, 1)
        assert world.metrics()["ShadowDiffers"] == int(expected["differs"])
    muted = policy_set(policy("p", mute), channels=CHANNELS)
    world = World()
    run(decode(sqs(numbered(1)), no_file), Setting(active, Deployment(), shadow=muted), world.ports())
    assert world.of("decision")[0]["shadow"]["decision"]["mutes"] == [{"policy": "p", "id": "m", "reason": "noise"}]


def test_at_open_the_audit_record_holds_the_whole_record() -> None:
    world = World()
    ran(sqs(numbered(1)), policy_set(channels=CHANNELS), world)
    assert world.of("decision")[0]["event"] == numbered(1)


def test_at_another_level_it_holds_what_the_level_leaves() -> None:
    world = World()
    ran(sqs(numbered(1)), policy_set(channels=CHANNELS, audit=AuditRule(STANDARD)), world)
    kept = world.of("decision")[0]["event"]
    assert kept["source_ip"] == "203.0.113.0/24"
    assert "203.0.113.7" not in json.dumps(world.lines)


def test_at_another_level_what_could_not_be_decided_is_recorded_without_the_event() -> None:
    broken = route("r")._replace(matcher=matcher("`true`")._replace(holds=lambda _, __: 1 // 0))
    world = World()
    ran(sqs(numbered(1)), policy_set(policy("p", broken), channels=CHANNELS, audit=AuditRule(STANDARD)), world)
    assert "event" not in world.of("undecided")[0]
    assert "203.0.113.7" not in json.dumps(world.lines)


def test_without_the_event_the_decision_remains() -> None:
    world = World()
    ran(sqs(numbered(1)), policy_set(channels=CHANNELS, audit=AuditRule(OPEN_LEVEL, event=False)), world)
    assert "event" not in world.of("decision")[0]
    assert world.of("decision")[0]["decision"]["event_id"] == "event-1"


# --- how records end -------------------------------------------------------------------------------------------------------


def test_muted_silenced_and_delivered_are_told_apart() -> None:
    policies = policy_set(
        policy(
            "p",
            route("m", "key == 'mute'", mute="job"),
            route("r"),
            buckets=("payments-prod",),
            silences=(silence("s", "key == 'hush'", NOW + timedelta(days=1)),),
        ),
        channels=CHANNELS,
    )
    keys = ("mute", "hush", "say")
    world = World()
    result = ran(
        sqs(*(numbered(n, requestParameters={"bucketName": "payments-prod", "key": key}) for n, key in enumerate(keys))),
        policies,
        world,
    )
    assert result.tally.records == {RecordOutcome.MUTED: 1, RecordOutcome.SILENCED: 1, RecordOutcome.DELIVERED: 1}
    assert len(world.posts) == 1


def test_what_is_not_selected_is_passed_over_and_leaves_no_record() -> None:
    world = World()
    result = ran(sqs(numbered(1, eventSource="ec2.amazonaws.com"), numbered(2)), policy_set(channels=CHANNELS), world)
    assert result.tally.records == {RecordOutcome.PASSED_OVER: 1, RecordOutcome.DELIVERED: 1}
    assert len(world.of("decision")) == 1


def test_names_select_too() -> None:
    only = policy_set(channels=CHANNELS, selection=Selection(names=frozenset({"PutObject"})))
    assert ran(sqs(numbered(1)), only, World()).tally.records == {RecordOutcome.PASSED_OVER: 1}


def test_a_duplicate_is_posted_once() -> None:
    world = World()
    result = ran(sqs(numbered(1), numbered(1), numbered(2)), policy_set(channels=CHANNELS), world)
    assert result.tally.records == {RecordOutcome.DELIVERED: 2, RecordOutcome.DUPLICATE: 1}
    assert len(world.posts) == 2


def test_the_copy_of_an_event_that_failed_comes_again_with_it() -> None:
    result = ran(sqs(numbered(1), numbered(1)), policy_set(channels=CHANNELS), World(lambda _: DOWN))
    assert result.failed_items == {"m0", "m1"}


def test_a_poison_message_does_not_take_its_neighbours_along() -> None:
    payload = sqs(numbered(1), numbered(2))
    payload["Records"].insert(1, {"messageId": "poison", "eventSource": "aws:sqs", "body": "{not json"})
    world = World()
    result = ran(payload, policy_set(channels=CHANNELS), world)
    assert result.failed_items == {"poison"}
    assert result.tally.records == {RecordOutcome.DELIVERED: 2, RecordOutcome.UNREADABLE: 1}
    assert len(world.of("undecided")) == 1


def test_a_matcher_that_breaks_trailbell_fails_its_record_alone_and_keeps_it() -> None:
    broken = route("r")._replace(
        matcher=matcher("`true`")._replace(holds=lambda record, _: record["eventID"] == "event-1" and 1 // 0),
    )
    world = World()
    result = ran(sqs(numbered(1), numbered(2)), policy_set(policy("p", broken), channels=CHANNELS), world)
    assert result.failed_items == {"m0"}
    assert result.tally.records == {RecordOutcome.FAILED: 1, RecordOutcome.DELIVERED: 1}
    assert world.of("undecided")[0]["event"] == numbered(1)
    assert "ZeroDivisionError" in world.of("undecided")[0]["reason"]


def test_a_log_file_that_cannot_be_fetched_is_a_failed_item() -> None:
    named_file = {
        "s3": {
            "bucket": {"name": "logs"},
            "object": {"key": "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01/a_CloudTrail_b.json.gz"},
        }
    }
    body = json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", **named_file}]})
    result = ran(
        {"Records": [{"messageId": "m0", "eventSource": "aws:sqs", "body": body}]}, policy_set(channels=CHANNELS), World()
    )
    assert result.failed_items == {"m0"}


# --- delivery --------------------------------------------------------------------------------------------------------------


def test_what_slack_did_not_take_is_a_failed_item() -> None:
    result = ran(sqs(numbered(1)), policy_set(channels=CHANNELS), World(lambda _: DOWN))
    assert result.failed_items == {"m0"}
    assert result.tally.messages == {("ops", Outcome.FAILED): 1}


def test_a_channel_that_is_gone_is_heard_on_its_fallback_under_the_stricter_floor() -> None:
    channels = {**CHANNELS, "ops": named("ops", fallback="security"), "security": named("security", floor=STRICT)}
    world = World(lambda url: GONE if url.endswith("OPS") else OK)
    result = ran(sqs(numbered(1)), policy_set(channels=channels), world)
    assert result.tally.messages == {("ops", Outcome.FALLBACK): 1}
    assert result.failed_items == frozenset()
    told = json.dumps(world.posts[-1])
    assert "203.0.113" not in told
    assert "#ops" in told or "ops" in told
    told = [(line["outcome"], line["channel"], line["posted_to"]) for line in world.of("delivery")]
    assert told == [("booked", "ops", "ops"), ("failed", "ops", "ops"), ("fallback", "ops", "security")]


def test_a_fallback_is_not_followed_further() -> None:
    channels = {**CHANNELS, "ops": named("ops", fallback="security"), "security": named("security", fallback="watch")}
    world = World(lambda url: OK if url.endswith("WATCH") else GONE)
    result = ran(sqs(numbered(1)), policy_set(channels=channels), world)
    assert result.tally.messages == {("ops", Outcome.FAILED): 1}
    assert result.failed_items == {"m0"}


def test_more_than_the_channel_wants_becomes_one_summary_and_no_count_is_lost() -> None:
    channels = {**CHANNELS, "ops": named("ops", digest=DigestRule(2, (Field.NAME, Field.BUCKET)))}
    world = World()
    result = ran(sqs(*(numbered(n) for n in range(7))), policy_set(channels=channels), world)
    assert sum(result.tally.messages.values()) == 7
    assert result.tally.messages[("ops", Outcome.DIGESTED)] >= 5
    assert result.tally.records == {RecordOutcome.DELIVERED: 7}
    assert len(world.posts) <= 3
    assert "7" in json.dumps(world.posts[-1]) or "5" in json.dumps(world.posts[-1])


def test_no_webhook_url_stands_in_any_line() -> None:
    for answer in (OK, GONE, DOWN, HttpResponse(403, "invalid_token"), HttpResponse(fault=PostFault.TIMEOUT)):
        world = World(lambda _, answer=answer: answer)  # type: ignore[misc]
        ran(sqs(numbered(1)), policy_set(channels=CHANNELS), world)
        assert "hooks.slack.com" not in json.dumps(world.lines)


# --- the law ----------------------------------------------------------------------------------------------------------------

answers = st.sampled_from(
    [
        OK,
        GONE,
        DOWN,
        HttpResponse(429, "", 1.0),
        HttpResponse(200, "<html>"),
        HttpResponse(400, "invalid_blocks"),
        HttpResponse(fault=PostFault.TIMEOUT),
    ]
)
bodies = st.lists(
    st.one_of(
        st.integers(0, 3).map(lambda n: json.dumps(numbered(n))),
        st.just("{"),
        st.just("[]"),
        st.integers(4, 6).map(lambda n: json.dumps(numbered(n, eventSource="ec2.amazonaws.com"))),
        st.integers(7, 9).map(
            lambda n: json.dumps(numbered(n, requestParameters={"bucketName": "payments-prod", "key": "mute"}))
        ),
    ),
    max_size=8,
)


@given(bodies, st.lists(answers, min_size=1, max_size=5), st.sampled_from([0.0, 5.0, 60.0]))
def test_received_equals_the_sum_of_how_records_end(texts: list[str], script: list[HttpResponse], seconds: float) -> None:
    calls = iter(range(10_000))
    channels = {**CHANNELS, "watch": named("watch", fallback="security", digest=DigestRule(1, (Field.BUCKET,)))}
    muting = policy("p", route("m", "key == 'mute'", mute="job"), route("r"), buckets=("payments-prod",))
    world = World(lambda _: script[next(calls) % len(script)], seconds)
    payload = {"Records": [{"messageId": f"m{n}", "eventSource": "aws:sqs", "body": text} for n, text in enumerate(texts)]}
    result = ran(payload, policy_set(muting, channels=channels), world)
    line = world.metrics()
    assert result.tally.adds_up
    assert line["Received"] == sum(
        line[name] for name in ("Unreadable", "PassedOver", "Duplicate", "Failed", "Delivered", "Silenced", "Muted")
    )
    asked = Counter(name for one in world.of("decision") for name in one["decision"]["channels"])
    told = Counter()
    for (name, _), count in result.tally.messages.items():
        told[name] += count
    assert told == asked
    assert result.failed_items <= {f"m{n}" for n in range(len(texts))}


def test_what_was_lost_on_the_way_to_a_channel_comes_again_and_does_not_add_up() -> None:
    setting = Setting(policy_set(channels=CHANNELS), Deployment())
    received = tuple(process_records(decode(sqs(numbered(1)), no_file), setting, World().ports()))
    result = conclude(received, ())
    assert (result.failed_items, result.tally.records) == ({"m0"}, {RecordOutcome.FAILED: 1})
    assert not result.tally.adds_up


@pytest.mark.parametrize("payload", [None, 7, "", [], {}, {"Records": None}, {"Records": [7]}])
def test_a_payload_of_no_known_kind_ends_the_invocation_in_order(payload: object) -> None:
    world = World()
    result = ran(payload, policy_set(channels=CHANNELS), world)
    assert result.tally.adds_up
    assert world.metrics()["DoesNotAddUp"] == 0


@pytest.mark.parametrize(
    "body",
    [
        *("[]", '{"Records":[]}', '{"messageType":"DATA_MESSAGE","logEvents":[]}', '{"Type":"Notification","Message":"[]"}'),
        *("", "null", "{}", '{"detail":[]}', '{"messageType":"CONTROL_MESSAGE","logEvents":[]}'),
    ],
)
def test_an_item_that_holds_no_record_is_counted_like_any_other(body: str) -> None:
    item = {"messageId": "empty", "eventSource": "aws:sqs", "body": body}
    payload = {"Records": [item, *sqs(numbered(1))["Records"]]}
    world = World()
    result = run(decode(payload, no_file), Setting(policy_set(channels=CHANNELS), Deployment()), world.ports())
    assert result.tally.received == sum(result.tally.records.values()) == 2
    assert result.tally.records[RecordOutcome.DELIVERED] == 1


def test_events_that_are_not_cloudtrails_are_passed_over_with_a_reason_in_the_log() -> None:
    own = {"detail-type": "Object Created", "source": "aws.s3", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}}
    other = {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
    world = World()
    for payload in (own, other, numbered(1, eventName="PutBucketPolicy", eventCategory="Management")):
        run(decode(payload, no_file), Setting(policy_set(channels=CHANNELS), Deployment()), world.ports())
    lines = [line for line in world.lines if "Received" in line]
    assert [line["passed_over"] for line in lines] == [{EVENT_OF_S3: 1}, {OTHER_EVENT: 1}, {NOT_S3_DATA: 1}]
    assert [(line["FromCloudTrail"], line["NotCloudTrail"]) for line in lines] == [(0, 1), (0, 1), (1, 0)]
