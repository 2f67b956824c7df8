"""Which link of a deployed stack is broken, and the command that mends it, judged from the state that was read elsewhere.

A link is a step on an event's way, and whether the next part may be used by the one before, not only whether it is there. Where
Terraform made the stack, `terraform apply` makes again what is gone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.policy.scopes import named_buckets
from engine.workbench.chain_links import ChainLink, Health, broken, is_gone, judged, mended, unknown
from engine.workbench.stack_rights import reads_log_files, rights
from engine.workbench.stack_watch import archive, function_answers, last_events, probe, watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from engine.model import Channel, PolicySet
    from engine.model.stack import StackState


_ATTRIBUTES: Final = "AttributeName=owed,AttributeType=S AttributeName=due,AttributeType=N"
_INDEX: Final = (
    '{"IndexName":"owed","KeySchema":[{"AttributeName":"owed","KeyType":"HASH"},{"AttributeName":"due","KeyType":"RANGE"}],'
    '"Projection":{"ProjectionType":"KEYS_ONLY"}}'
)

STALE_SECONDS: Final = 900
"""A message that has waited longer than this is not being processed."""


def diagnose(state: StackState, policies: PolicySet, now: datetime) -> tuple[ChainLink, ...]:
    """Return every link from the trail to Slack, in the order in which an event passes them."""
    return (
        *_trail(state, policies),
        *_rule(state, policies),
        *_queue(state),
        *rights(state),
        *_function(state),
        *_live(state),
        *function_answers(state),
        *_published(state),
        *(_destination(state, channel) for channel in policies.channels.values()),
        *_outbox(state, policies),
        *watched(state),
        *archive(state),
        *probe(state),
        _last_event(state, now),
        *last_events(state, now, named_buckets(policies)),
        _foreign(state),
    )


def _trail(state: StackState, policies: PolicySet) -> Iterator[ChainLink]:
    prefixes = state.trail_prefixes
    if prefixes is None:
        yield unknown("trail", state, "trail")
        return
    for bucket in named_buckets(policies):
        recorded = any(f"arn:aws:s3:::{bucket}/".startswith(prefix) for prefix in prefixes)
        yield judged(
            f"trail records {bucket}",
            recorded,
            "its data events are recorded" if recorded else "no trail of this region records its reads and writes",
            f"add arn:aws:s3:::{bucket}/ to a trail's data events: aws cloudtrail put-event-selectors --trail-name TRAIL"
            f" --advanced-event-selectors '{_selectors(bucket)}' (with those that it has: get-event-selectors)",
        )


def _selectors(bucket: str) -> str:
    wanted = (("eventCategory", "Equals", "Data"), ("resources.type", "Equals", "AWS::S3::Object"))
    arn = ("resources.ARN", "StartsWith", f"arn:aws:s3:::{bucket}/")
    fields = [{"Field": field, operator: [value]} for field, operator, value in (*wanted, arn)]
    return json.dumps([{"Name": bucket, "FieldSelectors": fields}], separators=(",", ":"))


def _rule(state: StackState, policies: PolicySet) -> Iterator[ChainLink]:
    if reads_log_files(state):
        return
    if state.rule_enabled is None:
        yield _absent("rule", state, "rule", "deploy the stack anew")
        return
    bus, _, rule = state.parts.get("Rule", "").rpartition("|")
    named = f"{rule} --event-bus-name {bus}" if bus else rule
    seen = "enabled" if state.rule_enabled else "disabled"
    yield judged("rule is enabled", state.rule_enabled, seen, f"aws events enable-rule --name {named}")
    yield _target(state, named)
    yield from _let_through("bucket", named_buckets(policies), state.rule_buckets, "BucketNames")
    yield from _let_through("event", sorted(policies.selection.names or ()), state.rule_events, "EventNames")


def _target(state: StackState, named: str) -> ChainLink:
    """Whether the rule sends to the queue, or to the function itself where there is no queue."""
    part = "Function" if state.direct else "Queue"
    arn = state.arns.get(part)
    if arn is None:
        return _absent("rule has a target", state, f"policy of {part}", "deploy the stack anew")
    works = arn in (state.rule_targets or ())
    seen = f"it sends to the {part.lower()}" if works else f"it does not send to the {part.lower()}"
    target = json.dumps({"Id": part.lower(), "Arn": arn, "DeadLetterConfig": {"Arn": state.arns.get("DeadLetters", "ARN")}})
    return judged(
        "rule has a target", works, seen, mended(state, f"aws events put-targets --rule {named} --targets '[{target}]'")
    )


def _absent(name: str, state: StackState, part: str, remedy: str) -> ChainLink:
    """A link that could not be looked at: broken where its part is not there, or else unknown."""
    if is_gone(state, part):
        return ChainLink(name, Health.BROKEN, "it is not there", mended(state, remedy))
    return unknown(name, state, part)


def _let_through(kind: str, wanted: Iterable[str], allowed: frozenset[str] | None, parameter: str) -> Iterator[ChainLink]:
    missing = [name for name in wanted if allowed is not None and name not in allowed]
    seen = f"not let through: {', '.join(missing)}" if missing else "all that the policies name"
    yield judged(f"rule lets each {kind} through", not missing, seen, f"add them to the stack's parameter {parameter}")


def _queue(state: StackState) -> Iterator[ChainLink]:
    if state.dead is None:
        yield _absent("dead letters", state, "dead letters", "deploy the stack anew")
    else:
        move = f"aws sqs start-message-move-task --source-arn {state.arns.get('DeadLetters', 'ARN')}"
        remedy = f"see why in the log, then {move}"
        yield judged("no dead letters", state.dead == 0, f"{state.dead} messages", remedy)
    if state.direct:
        return
    if state.queue_enabled is None or state.waiting is None:
        yield _absent("queue", state, "queue", "deploy the stack anew")
        return
    seen = "Lambda reads it" if state.queue_enabled else "Lambda does not read it"
    yield judged(
        "queue is read",
        state.queue_enabled,
        seen,
        f"aws lambda update-event-source-mapping --uuid {state.parts.get('FromQueue', 'UUID')} --enabled",
    )
    fresh = state.oldest is None or state.oldest < STALE_SECONDS
    seen = f"{state.waiting} waiting, the oldest for {state.oldest or 0} s"
    yield judged("queue drains", fresh, seen, "look at the function's errors and throttles, or raise MaximumConcurrency")


def _function(state: StackState) -> Iterator[ChainLink]:
    if state.function_state is None:
        yield _absent("function", state, "function", "deploy the stack anew")
    else:
        active = state.function_state == "Active"
        yield judged(
            "function is active",
            active,
            state.function_state,
            f"aws lambda get-function --function-name {state.parts['Function']} says why",
        )


def _live(state: StackState) -> Iterator[ChainLink]:
    """Whether events go to what was deployed last."""
    if "Live" not in state.parts:
        return
    name, function = "events go to the newest version", state.parts["Function"]
    if state.live is None:
        create = f"aws lambda create-alias --function-name {function} --name live --function-version '$LATEST'"
        yield _absent(name, state, "live", create)
        return
    version, before, newest = state.live
    publish = f"aws lambda publish-version --function-name {function} --query Version --output text"
    update = f"""aws lambda update-alias --function-name {function} --name live --function-version "$({publish})\""""
    seen = f"version {version}" + (f", before it {before}" if before else "")
    seen += "" if newest else ", and other code or settings were deployed since"
    yield judged(name, newest, seen, f"{update} --description 'before: {version}', unless somebody went back on purpose")


def _published(state: StackState) -> Iterator[ChainLink]:
    """Whether a stack that follows published sets remembers the highest number of one, for functions that start anew."""
    if state.environment is None or "TRAILBELL_POLICIES_KEY" not in state.environment:
        return
    seen = "the table has the highest number" if state.has_table else "a function that starts anew takes any older signed set"
    yield judged("older policy sets are refused", state.has_table, seen, "deploy the stack with DeliveryTable=yes")
    if state.refused is not None:
        remedy = "the default channel was told why: mend the set, and publish it again"
        yield judged("published sets are taken", not state.refused, f"{state.refused} refused in the last 24 hours", remedy)
    if "metrics" not in state.unread:
        old = "the function has not said it in the last quarter of an hour: it may run with the zip's own"
        seen = old if state.set_age is None else f"published {state.set_age / 3600:.1f} hours ago"
        yield judged("a published set is in force", state.set_age is not None, seen, "trailbell publish, then see the log")


def _destination(state: StackState, channel: Channel) -> ChainLink:
    ref, name = channel.webhook, f"{'topic' if channel.webhook.sns else 'webhook'} of {channel.name}"
    if ref.sns is not None:
        there = state.topics.get(ref.sns)
        if there is None:
            return ChainLink(
                name, Health.UNKNOWN, f"{ref.sns} could not be read", "give yourself permission to read its attributes"
            )
        return judged(name, there, f"{ref.sns} {_is(there)}", "create the topic, and name it in the stack's parameter TopicArns")
    if ref.env is not None:
        if state.environment is None:
            return unknown(name, state, "function")
        exists = ref.env in state.environment
        return judged(
            name, exists, f"variable {ref.env} {_is(exists)}", f"set {ref.env} on the function, or keep the webhook in a secret"
        )
    place, known = (
        (f"secret {ref.secret}", state.secrets.get(ref.secret)) if ref.secret else _parameter(state, ref.parameter or "")
    )
    if known is None:
        return ChainLink(name, Health.UNKNOWN, f"{place} could not be read", "give yourself permission to describe it")
    return judged(name, known, f"{place} {_is(known)}", f"create the {place}")


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
    yield _table(state)
    yield _index(state)
    yield _schedule(state)
    if state.owed is None:
        yield unknown("channels take messages", state, "owed")
        return
    for name, seconds in state.owed.items():
        remedy = "trailbell send-test says what its destination answers"
        yield judged(f"{name} takes messages", seconds < STALE_SECONDS, f"an alert has been owed for {seconds} s", remedy)


def _table(state: StackState) -> ChainLink:
    name, table = "table of deliveries is there", state.parts["Deliveries"]
    create = (
        f"aws dynamodb create-table --table-name {table} --billing-mode PAY_PER_REQUEST"
        " --key-schema AttributeName=id,KeyType=HASH --attribute-definitions AttributeName=id,AttributeType=S"
        f" {_ATTRIBUTES} --deletion-protection-enabled --global-secondary-indexes '[{_INDEX}]'"
    )
    if state.table_active is None:
        return _absent(name, state, "table", create)
    seen = "active" if state.table_active else "it is not active"
    return judged(name, state.table_active, seen, f"aws dynamodb describe-table --table-name {table} says why")


def _index(state: StackState) -> ChainLink:
    name = "what is owed is found"
    if state.index_active is None:
        return _absent(name, state, "table", "see the table")
    create = (
        f"aws dynamodb update-table --table-name {state.parts['Deliveries']} --attribute-definitions {_ATTRIBUTES}"
        f""" --global-secondary-index-updates '[{{"Create":{_INDEX}}}]'"""
    )
    seen = "the index owed is active" if state.index_active else "the table has no index owed, or it is being filled"
    return judged(name, state.index_active, seen, mended(state, create))


def _schedule(state: StackState) -> ChainLink:
    name, rule = "what is owed is sent", state.parts["EveryMinute"]
    enable = f"aws events enable-rule --name {rule}"
    if state.schedule_enabled is None:
        put = f"aws events put-rule --name {rule} --schedule-expression 'rate(1 minute)'"
        target = json.dumps({"Id": "function", "Arn": state.arns.get("Function", "ARN"), "Input": '{"trailbell": "drain"}'})
        return _absent(name, state, "schedule", f"{put} && aws events put-targets --rule {rule} --targets '[{target}]'")
    if not state.schedule_enabled:
        return broken(name, "the schedule is disabled, or has no target", enable)
    runs = "owed" in state.unread or state.oldest_owed is not None
    seen = "each minute" if runs else "the function has said nothing of it"
    logs = f"aws logs tail {state.parts.get('Logs', '')} --since 15m"
    return judged(name, runs, seen, f"see the function's errors: {logs}")


def _last_event(state: StackState, now: datetime) -> ChainLink:
    name = "an event came recently"
    if "metrics" in state.unread:
        return unknown(name, state, "metrics")
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
        return unknown(name, state, "metrics")
    seen = f"{state.foreign} others in the last 24 hours" if state.foreign else "no others in the last 24 hours"
    remedy = (
        'have the rule take the detail-type "AWS API Call via CloudTrail" alone; the log says what the others are (passed_over)'
    )
    return judged(name, not state.foreign, seen, remedy)
