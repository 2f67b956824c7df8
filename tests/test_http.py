"""One post against a Slack that misbehaves: always an answer, always in time, never a URL."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from builders import channel
from stub_slack import StubSlack

from engine.edge.http import RETRY_AFTER_MAX_SECONDS, post
from engine.model import HttpResponse, PostFault
from engine.pipeline.render import trial_notice

if TYPE_CHECKING:
    from collections.abc import Iterator

PAYLOAD = trial_notice(channel("ops"), "sha256:000000000000").payload
BODY = json.dumps(PAYLOAD).encode()


@pytest.fixture
def slack() -> Iterator[StubSlack]:
    with StubSlack() as server:
        yield server


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("ok", HttpResponse(200, "ok")),
        ("429", HttpResponse(429, "rate_limited", 1.0)),
        ("500", HttpResponse(500, "server_error")),
        ("502", HttpResponse(502, "")),
        ("404", HttpResponse(404, "no_service")),
        ("410", HttpResponse(410, "channel_is_archived")),
        ("400", HttpResponse(400, "invalid_blocks")),
        ("403", HttpResponse(403, "invalid_token")),
        ("200-without-ok", HttpResponse(200, "<html>please sign in</html>")),
        ("redirect", HttpResponse(302, "")),
        ("reset", HttpResponse(fault=PostFault.CONNECTION)),
        ("garbage", HttpResponse(fault=PostFault.PROTOCOL)),
    ],
)
def test_what_comes_back_is_the_answer(slack: StubSlack, word: str, answer: HttpResponse) -> None:
    slack.script("T/B/secret", word)
    came = post(slack.url("T/B/secret"), BODY, 5.0)
    assert came == answer
    assert "secret" not in repr(came)
    assert slack.of("T/B/secret") == [PAYLOAD]


def test_a_redirect_is_not_followed(slack: StubSlack) -> None:
    slack.script("T", "redirect")
    post(slack.url("T"), BODY, 5.0)
    assert [path for path, _ in slack.posts] == ["T"]


@pytest.mark.parametrize("word", ["hang", "trickle"])
def test_the_deadline_holds_whatever_the_server_does(slack: StubSlack, word: str) -> None:
    slack.script("T", word)
    began = time.monotonic()
    assert post(slack.url("T"), BODY, 0.5) == HttpResponse(fault=PostFault.TIMEOUT)
    assert time.monotonic() - began < 3


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """An address that lets nobody in: its queue is full, so what comes is not answered."""
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.settimeout(0.0)
            one.connect_ex(full.getsockname())
        yield full.getsockname()


def resolved_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_the_deadline_holds_however_many_addresses_are_silent(monkeypatch: pytest.MonkeyPatch, silent: tuple[str, int]) -> None:
    resolved_to(monkeypatch, *[silent] * 6)
    began = time.monotonic()
    assert post("http://hooks.example/x", BODY, 0.5) == HttpResponse(fault=PostFault.TIMEOUT)
    assert time.monotonic() - began < 1.5


def test_behind_a_silent_address_the_next_is_asked(
    monkeypatch: pytest.MonkeyPatch, slack: StubSlack, silent: tuple[str, int]
) -> None:
    host, _, port = slack.host.partition(":")
    resolved_to(monkeypatch, silent, (host, int(port)))
    assert post("http://hooks.example/T", BODY, 4.0) == HttpResponse(200, "ok")


def test_nobody_there_is_a_fault() -> None:
    with StubSlack() as server:
        url = server.url("T")
    assert post(url, BODY, 1.0) == HttpResponse(fault=PostFault.CONNECTION)


@pytest.mark.parametrize("url", ["", "http://", "https://exa mple.com/x", "http://127.0.0.1:99999/x", "ftp//x"])
def test_what_is_no_url_is_a_fault(url: str) -> None:
    assert post(url, BODY, 1.0).fault in (PostFault.PROTOCOL, PostFault.CONNECTION)


def test_plain_http_behind_https_is_a_tls_fault(slack: StubSlack) -> None:
    assert post(slack.url("T").replace("http:", "https:"), BODY, 2.0).fault is PostFault.TLS


def test_a_date_as_retry_after_is_read_and_an_absurd_one_bounded(slack: StubSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "stub_slack.ANSWERS",
        {
            "date": (429, "", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
            "absurd": (429, "", {"Retry-After": "99999999999"}),
            "junk": (429, "", {"Retry-After": "soon"}),
        },
    )
    slack.script("T", "date", "absurd", "junk")
    assert [post(slack.url("T"), BODY, 5.0).retry_after for _ in range(3)] == [0.0, RETRY_AFTER_MAX_SECONDS, None]
