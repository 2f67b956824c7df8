"""Work shared among processes that are copies of this one: each does its part from beginning to end, and is read in turns.

A lane waits where what it sends is not read, so memory stays bounded. Where this process ends, however it does, so do its lanes.
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
"""How many bytes a lane may be ahead of its reader, where the system lets one say so."""


class WorkerError(TrailbellError):
    """A lane ended before its work did: it was killed, or ran out of memory."""


def cores() -> int:
    """How many processes may run at once; 1 where a process cannot be copied."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Fault(NamedTuple):
    """A `WorkerFaultError` on its way."""

    what: str


class WorkerPool(Generic[_Sent]):
    """So many processes, each of which sends what `work(number)` gives. To be used in a `with`, at whose end all of them end."""

    def __init__(self, count: int, work: _Work) -> None:
        context = multiprocessing.get_context("fork")
        self._lanes: list[tuple[Connection, Any]] = []
        for number in range(count):
            receiving, sending = context.Pipe(duplex=False)
            _widen(sending)
            others = [*(other for other, _ in self._lanes), receiving]
            lane = context.Process(target=_run, args=(work, number, sending, others), daemon=True)
            with warnings.catch_warnings():
                # Python warns of threads that are not copied: none of ours holds anything that a lane uses.
                warnings.simplefilter("ignore", DeprecationWarning)
                lane.start()
            sending.close()
            self._lanes.append((receiving, lane))

    def take(self, number: int) -> _Sent:
        """What a lane sends next. Raises `WorkerError` where it sends nothing more, `WorkerFaultError` where it broke."""
        try:
            sent: _Sent | _Fault = pickle.loads(self._lanes[number][0].recv_bytes())  # noqa: S301  from a copy of this process
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
        """Ends all lanes: those that still work notice that nobody reads them."""
        for receiving, lane in self._lanes:
            receiving.close()
            if error is not None:
                lane.terminate()
        for _, lane in self._lanes:
            lane.join()


def _run(work: _Work, number: int, sending: Connection, others: Iterable[Connection]) -> None:
    """What a lane does: without the ends that others read, so that it notices when nobody reads it any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that reads it is asked to stop as well, and ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()
    with contextlib.suppress(BrokenPipeError):
        for sent in _to_send(work, number):
            sending.send_bytes(pickle.dumps(sent, pickle.HIGHEST_PROTOCOL))
    sending.close()


def _to_send(work: _Work, number: int) -> Iterator[Any]:
    """What a lane's work gives, or at last why it gives nothing more."""
    try:
        yield from work(number)
    except Exception as broken:  # noqa: BLE001  to be told by the process that reads
        where = traceback.extract_tb(broken.__traceback__)[-1]
        yield _Fault(f"{type(broken).__name__} in {where.filename}:{where.lineno}")


def _widen(sending: Connection) -> None:
    """A wider pipe, where there is such a thing."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415  there is none everywhere

        with contextlib.suppress(OSError):
            fcntl.fcntl(sending.fileno(), fcntl.F_SETPIPE_SZ, PIPE)
