"""Records read by a type made of only the fields that are needed: several times as fast as reading all of each record.

What is read so is what the plain way would have found, or else None says that the plain way has to be taken: for a text that is
not JSON, elements that are no records, values that JSON has and msgspec has not (lone surrogates, numbers too large). Of the
fields that are skipped only the grammar is checked: bytes in them that are no text do no harm, as elsewhere, but that one is
nested deeper than a record may be goes unseen.

msgspec comes with the command line, not with the Lambda.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Required, TypeAlias, TypedDict, Union

import msgspec

from engine.model import Event
from engine.pipeline.decode.place import Place
from engine.pipeline.decode.record import event, from_a_service, is_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from engine.model import Record
    from engine.pipeline.decode.chunks import Chunk
    from engine.policy.given import Path

KNOWN_BY: Final = frozenset({("eventName",), ("eventSource",)})
"""The fields by which a record is known here. One that lacks them is left to the plain way."""

_SCALARS: Final = (None, bool, int, float, str)
LOG: Final = "Records"
"""What begins with a list of this name is a log file, whatever else it has: not to be read as one record."""

_FAILURES: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_PLACE: Final = Place()

_LONGEST_WAIT: Final = 64
"""Chunks that are read by the wider type before the narrow one is tried again."""

_MOST_DIGITS: Final = 4300
_STRIDE: Final = 509
_SAMPLED: Final = re.compile(rb"[0-9]{%d,}" % (_MOST_DIGITS // _STRIDE))
_DIGITS: Final = re.compile(rb"[0-9]{%d}" % (_MOST_DIGITS + 1))


class _Reader(NamedTuple):
    """What reads a chunk by one type: the elements of a list, or a line each."""

    listed: Callable[[bytearray], list[dict[str, Any]]]
    lines: Callable[[bytearray], list[dict[str, Any]]]

    def read(self, chunk: Chunk) -> list[dict[str, Any]]:
        return (self.listed if chunk.listed else self.lines)(chunk.body)


class Typed:
    """Reads chunks by the fields that some paths name; where a path ends, its value is read whole. `paths` None: all of a record.

    `only`: records of another `eventSource` than this need not be told, though they may be.
    """

    def __init__(self, paths: Iterable[Path] | None, only: str | None = None) -> None:
        wanted = None if paths is None else KNOWN_BY | frozenset(paths)
        self._narrow = None if wanted is None else _reader(record_type(wanted, wide=False))
        self._wide = _reader(dict[str, Any] if wanted is None else record_type(wanted, wide=True))
        self._known = _reader(record_type(KNOWN_BY, wide=False))
        self._only = only
        self._misses = self._waits = 0

    def records(self, chunk: Chunk) -> Sequence[Record] | None:
        """The records of a chunk, in order; None where the plain way has to be taken."""
        if has_too_many_digits(chunk.body):
            return None
        try:
            if self._only is not None and self._only.encode() not in chunk.body:
                found = self._known.read(chunk)
                if self._only not in _sources(found):
                    return found if _are_records(found) else None
            return self._by_narrow(chunk) or self._by_wide(chunk)
        except _FAILURES:
            return None

    def _by_narrow(self, chunk: Chunk) -> Sequence[Record] | None:
        """By the type that takes no object and no list where a path ends; once it met one, not for a while."""
        if self._narrow is None:
            return None
        if self._waits:
            self._waits -= 1
            return None
        try:
            found = self._narrow.read(chunk)
        except msgspec.ValidationError:
            self._misses += 1
            self._waits = min(2**self._misses, _LONGEST_WAIT)
            return None
        self._misses = 0
        return found if _are_records(found) else None

    def _by_wide(self, chunk: Chunk) -> Sequence[Record] | None:
        found = self._wide.read(chunk)
        sound = all(
            is_record(record) and not isinstance(record.get(LOG), list) and isinstance(event(record, _PLACE), Event)
            for record in found
        )
        return found if sound else None


def _sources(found: Iterable[Record]) -> set[str]:
    return {record["eventSource"] for record in found}


def _are_records(found: Iterable[Record]) -> bool:
    """Whether none of what is known by the names of a record is an item of a service's event."""
    return not any(from_a_service({"eventSource": source}) for source in _sources(found))


def has_too_many_digits(text: bytes | bytearray) -> bool:
    """Whether a text has a number of more digits than Python reads. Such a run is seen in samples taken at a stride."""
    return any(
        _DIGITS.search(text, max(0, (run.start() - 1) * _STRIDE), (run.end() + 1) * _STRIDE)
        for run in _SAMPLED.finditer(text[::_STRIDE])
    )


# --- types ------------------------------------------------------------------------------------------------------------------

_Tree: TypeAlias = "dict[str, _Tree]"


def _reader(record: Any) -> _Reader:  # noqa: ANN401  a type
    lists, lines = msgspec.json.Decoder(list[record]), msgspec.json.Decoder(record)
    return _Reader(lists.decode, lines.decode_lines)


def record_type(paths: frozenset[Path], *, wide: bool) -> Any:  # noqa: ANN401  a type
    """The type of a record of which some paths are wanted."""
    members = {name: _type(inner, wide=wide) for name, inner in _tree(paths).items()}
    known = {"eventName": Required[members["eventName"]], "eventSource": Required[str]}
    return TypedDict("Record", {**members, **known, LOG: Union[_SCALARS]}, total=False)  # type: ignore[operator]  # noqa: UP007


def _tree(paths: frozenset[Path]) -> _Tree:
    """Paths by their names, without those that begin with another one."""
    root: _Tree = {}
    for path in paths:
        here = root
        if not any(path[:length] in paths for length in range(1, len(path))):
            for name in path:
                here = here.setdefault(name, {})
    return root


def _type(tree: _Tree, *, wide: bool) -> Any:  # noqa: ANN401  a type
    """The type of a value of which some members are wanted (none: the value whole)."""
    if not tree:
        return Any if wide else Union[_SCALARS]  # noqa: UP007  made while running
    members = {name: _type(inner, wide=wide) for name, inner in tree.items()}
    found = TypedDict("Found", members, total=False)  # type: ignore[misc]  # made while running
    elements = list[Union[(found, *_SCALARS, *((list,) if wide else ()))]]  # type: ignore[misc,valid-type]  # the same
    return Union[(found, elements, *_SCALARS)]
