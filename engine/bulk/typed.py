"""Records read by a type made of only the fields that are needed: several times as fast as reading all of each record.

What is read so is what the plain way would have found, or else None says that the plain way has to be taken: for a text that is
not JSON, elements that are no records, values that JSON has and msgspec has not (lone surrogates, numbers too large). Of the
fields that are skipped only the grammar is checked: bytes in them that are no text do no harm, as elsewhere, but that one is
nested deeper than a record may be goes unseen.

A start of the Lambda does not come in here: msgspec takes its time to import.
"""

from __future__ import annotations

import re
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, NotRequired, Required, TypedDict, Union

import msgspec

from engine.bulk.rows import LISTS, attribute, attribute_of, layout
from engine.model import Event
from engine.pipeline.decode.location import PayloadPath
from engine.pipeline.decode.record import event, from_a_service, is_record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from engine.bulk.chunks import Chunk
    from engine.bulk.rows import Layout, Row
    from engine.model import Record
    from engine.policy.fact_layout import Path

_SCALARS: Final = (None, bool, int, float, str)
_Scalar: Final[Any] = Union[_SCALARS]  # noqa: UP007  made while running
SOURCE: Final = "eventSource"

_ROW: Final[Mapping[str, Any]] = {SOURCE: str, "eventCategory": str, "eventID": _Scalar}
"""What a row has, as every record has since event version 1.07, of 2019; by these three names it is one.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

USUAL: Final = {**_ROW, SOURCE: Literal["s3.amazonaws.com"], "eventCategory": Literal["Data"]}
"""The types of the same in nearly all records of a trail of data events: of these two values nothing has to be made."""

_RECORD: Final[Mapping[str, Any]] = {SOURCE: Required[str], "eventName": Required[Any], "managementEvent": Any}
"""By what a record is known that is read by needed fields, and what tells whether it is selected."""

LOG: Final = "Records"
"""What begins with a list of this name is a log file, whatever else it has: not to be read as one record."""

_FAILURES: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_LOCATION: Final = PayloadPath()

_MOST_MISSES: Final = 6
"""Two to this power: the most chunks that are read without rows before rows are tried again."""

_UNNAMEABLE: Final = re.compile('["\\\\\x00-\x1f\ud800-\udfff]')
"""What stands in no name of a struct's field: what JSON would escape, and halves of surrogate pairs."""

_MOST_DIGITS: Final = 4300
_STRIDE: Final = 509
_FEWEST: Final = _MOST_DIGITS // _STRIDE
_SAMPLED: Final = re.compile(rb"[0-9]{%d,}" % _FEWEST)
_AS_ZEROS: Final = bytes(code if chr(code) not in "0123456789" else 0x30 for code in range(256))
_DIGITS: Final = re.compile(rb"[0-9]{%d}" % (_MOST_DIGITS + 1))


_KNOWN: Final = TypedDict("_KNOWN", {"eventName": _Scalar, "eventSource": str, "Records": NotRequired[_Scalar]})
"""A record of which nothing is wanted."""


class _Reader(NamedTuple):
    """What reads a chunk by one type: the elements of a list, or a line each."""

    listed: Callable[[bytearray], list[Any]]
    lines: Callable[[bytearray], list[Any]]

    def read(self, chunk: Chunk) -> list[Any]:
        return (self.listed if chunk.listed else self.lines)(chunk.body)


class _Trial:
    """When to try what may not do: once it did not, not for a while, and each time for longer."""

    def __init__(self) -> None:
        self._misses = self._waits = 0
        self._did = False

    def now(self) -> bool:
        """Whether to try it now."""
        if self._waits:
            self._waits -= 1
            return False
        if self._did:
            self._misses = 0
        return True

    def did(self) -> None:
        """It did, unless it is told before the next try that it missed after all."""
        self._did = True

    def missed(self) -> None:
        """It did not do."""
        self._did = False
        self._misses = min(self._misses + 1, _MOST_MISSES)
        self._waits = 2**self._misses


class TypedReader:
    """Reads chunks by the fields that some paths name; where a path ends, its value is read whole. `paths` None: all of a record.

    `layout` is that of the rows (None: there are none), which lack the paths that are `seldom` needed. `only`: records of another
    `eventSource` than these need not be told, though they may be.
    """

    def __init__(self, paths: Iterable[Path] | None, only: Collection[str] | None = None, seldom: Collection[Path] = ()) -> None:
        self.layout = _layout(paths, seldom)
        self._by_row = None if self.layout is None else _reader(row_type(self.layout))
        self._usual = None if self.layout is None else _reader(row_type(self.layout, USUAL))
        self._source = attrgetter("eventSource" if self.layout is None else attribute_of(self.layout, SOURCE))
        self._by_field = _reader(dict[str, Any] if paths is None else _record_type(layout(paths)))
        self._known = _reader(_KNOWN)
        self._only = None if only is None else frozenset(only)
        self._rows, self._usual_rows = _Trial(), _Trial()

    def rows(self, chunk: Chunk) -> Sequence[Row] | None:
        """The records of a chunk as rows; None where one is none, and for a while after one was none, or said too little."""
        if self._by_row is None or not self._has_of(chunk) or not self._rows.now():
            return None
        try:
            if has_too_many_digits(chunk.body):
                return None
            usual = self._read_usual(chunk)
            found: Sequence[Row] = self._by_row.read(chunk) if usual is None else usual
        except msgspec.ValidationError:
            self.lacked_fields()
            return None
        except _FAILURES:
            return None
        self._rows.did()
        return found if usual is not None or _are_records(set(map(self._source, found))) else None

    def lacked_fields(self) -> None:
        """Rows did not do for a chunk: read none for a while."""
        self._rows.missed()

    def _read_usual(self, chunk: Chunk) -> Sequence[Row] | None:
        """The rows, where all of them have the usual values; None for others, and for a while after there were others."""
        if self._usual is None or not self._usual_rows.now():
            return None
        try:
            found = self._usual.read(chunk)
        except msgspec.ValidationError:
            self._usual_rows.missed()
            return None
        self._usual_rows.did()
        return found

    def records(self, chunk: Chunk) -> Sequence[Record] | None:
        """The records of a chunk as far as their needed fields go; None where the plain way has to be taken."""
        try:
            if has_too_many_digits(chunk.body):
                return None
            if not self._has_of(chunk):
                found = self._known.read(chunk)
                sources = {record[SOURCE] for record in found}
                if self._only is not None and self._only.isdisjoint(sources):
                    return found if _are_records(sources) else None
            found = self._by_field.read(chunk)
        except _FAILURES:
            return None
        return found if all(map(_is_sound, found)) else None

    def _has_of(self, chunk: Chunk) -> bool:
        """Whether there may be a record that has to be told."""
        return self._only is None or any(source.encode() in chunk.body for source in self._only)


def _is_sound(record: dict[str, Any]) -> bool:
    """Whether a record is what the plain way would find it to be."""
    return is_record(record) and not isinstance(record.get(LOG), list) and isinstance(event(record, _LOCATION), Event)


def _layout(paths: Iterable[Path] | None, seldom: Collection[Path]) -> Layout | None:
    """The layout of rows; None where all of a record is wanted, or a name that msgspec does not take."""
    if paths is None or any(map(_UNNAMEABLE.search, chain.from_iterable(paths))):
        return None
    return layout({*paths, *((name,) for name in _ROW)}.difference(seldom))


def _are_records(sources: Iterable[str]) -> bool:
    """Whether none of what is known by the names of a record is an item of a service's event."""
    return not any(from_a_service({"eventSource": source}) for source in sources)


def record_of(row: Row) -> Record:
    """The record that a row stands for, as far as it was read."""
    found: Record = msgspec.to_builtins(row)
    return found


def has_too_many_digits(text: bytes | bytearray) -> bool:
    """Whether a text has a number of more digits than Python reads. Such a run is seen in samples taken at a stride."""
    sample = text[::_STRIDE]
    return b"0" * _FEWEST in sample.translate(_AS_ZEROS) and any(
        _DIGITS.search(text, max(0, (run.start() - 1) * _STRIDE), (run.end() + 1) * _STRIDE) for run in _SAMPLED.finditer(sample)
    )


# --- types ------------------------------------------------------------------------------------------------------------------


def _reader(record: Any) -> _Reader:  # noqa: ANN401  a type
    lists, lines = msgspec.json.Decoder(list[record]), msgspec.json.Decoder(record)
    return _Reader(lists.decode, lines.decode_lines)


def row_type(root: Layout, own: Mapping[str, Any] = _ROW) -> Any:  # noqa: ANN401  a type
    """The type of rows of a layout, with `own` types for what every row has.

    It takes no object and no list where a value is, and nothing but objects in between.
    """
    members = {name: own.get(name) or _row_member(name, inner) for name, inner in root.items()}
    return _struct(members | ({} if LOG in root else {LOG: _Scalar}), required=_ROW)


def _row_member(name: str, inner: Layout) -> Any:  # noqa: ANN401  a type
    if name not in LISTS or not inner:
        return _value(inner)
    found = TypedDict("Found", {one: _Scalar for one, below in inner.items() if not below}, total=False)  # type: ignore[misc]
    return list[Union[(found, *_SCALARS)]] | None  # type: ignore[valid-type]  # made while running


def _value(members: Layout) -> Any:  # noqa: ANN401  a type
    """The type of a value in a row; of an object, where it has members."""
    return _struct({name: _value(inner) for name, inner in members.items()}) | None if members else _Scalar


def _struct(members: Mapping[str, Any], required: Collection[str] = ()) -> Any:  # noqa: ANN401  a type
    fields = [
        (attribute(place), kind, msgspec.field(name=name) if name in required else msgspec.field(name=name, default=None))
        for place, (name, kind) in enumerate(members.items())
    ]
    return msgspec.defstruct("Row", fields, kw_only=True, omit_defaults=True, gc=False)


def _record_type(root: Layout) -> Any:  # noqa: ANN401  a type
    """The type of a record of which some paths are wanted, whatever stands where."""
    members = {name: _found_type(inner) for name, inner in root.items()}
    return TypedDict("Record", {**members, **_RECORD, LOG: _Scalar}, total=False)  # type: ignore[operator]  # made while running


def _found_type(members: Layout) -> Any:  # noqa: ANN401  a type
    """The type of a value of which some members are wanted (none: the value whole)."""
    if not members:
        return Any
    found = TypedDict("Found", {name: _found_type(inner) for name, inner in members.items()}, total=False)  # type: ignore[misc]
    elements = list[Union[(found, list[Any], *_SCALARS)]]  # type: ignore[valid-type]  # made while running
    return Union[(found, elements, *_SCALARS)]
