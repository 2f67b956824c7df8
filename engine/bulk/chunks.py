"""A text in chunks of whole records: a log file's list, or JSON Lines. Other texts are read as the Lambda reads them.

A chunk ends between two records. In JSON, `},{"eventVersion"` (or the name that the first record begins with) can only stand
between two elements: inside a string the quotes would be escaped. If both sides of a cut are lists by themselves, they are the
one list in two parts. If a side is not, the cut was wrong or the text is not JSON, and it is read value by value from there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import repr_only
from engine.pipeline.decode.inflate import encoding_of
from engine.pipeline.decode.pieces import Pieces
from engine.pipeline.decode.values import Position

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK: Final = 512 << 10
"""About how many bytes a chunk has: some 250 records, which fit in the processor's cache."""

LONGEST_CHUNK: Final = 8 << 20
"""The most bytes that are searched for the end of a record."""

_HEAD: Final = 1 << 10
_UTF_8: Final = "utf-8"
_LOG: Final = re.compile(rb'([ \t\r\n]{0,256})\{[ \t\r\n]{0,32}"Records"[ \t\r\n]{0,8}:[ \t\r\n]{0,32}\[')
_FIRST: Final = re.compile(rb'[ \t\r\n]{0,256}(\{[ \t\r\n]{0,64}"[A-Za-z]{1,64}")')
_LINE: Final = re.compile(rb"[ \t\r\n]{0,256}\{")
_LIST_END: Final = re.compile(rb"\][ \t\r\n]*\}[ \t\r\n]*\Z")
_BETWEEN: Final = (b",", b", ", b",\n")


@repr_only("listed", "sound", "last")
class Chunk(NamedTuple):
    """Some records: as a JSON list (`listed`), or a line each. `after`: the text between them and the next chunk.

    `sound` is False where it is known that this is no whole number of records.
    """

    body: bytearray
    listed: bool
    sound: bool = True
    last: bool = False
    after: bytes = b""

    @property
    def text(self) -> bytes:
        """The chunk as it stands in the text."""
        return bytes(self.body[1:-1] + self.after if self.listed else self.body)

    @property
    def line_ends(self) -> int:
        """How many lines end in it."""
        return self.text.count(b"\n") if b"\n" in self.body or b"\n" in self.after else 0


class Chunks:
    """The chunks of a text, each of whole records.

    `start` is the position of the first record; None where the text is neither a log file nor JSON Lines.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = Pieces(pieces)
        self._head = bytes(self._more(bytearray(), _HEAD))
        self.start, self._waiting = _start(self._head)
        self._between = _between(self._waiting)

    def __iter__(self) -> Iterator[Chunk]:
        """Every chunk, none of them for an empty text."""
        if self.start is None:
            return
        listed, open_bracket = self.start.in_list, b"[" if self.start.in_list else b""
        buffer, self._waiting = bytearray(open_bracket + self._waiting), b""
        while not self._pieces.ended:
            buffer = self._more(buffer, CHUNK)
            if self._pieces.ended:
                break
            end = self._end(buffer) if listed else buffer.rfind(b"\n") + 1
            if end > 0:
                self._waiting = bytes(buffer[end + listed :])
                buffer[end:] = b"]" * listed
                yield Chunk(buffer, listed, after=b"," * listed)
                buffer, self._waiting = bytearray(open_bracket + self._waiting), b""
            elif len(buffer) > LONGEST_CHUNK:
                yield Chunk(buffer + b"]" * listed, listed, sound=False, last=True)
                return
        if listed or buffer or self._pieces.fault:
            yield self._last(buffer, listed=listed)

    def rest(self, chunk: Chunk | None = None) -> Iterator[bytes]:
        """The text from the last chunk on (None: all of it). Raises where the text ends too early."""
        yield self._head if chunk is None else chunk.text
        if chunk is not None and self._waiting:
            yield self._waiting
        yield from self._pieces.rest()

    def _more(self, buffer: bytearray, size: int) -> bytearray:
        """The buffer with at least so many more bytes, unless the text ends."""
        return bytearray().join([buffer, *self._pieces.take(size)])

    def _end(self, buffer: bytearray) -> int:
        """Where the last whole record in the buffer ends; 0 if unknown."""
        for between in self._between:
            index = buffer.rfind(between)
            if index > 0:
                self._between = (between,)
                return index + 1
        return 0

    def _last(self, buffer: bytearray, *, listed: bool) -> Chunk:
        sound = self._pieces.fault is None
        if not listed:
            return Chunk(buffer, listed, sound, last=True)
        end = _LIST_END.search(buffer, max(0, len(buffer) - _HEAD))
        if end is None:
            return Chunk(buffer + b"]", listed, sound=False, last=True)
        return Chunk(buffer[: end.start() + 1], listed, sound, last=True, after=bytes(buffer[end.start() :]))


def _start(head: bytes) -> tuple[Position | None, bytes]:
    """The position of a text's first record, and the rest of its head."""
    if not head or encoding_of(head) != _UTF_8:
        return None, head
    log = _LOG.match(head)
    if log:
        first = 1 + log[1].count(b"\n")
        return Position(in_list=True, line=1 + log[0].count(b"\n"), first_line=first), head[log.end() :]
    return (Position() if _LINE.match(head) else None), head


def _between(waiting: bytes) -> tuple[bytes, ...]:
    """What can stand between two records, given how the first begins."""
    first = _FIRST.match(waiting)
    return tuple(b"}" + comma + first[1] for comma in _BETWEEN) if first else ()
