"""A decision's line says what `decision_json` does, whatever was said before it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from builders import NOW, OPEN_LEVEL, STANDARD, STRICT, actor, policy_set
from hypothesis import given
from hypothesis import strategies as st

from engine.model import AuditRule, Decision, Event, Failure, Field, Hush, MaskedEvent, MatcherKind, Request, Severity, Verdict
from engine.pipeline import audit
from engine.pipeline.audit import DecisionLines, decision_json, decision_line, decision_record, line
from engine.pipeline.audit.encoding import AS_JSON, Encoder

ACTORS = [actor("human", "type == `1`"), actor("robot", "type == `1`"), policy_set().unknown]
NAMES = st.sampled_from(["a", "b/c", "é"])
TUPLES = st.lists(NAMES, max_size=2).map(tuple)
HUSHES = st.lists(st.builds(Hush, NAMES, NAMES, NAMES), max_size=2).map(tuple)
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
    expected = [decision_json(Decision(name if isinstance(name, str) and name else None, *verdict)) for name, verdict in decided]
    lines = DecisionLines()
    told = lines.of([name for name, _ in decided], [lines.tail(verdict) for _, verdict in decided])
    assert told.decode() == "".join(line(one) + "\n" for one in expected)
    assert [json.loads(one) for one in told.splitlines()] == expected


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_KINDS", 3)
    lines = DecisionLines()
    for number in range(10):
        one = Verdict(ACTORS[0], None, (), (f"p/r{number}",), (), (), defaulted=False, failures=(), revision="r")
        assert json.loads(lines.of(["e"], [lines.tail(one)]))["routes"] == [f"p/r{number}"]
        assert len(lines._known) <= 3


# --- the record -------------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["\ud800", "\x7f", "é", "\u2028", "\0", '"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
TEXT_OR_NONE = st.none() | st.text(max_size=5)


@given(st.lists(verdicts(), min_size=1, max_size=3), st.data())
def test_a_record_is_written_as_it_is_said(some: list[Verdict], data: st.DataObject) -> None:
    for verdict in data.draw(st.lists(st.sampled_from(some), max_size=6)):
        one = Event(
            {"eventID": data.draw(VALUES), "x": data.draw(VALUES)}, data.draw(st.text(max_size=5)), data.draw(TEXT_OR_NONE)
        )
        decision = Decision(data.draw(TEXT_OR_NONE), *verdict)
        rule = AuditRule(data.draw(LEVELS), event=data.draw(st.booleans()))
        policies = policy_set(commit=data.draw(TEXT_OR_NONE), audit=rule)
        masked = data.draw(st.none() | st.just(MaskedEvent(STANDARD, {Field.KEY: data.draw(st.text(max_size=5))})))
        assert decision_line(one, decision, masked, policies, NOW) == line(decision_record(one, decision, masked, policies, NOW))


def test_what_records_have_in_common_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_KINDS", 3)
    audit._known.clear()
    policies = policy_set()
    for one in [decided(requests=(asked(f"c{number}"),)) for number in range(10)]:
        decision_line(Event({}, "w"), one, None, policies, NOW)
        assert len(audit._known) <= 3


def test_nothing_is_remembered_of_a_policy_set_that_was_replaced() -> None:
    sets, events = [policy_set(commit=str(number)) for number in range(3)], [Event({}, "w")] * 2
    some = [decided(requests=(asked(f"c{number}"),)) for number in range(2)]
    for policies in sets:
        for event, one in zip(events, some, strict=True):
            assert decision_line(event, one, None, policies, NOW) == line(decision_record(event, one, None, policies, NOW))
        assert [known.policies is policies for known in audit._known.values()] == [True, True]


@pytest.mark.parametrize(
    "other",
    [
        {"actor": ACTORS[1]},
        {"evidence": None},
        {"routes": ("b/c",)},
        {"defaulted": True},
        {"failures": (FAILED,)},
        {"revision": "s"},
    ],
    ids=str,
)
def test_what_records_have_in_common_is_of_one_verdict(other: dict[str, Any]) -> None:
    policies, requests = policy_set(), (asked("c"),)
    for one in (decided(requests=requests), decided(requests=requests, **other)):
        record = decision_record(Event({}, "w"), one, None, policies, NOW)
        assert decision_line(Event({}, "w"), one, None, policies, NOW) == line(record)


def test_so_it_is_where_nothing_was_asked() -> None:
    policies = policy_set()
    for actor_class in ACTORS:
        one = decided(actor=actor_class)
        record = decision_record(Event({}, "w"), one, None, policies, NOW)
        assert decision_line(Event({}, "w"), one, None, policies, NOW) == line(record)


def asked(channel: str) -> Request:
    return Request(channel, STANDARD, Severity.INFO, "p", "r")


def decided(**parts: Any) -> Decision:
    verdict = Verdict(ACTORS[0], ACTORS[0].evidence[0], (), (), (), (), defaulted=False, failures=(), revision="r")
    return Decision("e", *verdict._replace(**parts))


@given(st.lists(VALUES, max_size=4))
def test_values_are_encoded_as_python_does_it_from_the_first_one_on(values: list[Any]) -> None:
    encoder = Encoder(start=1)
    assert [encoder.encoded(one) for one in values] == [AS_JSON(one) for one in values]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_stays_the_same_number(number: float) -> None:
    encoder = Encoder(start=0)
    assert [json.loads(encoder.encoded([number])) for _ in range(2)] == [[number], [number]]


def test_msgspec_is_imported_when_a_process_goes_on() -> None:
    encoder = Encoder(start=2)
    for expected in (False, False, False, True):
        assert (encoder._quick is not None) is expected
        assert encoder.encoded({"a": 1}) == '{"a":1}'


def test_without_msgspec_python_encodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgspec.json", None)
    encoder = Encoder(start=0)
    assert [encoder.encoded([1, "é"]) for _ in range(3)] == ['[1,"\\u00e9"]'] * 3
