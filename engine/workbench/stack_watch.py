"""Whether somebody hears when a deployed stack breaks: its log, its alarms, and what the function says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.workbench.chain_links import ChainLink, Health, broken, is_gone, judged, mended, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from engine.model.stack import AlarmState, ArchiveState, SelfTestAnswer, StackState

ALARMS: Final = (
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/Events", "InvocationsFailedToBeSentToDlq"),
    ("Trailbell", "Failed"),
    ("Trailbell", "Unreadable"),
    ("Trailbell", "FailedMatchers"),
    ("Trailbell", "DoesNotAddUp"),
    ("Trailbell", "OldestOwedSeconds"),
    ("Trailbell", "GivenUp"),
    ("Trailbell", "SecondsFromEvent"),
    ("Trailbell", "FromCloudTrail"),
)
"""The alarms that every stack has."""

THRESHOLDS: Final = {
    **{alarm: 0 for alarm in ALARMS if alarm[1] not in {"OldestOwedSeconds", "SecondsFromEvent", "FromCloudTrail"}},
    ("Trailbell", "OldestOwedSeconds"): 900,
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): 900,
}
"""Above what the alarms ring of which no parameter says it."""

QUEUED_ALARMS: Final = (("AWS/SQS", "ApproximateAgeOfOldestMessage"),)


def watched(state: StackState) -> Iterator[ChainLink]:
    """The log group and the alarms."""
    yield _log(state)
    yield from _alarms(state)


def _log(state: StackState) -> ChainLink:
    name, group = "audit records are kept", state.parts.get("Logs", "")
    if state.retention is None:
        if is_gone(state, "log group"):
            command = f"aws logs create-log-group --log-group-name {group}"
            again = f"{command} && aws logs put-retention-policy --log-group-name {group} --retention-in-days 365"
            return broken(name, f"there is no log group {group}", mended(state, again))
        return unknown(name, state, "log group")
    seen = f"for {state.retention} days" if state.retention else "for ever"
    command = f"aws logs put-retention-policy --log-group-name {group} --retention-in-days 365"
    return judged(name, state.retention > 0, seen, mended(state, command))


def _alarms(state: StackState) -> Iterator[ChainLink]:
    if state.alarms is None:
        yield unknown("alarms", state, "alarms")
        return
    deploy = "deploy the stack again with AlarmTopicArn=ARN of a topic that somebody hears"
    wanted = ALARMS if state.direct else (*ALARMS, *QUEUED_ALARMS)
    missing = [metric for namespace, metric in wanted if (namespace, metric) not in state.alarms]
    seen = f"none for {', '.join(missing)}" if missing else f"{len(state.alarms)} alarms"
    yield judged("everything has an alarm", not missing, seen, mended(state, deploy))
    alarms = tuple(state.alarms.values())
    unheard = [one for one in alarms if one.pages and not one.actions]
    seen = f"no action: {_names(unheard)}" if unheard else "each that pages has an action"
    yield judged("somebody hears the alarms", not unheard, seen, mended(state, deploy))
    off = [one for one in alarms if not one.enabled]
    seen = f"switched off: {_names(off)}" if off else "none is switched off"
    enable = f"aws cloudwatch enable-alarm-actions --alarm-names {' '.join(one.name for one in off)}"
    yield judged("alarms are on", not off, seen, enable)
    loose = [one for metric, one in state.alarms.items() if one.threshold > THRESHOLDS.get(metric, one.threshold)]
    seen = f"their thresholds were raised: {_names(loose)}" if loose else "each at its threshold"
    yield judged("alarms ring when they should", not loose, seen, mended(state, deploy))
    for topic, listeners in state.listeners.items():
        subscribe = f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint ADDRESS"
        yield judged(f"topic {topic.rsplit(':', 1)[-1]} has a listener", listeners > 0, f"{listeners} subscriptions", subscribe)
    ringing = [one for one in alarms if one.rings]
    seen = f"in alarm: {_names(ringing)}" if ringing else "none"
    yield judged("no alarm rings", not ringing, seen, "docs/at-3-am.md has a section for each")


def _names(alarms: list[AlarmState]) -> str:
    return ", ".join(sorted(one.name for one in alarms))


def function_answers(state: StackState) -> Iterator[ChainLink]:
    """What the function says of itself, by an invocation that posts nothing."""
    name, answer = "function answers", state.answer
    if answer is None:
        if is_gone(state, "self-test"):
            deploy = "deploy the code again: it is older than this command, or not Trailbell's"
            yield broken(name, "it knows no self-test", deploy)
        else:
            yield unknown(name, state, "self-test")
        return
    if answer.error:
        logs = f"aws logs tail {state.parts.get('Logs', '')} --since 15m"
        yield broken(name, f"it fails ({answer.error})", logs)
        return
    yield judged(name, True, f"with the policies {answer.revision}", "")  # noqa: FBT003
    yield from _function_reads(answer)


def _function_reads(answer: SelfTestAnswer) -> Iterator[ChainLink]:
    for channel, problem in answer.webhooks.items():
        if problem:
            yield broken(f"function reads the webhook of {channel}", str(problem), "put it there, and let the role read it")
    problem = answer.table
    if problem:
        yield broken("function reaches its table", str(problem), "see the links of the role and the table")


def archive(state: StackState) -> Iterator[ChainLink]:
    """Whether audit records arrive in the archive, and are locked there."""
    if "ArchiveStream" not in state.parts:
        return
    name, deploy = "records go to the archive", mended(state, "deploy the stack anew")
    if state.archive is None:
        if is_gone(state, "archive"):
            yield broken(name, "its stream or its bucket is not there", deploy)
        else:
            yield unknown(name, state, "archive")
        return
    found = state.archive
    yield judged(name, found.active and found.subscribed, _archive_seen(found), deploy)
    if found.delivered is not None:
        logs = f"aws s3 ls --recursive s3://{found.bucket}/errors/"
        seen = f"{found.delivered:.0%} of the deliveries of the last day"
        yield judged("archive takes records", found.delivered == 1, seen, f"see what is under errors/ ({logs}), and its policy")
    lock = '{"ObjectLockEnabled":"Enabled","Rule":{"DefaultRetention":{"Mode":"GOVERNANCE","Days":365}}}'
    command = f"aws s3api put-object-lock-configuration --bucket {found.bucket} --object-lock-configuration '{lock}'"
    seen = f"for {found.days} days" if found.days else "what is written there can be deleted"
    yield judged("archive is locked", found.days > 0, seen, mended(state, command))


def _archive_seen(found: ArchiveState) -> str:
    if not found.active:
        return f"the stream {found.stream} is not active"
    return "the log group has a subscription" if found.subscribed else "the log group has no subscription to its stream"


def probe(state: StackState) -> Iterator[ChainLink]:
    """Whether the probe's object is read, and its event arrives."""
    if "EveryFiveMinutes" not in state.parts:
        return
    name, rule = "probe arrives", state.parts["EveryFiveMinutes"]
    if state.probe is None:
        if is_gone(state, "probe"):
            yield broken(name, "its schedule is not there", mended(state, "deploy the stack anew"))
        else:
            yield unknown(name, state, "probe")
        return
    read = f"aws lambda invoke --function-name {state.parts['Function']} --cli-binary-format raw-in-base64-out"
    read += """ --payload '{"trailbell": "probe"}' /dev/stdout"""
    if not state.probe.enabled:
        yield broken(name, "its schedule is disabled, or has no target", f"aws events enable-rule --name {rule}")
    elif state.probe.minutes is not None:
        yield judged(name, True, f"{state.probe.minutes} minutes after its read", "")  # noqa: FBT003
    elif state.probe.failed:
        yield broken(name, f"{state.probe.failed} reads failed in the last half hour", f"{read} says why")
    else:
        yield broken(name, "no read of the last half hour has arrived", f"mend the links above; {read} reads once more")


def last_events(state: StackState, now: datetime, buckets: tuple[str, ...]) -> Iterator[ChainLink]:
    """When the last event of each bucket came that the policies name."""
    if state.answer is None:
        return
    for bucket in buckets:
        name, at = f"last event of {bucket}", state.answer.buckets.get(bucket)
        if at is None:
            yield ChainLink(name, Health.OK, "none since this is noted")
        else:
            yield ChainLink(name, Health.OK, f"{max(now.timestamp() - at, 0) / 3600:.1f} hours ago")
