"""Work in the background: done on a thread at intervals, its result taken when it is there."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class Background(Generic[Result]):
    """Does `work` at most every so many seconds. Exceptions are lost: it has to return what went wrong."""

    def __init__(self, every: float, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._elapsed = elapsed
        self._started = elapsed()
        self._thread: threading.Thread | None = None
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()

    def start(self, work: Callable[[], Result], *, at_once: bool = False) -> None:
        """Start the work if it is due, or `at_once`, and not running."""
        due = at_once or self._elapsed() - self._started >= self._every
        if not due or (self._thread is not None and self._thread.is_alive()):
            return
        self._started = self._elapsed()
        self._thread = threading.Thread(target=lambda: self._results.put(work()), daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until the work that runs has ended, at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def taken(self) -> list[Result]:
        """The results of work that has ended since, each once."""
        return [self._results.get() for _ in range(self._results.qsize())]
