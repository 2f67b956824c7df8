"""The same event is known again, and different ones are told apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import record
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Event
from engine.pipeline.dedupe import fingerprint

TEXTS = st.text(alphabet=st.characters(), max_size=8)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.one_of(st.just("eventID"), TEXTS), JSON, max_size=5)


def of(given: dict[str, Any]) -> str:
    return fingerprint(Event(given, "payload"))


def shuffled(value: object) -> object:
    """The same with every object's keys turned round."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(one) for one in value] if isinstance(value, list) else value


def test_an_event_is_known_by_its_id() -> None:
    assert of(record(eventID="00000000-0000-4000-8000-000000000001")) == "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize("name", [None, 5, "", " ", "x" * 129, "a\nb", "é", "\ud800", ["a"], {"a": 1}, True])
def test_an_id_that_cannot_be_used_gives_way_to_the_digest_of_the_content(name: object) -> None:
    first, second = of(record(eventID=name)), of(record(eventID=name, eventName="PutObject"))
    assert first.startswith("sha256:")
    assert len(first) == len("sha256:") + 64
    assert first != second


def test_copies_for_two_accounts_are_two_events() -> None:
    requester = record(eventID="00000000-0000-4000-8000-000000000001", sharedEventID="00000000-0000-4000-8000-00000000000f")
    owner = requester | {"eventID": "00000000-0000-4000-8000-000000000002", "recipientAccountId": "444455556666"}
    assert of(requester) != of(owner)


@given(RECORDS)
def test_a_fingerprint_is_short_printable_ascii(content: dict[str, Any]) -> None:
    found = of(content)
    assert 0 < len(found) <= 128
    assert found.isascii()
    assert found.isprintable()


@given(RECORDS)
def test_the_order_of_keys_makes_no_difference(content: dict[str, Any]) -> None:
    turned = shuffled(content)
    assert isinstance(turned, dict)
    assert of(turned) == of(content)


@given(RECORDS.filter(lambda one: "eventID" not in one), RECORDS.filter(lambda one: "eventID" not in one))
def test_only_the_same_content_has_the_same_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (of(one) == of(other)) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": ["b"]}, {"a": {"b": None}}),
        ({"a": ["b", "c"]}, {"a": [["b"], "c"]}),
        ({"a": ["b", ["c"]]}, {"a": ["b", "c"]}),
        ({"a": "1"}, {"a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": True}, {"a": 1}),
        ({"a": None}, {}),
        ({"a": [[], []]}, {"a": [[[]]]}),
        ({"a": "\ud800"}, {"a": "\\ud800"}),
    ],
)
def test_contents_that_look_alike_are_told_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert of(one) != of(other)


def test_content_of_any_depth_has_a_digest() -> None:
    deep: object = None
    for _ in range(100_000):
        deep = [deep]
    assert of({"a": deep}).startswith("sha256:")
