"""`trailbell decide`: one decision per event, as JSON Lines."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine.cli.inputs import paths_argument, sources
from engine.cli.options import Moment, open_policies, policies_option, selection_of
from engine.cli.progress import progress
from engine.cli.reading import Answer, Reading, read
from engine.edge.lanes import cores
from engine.edge.memory import settled
from engine.model import DecodeError, Event, Selects
from engine.pipeline.audit import DecisionLines
from engine.pipeline.decide import needed, program_of, seldom_needed
from engine.pipeline.decide.by_rows import ByRows
from engine.pipeline.decode.typed import Typed, record_of
from engine.pipeline.select import S3, selected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.model import PolicySet
    from engine.pipeline.decode.batches import Batch


@click.command(short_help="Print one decision per event, as JSON Lines.")
@paths_argument
@policies_option
@click.option("--now", type=Moment(), default=None, help="The time that events without one are decided by (default: now).")
@click.option("--select", type=click.Choice([choice.value for choice in Selects]), help="Look at these, whatever `events` says.")
@click.option("--jobs", type=click.IntRange(1, 256), help="How many processes may read (default: one a core).")
def decide(inputs: Sequence[str], policies_path: Path, now: datetime | None, select: str | None, jobs: int | None) -> None:
    """Print one decision per event, as JSON Lines (schemas/v1/decision.schema.json).

    INPUT is any payload that a Lambda receives, a CloudTrail log file (.json.gz), JSON Lines, a folder of these, or - for
    standard input. What cannot be read is reported on standard error and makes the exit code 1; its neighbours are decided.
    Files of any size are read in bounded memory, large ones and many on all cores; the order is that of the records.
    """
    policies = open_policies(policies_path)
    policies = policies._replace(selection=selection_of(policies.selection, select))
    found, deciding = sources(inputs), Deciding(policies, now or datetime.now(UTC))
    unread = False
    with settled(), progress(found) as told:
        for answer in read(Reading(found, deciding.typed, deciding.answer), jobs or cores()):
            told(answer)
            unread = unread or bool(answer.errors)
            show(answer)
    if unread:
        raise click.exceptions.Exit(1)


class Deciding:
    """Decides batches of records; `typed` reads of them what is needed for that."""

    def __init__(self, policies: PolicySet, now: datetime) -> None:
        only = S3 if policies.selection.select is Selects.S3_DATA else None
        self.typed = Typed(needed(policies), only, seldom_needed(policies))
        program = program_of(policies)
        self._selection = policies.selection
        self._verdict = program.verdict
        self._now = now
        self._lines = DecisionLines()
        layout = self.typed.layout
        self._by_rows = None if layout is None else ByRows(program, layout, record_of, self._lines.tail)

    def answer(self, batch: Batch) -> Answer:
        """The decisions of a batch, a line each, and its errors. Raises `RowError` for rows that say too little."""
        if batch.rows and self._by_rows is not None:
            output = self._lines.of(*self._by_rows.decided(batch.rows, self._now))
        else:
            records = batch.records or [one.record for one in batch.found if isinstance(one, Event)]
            verdict, now = self._verdict, self._now
            chosen = selected(records, self._selection)
            output = self._lines.of(
                [one.get("eventID") for one in chosen], [self._lines.tail(verdict(one, now)) for one in chosen]
            )
        return Answer(
            output,
            tuple(f"{one.where}: {one.reason}" for one in batch.found if isinstance(one, DecodeError)),
            len(batch.rows) + len(batch.records) + len(batch.found),
            batch.values,
            batch.line_ends,
            batch.size,
        )


def show(answer: Answer) -> None:
    """Print an answer: decisions on standard output, errors on standard error."""
    sys.stdout.buffer.write(answer.output)
    sys.stdout.buffer.flush()
    for error in answer.errors:
        click.echo(error, err=True)
