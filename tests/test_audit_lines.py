"""A decision's line says what `decision_json` does, whatever was said before it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builders import OPEN_LEVEL, STANDARD, STRICT, actor, policy_set
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Decision, Event, Failure, Hush, MatcherKind, Request, Severity
from engine.pipeline import audit
from engine.pipeline.audit import DecisionLines, decision_json, line
from engine.pipeline.facts import facts

if TYPE_CHECKING:
    import pytest

ACTORS = [actor("human", "type == `1`"), actor("robot", "type == `1`"), policy_set().unknown]
NAMES = st.sampled_from(["a", "b/c", "é"])
TUPLES = st.lists(NAMES, max_size=2).map(tuple)
HUSHES = st.lists(st.builds(Hush, NAMES, NAMES, NAMES), max_size=2).map(tuple)
FAILURES = st.lists(st.builds(Failure, st.sampled_from(MatcherKind), NAMES, NAMES, NAMES), max_size=2).map(tuple)
LEVELS = st.sampled_from([OPEN_LEVEL, STANDARD, STRICT])
REQUESTS = st.lists(st.builds(Request, NAMES, LEVELS, st.sampled_from(Severity), NAMES, NAMES), max_size=3).map(tuple)
FACTS = facts(Event({}, ""))

DECISION = Decision(
    "e", ACTORS[0], None, (), (), (), (), defaulted=False, failures=(), revision="sha256:000000000000", facts=FACTS
)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    who = draw(st.sampled_from(ACTORS))
    evidence = draw(st.sampled_from([None, *who.evidence]))
    said = (draw(REQUESTS), draw(TUPLES), draw(HUSHES), draw(HUSHES), draw(st.booleans()), draw(FAILURES))
    return Decision(draw(st.none() | st.text(max_size=3)), who, evidence, *said, "sha256:000000000000", FACTS)


@given(st.lists(decisions(), max_size=12))
def test_a_line_is_what_the_decision_is_as_json(some: list[Decision]) -> None:
    lines = DecisionLines(policy_set())
    assert lines.lines(some).decode() == "".join(line(decision_json(one)) + "\n" for one in some)
    assert [json.loads(one) for one in lines.lines(some).splitlines()] == [decision_json(one) for one in some]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_KINDS", 3)
    lines = DecisionLines(policy_set())
    for number in range(10):
        one = DECISION._replace(routes=(f"p/r{number}",))
        assert lines.lines([one]).decode() == line(decision_json(one)) + "\n"
        assert len(lines._known) <= 3
