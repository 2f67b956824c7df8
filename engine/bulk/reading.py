"""Files read on all cores, their answers in order.

Every lane (a copy of this process) goes through all files from the first to the last, and reads its share of them: every
so many-th small file, and of a large one every so many-th chunk, for which it inflates the others too. So nothing but answers
passes between processes. What a lane cannot read without knowing what came before, this process reads when its turn comes.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count, cycle
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from engine.bulk.batches import Batch, answered, answers, plain_batch, plainly
from engine.bulk.chunks import Chunks
from engine.bulk.sources import opened as open_source
from engine.bulk.workers import WorkerPool
from engine.errors import InputError
from engine.model import DecodeError, repr_only
from engine.pipeline.decode.inflate import inflated
from engine.pipeline.decode.scan import START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.bulk.chunks import Chunk
    from engine.bulk.sources import InputSource
    from engine.bulk.typed import Typed
    from engine.pipeline.decode.scan import Begun

    Answering: TypeAlias = "Callable[[Batch], Answer]"

FEW = 24 << 20
"""How many bytes, inflated, are read without lanes: starting these would take longer."""

LARGE = 16 << 20
"""How many bytes, inflated, make a file that is read by all lanes."""

GZIP_RATIO = 8
"""How many times its size a gzipped log file is, about."""


@repr_only("records", "values", "line_ends", "size", "place", "last", "unread")
class Answer(NamedTuple):
    """What was found in a stretch of a source: `output` for standard output, and `errors`, a line each.

    `records` is how many there were; `values`, `line_ends` and `size` as in `Batch`. `place` is the number of the source and,
    where several lanes read it, of the chunk. After the `last` there is no more of that source. `unread`: a lane could not read
    it.
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


class Reading(NamedTuple):
    """How sources are read: by which fields, and what is answered to each batch."""

    sources: Sequence[InputSource]
    typed: Typed
    answer: Answering


def read(reading: Reading, jobs: int) -> Iterator[Answer]:
    """The answers to all sources, in order, from at most so many processes."""
    sizes = [_inflated_size(source) for source in reading.sources]
    if jobs > 1 and sum(sizes) > FEW:
        with WorkerPool[Answer](jobs, lambda lane: _Lane(reading, sizes, jobs, lane).answers()) as lanes:
            yield from _in_turns(reading, sizes, jobs, lanes)
    else:
        for number, source in enumerate(reading.sources):
            yield from _whole(reading, number, source)


def _inflated_size(source: InputSource) -> int:
    return (source.size or 0) * (GZIP_RATIO if source.where.endswith(".gz") else 1)


def _whole(reading: Reading, number: int, source: InputSource) -> Iterator[Answer]:
    """The answers to one source, read here and at once."""
    opened = open_source(source)
    if isinstance(opened, DecodeError):
        yield reading.answer(Batch(found=(opened,)))._replace(place=(number, 0))
        return
    with opened as stream:
        for answer in answers(stream, source.where, reading.typed, reading.answer):
            yield answer._replace(place=(number, 0))


# --- in a lane --------------------------------------------------------------------------------------------------------------


class _Lane:
    """One lane's share: of all units (small files, and chunks of large ones) every so many-th."""

    def __init__(self, reading: Reading, sizes: Sequence[int], lanes: int, lane: int) -> None:
        self._reading = reading
        self._sizes = sizes
        self._lanes = lanes
        self._lane = lane
        self._unit = 0

    def answers(self) -> Iterator[Answer]:
        for number, source in enumerate(self._reading.sources):
            if source.size is None:
                continue
            if self._sizes[number] > LARGE:
                yield from self._share(number, source)
            elif self._is_ours():
                yield from _to_the_last(_whole(self._reading, number, source), number)

    def _is_ours(self) -> bool:
        """Whether the next unit is."""
        self._unit += 1
        return (self._unit - 1) % self._lanes == self._lane

    def _share(self, number: int, source: InputSource) -> Iterator[Answer]:
        opened = open_source(source)
        if isinstance(opened, DecodeError):
            if self._is_ours():
                yield Answer(place=(number, 0), unread=True)
            return
        with opened as stream:
            chunks = Chunks(inflated(stream))
            if chunks.begun is None and self._is_ours():
                yield Answer(place=(number, 0), unread=True)
            for place, chunk in enumerate(chunks):
                if self._is_ours():
                    answer = self._answer(chunk, chunks.begun or START, source)
                    yield answer._replace(place=(number, place), last=chunk.last)

    def _answer(self, chunk: Chunk, begun: Begun, source: InputSource) -> Answer:
        """An answer that needs not know what came before the chunk."""
        one = answered(chunk, begun, source.where, self._reading.typed, self._reading.answer)
        return one.said if one is not None and one.clean else Answer(unread=True)


def _to_the_last(answers: Iterator[Answer], number: int) -> Iterator[Answer]:
    """Answers to a source, one at least, the last of them marked as such."""
    waiting = next(answers, Answer(place=(number, 0)))
    for answer in answers:
        yield waiting._replace(last=False)
        waiting = answer
    yield waiting._replace(last=True)


# --- in turns ---------------------------------------------------------------------------------------------------------------


def _in_turns(reading: Reading, sizes: Sequence[int], jobs: int, lanes: WorkerPool[Answer]) -> Iterator[Answer]:
    """The answers of all lanes in the order of what was read, with those that are given here."""
    turns = cycle(range(jobs))
    for number, source in enumerate(reading.sources):
        if source.size is None:
            yield from _whole(reading, number, source)
        elif sizes[number] > LARGE:
            yield from _large(reading, number, source, map(lanes.take, turns))
        else:
            yield from _small(lanes, next(turns), (number, 0), source)


def _small(lanes: WorkerPool[Answer], lane: int, place: tuple[int, int], source: InputSource) -> Iterator[Answer]:
    """The answers to a source that one lane reads."""
    last = False
    while not last:
        answer = _expected(lanes.take(lane), place, source)
        last = answer.last
        yield answer


def _expected(answer: Answer, place: tuple[int, int], source: InputSource) -> Answer:
    if answer.place != place:
        raise _changed(source)
    return answer


def _changed(source: InputSource) -> InputError:
    return InputError(f"{source.where}: changed while it was read; --jobs 1 reads it once")


def _large(reading: Reading, number: int, source: InputSource, turns: Iterator[Answer]) -> Iterator[Answer]:
    """The answers to a large source; those that lanes could not give are given here."""
    values = line_ends = 0
    taken_over = False
    with ExitStack() as opened:
        here: _Here | None = None
        for place in count():
            sent = _expected(next(turns), (number, place), source)
            answer: Answer | None = sent
            if sent.unread and not taken_over:
                here = here or _Here(reading, source, opened)
                answer = here.answer(place, values, line_ends)
                taken_over = answer is None
                yield from (one._replace(place=(number, place)) for one in (here.rest() if taken_over else ()))
            if answer is not None and not taken_over:
                values, line_ends = values + answer.values, line_ends + answer.line_ends
                yield answer._replace(place=(number, place))
            if sent.last:
                return


class _Here:
    """A large source read in this process: chunks of it, or all from one chunk on."""

    def __init__(self, reading: Reading, source: InputSource, opened: ExitStack) -> None:
        self._reading = reading
        self._source = source
        found = open_source(source)
        self._error = found if isinstance(found, DecodeError) else None
        self._chunks = None if isinstance(found, DecodeError) else Chunks(inflated(opened.enter_context(found)))
        self._numbered = enumerate(self._chunks or ())
        self._chunk: Chunk | None = None
        self._begun = START

    def answer(self, place: int, values: int, line_ends: int) -> Answer | None:
        """The answer to a chunk, or None where it is no whole number of values. So many values and lines come before it."""
        if self._chunks is None or self._chunks.begun is None:
            return None
        self._begun = self._chunks.begun.after(values, line_ends)
        self._chunk = next((chunk for number, chunk in self._numbered if number == place), None)
        if self._chunk is None:
            raise _changed(self._source)
        batch = plain_batch(self._chunk, self._begun, self._source.where)
        return None if batch is None else self._reading.answer(batch)

    def rest(self) -> Iterator[Answer]:
        """The answers from that chunk on, read the plain way."""
        if self._error is not None:
            yield self._reading.answer(Batch(found=(self._error,)))
        if self._chunks is not None:
            yield from map(self._reading.answer, plainly(self._chunks, self._source.where, self._chunk, self._begun))
