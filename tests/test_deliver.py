"""What becomes of messages, by what Slack answers, how fast it may be asked, and how much time is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from builders import NOW, channel
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import WebhookError
from engine.model import Channel, Delivery, HttpResponse, Message, Outcome, Ports, PostFault, WebhookRef
from engine.pipeline.deliver import (
    BURST_POSTS,
    EXPECTED_POST_SECONDS,
    MAX_TRIES,
    POST_INTERVAL_SECONDS,
    SEND_BUDGET_RATIO,
    WebhookSender,
)
from engine.pipeline.render import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OK = HttpResponse(200, "ok")
SLOW = 0.1
"""Seconds that every post of the stage's clock takes."""


class Slack:
    """Answers from a script by channel (the last answer again and again), on a clock that moves when it is waited for."""

    def __init__(self, script: dict[str, Sequence[HttpResponse]] | None = None, seconds: float = 60.0) -> None:
        self.script = {name: list(answers) for name, answers in (script or {}).items()}
        self.seconds = seconds
        self.time = 0.0
        self.posts: list[tuple[str, float, bytes]] = []
        self.asked: list[tuple[str, bool]] = []
        self.urls: Callable[[str, bool], str] = lambda name, _fresh: f"https://hooks.slack.com/{name}"

    def ports(self) -> Ports:
        """What the stage is given."""
        return Ports(
            post=self._post,
            webhook=self._webhook,
            emit=lambda _: None,
            now=lambda: NOW,
            elapsed=lambda: self.time,
            sleep=self._sleep,
            remaining=lambda: self.seconds - self.time,
        )

    def _webhook(self, ref: WebhookRef, fresh: bool) -> str:  # noqa: FBT001
        name = (ref.env or "").removeprefix("SLACK_WEBHOOK_").lower()
        self.asked.append((name, fresh))
        return self.urls(name, fresh)

    def _post(self, url: str, body: bytes, timeout: float) -> HttpResponse:
        assert 0 < timeout <= self.seconds - self.time
        name = url.rpartition("/")[2]
        self.posts.append((name, self.time, body))
        self.time += SLOW
        answers = self.script.get(name, [OK])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds


def named(name: str) -> Channel:
    return channel(name)._replace(webhook=WebhookRef(env=f"SLACK_WEBHOOK_{name.upper()}"))


CHANNELS = {name: named(name) for name in ("a", "b", "c")}


def message(name: str = "a", number: int = 0) -> Message:
    return Message(name, json.dumps({"text": f"{name}{number}", "blocks": []}).encode(), (number,))


def delivered(slack: Slack, *messages: Message) -> list[Delivery]:
    return list(WebhookSender(CHANNELS, plain, slack.ports()).deliver(messages))


def one(*answers: HttpResponse, seconds: float = 60.0) -> tuple[Delivery, Slack]:
    slack = Slack({"a": answers}, seconds)
    (delivery,) = delivered(slack, message())
    return delivery, slack


# --- by status and body ----------------------------------------------------------------------------------------------------


def test_200_and_ok_is_delivered() -> None:
    delivery, slack = one(OK)
    assert (delivery.outcome, delivery.attempts, delivery.status) == (Outcome.DELIVERED, 1, 200)
    assert len(slack.posts) == 1


def test_a_message_about_several_events_is_digested() -> None:
    (delivery,) = delivered(Slack(), message()._replace(events=(0, 1, 2)))
    assert delivery.outcome is Outcome.DIGESTED


def test_200_without_ok_is_a_failure_and_not_tried_again() -> None:
    delivery, slack = one(HttpResponse(200, "<html>login</html>"))
    assert (delivery.outcome, delivery.gone, len(slack.posts)) == (Outcome.FAILED, False, 1)


def test_429_waits_as_long_as_slack_asks() -> None:
    delivery, slack = one(HttpResponse(429, "", 7.0), OK)
    assert (delivery.outcome, delivery.attempts) == (Outcome.DELIVERED, 2)
    assert slack.posts[1][1] >= 7.0


def test_429_beyond_the_time_left_leaves_the_webhook_alone() -> None:
    slack = Slack({"a": [HttpResponse(429, "", 120.0)]})
    deliveries = delivered(slack, *(message(number=number) for number in range(5)))
    assert [delivery.outcome for delivery in deliveries] == [Outcome.FAILED] * 5
    assert len(slack.posts) == 1
    assert slack.time < 1


def test_429_without_end_is_given_up() -> None:
    delivery, slack = one(HttpResponse(429, "", 0.0))
    assert delivery.outcome is Outcome.FAILED
    assert len(slack.posts) <= 6


@pytest.mark.parametrize(
    "broken",
    [
        HttpResponse(500),
        HttpResponse(502),
        HttpResponse(504),
        HttpResponse(fault=PostFault.TIMEOUT),
        HttpResponse(fault=PostFault.CONNECTION),
    ],
)
def test_what_passes_is_tried_again_a_few_times(broken: HttpResponse) -> None:
    delivery, slack = one(broken, broken, OK)
    assert (delivery.outcome, delivery.attempts) == (Outcome.DELIVERED, 3)
    delivery, slack = one(broken)
    assert (delivery.outcome, delivery.gone, len(slack.posts)) == (Outcome.FAILED, False, MAX_TRIES)
    pauses = [later[1] - earlier[1] for earlier, later in zip(slack.posts, slack.posts[1:], strict=False)]
    assert pauses == sorted(pauses)


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(400, "invalid_blocks"),
        HttpResponse(400, "invalid_payload"),
        HttpResponse(400, "no_text"),
        HttpResponse(400, "too_many_attachments"),
        HttpResponse(400, "msg_blocks_too_long"),
        HttpResponse(413, "<html>Request Entity Too Large</html>"),
    ],
)
def test_blocks_that_slack_refuses_become_plain_text_once(answer: HttpResponse) -> None:
    delivery, slack = one(answer, OK)
    assert (delivery.outcome, delivery.plain) == (Outcome.DELIVERED, True)
    assert b"blocks" not in slack.posts[1][2]
    delivery, slack = one(answer)
    assert (delivery.outcome, delivery.gone, len(slack.posts)) == (Outcome.FAILED, False, 2)


def test_another_400_is_a_failure() -> None:
    delivery, slack = one(HttpResponse(400, "something_else"))
    assert (delivery.outcome, delivery.gone, len(slack.posts)) == (Outcome.FAILED, False, 1)


@pytest.mark.parametrize(
    "gone",
    [
        HttpResponse(404, "no_service"),
        HttpResponse(404, "channel_not_found"),
        HttpResponse(410, "channel_is_archived"),
        HttpResponse(410),
    ],
)
def test_a_channel_that_is_gone_is_not_asked_again(gone: HttpResponse) -> None:
    slack = Slack({"a": [gone]})
    deliveries = delivered(slack, *(message(number=number) for number in range(4)))
    assert [(delivery.outcome, delivery.gone) for delivery in deliveries] == [(Outcome.FAILED, True)] * 4
    assert [delivery.attempts for delivery in deliveries] == [1, 0, 0, 0]
    assert len(slack.posts) == 1


def test_a_redirect_is_a_failure() -> None:
    delivery, slack = one(HttpResponse(302, ""))
    assert (delivery.outcome, delivery.gone, len(slack.posts)) == (Outcome.FAILED, False, 1)


# --- secrets ---------------------------------------------------------------------------------------------------------------


def test_a_refused_token_is_read_anew_once() -> None:
    slack = Slack({"a": [HttpResponse(403, "invalid_token")], "new": [OK]})
    slack.urls = lambda name, fresh: f"https://hooks.slack.com/{'new' if fresh else name}"
    deliveries = delivered(slack, message(), message(number=1))
    assert [delivery.outcome for delivery in deliveries] == [Outcome.DELIVERED] * 2
    assert [post[0] for post in slack.posts] == ["a", "new", "new"]
    assert slack.asked == [("a", False), ("a", True)]


@pytest.mark.parametrize("status", [400, 403])
def test_a_token_that_is_still_the_same_means_gone(status: int) -> None:
    delivery, slack = one(HttpResponse(status, "invalid_token"))
    assert (delivery.gone, len(slack.posts)) == (True, 1)


def test_a_new_token_that_is_refused_too_means_gone() -> None:
    slack = Slack({"a": [HttpResponse(403, "invalid_token")], "new": [HttpResponse(403, "invalid_token")]})
    slack.urls = lambda name, fresh: f"https://hooks.slack.com/{'new' if fresh else name}"
    (delivery,) = delivered(slack, message())
    assert (delivery.gone, len(slack.posts)) == (True, 2)


@pytest.mark.parametrize("passing", [True, False])
def test_a_webhook_that_cannot_be_read_fails_its_messages(passing: bool) -> None:  # noqa: FBT001
    slack = Slack()

    def broken(name: str, _fresh: bool) -> str:  # noqa: FBT001
        if name == "a":
            raise WebhookError("the secret cannot be read", passing=passing)
        return f"https://hooks.slack.com/{name}"

    slack.urls = broken
    deliveries = delivered(slack, message("a"), message("b"), message("a", 1))
    assert {(d.message.channel, d.outcome, d.gone) for d in deliveries} == {
        ("a", Outcome.FAILED, not passing),
        ("b", Outcome.DELIVERED, False),
    }
    assert [post[0] for post in slack.posts] == ["b"]


def by_secret(name: str, secret: str) -> Channel:
    return channel(name)._replace(webhook=WebhookRef(secret=secret))


def test_secrets_that_cannot_be_read_do_not_use_up_the_time_of_a_channel_that_needs_none() -> None:
    slack = Slack(seconds=57.0)
    channels = {**{f"s{number}": by_secret(f"s{number}", f"trailbell/{number}") for number in range(8)}, "a": named("a")}

    def hangs(ref: WebhookRef, fresh: bool) -> str:  # noqa: ARG001, FBT001
        if ref.env is not None:
            return "https://hooks.slack.com/a"
        slack.time += 14.0
        raise WebhookError("the secret cannot be read", passing=True)

    courier = WebhookSender(channels, plain, slack.ports()._replace(webhook=hangs))
    deliveries = list(courier.deliver([message(name, number) for number, name in enumerate(channels)]))
    assert [delivery.message.channel for delivery in deliveries if delivery.outcome is Outcome.DELIVERED] == ["a"]
    assert slack.posts[0][1] == 0.0, "before any secret"
    assert len(deliveries) == len(channels)
    assert slack.time <= 57.0


def test_a_secret_of_several_channels_is_read_once_also_where_it_cannot_be() -> None:
    slack = Slack()
    channels = {name: by_secret(name, "trailbell/slack") for name in "abc"}
    slack.urls = lambda _name, _fresh: (_ for _ in ()).throw(WebhookError("the secret cannot be read", passing=True))
    courier = WebhookSender(channels, plain, slack.ports())
    for _ in range(2):
        deliveries = list(courier.deliver([message(name) for name in channels]))
        assert [delivery.outcome for delivery in deliveries] == [Outcome.FAILED] * 3
    assert len(slack.asked) == 1


def test_the_channels_of_one_webhook_share_it_by_whichever_secret_they_know_it() -> None:
    slack = Slack()
    channels = {name: by_secret(name, f"trailbell/{name}") for name in "abc"}
    slack.urls = lambda _name, _fresh: "https://hooks.slack.com/a"
    few = WebhookSender(channels, plain, slack.ports()).room(dict.fromkeys(channels, 1))
    assert (few, slack.asked) == (dict.fromkeys(channels, 1), [])
    many = WebhookSender(channels, plain, slack.ports()).room(dict.fromkeys(channels, 50))
    assert sum(many.values()) == BURST_POSTS + int(slack.seconds * SEND_BUDGET_RATIO / POST_INTERVAL_SECONDS)
    assert len(slack.asked) == len(channels)


def test_no_url_stands_in_a_delivery() -> None:
    for answer in (OK, HttpResponse(404), HttpResponse(500), HttpResponse(403), HttpResponse(fault=PostFault.TLS)):
        delivery, _ = one(answer)
        assert "hooks.slack.com" not in repr(delivery)


# --- the rate ---------------------------------------------------------------------------------------------------------------


def test_one_message_a_second_after_a_short_burst() -> None:
    slack = Slack()
    delivered(slack, *(message(number=number) for number in range(20)))
    times = [post[1] for post in slack.posts]
    for first in range(len(times)):
        for last in range(first, len(times)):
            assert last - first + 1 <= times[last] - times[first] + BURST_POSTS + 1e-6


def test_the_rate_of_one_channel_does_not_hold_up_another() -> None:
    slack = Slack()
    delivered(slack, *(message("a", number) for number in range(10)), message("b", 10))
    assert next(post[1] for post in slack.posts if post[0] == "b") < 1


def test_two_channels_behind_one_webhook_share_its_rate() -> None:
    slack = Slack()
    slack.urls = lambda _name, _fresh: "https://hooks.slack.com/a"
    delivered(slack, *(message("ab"[number % 2], number) for number in range(10)))
    assert slack.time > 10 - BURST_POSTS - 1


def test_the_channels_of_one_webhook_take_turns() -> None:
    slack = Slack(seconds=8.0)
    slack.urls = lambda _name, _fresh: "https://hooks.slack.com/a"
    deliveries = delivered(slack, *(message(name, number) for name in "abc" for number in range(20)))
    taken = [delivery.message.channel for delivery in deliveries if delivery.outcome is Outcome.DELIVERED]
    assert taken[:9] == list("abcabcabc")


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 200), min_size=1),
    st.sampled_from(["abc", "aab", "aaa"]),
    st.floats(-5, 60),
)
def test_there_is_room_for_no_more_than_can_be_sent_and_none_is_left_unused(
    wanted: dict[str, int], webhooks: str, seconds: float
) -> None:
    slack = Slack(seconds=seconds)
    slack.urls = lambda name, _fresh: f"https://hooks.slack.com/{webhooks['abc'.index(name)]}"
    room = WebhookSender(CHANNELS, plain, slack.ports()).room(wanted)
    assert all(0 <= room[name] <= count for name, count in wanted.items())
    if seconds > 1:
        deliveries = delivered(slack, *(message(name, number) for name, count in room.items() for number in range(count)))
        assert {delivery.outcome for delivery in deliveries} <= {Outcome.DELIVERED}
    time = max(0.0, seconds) * SEND_BUDGET_RATIO
    if len(wanted) == 1:
        assert sum(room.values()) == min(
            sum(wanted.values()), BURST_POSTS + int(time / POST_INTERVAL_SECONDS), int(time / EXPECTED_POST_SECONDS)
        )


def test_a_webhook_is_remembered_from_one_call_to_the_next() -> None:
    slack = Slack({"a": [HttpResponse(404)]})
    courier = WebhookSender(CHANNELS, plain, slack.ports())
    assert [delivery.gone for delivery in (*courier.deliver([message()]), *courier.deliver([message()]))] == [True, True]
    assert len(slack.posts) == 1


def test_without_time_nothing_is_posted_and_everything_is_told() -> None:
    slack = Slack(seconds=0.2)
    deliveries = delivered(slack, message(), message(number=1))
    assert [(delivery.outcome, delivery.attempts) for delivery in deliveries] == [(Outcome.FAILED, 0)] * 2
    assert slack.posts == []


# --- the law ----------------------------------------------------------------------------------------------------------------

answers = st.sampled_from(
    [
        OK,
        HttpResponse(200, ""),
        HttpResponse(429, "", 0.0),
        HttpResponse(429, "", 3.0),
        HttpResponse(429, "", 900.0),
        HttpResponse(429),
        HttpResponse(500),
        HttpResponse(400, "invalid_blocks"),
        HttpResponse(400, "invalid_token"),
        HttpResponse(403, "invalid_token"),
        HttpResponse(404, "no_service"),
        HttpResponse(413),
        HttpResponse(302),
        HttpResponse(fault=PostFault.TIMEOUT),
    ]
)


@given(
    st.lists(st.sampled_from("abc"), max_size=25),
    st.dictionaries(st.sampled_from("abc"), st.lists(answers, min_size=1, max_size=6), max_size=3),
    st.floats(0, 30),
)
def test_every_message_has_one_delivery_in_order_and_in_time(
    names: list[str], script: dict[str, list[HttpResponse]], seconds: float
) -> None:
    slack = Slack(script, seconds)
    messages = [message(name, number) for number, name in enumerate(names)]
    deliveries = delivered(slack, *messages)
    for name in "abc":
        wanted = [one for one in messages if one.channel == name]
        assert [delivery.message for delivery in deliveries if delivery.message.channel == name] == wanted
    assert len(deliveries) == len(messages)
    assert slack.time <= seconds + SLOW
    taken = sum(delivery.outcome is Outcome.DELIVERED for delivery in deliveries)
    assert sum(delivery.attempts for delivery in deliveries) == len(slack.posts)
    assert taken <= len(slack.posts)
