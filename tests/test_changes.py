"""What makes a policy set quieter than the one before it is found, and what does not is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import NOW, actor, channel, event, policy, policy_set, route, silence
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lint.registry import BASE, HEADER
from engine.model import (
    ActorClass,
    Default,
    IncidentRule,
    Kind,
    Policy,
    PolicySet,
    Selection,
    Selects,
    Severity,
    VoidReason,
    WebhookRef,
    Window,
)
from engine.pipeline.decide import decide
from engine.policy.changes import QuieterChange, quieter_changes
from engine.policy.load import check
from engine.policy.source import parse_source

RULES = (
    route("read", "eventName == 'GetObject'", continues=True, notify=("watch", "security")),
    route("rest", "errorCode == 'x'"),
    route("job", "actor.role == 'job'", mute="a job"),
    route("last"),
)
SILENCES = (silence("s", "actor.role == 'job'", NOW + timedelta(days=1)),)
ACTORS = (
    actor("misuse", "userAgent == 'x'", never_mute=True),
    actor("robot", "userAgent == 'y'", kind=Kind.ROBOT),
)
BEFORE = policy_set(policy("team", *RULES, silences=SILENCES, buckets=("a", "b")), actors=ACTORS)


def changed(**parts: Any) -> list[tuple[str, str]]:
    """The changes that a set has whose one policy has these parts."""
    routes = parts.pop("routes", RULES)
    whole = {name: parts.pop(name) for name in ("actors", "default", "channels", "selection", "unknown") if name in parts}
    after = policy_set(
        policy("team", *routes, **{"silences": SILENCES, "buckets": ("a", "b"), **parts}), **{"actors": ACTORS, **whole}
    )
    return [change[:2] for change in quieter_changes(BEFORE, after)]


def replaced(place: int, **parts: Any) -> tuple[Any, ...]:
    return tuple(rule._replace(**parts) if number == place else rule for number, rule in enumerate(RULES))


def test_the_same_set_is_not_quieter() -> None:
    assert quieter_changes(BEFORE, BEFORE) == ()
    assert changed() == []


OTHER = route("x", "bucket == 'c'")
EARLIER, LATER = (NOW + timedelta(days=days) for days in (0, 2))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"routes": (*RULES, route("new", "bucket == 'a'", mute="new"))}, ("+", "mute team/new")),
        ({"routes": replaced(2, matcher=OTHER.matcher)}, ("~", "mute team/job")),
        ({"routes": replaced(2, matcher=None)}, ("~", "mute team/job")),
        ({"routes": replaced(2, void_for=(VoidReason.NEVER_MUTE,))}, ("~", "mute team/job")),
        ({"routes": (RULES[0], RULES[2], RULES[1], RULES[3])}, ("~", "mute team/job")),
        ({"routes": replaced(1, continues=True)}, ("~", "mute team/job")),
        ({"silences": (*SILENCES, silence("t", "bucket == 'a'", NOW))}, ("+", "silence team/t")),
        ({"silences": (SILENCES[0]._replace(until=LATER),)}, ("~", "silence team/s")),
        ({"silences": (SILENCES[0]._replace(matcher=OTHER.matcher),)}, ("~", "silence team/s")),
        ({"silences": (SILENCES[0]._replace(channels=frozenset({"watch"})),)}, ("~", "silence team/s")),
        ({"routes": RULES[1:]}, ("-", "route team/read")),
        ({"routes": replaced(0, notify=("watch",))}, ("~", "route team/read")),
        ({"routes": replaced(3, matcher=OTHER.matcher)}, ("~", "route team/last")),
        ({"buckets": ("a",)}, ("~", "route team/last")),
        ({"exclusions": ("a",)}, ("~", "route team/last")),
        ({"exclusions": ("a",)}, ("~", "mute team/job")),
        ({"routes": replaced(3, during=(Window(frozenset({0}), 0, 1440, UTC),))}, ("~", "route team/last")),
        ({"routes": (route("new", "bucket == 'a'"), *RULES)}, ("~", "route team/read")),
        ({"routes": replaced(0, continues=False)}, ("~", "route team/last")),
        ({"routes": replaced(3, severity=Severity.INFO)}, ("~", "route team/last")),
        ({"buckets": ("a", "b", "payments-*")}, ("~", "file team")),
        ({"default": Default("base", ("watch",), BEFORE.default.level)}, ("~", "default")),
        ({"channels": {**BEFORE.channels, "ops": channel("ops")._replace(incident=IncidentRule())}}, ("~", "channel ops")),
        ({"channels": {**BEFORE.channels, "ops": channel("ops")._replace(webhook=WebhookRef(env="X"))}}, ("~", "channel ops")),
        ({"selection": Selection(names=frozenset({"GetObject"}))}, ("-", "events")),
        ({"actors": (ACTORS[0]._replace(never_mute=False), ACTORS[1])}, ("-", "never_mute misuse")),
        ({"actors": ACTORS[1:]}, ("-", "never_mute misuse")),
        ({"actors": (ACTORS[0]._replace(evidence=()), ACTORS[1])}, ("-", "evidence misuse/misuse-sign")),
    ],
)  # fmt: skip
def test_what_makes_a_set_quieter_is_named(parts: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in changed(**parts)


def test_a_file_that_takes_the_defaults_place_makes_the_set_quieter_for_the_defaults_channels() -> None:
    taken = policy("new", route("all", notify=("watch",)), buckets=("payments-*",))
    heard = policy("new", route("all", notify=("watch", "ops")), buckets=("payments-*",))
    adds = policy("new", route("all", notify=("watch",)))
    whole = quieter_changes(BEFORE, policy_set(*BEFORE.policies, taken, actors=ACTORS))
    assert whole == (QuieterChange("+", "file new", "decides more in place of the default, for payments-*"),)
    for other in (heard, adds):
        assert quieter_changes(BEFORE, policy_set(*BEFORE.policies, other, actors=ACTORS)) == ()


def test_a_channel_without_its_fallback_is_quieter() -> None:
    had = policy_set(channels={**BEFORE.channels, "ops": channel("ops")._replace(fallback="watch")})
    assert quieter_changes(had, policy_set())[0][:2] == ("~", "channel ops")


@pytest.mark.parametrize(
    "parts",
    [
        {"routes": replaced(2, mute="another reason")},
        {"routes": (*RULES[:2], RULES[3])},
        {"routes": (*RULES, route("new", "bucket == 'a'"))},
        {"routes": replaced(0, notify=("watch", "security", "ops"))},
        {"routes": replaced(3, severity="critical")},
        {"silences": ()},
        {"silences": (SILENCES[0]._replace(until=EARLIER),)},
        {"actors": (*ACTORS, actor("other", "userAgent == 'z'"))},
        {"actors": (ACTORS[0], ACTORS[1]._replace(evidence=()))},
        {"default": Default("base", ("ops", "watch"), BEFORE.default.level)},
    ],
)
def test_what_makes_a_set_louder_or_is_as_loud_is_not_named(parts: dict[str, Any]) -> None:
    assert changed(**{**parts, "silences": parts.get("silences", SILENCES)}) == []


def test_a_silence_that_begins_earlier_is_quieter_and_one_that_begins_later_is_not() -> None:
    def of(start: datetime | None) -> PolicySet:
        return policy_set(policy("team", *RULES, silences=(SILENCES[0]._replace(start=start),)))

    assert quieter_changes(of(NOW), of(None)) == (QuieterChange("~", "silence team/s", "from 2026-11-01 12:00 ⇒ since ever"),)
    assert quieter_changes(of(NOW), of(EARLIER - timedelta(days=1)))
    assert quieter_changes(of(None), of(NOW)) == ()
    assert quieter_changes(of(NOW), of(LATER - timedelta(days=1))) == ()


DEFINING = """
lists: {jobs: [payments-nightly], agents: [curl]}
conditions: {nightly: "in_list(actor.role, 'jobs')", scripts: "in_list(userAgent, `\\"agents\\"`)"}
routes:
  - {id: job, when: "holds('nightly')", mute: a job}
  - {id: scripts, when: "!holds('scripts')", notify: [watch]}
  - {id: rest, notify: [watch]}
"""


def defining(text: str) -> PolicySet:
    sources = [parse_source(BASE.encode(), "base.yaml"), parse_source((HEADER + text).encode(), "example.yaml")]
    policies, findings = check(sources)
    assert policies is not None, findings
    return policies


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[payments-nightly]", "[payments-nightly, payments-hourly]", ["mute example/job"]),
        ("[curl]", "[curl, wget]", ["route example/scripts"]),
        (
            "\"in_list(actor.role, 'jobs')\"",
            "\"in_list(actor.role, 'jobs') || actor.role == 'payments-x'\"",
            ["mute example/job"],
        ),
    ],
)
def test_what_a_rule_takes_from_a_list_or_a_condition_counts_as_its_own(old: str, new: str, expected: list[str]) -> None:
    changes = quieter_changes(defining(DEFINING), defining(DEFINING.replace(old, new)))
    assert [change.rule for change in changes] == expected
    assert all("with another " in change.detail for change in changes)


def test_evidence_counts_where_a_mute_or_a_silence_goes_by_it() -> None:
    mute = route("robots", "actor.class == 'robot'", mute="robots")
    before = policy_set(policy("team", mute), actors=ACTORS)
    after = policy_set(policy("team", mute), actors=(ACTORS[0], actor("robot", "userAgent == 'z'", kind=Kind.ROBOT)))
    assert quieter_changes(before, after) == (
        QuieterChange("~", "evidence robot/robot-sign", "userAgent == 'y' ⇒ userAgent == 'z'"),
    )


def test_fewer_events_are_quieter() -> None:
    before = policy_set(selection=Selection(Selects.ALL, frozenset({"GetObject", "PutObject"})))
    after = policy_set(selection=Selection(Selects.S3_DATA, frozenset({"GetObject"})))
    assert quieter_changes(before, after) == (
        QuieterChange("~", "events", "select all ⇒ select s3-data"),
        QuieterChange("-", "events", "PutObject"),
    )
    assert quieter_changes(after, before) == ()


def test_callers_that_nobody_knows_may_be_kept_from_mutes_too() -> None:
    unknown = ActorClass("unknown", Kind.UNKNOWN, never_mute=True)
    assert quieter_changes(policy_set(unknown=unknown), policy_set())[0][:2] == ("-", "never_mute unknown")


# --- the law --------------------------------------------------------------------------------------------------------------

WHENS = st.sampled_from(["bucket == 'a'", "bucket == 'b'", "actor.class == 'robot'", "bucket != 'c'", None])
EVENTS = [
    event(requestParameters={"bucketName": bucket, "key": "k"}, userAgent=agent) for bucket in ("a", "b", "c") for agent in "xyz"
]


@st.composite
def files(draw: st.DrawFn, name: str, before: Policy | None) -> Policy:
    """A small policy file; most of its rules are those of the file before, where there is one."""
    known = {rule.id: rule for rule in (*before.routes, *before.silences)} if before is not None else {}
    routes, silences = [], []
    for rule in draw(st.lists(st.sampled_from(["r1", "r2", "r3", "r4"]), unique=True)):
        made = route(rule, draw(WHENS), **draw(st.sampled_from([{}, {"continues": True}, {"mute": "m"}, {"notify": ("ops",)}])))
        routes.append(known[rule] if rule in known and draw(st.integers(0, 4)) else made)
    for rule in draw(st.lists(st.sampled_from(["s1"]), unique=True)):
        ends = NOW + timedelta(days=draw(st.integers(0, 2)))
        only = draw(st.sampled_from([None, frozenset({"ops"})]))
        begins = draw(st.sampled_from([None, NOW, NOW + timedelta(days=1)]))
        made_silence = silence(rule, draw(WHENS.filter(bool)), ends, channels=only, start=begins)
        silences.append(known[rule] if rule in known and draw(st.integers(0, 4)) else made_silence)
    buckets = (
        before.buckets if before is not None and draw(st.integers(0, 4)) else draw(st.sampled_from([None, ("a",), ("a", "b")]))
    )
    exclusions = before.exclusions if before is not None and draw(st.integers(0, 4)) else draw(st.sampled_from([(), ("a",)]))
    return policy(name, *routes, silences=tuple(silences), buckets=buckets, exclusions=exclusions if buckets else ())


@st.composite
def pairs(draw: st.DrawFn) -> tuple[PolicySet, PolicySet]:
    """A set, and the one that is published after it."""
    before = {name: draw(files(name, None)) for name in draw(st.lists(st.sampled_from("pq"), unique=True))}
    after = [draw(files(name, before.get(name))) for name in draw(st.lists(st.sampled_from("pq"), unique=True))]
    actors = tuple(one for one in ACTORS if draw(st.integers(0, 3)))
    actors = tuple(one._replace(never_mute=one.never_mute and draw(st.integers(0, 3)) > 0) for one in actors)
    return policy_set(*before.values(), actors=ACTORS), policy_set(*after, actors=actors)


@settings(max_examples=800)
@given(pairs())
def test_where_a_channel_heard_of_an_event_and_does_not_the_set_is_quieter(pair: tuple[PolicySet, PolicySet]) -> None:
    before, after = pair
    for number, (was, now) in enumerate(
        zip(*([decide(one, policies, NOW).verdict for one in EVENTS] for policies in pair), strict=True)
    ):
        if {request.channel for request in was.requests} - {request.channel for request in now.requests}:
            assert quieter_changes(before, after), EVENTS[number].record
