"""The edge of the Lambda: wires environment, secrets, clock, HTTP and standard output into the engine.

A policy set that does not load, and a hash key that cannot be read, stop the start with an error that says why: Lambda reports it
and the events stay in the queue. Where published policy sets are followed, there always is one: see `engine.in_force`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.edge.claims import DeliveryTable
from engine.edge.http import post
from engine.edge.objects import opener
from engine.edge.refusals import Refusals
from engine.edge.secrets import Secrets
from engine.errors import PublishedSetError
from engine.in_force import Fixed, Followed, followed, of_zip
from engine.model import Deployment, Operator, Outcome, Ports
from engine.pipeline.audit import delivery_record, line
from engine.pipeline.batch import ASKING, Setting, run
from engine.pipeline.decode import decode
from engine.pipeline.deliver import WebhookSender, lasting
from engine.pipeline.outcome import answer, is_batch
from engine.pipeline.render import muted_notice, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model import PolicySet

MUTED = {"trailbell": "muted"}
"""The payload by which a schedule asks for the digest of what was muted."""

RESERVE = 3.0
"""Seconds of the Lambda's time kept back to write the last records and answer."""


class UndeliveredError(Exception):
    """Something of a direct invocation failed: Lambda tries an asynchronous one again, then hands it on as failed."""


def _emitter(invocation: str) -> Callable[[str], None]:
    """What writes a line of JSON to the log, with the id by which AWS knows the invocation."""
    start = f'{{"invocation":{json.dumps(invocation)},'

    def emit(line: str) -> None:
        sys.stdout.write(f"{start}{line[1:]}\n")
        sys.stdout.flush()

    return emit


def _ports(secrets: Secrets, remaining: Callable[[], float], invocation: str) -> Ports:
    return Ports(
        post=REFUSALS.post,
        webhook=secrets.webhook,
        emit=_emitter(invocation),
        now=lambda: datetime.now(UTC),
        elapsed=time.monotonic,
        sleep=time.sleep,
        remaining=remaining,
        claims=CLAIMS,
    )


def _setting(policies: PolicySet) -> Setting:
    deployment = Deployment(
        region=os.environ.get("AWS_REGION"),
        log_group=os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"),
        role=os.environ.get("TRAILBELL_ROLE"),
        changes=os.environ.get("TRAILBELL_CHANGES_URL"),
        function=os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
    )
    return Setting(policies, deployment, SECRETS.hash_key() if _hashes(policies) else None)


def _hashes(policies: PolicySet) -> bool:
    return any(operator is Operator.HASH for level in policies.levels for operator in level.operators.values())


def _policies() -> Fixed | Followed:
    """The set of the zip, of a folder, or those published at a place of S3, as the environment says."""
    home, named = Path(__file__).parent, os.environ.get("TRAILBELL_POLICIES")
    if named is None or not named.startswith("s3://"):
        return Fixed(_setting(of_zip(home, named)))
    key_id, every = os.environ.get("TRAILBELL_POLICIES_KEY"), float(os.environ.get("TRAILBELL_POLICIES_SECONDS", "60"))
    if not key_id:
        raise PublishedSetError("TRAILBELL_POLICIES is in S3, so TRAILBELL_POLICIES_KEY has to name the KMS key that signs")
    return followed(named, key_id, every, _setting, home)


def _tell_muted(ports: Ports) -> None:
    """Tell the channel that the environment names what was muted and silenced yesterday."""
    policies, now = POLICIES.setting.policies, ports.now()
    channel = policies.channels.get(os.environ.get("TRAILBELL_MUTED_CHANNEL", ""))
    if CLAIMS is None or channel is None:
        raise UndeliveredError("TRAILBELL_DELIVERY_TABLE must name a table, TRAILBELL_MUTED_CHANNEL a channel of the policies")
    day = now.date() - timedelta(days=1)
    message = muted_notice(CLAIMS.muted(day.isoformat()), policies, channel, day, now)
    for delivery in WebhookSender(policies.channels, plain, ports).deliver([message]):
        ports.emit(line(delivery_record(delivery, channel.name, [], policies.revision, now)))
        if delivery.outcome is Outcome.FAILED:
            raise UndeliveredError(f"the digest of what was muted was not delivered: {delivery.reason}")


FETCH = opener()
REFUSALS = Refusals(post, lasting)
SECRETS = Secrets(os.environ)
CLAIMS = DeliveryTable(os.environ["TRAILBELL_DELIVERY_TABLE"]) if os.environ.get("TRAILBELL_DELIVERY_TABLE") else None
POLICIES = _policies()


def handler(payload: object, context: Any) -> object:  # noqa: ANN401  Lambda's context has no type of its own
    """Everything that one payload asks for; the answer names the batch items that must come again."""

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000 - RESERVE

    ports = _ports(SECRETS, remaining, context.aws_request_id)
    POLICIES.renew(ports)
    if payload == MUTED:
        _tell_muted(ports)
        POLICIES.tell(ports)
        return None
    result = run(decode(payload, FETCH), POLICIES.setting, ports)
    if CLAIMS is not None and result.tally.hushed and remaining() > ASKING:
        CLAIMS.remember(ports.now().date().isoformat(), result.tally.hushed)
    POLICIES.tell(ports)
    if result.failed and not is_batch(payload):
        raise UndeliveredError("something could not be read, decided or delivered; the audit records say what")
    return answer(payload, result.failed_items)
