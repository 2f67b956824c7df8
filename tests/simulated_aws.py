"""A simulated AWS in a process of its own, which takes one request at a time.

moto is made for tests of a few calls. Here it is asked ten thousands, and so: it loses a message that is sent while another is
deleted, hence the turns; it counts a queue's messages for each one that comes or goes, parses an event's JSON paths anew for each
event, and keeps every object, hence the three changes in `main`, of which no answer tells. For its table of deliveries it is too
slow: `simulated_dynamodb`.
"""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType


class SimulatedAws:
    """Serves from `__enter__` to `__exit__`; `url` is its endpoint, for every service."""

    program = __file__

    def __init__(self) -> None:
        self.url = ""

    def __enter__(self) -> Self:
        """Start, and wait until it serves."""
        command = [sys.executable, self.program]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own interpreter
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class _Turns:
    """An application that takes one request at a time."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._turn = threading.Lock()

    def __call__(self, environ: Any, start: Any) -> Iterable[bytes]:
        """The whole answer to a request."""
        with self._turn:
            return list(self._application(environ, start))


def main() -> None:
    """Serve until killed; the first line printed is the port."""
    import jsonpath_ng.ext  # noqa: PLC0415  only in the process that serves
    from moto.core.common_models import BaseModel  # noqa: PLC0415
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from moto.sqs.models import Queue  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    jsonpath_ng.ext.parse = functools.cache(jsonpath_ng.ext.parse)
    # Every object is kept in a list of its class, for ever.
    BaseModel.__new__ = lambda kind, *_, **__: object.__new__(kind)  # type: ignore[method-assign]
    for name in ("approximate_number_of_messages", "approximate_number_of_messages_not_visible"):
        setattr(Queue, name, property(lambda queue: len(queue._messages)))
    Queue.approximate_number_of_messages_delayed = property(lambda _: 0)  # type: ignore[assignment, method-assign]
    application = _Turns(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    print(server.server_port, flush=True)  # noqa: T201  to whoever started it
    server.serve_forever()


if __name__ == "__main__":
    main()
