"""Functions that run at the same time on a clock of their own: hours pass in seconds, and a seed gives the same run again.

Each runs in a thread, of which one moves at a time, until it waits; then the clock goes on to whoever is due first.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STACK_BYTES = 512 * 1024


class KilledError(BaseException):
    """The process of this thread is dead. No `except Exception` may catch it."""


class Process:
    """What dies together, at `ends` at the latest.

    A dead one's threads end where they wait next; nothing that they do counts any more.
    """

    def __init__(self, ends: float = math.inf) -> None:
        self.dead = False
        self.ends = ends


class _Task:
    def __init__(self, function: Callable[[], Any], process: Process) -> None:
        self.function, self.process = function, process
        self.gate = threading.Lock()
        self.gate.acquire()
        self.waiting: list[_Task] = []
        self.started = self.joined = self.done = False
        self.error: BaseException | None = None


class SimulatedTime:
    """The clock, in seconds from 0, and who runs by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, _Task]] = []
        self._order = itertools.count()
        self._over = threading.Event()
        self._current: _Task | None = None
        self._error: BaseException | None = None

    @property
    def process(self) -> Process:
        """That of the function which runs now."""
        return self._running().process

    def start(self, function: Callable[[], Any], process: Process | None = None, at: float = 0.0) -> _Task:
        """Let a function run from a moment on."""
        task = _Task(function, process or Process())
        self._push(max(at, self.now), task)
        return task

    def sleep(self, seconds: float) -> None:
        """Wait. Raises `KilledError` where the process is dead by then."""
        task, until = self._running(), self.now + max(0.0, seconds)
        if self._due and self._due[0][0] <= until:
            self._push(until, task)
            self._wait(task)
        else:
            self.now = until
            self.alive()

    def alive(self) -> None:
        """Raises `KilledError` where the process is dead."""
        process = self.process
        process.dead = process.dead or self.now > process.ends
        if process.dead:
            raise KilledError

    def join(self, tasks: Sequence[_Task]) -> None:
        """Wait until all have ended. Raises the first error of any of them."""
        current = self._running()
        for task in tasks:
            task.joined = True
        for task in tasks:
            while not task.done:
                task.waiting.append(current)
                self._wait(current)
        for task in tasks:
            if task.error is not None:
                raise task.error

    def side_by_side(self, functions: Sequence[Callable[[], None]]) -> None:
        """`Ports.side_by_side` on this clock."""
        self.join([self.start(function, self.process) for function in functions])

    def run(self) -> None:
        """Go on until nobody waits. Raises the error of a function that nobody joined."""
        self._next()
        self._over.wait()
        if self._error is not None:
            raise self._error

    def _running(self) -> _Task:
        assert self._current is not None
        return self._current

    def _push(self, at: float, task: _Task) -> None:
        heapq.heappush(self._due, (at, next(self._order), task))

    def _next(self) -> None:
        """Let whoever is due first go on, in its own thread."""
        if not self._due or self._error is not None:
            self._over.set()
            return
        self.now, _, self._current = heapq.heappop(self._due)
        if self._current.started:
            self._current.gate.release()
        else:
            self._current.started = True
            threading.Thread(target=self._run, args=(self._current,), daemon=True).start()

    def _wait(self, task: _Task) -> None:
        self._next()
        task.gate.acquire()
        self.alive()

    def _run(self, task: _Task) -> None:
        try:
            self.alive()
            task.function()
        except BaseException as error:  # noqa: BLE001  raised again where somebody waits for it
            task.error = error
            if not task.joined and not isinstance(error, KilledError):
                self._error = error
        task.done = True
        for waiting in task.waiting:
            self._push(self.now, waiting)
        self._next()
