"""A file's records in batches, where only decisions are wanted: by their needed fields as far as that goes, else the plain way.

Both ways find the same events and the same errors, at the same places.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from engine.errors import FetchError
from engine.model import DecodeError, showing
from engine.pipeline.decode.carriers import opened, texts
from engine.pipeline.decode.chunks import Chunks
from engine.pipeline.decode.inflate import decoded, encoding_of, inflated
from engine.pipeline.decode.place import Place
from engine.pipeline.decode.record import READER
from engine.pipeline.decode.scan import RECORDS, START, Begun, starts_a_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model import Record
    from engine.pipeline.decode.chunks import Chunk
    from engine.pipeline.decode.place import Found
    from engine.pipeline.decode.typed import Typed
    from engine.policy.rows import Row

MANY: Final = 500
"""How many things that were found the plain way make a batch."""


@showing("values", "line_ends", "size")
class Batch(NamedTuple):
    """What a stretch of a text holds, one of these: `rows`, `records` by their needed fields, or what was `found` the plain way.

    `values` is how many JSON values it has, `line_ends` how many lines end in it, `size` how many bytes it has; all 0 where the
    rest of a text was read the plain way.
    """

    rows: Sequence[Row] = ()
    records: Sequence[Record] = ()
    found: Sequence[Found] = ()
    values: int = 0
    line_ends: int = 0
    size: int = 0


def batches(stream: BinaryIO, where: str, typed: Typed) -> Iterator[Batch]:
    """Everything in a file called `where`, of any kind and size, as `decode_stream` finds it."""
    chunks = Chunks(inflated(stream))
    if chunks.begun is None:
        yield from plainly(chunks, where)
        return
    begun = chunks.begun
    for chunk in chunks:
        batch = typed_batch(chunk, typed) or plain_batch(chunk, begun, where)
        if batch is None:
            yield from plainly(chunks, where, chunk, begun)
            return
        begun = begun.after(batch.values, batch.line_ends)
        yield batch
        del batch  # its memory is the next one's, and still in the processor's cache


def typed_batch(chunk: Chunk, typed: Typed) -> Batch | None:
    """A chunk's records by their needed fields, or None where that does not do."""
    read = typed.read(chunk) if chunk.sound else None
    if read is None:
        return None
    return Batch(read.rows, read.records, (), len(read.rows) + len(read.records), chunk.line_ends, len(chunk.body))


def plain_batch(chunk: Chunk, begun: Begun, where: str) -> Batch | None:
    """Everything in a chunk, each value for itself; None where it is no whole number of values. `begun`: where it begins."""
    try:
        steps = _values(chunk, begun) if chunk.sound else None
    except (ValueError, RecursionError):
        steps = None
    if steps is None:
        return None
    place = Place(root=where)
    found = tuple(one for step, value in steps for one in opened(value, place.at(step), refused))
    return Batch((), (), found, len(steps), chunk.line_ends, len(chunk.body))


def plainly(chunks: Chunks, where: str, chunk: Chunk | None = None, begun: Begun = START) -> Iterator[Batch]:
    """Everything from a chunk on (None: from the beginning), the plain way. `begun`: where the chunk begins."""
    pieces = chunks.rest(chunk)
    first = next(pieces)
    text = decoded(chain((first,), pieces), encoding_of(first) if chunk is None else "utf-8")
    waiting: list[Found] = []
    for one in texts(text, Place(root=where), refused, begun):
        waiting.append(one)
        if len(waiting) == MANY:
            yield Batch(found=waiting)
            waiting = []
    yield Batch(found=waiting)


def refused(_bucket: str, _key: str) -> BinaryIO:
    """In place of what fetches log files from S3."""
    raise FetchError("log files in S3 are not read here", passing=False)


def _values(chunk: Chunk, begun: Begun) -> list[tuple[str, object]] | None:
    """The values of a chunk with the steps to them; None for lines that are to be read otherwise. Raises where it is no JSON."""
    text = chunk.body.decode("utf-8", "replace")
    if chunk.listed:
        return [(f"{RECORDS}[{begun.number + index}]", value) for index, value in enumerate(READER.decode(text))]
    lines = [(number, line) for number, line in enumerate(text.split("\n"), begun.line) if line.strip(" \t\r")]
    if not all(line.lstrip(" \t\r").startswith("{") and not starts_a_log(line.lstrip(" \t\r")) for _, line in lines):
        return None
    sole = len(lines) == 1 and chunk.last and begun == START
    return [("" if sole else f" line {number}", READER.decode(line)) for number, line in lines]


def is_clean(batch: Batch) -> bool:
    """Whether nothing of a batch has to say where it stood: whoever read it need not know where it began."""
    return not any(isinstance(one, DecodeError) for one in batch.found)
