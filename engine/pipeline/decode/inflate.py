"""A stream's bytes as text, in pieces, inflated if they are gzip: a large file needs no more memory than a small one."""

from __future__ import annotations

import codecs
import json
import zlib
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from engine.errors import DamagedError, FetchError

try:
    from isal import isal_zlib
except ImportError:  # part of the command line's dependencies, not of the Lambda's
    isal_zlib = zlib  # type: ignore[misc]  # the same functions

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

LARGEST: Final = 4 << 30
"""How many bytes a file may inflate to."""

MAX_INLINE_SIZE: Final = 32 << 20
"""How many bytes a part of a payload may inflate to. A subscription's 1 MiB of gzip holds about 10 MiB of records."""

_READ: Final = 256 << 10
_PIECE: Final = 1 << 20
_FIRST: Final = 1 << 10
_SLICE: Final = 64 << 10
"""The first slice is small: it is copied to find out what the text is."""

_CAREFUL_PIECE: Final = 128 << 10
_CAREFUL_SLICE: Final = 512
_HEAD: Final = 4

_FAULTS: Final[tuple[type[Exception], ...]] = (zlib.error, isal_zlib.error)  # type: ignore[assignment]  # a class
_GZIP: Final = b"\x1f\x8b"
_ZLIB: Final = (b"x\x01", b"x^", b"x\x9c", b"x\xda")
_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15


def text_of(stream: BinaryIO, largest: int = LARGEST) -> Iterator[str]:
    """The text of a stream, in pieces: gzip (of any number of members) or zlib or plain, in UTF-8, UTF-16 or UTF-32.

    Bytes that are no text become U+FFFD: a record that holds some is not lost for it. Raises `DamagedError` after the last good
    piece, where the gzip ends too early, is damaged, or inflates to more than `largest` bytes, and `FetchError` where the stream
    cannot be read on.
    """
    pieces = inflated(stream, largest)
    first = b""
    for piece in pieces:
        first += piece
        if len(first) >= _HEAD:
            break
    if first:
        yield from decoded(chain((first,), pieces), encoding_of(first))


def encoding_of(first: bytes) -> str:
    """The encoding of a text by its first piece: a byte order mark, or else where the zero bytes stand (RFC 4627, section 3)."""
    return json.detect_encoding(first[:_HEAD])


def decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Pieces of a text as text; bytes that are none become U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def inflated(stream: BinaryIO, largest: int = LARGEST) -> Iterator[bytes]:
    """The bytes of a stream, inflated, in pieces of any size.

    Raises what `text_of` raises. A stream that can be read a second time is inflated in large slices, and if it is damaged, again
    in small ones, so that little before the damage is lost.
    """
    head = _read(stream)
    bits = _GZIP_BITS if head.startswith(_GZIP) else _ZLIB_BITS if head.startswith(_ZLIB) else 0
    if not bits:
        while head:
            yield head
            head = _read(stream)
    elif stream.seekable():
        yield from _within(_twice(head, stream, bits), largest)
    else:
        yield from _within(_members(head, stream, _Careful(bits)), largest)


def _twice(head: bytes, stream: BinaryIO, bits: int) -> Iterator[bytes]:
    """Every member, inflated fast up to where that fails, and carefully from there on."""
    start, given = stream.tell() - len(head), 0
    try:
        for piece in _members(head, stream, _Fast(bits)):
            given += len(piece)
            yield piece
    except DamagedError:
        pass
    else:
        return
    stream.seek(start)
    for piece in _members(_read(stream), stream, _Careful(bits)):
        known = min(given, len(piece))
        given -= known
        if known < len(piece):
            yield piece[known:]


class _Fast(NamedTuple):
    """Large slices, by the fastest library installed."""

    bits: int
    first: int = _FIRST
    slice: int = _SLICE
    piece: int = _PIECE

    def inflater(self) -> zlib._Decompress:
        return isal_zlib.decompressobj(self.bits)  # type: ignore[return-value]  # with the same methods


class _Careful(NamedTuple):
    """Small slices: a damaged one loses only itself."""

    bits: int
    first: int = _CAREFUL_SLICE
    slice: int = _CAREFUL_SLICE
    piece: int = _CAREFUL_PIECE

    def inflater(self) -> zlib._Decompress:
        return zlib.decompressobj(self.bits)


def _read(stream: BinaryIO) -> bytes:
    """The next bytes, at least four of them; fewer only at the end."""
    parts: list[bytes] = []
    size = 0
    while size < _HEAD:
        try:
            part = stream.read(_READ)
        except OSError:
            raise FetchError("could not be read to its end", passing=True) from None
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _within(pieces: Iterator[bytes], largest: int) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > largest:
            raise DamagedError(f"inflates to more than {largest >> 20} MiB")
        yield piece


def _members(head: bytes, stream: BinaryIO, mode: _Fast | _Careful) -> Iterator[bytes]:
    """Every member of a gzip file, inflated one after the other. Zero bytes after one are padding."""
    waiting = head
    while waiting:
        waiting = yield from _member(waiting, stream, mode)
        waiting = _after_padding(waiting, stream)
        if waiting and not waiting.startswith(_GZIP):
            raise DamagedError("has something after its gzip")


def _after_padding(waiting: bytes, stream: BinaryIO) -> bytes:
    """The next bytes that are no padding, at least four of them; fewer only at the end."""
    while True:
        waiting = waiting.lstrip(b"\0")
        more = _read(stream) if len(waiting) < _HEAD else b""
        if not more:
            return waiting
        waiting += more


def _member(waiting: bytes, stream: BinaryIO, mode: _Fast | _Careful) -> Generator[bytes, None, bytes]:
    """One member, inflated slice by slice; returns the bytes after it."""
    inflater, size = mode.inflater(), mode.first
    while waiting:
        start = 0
        while start < len(waiting):
            end = start + size
            yield from _fed(inflater, waiting[start:end], mode.piece)
            if inflater.eof:
                return inflater.unused_data + waiting[end:]
            start, size = end, mode.slice
        waiting = _read(stream)
    yield inflater.flush()
    raise DamagedError("has a gzip that ends too early")


def _fed(inflater: zlib._Decompress, piece: bytes, largest: int) -> Iterator[bytes]:
    """What one slice inflates to, in pieces of a bounded size: 512 bytes can hold half a megabyte."""
    while True:
        try:
            text = inflater.decompress(piece, largest)
        except _FAULTS:
            raise DamagedError("has a damaged gzip") from None
        if text:
            yield text
        piece = inflater.unconsumed_tail
        # zlib may still have a tail when the member has ended: it does not belong to the member.
        if inflater.eof or not piece:
            return
