"""The function under AWS's runtime client, with simulated AWS services and a Slack of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from builders import record
from runtime_api import Lambda
from stub_slack import StubSlack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICIES = """
version: 1
name: base
owner: security
channels:
  - {name: by-env, webhook: {env: SLACK_WEBHOOK_URL}, fallback: by-parameter}
  - {name: by-secret, webhook: {secret: trailbell/slack, key: watch}}
  - {name: by-parameter, webhook: {parameter: /trailbell/slack/watch}}
masking:
  - level: standard
    fields: {time: keep, event: keep, bucket: keep, key: keep, source_ip: network, name: keep, account: mask, event_id: keep}
default: {notify: [by-env], masking: standard}
audit: {masking: open}
routes:
  - {id: secret, when: "glob(key, 'secret/*')", notify: [by-secret], continue: true}
  - {id: parameter, when: "glob(key, 'parameter/*')", notify: [by-parameter], continue: true}
  - {id: job, when: "glob(key, 'job/*') && bucket == 'payments-prod'", mute: a nightly job, everyone: true}
"""


class LambdaWorld:
    """One function with its own Slack and policies, and clients of the AWS that it sees."""

    def __init__(self, aws: str, slack: StubSlack, function: Lambda) -> None:
        self.aws, self.slack, self.function = aws, slack, function

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return client(self.aws, service)


def client(aws: str, service: str) -> Any:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, endpoint_url=aws, region_name="eu-west-1", **keys)


@contextmanager
def world(aws: str, tmp_path: Path, policies: str = POLICIES, **environment: str) -> Iterator[LambdaWorld]:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "base.yaml").write_text(policies, encoding="utf-8")
    with StubSlack() as slack:
        settings = {
            "SLACK_WEBHOOK_URL": slack.url("env/token-e"),
            "TRAILBELL_WEBHOOK_HOSTS": slack.host,
            "TRAILBELL_POLICIES": str(folder),
            "AWS_ENDPOINT_URL": aws,
            **environment,
        }
        with Lambda(settings) as function:
            yield LambdaWorld(aws, slack, function)


def read_of(key: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    return record(eventID=f"event-{number}", requestParameters={"bucketName": "payments-prod", "key": key}, **changes)


def bridged(detail: dict[str, Any]) -> dict[str, Any]:
    return {"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": detail}


def sqs(*bodies: str) -> dict[str, Any]:
    items = [{"messageId": f"m{number}", "eventSource": "aws:sqs", "body": body} for number, body in enumerate(bodies)]
    return {"Records": items}
