"""The law of messages: whatever comes, Slack takes it."""

from __future__ import annotations

import json
from typing import Any

from builders import OPEN_LEVEL
from hypothesis import example, given
from hypothesis import strategies as st
from messages import DEPLOYED, HUMAN, VALUES, decision, pieces, request, tokyo
from slack_limits import violations

from engine.model import (
    ActorClass,
    CallerCounts,
    Channel,
    Decision,
    Deployment,
    Detail,
    Evidence,
    Failure,
    Field,
    Fold,
    Incident,
    KeyGroup,
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
)
from engine.pipeline.render import Counted, plain, render, render_fold, render_incident, render_summary
from engine.pipeline.render.layout import TEXT_MAX_LENGTH

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
    st.booleans(),
    st.booleans(),
    st.sampled_from(["read", "other"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
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
        "detail": st.sampled_from(Detail),
    }
)
DEPLOYMENTS = st.sampled_from([DEPLOYED, Deployment(), Deployment("us-east-1", "/" * 512), Deployment("cn-north-1")])


def assert_taken(made: Message) -> None:
    """Slack takes it and its plain version, it can be sent, and a lock screen has room for what it says first."""
    assert len(made.payload["text"]) <= TEXT_MAX_LENGTH
    assert sum(piece.get("type") == "emoji" for piece in pieces(made)) == 1
    assert violations(made.payload) == []
    assert violations(plain(made).payload) == []
    assert '"type": "mrkdwn"' not in json.dumps(made.payload)
    assert len(json.dumps(made.payload, ensure_ascii=False).encode()) < 40_000


@given(EVENTS, DECISIONS, ASKED, CHANNELS, DEPLOYMENTS, st.none() | st.builds(Counted, st.integers(0, 99), st.integers(0, 99)))
@example(
    MaskedEvent(OPEN_LEVEL, dict.fromkeys(Field, WIDE)),
    decision(
        HUMAN._replace(evidence=(HUMAN.evidence[0]._replace(says=LocalizedText(WIDE)),)),
        failures=(Failure(MatcherKind.ROUTE, WIDE, "x", "y"),) * 30,
    ),
    {
        "title": LocalizedText(WIDE),
        "runbook": f"https://{'r' * 2992}",
        "routes": (WIDE,) * 30,
        "fallback_for": WIDE,
        "detail": Detail.FULL,
    },
    tokyo(language=Language.JA),
    Deployment("us-east-1", "/" * 512),
    None,
)
def test_slack_takes_every_message(  # noqa: PLR0913, PLR0917  what a message is made of
    event: MaskedEvent,
    decided: Decision,
    asked: dict[str, Any],
    channel: Channel,
    deployment: Deployment,
    counted: Counted | None,
) -> None:
    assert_taken(render(event, decided, request(event.level, **asked), channel, deployment, counted=counted))


TOPS = st.builds(Top, st.lists(st.tuples(VALUE, st.integers(1, 9)), min_size=2, max_size=5).map(tuple), st.integers(0, 99))
GROUPS = st.lists(st.builds(KeyGroup, VALUE, st.integers(1, 10**6), st.integers(0, 10**15)), max_size=3).map(tuple)
TIMES = st.none() | VALUE | st.just(VALUES[Field.TIME])
SUMMARIES = st.builds(
    Summary,
    total=st.integers(1, 10**6),
    shared=EVENTS,
    first=TIMES,
    last=TIMES,
    denied=st.none() | st.integers(0, 99),
    failed=st.none() | st.integers(0, 99),
    size=st.none() | st.integers(0, 10**18),
    objects=st.integers(0, 99),
    keys=GROUPS,
    further_keys=st.integers(0, 99),
    denied_under=SHORT,
    top=st.dictionaries(st.sampled_from(Field), TOPS, max_size=6),
    callers=st.builds(CallerCounts, *(st.integers(lowest, 99) for lowest in (1, 0, 0, 0, 0))),
    actor=st.none() | ACTORS,
    evidence=st.none() | ACTORS.map(lambda actor: actor.evidence[0]),
    severity=st.sampled_from(Severity),
    by=st.lists(st.sampled_from(Field), unique=True).map(tuple),
    routes=st.lists(VALUE, min_size=1, max_size=30).map(tuple),
    revision=SHORT,
    numbers=st.just((0, 1)),
    runbook=st.none() | st.just("https://x"),
    failures=FAILURES,
    fallback_for=st.none() | SHORT,
    hash_missing=st.integers(0, 23),
)
INCIDENTS = st.builds(Incident, SUMMARIES, st.integers(0, 10**6), st.booleans(), st.booleans())
FOLDS = st.builds(
    Fold,
    incidents=st.integers(1, 10**4),
    events=st.integers(1, 10**6),
    first=TIMES,
    last=TIMES,
    largest=st.lists(SUMMARIES, max_size=7).map(tuple),
    severity=st.sampled_from(Severity),
    routes=st.lists(VALUE, max_size=30).map(tuple),
    revision=SHORT,
)


@given(SUMMARIES, CHANNELS, DEPLOYMENTS)
def test_slack_takes_every_digest(summary: Summary, channel: Channel, deployment: Deployment) -> None:
    assert_taken(render_summary(summary, channel, deployment))


@given(INCIDENTS, CHANNELS, DEPLOYMENTS)
def test_slack_takes_every_incident(incident: Incident, channel: Channel, deployment: Deployment) -> None:
    assert_taken(render_incident(incident, channel, deployment))


@given(FOLDS, CHANNELS, DEPLOYMENTS)
def test_slack_takes_every_fold(fold: Fold, channel: Channel, deployment: Deployment) -> None:
    assert_taken(render_fold(fold, channel, deployment))
