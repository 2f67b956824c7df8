"""A decision's line says what `decision_json` does, whatever was said before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders import OPEN_LEVEL, STANDARD, STRICT, actor, policy_set
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Event, Failure, Hush, MatcherKind, Request, Severity, Verdict
from engine.pipeline import audit
from engine.pipeline.audit import DecisionLines, decision_json, line
from engine.pipeline.decide.plain import decision

if TYPE_CHECKING:
    import pytest

    from engine.model import Record

ACTORS = [actor("human", "type == `1`"), actor("robot", "type == `1`"), policy_set().unknown]
NAMES = st.sampled_from(["a", "b/c", "é"])
TUPLES = st.lists(NAMES, max_size=2).map(tuple)
HUSHES = st.lists(st.builds(Hush, NAMES, NAMES, NAMES), max_size=2).map(tuple)
FAILURES = st.lists(st.builds(Failure, st.sampled_from(MatcherKind), NAMES, NAMES, NAMES), max_size=2).map(tuple)
LEVELS = st.sampled_from([OPEN_LEVEL, STANDARD, STRICT])
REQUESTS = st.lists(st.builds(Request, NAMES, LEVELS, st.sampled_from(Severity), NAMES, NAMES), max_size=3).map(tuple)

VERDICT = Verdict(ACTORS[0], None, (), (), (), (), defaulted=False, failures=(), revision="sha256:000000000000")


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    who = draw(st.sampled_from(ACTORS))
    evidence = draw(st.sampled_from([None, *who.evidence]))
    said = (draw(REQUESTS), draw(TUPLES), draw(HUSHES), draw(HUSHES), draw(st.booleans()), draw(FAILURES))
    return Verdict(who, evidence, *said, "sha256:000000000000")


RECORDS = st.one_of(st.just({}), st.fixed_dictionaries({"eventID": st.text(max_size=3) | st.sampled_from([None, 1, ["e"], {}])}))


@given(st.lists(verdicts(), min_size=1, max_size=5).flatmap(lambda some: st.lists(st.tuples(RECORDS, st.sampled_from(some)))))
def test_a_line_is_what_the_decision_is_as_json(some: list[tuple[Record, Verdict]]) -> None:
    lines = DecisionLines()
    expected = "".join(line(decision_json(decision(Event(record, ""), verdict))) + "\n" for record, verdict in some)
    for _ in range(2):
        assert lines.lines(*([one[place] for one in some] for place in (0, 1))).decode() == expected


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_KINDS", 3)
    lines = DecisionLines()
    for number in range(10):
        verdict = VERDICT._replace(routes=(f"p/r{number}",))
        expected = line(decision_json(decision(Event({"eventID": "e"}, ""), verdict))) + "\n"
        assert lines.lines([{"eventID": "e"}], [verdict]).decode() == expected
        assert len(lines._known) <= 3
        assert len(lines._by_content) <= 3
