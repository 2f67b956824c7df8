"""The entry of bulk reading: the decisions about all events in some sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.bulk.fields import needed, seldom_needed
from engine.bulk.lines import DecisionLines
from engine.bulk.memory import tuned_allocator
from engine.bulk.reading import Answer, Reading, read
from engine.bulk.row_decider import RowDecider
from engine.bulk.typed import Typed, record_of
from engine.bulk.workers import cores
from engine.model import DecodeError, Event, Selects
from engine.pipeline.decide import program_of
from engine.pipeline.select import S3, is_named, is_s3_data

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from datetime import datetime

    from engine.bulk.batches import Batch
    from engine.bulk.sources import InputSource
    from engine.model import PolicySet, Record, Selection


def decide_sources(
    sources: Sequence[InputSource], policies: PolicySet, now: datetime, jobs: int | None = None
) -> Generator[Answer, None, None]:
    """The decisions about all selected events of some sources, in order, in pieces of about half a megabyte of input.

    `now` (aware) is the time of events that have none. At most `jobs` processes read (None: one per core). Input that cannot be
    read is reported among an answer's `errors`.
    """
    decider = BatchDecider(policies, now)
    with tuned_allocator():
        yield from read(Reading(sources, decider.typed, decider.answer), jobs or cores())


class BatchDecider:
    """Decides batches of records; `typed` decodes the fields of them that this needs."""

    def __init__(self, policies: PolicySet, now: datetime) -> None:
        only = S3 if policies.selection.select is Selects.S3_DATA else None
        self.typed = Typed(needed(policies), only, seldom_needed(policies))
        program = program_of(policies)
        self._selection = policies.selection
        self._verdict = program.verdict
        self._now = now
        self._lines = DecisionLines()
        layout = self.typed.layout
        self._rows = None if layout is None else RowDecider(program, layout, record_of, self._lines.tail)

    def answer(self, batch: Batch) -> Answer:
        """The decisions of a batch, a line each, and its errors. Raises `RowError` for rows that lack a needed field."""
        if batch.rows and self._rows is not None:
            output = self._lines.of(*self._rows.decided(batch.rows, self._now))
        else:
            records = batch.records or [item.record for item in batch.found if isinstance(item, Event)]
            chosen = selected(records, self._selection)
            output = self._lines.of(
                [record.get("eventID") for record in chosen],
                [self._lines.tail(self._verdict(record, self._now)) for record in chosen],
            )
        return Answer(
            output,
            tuple(f"{error.where}: {error.reason}" for error in batch.found if isinstance(error, DecodeError)),
            len(batch.rows) + len(batch.records) + len(batch.found),
            batch.values,
            batch.line_ends,
            batch.size,
        )


def selected(records: Iterable[Record], selection: Selection) -> list[Record]:
    """Those of many records that are selected, in order."""
    found = list(records)
    if selection.select is Selects.S3_DATA:
        # An event of today's says both; the rest is asked one by one.
        found = [
            record
            for record in found
            if record.get("eventSource") == S3 and (record.get("eventCategory") == "Data" or is_s3_data(record))
        ]
    names = selection.names
    return found if names is None else [record for record in found if is_named(record.get("eventName"), names)]
