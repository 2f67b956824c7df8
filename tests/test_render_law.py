"""The law of messages: whatever comes, Slack takes it."""

from __future__ import annotations

import json
from typing import Any

from builders import OPEN_LEVEL, STANDARD
from hypothesis import example, given
from hypothesis import strategies as st
from messages import DEPLOYED, HUMAN, VALUES, decision, request, tokyo
from slack_limits import violations

from engine.model import (
    ActorClass,
    Channel,
    Decision,
    Deployment,
    Evidence,
    Failure,
    Field,
    Kind,
    Language,
    Level,
    LocalizedText,
    MaskedEvent,
    MatcherKind,
    Message,
    Operator,
    Severity,
    Strength,
    Summary,
    Top,
    TopActors,
)
from engine.pipeline.render import plain, render, render_summary

WIDE = "\N{GRINNING FACE}" * 2000
"""Four bytes a character, and too many of them."""

CHARACTERS = st.integers(0, 0x10FFFF).map(chr)
SHORT = st.text(CHARACTERS, max_size=20) | st.sampled_from(["", " ", "\u202e", "<!channel>", "a" * 63, "\ud800", "é" * 90])
LONG = st.builds(
    lambda text, times: (text * times)[:100_000], st.text(CHARACTERS, min_size=1, max_size=4), st.integers(1, 100_000)
)
VALUE = SHORT | LONG
LEVELS = st.fixed_dictionaries({field: st.sampled_from(Operator) for field in Field}).map(lambda by: Level("any", 1, by))
EVENTS = st.builds(
    MaskedEvent,
    LEVELS | st.just(OPEN_LEVEL),
    st.dictionaries(st.sampled_from(Field), VALUE) | VALUE.map(lambda value: dict.fromkeys(Field, value)),
    st.integers(0, 23),
)
ACTORS = st.builds(
    ActorClass,
    SHORT,
    st.sampled_from(Kind),
    st.none() | SHORT,
    st.none() | SHORT.map(LocalizedText),
    evidence=st.tuples(
        st.builds(
            lambda says, s: Evidence("id", LocalizedText(says), s, HUMAN.evidence[0].matcher), VALUE, st.sampled_from(Strength)
        )
    ),
)
FAILURES = st.lists(st.builds(Failure, st.sampled_from(MatcherKind), VALUE, SHORT, SHORT), max_size=30).map(tuple)
DECISIONS = st.builds(lambda actor, failures: decision(actor, failures=failures), ACTORS, FAILURES)
CHANNELS = st.builds(
    lambda language, fields: tokyo(language=language, fields=fields),
    st.sampled_from(Language),
    st.none() | st.lists(st.sampled_from(Field), unique=True).map(tuple),
)
ASKED = st.fixed_dictionaries(
    {
        "severity": st.sampled_from(Severity),
        "title": st.none() | (VALUE | st.just("{key} {name} {event} {user_agent}")).map(LocalizedText),
        "runbook": st.none() | st.sampled_from(["https://x", f"https://{'r' * 2992}", f"https://{'r' * 2993}"]),
        "routes": st.lists(VALUE, max_size=30).map(tuple),
        "fallback_for": st.none() | VALUE,
    }
)
DEPLOYMENTS = st.sampled_from([DEPLOYED, Deployment(), Deployment("us-east-1", "/" * 512), Deployment("cn-north-1")])


def assert_taken(made: Message) -> None:
    """Slack takes it and its plain version, and it can be sent."""
    assert violations(made.payload) == []
    assert violations(plain(made).payload) == []
    assert '"type": "mrkdwn"' not in json.dumps(made.payload)
    assert len(json.dumps(made.payload, ensure_ascii=False).encode()) < 40_000


@given(EVENTS, DECISIONS, ASKED, CHANNELS, DEPLOYMENTS)
@example(
    MaskedEvent(OPEN_LEVEL, dict.fromkeys(Field, WIDE)),
    decision(
        HUMAN._replace(evidence=(HUMAN.evidence[0]._replace(says=LocalizedText(WIDE)),)),
        failures=(Failure(MatcherKind.ROUTE, WIDE, "x", "y"),) * 30,
    ),
    {"title": LocalizedText(WIDE), "runbook": f"https://{'r' * 2992}", "routes": (WIDE,) * 30, "fallback_for": WIDE},
    tokyo(language=Language.JA),
    Deployment("us-east-1", "/" * 512),
)
def test_slack_takes_every_message(
    event: MaskedEvent, decided: Decision, asked: dict[str, Any], channel: Channel, deployment: Deployment
) -> None:
    assert_taken(render(event, decided, request(event.level, **asked), channel, deployment))


TOPS = st.builds(Top, st.lists(st.tuples(VALUE, st.integers(1, 9)), min_size=1, max_size=5).map(tuple), st.integers(0, 99))
SUMMARIES = st.builds(
    Summary,
    total=st.integers(1, 10**6),
    first=st.none() | VALUE | st.just(VALUES[Field.TIME]),
    last=st.none() | VALUE | st.just(VALUES[Field.TIME]),
    denied=st.none() | st.integers(0, 99),
    by=st.dictionaries(st.sampled_from(Field), VALUE),
    top=st.dictionaries(st.sampled_from(Field), TOPS, max_size=6),
    actors=st.builds(
        TopActors,
        st.lists(st.tuples(st.none() | SHORT, SHORT, st.integers(1, 9)), max_size=5).map(tuple),
        st.integers(0, 99),
    ),
    actor=st.none() | ACTORS,
    severity=st.sampled_from(Severity),
    level=st.just(STANDARD),
    routes=st.lists(VALUE, min_size=1, max_size=30).map(tuple),
    revision=SHORT,
    numbers=st.just((0, 1)),
    runbook=st.none() | st.just("https://x"),
    failures=FAILURES,
    fallback_for=st.none() | SHORT,
    hash_missing=st.integers(0, 23),
)


@given(SUMMARIES, CHANNELS, DEPLOYMENTS)
def test_slack_takes_every_summary(summary: Summary, channel: Channel, deployment: Deployment) -> None:
    assert_taken(render_summary(summary, channel, deployment))
