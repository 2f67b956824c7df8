"""Records decoded by a msgspec type that has only the needed fields: several times as fast as decoding each record whole.

The result is what decoding each record whole would give, or None where that has to be done: for a text that is not JSON, elements
that are not records, and values that JSON has and msgspec has not (lone surrogates, numbers too large). Fields that are skipped
are checked for grammar only, so one that is nested deeper than a record may be goes unnoticed.
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
"""What every row has, as records have since event version 1.07 of 2019; these three names make it a record.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

USUAL: Final = {**_ROW, SOURCE: Literal["s3.amazonaws.com"], "eventCategory": Literal["Data"]}
"""The types of these in nearly all records of a trail of data events: for the two constants no object is made."""

_RECORD: Final[Mapping[str, Any]] = {SOURCE: Required[str], "eventName": Required[Any], "managementEvent": Any}
"""The fields that make an object a record when it is read by needed fields, and that say whether it is selected."""

LOG: Final = "Records"
"""An object with a list of this name is a log file, not a record, whatever else it has."""

_FAILURES: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_LOCATION: Final = PayloadPath()

_MOST_MISSES: Final = 6
"""Two to this power is the most chunks that are read without rows before rows are tried again."""

_UNNAMEABLE: Final = re.compile('["\\\\\x00-\x1f\ud800-\udfff]')
"""Characters that msgspec does not take in a field's name: those that JSON escapes, and halves of surrogate pairs."""

_MOST_DIGITS: Final = 4300
_STRIDE: Final = 509
_FEWEST: Final = _MOST_DIGITS // _STRIDE
_SAMPLED: Final = re.compile(rb"[0-9]{%d,}" % _FEWEST)
_AS_ZEROS: Final = bytes(code if chr(code) not in "0123456789" else 0x30 for code in range(256))
_DIGITS: Final = re.compile(rb"[0-9]{%d}" % (_MOST_DIGITS + 1))


_KNOWN: Final = TypedDict("_KNOWN", {"eventName": _Scalar, "eventSource": str, "Records": NotRequired[_Scalar]})
"""A record of which no field is needed."""


class _ChunkDecoder(NamedTuple):
    """Decodes a chunk by one type: the elements of a list, or a line each."""

    listed: Callable[[bytearray], list[Any]]
    lines: Callable[[bytearray], list[Any]]

    def read(self, chunk: Chunk) -> list[Any]:
        return (self.listed if chunk.listed else self.lines)(chunk.body)


class _Trial:
    """When to try something that may fail: after a failure not for a while, and for longer each time."""

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
        """It worked, unless `missed` is called before the next try."""
        self._did = True

    def missed(self) -> None:
        """It failed."""
        self._did = False
        self._misses = min(self._misses + 1, _MOST_MISSES)
        self._waits = 2**self._misses


class TypedReader:
    """Decodes chunks by the fields on some paths; at a path's end, the value is read whole. `paths` None: whole records.

    `layout` is that of the rows (None: there are none), which lack the `seldom` needed paths. With `only`, records of another
    `eventSource` than these may be left out.
    """

    def __init__(self, paths: Iterable[Path] | None, only: Sequence[str] | None = None, seldom: Collection[Path] = ()) -> None:
        self.layout = _layout(paths, seldom)
        self._by_row = None if self.layout is None else _decoder(row_type(self.layout))
        self._usual = None if self.layout is None else _decoder(row_type(self.layout, USUAL))
        self._source = attrgetter("eventSource" if self.layout is None else attribute_of(self.layout, SOURCE))
        self._by_field = _decoder(dict[str, Any] if paths is None else _record_type(layout(paths)))
        self._known = _decoder(_KNOWN)
        self._only = None if only is None else [source.encode() for source in only]
        self._rows, self._usual_rows = _Trial(), _Trial()

    def rows(self, chunk: Chunk) -> Sequence[Row] | None:
        """The records of a chunk as rows; None where one has no row, and for a while after one had none or lacked a field."""
        if self._by_row is None or not self._has_of(chunk) or not self._rows.now():
            return None
        try:
            if has_too_many_digits(chunk.body):
                return None
            usual = self._read_usual(chunk)
            rows: Sequence[Row] = self._by_row.read(chunk) if usual is None else usual
        except msgspec.ValidationError:
            self.lacked_fields()
            return None
        except _FAILURES:
            return None
        self._rows.did()
        return rows if usual is not None or _are_records(set(map(self._source, rows))) else None

    def lacked_fields(self) -> None:
        """Back off from rows after a chunk whose rows lacked a field."""
        self._rows.missed()

    def _read_usual(self, chunk: Chunk) -> Sequence[Row] | None:
        """The rows of a chunk in which all have the usual values; None for other chunks, and for a while after one."""
        if self._usual is None or not self._usual_rows.now():
            return None
        try:
            rows = self._usual.read(chunk)
        except msgspec.ValidationError:
            self._usual_rows.missed()
            return None
        self._usual_rows.did()
        return rows

    def records(self, chunk: Chunk) -> Sequence[Record] | None:
        """The records of a chunk with their needed fields; None where they have to be decoded whole."""
        try:
            if has_too_many_digits(chunk.body):
                return None
            if not self._has_of(chunk):
                records = self._known.read(chunk)
                sources = {record[SOURCE] for record in records}
                if self._only is not None and not any(source.encode() in self._only for source in sources):
                    return records if _are_records(sources) else None
            records = self._by_field.read(chunk)
        except _FAILURES:
            return None
        return records if all(map(_is_sound, records)) else None

    def _has_of(self, chunk: Chunk) -> bool:
        """Whether there may be a record that must not be left out."""
        # In their order, the most frequent first: a chunk is searched to its end for a source that it does not have.
        return self._only is None or any(source in chunk.body for source in self._only)


def _is_sound(record: dict[str, Any]) -> bool:
    """Whether decoding it whole would give this as a record, too."""
    return is_record(record) and not isinstance(record.get(LOG), list) and isinstance(event(record, _LOCATION), Event)


def _layout(paths: Iterable[Path] | None, seldom: Collection[Path]) -> Layout | None:
    """The layout of rows; None for whole records, and for a name that msgspec does not take."""
    if paths is None or any(map(_UNNAMEABLE.search, chain.from_iterable(paths))):
        return None
    return layout({*paths, *((name,) for name in _ROW)}.difference(seldom))


def _are_records(sources: Iterable[str]) -> bool:
    """Whether none of these objects with a record's names is an item of a service's event."""
    return not any(from_a_service({"eventSource": source}) for source in sources)


def record_of(row: Row) -> Record:
    """The record of a row, as far as it was read."""
    record: Record = msgspec.to_builtins(row)
    return record


def has_too_many_digits(text: bytes | bytearray) -> bool:
    """Whether a text has a number with more digits than Python reads. A run so long shows in samples taken at a stride."""
    sample = text[::_STRIDE]
    return b"0" * _FEWEST in sample.translate(_AS_ZEROS) and any(
        _DIGITS.search(text, max(0, (run.start() - 1) * _STRIDE), (run.end() + 1) * _STRIDE) for run in _SAMPLED.finditer(sample)
    )


# --- types ------------------------------------------------------------------------------------------------------------------


def _decoder(record: Any) -> _ChunkDecoder:  # noqa: ANN401  a type
    lists, lines = msgspec.json.Decoder(list[record]), msgspec.json.Decoder(record)
    return _ChunkDecoder(lists.decode, lines.decode_lines)


def row_type(root: Layout, own: Mapping[str, Any] = _ROW) -> Any:  # noqa: ANN401  a type
    """The type of rows of a layout, with `own` types for what every row has.

    It takes no object and no list where a value is, and nothing but objects in between.
    """
    members = {name: own.get(name) or _row_member(name, inner) for name, inner in root.items()}
    return _struct(members | ({} if LOG in root else {LOG: _Scalar}), required=_ROW)


def _row_member(name: str, inner: Layout) -> Any:  # noqa: ANN401  a type
    if name not in LISTS or not inner:
        return _value(inner)
    element = TypedDict("Element", {member: _Scalar for member, below in inner.items() if not below}, total=False)  # type: ignore[misc]
    return list[Union[(element, *_SCALARS)]] | None  # type: ignore[valid-type]  # a type made at run time


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
    members = {name: _field_type(inner) for name, inner in root.items()}
    return TypedDict("Record", {**members, **_RECORD, LOG: _Scalar}, total=False)  # type: ignore[operator]  # a type made at run time


def _field_type(members: Layout) -> Any:  # noqa: ANN401  a type
    """The type of a value of which some members are wanted (none: the value whole)."""
    if not members:
        return Any
    object_ = TypedDict("Members", {name: _field_type(inner) for name, inner in members.items()}, total=False)  # type: ignore[misc]
    elements = list[Union[(object_, list[Any], *_SCALARS)]]  # type: ignore[valid-type]  # a type made at run time
    return Union[(object_, elements, *_SCALARS)]
