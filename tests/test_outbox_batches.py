"""What a channel was told is not told again, whichever invocation meets it; what is owed is told by whoever drains next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import STRICT, actor, policy, policy_set, route
from outbox_world import START, outbox_of, shared_memory
from worlds import CHANNELS, DOWN, GONE, OK, World, named, no_file, numbered, sqs

from engine.model import Deployment, DigestRule, Field, HttpResponse, IncidentRule, Kind, Outcome, RecordOutcome, Severity
from engine.outbox.store import Write
from engine.pipeline.batch import run
from engine.pipeline.decode import decode
from engine.pipeline.drain import Drain
from engine.pipeline.setting import Setting

if TYPE_CHECKING:
    from engine.outbox.store import MemoryStore
    from engine.pipeline.total import Result

OTHER_PLACE = {"sourceIPAddress": "198.51.100.7"}


def setting(channels: Any = CHANNELS, notify: tuple[str, ...] = ("ops",)) -> Setting:
    policies = policy_set(channels=channels)
    return Setting(policies._replace(default=policies.default._replace(notify=notify)), Deployment())


def ran(payload: object, world: World, store: MemoryStore, where: Setting | None = None, by: str = "one") -> Result:
    """One invocation."""
    return run(decode(payload, no_file), where or setting(), world.ports(), outbox_of(store, world, by))


def drained(world: World, store: MemoryStore, where: Setting | None = None, seconds: float = 0.0) -> None:
    """The schedule's invocation, so many seconds later."""
    world.time += seconds
    world.seconds += seconds + 60.0
    where = where or setting()
    Drain(where, world.ports(), outbox_of(store, world, "schedule"), 48.0).run({}, where.policies.channels)


def outcomes(world: World) -> list[str]:
    return [line["outcome"] for line in world.of("delivery")]


def test_a_second_invocation_does_not_repeat_a_message() -> None:
    store, first, second = shared_memory(), World(), World()
    assert ran(sqs(numbered(1)), first, store).tally.records == {RecordOutcome.BOOKED: 1}
    result = ran(sqs(numbered(1), numbered(2)), second, store, by="two")
    assert result.tally.records == {RecordOutcome.DUPLICATE: 1, RecordOutcome.BOOKED: 1}
    assert result.tally.messages == {("ops", Outcome.DUPLICATE): 1, ("ops", Outcome.BOOKED): 1}
    assert result.failed_items == frozenset()
    assert (len(first.posts), len(second.posts)) == (1, 1)
    assert outcomes(second) == ["duplicate", "booked", "delivered"]


def test_what_slack_did_not_take_is_owed_and_not_handed_back() -> None:
    store, world = shared_memory(), World(lambda _: DOWN)
    result = ran(sqs(numbered(1)), world, store)
    assert result.failed_items == frozenset()
    world.answers = lambda _: OK
    tried = len(world.posts)
    drained(world, store, seconds=60.0)
    drained(world, store, seconds=60.0)
    assert len(world.posts) == tried + 1
    assert "may be a repeat" in str(world.posts[-1])
    assert world.of("delivery")[-1]["again"]


def test_what_an_older_version_is_about_to_deliver_comes_again() -> None:
    store, world = shared_memory(), World()
    held = {"state": "open", "until": START // 1000 + 60}
    store.write(Write("event-1#ops", put=held))
    assert ran(sqs(numbered(1)), world, store).failed_items == {"m0"}
    assert world.posts == []
    world.time, world.seconds = 61.0, 200.0
    assert ran(sqs(numbered(1)), world, store).failed_items == frozenset()
    assert len(world.posts) == 1


def test_a_channel_that_does_not_answer_costs_the_others_nothing() -> None:
    store, where = shared_memory(), setting(notify=("ops", "security"))
    world = World(lambda url: DOWN if url.endswith("OPS") else OK)
    assert ran(sqs(numbered(1)), world, store, where).failed_items == frozenset()
    assert [url.rpartition("_")[2] for url, _ in world.posts].count("SECURITY") == 1
    world.answers = lambda _: OK
    before = len(world.posts)
    assert ran(sqs(numbered(1)), world, store, where, "two").tally.messages == {
        ("security", Outcome.DUPLICATE): 1,
        ("ops", Outcome.DUPLICATE): 1,
    }
    drained(world, store, where, 60.0)
    assert [url.rpartition("_")[2] for url, _ in world.posts[before:]] == ["OPS"]


def test_a_fallback_counts_as_a_delivery_to_the_channel_that_was_asked_for() -> None:
    where = setting({**CHANNELS, "ops": named("ops", fallback="security")})
    store, world = shared_memory(), World(lambda url: GONE if url.endswith("OPS") else OK)
    ran(sqs(numbered(1)), world, store, where)
    assert outcomes(world) == ["booked", "failed", "fallback"]
    assert ran(sqs(numbered(1)), world, store, where, "two").tally.messages == {("ops", Outcome.DUPLICATE): 1}
    drained(world, store, where, 60.0)
    assert outcomes(world).count("fallback") == 1


def test_an_incident_rings_once_and_at_each_tenfold_and_is_summed_up_once() -> None:
    rule = IncidentRule(by=(Field.BUCKET,), window=900.0)
    where = setting({**CHANNELS, "ops": named("ops", incident=rule)})
    store, world = shared_memory(), World(seconds=100_000.0)
    for start in range(0, 250, 10):
        ran(sqs(*(numbered(number) for number in range(start, start + 10))), world, store, where, f"by-{start}")
        world.time += 5.0
    assert [line["incidents"][0]["to"] for line in world.of("delivery") if line["outcome"] != "booked"] == [10, 100]
    drained(world, store, where, 900.0)
    ranges = [one for line in world.of("delivery") if line["outcome"] != "booked" for one in line["incidents"]]
    assert [(one["from"], one["to"]) for one in ranges] == [(1, 10), (11, 100), (101, 250)]
    assert len(world.posts) == 3
    drained(world, store, where, 900.0)
    assert len(world.posts) == 3


def test_another_network_rings_while_the_incident_is_open() -> None:
    where = setting({**CHANNELS, "ops": named("ops", incident=IncidentRule(by=(Field.BUCKET,), window=3_600.0))})
    store, world = shared_memory(), World(seconds=100_000.0)
    ran(sqs(numbered(1)), world, store, where, "a")
    ran(sqs(numbered(2), numbered(3)), world, store, where, "b")
    assert len(world.posts) == 1
    ran(sqs(numbered(4, **OTHER_PLACE)), world, store, where, "c")
    assert len(world.posts) == 2
    assert "198.51.100" in str(world.posts[1])


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({"sourceIPAddress": "10.0.1.5"}, {"sourceIPAddress": "10.0.1.5", "vpcEndpointId": "vpce-0fedcba9876543210"}),
        (
            {"sourceIPAddress": "10.0.1.5", "vpcEndpointId": "vpce-0123456789abcdef0"},
            {"sourceIPAddress": "10.0.1.5", "vpcEndpointId": "vpce-0fedcba9876543210"},
        ),
        ({"sourceIPAddress": "203.0.113.7"}, {"sourceIPAddress": "athena.amazonaws.com"}),
        ({"sourceIPAddress": "203.0.113.7"}, {"sourceIPAddress": "198.51.100.7, 203.0.113.7"}),
        ({"sourceIPAddress": "203.0.113.7"}, {"sourceIPAddress": "AWS Internal"}),
    ],
)
def test_who_comes_another_way_rings_although_the_address_may_be_the_same(first: dict[str, str], other: dict[str, str]) -> None:
    where = setting({**CHANNELS, "ops": named("ops", incident=IncidentRule(by=(Field.BUCKET,), window=3_600.0))})
    store, world = shared_memory(), World(seconds=100_000.0)
    ran(sqs(numbered(1, **first), numbered(2, **first)), world, store, where, "a")
    assert len(world.posts) == 1
    ran(sqs(numbered(3, **other)), world, store, where, "b")
    assert len(world.posts) == 2


@pytest.mark.parametrize("stolen", [1, 5, 12, 29])
def test_a_thief_in_a_busy_callers_batch_is_shown_and_not_only_counted(stolen: int) -> None:
    where = setting({**CHANNELS, "ops": named("ops", incident=IncidentRule(by=(Field.BUCKET,), window=3_600.0))})
    elsewhere = {**OTHER_PLACE, "requestParameters": {"bucketName": "payments-prod", "key": "secrets/master.key"}}
    store, world = shared_memory(), World(seconds=100_000.0)
    ran(sqs(*(numbered(number, **(elsewhere if number == stolen else {})) for number in range(1, 31))), world, store, where, "a")
    assert len(world.posts) == 1
    assert "2 networks" in str(world.posts[0])
    assert stolen == 1 or "secrets/master.key" in str(world.posts[0])


DAMAGE: list[dict[str, Any]] = [
    {"views": "nonsense"},
    {"views": "[1]"},
    {"views": "[]"},
    {"views": '[["open",[1,0,0],null]]'},
    {"severity": "loud"},
    {"networks": "{"},
    {"events": "many"},
    {"until": "x"},
    {"version": "x"},
    {"notified": True},
]
ONE_INCIDENT = {**CHANNELS, "ops": named("ops", incident=IncidentRule(by=(Field.BUCKET,), window=900.0))}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_row_that_cannot_be_read_is_told_as_a_count_and_stops_nobody(damage: dict[str, Any]) -> None:
    where = setting(ONE_INCIDENT)
    store, world = shared_memory(), World(seconds=100_000.0)
    ran(sqs(numbered(1)), world, store, where, "a")
    (row,) = [item for name, item in store.items.items() if name.startswith("window:")]
    other = {**row, "id": f"window:ops:{'0' * 32}:5", "owed": "ops!", "due": 1, "events": 2, "must_notify_to": 2, **damage}
    store.items[str(other["id"])] = other
    drained(world, store, where, 5.0)
    assert len(world.posts) == 2
    drained(world, store, where, 5.0)
    assert len(world.posts) == 2


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_open_row_that_cannot_be_read_gives_way_to_a_new_one(damage: dict[str, Any]) -> None:
    where = setting(ONE_INCIDENT)
    store, world = shared_memory(), World(seconds=100_000.0)
    ran(sqs(numbered(1)), world, store, where, "a")
    (row,) = [item for name, item in store.items.items() if name.startswith("window:")]
    row |= damage
    world.time += 5.0
    result = ran(sqs(numbered(2, **OTHER_PLACE)), world, store, where, "b")
    assert not result.failed
    assert "198.51.100" in str(world.posts)


def test_a_row_that_no_message_can_be_made_of_is_told_as_a_count() -> None:
    where = setting(ONE_INCIDENT)
    store, world = shared_memory(), World(seconds=100_000.0)
    ran(sqs(numbered(1)), world, store, where, "a")
    (row,) = [item for name, item in store.items.items() if name.startswith("window:")]
    ((level, digest, sample),) = json.loads(str(row["views"]))
    digest[4] = {}
    other = {"events": 2, "must_notify_to": 2, "views": json.dumps([[level, digest, {**sample, "severity": "x"}]])}
    store.items["window:ops:0:5"] = {**row, "id": "window:ops:0:5", "owed": "ops!", "due": 1, **other}
    drained(world, store, where, 5.0)
    assert len(world.posts) == 2


@pytest.mark.parametrize("until", [START * 1_000, "x"])
def test_a_damaged_lease_or_rate_does_not_silence_a_channel(until: Any) -> None:
    store, world = shared_memory(), World(seconds=100_000.0)
    ran(sqs(numbered(1)), world, store, setting(ONE_INCIDENT), "a")
    store.items["drain:ops"] = {"id": "drain:ops", "holder": "nobody", "until": until}
    (rate,) = [item for name, item in store.items.items() if name.startswith("pace:")]
    rate |= {"tat": until, "gone": START * 1_000}
    ran(sqs(numbered(2, **OTHER_PLACE)), world, store, setting(ONE_INCIDENT), "b")
    assert len(world.posts) == 2


def test_two_robots_that_one_service_calls_for_are_two() -> None:
    robots = actor("script", "userIdentity.type == 'IAMUser'", Kind.ROBOT)
    channels = {**CHANNELS, "ops": named("ops", incident=IncidentRule(window=900.0))}
    where = Setting(policy_set(channels=channels, actors=(robots,)), Deployment())
    store, world = shared_memory(), World(seconds=100_000.0)
    for name in ("etl", "backup"):
        identity = {"type": "IAMUser", "accountId": "111122223333", "userName": name, "invokedBy": "athena.amazonaws.com"}
        event = {"userIdentity": identity, "sourceIPAddress": "athena.amazonaws.com"}
        ran(sqs({**numbered(1, **event), "eventID": name}), world, store, where, name)
    assert len(world.posts) == 2


IN_ACCOUNT = {"type": "FederatedUser", "accountId": "111122223333"}
FOR_A_USER = {"type": "IdentityCenterUser", "accountId": "111122223333"}
CLOUDFRONT = {"type": "AWSService", "invokedBy": "cloudfront.amazonaws.com"}
ETL_ROLE = {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/query/session", "accountId": "111122223333"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({**IN_ACCOUNT, "principalId": "111122223333:ada"}, {**IN_ACCOUNT, "principalId": "111122223333:mallory"}),
        ({**FOR_A_USER, "onBehalfOf": {"userId": "user-1"}}, {**FOR_A_USER, "onBehalfOf": {"userId": "user-2"}}),
        ({**ETL_ROLE, "onBehalfOf": {"userId": "user-1"}}, {**ETL_ROLE, "onBehalfOf": {"userId": "user-2"}}),
        (
            {"type": "AWSAccount", "accountId": "444455556666", "principalId": "AROAEXAMPLE1:export"},
            {"type": "AWSAccount", "accountId": "444455556666", "principalId": "AIDAEXAMPLE2"},
        ),
        (
            {**CLOUDFRONT, "inScopeOf": {"sourceAccount": "111122223333"}},
            {**CLOUDFRONT, "inScopeOf": {"sourceAccount": "444455556666"}},
        ),
    ],
)
def test_nobody_is_folded_into_the_incident_of_another_caller(one: dict[str, Any], other: dict[str, Any]) -> None:
    kind = Kind.SERVICE if one["type"] == "AWSService" else Kind.UNKNOWN
    everyone = actor("everyone", "userIdentity.type != 'x'", kind)
    channels = {**CHANNELS, "ops": named("ops", incident=IncidentRule(window=900.0))}
    where = Setting(policy_set(channels=channels, actors=(everyone,)), Deployment())
    store, world = shared_memory(), World(seconds=100_000.0)
    for number, identity in enumerate((one, other, one, other)):
        ran(sqs({**numbered(number), "userIdentity": identity}), world, store, where, f"by-{number}")
    assert len(world.posts) == 2


def test_a_row_keeps_an_events_values_however_many_routes_hold() -> None:
    holding = [policy(f"{'team' * 10}-{number}", route("r" * 40, notify=("ops",))) for number in range(1_000)]
    channels = {**CHANNELS, "ops": named("ops", incident=IncidentRule(window=900.0))}
    store, world = shared_memory(), World(seconds=100_000.0)
    where = Setting(policy_set(*holding, channels=channels), Deployment())
    ran(sqs(numbered(1)), world, store, where, "a")
    assert "payments-prod" in str(world.posts[0])
    assert max(len(str(item)) for item in store.items.values()) < 16_000


def test_a_row_holds_nothing_that_the_channels_level_hides() -> None:
    where = setting({**CHANNELS, "ops": named("ops", floor=STRICT, incident=IncidentRule())})
    store, world = shared_memory(), World()
    ran(sqs(numbered(1)), world, store, where)
    kept = str(store.items)
    event = numbered(1)
    assert "payments-prod" in kept, "which this level keeps"
    for hidden in (event["sourceIPAddress"], event["userIdentity"]["accessKeyId"], event["userIdentity"]["accountId"]):
        assert str(hidden) not in kept


def test_a_digest_is_of_one_batch() -> None:
    where = setting({**CHANNELS, "ops": named("ops", digest=DigestRule(2, (Field.BUCKET,)))})
    store, world = shared_memory(), World(seconds=100_000.0)
    for start in (0, 5):
        ran(sqs(*(numbered(number) for number in range(start, start + 5))), world, store, where, f"by-{start}")
    assert [line["outcome"] for line in world.of("delivery")] == ["booked", "digested"] * 2
    assert [one["to"] for line in world.of("delivery") for one in line["incidents"]] == [5, 5, 5, 5]


def test_a_digest_hides_no_other_class_no_severity_and_no_denial() -> None:
    stolen = actor("stolen", "userAgent == 'a laptop'", never_mute=True)
    usual = actor("usual", "userAgent != 'a laptop'")
    digest = DigestRule(2, (Field.BUCKET,))
    asks = policy("p", route("critical", "eventName == 'DeleteObject'", notify=("ops",), severity=Severity.CRITICAL))
    policies = policy_set(asks, channels={**CHANNELS, "ops": named("ops", digest=digest)}, actors=(stolen, usual))
    where = Setting(policies._replace(default=policies.default._replace(notify=("ops",))), Deployment())
    others = ({"userAgent": "a laptop"}, {"errorCode": "AccessDenied"}, {"eventName": "DeleteObject"})
    batch = [numbered(number, **(others[number - 9] if number > 8 else {})) for number in range(1, 12)]
    store, world = shared_memory(), World(seconds=100_000.0)
    ran(sqs(*batch), world, store, where)
    told = [(line["outcome"], line["event_ids"]) for line in world.of("delivery") if line["outcome"] != "booked"]
    assert sorted(told) == [*(("delivered", [f"event-{number}"]) for number in (10, 11, 9)), ("digested", [])], told


def test_a_channel_that_left_the_set_is_told_to_the_default_channels_as_a_count() -> None:
    store, world = shared_memory(), World(lambda _: DOWN)
    rule = policy("p", route("r", notify=("watch",)), buckets=("payments-prod",))
    before = Setting(policy_set(rule, channels=CHANNELS), Deployment())
    ran(sqs(numbered(1)), world, store, before)
    world.answers = lambda _: OK
    tried = len(world.posts)
    where = setting({name: CHANNELS[name] for name in ("ops", "security")})
    world.time += 60.0
    world.seconds += 120.0
    box = outbox_of(store, world, "schedule")
    Drain(where, world.ports(), box, 48.0).run({}, [*where.policies.channels, *box.rows.known_channels()])
    ((url, told),) = world.posts[tried:]
    assert url.endswith("OPS")
    assert "a.csv" not in str(told)


def test_a_channel_that_is_gone_is_not_asked_again_by_other_invocations() -> None:
    where = setting({**CHANNELS, "ops": named("ops", fallback="security")})
    store, world = shared_memory(), World(lambda url: GONE if url.endswith("OPS") else OK, seconds=1_000.0)
    for number in range(3):
        ran(sqs(numbered(number)), world, store, where, f"by-{number}")
        world.time += 10.0
    assert [url.rpartition("_")[2] for url, _ in world.posts] == ["OPS", "SECURITY", "SECURITY", "SECURITY"]
    world.time += 300.0
    ran(sqs(numbered(9)), world, store, where, "later")
    assert [url.rpartition("_")[2] for url, _ in world.posts[4:]] == ["OPS", "SECURITY"]


def test_a_channel_that_is_out_is_probed_by_one_message_at_a_time() -> None:
    store, world = shared_memory(), World(lambda _: DOWN, seconds=10_000.0)
    for number in range(30):
        ran(sqs(numbered(number)), world, store, by=f"by-{number}")
        world.time += 20.0
    assert len(world.posts) <= 20, "2, 4, 8 ... 60 seconds apart"
    world.answers = lambda _: OK
    before = len(world.posts)
    drained(world, store, seconds=60.0)
    told = world.posts[before:]
    assert len(told) == 2, "the probe, and all others in one"
    assert "29 incidents" in str(told[1])


def test_while_the_channel_is_out_its_fallback_hears_what_waits_too_long_once_and_the_channel_later_as_a_repeat() -> None:
    where = setting({**CHANNELS, "ops": named("ops", fallback="security", fallback_after=300.0)})
    store, world = shared_memory(), World(lambda url: DOWN if url.endswith("OPS") else OK)
    ran(sqs(numbered(1)), world, store, where)

    def heard(channel: str) -> list[str]:
        return [str(body) for url, body in world.posts if url.endswith(channel)]

    drained(world, store, where, 200.0)
    assert heard("SECURITY") == []
    for _ in range(5):
        drained(world, store, where, 60.0)
    assert len(heard("SECURITY")) == 1
    assert "ops" in heard("SECURITY")[0]
    tries = len(heard("OPS"))
    world.answers = lambda _: OK
    drained(world, store, where, 60.0)
    assert len(heard("OPS")) == tries + 1
    assert "may be a repeat" in heard("OPS")[-1]
    sent = [line for line in world.of("delivery") if line["outcome"] in {"delivered", "fallback"}]
    assert [(line["posted_to"], line["again"]) for line in sent] == [("security", False), ("ops", True)]


@pytest.mark.parametrize("fallback", [None, "security"])
def test_what_cannot_be_sent_for_days_is_given_up_and_counted(fallback: str | None) -> None:
    where = setting({**CHANNELS, "ops": named("ops", fallback=fallback)})
    store, world = shared_memory(), World(lambda _: DOWN)
    ran(sqs(numbered(1)), world, store, where)
    days = 1 if fallback is None else 2
    drained(world, store, where, days * 86_400.0 - 100.0)
    assert "given up" not in world.of("delivery")[-1]["reason"]
    drained(world, store, where, 200.0)
    assert "given up" in world.of("delivery")[-1]["reason"]
    assert not [item for item in store.items.values() if "owed" in item]


def test_what_waits_for_a_day_goes_to_the_fallback_alone() -> None:
    where = setting({**CHANNELS, "ops": named("ops", fallback="security")})
    store, world = shared_memory(), World(lambda url: DOWN if url.endswith("OPS") else OK)
    ran(sqs(numbered(1)), world, store, where)
    drained(world, store, where, 86_500.0)
    assert [url.rpartition("_")[2] for url, _ in world.posts[-2:]] == ["OPS", "SECURITY"]
    assert not [item for item in store.items.values() if "owed" in item]


def test_a_message_that_the_channel_refuses_waits_for_a_fallback_that_asks_for_a_pause() -> None:
    where = setting({**CHANNELS, "ops": named("ops", fallback="security")})
    refused, pause = HttpResponse(400, "something"), HttpResponse(429, "rate_limited", 1.0)
    store, world = shared_memory(), World(lambda url: refused if url.endswith("OPS") else pause)
    ran(sqs(numbered(1)), world, store, where)
    world.answers = lambda url: refused if url.endswith("OPS") else OK
    drained(world, store, where, 60.0)
    assert [line["outcome"] for line in world.of("delivery")] == ["booked", "failed", "fallback"]


def test_in_a_flood_the_first_ten_urgent_alerts_are_messages_of_their_own() -> None:
    stolen = actor("stolen", "userAgent == 'a laptop'", never_mute=True)
    asks = policy("p", route("critical", "eventName == 'DeleteObject'", notify=("ops",), severity=Severity.CRITICAL))
    policies = policy_set(asks, channels=CHANNELS, actors=(stolen,))
    where = Setting(policies._replace(default=policies.default._replace(notify=("ops",))), Deployment())
    urgent = [
        numbered(number, **({"eventName": "DeleteObject"} if number % 2 else {"userAgent": "a laptop"})) for number in range(12)
    ]
    flood = [numbered(number) for number in range(100, 140)]
    store, world = shared_memory(), World(seconds=100_000.0)
    ran(sqs(*flood[:20], *urgent, *flood[20:]), world, store, where)
    drained(world, store, where, 60.0)
    *first, fold = (line for line in world.of("delivery") if line["outcome"] != "booked")
    assert len(first) >= 10
    assert {name for line in first for name in line["event_ids"]} <= {event["eventID"] for event in urgent}
    assert [len(line["incidents"]) for line in first] == [1] * len(first)
    assert len(fold["incidents"]) == len(urgent) + len(flood) - len(first)
