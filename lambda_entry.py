"""The Lambda: connects environment, secrets, clock, HTTP and standard output to the engine.

`handler` decodes a payload, `engine.pipeline.batch.run` does the rest: each event is selected, decided, recorded, masked,
rendered and posted to Slack, in that order.

A policy set that does not load, and a hash key that cannot be read, stop the start with an error that says why: Lambda reports it
and the events stay in the queue. Where published policy sets are used, there always is one: see `engine.active_policies`.
"""

from __future__ import annotations

import gc

gc.disable()  # nothing that is imported is garbage, and looking for some takes a tenth of the start

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from engine.active_policies import FixedPolicies, PolicyUpdater, PublishedSource, load_bundled, policy_updater
from engine.edge.canary import probe_of, read_canary
from engine.edge.claims import DeliveryTable
from engine.edge.http import post
from engine.edge.negative_cache import NegativeResponseCache
from engine.edge.objects import object_fetcher
from engine.edge.outbox_table import DynamoStore
from engine.edge.secrets import Secrets
from engine.edge.self_test import self_test
from engine.edge.threads import side_by_side
from engine.errors import PublishedSetError
from engine.model import Deployment, Operator, Outcome, Ports
from engine.outbox.calls import Calls
from engine.outbox.outbox import Outbox
from engine.outbox.store import MemoryStore, TableAwayError
from engine.pipeline.answers import refusal_ttl
from engine.pipeline.audit import delivery_record, line, self_test_record
from engine.pipeline.batch import emit_drained, run
from engine.pipeline.decode import decode
from engine.pipeline.deliver import WebhookSender
from engine.pipeline.drain import Drain
from engine.pipeline.metrics import probe_failed_metric, silence_metric
from engine.pipeline.posting import CLAIM_MIN_SECONDS, LOCAL_WORKERS
from engine.pipeline.render import muted_notice, plain
from engine.pipeline.response import lambda_response, receive_counts, supports_partial_failure
from engine.pipeline.setting import Setting
from engine.policy.scopes import named_buckets

gc.freeze()
gc.enable()

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model import PolicySet

MUTED_DIGEST: Final = {"trailbell": "muted"}
"""The scheduled payload that requests the daily report of muted events."""

DRAIN: Final = {"trailbell": "drain"}
"""The payload of each minute: send what is owed."""

SELF_TEST: Final = {"trailbell": "self-test"}
"""The payload of whoever may invoke the function and asks whether it can read what it needs. Nothing is posted."""

PROBE: Final = {"trailbell": "probe"}
"""The payload of each five minutes, where the stack has a probe: read its object, whose event has to come."""

DRAIN_SECONDS: Final = 48.0

RESERVE_SECONDS: Final = 3.0
"""Of the Lambda's time, kept back to write the last records and return."""


class UndeliveredError(Exception):
    """Part of a direct invocation failed: Lambda retries an asynchronous one, then passes it on as failed."""


def handler(payload: object, context: Any) -> object:  # noqa: ANN401  Lambda's context has no type of its own
    """Process one payload.

    Returns the batch items to retry; raises `UndeliveredError` for a failed payload that is not a batch.
    """

    def remaining() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000 - RESERVE_SECONDS

    ports = _ports(SECRETS, remaining, context.aws_request_id)
    POLICIES.update(ports)
    if payload == MUTED_DIGEST:
        _post_muted_digest(ports)
        POLICIES.post_notices(ports)
        return None
    if payload == DRAIN:
        _drain(ports)
        _report_silence(ports)
        POLICIES.post_notices(ports)
        return None
    if payload == SELF_TEST:
        return _self_test(ports)
    if payload == PROBE:
        return _probe(ports)
    outbox = _outbox()
    result = run(
        decode(payload, FETCH), POLICIES.setting, ports, outbox, receive_counts=receive_counts(payload), local=LOCAL_OUTBOX
    )
    if CLAIMS is not None and result.tally.suppressed and remaining() > CLAIM_MIN_SECONDS:
        CLAIMS.remember(ports.now().date().isoformat(), result.tally.suppressed)
    if CLAIMS is not None and remaining() > CLAIM_MIN_SECONDS:
        CLAIMS.note_events({*named_buckets(POLICIES.setting.policies), *EXPECTED_BUCKETS} & result.tally.buckets)
    POLICIES.post_notices(ports)
    if result.failed and not supports_partial_failure(payload):
        raise UndeliveredError("something could not be read, decided or delivered; the audit records say what")
    return lambda_response(payload, result.failed_items)


def _ports(secrets: Secrets, remaining: Callable[[], float], invocation: str) -> Ports:
    return Ports(
        post=NEGATIVE_CACHE.post,
        webhook=secrets.webhook,
        emit=_emitter(invocation),
        now=lambda: datetime.now(UTC),
        elapsed=time.monotonic,
        sleep=time.sleep,
        remaining=remaining,
        claims=CLAIMS,
        log_files=CLAIMS,
        side_by_side=side_by_side,
    )


def _outbox() -> Outbox:
    """The outbox of one invocation: the table's, or a dictionary that shares Slack's rate with the function's other workers.

    Its name is drawn: Lambda gives a retry the request id of the first try, whose rows and transactions are not the retry's.
    """
    invocation = os.urandom(12).hex()
    if OUTBOX is not None:
        return OUTBOX.used_by(invocation)
    memory = Calls(MemoryStore(Lock()), time.monotonic, time.sleep, _jitter)
    return Outbox(memory, _milliseconds, invocation, int(os.environ.get("TRAILBELL_WORKERS", "2")))


def _shared_outbox(table: str | None) -> Outbox | None:
    if not table:
        return None
    return Outbox(Calls(DynamoStore(table), time.monotonic, time.sleep, _jitter), _milliseconds, "")


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


def _jitter() -> float:
    """A number from 0 to 1 that differs between workers; not for secrets."""
    return (time.perf_counter_ns() // 1_000 % 997) / 997


def _drain(ports: Ports) -> None:
    """Send what every channel is owed, also what invocations booked that have died since."""
    if OUTBOX is None:
        return
    outbox = _outbox()
    try:
        known = outbox.rows.known_channels()
    except TableAwayError:
        return
    channels = dict.fromkeys([*POLICIES.setting.policies.channels, *known])
    emit_drained(
        Drain(POLICIES.setting, ports, outbox, DRAIN_SECONDS).run({}, channels), ports, POLICIES.setting.deployment.function
    )


def _report_silence(ports: Ports) -> None:
    """Write which of the expected buckets has had no event for longest. One that has had none yet is counted from now on."""
    if CLAIMS is None or not EXPECTED_BUCKETS or ports.remaining() <= CLAIM_MIN_SECONDS:
        return
    (last, unread), now = CLAIMS.last_events(), ports.now()
    if unread:
        return
    CLAIMS.note_events(EXPECTED_BUCKETS - last.keys())
    bucket = min(EXPECTED_BUCKETS, key=lambda name: last.get(name, now.timestamp()))
    hours = (now.timestamp() - last.get(bucket, now.timestamp())) / 3600
    ports.emit(line(silence_metric(bucket, hours, now, POLICIES.setting.deployment.function)))


def _self_test(ports: Ports) -> dict[str, Any]:
    answer = self_test(POLICIES.setting.policies, ports, CLAIMS)
    ports.emit(line(self_test_record(answer, ports.now())))
    return answer


def _probe(ports: Ports) -> dict[str, str]:
    """Read the probe's object. `problem`: why that failed, "" where it did not."""
    deployment = POLICIES.setting.deployment
    problem = "the function has no TRAILBELL_PROBE" if deployment.probe is None else read_canary(deployment.probe)
    if problem:
        ports.emit(line(probe_failed_metric(problem, ports.now(), deployment.function)))
    return {"problem": problem}


def _emitter(invocation: str) -> Callable[[str], None]:
    """A function that writes a JSON line to the log, with AWS's id of the invocation as its first member."""
    start = f'{{"invocation":{json.dumps(invocation)},'

    def emit(line: str) -> None:
        sys.stdout.write(f"{start}{line[1:]}\n")
        sys.stdout.flush()

    return emit


def _post_muted_digest(ports: Ports) -> None:
    """Post what was muted and silenced yesterday to the channel that the environment names."""
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


# --- at the start of a process ------------------------------------------------------------------------------------------------


def _policies() -> FixedPolicies | PolicyUpdater:
    """The set of the zip, of a folder, or the ones published in S3, as the environment says."""
    home, named = Path(__file__).parent, os.environ.get("TRAILBELL_POLICIES")
    if named is None or not named.startswith("s3://"):
        return FixedPolicies(_setting(load_bundled(home, named)))
    key_id = os.environ.get("TRAILBELL_POLICIES_KEY")
    poll_seconds = float(os.environ.get("TRAILBELL_POLICIES_SECONDS", "60"))
    if not key_id:
        raise PublishedSetError("TRAILBELL_POLICIES is in S3, so TRAILBELL_POLICIES_KEY has to name the KMS key that signs")
    source = PublishedSource(named, key_id, poll_seconds, os.environ.get("TRAILBELL_DELIVERY_TABLE"))
    return policy_updater(source, _setting, home)


def _setting(policies: PolicySet) -> Setting:
    deployment = Deployment(
        region=os.environ.get("AWS_REGION"),
        log_group=os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"),
        role=os.environ.get("TRAILBELL_ROLE"),
        changes=os.environ.get("TRAILBELL_CHANGES_URL"),
        function=os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
        probe=probe_of(os.environ),
    )
    return Setting(policies, deployment, SECRETS.hash_key() if _hashes(policies) else None)


def _hashes(policies: PolicySet) -> bool:
    return any(operator is Operator.HASH for level in policies.levels for operator in level.operators.values())


EXPECTED_BUCKETS = frozenset(os.environ.get("TRAILBELL_EXPECTED_BUCKETS", "").split(",")) - {""}
NEGATIVE_CACHE = NegativeResponseCache(post, refusal_ttl)
SECRETS = Secrets(os.environ)
CLAIMS = DeliveryTable(os.environ["TRAILBELL_DELIVERY_TABLE"]) if os.environ.get("TRAILBELL_DELIVERY_TABLE") else None
FETCH = object_fetcher(done=CLAIMS.records_done) if CLAIMS is not None else object_fetcher()
OUTBOX = _shared_outbox(os.environ.get("TRAILBELL_DELIVERY_TABLE"))
LOCAL_OUTBOX = Outbox(Calls(MemoryStore(Lock()), time.monotonic, time.sleep, _jitter), _milliseconds, "local", LOCAL_WORKERS)
POLICIES = _policies()
gc.freeze()  # what a start made stays, so no collection looks at it again
