"""An audit record on one line of the log."""

from __future__ import annotations

import json
from functools import reduce
from typing import Any

import pytest
from builders import NOW, OPEN_LEVEL, STANDARD, policy_set
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import AuditRule, Event, Field, MaskedEvent
from engine.pipeline.audit import LONGEST_LINE, decision_record, line
from engine.pipeline.decide import decide

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["\ud800", "\x7f", "é", "\u2028", "\0", '"', "\r\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), st.text(max_size=5))
def test_a_record_is_one_printable_line_that_parses_to_the_whole_event(record: dict[str, Any], where: str) -> None:
    event, policies = Event(record, where), policy_set(audit=AuditRule(OPEN_LEVEL))
    written = decision_record(event, decide(event, policies, NOW), None, policies, NOW)
    text = line(written)
    assert text.isascii()
    assert not any(ord(character) < ord(" ") for character in text)
    assert json.loads(text) == written
    assert json.loads(text)["event"] == record


def test_a_record_holds_of_the_event_only_what_the_audit_rule_allows() -> None:
    event, masked = Event({"userAgent": "secret"}, "here"), MaskedEvent(STANDARD, {Field.USER_AGENT: "***"})
    for rule, expected in ((AuditRule(STANDARD), {"user_agent": "***"}), (AuditRule(STANDARD, event=False), None)):
        policies = policy_set(audit=rule)
        record = decision_record(event, decide(event, policies, NOW), masked, policies, NOW)
        assert record.get("event") == expected
        assert "secret" not in line(record)


@given(
    st.dictionaries(st.text(max_size=3), VALUES, min_size=1, max_size=4), st.sampled_from([1, 600, 300_000]), st.integers(1, 600)
)
@settings(max_examples=50)
def test_a_line_is_never_longer_than_the_log_takes(record: dict[str, Any], repeats: int, copies: int) -> None:
    large = {"long": json.dumps(record) * repeats, "many": [record] * copies, "wide": {str(n): record for n in range(copies)}}
    event, policies = Event({"eventID": "e1", **large}, "here", "m1"), policy_set(audit=AuditRule(OPEN_LEVEL))
    written = decision_record(event, decide(event, policies, NOW), None, policies, NOW, 3)
    text = line(written)
    read = json.loads(text)
    assert len(text) <= LONGEST_LINE
    whole = len(json.dumps(written, separators=(",", ":")))
    assert read.get("cut_from") == (None if whole <= LONGEST_LINE else whole)
    assert read["decision"] == written["decision"]
    assert (read["item"], read["receive_count"]) == ("m1", 3)


@pytest.mark.parametrize(
    "record",
    [
        {"a": "😀" * 300_000},
        {"a": [["😀" * 2_000] * 100] * 100},
        {str(number): {str(inner): "😀" * 500 for inner in range(100)} for number in range(100)},
        {"k" * 300_000: 1, "l" * 300_000: 2},
        {"eventID": "i" * 300_000},
        {"a": reduce(lambda inner, _: [inner, "x" * 400], range(900), [])},
    ],
    ids=["long", "nested", "wide", "names", "id", "deep"],
)
def test_a_large_event_does_not_take_its_decision_along(record: dict[str, Any]) -> None:
    event, policies = Event(record, "here"), policy_set(audit=AuditRule(OPEN_LEVEL))
    text = line(decision_record(event, decide(event, policies, NOW), None, policies, NOW))
    assert len(text) <= LONGEST_LINE
    assert json.loads(text)["decision"]["class"] == "unknown"
    assert json.loads(text)["cut_from"] > LONGEST_LINE
