"""Whether each part of a deployed stack may use the next: queues, keys, the trail's bucket, and what IAM lets the role do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from engine.workbench.chain_links import ChainLink, broken, is_gone, judged, mended, unknown
from engine.workbench.resource_policies import allows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model.stack import Denial, StackState

EVENTS = "events.amazonaws.com"
TRAIL = "cloudtrail.amazonaws.com"


def rights(state: StackState) -> Iterator[ChainLink]:
    """The links between the parts of a stack."""
    yield from _queues(state)
    yield from _keys(state)
    yield from _buckets(state)
    yield from _starts(state)
    yield from _role(state)


def reads_log_files(state: StackState) -> bool:
    """Whether the queue takes announcements of log files, from their bucket or a topic. The rule is off then."""
    document = state.documents.get("Queue", "")
    return any(allows(document, f"{service}.amazonaws.com", "sqs:SendMessage") for service in ("s3", "sns"))


def _queues(state: StackState) -> Iterator[ChainLink]:
    for part, name in (("Queue", "rule may send to the queue"), ("DeadLetters", "rule may send dead letters")):
        if part not in state.parts:
            continue
        if part == "Queue" and reads_log_files(state):
            continue
        document, arn, rule = state.documents.get(part), state.arns.get(part), state.arns.get("Rule")
        if document is None or arn is None or rule is None:
            yield unknown(name, state, f"policy of {part}" if document is None else "rule")
            continue
        works = allows(document, EVENTS, "sqs:SendMessage", rule)
        seen = "the queue's policy lets it" if works else "the queue's policy does not let it: events are lost"
        yield judged(name, works, seen, mended(state, _let_send(state.parts[part], arn, rule)))


def _let_send(url: str, queue: str, rule: str) -> str:
    statement: dict[str, Any] = {
        "Sid": "RuleSends",
        "Effect": "Allow",
        "Principal": {"Service": EVENTS},
        "Action": "sqs:SendMessage",
    }
    statement |= {"Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}
    attributes = json.dumps({"Policy": _json(_policy([statement]))})
    return f"aws sqs set-queue-attributes --queue-url {url} --attributes '{attributes}'"


def _keys(state: StackState) -> Iterator[ChainLink]:
    for key, condition in state.keys.items():
        name = f"key {key.rsplit('/', 1)[-1]} is enabled"
        if not condition:
            if is_gone(state, f"key {key}"):
                yield broken(name, "there is no such key", "deploy with another key: what this one encrypted is lost")
            else:
                yield unknown(name, state, f"key {key}")
            continue
        deleted = condition == "PendingDeletion"
        enable = f"aws kms enable-key --key-id {key}"
        remedy = f"aws kms cancel-key-deletion --key-id {key} && {enable}" if deleted else enable
        yield judged(name, condition == "Enabled", condition, remedy)
        document = state.documents.get(f"key {key}")
        if document is not None:
            yield from _key_lets(state, key, document)


def _key_lets(state: StackState, key: str, document: str) -> Iterator[ChainLink]:
    actions = ("kms:GenerateDataKey", "kms:Decrypt")
    refused = [action for action in actions if not allows(document, EVENTS, action, state.arns.get("Rule"))]
    seen = f"its policy lets EventBridge do no {' or '.join(refused)}: events are lost" if refused else "its policy lets it"
    statement = {"Sid": "TrailbellEvents", "Effect": "Allow", "Principal": {"Service": EVENTS}, "Action": list(actions)}
    before = json.loads(document)
    whole = {**before, "Statement": [*before.get("Statement", []), {**statement, "Resource": "*"}]}
    remedy = f"aws kms put-key-policy --key-id {key} --policy-name default --policy '{_json(whole)}'"
    yield judged(f"EventBridge may use key {key.rsplit('/', 1)[-1]}", not refused, seen, remedy)


def _buckets(state: StackState) -> Iterator[ChainLink]:
    for trail, error in state.trail_errors.items():
        remedy = f"aws cloudtrail get-trail-status --name {trail}, and mend its bucket's policy"
        yield judged(f"trail {trail} writes its log files", not error, error or "its last file was written", remedy)
    for name, document in state.documents.items():
        kind, _, bucket = name.partition(" ")
        if kind == "bucket":
            works = allows(document, TRAIL, "s3:PutObject")
            seen = "its policy lets CloudTrail write" if works else "its policy does not let CloudTrail write"
            remedy = f"aws s3api put-bucket-policy --bucket {bucket} --policy file://policy.json"
            yield judged(f"{name} takes log files", works, seen, remedy)
        elif kind == "versions":
            remedy = f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"
            seen = document or "it keeps none"
            yield judged(f"bucket {bucket} keeps versions of the policies", document == "Enabled", seen, remedy)


def _starts(state: StackState) -> Iterator[ChainLink]:
    """Whether EventBridge may start the function, where it has to."""
    wanted = {"EveryMinute": "schedule may start the function"} if state.has_table else {}
    wanted |= {"EveryFiveMinutes": "schedule may start the probe"} if "EveryFiveMinutes" in state.parts else {}
    wanted |= {"Rule": "rule may start the function"} if state.direct else {}
    for part, name in wanted.items():
        document, rule = state.documents.get("Function"), state.arns.get(part)
        if document is None or rule is None:
            yield unknown(name, state, "policy of Function" if document is None else "rule")
            continue
        works = allows(document, EVENTS, "lambda:InvokeFunction", rule)
        command = (
            f"aws lambda add-permission --function-name {state.parts['Function']} --statement-id {part}"
            f" --action lambda:InvokeFunction --principal {EVENTS} --source-arn {rule}"
        )
        seen = "the function's policy lets it" if works else "the function's policy does not let it"
        yield judged(name, works, seen, mended(state, command))


def _role(state: StackState) -> Iterator[ChainLink]:
    if state.denials is None:
        if is_gone(state, "role"):
            yield broken("function has its role", "there is no such role", mended(state, "deploy the stack anew"))
        else:
            yield unknown("role may do what it has to", state, "role")
        return
    purposes: dict[str, list[Denial]] = {}
    for denial in state.denials:
        purposes.setdefault(denial.purpose, []).append(denial)
    for purpose, denied in purposes.items():
        yield broken(f"role {purpose}", _seen(denied), mended(state, _grant(state, purpose, denied)))
    if not purposes:
        yield judged("role may do what it has to", True, "IAM's simulation allows all of it", "")  # noqa: FBT003


def _seen(denied: Sequence[Denial]) -> str:
    return f"IAM refuses {', '.join(sorted({one.action for one in denied}))}"


def _grant(state: StackState, purpose: str, denied: Sequence[Denial]) -> str:
    statement = {
        "Effect": "Allow",
        "Action": sorted({one.action for one in denied}),
        "Resource": sorted({one.resource.replace(":log-stream:any", ":*") for one in denied}),
    }
    name = re.sub(r"[^a-z]+", "-", purpose)
    role = state.parts.get("Role", "")
    return f"aws iam put-role-policy --role-name {role} --policy-name {name} --policy-document '{_json(_policy([statement]))}'"


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
