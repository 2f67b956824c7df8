"""A progress line on standard error, shown if that is a terminal and the results go elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.bulk.batches import BatchResult
    from engine.bulk.sources import InputSource

INTERVAL_SECONDS = 0.25

_CLEAR = "\r\x1b[K"


@contextmanager
def progress(sources: Sequence[InputSource]) -> Iterator[Callable[[BatchResult], None]]:
    """Yield a function that takes each result and updates the progress line, which is removed at the end."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    line = _ProgressLine(len(sources))
    try:
        yield line.advance
    finally:
        click.echo(_CLEAR, nl=False, err=True)


class _ProgressLine:
    """Counts records and bytes, and shows them a few times a second."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._records = 0
        self._bytes = 0
        self._started = self._shown = time.monotonic()

    def advance(self, result: BatchResult) -> None:
        self._records += result.records
        self._bytes += result.size
        now = time.monotonic()
        if result.errors:
            click.echo(_CLEAR, nl=False, err=True)
        elif now - self._shown >= INTERVAL_SECONDS:
            self._shown = now
            rate = self._bytes / 1e6 / (now - self._started)
            files = f"file {result.place[0] + 1:,} of {self._files:,}, " if self._files > 1 else ""
            click.echo(f"{_CLEAR}{files}{self._records:,} records, {rate:,.0f} MB/s", nl=False, err=True)
