"""How far a long job has got: one line on standard error, where that is a terminal and the results go elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.bulk.reading import Answer
    from engine.bulk.sources import InputSource

INTERVAL = 0.25
"""Seconds between two lines."""

_CLEAR = "\r\x1b[K"


@contextmanager
def progress(sources: Sequence[InputSource]) -> Iterator[Callable[[Answer], None]]:
    """A function that is told each answer and shows how far that is; the line is gone at the end."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    line = _Line(len(sources))
    try:
        yield line.told
    finally:
        click.echo(_CLEAR, nl=False, err=True)


class _Line:
    """Counts what was read, and shows it a few times a second."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._records = 0
        self._bytes = 0
        self._started = self._shown = time.monotonic()

    def told(self, answer: Answer) -> None:
        self._records += answer.records
        self._bytes += answer.size
        now = time.monotonic()
        if answer.errors:
            click.echo(_CLEAR, nl=False, err=True)
        elif now - self._shown >= INTERVAL:
            self._shown = now
            rate = self._bytes / 1e6 / (now - self._started)
            files = f"file {answer.place[0] + 1:,} of {self._files:,}, " if self._files > 1 else ""
            click.echo(f"{_CLEAR}{files}{self._records:,} records, {rate:,.0f} MB/s", nl=False, err=True)
