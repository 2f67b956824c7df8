"""Files read on all cores, with the results in the order of what was read.

Every worker (a copy of this process) goes through all files from the first to the last and reads its share of them: every n-th
small file, and every n-th chunk of a large one, for which it inflates the other chunks too. So nothing but results passes between
processes. A chunk that cannot be read without knowing what came before it is read by this process when its turn comes.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count, cycle
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.bulk.batches import (
    Batch,
    BatchResult,
    batch_result,
    chunk_result,
    decoded_results,
    file_results,
    rest_results,
    untyped_batch,
)
from engine.bulk.chunks import Chunks
from engine.bulk.exports import decode_file, is_export
from engine.bulk.sources import open_source
from engine.bulk.workers import WorkerPool
from engine.errors import InputError
from engine.model import DecodeError
from engine.pipeline.decode import MAX_ERRORS, further_errors
from engine.pipeline.decode.inflate import inflated
from engine.pipeline.decode.values import START

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.bulk.batches import Decide
    from engine.bulk.chunks import Chunk
    from engine.bulk.sources import InputSource
    from engine.bulk.typed import TypedReader
    from engine.pipeline.decode.values import Position

FEW: Final = 24 << 20
"""The most inflated bytes that one process reads alone: starting others would take longer."""

LARGE: Final = 16 << 20
"""The most inflated bytes of a file that one worker reads alone; larger ones are shared among all."""

GZIP_RATIO: Final = 8
"""How many times its size a gzipped log file inflates to, about."""


class Job(NamedTuple):
    """What is read, by which fields, and what decides the batches."""

    sources: Sequence[InputSource]
    typed: TypedReader
    decide: Decide


def read(job: Job, processes: int) -> Iterator[BatchResult]:
    """The results of all sources, in order, from at most so many processes, with at most `MAX_ERRORS` errors for each source."""
    return _few_errors(_read(job, processes), job.sources)


def _read(job: Job, processes: int) -> Iterator[BatchResult]:
    sizes = [_shared_size(source) for source in job.sources]
    if processes > 1 and sum(sizes) > FEW:
        with WorkerPool[BatchResult](processes, lambda number: _Share(job, sizes, processes, number).results()) as pool:
            yield from _in_turns(job, sizes, processes, pool)
    else:
        for number, source in enumerate(job.sources):
            yield from _source_results(job, number, source)


def _few_errors(results: Iterable[BatchResult], sources: Sequence[InputSource]) -> Iterator[BatchResult]:
    """The same with at most `MAX_ERRORS` errors of a source, and one for all further ones."""
    current = errors = 0
    for result in results:
        if result.place[0] != current:
            yield from _further(errors, current, sources)
            current, errors = result.place[0], 0
        shown = result.errors[: max(0, MAX_ERRORS - errors)]
        errors += len(result.errors)
        yield result._replace(errors=shown)
    yield from _further(errors, current, sources)


def _further(errors: int, number: int, sources: Sequence[InputSource]) -> Iterator[BatchResult]:
    """The result that says how many errors of a source were not shown, if any."""
    if errors > MAX_ERRORS:
        yield BatchResult(errors=(f"{sources[number].where}: {further_errors(errors - MAX_ERRORS)}",), place=(number, 0))


def _shared_size(source: InputSource) -> int:
    """About how many inflated bytes a source has. An export is read by one worker alone, so it never counts as large."""
    size = inflated_size(source)
    if size <= LARGE:
        return size
    opened = open_source(source)
    if isinstance(opened, DecodeError):
        return size
    with opened as stream:
        return LARGE if is_export(stream) else size


def inflated_size(source: InputSource) -> int:
    """About how many inflated bytes a source has; 0 where its size is not known."""
    return (source.size or 0) * (GZIP_RATIO if source.where.endswith(".gz") else 1)


def _source_results(job: Job, number: int, source: InputSource) -> Iterator[BatchResult]:
    """The results of one source, read by this process."""
    opened = open_source(source)
    if isinstance(opened, DecodeError):
        yield batch_result(Batch(decoded=(opened,)), job.decide)._replace(place=(number, 0))
        return
    with opened as stream:
        exported = is_export(stream)
        results = (
            decoded_results(decode_file(stream, source.where), job.decide)
            if exported
            else file_results(stream, source.where, job.typed, job.decide)
        )
        for result in results:
            yield result._replace(place=(number, 0))


# --- in a worker ------------------------------------------------------------------------------------------------------------


class _Share:
    """One worker's share: every n-th of all units, which are small files and the chunks of large ones."""

    def __init__(self, job: Job, sizes: Sequence[int], workers: int, worker: int) -> None:
        self._job = job
        self._sizes = sizes
        self._workers = workers
        self._worker = worker
        self._unit = 0

    def results(self) -> Iterator[BatchResult]:
        for number, source in enumerate(self._job.sources):
            if source.size is None:
                continue
            if self._sizes[number] > LARGE:
                yield from self._large(number, source)
            elif self._is_ours():
                yield from _marked(_source_results(self._job, number, source), number)

    def _is_ours(self) -> bool:
        """Whether the next unit is this worker's."""
        self._unit += 1
        return (self._unit - 1) % self._workers == self._worker

    def _large(self, number: int, source: InputSource) -> Iterator[BatchResult]:
        opened = open_source(source)
        if isinstance(opened, DecodeError):
            if self._is_ours():
                yield BatchResult(place=(number, 0), unread=True)
            return
        with opened as stream:
            chunks = Chunks(inflated(stream))
            if chunks.start is None and self._is_ours():
                yield BatchResult(place=(number, 0), unread=True)
            for place, chunk in enumerate(chunks):
                if self._is_ours():
                    result = self._chunk_result(chunk, chunks.start or START, source)
                    yield result._replace(place=(number, place), last=chunk.last)

    def _chunk_result(self, chunk: Chunk, start: Position, source: InputSource) -> BatchResult:
        """The result of a chunk, if it does not depend on what came before the chunk: locations of errors do."""
        result = chunk_result(chunk, start, source.where, self._job.typed, self._job.decide)
        return BatchResult(unread=True) if result is None or result.errors else result


def _marked(results: Iterator[BatchResult], number: int) -> Iterator[BatchResult]:
    """The results of a source, at least one, the last of them marked as such."""
    waiting = next(results, BatchResult(place=(number, 0)))
    for result in results:
        yield waiting._replace(last=False)
        waiting = result
    yield waiting._replace(last=True)


# --- in this process --------------------------------------------------------------------------------------------------------


def _in_turns(job: Job, sizes: Sequence[int], processes: int, pool: WorkerPool[BatchResult]) -> Iterator[BatchResult]:
    """The results of all workers in the order of what was read, and those of what this process has to read."""
    turns = cycle(range(processes))
    for number, source in enumerate(job.sources):
        if source.size is None:
            yield from _source_results(job, number, source)
        elif sizes[number] > LARGE:
            yield from _large_results(job, number, source, map(pool.take, turns))
        else:
            yield from _small_results(pool, next(turns), (number, 0), source)


def _small_results(
    pool: WorkerPool[BatchResult], worker: int, place: tuple[int, int], source: InputSource
) -> Iterator[BatchResult]:
    """The results of a source that one worker reads."""
    last = False
    while not last:
        result = _expected(pool.take(worker), place, source)
        last = result.last
        yield result


def _expected(result: BatchResult, place: tuple[int, int], source: InputSource) -> BatchResult:
    if result.place != place:
        raise _changed(source)
    return result


def _changed(source: InputSource) -> InputError:
    return InputError(f"{source.where}: changed while it was read; --jobs 1 reads it once")


def _large_results(job: Job, number: int, source: InputSource, turns: Iterator[BatchResult]) -> Iterator[BatchResult]:
    """The results of a large source; chunks that no worker could read are read here."""
    values = line_ends = 0
    taken_over = False
    with ExitStack() as opened:
        reader: _ChunkReader | None = None
        for place in count():
            sent = _expected(next(turns), (number, place), source)
            result: BatchResult | None = sent
            if sent.unread and not taken_over:
                reader = reader or _ChunkReader(job, source, opened)
                result = reader.result(place, values, line_ends)
                taken_over = result is None
                yield from (rest._replace(place=(number, place)) for rest in (reader.rest() if taken_over else ()))
            if result is not None and not taken_over:
                values, line_ends = values + result.values, line_ends + result.line_ends
                yield result._replace(place=(number, place))
            if sent.last:
                return


class _ChunkReader:
    """Reads chunks of a large source in this process, or everything from one chunk on."""

    def __init__(self, job: Job, source: InputSource, stack: ExitStack) -> None:
        self._job = job
        self._source = source
        opened = open_source(source)
        self._error = opened if isinstance(opened, DecodeError) else None
        self._chunks = None if isinstance(opened, DecodeError) else Chunks(inflated(stack.enter_context(opened)))
        self._numbered = enumerate(self._chunks or ())
        self._chunk: Chunk | None = None
        self._position = START

    def result(self, place: int, values: int, line_ends: int) -> BatchResult | None:
        """The result of a chunk, or None where it is no whole number of values. So many values and lines come before it."""
        if self._chunks is None or self._chunks.start is None:
            return None
        self._position = self._chunks.start.after(values, line_ends)
        self._chunk = next((chunk for number, chunk in self._numbered if number == place), None)
        if self._chunk is None:
            raise _changed(self._source)
        batch = untyped_batch(self._chunk, self._position, self._source.where)
        return None if batch is None else batch_result(batch, self._job.decide)

    def rest(self) -> Iterator[BatchResult]:
        """The results from that chunk on."""
        if self._error is not None:
            yield batch_result(Batch(decoded=(self._error,)), self._job.decide)
        if self._chunks is not None:
            yield from rest_results(self._chunks, self._source.where, self._job.decide, self._chunk, self._position)
