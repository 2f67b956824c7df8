"""A Slack of our own that misbehaves on demand, over HTTP."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self

from slack_limits import violations

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

ANSWERS: Final[dict[str, tuple[int, str, dict[str, str]]]] = {
    "ok": (200, "ok", {}),
    "429": (429, "rate_limited", {"Retry-After": "1"}),
    "429-long": (429, "rate_limited", {"Retry-After": "600"}),
    "500": (500, "server_error", {}),
    "502": (502, "", {}),
    "404": (404, "no_service", {}),
    "410": (410, "channel_is_archived", {}),
    "400": (400, "invalid_blocks", {}),
    "403": (403, "invalid_token", {}),
    "200-without-ok": (200, "<html>please sign in</html>", {}),
    "redirect": (302, "", {"Location": "/elsewhere"}),
}
"""Answers that are answers; besides there are `reset`, `hang`, `trickle`, `garbage` and `slow`."""


class StubSlack:
    """A server on the loopback. `script(path, …)` says how a path answers, one word a post, the last one for good.

    `taken`: what was answered `ok`. `after_ok` is called after each such answer, with what the URL's query says of who posts.
    """

    def __init__(self) -> None:
        self.posts: list[tuple[str, Any]] = []
        self.taken: list[Any] = []
        self.refused: list[tuple[str, list[str]]] = []
        self.after_ok: Callable[[str], None] = lambda _: None
        self._scripts: dict[str, deque[str]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  a killed worker's connection is no news
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def host(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str) -> str:
        """The URL of a webhook."""
        return f"http://{self.host}/{path}"

    def script(self, path: str, *words: str) -> None:
        """How a path answers from now on."""
        with self._lock:
            self._scripts[path] = deque(words)

    def of(self, path: str) -> list[Any]:
        """What was posted to a path."""
        with self._lock:
            return [payload for name, payload in self.posts if name == path]

    def word(self, path: str, body: bytes) -> str:
        """Take a post, and say how it is answered."""
        with self._lock:
            waiting = self._scripts.get(path, deque(["ok"]))
            word = waiting.popleft() if len(waiting) > 1 else waiting[0]
            try:
                payload = json.loads(body)
            except ValueError:
                payload = None
            self.posts.append((path, payload))
            broken = [str(one) for one in violations(payload)] if isinstance(payload, dict) else ["not JSON"]
            if broken:
                self.refused.append((path, broken))
            elif word in {"ok", "slow"}:
                self.taken.append(payload)
        return "400" if broken and word == "ok" else word

    def wait(self, seconds: float) -> None:
        """Wait, but not past the end of the server."""
        self._stopping.wait(seconds)

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop, and let go of everybody who waits."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(slack: StubSlack) -> type[BaseHTTPRequestHandler]:  # noqa: C901  one method a way to misbehave
    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            if len(body) < length:
                return  # whoever sent it was killed meanwhile
            path, _, poster = self.path.lstrip("/").partition("?")
            word = slack.word(path, body)
            if word in ANSWERS:
                self._answer(*ANSWERS[word])
                if word == "ok":
                    slack.after_ok(poster)
            else:
                {
                    "reset": self._reset,
                    "hang": lambda: slack.wait(60),
                    "slow": self._slow,
                    "garbage": lambda: self.wfile.write(b"\x00\x01not http at all\r\n\r\n"),
                    "trickle": self._trickle,
                }[word]()

        def _reset(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        def _slow(self) -> None:
            slack.wait(0.3)
            self._answer(*ANSWERS["ok"])

        def _answer(self, status: int, text: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def _trickle(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(600):
                try:
                    self.wfile.write(b"X-%d: y\r\n" % number)
                except OSError:
                    return
                time.sleep(0.05)

        def log_message(self, *_: object) -> None:
            """Nothing: the test says what matters."""

    return Handler
