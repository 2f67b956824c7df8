"""A stream's bytes as text, inflated where they are gzip, and in pieces: a large file needs no more memory than a small one."""

from __future__ import annotations

import codecs
import json
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

from engine.errors import DamagedError, FetchError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

LARGEST: Final = 4 << 30
"""How many bytes a file may inflate to."""

LARGEST_INLINE: Final = 32 << 20
"""How many bytes what stands in a payload may inflate to. A subscription's 1 MiB of gzip holds about 10 MiB of records."""

_READ: Final = 256 << 10
_PIECE: Final = 128 << 10
_SLICE: Final = 512
_HEAD: Final = 4

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
    decoder: codecs.IncrementalDecoder | None = None
    for piece in _inflated(stream, largest):
        # A byte order mark, or else where the zero bytes stand, tells the encoding (RFC 4627, section 3).
        decoder = decoder or codecs.getincrementaldecoder(json.detect_encoding(piece[:_HEAD]))("replace")
        yield decoder.decode(piece)
    if decoder is not None:
        yield decoder.decode(b"", final=True)


def _inflated(stream: BinaryIO, largest: int) -> Iterator[bytes]:
    """The bytes of a stream, inflated; the first piece has at least four of them, unless there are no more."""
    head = _read(stream)
    if head.startswith(_GZIP):
        yield from _within(_members(head, stream, _GZIP_BITS), largest)
    elif head.startswith(_ZLIB):
        yield from _within(_members(head, stream, _ZLIB_BITS), largest)
    else:
        while head:
            yield head
            head = _read(stream)


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


def _members(head: bytes, stream: BinaryIO, bits: int) -> Iterator[bytes]:
    """Every member of a gzip file, inflated one after the other. Zero bytes after one are padding."""
    waiting = head
    while waiting:
        waiting = yield from _member(waiting, stream, bits)
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


def _member(waiting: bytes, stream: BinaryIO, bits: int) -> Generator[bytes, None, bytes]:
    """One member, inflated; returns the bytes after it.

    It is fed in small slices: where a slice turns out to be damaged, what the slices before it gave is not lost with it.
    """
    inflater = zlib.decompressobj(bits)
    while waiting:
        for start in range(0, len(waiting), _SLICE):
            yield from _fed(inflater, waiting[start : start + _SLICE])
            if inflater.eof:
                return inflater.unused_data + waiting[start + _SLICE :]
        waiting = _read(stream)
    yield inflater.flush()
    raise DamagedError("has a gzip that ends too early")


def _fed(inflater: zlib._Decompress, piece: bytes) -> Iterator[bytes]:
    """What one slice inflates to, in pieces of a bounded size: 512 bytes can hold half a megabyte."""
    while True:
        try:
            inflated = inflater.decompress(piece, _PIECE)
        except zlib.error:
            raise DamagedError("has a damaged gzip") from None
        if inflated:
            yield inflated
        piece = inflater.unconsumed_tail
        if not piece:
            return
