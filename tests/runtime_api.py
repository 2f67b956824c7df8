"""Lambda's Runtime API, as far as AWS's own runtime client needs it, with the function in a process of its own.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

ROOT = Path(__file__).parent.parent
VERSION = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class Invoked:
    """What came of one invocation: an answer, or an error as the runtime client reports it."""

    answer: Any = None
    error: Any = None


class Lambda:
    """A function under AWS's runtime client. `task` is the folder that holds its module, by default `lambda_entry.py`."""

    def __init__(
        self, environment: Mapping[str, str], task: Path = ROOT, timeout: float = 20.0, function: str = "lambda_entry.handler"
    ) -> None:
        self.timeout = timeout
        self._function = function
        self._waiting: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._ended: queue.Queue[tuple[str, Invoked]] = queue.Queue()
        self._number = 0
        self._starts = 0
        self._crashing = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a killed process's connection is no news
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._task = task
        self._environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(task),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "trailbell",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/trailbell/test",
            "AWS_LAMBDA_LOG_STREAM_NAME": "test",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        }
        # A file and no pipe: what was logged before an answer is there when the answer is.
        self._log = tempfile.NamedTemporaryFile(prefix="trailbell-")  # noqa: SIM115  until `__exit__`
        self._kept = ""

    @property
    def output(self) -> str:
        """Everything that was logged."""
        return self._kept if self._log.closed else Path(self._log.name).read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """The id of the function's process."""
        return self._process.pid

    def start(self) -> None:
        """Start the process; a start that fails shows in the first invocation."""
        self._starts += 1
        command = [sys.executable, "-m", "awslambdaric", self._function]
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter
            command, cwd=self._task, env=self._environment, stdout=self._log, stderr=subprocess.STDOUT
        )

    def invoke(self, payload: object) -> Invoked:
        """One invocation, to its end."""
        self._number += 1
        wanted = f"request-{self._number}"
        self._waiting.put((wanted, json.dumps(payload).encode()))
        while True:
            request, invoked = self._ended.get(timeout=self.timeout + 10)
            if request in (wanted, ""):
                return invoked

    def crash(self) -> None:
        """Kill the process in the middle of an invocation, as its caller sees it, and start another."""
        with self._crashing:
            request = f"request-{self._number}"
            self.kill()
            self.start()
            self.end(request, Invoked(error={"errorType": "Killed"}))

    def kill(self) -> None:
        """End the process at once, in the middle of whatever it does."""
        self._process.kill()
        self._process.wait()

    def lines(self) -> list[Any]:
        """Every line of the log that is JSON; one that a killed process left unfinished is none."""
        return [
            json.loads(line) for line in self.output.splitlines(keepends=True) if line.startswith("{") and line.endswith("\n")
        ]

    def of(self, kind: str) -> list[Any]:
        """The records of one kind."""
        return [line for line in self.lines() if line.get("type") == kind]

    def next_event(self) -> tuple[str, bytes, int]:
        """The next invocation: its id, payload and deadline in milliseconds since 1970. Waits for it."""
        asked_by = self._starts
        request, body = self._waiting.get()
        if asked_by != self._starts:
            self._waiting.put((request, body))
            raise ConnectionAbortedError("the process that asked is gone")
        return request, body, int((time.time() + self.timeout) * 1000)

    def end(self, request: str, invoked: Invoked) -> None:
        """Take what came of an invocation; of a start that failed, `request` is empty."""
        self._ended.put((request, invoked))

    def __enter__(self) -> Self:
        """Serve and start."""
        self._thread.start()
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the process, then the server."""
        self.kill()
        self._kept = self.output
        self._log.close()
        self._server.shutdown()
        self._server.server_close()


def _handler(function: Lambda) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            try:
                request, body, deadline = function.next_event()
            except ConnectionAbortedError:
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", request)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:111122223333:function:trailbell")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
            *_, request, what = self.path.split("/")
            if what == "response":
                function.end(request, Invoked(answer=content))
            elif self.path.startswith(VERSION):
                function.end("" if request == "init" else request, Invoked(error=content))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler
