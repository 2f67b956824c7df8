"""Decoding never raises, whatever arrives, and what it gives can be used by everyone after it."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payload_files import EXPECTED, LOG_FILE, fetch, payload
from strategies import JSON, PAYLOADS, depth, places, replaced

from engine.errors import FetchError
from engine.model import DecodeError, Event, FetchedFile
from engine.pipeline.decode import Decoded, decode
from engine.pipeline.decode.record import DEEPEST
from engine.pipeline.response import lambda_response, supports_partial_failure


@st.composite
def damaged_payloads(draw: st.DrawFn) -> object:
    """A payload in which some places hold something else."""
    value = draw(st.sampled_from(PAYLOADS))
    for _ in range(draw(st.integers(1, 3))):
        value = replaced(value, draw(st.sampled_from(places(value))), draw(JSON))
    return value


@st.composite
def fetches(draw: st.DrawFn) -> Any:
    """S3, in which a key may be missing or hold anything."""
    content = draw(st.one_of(st.just(LOG_FILE.read_bytes()), st.binary(max_size=60), st.none()))

    def fetch(_bucket: str, _key: str) -> FetchedFile:
        if content is None:
            raise FetchError("S3 says NoSuchKey", passing=False)
        return FetchedFile(io.BytesIO(content), "file")

    return fetch


def check(given: object, found: list[Decoded]) -> None:
    """What everyone after decoding relies on."""
    for one in found:
        assert one.where
        assert one.where.isascii()
        assert len(one.where) < 300
        if isinstance(one, Event):
            assert isinstance(one.record, dict)
            assert depth(one.record) <= DEEPEST
            json.dumps(one.record, allow_nan=False)
    ids = {one.item for one in found}
    assert not supports_partial_failure(given) or None not in ids
    told = lambda_response(given, frozenset(one for one in ids if one is not None))
    assert told is None or json.dumps(told)


@given(JSON, fetches())
def test_any_json_value_can_be_decoded(value: object, fetch: Any) -> None:
    check(value, list(decode(value, fetch)))


@given(damaged_payloads(), fetches())
def test_any_damaged_payload_can_be_decoded(value: object, fetch: Any) -> None:
    check(value, list(decode(value, fetch)))


@st.composite
def eventbridge_events(draw: st.DrawFn) -> dict[str, Any]:
    """An EventBridge event that holds a record, a damaged one, one that is nested too deeply, or anything."""
    value = copy.deepcopy(payload("eventbridge"))
    deep: object = 1.5
    for _ in range(draw(st.sampled_from([DEEPEST - 2, DEEPEST - 1, DEEPEST]))):
        deep = [deep]
    odd = st.one_of(JSON, st.just(deep), st.just([]))
    for name in draw(st.lists(st.sampled_from(["eventName", "eventSource", "userIdentity", "requestParameters"]), max_size=2)):
        value["detail"][name] = draw(odd)
    return value | draw(st.dictionaries(st.sampled_from(["detail", "detail-type", "source", "id"]), odd, max_size=1))


@given(eventbridge_events(), fetches())
def test_the_usual_payload_is_opened_as_any_other_way_opens_it(value: dict[str, Any], fetch: Any) -> None:
    assert str(list(decode(value, fetch))) == str(list(decode(value | {"and": "more"}, fetch)))
    assert [one.record for one in decode(value, fetch) if isinstance(one, Event)] == [
        one.record for one in decode(value | {"and": "more"}, fetch) if isinstance(one, Event)
    ]


@given(damaged_payloads(), fetches())
def test_an_item_of_which_nothing_could_be_read_comes_again(value: object, fetch: Any) -> None:
    found = list(decode(value, fetch))
    for item in {one.item for one in found}:
        own = [one for one in found if one.item == item]
        errors = [one for one in own if isinstance(one, DecodeError)]
        if len(errors) == len(own):
            assert all(error.retry for error in errors)
        else:
            assert not any(error.retry for error in errors if not error.reason.startswith("could not be fetched"))


@pytest.mark.parametrize("name", EXPECTED)
def test_every_item_that_decoding_names_can_be_answered_for(name: str) -> None:
    value = payload(name)
    items = {one.item for one in decode(value, fetch)}
    told = json.dumps(lambda_response(value, frozenset(item for item in items if item is not None)))
    assert all(item in told for item in items if item is not None)
    assert (items == {None}) is not supports_partial_failure(value)
