"""One post, within a deadline: no redirect is followed, nothing is raised, and no result contains the URL.

A proxy named in the environment is not used: a webhook goes to the host that was checked, and to no other.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from engine import __version__
from engine.model import HttpResponse, PostFault

if TYPE_CHECKING:
    import http.client
    import socket
    import ssl
    from collections.abc import Iterator

BODY_MAX_BYTES: Final = 2_048
"""Read of a response: Slack's are one word."""

RETRY_AFTER_MAX_SECONDS: Final = 3_600.0
"""A longer Retry-After is cut to this."""

TOPIC: Final = "arn:"
"""How the name of a topic begins, and no URL."""

_context: ssl.SSLContext | None = None


def post(url: str, body: bytes, timeout: float) -> HttpResponse:
    """Post JSON and return the response. `timeout` bounds the whole exchange in seconds, even if the server trickles.

    Where the URL is the ARN of an SNS topic, the body is published to that instead.
    """
    if url.startswith(TOPIC):
        from engine.edge.topics import publish  # noqa: PLC0415  only where a channel is a topic

        return publish(url, body, timeout)
    return _post(url, body, timeout)


def _post(url: str, body: bytes, timeout: float) -> HttpResponse:
    import http.client  # noqa: PLC0415  a start without posts needs no HTTP, sockets and threads
    import ssl  # noqa: PLC0415

    deadline = time.monotonic() + timeout
    try:
        connection = _connection(url)
    except (http.client.HTTPException, ValueError):
        return HttpResponse(fault=PostFault.PROTOCOL)
    try:
        return _exchange(connection, url, body, deadline)
    except TimeoutError:
        return HttpResponse(fault=PostFault.TIMEOUT)
    except ssl.SSLError:
        return HttpResponse(fault=PostFault.TLS)
    except OSError:
        return HttpResponse(fault=PostFault.CONNECTION)
    except (http.client.HTTPException, ValueError):
        return HttpResponse(fault=PostFault.PROTOCOL)
    finally:
        connection.close()


def _connection(url: str) -> http.client.HTTPConnection:
    import http.client  # noqa: PLC0415

    parts = urlsplit(url)
    if parts.hostname is None:
        raise ValueError("no host")
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, context=_tls())
    return http.client.HTTPConnection(parts.hostname, parts.port)


def _connected(host: str, port: int, deadline: float, *, tls: bool) -> socket.socket:
    """A socket to the first address that answers; each may take an equal part of the time left."""
    import socket  # noqa: PLC0415

    sock, failed = None, OSError("no address")
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(deadline) / (len(addresses) - number))
            sock.connect(address)
            break
        except OSError as error:
            sock.close()
            sock, failed = None, error
    if sock is None:
        raise failed
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(_left(deadline))
        return _tls().wrap_socket(sock, server_hostname=host) if tls else sock
    except BaseException:
        sock.close()
        raise


def _left(deadline: float) -> float:
    """The seconds until the deadline. Raises `TimeoutError` after it."""
    left = deadline - time.monotonic()
    if left <= 0.0:
        raise TimeoutError
    return left


def _tls() -> ssl.SSLContext:
    """The one TLS context of the process: making it takes twenty milliseconds."""
    global _context  # noqa: PLW0603  made once, never changed
    if _context is None:
        import ssl  # noqa: PLC0415

        _context = ssl.create_default_context()
    return _context


def _exchange(connection: http.client.HTTPConnection, url: str, body: bytes, deadline: float) -> HttpResponse:
    parts = urlsplit(url)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"trailbell/{__version__}"}
    connection.sock = _connected(connection.host, connection.port, deadline, tls=parts.scheme == "https")
    with _cut_off(connection.sock, deadline):
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        text = response.read(BODY_MAX_BYTES)
    return HttpResponse(response.status, text.decode("utf-8", "replace"), _retry_after(response.getheader("Retry-After")))


@contextmanager
def _cut_off(sock: socket.socket, deadline: float) -> Iterator[None]:
    """Shuts a socket down at the deadline: its own timeout bounds each read only."""
    import socket  # noqa: PLC0415
    import threading  # noqa: PLC0415

    def shut() -> None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(deadline - time.monotonic(), shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if time.monotonic() >= deadline:
            raise TimeoutError


def _retry_after(text: str | None) -> float | None:
    """Seconds, from a number or a date; None for anything else. Source: RFC 9110, section 10.2.3."""
    if text is None:
        return None
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  seldom needed

    try:
        seconds = float(text) if text.strip().isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_SECONDS)
