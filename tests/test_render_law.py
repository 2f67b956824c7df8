"""The law of messages: whatever comes, Slack takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import OPEN_LEVEL, STANDARD
from hypothesis import example, given
from hypothesis import strategies as st
from messages import DEPLOYED, HUMAN, VALUES, decision, request, tokyo

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
from engine.pipeline.render.labels import WORDS
from engine.pipeline.render.layout import Content, Draft, Piece, Style, Value, made_buttons
from engine.pipeline.render.limits import violations
from engine.pipeline.render.links import Link, Target

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
    st.none() | SHORT,
    evidence=st.tuples(
        st.builds(lambda says, s: Evidence("id", says, s, HUMAN.evidence[0].matcher), VALUE, st.sampled_from(Strength))
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
        "title": st.none() | VALUE | st.just("{key} {name} {event} {user_agent}"),
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
        HUMAN._replace(evidence=(HUMAN.evidence[0]._replace(says=WIDE),)),
        failures=(Failure(MatcherKind.ROUTE, WIDE, "x", "y"),) * 30,
    ),
    {"title": WIDE, "runbook": f"https://{'r' * 2992}", "routes": (WIDE,) * 30, "fallback_for": WIDE},
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
    places=st.just((0, 1)),
    runbook=st.none() | st.just("https://x"),
    failures=FAILURES,
    fallback_for=st.none() | SHORT,
    hash_missing=st.integers(0, 23),
)


@given(SUMMARIES, CHANNELS, DEPLOYMENTS)
def test_slack_takes_every_summary(summary: Summary, channel: Channel, deployment: Deployment) -> None:
    assert_taken(render_summary(summary, channel, deployment))


ODD = [
    "",
    "a",
    " a",
    "a ",
    "a  b",
    "a b",
    "://",
    "a|b",
    "&",
    "<",
    ">",
    '"',
    "\\",
    "\n",
    "\x7f",
    "é",
    "\ud800",
    "a\n",
    "\n",
    "a\x1f",
    "a" * 121,
    "a" * 1025,
]
GAPS = ("title", "a", "b", *(f"line {number}" for number in range(12)))
CONTENT = Content(
    ("gear",),
    Value("title", 600, Style.BOLD),
    (Value("a"), Piece(" at "), Value("b", 700), Piece(" and "), Value("a", 900)),
    (*((Piece("Label: ", Style.BOLD), Value(name)) for name in GAPS[3:]), (Value("b"), Value("b", 800))),
    ("a note",),
    ("why",),
)
"""A dozen gaps with names of their own, one filled twice and one thrice."""

BARE: list[Link] = []
LINKED = [Link(Target.RUNBOOK, f"https://{'r' * 2992}")]
NAMED = [Link(target, "https://x") for target in Target]


EACH_ONCE = Content((), Piece("title"), tuple(Value(name, style=Style.PLAIN) for name in GAPS), (), (), ())


@pytest.mark.parametrize("usual", ["a", "a" * 120, "a" * 600, "a" * 1024])
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("links", [BARE, LINKED], ids=["bare", "linked"])
def test_a_draft_filled_at_once_says_what_it_says_filled_with_care(usual: str, odd: str, links: list[Link]) -> None:
    draft, buttons = Draft(CONTENT), made_buttons(links, WORDS[Language.EN])
    assert draft.names == GAPS
    for place in range(len(draft.names)):
        values = [usual] * len(draft.names)
        values[place] = odd
        assert draft.filled(values, buttons) == draft.with_care(values, buttons)


@pytest.mark.parametrize("content", [CONTENT, EACH_ONCE], ids=["some repeated", "each once"])
@pytest.mark.parametrize("links", [BARE, LINKED, NAMED], ids=["bare", "linked", "named"])
def test_so_it_does_where_a_message_is_just_full(content: Content, links: list[Link]) -> None:
    draft, buttons = Draft(content), made_buttons(links, WORDS[Language.JA])

    def values(most: int) -> list[str]:
        return ["a" * most] * len(GAPS)

    full = next(most for most in range(1, 1026) if draft.at_once(values(most), buttons) is None) - 1
    assert 100 < full < 1024
    assert draft.at_once(values(full), buttons) == draft.with_care(values(full), buttons)
