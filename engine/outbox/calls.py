"""Calls to the table: a busy table is retried, one that does not answer is not called for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from engine.outbox.store import TableAwayError, TableBusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.outbox.store import Item, ItemStore, Write, Written

_Result = TypeVar("_Result")

BUSY_TRIES: Final = 8
"""How often a call to a busy table is tried."""

FIRST_PAUSE_SECONDS: Final = 0.05
PAUSE_MAX_SECONDS: Final = 2.0
UNANSWERED_MAX: Final = 2
"""Calls in a row without an answer after which the table counts as away."""

WASTED_MAX_SECONDS: Final = 8.0
"""Of one invocation, spent on calls that came to nothing: after that the table counts as away."""

AWAY_SECONDS: Final = 10.0
"""For how long a table that does not answer is not called."""


class Calls:
    """A table with its patience. Every method raises `TableAwayError`.

    `elapsed` is a monotonic clock in seconds, `sleep` waits on it, `jitter` gives 0 to 1.
    """

    def __init__(
        self, store: ItemStore, elapsed: Callable[[], float], sleep: Callable[[float], None], jitter: Callable[[], float]
    ) -> None:
        self.store = store
        self._elapsed = elapsed
        self._sleep = sleep
        self._jitter = jitter
        self._unanswered = 0
        self._away_until = -1.0
        self._wasted = 0.0

    def renew(self) -> None:
        """Another invocation begins."""
        self._wasted = 0.0

    @property
    def away(self) -> bool:
        """Whether calls to the table are paused."""
        return self._elapsed() < self._away_until

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """The items as they stand now, without those that do not exist."""
        return self._call(lambda store: store.read(ids))

    def write(self, write: Write) -> Written:
        """Apply one write, if its condition holds."""
        return self._call(lambda store: store.write(write))

    def write_all(self, writes: Sequence[Write], token: str) -> list[Item | None]:
        """Apply all writes or none. Raises `TableBusyError` where it met conflicts all the time."""
        return self._call(lambda store: store.write_all(writes, token), transaction=True)

    def owed(self, partition: str, until: int, limit: int) -> list[str]:
        """The ids of items of a partition that are due."""
        return self._call(lambda store: store.owed(partition, until, limit))

    def _call(self, how: Callable[[ItemStore], _Result], *, transaction: bool = False) -> _Result:
        """The table's answer. Raises `TableAwayError`; for a `transaction` that met conflicts all the time, `TableBusyError`.

        A call without an answer is made once more: every write here is either conditional or may be applied twice.
        """
        busy = 0
        while not self.away:
            began = self._elapsed()
            try:
                result = how(self.store)
            except TableBusyError:
                busy += 1
                if busy == BUSY_TRIES:
                    if transaction:
                        raise
                    break
                self._sleep(min(PAUSE_MAX_SECONDS, FIRST_PAUSE_SECONDS * 2**busy) * self._jitter())
                self._waste(began)
            except TableAwayError:
                self._unanswered += 1
                self._waste(began)
                if self._unanswered >= UNANSWERED_MAX:
                    self._leave_alone()
            else:
                self._unanswered = 0
                return result
        raise TableAwayError("the table of deliveries gives no answer")

    def _waste(self, began: float) -> None:
        self._wasted += self._elapsed() - began
        if self._wasted > WASTED_MAX_SECONDS:
            self._leave_alone()

    def _leave_alone(self) -> None:
        self._away_until, self._unanswered = self._elapsed() + AWAY_SECONDS, 0
