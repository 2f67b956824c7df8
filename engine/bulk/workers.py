"""Work shared among processes that are copies of this one. Each does its part from beginning to end; results are taken in turns.

A worker waits while its results are not taken, so memory stays bounded. Workers end with this process, however it ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from engine.errors import TrailbellError, WorkerFaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from types import TracebackType

    _Work = Callable[[int], Iterable[Any]]

_Sent = TypeVar("_Sent")

PIPE: Final = 1 << 20
"""How many bytes a worker may be ahead of its reader, on systems where that can be set."""


class WorkerError(TrailbellError):
    """A worker ended before its work did: it was killed, or ran out of memory."""


def cores() -> int:
    """How many processes may run at once; 1 on systems that cannot copy a process."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Fault(NamedTuple):
    """A `WorkerFaultError` on its way to the process that reads."""

    what: str


class WorkerPool(Generic[_Sent]):
    """Worker processes, each of which sends the items of `work(number)`. The end of its `with` statement ends them."""

    def __init__(self, count: int, work: _Work) -> None:
        context = multiprocessing.get_context("fork")
        self._workers: list[tuple[Connection, Any]] = []
        for number in range(count):
            receiving, sending = context.Pipe(duplex=False)
            _widen(sending)
            others = [*(other for other, _ in self._workers), receiving]
            worker = context.Process(target=_run, args=(work, number, sending, others), daemon=True)
            with warnings.catch_warnings():
                # Python warns that threads are not copied: none of ours holds anything that a worker uses.
                warnings.simplefilter("ignore", DeprecationWarning)
                worker.start()
            sending.close()
            self._workers.append((receiving, worker))

    def take(self, number: int) -> _Sent:
        """A worker's next item. Raises `WorkerError` where it ended without one, `WorkerFaultError` where its work raised."""
        try:
            sent: _Sent | _Fault = pickle.loads(self._workers[number][0].recv_bytes())  # noqa: S301  from a copy of this process
        except (EOFError, OSError):
            raise WorkerError(
                "a process that reads files ended too early: it was killed, or a file changed; --jobs 1 does without"
            ) from None
        if isinstance(sent, _Fault):
            raise WorkerFaultError(sent.what)
        return sent

    def __enter__(self) -> WorkerPool[_Sent]:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Ends all workers: those still at work notice that their pipe was closed."""
        for receiving, worker in self._workers:
            receiving.close()
            if error is not None:
                worker.terminate()
        for _, worker in self._workers:
            worker.join()


def _run(work: _Work, number: int, sending: Connection, others: Iterable[Connection]) -> None:
    """What a worker runs. It closes its copies of the pipes' reading ends, so that it notices when its own is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the reading process gets it too, and ends this one
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()
    with contextlib.suppress(BrokenPipeError):
        for sent in _to_send(work, number):
            sending.send_bytes(pickle.dumps(sent, pickle.HIGHEST_PROTOCOL))
    sending.close()


def _to_send(work: _Work, number: int) -> Iterator[Any]:
    """The items of a worker's work, and at the end the fault that stopped it, if any."""
    try:
        yield from work(number)
    except Exception as broken:  # noqa: BLE001  the reading process reports it
        where = traceback.extract_tb(broken.__traceback__)[-1]
        yield _Fault(f"{type(broken).__name__} in {where.filename}:{where.lineno}")


def _widen(sending: Connection) -> None:
    """Enlarge a pipe's buffer, on Linux."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415  not on every system

        with contextlib.suppress(OSError):
            fcntl.fcntl(sending.fileno(), fcntl.F_SETPIPE_SZ, PIPE)
