"""Messages for SNS topics: what is published, over HTTP to a simulated AWS, and what its answers mean."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from builders import NOW, STANDARD, STRICT, channel, event, policy, policy_set, route
from hypothesis import given
from hypothesis import strategies as st
from simulated_aws import SimulatedAws

from engine.edge import topics
from engine.edge.http import post
from engine.edge.secrets import Secrets
from engine.model import (
    Channel,
    Deployment,
    HttpResponse,
    Language,
    LocalizedText,
    Outcome,
    Ports,
    PostFault,
    Severity,
    WebhookRef,
)
from engine.pipeline.answers import refusal_ttl
from engine.pipeline.decide import decide
from engine.pipeline.deliver import WebhookSender
from engine.pipeline.mask import mask
from engine.pipeline.render import plain, render, trial_notice
from engine.pipeline.render.body import SUBJECT_MAX_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model import Message

REGION = "ap-northeast-1"
BODY = b'{"Subject": "a", "Message": "b", "MessageAttributes": {}}'


@pytest.fixture(scope="module")
def aws() -> Iterator[SimulatedAws]:
    with SimulatedAws() as server:
        yield server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials that are none, and no client of another test."""
    for name, value in {"ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    topics._client.cache_clear()
    yield
    topics._client.cache_clear()


def of_topic(arn: str = f"arn:aws:sns:{REGION}:111122223333:pager", **parts: Any) -> Channel:
    return channel("pager", STANDARD, **parts)._replace(webhook=WebhookRef(sns=arn))


def message(to: Channel, record: Mapping[str, Any] | None = None, **asked: Any) -> Message:
    """The message about an event for a channel."""
    happened = event(**(record or {}))
    policies = policy_set(policy("p", route("r", notify=("pager",))), channels={"pager": to, "ops": channel("ops")})
    decision = decide(happened, policies, NOW)
    request = next(one for one in decision.verdict.requests if one.channel == "pager")._replace(**{"level": STANDARD, **asked})
    return render(mask(happened, decision, request.level, None), decision, request, to, Deployment())


# --- what is published ------------------------------------------------------------------------------------------------------


def test_a_subscriber_reads_the_message_as_text_and_may_filter_by_its_attributes(
    aws: SimulatedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    sns, sqs = (boto3.client(service, region_name=REGION) for service in ("sns", "sqs"))
    arn = sns.create_topic(Name="trailbell-critical")["TopicArn"]
    queue = sqs.create_queue(QueueName="pager")["QueueUrl"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:pager")
    to = of_topic(arn)
    ports = Ports(
        post=post,
        webhook=Secrets({}).webhook,
        emit=lambda _: None,
        now=lambda: NOW,
        elapsed=lambda: 0.0,
        sleep=lambda _: None,
        remaining=lambda: 30.0,
    )
    sent = message(to, severity=Severity.CRITICAL)
    (delivery,) = WebhookSender({"pager": to}, plain, ports).deliver([sent])
    assert (delivery.outcome, delivery.status) == (Outcome.DELIVERED, 200)
    (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    notification = json.loads(received["Body"])
    assert notification["Subject"] == "[critical] Analyst (unknown analyst@example.com) read payments-prod"
    assert notification["Message"].startswith("🚨 Analyst (unknown analyst@example.com) read payments-prod\n")
    assert {name: value["Value"] for name, value in notification["MessageAttributes"].items()} == {
        "severity": "critical",
        "class": "unknown",
        "channel": "pager",
    }


def test_the_class_is_no_attribute_where_the_level_hides_it() -> None:
    assert set(message(of_topic(), level=STRICT).payload["MessageAttributes"]) == {"severity", "channel"}


def test_a_topic_mentions_nobody_and_its_text_has_no_markup() -> None:
    made = message(of_topic(), title=LocalizedText("<!channel> & <@U012> read"))
    assert set(made.payload) == {"Subject", "Message", "MessageAttributes"}
    assert "<!channel> & <@U012> read" in made.payload["Message"]
    assert plain(made) == made


def test_an_address_in_an_event_is_no_link_in_a_mail() -> None:
    made = message(of_topic(), {"requestParameters": {"bucketName": "b", "key": "https://evil.example/x"}})
    assert "https://evil" not in made.body.decode()
    assert "evil.example" in made.payload["Message"]


@given(st.text(max_size=200), st.sampled_from(Severity), st.sampled_from(Language))
def test_a_subject_is_ascii_on_one_line_of_fewer_than_a_hundred_characters(
    title: str, severity: Severity, language: Language
) -> None:
    made = message(of_topic(language=language), title=LocalizedText(title), severity=severity)
    subject = made.payload["Subject"]
    assert subject.startswith(f"[{severity.value}] ")
    assert len(subject) <= SUBJECT_MAX_LENGTH < 100
    assert subject.isascii()
    assert subject.isprintable()
    assert made.payload["Message"].count("\n") < 10


def test_a_test_message_says_what_it_is() -> None:
    payload = trial_notice(of_topic(), "sha256:0123456789ab").payload
    assert payload["Subject"] == "[info] Test of the channel pager"
    assert "It works" in payload["Message"]


# --- what SNS answers -------------------------------------------------------------------------------------------------------


def test_a_topic_that_does_not_exist_is_gone(aws: SimulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    answer = post(f"arn:aws:sns:{REGION}:123456789012:nowhere", BODY, 5.0)
    assert answer == HttpResponse(404, "NotFound")
    assert refusal_ttl(answer) > 0


class _Stub(BaseHTTPRequestHandler):
    """SNS with one answer for everybody: a status and a code."""

    status = 200
    code = ""
    requests = 0

    def do_POST(self) -> None:
        type(self).requests += 1
        body = (
            f"<ErrorResponse><Error><Type>x</Type><Code>{self.code}</Code><Message>m</Message></Error></ErrorResponse>".encode()
        )
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Stub]]:
    handler = type("Handler", (_Stub,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield handler
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [
        (404, "NotFound", 404),
        (403, "AuthorizationError", 404),
        (403, "AccessDenied", 404),
        (400, "KMSAccessDenied", 404),
        (400, "InvalidParameter", 404),
        (400, "Throttling", 429),
        (429, "Throttled", 429),
        (400, "KMSThrottling", 429),
        (403, "ExpiredToken", 500),
        (500, "InternalError", 500),
        (503, "ServiceUnavailable", 500),
    ],
)
def test_what_sns_answers_means_what_slack_would_have_said(stub: type[_Stub], status: int, code: str, means: int) -> None:
    stub.status, stub.code = status, code
    assert post(f"arn:aws:sns:{REGION}:111122223333:pager", BODY, 5.0) == HttpResponse(means, code)
    assert stub.requests == 1


def test_a_topic_without_an_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = f"arn:aws:sns:{REGION}:111122223333:pager"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert post(arn, BODY, 1.0) == HttpResponse(fault=PostFault.TIMEOUT)
    topics._client.cache_clear()
    assert post(arn, BODY, 1.0) == HttpResponse(fault=PostFault.CONNECTION)
