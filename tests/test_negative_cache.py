"""A webhook that is gone is not hammered, by no invocation of a process; a pause that Slack asks for is kept by all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.edge.negative_cache import NegativeResponseCache
from engine.model import HttpResponse, PostFault
from engine.pipeline.answers import DEAD_WEBHOOK_SECONDS, refusal_ttl

if TYPE_CHECKING:
    from collections.abc import Callable

GONE = "https://hooks.slack.com/services/T/B/gone"
OTHER = "https://hooks.slack.com/services/T/B/other"


class Slack:
    """Answers in turn, the last one for good, and counts."""

    def __init__(self, *answers: HttpResponse) -> None:
        self.answers, self.posts, self.now = list(answers), 0, 1000.0
        self.post: Callable[[str, bytes, float], HttpResponse] = NegativeResponseCache(
            self._answer, refusal_ttl, lambda: self.now
        ).post

    def _answer(self, _: str, __: bytes, ___: float) -> HttpResponse:
        self.posts += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(404, "no_service"),
        HttpResponse(410, "channel_is_archived"),
        HttpResponse(400, "invalid_token"),
        HttpResponse(403, "invalid_token"),
        HttpResponse(400, "no_team"),
    ],
    ids=lambda answer: str(answer.status),
)
def test_what_is_gone_is_asked_once_in_five_minutes(answer: HttpResponse) -> None:
    slack = Slack(answer)
    for _ in range(100):
        assert slack.post(GONE, b"{}", 8.0) == answer
        slack.now += DEAD_WEBHOOK_SECONDS / 100
    assert slack.posts == 1
    slack.post(GONE, b"{}", 8.0)
    assert slack.posts == 2


def test_another_webhook_is_asked_all_the_same() -> None:
    slack = Slack(HttpResponse(404, "no_service"), HttpResponse(200, "ok"))
    slack.post(GONE, b"{}", 8.0)
    assert slack.post(OTHER, b"{}", 8.0) == HttpResponse(200, "ok")


def test_a_pause_is_kept_and_what_is_left_of_it_is_told() -> None:
    slack = Slack(HttpResponse(429, "rate_limited", retry_after=30.0), HttpResponse(200, "ok"))
    slack.post(GONE, b"{}", 8.0)
    slack.now += 10
    assert slack.post(GONE, b"{}", 8.0) == HttpResponse(429, "rate_limited", retry_after=20.0)
    slack.now += 20
    assert slack.post(GONE, b"{}", 8.0) == HttpResponse(200, "ok")
    assert slack.posts == 2


@pytest.mark.parametrize(
    "answer",
    [
        *(
            HttpResponse(200, "ok"),
            HttpResponse(200, "no_team"),
            HttpResponse(500, ""),
            HttpResponse(400, "invalid_blocks"),
            HttpResponse(429, "rate_limited"),
        ),
        *(HttpResponse(fault=PostFault.TIMEOUT), HttpResponse(302, "")),
    ],
    ids=lambda answer: f"{answer.status} {answer.body}",
)
def test_what_may_be_otherwise_the_next_time_is_asked_anew(answer: HttpResponse) -> None:
    slack = Slack(answer)
    slack.post(GONE, b"{}", 8.0)
    slack.post(GONE, b"{}", 8.0)
    assert slack.posts == 2


def test_no_url_stands_in_what_is_shown() -> None:
    assert "hooks" not in repr(NegativeResponseCache(Slack(HttpResponse(200, "ok")).post, refusal_ttl))
