"""Which link of a deployed stack is broken, and how to fix it, judged from the state that was read elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from engine.model import Channel, PolicySet
    from engine.model.stack import StackState


class Health(StrEnum):
    """Whether a link works."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One link from the trail to Slack: its name, its health, what was seen, and how to fix it (empty if it works)."""

    name: str
    health: Health
    seen: str
    remedy: str = ""


STALE_SECONDS: Final = 900
"""A message that has waited longer than this is not being processed."""


def diagnose(state: StackState, policies: PolicySet, now: datetime) -> tuple[ChainLink, ...]:
    """Return every link from the trail to Slack, in the order in which an event passes them."""
    return (
        *_trail(state, policies),
        *_rule(state, policies),
        *_queue(state),
        *_function(state),
        *_published(state),
        *(_destination(state, channel) for channel in policies.channels.values()),
        *_outbox(state, policies),
        _last_event(state, now),
        _foreign(state),
    )


def named_buckets(policies: PolicySet) -> tuple[str, ...]:
    """Return the buckets that a policy set names without wildcards, each once, in order."""
    patterns = (bucket for policy in policies.policies for bucket in policy.buckets or ())
    return tuple(dict.fromkeys(bucket for bucket in patterns if not set("*?") & set(bucket)))


def _trail(state: StackState, policies: PolicySet) -> Iterator[ChainLink]:
    prefixes = state.trail_prefixes
    if prefixes is None:
        yield _unknown("trail", state, "trail")
        return
    for bucket in named_buckets(policies):
        recorded = any(f"arn:aws:s3:::{bucket}/".startswith(prefix) for prefix in prefixes)
        yield _link(
            f"trail records {bucket}",
            recorded,
            "its data events are recorded" if recorded else "no trail of this region records its reads and writes",
            f"add arn:aws:s3:::{bucket}/ to a trail's data events (aws cloudtrail put-event-selectors)",
        )


def _rule(state: StackState, policies: PolicySet) -> Iterator[ChainLink]:
    if state.rule_enabled is None:
        yield _unknown("rule", state, "rule")
        return
    yield _link("rule is enabled", state.rule_enabled, "enabled" if state.rule_enabled else "disabled", "aws events enable-rule")
    yield _link("rule has a target", bool(state.rule_targets), f"{state.rule_targets} targets", "deploy the stack again")
    yield from _let_through("bucket", named_buckets(policies), state.rule_buckets, "BucketNames")
    yield from _let_through("event", sorted(policies.selection.names or ()), state.rule_events, "EventNames")


def _let_through(kind: str, wanted: Iterable[str], allowed: frozenset[str] | None, parameter: str) -> Iterator[ChainLink]:
    missing = [name for name in wanted if allowed is not None and name not in allowed]
    seen = f"not let through: {', '.join(missing)}" if missing else "all that the policies name"
    yield _link(f"rule lets each {kind} through", not missing, seen, f"add them to the stack's parameter {parameter}")


def _queue(state: StackState) -> Iterator[ChainLink]:
    if state.dead is None:
        yield _unknown("dead letters", state, "dead letters")
    else:
        remedy = "see why in the log, then aws sqs start-message-move-task"
        yield _link("no dead letters", state.dead == 0, f"{state.dead} messages", remedy)
    if state.direct:
        return
    if state.queue_enabled is None or state.waiting is None:
        yield _unknown("queue", state, "queue")
        return
    seen = "Lambda reads it" if state.queue_enabled else "Lambda does not read it"
    yield _link("queue is read", state.queue_enabled, seen, "aws lambda update-event-source-mapping --enabled")
    fresh = state.oldest is None or state.oldest < STALE_SECONDS
    seen = f"{state.waiting} waiting, the oldest for {state.oldest or 0} s"
    yield _link("queue drains", fresh, seen, "look at the function's errors and throttles, or raise MaximumConcurrency")


def _function(state: StackState) -> Iterator[ChainLink]:
    if state.function_state is None:
        yield _unknown("function", state, "function")
    else:
        active = state.function_state == "Active"
        yield _link("function is active", active, state.function_state, "aws lambda get-function says why")


def _published(state: StackState) -> Iterator[ChainLink]:
    """Whether a stack that follows published sets remembers the highest number of one, for functions that start anew."""
    if state.environment is None or "TRAILBELL_POLICIES_KEY" not in state.environment:
        return
    seen = "the table has the highest number" if state.has_table else "a function that starts anew takes any older signed set"
    yield _link("older policy sets are refused", state.has_table, seen, "deploy the stack with DeliveryTable=yes")


def _destination(state: StackState, channel: Channel) -> ChainLink:
    ref, name = channel.webhook, f"{'topic' if channel.webhook.sns else 'webhook'} of {channel.name}"
    if ref.sns is not None:
        there = state.topics.get(ref.sns)
        if there is None:
            return ChainLink(
                name, Health.UNKNOWN, f"{ref.sns} could not be read", "give yourself permission to read its attributes"
            )
        return _link(name, there, f"{ref.sns} {_is(there)}", "create the topic, and name it in the stack's parameter TopicArns")
    if ref.env is not None:
        if state.environment is None:
            return _unknown(name, state, "function")
        exists = ref.env in state.environment
        return _link(
            name, exists, f"variable {ref.env} {_is(exists)}", f"set {ref.env} on the function, or keep the webhook in a secret"
        )
    place, known = (
        (f"secret {ref.secret}", state.secrets.get(ref.secret)) if ref.secret else _parameter(state, ref.parameter or "")
    )
    if known is None:
        return ChainLink(name, Health.UNKNOWN, f"{place} could not be read", "give yourself permission to describe it")
    return _link(name, known, f"{place} {_is(known)}", f"create the {place}")


def _parameter(state: StackState, parameter: str) -> tuple[str, bool | None]:
    return f"parameter {parameter}", state.parameters.get(parameter)


def _is(exists: bool) -> str:  # noqa: FBT001  a fact, not a switch
    return "exists" if exists else "does not exist"


def _outbox(state: StackState, policies: PolicySet) -> Iterator[ChainLink]:
    """Whether what channels are to hear is kept, found and sent."""
    if not state.has_table:
        names = [channel.name for channel in policies.channels.values() if channel.incident is not None]
        if names:
            seen = f"without a table each is one batch: {', '.join(names)}"
            yield ChainLink("incidents last", Health.BROKEN, seen, "deploy the stack with DeliveryTable=yes")
        return
    deploy = "deploy the stack again"
    if state.index_active is None:
        yield _unknown("what is owed is found", state, "table")
    else:
        seen = "the index owed is active" if state.index_active else "the table has no index owed, or it is being filled"
        yield _link("what is owed is found", state.index_active, seen, deploy)
    if state.schedule_enabled is None:
        yield _unknown("what is owed is sent", state, "schedule")
        return
    runs = state.schedule_enabled and ("owed" in state.unread or state.oldest_owed is not None)
    seen = (
        "each minute" if runs else "the function has said nothing of it" if state.schedule_enabled else "the schedule is disabled"
    )
    remedy = "see the function's errors" if state.schedule_enabled else "aws events enable-rule"
    yield _link("what is owed is sent", runs, seen, remedy)
    if state.owed is None:
        yield _unknown("channels take messages", state, "owed")
        return
    for name, seconds in state.owed.items():
        remedy = "trailbell send-test says what its destination answers"
        yield _link(f"{name} takes messages", seconds < STALE_SECONDS, f"an alert has been owed for {seconds} s", remedy)


def _last_event(state: StackState, now: datetime) -> ChainLink:
    name = "an event came recently"
    if "metrics" in state.unread:
        return _unknown(name, state, "metrics")
    if state.last_event is None:
        return ChainLink(
            name,
            Health.BROKEN,
            "none in the last 24 hours",
            "read an object of a watched bucket, and run this again in ten minutes",
        )
    hours = (now - state.last_event).total_seconds() / 3600
    return ChainLink(name, Health.OK, f"{hours:.1f} hours ago")


def _foreign(state: StackState) -> ChainLink:
    """Whether only CloudTrail's events arrive. S3 sends events of its own with the same source, which are not audit events."""
    name = "only CloudTrail's events come"
    if state.foreign is None:
        return _unknown(name, state, "metrics")
    seen = f"{state.foreign} others in the last 24 hours" if state.foreign else "no others in the last 24 hours"
    remedy = (
        'have the rule take the detail-type "AWS API Call via CloudTrail" alone; the log says what the others are (passed_over)'
    )
    return _link(name, not state.foreign, seen, remedy)


def _link(name: str, works: bool, seen: str, remedy: str) -> ChainLink:  # noqa: FBT001  a fact, not a switch
    return ChainLink(name, Health.OK if works else Health.BROKEN, seen, "" if works else remedy)


def _unknown(name: str, state: StackState, part: str) -> ChainLink:
    return ChainLink(
        name,
        Health.UNKNOWN,
        f"could not be read: {state.unread.get(part, 'it is not in the stack')}",
        "see the stack's resources",
    )
