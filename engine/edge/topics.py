"""One message published to an SNS topic: nothing is raised, and SNS's answer is returned as an HTTP response, as Slack's is."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from engine.edge.threads import MAKING_A_CLIENT
from engine.model import HttpResponse, PostFault

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_LONGEST_SECONDS: Final = 6
"""For one message: half of it to connect, half of it for the answer."""

_SERVER_ERROR: Final = 500

_THROTTLED: Final = frozenset(
    {"Throttled", "ThrottledException", "Throttling", "ThrottlingException", "KMSThrottling", "KMSThrottlingException"}
)
_PASSING: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestTimeout"})
"""Errors that the client's next credentials, or its next try, may not have.

Source of all codes: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html and its common errors.
"""


def publish(topic: str, body: bytes, timeout: float) -> HttpResponse:
    """Publish a message; `body` is JSON, the parameters of `Publish` but for the topic. `timeout` is in seconds, one at least.

    200 and `ok`: published. 429: throttled. 404: the topic does not exist, may not be published to, or refuses the message, which
    stays so. 500: SNS is out of order. A fault: no answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where a channel is a topic

    try:
        _client(topic.split(":")[3], min(max(int(timeout), 1), _LONGEST_SECONDS)).publish(TopicArn=topic, **json.loads(body))
    except ClientError as error:
        return _answer(error)
    except BotoCoreError as error:
        return HttpResponse(fault=_fault(error))
    return HttpResponse(200, "ok")


@cache
def _client(region: str, seconds: int) -> Any:  # noqa: ANN401  boto3 clients have no types
    """The client of the topic's region, which need not be the function's. It does not retry: what is sent twice arrives twice."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(connect_timeout=seconds / 2, read_timeout=seconds / 2, retries={"mode": "standard", "total_max_attempts": 1})
    with MAKING_A_CLIENT:
        return boto3.client("sns", region_name=region, config=config)


def _answer(error: ClientError) -> HttpResponse:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _THROTTLED:
        return HttpResponse(429, code)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
    if status >= _SERVER_ERROR or code in _PASSING:
        return HttpResponse(500, code)
    return HttpResponse(404, code)


def _fault(error: BotoCoreError) -> PostFault:
    from botocore import exceptions  # noqa: PLC0415

    if isinstance(error, exceptions.ConnectTimeoutError | exceptions.ReadTimeoutError):
        return PostFault.TIMEOUT
    if isinstance(error, exceptions.SSLError):
        return PostFault.TLS
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return PostFault.CONNECTION
    return PostFault.PROTOCOL
