"""What is chosen for one event: section 4 of the policy language, sentence by sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import (
    NOW,
    OPEN_LEVEL,
    STANDARD,
    STRICT,
    actor,
    channel,
    event,
    policy,
    policy_set,
    record,
    route,
    silence,
)

from engine.model import (
    ActorClass,
    Event,
    Kind,
    LocalizedText,
    MatcherKind,
    MatchResult,
    PolicySet,
    Severity,
    Strength,
    Verdict,
    Window,
)
from engine.pipeline.decide import decide, trace, within

LATER = NOW + timedelta(days=1)
FAILS = "starts_with(`1`, 'a')"


def channels(verdict: Verdict) -> dict[str, str]:
    return {request.channel: request.level.name for request in verdict.requests}


def decided(*policies: object, **parts: object) -> Verdict:
    return decide(event(), policy_set(*policies, **parts), NOW).verdict


# --- routes ----------------------------------------------------------------------------------------------------------------


def test_the_first_route_that_holds_decides() -> None:
    got = decided(policy("p", route("no", "bucket == 'other'"), route("yes", "bucket == 'payments-prod'"), route("late")))
    assert got.routes == ("p/yes",)
    assert channels(got) == {"watch": "open", "ops": "open"}


def test_continue_also_asks_the_routes_below() -> None:
    got = decided(policy("p", route("a", continues=True), route("b", notify=("security",)), buckets=("*-prod",)))
    assert got.routes == ("p/a", "p/b")
    assert channels(got) == {"watch": "open", "security": "open"}


def test_a_mute_ends_its_policy_and_takes_nothing_back() -> None:
    got = decided(policy("p", route("a", continues=True), route("m", mute="job"), route("z"), buckets=("payments-prod",)))
    assert channels(got) == {"watch": "open"}
    assert [(hush.policy, hush.id, hush.reason) for hush in got.mutes] == [("p", "m", "job")]


def test_one_policys_mute_does_not_mute_anothers_requests() -> None:
    got = decided(policy("a", route("m", mute="job"), buckets=("payments-prod",)), policy("b", route("r")))
    assert channels(got) == {"watch": "open"}
    assert not got.defaulted


def test_a_matcher_holds_only_if_it_is_exactly_true() -> None:
    got = decided(policy("p", route("truthy", "bucket"), buckets=("payments-prod",)))
    assert got.routes == ()


# --- scope -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("buckets", [("payments-*",), ("x", "payments-prod"), ("*",), ("payments-p??d",)])
def test_a_scope_holds_by_the_bucket(buckets: tuple[str, ...]) -> None:
    assert decided(policy("p", route("r"), buckets=buckets)).routes == ("p/r",)


def test_a_scope_holds_by_the_source_of_a_copy() -> None:
    copied = event(
        requestParameters={"bucketName": "attacker", "key": "k", "x-amz-copy-source": "payments-prod/k"}, resources=None
    )
    got = decide(copied, policy_set(policy("p", route("r"), buckets=("payments-prod",))), NOW).verdict
    assert got.routes == ("p/r",)


def test_a_scope_holds_by_any_bucket_in_resources() -> None:
    other = event(requestParameters=None, resources=[{"ARN": "arn:aws:s3:::a/k"}, {"ARN": "arn:aws:s3:::payments-prod"}])
    assert decide(other, policy_set(policy("p", route("r"), buckets=("payments-prod",))), NOW).verdict.routes == ("p/r",)


def test_a_scope_of_accounts_is_the_recipients() -> None:
    mine, other = (
        policy("a", route("r"), accounts=frozenset({"111122223333"})),
        policy("b", route("r"), accounts=frozenset({"444455556666"})),
    )
    assert decided(mine, other).routes == ("a/r",)


# --- the default -----------------------------------------------------------------------------------------------------------


def test_the_default_applies_where_nobody_decided() -> None:
    got = decided(policy("p", route("no", "bucket == 'x'"), buckets=("payments-prod",)))
    assert got.defaulted
    assert channels(got) == {"ops": "open"}


def test_a_policy_with_a_bucket_scope_that_decided_takes_the_defaults_place() -> None:
    assert channels(decided(policy("p", route("r"), buckets=("payments-prod",)))) == {"watch": "open"}


COPY = {"requestParameters": {"bucketName": "ours", "key": "k", "x-amz-copy-source": "theirs/k"}, "resources": None}


@pytest.mark.parametrize("does", [{"mute": "job"}, {}])
def test_the_default_applies_for_each_bucket_of_a_copy(does: dict[str, str]) -> None:
    into, out_of = (policy(f"of-{name}", route("r", **does), buckets=(name,)) for name in ("ours", "theirs"))
    for policies, defaulted in (((), True), ((into,), True), ((out_of,), True), ((into, out_of), False)):
        got = decide(event(**COPY), policy_set(*policies), NOW).verdict
        assert (got.defaulted, "ops" in channels(got)) == (defaulted, defaulted)
    both = policy("both", route("r", **does), buckets=("ours", "theirs"))
    assert not decide(event(**COPY), policy_set(both), NOW).verdict.defaulted


def test_a_bucket_that_only_the_resources_name_is_not_the_events() -> None:
    third = [{"ARN": "arn:aws:s3:::payments-prod"}, {"ARN": "arn:aws:s3:::third"}]
    muted = policy_set(policy("p", route("m", mute="job"), buckets=("payments-prod",)))
    assert not decide(event(resources=third), muted, NOW).verdict.defaulted


def test_an_event_without_a_bucket_has_the_default() -> None:
    nowhere = event(requestParameters=None, resources=None)
    muted = policy_set(policy("p", route("m", mute="job"), buckets=("payments-prod",)))
    assert decide(nowhere, muted, NOW).verdict.defaulted


@pytest.mark.parametrize("parts", [{}, {"buckets": ("*",), "anchored": False}])
def test_a_policy_without_a_real_scope_adds_channels_and_silences_nobody(parts: dict[str, object]) -> None:
    got = decided(policy("p", route("r"), **parts))
    assert got.defaulted
    assert channels(got) == {"watch": "open", "ops": "open"}


def test_the_file_that_holds_the_default_may_decide_in_its_place() -> None:
    got = decided(policy("base", route("m", mute="known")))
    assert not got.defaulted
    assert got.requests == ()


# --- silences --------------------------------------------------------------------------------------------------------------


def test_a_silence_removes_its_files_requests_and_the_default_does_not_step_in() -> None:
    quiet = policy("p", route("r"), buckets=("payments-prod",), silences=(silence("s", "bucket == 'payments-prod'", LATER),))
    got = decided(quiet, policy("q", route("r", notify=("security",))))
    assert channels(got) == {"security": "open"}
    assert [(hush.policy, hush.id, hush.reason) for hush in got.silences] == [("p", "s", "work")]
    assert not got.defaulted


def test_a_silence_of_some_channels_leaves_the_others() -> None:
    only = silence("s", "`true`", LATER, channels=frozenset({"watch"}))
    got = decided(policy("p", route("r", notify=("watch", "security")), buckets=("*-prod",), silences=(only,)))
    assert channels(got) == {"security": "open"}


def test_a_silence_ends_at_its_time_by_the_events_clock() -> None:
    at = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
    for until, left in ((at, {"watch": "open"}), (at + timedelta(seconds=1), {})):
        got = decided(policy("p", route("r"), buckets=("*-prod",), silences=(silence("s", "`true`", until),)))
        assert channels(got) == left


def test_now_serves_only_events_without_a_time() -> None:
    quiet = policy_set(policy("p", route("r"), buckets=("*-prod",), silences=(silence("s", "`true`", NOW),)))
    assert channels(decide(event(), quiet, LATER).verdict) == {}
    assert channels(decide(event(eventTime=None), quiet, LATER).verdict) == {"watch": "open"}


def test_a_silence_in_the_file_of_the_default_covers_the_default_too() -> None:
    got = decided(policy("base", silences=(silence("s", "`true`", LATER),)))
    assert got.defaulted
    assert got.requests == ()
    assert [hush.id for hush in got.silences] == ["s"]


def test_a_silence_is_listed_only_where_it_removed_something() -> None:
    twice = (silence("first", "`true`", LATER), silence("second", "`true`", LATER))
    got = decided(policy("p", route("r"), buckets=("*-prod",), silences=twice))
    assert [hush.id for hush in got.silences] == ["first"]


# --- never quieter ---------------------------------------------------------------------------------------------------------


def test_a_class_that_is_never_muted_voids_mutes_and_silences() -> None:
    stolen = actor("stolen", "`true`", Kind.UNKNOWN, never_mute=True)
    muted = policy("p", route("m", mute="job"), route("r"), buckets=("*-prod",), silences=(silence("s", "`true`", LATER),))
    got = decided(muted, actors=(stolen,))
    assert channels(got) == {"watch": "open", "ops": "open"}
    assert (got.mutes, got.silences) == ((), ())


def test_a_class_that_is_never_muted_is_heard_by_the_defaults_channels_whatever_routes_decide() -> None:
    stolen = actor("stolen", "`true`", Kind.UNKNOWN, never_mute=True)
    for name in ("p", "base"):
        got = decided(policy(name, route("r"), buckets=("payments-prod",)), actors=(stolen,))
        assert channels(got) == {"watch": "open", "ops": "open"}
        assert got.defaulted


def test_after_a_failed_route_later_mutes_of_that_policy_are_void() -> None:
    broken = policy("p", route("f", FAILS), route("m", mute="job"), buckets=("*-prod",))
    other = policy("q", route("m", mute="job"), buckets=("*-prod",))
    got = decided(broken, other)
    assert [(hush.policy, hush.id) for hush in got.mutes] == [("q", "m")]
    assert [(failure.kind, failure.policy, failure.id) for failure in got.failures] == [(MatcherKind.ROUTE, "p", "f")]


def test_after_failed_evidence_all_mutes_are_void_and_the_default_steps_in() -> None:
    got = decided(policy("p", route("m", mute="job"), buckets=("*-prod",)), actors=(actor("a", FAILS), actor("b", "`true`")))
    assert got.actor.name == "b"
    assert channels(got) == {"ops": "open"}
    assert [(failure.kind, failure.policy, failure.id) for failure in got.failures] == [(MatcherKind.EVIDENCE, "a", "a-sign")]


def test_after_a_failed_route_that_notifies_the_defaults_channels_hear_too() -> None:
    for name in ("p", "base"):
        got = decided(policy(name, route("f", FAILS), route("r"), buckets=("*-prod",)))
        assert channels(got) == {"watch": "open", "ops": "open"}
    mutes = policy("p", route("f", FAILS, mute="job"), route("r"), buckets=("*-prod",))
    assert channels(decided(mutes)) == {"watch": "open"}


def test_a_failed_silence_does_not_hold() -> None:
    got = decided(policy("p", route("r"), buckets=("*-prod",), silences=(silence("s", FAILS, LATER),)))
    assert channels(got) == {"watch": "open"}
    assert [failure.kind for failure in got.failures] == [MatcherKind.SILENCE]


def test_a_failure_says_why_without_event_text() -> None:
    got = decide(event(userAgent=None), policy_set(policy("p", route("f", "contains(userAgent, 'x')"))), NOW).verdict
    assert len(got.failures) == 1
    assert "payments" not in got.failures[0].reason
    assert got.failures[0].reason


# --- classes ---------------------------------------------------------------------------------------------------------------


def strong(name: str, when: str = "`true`", **parts: Any) -> ActorClass:
    return actor(name, when, strength=Strength.ATTESTED, **parts)


def weak(name: str, when: str = "`true`", **parts: Any) -> ActorClass:
    return actor(name, when, strength=Strength.CLAIMED, **parts)


@pytest.mark.parametrize(
    ("actors", "expected"),
    [
        ((weak("a"), strong("b"), weak("c", never_mute=True)), "c"),
        ((weak("a"), strong("b"), strong("c", never_mute=True)), "c"),
        ((weak("a"), strong("b"), strong("c")), "b"),
        ((weak("a"), strong("b", "`false`"), weak("c")), "a"),
        ((weak("a", "`false`"), strong("b", "`false`")), "unknown"),
    ],
)
def test_what_aws_vouches_for_goes_before_what_is_claimed_but_towards_what_is_never_muted(
    actors: tuple[ActorClass, ...], expected: str
) -> None:
    assert decided(actors=actors).actor.name == expected


def test_each_evidence_is_asked_at_most_once_to_the_first_that_holds() -> None:
    actors = (weak("a"), strong("b", FAILS), weak("c", "`false`", never_mute=True), strong("d"), strong("e"))
    decision, asked = trace(event(), policy_set(actors=actors), NOW)
    got = decision.verdict
    evidence = [(line.id, line.answer.value) for line in asked]
    assert evidence == [("c-sign", "not held"), ("b-sign", "failed"), ("d-sign", "held")]
    assert (got.actor.name, [failure.id for failure in got.failures]) == ("d", ["b-sign"])


def test_evidence_that_fails_behind_the_one_that_decides_is_no_failure() -> None:
    got = decided(actors=(weak("a", FAILS), strong("b")))
    assert (got.actor.name, got.failures) == ("b", ())


@pytest.mark.parametrize("strength", ["attested", "claimed"])
def test_routes_may_test_the_strength_of_the_evidence(strength: str) -> None:
    some = (strong("a"),) if strength == "attested" else (weak("a"),)
    assert decided(policy("p", route("r", f"actor.strength == '{strength}'")), actors=some).routes == ("p/r",)
    assert decided(policy("p", route("r", "actor.strength == `null`"))).routes == ("p/r",)


def test_the_first_class_with_evidence_wins() -> None:
    got = decided(actors=(actor("no", "bucket == 'x'"), actor("one", "`true`"), actor("two", "`true`")))
    assert (got.actor.name, got.evidence and got.evidence.id) == ("one", "one-sign")


def test_without_evidence_the_class_is_unknown_and_routes_may_test_it() -> None:
    got = decided(policy("p", route("u", "actor.class == 'unknown' && actor.evidence == `null`")))
    assert (got.actor.name, got.evidence, got.routes) == ("unknown", None, ("p/u",))


def test_the_class_is_null_while_actors_are_being_classified() -> None:
    assert decided(actors=(actor("a", "actor.class == `null`"),)).actor.name == "a"


# --- merging ---------------------------------------------------------------------------------------------------------------


def test_requests_for_one_channel_merge_to_the_strictest_level_and_the_highest_severity() -> None:
    low = policy("a", route("r", severity=Severity.INFO, level=STRICT, title=LocalizedText("low")))
    high = policy(
        "b",
        route("r", severity=Severity.CRITICAL, title=LocalizedText("high"), runbook="https://wiki.example.com/r"),
        buckets=("*-prod",),
    )
    request = decided(low, high).requests[0]
    assert (request.level.name, request.severity, request.title) == ("strict", Severity.CRITICAL, LocalizedText("high"))
    assert (request.runbook, request.policy, request.routes) == ("https://wiki.example.com/r", "b", ("a/r", "b/r"))


def test_of_equal_severity_the_first_title_in_path_order_stands() -> None:
    got = decided(
        policy("a", route("r", title=LocalizedText("first"))),
        policy("b", route("r", title=LocalizedText("second")), buckets=("*-prod",)),
    )
    assert got.requests[0].title == LocalizedText("first")


def test_a_level_is_never_below_the_channels_floor() -> None:
    strict = {name: channel(name, STRICT) for name in ("watch", "ops")}
    assert channels(decided(policy("p", route("r"), buckets=("*-prod",)), channels=strict)) == {"watch": "strict"}


def test_a_level_is_never_below_the_floor_of_any_policy_in_scope() -> None:
    floors = policy("floors", buckets=("payments-*",), masking_floor=STANDARD)
    elsewhere = policy("elsewhere", buckets=("other",), masking_floor=STRICT)
    assert channels(decided(floors, elsewhere)) == {"ops": "standard"}


# --- time ------------------------------------------------------------------------------------------------------------------

TOKYO = ZoneInfo("Asia/Tokyo")
NIGHT = Window(frozenset({0}), 20 * 60, 7 * 60, TOKYO)


@pytest.mark.parametrize(
    ("local", "inside"),
    [
        ("2026-11-02T20:00:00", True),
        ("2026-11-02T19:59:59", False),
        ("2026-11-03T06:59:59", True),
        ("2026-11-03T07:00:00", False),
        ("2026-11-02T06:00:00", False),
        ("2026-11-03T20:00:00", False),
    ],
)
def test_a_window_over_midnight_is_half_open_and_belongs_to_the_day_it_starts_on(local: str, *, inside: bool) -> None:
    assert within([NIGHT], datetime.fromisoformat(local).replace(tzinfo=TOKYO).astimezone(UTC)) is inside


def test_a_route_outside_its_time_is_passed_by() -> None:
    day = Window(frozenset(range(7)), 0, 60, UTC)
    got, asked = trace(event(), policy_set(policy("p", route("r", during=(day,)), buckets=("*-prod",))), NOW)
    assert got.verdict.routes == ()
    assert [(line.id, line.answer) for line in asked] == [("r", MatchResult.OUT_OF_TIME)]


# --- the value -------------------------------------------------------------------------------------------------------------


def test_the_decision_and_its_trace_are_the_same_decision() -> None:
    policies = policy_set(
        policy("p", route("no", "bucket == 'x'"), route("f", FAILS), route("r")), actors=(actor("a", "`true`"),)
    )
    got, asked = trace(event(), policies, NOW)
    assert got == decide(event(), policies, NOW)
    assert [(line.kind.value, line.id, line.answer.value) for line in asked] == [
        ("evidence", "a-sign", "held"),
        ("route", "no", "not held"),
        ("route", "f", "failed"),
        ("route", "r", "held"),
    ]


def test_an_event_without_an_id_has_none_in_its_decision() -> None:
    assert decide(event(eventID=None), policy_set(), NOW).event_id is None


def test_no_event_text_stands_in_the_repr_of_a_decision() -> None:
    text = repr(decided(policy("p", route("r"))))
    assert not [value for value in ("203.0.113.7", "ledger.csv", "analyst@example.com") if value in text]


@pytest.mark.parametrize(
    "broken", [{}, {"userIdentity": []}, {"resources": [None, {"ARN": 1}]}, {"eventTime": "0001-01-01T00:00:00+14:00"}]
)
def test_any_record_is_decided(broken: dict[str, object]) -> None:
    zoned = policy("p", route("r", during=(Window(frozenset({0}), 0, 60, ZoneInfo("Asia/Tokyo")),)))
    policies: PolicySet = policy_set(zoned)
    one = Event(broken and {**record(), **broken}, "test")
    assert channels(decide(one, policies, NOW).verdict) == {"ops": "open"}


def test_an_open_level_is_raised_by_nothing_of_its_own() -> None:
    assert decide(event(), policy_set()._replace(levels=(OPEN_LEVEL,)), NOW).verdict.requests[0].level is OPEN_LEVEL
