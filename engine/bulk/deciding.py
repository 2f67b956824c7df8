"""The entry of bulk reading: the decisions about all events in some sources."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from engine.bulk.fields import needed, seldom_needed
from engine.bulk.lines import DecisionLines
from engine.bulk.memory import tuned_allocator
from engine.bulk.reading import Job, read
from engine.bulk.row_decider import RowDecider
from engine.bulk.rows import attribute_of
from engine.bulk.typed import TypedReader, record_of
from engine.bulk.workers import cores
from engine.model import Event, Selects
from engine.pipeline.decide import decider_of
from engine.pipeline.select import S3_SOURCES, is_named, is_s3_data

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from datetime import datetime

    from engine.bulk.batches import Batch, BatchResult
    from engine.bulk.sources import InputSource
    from engine.model import PolicySet, Record, Selection


def decide_sources(
    sources: Sequence[InputSource], policies: PolicySet, now: datetime, jobs: int | None = None
) -> Generator[BatchResult, None, None]:
    """The decisions about all selected events of some sources, in order, in results for about half a megabyte of input each.

    `now` (aware) is the time of events that have none. At most `jobs` processes read (None: one per core). Input that cannot be
    read is reported among a result's `errors`.
    """
    decider = BatchDecider(policies, now)
    with tuned_allocator():
        yield from read(Job(sources, decider.typed, decider.decide), jobs or cores())


class BatchDecider:
    """Decides batches of records; `typed` decodes the fields of them that this needs."""

    def __init__(self, policies: PolicySet, now: datetime) -> None:
        only = S3_SOURCES if policies.selection.select is Selects.S3_DATA else None
        self.typed = TypedReader(needed(policies), only, seldom_needed(policies))
        program = decider_of(policies)
        self._selection = policies.selection
        self._verdict = program.verdict
        self._now = now
        self._lines = DecisionLines()
        layout = self.typed.layout
        self._event_ids = None if layout is None else attrgetter(attribute_of(layout, "eventID"))
        self._rows = None if layout is None else RowDecider(program, layout, record_of, self._lines.tail, now)

    def decide(self, batch: Batch) -> bytes:
        """The decisions of a batch, a JSON line each. Raises `RowError` for rows that lack a needed field."""
        if batch.rows and self._rows is not None and self._event_ids is not None:
            rows = self._rows.selected(batch.rows)
            return self._lines.of(list(map(self._event_ids, rows)), self._rows.decided(rows))
        records = batch.records or [item.record for item in batch.decoded if isinstance(item, Event)]
        chosen = selected(records, self._selection)
        return self._lines.of(
            [record.get("eventID") for record in chosen],
            [self._lines.tail(self._verdict(record, self._now)) for record in chosen],
        )


def selected(records: Iterable[Record], selection: Selection) -> list[Record]:
    """The selected ones of many records, in order."""
    chosen = list(records)
    if selection.select is Selects.S3_DATA:
        # Today's events have both fields; the others need a closer look.
        chosen = [
            record
            for record in chosen
            if record.get("eventSource") in S3_SOURCES and (record.get("eventCategory") == "Data" or is_s3_data(record))
        ]
    names = selection.names
    return chosen if names is None else [record for record in chosen if is_named(record.get("eventName"), names)]
