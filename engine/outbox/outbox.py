"""The outbox as one invocation uses it."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from engine.outbox.enter import Entered, Entries
from engine.outbox.operations import Rows
from engine.outbox.pace import BURST, INTERVAL_MS, Pace
from engine.outbox.store import TableAwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.outbox.calls import Calls
    from engine.outbox.rows import OutboxEntry

FOLD_FROM: Final = 10
"""More rows than this are folded into one message; this many urgent ones still get a message each."""


class Outbox:
    """A table's rows and rates. `by` names the invocation; `now` is the clock in milliseconds since 1970.

    Where the table is not shared, each of `workers` keeps its part of a webhook's rate, without bursts.
    """

    def __init__(self, calls: Calls, now: Callable[[], int], by: str, workers: int = 1) -> None:
        shared = calls.store.durable
        self.calls = calls
        self.now = now
        self.by = by
        self.rows = Rows(calls)
        self.interval_ms = INTERVAL_MS if shared else INTERVAL_MS * workers
        self.pace = Pace(calls, BURST if shared or workers == 1 else 1, self.interval_ms)
        self.fold_from = FOLD_FROM
        self._tokens = itertools.count(1)

    def used_by(self, by: str) -> Self:
        """The same for another invocation of this process."""
        self.calls.renew()
        other = object.__new__(type(self))  # as copy.copy does, which takes a start a millisecond to import
        vars(other).update(vars(self), by=by)
        return other

    @property
    def durable(self) -> bool:
        """Whether what is entered outlives the invocation."""
        return self.calls.store.durable

    def enter(self, entries: Sequence[OutboxEntry]) -> list[Entered]:
        """Count events in their rows; what became of each, in this order. Raises nothing."""
        self._remember_channels(entries)
        return Entries(self.calls, self.now, self.by, self.token).enter(entries)

    def _remember_channels(self, entries: Sequence[OutboxEntry]) -> None:
        """Note the channels first: rows of one that leaves the policy set are found by it."""
        if self.durable:
            with suppress(TableAwayError):
                self.rows.remember_channels(entry.channel for entry in entries)

    def token(self) -> str:
        """A name that no other sending of a row, and no other transaction, has: at most 32 characters."""
        return f"{self.by[-24:]}.{next(self._tokens)}"
