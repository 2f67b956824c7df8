"""Decoding never raises, whatever arrives, and what it gives can be used by everyone after it."""

from __future__ import annotations

import copy
import io
import json
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_decode import EXPECTED, LOG_FILE, payload

from engine.errors import FetchError
from engine.model import DecodeError, Event
from engine.pipeline.decode import Found, decode
from engine.pipeline.decode.record import DEEPEST
from engine.pipeline.decode.scan import Scanned, scan, sole_object, starts_a_log
from engine.pipeline.outcome import answer, is_batch

PAYLOADS = [payload(name) for name in EXPECTED]

TEXTS = st.one_of(
    st.text(alphabet=st.characters(), max_size=20),
    st.text(alphabet=st.characters(categories=["Cs"]), max_size=3),
    st.sampled_from(
        [
            '{"Records":[',
            "[[[[" * 2000,
            '{"a":' * 2000,
            '{"eventName":1e999,"eventSource":NaN}',
            "H4sIAAAA",
            "aws:sqs",
            "ObjectCreated:Put",
            "AWS API Call via CloudTrail",
            "CloudTrail validation message.",
            *map(json.dumps, PAYLOADS),
        ]
    ),
)
NAMES = st.one_of(
    st.sampled_from(
        ["Records", "records", "body", "messageId", "eventSource", "Sns", "Message", "Type", "detail", "detail-type", "kinesis"]
    ),
    st.sampled_from(["data", "recordId", "awslogs", "logEvents", "messageType", "s3", "bucket", "object", "key", "s3ObjectKey"]),
    TEXTS,
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
JSON = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=5)), max_leaves=25
)


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = replaced(value[path[0]], path[1:], new)
    return copied


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

    def fetch(_bucket: str, _key: str) -> BinaryIO:
        if content is None:
            raise FetchError("S3 says NoSuchKey", passing=False)
        return io.BytesIO(content)

    return fetch


def depth(value: object) -> int:
    level, deep = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        deep += 1
    return deep


def check(given: object, found: list[Found]) -> None:
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
    assert not is_batch(given) or None not in ids
    told = answer(given, frozenset(one for one in ids if one is not None))
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


@given(st.one_of(JSON, damaged_payloads()), st.sampled_from(["", " ", "\n", ",", "}", "x", '{"a":1}']), st.booleans())
def test_the_sole_object_of_a_text_is_the_one_that_is_scanned(value: object, after: str, compact: bool) -> None:  # noqa: FBT001
    text = json.dumps(value, separators=(",", ":") if compact else None) + after
    found = sole_object(text)
    assert found is None or str(list(scan(iter([text])))) == str([Scanned("", 1, found)])
    assert (found is not None) == (isinstance(value, dict) and not after and not starts_a_log(text))
    assert found is None or json.dumps(found) == json.dumps(next(scan(iter([text]))).value)


@given(damaged_payloads(), fetches())
def test_an_item_of_which_nothing_could_be_read_comes_again(value: object, fetch: Any) -> None:
    found = list(decode(value, fetch))
    for item in {one.item for one in found}:
        own = [one for one in found if one.item == item]
        errors = [one for one in own if isinstance(one, DecodeError)]
        if len(errors) == len(own):
            assert all(error.whole for error in errors)
        else:
            assert not any(error.whole for error in errors if not error.reason.startswith("could not be fetched"))


@pytest.mark.parametrize("name", EXPECTED)
def test_every_item_that_decoding_names_can_be_answered_for(name: str) -> None:
    value = payload(name)
    items = {one.item for one in decode(value, lambda _bucket, _key: LOG_FILE.open("rb"))}
    told = json.dumps(answer(value, frozenset(item for item in items if item is not None)))
    assert all(item in told for item in items if item is not None)
    assert (items == {None}) is not is_batch(value)
