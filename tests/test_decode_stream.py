"""Files of any kind and size are read to their end, and what is damaged costs no more than itself."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import signal
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from builders import record
from hypothesis import given
from hypothesis import strategies as st
from payload_files import EXPECTED, PAYLOADS, fetch, payload, seen

from engine.errors import FetchError
from engine.model import DecodeError, Event
from engine.pipeline.decode import MAX_ERRORS, decode_stream, inflate
from engine.pipeline.decode.inflate import text_of
from engine.pipeline.decode.record import TOO_DEEP
from engine.pipeline.decode.values import CUT_OFF, EMPTY, LONGEST_ELEMENT, NOT_JSON, TOO_LONG, TOO_MANY_DIGITS, read_values

if TYPE_CHECKING:
    from collections.abc import Iterator


def small(number: int, **more: Any) -> dict[str, Any]:
    return {"eventVersion": "1.11", "eventName": "GetObject", "eventSource": "s3.amazonaws.com", "eventID": f"{number}", **more}


def log(*records: object) -> bytes:
    return json.dumps({"Records": records}).encode()


def read(content: bytes, where: str = "f") -> list[tuple[str, str]]:
    """What is in a file: an event by the last digit of its id, an error by its reason; and where."""
    return [seen(one)[:2] for one in decode_stream(io.BytesIO(content), where)]


class Dribbling(io.BytesIO):
    """A stream that gives one byte at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        """One byte."""
        return super().read(min(size or 0, 1))


# --- kinds of files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPECTED)
def test_a_payload_in_a_file_decodes_as_the_payload_does(name: str) -> None:
    with (PAYLOADS / f"{name}.json").open("rb") as stream:
        found = [seen(one) for one in decode_stream(stream, "", fetch)]
    assert [(what, where) for what, where, _ in found] == [
        (what.removeprefix("whole: "), where) for what, where, _ in EXPECTED[name]
    ]


def test_a_file_has_no_batch_items() -> None:
    assert [one.item for one in decode_stream(io.BytesIO(json.dumps(payload("sqs-eventbridge")).encode()), "f")] == [None, None]


def test_a_log_files_records_are_counted_from_zero() -> None:
    assert read(log(small(1), small(2)), "trail.json") == [("1", "trail.json: Records[0]"), ("2", "trail.json: Records[1]")]


def test_json_lines_have_the_number_of_their_line() -> None:
    content = "\n".join(json.dumps(small(number)) for number in (1, 2)) + f"\n\n{json.dumps(payload('eventbridge'))}\n"
    assert read(content.encode()) == [("1", "f: line 1"), ("2", "f: line 2"), ("1", "f: line 4.detail")]


def test_a_sole_record_needs_no_line() -> None:
    assert read(json.dumps(small(1), indent=2).encode() + b"\n") == [("1", "f")]


def test_a_list_of_records_is_a_file_too() -> None:
    assert read(json.dumps([small(1), small(2)]).encode()) == [("1", "f: [0]"), ("2", "f: [1]")]


def test_log_files_one_after_the_other_are_read_as_such() -> None:
    assert read(log(small(1)) + b"\n" + log(small(2))) == [("1", "f: Records[0]"), ("2", "f: line 2.Records[0]")]


def test_what_stands_round_the_records_of_a_log_file_does_no_harm() -> None:
    content = json.dumps({"Records": [small(1)], "more": {"a": [1]}, "end": True}, indent=1).encode()
    assert read(content) == [("1", "f: Records[0]")]
    assert read(json.dumps({"before": 1, "Records": [small(1)]}).encode()) == [("1", "f: Records[0]")]


def test_a_log_file_without_records_gives_nothing() -> None:
    assert read(b'{"Records":[]}') == []


@pytest.mark.parametrize("content", [b"", b" \n\t", gzip.compress(b"", mtime=0), b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_error(content: bytes) -> None:
    assert read(content) == [(EMPTY, "f")]


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress,
        zlib.compress,
        lambda content: gzip.compress(content[:50]) + gzip.compress(content[50:]),
        lambda content: gzip.compress(content[:50]) + b"\0" * 600 + gzip.compress(content[50:]) + b"\0" * 3,
        lambda content: content.decode().encode("utf-16"),
        lambda content: content.decode().encode("utf-16-le"),
        lambda content: content.decode().encode("utf-32"),
        lambda content: b"\xef\xbb\xbf" + content,
    ],
    ids=["gzip", "zlib", "two members", "padding", "utf-16", "utf-16 without a mark", "utf-32", "byte order mark"],
)
@pytest.mark.parametrize("opened", [io.BytesIO, Dribbling])
def test_gzip_and_every_encoding_of_json_are_read(packed: Any, opened: Any) -> None:
    content = packed(log(small(1, key="領収書 é"), small(2)))
    first, second = decode_stream(opened(content), "f")
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert (first.record["key"], second.record["eventID"]) == ("領収書 é", "2")


class Pipe(io.BytesIO):
    """A stream that cannot be read a second time."""

    def seekable(self) -> bool:
        """No."""
        return False


@pytest.fixture
def ending() -> Iterator[None]:
    """Whatever has not ended after a minute fails."""

    def fail(*_: object) -> None:
        pytest.fail("it does not end")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("ending")
@pytest.mark.parametrize(
    ("after", "more"),
    [(gzip.compress(b"\n" + json.dumps(small(7)).encode()), 1), (b"\0" * 64, 0), (b"garbage", 1), (b"", 0)],
    ids=["another member", "padding", "no gzip", "nothing"],
)
@pytest.mark.parametrize("opened", [io.BytesIO, Pipe])
@pytest.mark.parametrize("library", [zlib, inflate.isal_zlib], ids=["zlib", "isal"])
def test_a_member_that_inflates_to_several_pieces_from_one_slice_ends(
    library: Any, opened: Any, after: bytes, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflate, "isal_zlib", library)
    line = json.dumps(small(1, key="k" * 900)).encode() + b"\n"
    for count in (900, 2_000):
        found = list(decode_stream(opened(gzip.compress(line * count) + after), "f"))
        assert len(found) == count + more
        assert all(isinstance(one, Event) for one in found[:count])


@pytest.mark.parametrize("first", range(1, 6))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-32-be"])
def test_the_encoding_is_told_though_the_first_member_is_short(first: int, encoding: str) -> None:
    content = log(small(1)).decode().encode(encoding)
    assert read(gzip.compress(content[:first]) + gzip.compress(content[first:])) == read(content)


def test_bytes_that_are_no_text_do_not_cost_the_record() -> None:
    (found,) = decode_stream(io.BytesIO(log(small(1, key="caf\xe9")).replace(b"\\u00e9", b"\xe9")), "f")
    assert isinstance(found, Event)
    assert found.record["key"] == "caf\ufffd"


def test_a_lone_surrogate_does_not_cost_the_record() -> None:
    (found,) = decode_stream(io.BytesIO(log(small(1, key="\ud83d"))), "f")
    assert isinstance(found, Event)
    assert found.record["key"] == "\ud83d"


def test_of_a_doubled_key_the_last_one_counts() -> None:
    (found,) = decode_stream(io.BytesIO(b'{"eventName":"A","eventSource":"s3.amazonaws.com","eventName":"B"}'), "f")
    assert isinstance(found, Event)
    assert found.record["eventName"] == "B"


# --- damage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "events"),
    [
        (1, 3),
        (2, 3),
        (3, 2),
        (len(json.dumps(small(3))) + 2, 2),
        (len(json.dumps(small(3))) + 3, 2),
        (len(json.dumps(small(3))) + 5, 1),
    ],
)
def test_a_log_file_cut_off_anywhere_gives_its_whole_records_and_one_error(lost: int, events: int) -> None:
    *found, last = read(log(small(1), small(2), small(3))[:-lost])
    assert found == [(str(number + 1), f"f: Records[{number}]") for number in range(events)]
    assert last[0] == CUT_OFF


@given(st.data())
def test_a_gzip_cut_off_anywhere_gives_a_beginning_of_its_records_and_one_error(data: st.DataObject) -> None:
    records = [small(number, key=f"{number * 7919 % 1000}") for number in range(300)]
    content = gzip.compress(log(*records))
    found = list(decode_stream(io.BytesIO(content[: data.draw(st.integers(20, len(content) - 1))]), "f"))
    assert [one.record for one in found if isinstance(one, Event)] == records[: len(found) - 1]
    assert isinstance(found[-1], DecodeError)
    assert found[-1].reason == "has a gzip that ends too early"


def test_a_gzip_with_a_wrong_checksum_loses_little_of_its_end() -> None:
    content = bytearray(gzip.compress(log(*(small(number % 10) for number in range(3000)))))
    content[-6] ^= 1
    found = read(bytes(content))
    assert found[-1][0] == "has a damaged gzip"
    assert len(found) > 2000


def test_something_after_the_gzip_is_told() -> None:
    assert read(gzip.compress(log(small(1))) + b"something") == [
        ("1", "f: Records[0]"),
        ("has something after its gzip", "f"),
    ]


def test_gzip_that_inflates_without_end_is_stopped() -> None:
    bomb = gzip.compress(b" " * 3_000_000)
    (found,) = read_values(text_of(io.BytesIO(bomb), largest=1 << 20))
    assert found.error == "inflates to more than 1 MiB"


@pytest.mark.parametrize(
    ("damaged", "expected"),
    [
        ('{"Records":[%1,#garbage#,%2]}', ["1", NOT_JSON]),
        ('{"Records":[%1 %2,,%3]}', ["1", "2", "3"]),
        ('{"Records":[{"eventVersion":"1.11","eventName":"Ge%2,%3]}', [NOT_JSON]),
        ('{"Records":[{"eventVersion":"1.11","resources":[{"a":1},%2,%3', [CUT_OFF]),
        ('{"Records":[%1,#garbage#,%2]}\n{"Records":[%3]}', ["1", NOT_JSON, "3"]),
        ('{"Records":[%1,%2', ["1", "2", CUT_OFF]),
        ('%1\n{"eventVersion":"1.11","eve\n%2\nnot json\n%3', ["1", NOT_JSON, "2", NOT_JSON, "3"]),
        ('{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":%1', [CUT_OFF]),
        ('{"Records":[{"eventName":1' + "0" * 5000 + "},%2]}", [TOO_MANY_DIGITS, "2"]),
        ('{"Records":[{"a":"]\\\\\\"}","b":' + "[" * 20_000 + "]" * 20_000 + "},%2]}", [TOO_DEEP, "2"]),
        ('{"Records":[%1,' + "[" * 20_000, ["1", TOO_DEEP]),
        ('{"Records":[%1],"more":#garbage#}\n%2', ["1", NOT_JSON, "2"]),
    ],
)
@pytest.mark.parametrize("opened", [io.BytesIO, Dribbling])
def test_after_damage_reading_goes_on_at_the_next_line_that_begins_with_a_value(
    damaged: str, expected: list[str], opened: Any
) -> None:
    for number in (1, 2, 3):
        damaged = damaged.replace(f"%{number}", json.dumps(small(number)))
    assert [seen(one)[0] for one in decode_stream(opened(damaged.encode()), "f")] == expected


def test_a_broken_connection_after_damage_brings_the_item_back() -> None:
    def pieces() -> Iterator[str]:
        yield '{"Records":[oops,' + "x" * 300_000
        raise FetchError("could not be read to its end", passing=True)

    found = list(read_values(pieces()))
    assert [one.error for one in found] == [NOT_JSON, "could not be read to its end"]
    assert found[-1].retry


def test_a_text_that_pretends_to_be_a_record_is_not_taken_for_one() -> None:
    inner = json.dumps(small(9))
    content = f'{{"Records":[{{"eventVersion":"1.11","eventName":oops,"userAgent":{json.dumps(inner)}}},{json.dumps(small(2))}]}}'
    assert read(content.encode()) == [(NOT_JSON, "f: Records[0]")]


def test_of_a_file_of_something_else_a_hundred_errors_are_given_and_the_number_of_the_others() -> None:
    found = read(b"{'no': json}\n" * 10_000 + json.dumps(small(1)).encode())
    assert found[:MAX_ERRORS] == [(NOT_JSON, f"f: line {number}") for number in range(1, MAX_ERRORS + 1)]
    assert found[MAX_ERRORS:] == [("1", "f: line 10001"), ("9,900 more records could not be read", "f")]


def test_a_record_that_is_too_long_ends_its_log_file() -> None:
    content = log(small(1), small(2, key="x" * 2 * LONGEST_ELEMENT), small(3))
    assert read(content) == [("1", "f: Records[0]"), (TOO_LONG, "f: Records[1]")]


# --- size --------------------------------------------------------------------------------------------------------------


class Endless(io.RawIOBase):
    """A log file that is made while it is read: `count` records of some 2 kB, as a gzip stream or not."""

    def __init__(self, count: int) -> None:
        super().__init__()
        line = json.dumps(record(more="x" * 1000)).encode()
        packer = zlib.compressobj(1, wbits=31)
        whole = itertools.chain([b'{"Records":['], itertools.repeat(line + b",", count), [line, b"]}"])
        self._pieces = itertools.chain((packer.compress(piece) for piece in whole), (packer.flush() for _ in range(1)))

    def read(self, size: int = -1, /) -> bytes:
        """Some bytes, in pieces as they come."""
        del size
        return next((piece for piece in self._pieces if piece), b"")


def peak(count: int) -> int:
    tracemalloc.start()
    try:
        assert sum(isinstance(one, Event) for one in decode_stream(Endless(count), "f")) == count + 1  # type: ignore[arg-type]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_file_needs_no_more_memory_than_a_small_one() -> None:
    assert peak(10_000) < 1.3 * peak(2000)


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_at_all_can_be_read(content: bytes, packed: bool) -> None:  # noqa: FBT001  drawn
    found = list(decode_stream(io.BytesIO(gzip.compress(content) if packed else content), "f"))
    assert all(one.where.isascii() for one in found)


@given(st.data())
def test_any_damage_to_a_log_file_can_be_read(data: st.DataObject) -> None:
    content = bytearray(gzip.decompress(next(PAYLOADS.glob("*.gz")).read_bytes()))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=5))
    pieces: Iterator[str] = text_of(io.BytesIO(bytes(content)))
    assert all(one.error is None or one.value is None for one in read_values(pieces))
