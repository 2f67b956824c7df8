"""Reading only the needed fields of records finds the same events and the same errors as reading all of them."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import record
from hypothesis import example, given
from hypothesis import strategies as st
from mutated import ODD
from payload_files import EXPECTED, PAYLOADS
from strategies import JSON, depth, places, replaced

from engine.bulk import chunks as chunking
from engine.bulk.batches import Batch, file_results
from engine.bulk.typed import TypedReader, has_too_many_digits, record_of
from engine.model import DecodeError, Event, PassedOver
from engine.pipeline.decode import _few_errors, decode_stream
from engine.pipeline.decode.location import PayloadPath
from engine.pipeline.decode.record import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PATHS = frozenset(
    {
        ("eventID",),
        ("eventName",),
        ("errorCode",),
        ("readOnly",),
        ("userIdentity", "type"),
        ("userIdentity", "sessionContext", "sessionIssuer", "userName"),
        ("requestParameters", "bucketName"),
        ("requestParameters", "key"),
        ("additionalEventData",),
        ("resources", "ARN"),
    }
)
READ = PATHS | {("eventSource",)}


def read(value: Any, path: tuple[str, ...]) -> Any:
    """What somebody who knows only this path sees of a record."""
    if not path:
        return value
    if isinstance(value, list):
        return [read(one, path) for one in value]
    first, *rest = path
    return read(value.get(first), tuple(rest)) if isinstance(value, dict) else None


def seen(record: Mapping[str, Any]) -> list[str]:
    """What decisions rest on, with the types of all values."""
    return [repr(read(record, path)) for path in sorted(READ)]


def plain(content: bytes) -> list[object]:
    """What the plain way finds."""
    return [_shown(one) for one in decode_stream(io.BytesIO(content), "f")]


def batches(content: bytes, typed: TypedReader) -> list[Batch]:
    """A file in batches, as each chunk is read first."""
    found: list[Batch] = []

    def note(batch: Batch) -> bytes:
        found.append(batch)
        return b""

    list(file_results(io.BytesIO(content), "f", typed, note))
    return found


def fast(content: bytes, only: Sequence[str] | None = None) -> list[object]:
    """What reading by needed fields finds."""
    found: list[object] = []
    for batch in batches(content, TypedReader(PATHS, only)):
        found += [seen(one) for one in (*batch.records, *map(record_of, batch.rows))]
        found += [_shown(one) for one in batch.decoded]
    return found


def _shown(one: Event | DecodeError | PassedOver) -> object:
    return seen(one.record) if isinstance(one, Event) else one


def log(*records: object, separators: tuple[str, str] = (",", ":")) -> bytes:
    return json.dumps({"Records": records}, separators=separators).encode()


def lines(*records: object) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in records).encode()


def by_type(content: bytes) -> list[bool]:
    """Of each batch, whether it was read by needed fields."""
    return [bool(batch.rows or batch.records) for batch in batches(content, TypedReader(PATHS))]


@pytest.fixture(params=[200, 3000, 1 << 20], ids=["chunks of a record", "of a few", "of many"])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(chunking, "CHUNK", request.param)
    monkeypatch.setattr(chunking, "LONGEST_CHUNK", 8 * request.param)
    return iter(())


# --- the way that is taken ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        log(*(record(eventID=f"{number}") for number in range(7))),
        log(*(record(eventID=f"{number}") for number in range(7)), separators=(", ", ": ")),
        b"\n" + log(record(), record()).replace(b"},{", b"},\n{") + b"\n",
        lines(*(record(eventID=f"{number}") for number in range(7))),
        b"\n\n" + lines(record(), record()).replace(b"\n", b"\r\n\n"),
        gzip.compress(log(*(record(eventID=f"{number}") for number in range(7)))),
        log(record(userIdentity=None, requestParameters="x", resources=3, eventID=[{"a": 1}])),
        log(record(more="caf\xe9")).replace(b"\\u00e9", b"\xe9"),
    ],
)
@pytest.mark.usefixtures("chunk")
def test_log_files_and_json_lines_are_read_by_needed_fields(content: bytes) -> None:
    assert by_type(content) == [True] * len(by_type(content)) != []
    assert fast(content) == plain(content)


def test_a_log_file_without_records_gives_nothing() -> None:
    assert fast(log()) == plain(log()) == []


def of_s3(found: list[object]) -> list[object]:
    return [one for one in found if "'s3.amazonaws.com'" in str(one)]


def test_records_of_another_source_need_not_be_told_and_are_no_errors() -> None:
    content = log(record(eventSource="kms.amazonaws.com"), record(eventSource="ec2.amazonaws.com", eventID="1"))
    assert all("s3.amazonaws.com" not in str(one) for one in fast(content, ("s3.amazonaws.com",)))
    assert len(fast(content, ("s3.amazonaws.com",))) == 2
    escaped = content.replace(b"ec2.amazonaws", b"s3.\\u0061mazonaws")
    assert of_s3(fast(escaped, ("s3.amazonaws.com",))) == of_s3(plain(escaped)) != []
    broken = content + b","
    assert fast(broken, ("s3.amazonaws.com",))[-1] == plain(broken)[-1]


def test_a_value_that_is_read_is_never_nested_too_deeply() -> None:
    value: Any = "end"
    for _ in range(DEEPEST + 1):
        value = {"a": [value]}
    content = log(record(additionalEventData=value), record())
    assert fast(content) == plain(content)
    assert "nested deeper" in str(plain(content)[0])


def test_a_value_that_nobody_reads_may_be_nested_deeply() -> None:
    value: Any = "end"
    for _ in range(DEEPEST + 1):
        value = [value]
    assert depth(value) > DEEPEST
    assert fast(log(record(responseElements=value))) == plain(log(record()))


@pytest.mark.parametrize("where", [0, 1, 500, 508, 509, 510, 5000])
@pytest.mark.parametrize(("digits", "too_many"), [(4300, False), (4301, True), (9000, True)])
def test_a_number_of_too_many_digits_is_seen_wherever_it_stands(where: int, digits: int, too_many: bool) -> None:  # noqa: FBT001
    assert has_too_many_digits(b"x" * where + b"7" * digits + b"x" * 3000) is too_many


# --- the same is found -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PAYLOADS.iterdir()), ids=lambda path: path.name)
@pytest.mark.usefixtures("chunk")
def test_any_payload_in_a_file_gives_the_same(path: Any) -> None:
    assert fast(path.read_bytes()) == plain(path.read_bytes())
    joined = lines(*(json.loads((PAYLOADS / f"{name}.json").read_bytes()) for name in EXPECTED))
    assert fast(joined) == plain(joined)


@st.composite
def records(draw: st.DrawFn) -> Any:
    """A record in which some places hold something else, or something that is none."""
    value: Any = record(eventID=draw(st.text(max_size=3)))
    for _ in range(draw(st.integers(0, 2))):
        odd = draw(st.one_of(st.sampled_from(ODD), JSON))
        value = replaced(value, draw(st.sampled_from(places(value))), odd)
    return value if draw(st.integers(0, 20)) else draw(JSON)


SPLICES = st.one_of(
    st.binary(max_size=4),
    st.sampled_from(
        [
            *(
                b'"',
                b"\\",
                b"}",
                b"]",
                b"{",
                b"[",
                b",",
                b"\n",
                b"\xef\xbb\xbf",
                b"\xe9",
                b"\\ud800",
                b"\x00",
                b"NaN",
                b"-",
                b"1e999",
            ),
            *(b'"eventName":"Other",', b'"eventName":1,"eventName":{},', b'},{"eventVersion":"1"},', b"9" * 4400, b"]}", b"]}{"),
            *(
                b'{"Records":[',
                b'"userIdentity":{"type":1},"userIdentity":[],',
                b"01",
                b"1.",
                b"\\x",
                b'"eventSource":"aws:sqs",',
            ),
        ]
    ),
)


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """A file of records, changed in its values and then in its bytes."""
    found = draw(st.lists(records(), max_size=6))
    write = draw(st.sampled_from([log, lines, lambda *all_: log(*all_, separators=(", ", ": "))]))
    content = bytearray(write(*found))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.sampled_from([0, 0, 1, 7]))] = draw(SPLICES)
    packed = gzip.compress(bytes(content)) if draw(st.booleans()) else bytes(content)
    return packed[: draw(st.integers(0, len(packed)))] if draw(st.integers(0, 5)) == 0 else packed


@given(contents(), st.sampled_from([150, 1500, 1 << 20]))
@example(lines(record()) + b"\xef\xbb\xbf" + lines(record()), 150)
@example(b'{"Records":[null,[' + b",".join([b'"a"'] * 102) + b"]]}", 150)
def test_whatever_is_in_a_file_is_found_either_way(content: bytes, size: int) -> None:
    before = chunking.CHUNK, chunking.LONGEST_CHUNK
    chunking.CHUNK, chunking.LONGEST_CHUNK = size, 8 * size  # type: ignore[misc]
    try:
        found = plain(content)
        if "nested deeper" not in str(found):  # where nobody reads it, nobody sees it: see above
            # Bulk reading bounds the errors of a whole source, which is later: here by what bounds those of the plain way.
            assert list(_few_errors(fast(content), PayloadPath(root="f"))) == found  # type: ignore[arg-type]
    finally:
        chunking.CHUNK, chunking.LONGEST_CHUNK = before  # type: ignore[misc]


def test_a_log_file_on_a_line_is_opened_also_where_all_of_a_record_is_read() -> None:
    one = {"eventSource": "s3.amazonaws.com", "eventName": "GetObject"}
    for records in ([], [1, 2.0], [one]):
        content = lines(one, {**one, "Records": records}, one)
        told = [found for batch in batches(content, TypedReader(None)) for found in (*batch.records, *batch.decoded)]
        expected = list(decode_stream(io.BytesIO(content), "f"))
        assert [getattr(found, "record", found) for found in told] == [getattr(found, "record", found) for found in expected]


def test_an_odd_record_does_not_slow_all_later_chunks() -> None:
    typed, by_row = TypedReader(PATHS), []
    one = record(requestParameters={"bucketName": "b"})
    odd, usual = log({**one, "requestParameters": {"bucketName": {"odd": 1}}}), log(one)
    for content in (odd, *[usual] * 4):
        (batch,) = batches(content, typed)
        assert len(batch.rows) + len(batch.records) == 1
        by_row.append(bool(batch.rows))
    assert by_row == [False, False, False, True, True]
