"""A file as batches of records: by the needed fields where that works, else with the reader that the Lambda uses.

Both find the same events and the same errors, at the same locations.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, TypeAlias

from engine.bulk.chunks import Chunks
from engine.bulk.rows import RowError
from engine.model import DecodeError, repr_only
from engine.pipeline.decode.envelopes import unwrap, unwrap_text
from engine.pipeline.decode.inflate import decoded as decoded_text
from engine.pipeline.decode.inflate import encoding_of, inflated
from engine.pipeline.decode.location import PayloadPath, no_fetch
from engine.pipeline.decode.record import READER
from engine.pipeline.decode.values import RECORDS, START, Position, starts_a_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.bulk.chunks import Chunk
    from engine.bulk.rows import Row
    from engine.bulk.typed import TypedReader
    from engine.model import Record
    from engine.pipeline.decode.location import Decoded

BATCH_SIZE: Final = 500
"""How many events and errors make a batch where a text is not read in chunks."""


@repr_only("values", "line_ends", "size")
class Batch(NamedTuple):
    """A stretch of a text, as one of these: `rows`, `records` by their needed fields, or what the Lambda's reader `decoded`.

    `values` is the number of JSON values in it, `line_ends` that of its lines' ends, `size` that of its bytes; all are 0
    where the text was not read in chunks.
    """

    rows: Sequence[Row] = ()
    records: Sequence[Record] = ()
    decoded: Sequence[Decoded] = ()
    values: int = 0
    line_ends: int = 0
    size: int = 0


@repr_only("records", "values", "line_ends", "size", "place", "last", "unread")
class BatchResult(NamedTuple):
    """The result of one batch: `output` for standard output, and `errors`, a line each.

    `records` is the number of records, values that are not for Trailbell, and errors; `values`, `line_ends` and `size` are the
    batch's. `place` is the number of the source and, where several workers read it, of the chunk. After the `last` one there is
    no more of that source. `unread`: a worker could not read the chunk.
    """

    output: bytes = b""
    errors: tuple[str, ...] = ()
    records: int = 0
    values: int = 0
    line_ends: int = 0
    size: int = 0
    place: tuple[int, int] = (0, 0)
    last: bool = True
    unread: bool = False


Decide: TypeAlias = Callable[[Batch], bytes]
"""Gives the output for a batch. For rows it may raise `RowError`: then more is read of the same records."""


def file_results(stream: BinaryIO, where: str, typed: TypedReader, decide: Decide) -> Iterator[BatchResult]:
    """The results of everything in a file called `where`, of any kind and size, as `decode_stream` reads it."""
    chunks = Chunks(inflated(stream))
    if chunks.start is None:
        yield from rest_results(chunks, where, decide)
        return
    position = chunks.start
    for chunk in chunks:
        result = chunk_result(chunk, position, where, typed, decide)
        if result is None:
            yield from rest_results(chunks, where, decide, chunk, position)
            return
        position = position.after(result.values, result.line_ends)
        yield result


def chunk_result(chunk: Chunk, position: Position, where: str, typed: TypedReader, decide: Decide) -> BatchResult | None:
    """The result of a chunk that begins at `position`; None where it is no whole number of values.

    A batch lives no longer than deciding it takes: the next one uses its memory again, still in the processor's cache.
    """
    for batch in _batches(chunk, position, where, typed):
        try:
            return batch_result(batch, decide)
        except RowError:
            typed.lacked_fields()
    return None


def batch_result(batch: Batch, decide: Decide) -> BatchResult:
    """The result of a batch. Raises `RowError` where its rows lack a field."""
    return BatchResult(
        decide(batch),
        tuple(f"{error.where}: {error.reason}" for error in batch.decoded if isinstance(error, DecodeError)),
        len(batch.rows) + len(batch.records) + len(batch.decoded),
        batch.values,
        batch.line_ends,
        batch.size,
    )


def _batches(chunk: Chunk, position: Position, where: str, typed: TypedReader) -> Iterator[Batch]:
    """A chunk as rows, by its needed fields, and value by value; each only where it can be read so."""
    rows = typed.rows(chunk) if chunk.sound else None
    if rows is not None:
        yield Batch(rows, (), (), len(rows), chunk.line_ends, len(chunk.body))
    records = typed.records(chunk) if chunk.sound else None
    if records is not None:
        yield Batch((), records, (), len(records), chunk.line_ends, len(chunk.body))
    batch = untyped_batch(chunk, position, where)
    if batch is not None:
        yield batch


def untyped_batch(chunk: Chunk, position: Position, where: str) -> Batch | None:
    """Everything in a chunk that begins at `position`, value by value; None where it is no whole number of values."""
    try:
        values = _values(chunk, position) if chunk.sound else None
    except (ValueError, RecursionError):
        values = None
    if values is None:
        return None
    location = PayloadPath(root=where)
    everything = tuple(item for path, value in values for item in unwrap(value, location.at(path), no_fetch))
    return Batch((), (), everything, len(values), chunk.line_ends, len(chunk.body))


def rest_results(
    chunks: Chunks, where: str, decide: Decide, chunk: Chunk | None = None, position: Position = START
) -> Iterator[BatchResult]:
    """The results of a text, as the Lambda reads it, from a chunk on that begins at `position` (None: from the beginning)."""
    pieces = chunks.rest(chunk)
    first = next(pieces)
    text = decoded_text(chain((first,), pieces), encoding_of(first) if chunk is None else "utf-8")
    yield from decoded_results(unwrap_text(text, PayloadPath(root=where), no_fetch, position), decide)


def decoded_results(decoded: Iterator[Decoded], decide: Decide) -> Iterator[BatchResult]:
    """The results of what was decoded otherwise than in chunks, `BATCH_SIZE` at a time."""
    waiting: list[Decoded] = []
    for item in decoded:
        waiting.append(item)
        if len(waiting) == BATCH_SIZE:
            yield batch_result(Batch(decoded=waiting), decide)
            waiting = []
    yield batch_result(Batch(decoded=waiting), decide)


def _values(chunk: Chunk, position: Position) -> list[tuple[str, object]] | None:
    """The values of a chunk with their paths; None for lines that have to be read otherwise. Raises where it is not JSON."""
    text = chunk.body.decode("utf-8", "replace")
    if chunk.listed:
        return [(f"{RECORDS}[{position.number + index}]", value) for index, value in enumerate(READER.decode(text))]
    lines = [(number, line) for number, line in enumerate(text.split("\n"), position.line) if line.strip(" \t\r")]
    if not all(line.lstrip(" \t\r").startswith("{") and not starts_a_log(line.lstrip(" \t\r")) for _, line in lines):
        return None
    only = len(lines) == 1 and chunk.last and position == START
    return [("" if only else f" line {number}", READER.decode(line)) for number, line in lines]
