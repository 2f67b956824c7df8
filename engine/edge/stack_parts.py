"""What a deployed stack is made of: the names of its parts, by the logical ids of `deploy/template.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NO_ACCOUNT = "AWS needs a region and credentials: set AWS_REGION, and AWS_PROFILE or the variables of a session"


LIVE = "live"
"""The alias of the function that events go to."""


def qualified(parts: Mapping[str, str]) -> dict[str, str]:
    """The function that events go to, as calls of Lambda name it: by its alias, where it has one."""
    return {"FunctionName": parts["Function"]} | ({"Qualifier": LIVE} if "Live" in parts else {})


def of_cloudformation(name: str, client: Callable[[str], Any]) -> dict[str, str]:
    """The physical ids of a stack's resources. Raises `StackError` where it cannot be found."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

    try:
        pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
        return {
            resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
            for page in pages
            for resource in page["StackResourceSummaries"]
            if "LogicalResourceId" in resource
        }
    except ClientError as error:
        raise StackError(f"the stack {name!r} could not be read ({_code(error)}); is it in this account and region?") from None
    except BotoCoreError as error:
        raise StackError(unreachable(error)) from None


def of_terraform(name: str, client: Callable[[str], Any]) -> dict[str, str]:
    """The parts of what the module made under a `name`: it names them all after it. Raises `StackError` where there is none."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        function = client("lambda").get_function_configuration(FunctionName=name)
    except ClientError as error:
        raise StackError(f"the function {name!r} could not be read ({_code(error)}); is it in this account and region?") from None
    except BotoCoreError as error:
        raise StackError(unreachable(error)) from None
    variables = function.get("Environment", {}).get("Variables", {})
    alias = _alias(name, client)
    parts = {"Function": name} | ({"Live": alias} if alias else {})
    parts |= {"Logs": f"/trailbell/{name}", "Role": name, "Rule": name}
    parts["DeadLetters"] = _queue_url(f"{name}-dead-letters", client)
    if "TRAILBELL_DELIVERY_TABLE" in variables:
        parts |= {"Deliveries": variables["TRAILBELL_DELIVERY_TABLE"], "EveryMinute": f"{name}-drain"}
    if _has_stream(f"{name}-archive", client):
        parts["ArchiveStream"] = f"{name}-archive"
    if "TRAILBELL_PROBE" in variables:
        parts["EveryFiveMinutes"] = f"{name}-probe"
    if _has_bus(name, client):
        parts["Rule"] = f"{name}|{name}"
    queue = ":".join([*function["FunctionArn"].split(":")[:2], "sqs", *function["FunctionArn"].split(":")[3:5], name])
    queues = client("lambda").list_event_source_mappings(EventSourceArn=queue)["EventSourceMappings"]
    if queues or not _starts_function(parts["Rule"], alias or function["FunctionArn"], client):
        parts |= {"Queue": _queue_url(name, client), "FromQueue": queues[0]["UUID"] if queues else ""}
    return parts


def bus_and_rule(physical: str) -> dict[str, str]:
    """A rule's name, and its bus where that is another than the default one: CloudFormation's id is `bus|rule` then."""
    bus, _, rule = physical.rpartition("|")
    return {"Name": rule.rsplit("/", 1)[-1]} | ({"EventBusName": bus} if bus else {})


def need_account() -> None:
    """Raise `StackError` where no region or no credentials are set."""
    import boto3  # noqa: PLC0415  only where AWS is called
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    try:
        session = boto3.Session()
        ready = session.region_name is not None and session.get_credentials() is not None
    except BotoCoreError:
        ready = False
    if not ready:
        raise StackError(NO_ACCOUNT)


def unreachable(error: Exception) -> str:
    """What to tell where AWS's services cannot be called at all."""
    if type(error).__name__ in {"NoRegionError", "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"}:
        return NO_ACCOUNT
    return f"AWS did not answer ({type(error).__name__}); are credentials and a region set?"


def _queue_url(name: str, client: Callable[[str], Any]) -> str:
    """A queue's URL, or its name where there is no such queue."""
    sqs = client("sqs")
    try:
        return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])
    except sqs.exceptions.ClientError:
        return name


def _alias(name: str, client: Callable[[str], Any]) -> str:
    """The ARN of the function's alias for its events, "" where it has none."""
    functions = client("lambda")
    try:
        return str(functions.get_alias(FunctionName=name, Name=LIVE)["AliasArn"])
    except functions.exceptions.ClientError:
        return ""


def _has_stream(name: str, client: Callable[[str], Any]) -> bool:
    firehose = client("firehose")
    try:
        firehose.describe_delivery_stream(DeliveryStreamName=name)
    except firehose.exceptions.ClientError:
        return False
    return True


def _has_bus(name: str, client: Callable[[str], Any]) -> bool:
    events = client("events")
    try:
        events.describe_event_bus(Name=name)
    except events.exceptions.ClientError:
        return False
    return True


def _starts_function(rule: str, function: str, client: Callable[[str], Any]) -> bool:
    """Whether a rule sends to the function itself."""
    events, named = client("events"), bus_and_rule(rule)
    try:
        targets = events.list_targets_by_rule(**{"Rule": named.pop("Name"), **named})["Targets"]
    except events.exceptions.ClientError:
        return False
    return function in {target["Arn"] for target in targets}


def _code(error: Any) -> str:  # noqa: ANN401  botocore's errors have no types
    return str(error.response["Error"].get("Code", "error"))
