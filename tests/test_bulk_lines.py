"""A decision's line says what `decision_json` does, whatever was said before it."""

from __future__ import annotations

import json

from builders import OPEN_LEVEL, STANDARD, STRICT, actor, policy_set
from hypothesis import given
from hypothesis import strategies as st

from engine.bulk.lines import DecisionLines
from engine.model import Decision, Failure, MatcherKind, Request, Severity, Suppression, Verdict
from engine.pipeline.audit import decision_json, line

ACTORS = [actor("human", "type == `1`"), actor("robot", "type == `1`"), policy_set().unknown]
NAMES = st.sampled_from(["a", "b/c", "é"])
TUPLES = st.lists(NAMES, max_size=2).map(tuple)
HUSHES = st.lists(st.builds(Suppression, NAMES, NAMES, NAMES), max_size=2).map(tuple)
FAILURES = st.lists(st.builds(Failure, st.sampled_from(MatcherKind), NAMES, NAMES, NAMES), max_size=2).map(tuple)
LEVELS = st.sampled_from([OPEN_LEVEL, STANDARD, STRICT])
FAILED = Failure(MatcherKind.ROUTE, "p", "r", "why")
REQUESTS = st.lists(st.builds(Request, NAMES, LEVELS, st.sampled_from(Severity), NAMES, NAMES), max_size=3).map(tuple)


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    who = draw(st.sampled_from(ACTORS))
    evidence = draw(st.sampled_from([None, *who.evidence]))
    said = (draw(REQUESTS), draw(TUPLES), draw(HUSHES), draw(HUSHES), draw(st.booleans()), draw(FAILURES))
    return Verdict(who, evidence, *said, "sha256:000000000000")


@given(st.lists(verdicts(), min_size=1, max_size=4), st.data())
def test_a_line_is_what_the_decision_is_as_json(some: list[Verdict], data: st.DataObject) -> None:
    names = st.none() | st.text(max_size=3) | st.just(7)
    decided = data.draw(st.lists(st.tuples(names, st.sampled_from(some)), max_size=12))
    expected = [decision_json(Decision(name if isinstance(name, str) and name else None, verdict)) for name, verdict in decided]
    lines = DecisionLines()
    told = lines.of([name for name, _ in decided], [lines.tail(verdict) for _, verdict in decided])
    assert told.decode() == "".join(line(one) + "\n" for one in expected)
    assert [json.loads(one) for one in told.splitlines()] == expected


def test_what_is_remembered_is_bounded() -> None:
    lines = DecisionLines(size=3)
    for number in range(10):
        one = Verdict(ACTORS[0], None, (), (f"p/r{number}",), (), (), defaulted=False, failures=(), revision="r")
        assert json.loads(lines.of(["e"], [lines.tail(one)]))["routes"] == [f"p/r{number}"]
        assert len(lines._tails) <= 3
