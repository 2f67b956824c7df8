"""An audit record on one line of the log."""

from __future__ import annotations

import json
from typing import Any

from builders import NOW, OPEN_LEVEL, STANDARD, policy_set
from hypothesis import given
from hypothesis import strategies as st

from engine.model import AuditRule, Event, Field, MaskedEvent
from engine.pipeline.audit import decision_record, line
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
