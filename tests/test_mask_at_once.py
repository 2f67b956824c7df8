"""Masking in one pass leaves what masking by parts does, to the letter, or nothing at all."""

from __future__ import annotations

import sys
from types import MappingProxyType
from typing import Any

import pytest
from builders import NOW, OPEN_LEVEL, STANDARD, STRICT, actor, event, policy_set, record
from hypothesis import given
from hypothesis import strategies as st
from test_mask_law import KEY, events, levels

from engine.model import Decision, Event, Field, HashKey, Level, MaskedEvent, Operator
from engine.pipeline.decide import decide
from engine.pipeline.facts import groups
from engine.pipeline.mask import mask, mask_by_parts
from engine.pipeline.mask.addresses import forms
from engine.pipeline.mask.at_once import LONGEST, masked_at_once
from engine.pipeline.mask.plan import _MOST_SHAPES, plan, shaped
from engine.pipeline.mask.withheld import starred

POLICIES = policy_set(actors=(actor("anyone", "`true`"),))
KEPT = dict.fromkeys(Field, Operator.KEEP)
ALL = Level("all", 1, MappingProxyType(KEPT))
KEYS = st.sampled_from([None, KEY])

ODD = st.sampled_from(
    [
        *(None, "", 7, True, 0.5, [], {}, ["111122223333"], {"arn": "x"}),
        *("abc", "1234", "anonymous", "111122223333", "x\0y", "100%", "a+b@example.com", "ab@example.com", "203.0.113.7"),
        *("arn:aws:iam::444455556666:role/x", "arn:aws:s3:::b/444455556666", "444455556666", "AWS Internal", "é" * 5),
        *("athena.amazonaws.com", "fe80::1%eth0", "::ffff:203.0.113.7", " 203.0.113.7 ", "x" * (LONGEST + 1)),
    ]
)
PLACES = (
    *(
        ("sourceIPAddress",),
        ("userAgent",),
        ("errorCode",),
        ("errorMessage",),
        ("eventID",),
        ("accountId",),
        ("recipientAccountId",),
    ),
    *(("userIdentity",), ("userIdentity", "arn"), ("userIdentity", "accountId"), ("userIdentity", "principalId")),
    *(("userIdentity", "accessKeyId"), ("userIdentity", "sessionContext"), ("requestParameters", "key"), ("resources",)),
    *(("requestParameters", "bucketName"), ("requestParameters", "x-amz-copy-source")),
)


def at_once(one: Event, level: Level, key: HashKey | None = None) -> MaskedEvent | None:
    return masked_at_once(one.record, decided(one), plan(level), key, groups(one.record))


def decided(one: Event) -> Decision:
    return decide(one, POLICIES, NOW)


def same(one: Event, level: Level, key: HashKey | None) -> None:
    found, expected = at_once(one, level, key), mask_by_parts(one, decided(one), level, key, groups(one.record))
    assert found is None or (found, list(found.values)) == (expected, list(expected.values))
    assert mask(one, decided(one), level, key) == expected
    assert mask(one, decided(one), level, key, groups(one.record)) == expected


@st.composite
def odd_events(draw: st.DrawFn) -> Event:
    """A record with a few odd values, some of them in other places than they belong in."""
    made: dict[str, Any] = record()
    for place in draw(st.lists(st.sampled_from(PLACES), max_size=4)):
        holder: Any = made
        for name in place[:-1]:
            if isinstance(holder.get(name), dict):
                holder[name] = {**holder[name]}
                holder = holder[name]
        holder[place[-1]] = draw(ODD)
    return Event(made, "test")


@given(events(), levels, KEYS)
def test_where_it_says_anything_it_says_what_the_parts_say(one: Event, level: Level, key: HashKey | None) -> None:
    same(one, level, key)


@given(odd_events(), st.sampled_from([OPEN_LEVEL, STANDARD, STRICT, ALL]), KEYS)
def test_so_it_does_for_odd_records_at_usual_levels(one: Event, level: Level, key: HashKey | None) -> None:
    same(one, level, key)


@given(odd_events(), levels, KEYS)
def test_so_it_does_for_odd_records(one: Event, level: Level, key: HashKey | None) -> None:
    same(one, level, key)


@pytest.mark.parametrize("level", [STANDARD, STRICT], ids=lambda level: level.name)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"sourceIPAddress": "2001:db8::1"},
        {"sourceIPAddress": "athena.amazonaws.com"},
        {"sourceIPAddress": "AWS Internal"},
        {"errorMessage": "Access Denied"},
    ],
    ids=str,
)
def test_the_usual_event_is_masked_at_once(level: Level, changes: dict[str, Any]) -> None:
    assert at_once(event(**changes), level) is not None


@pytest.mark.parametrize("field", [Field.ERROR_CODE, Field.USER_AGENT, Field.ARN])
def test_so_is_one_with_a_hidden_code_or_a_hidden_value_of_few_characters(field: Field) -> None:
    level = Level("some", 1, MappingProxyType({**KEPT, field: Operator.DROP}))
    one = event(errorCode="AccessDenied", userAgent="abc")
    one.record["userIdentity"]["arn"] = "xyz"
    assert at_once(one, level) is not None
    same(one, level, None)


@pytest.mark.parametrize("level", [OPEN_LEVEL, ALL, STANDARD], ids=lambda level: level.name)
def test_a_value_that_is_too_long_is_left_to_the_parts(level: Level) -> None:
    one = event(userAgent="x" * (LONGEST + 1))
    assert at_once(one, level) is None
    assert mask(one, decided(one), level, None).values[Field.USER_AGENT] == "x" * LONGEST


@pytest.mark.parametrize("place", ["userAgent", "errorMessage"])
@pytest.mark.parametrize("text", ["from 203.0.113.7", "203-000-113-007", "cb007107", "3405803783", "ASIAIOSFODNN7EXAMPLE"])
def test_what_is_hidden_and_stands_elsewhere_is_left_to_the_parts(place: str, text: str) -> None:
    level = Level("some", 1, MappingProxyType({**KEPT, Field.SOURCE_IP: Operator.NETWORK, Field.ACCESS_KEY: Operator.LAST4}))
    one = event(**{place: text, "sourceIPAddress": "203.0.113.7"})
    one.record["userIdentity"]["accessKeyId"] = "ASIAIOSFODNN7EXAMPLE"
    assert at_once(one, level) is None
    assert text not in mask(one, decided(one), level, None).values.values()


@pytest.mark.parametrize(
    ("hidden", "text", "left"),
    [
        ({"accessKeyId": "a%20bcd"}, "is a bcd", "is ***"),
        ({"accessKeyId": "straße"}, "in STRASSE 1", "in *** 1"),
        ({"accessKeyId": "STRASSE"}, "in straße 1", "in *** 1"),
        ({"accountId": "ABCD"}, "of abcd", "of ************"),
        ({"accountId": "ABCD"}, "of ABCD", "of ************"),
        ({}, "a\0b", "a\0b"),
        ({}, "203.0.113\0.7", "203.0.113\0.7"),
    ],
)
@pytest.mark.parametrize("place", ["userAgent", "errorMessage"])
def test_what_one_look_does_not_see_is_left_to_the_parts(hidden: dict[str, str], text: str, left: str, place: str) -> None:
    level = Level("some", 1, MappingProxyType({**STANDARD.operators, Field.ACCESS_KEY: Operator.DROP}))
    one = event(**{place: text})
    one.record["userIdentity"].update(hidden)
    assert at_once(one, level) is None
    assert left in mask(one, decided(one), level, None).values.values()


@pytest.mark.parametrize("field", [Field.CLASS, Field.EVIDENCE])
def test_the_policies_words_stay_where_they_read_like_an_account(field: Field) -> None:
    chosen = actor("444455556666", "`true`")
    one = event(recipientAccountId="444455556666")
    level = Level("some", 1, MappingProxyType({**STANDARD.operators, Field.CLASS: Operator.DROP, field: Operator.KEEP}))
    found = decide(one, policy_set(actors=(chosen,)), NOW)
    assert masked_at_once(one.record, found, plan(level), None, groups(one.record)) is None
    assert mask(one, found, level, None).values[field].startswith("444455556666")


@pytest.mark.parametrize(
    ("text", "accounts", "shown"),
    [
        ("from 44445555 hi", ["4444", "5555", "44445555"], "from ************ hi"),
        ("4444555566667777", ["444455556666", "555566667777"], "************"),
        ("4444555566667777", ["555566667777", "444455556666"], "************"),
        ("44445555", ["4444", "5555"], "************************"),
    ],
)
def test_of_account_ids_that_overlap_nothing_is_left(text: str, accounts: list[str], shown: str) -> None:
    one = event(userAgent=text, resources=[{"accountId": account} for account in accounts])
    assert mask(one, decided(one), STANDARD, None).values[Field.USER_AGENT] == shown
    same(one, STANDARD, None)


def test_account_ids_are_replaced_in_one_order() -> None:
    orders = (["45", "**", "4567"], ["**", "4567", "45"], ["4567", "45", "**"])
    assert len({starred(f"{'*' * 5} 45 4568", order) for order in orders}) == 1
    assert {starred("4567", order) for order in orders} == {None}


def test_folding_makes_no_digits_so_that_no_account_comes_about_by_it() -> None:
    folded = {character: character.casefold() for character in map(chr, range(sys.maxunicode + 1))}
    assert [one for one, made in folded.items() if made != one and any(part.isdigit() for part in made)] == []


def test_no_more_shapes_are_kept_than_are_of_use() -> None:
    chosen = plan(STANDARD)
    for number in range(3 * _MOST_SHAPES):
        types = tuple(str if number >> place & 1 else type(None) for place in range(len(Field)))
        shaped(chosen, types, keyed=bool(number % 2))
    assert max(len(chosen.shapes), len(chosen.keyed)) <= _MOST_SHAPES


TEXTS = st.sampled_from(
    ["203.0.113.7", "7.113.0.203", "203-0-113-007", "cb007107", "3405803783", "::ffff:cb00:7107", "2001-db8--1"]
)
PIECES = st.lists(TEXTS | st.text("0123456789abcdef.:-_ ", max_size=6), max_size=4).map("".join)


@given(st.sampled_from(["203.0.113.7", "2001:db8::1", "0.0.0.7", "10.0.0.10"]), PIECES)
def test_where_a_form_of_an_address_is_found_one_look_sees_it(address: str, text: str) -> None:
    known = forms(address)
    assert known is not None
    assert known.may_stand_in(text) or not list(known.found(text))
