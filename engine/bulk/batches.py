"""A file's records in batches, where only decisions are wanted: by their needed fields as far as that goes, else the plain way.

Both ways find the same events and the same errors, at the same places.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final, Generic, NamedTuple, TypeVar

from engine.bulk.chunks import Chunks
from engine.bulk.rows import RowError
from engine.model import DecodeError, repr_only
from engine.pipeline.decode.carriers import opened, texts
from engine.pipeline.decode.inflate import decoded, encoding_of, inflated
from engine.pipeline.decode.place import Place, no_fetch
from engine.pipeline.decode.record import READER
from engine.pipeline.decode.scan import RECORDS, START, Begun, starts_a_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.bulk.chunks import Chunk
    from engine.bulk.rows import Row
    from engine.bulk.typed import Typed
    from engine.model import Record
    from engine.pipeline.decode.place import Found

Said = TypeVar("Said")

MANY: Final = 500
"""How many things that were found the plain way make a batch."""


@repr_only("values", "line_ends", "size")
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


class Answered(NamedTuple, Generic[Said]):
    """What was said to a batch, whether the batch holds no error, and its `values` and `line_ends`."""

    said: Said
    clean: bool
    values: int
    line_ends: int


def answers(stream: BinaryIO, where: str, typed: Typed, answer: Callable[[Batch], Said]) -> Iterator[Said]:
    """What is answered to everything in a file called `where`, of any kind and size, as `decode_stream` finds it.

    To rows the answer may be a `RowError`: then more is read of the same.
    """
    chunks = Chunks(inflated(stream))
    if chunks.begun is None:
        yield from map(answer, plainly(chunks, where))
        return
    begun = chunks.begun
    for chunk in chunks:
        one = answered(chunk, begun, where, typed, answer)
        if one is None:
            yield from map(answer, plainly(chunks, where, chunk, begun))
            return
        begun = begun.after(one.values, one.line_ends)
        yield one.said


def answered(chunk: Chunk, begun: Begun, where: str, typed: Typed, answer: Callable[[Batch], Said]) -> Answered[Said] | None:
    """What is answered to a chunk; None where it is no whole number of values. `begun`: where it begins.

    A batch lives no longer than its answer takes: its memory is the next one's, and still in the processor's cache.
    """
    for batch in _batches(chunk, begun, where, typed):
        try:
            said = answer(batch)
        except RowError:
            typed.said_too_little()
        else:
            clean = not any(isinstance(one, DecodeError) for one in batch.found)
            return Answered(said, clean, batch.values, batch.line_ends)
    return None


def _batches(chunk: Chunk, begun: Begun, where: str, typed: Typed) -> Iterator[Batch]:
    """A chunk as rows, by its needed fields, the plain way; as far as each of these goes."""
    rows = typed.rows(chunk) if chunk.sound else None
    if rows is not None:
        yield Batch(rows, (), (), len(rows), chunk.line_ends, len(chunk.body))
    records = typed.records(chunk) if chunk.sound else None
    if records is not None:
        yield Batch((), records, (), len(records), chunk.line_ends, len(chunk.body))
    batch = plain_batch(chunk, begun, where)
    if batch is not None:
        yield batch


def plain_batch(chunk: Chunk, begun: Begun, where: str) -> Batch | None:
    """Everything in a chunk, each value for itself; None where it is no whole number of values. `begun`: where it begins."""
    try:
        steps = _values(chunk, begun) if chunk.sound else None
    except (ValueError, RecursionError):
        steps = None
    if steps is None:
        return None
    place = Place(root=where)
    found = tuple(one for step, value in steps for one in opened(value, place.at(step), no_fetch))
    return Batch((), (), found, len(steps), chunk.line_ends, len(chunk.body))


def plainly(chunks: Chunks, where: str, chunk: Chunk | None = None, begun: Begun = START) -> Iterator[Batch]:
    """Everything from a chunk on (None: from the beginning), the plain way. `begun`: where the chunk begins."""
    pieces = chunks.rest(chunk)
    first = next(pieces)
    text = decoded(chain((first,), pieces), encoding_of(first) if chunk is None else "utf-8")
    waiting: list[Found] = []
    for one in texts(text, Place(root=where), no_fetch, begun):
        waiting.append(one)
        if len(waiting) == MANY:
            yield Batch(found=waiting)
            waiting = []
    yield Batch(found=waiting)


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
