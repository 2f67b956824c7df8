"""Where the links of a message lead: the AWS console, and the runbook.

No address holds anything of an event but what the level keeps as it is: the event's id, the caller's name, the bucket, the region
and the time. Without a `Deployment.region` (on the command line) there is no console to link to.
"""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from engine.model import Field, Operator
from engine.pipeline.render.targets import URL_MAX_LENGTH, Link, Target
from engine.pipeline.render.times import moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from engine.model import Deployment, MaskedEvent


_REGION: Final = re.compile(r"(?=.{1,32}\Z)[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}", re.ASCII)
"""Longer than any; what a caller wrote there stands twice in an address."""

_EVENT_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_RUNBOOK: Final = re.compile(r"https://[!-;=?-~]+")

_LOOKED_UP: Final = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
"""Names as IAM and S3 allow them, which have at most 64 characters."""

_QUOTABLE: Final = re.compile(r"[\w./-]+", re.ASCII)
"""What can stand in quotes in a query: event ids, and routes."""

_CONSOLES: Final = (
    ("cn-", "console.amazonaws.cn"),
    ("us-gov-", "console.amazonaws-us-gov.com"),
    ("eusc-", "console.amazonaws-eusc.eu"),
    ("us-iso", None),
    ("eu-iso", None),
    ("", "console.aws.amazon.com"),
)
"""The console's host by how a region's name starts; the isolated partitions have none that is public.

Source: https://docs.aws.amazon.com/general/latest/gr/mgmt-console.html for the first partition and the form of the host;
the domains of the others as they are used in public code (`https://cn-north-1.console.amazonaws.cn/…`).
"""

_OBJECT_CALL: Final = re.compile(r"HeadBucket|(?!.*Bucket).*(?:Object|Multipart|UploadPart|ListParts).*", re.ASCII)
"""Names of S3's data events (https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html)."""

_AROUND: Final = timedelta(days=1)
"""How long after an event its audit record is looked for; delivery takes minutes, a queue that is behind takes hours."""

_WEEK: Final = 7 * 24 * 3600

_NOT_BARE: Final = re.compile(r"[^A-Za-z0-9._-]+")
"""What the console does not leave as it is in text."""

_FOR_OTHERS: Final = (Target.EVENT, "EventId", Field.EVENT_ID)
_FOR_OBJECT_CALLS: Final = (Target.ELSE, "Username", Field.NAME)
"""What to look up in the event history: the link's target, the attribute, and the field that has it."""


def event_links(masked: MaskedEvent, deployment: Deployment) -> Iterator[Link]:
    """The event's audit record, and what else its caller did."""
    event_id = kept(masked, Field.EVENT_ID)
    region = _region(masked, deployment)
    if event_id is not None and _EVENT_ID.fullmatch(event_id):
        time = kept(masked, Field.TIME)
        here = deployment if deployment.region else deployment._replace(region=region)
        yield from audit_links(event_id, (time, time), here)
    history = _history(masked, region)
    if history is not None:
        yield history


def _history(masked: MaskedEvent, region: str | None) -> Link | None:
    """CloudTrail's event history, which takes one attribute to look up.

    It knows management events only (https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html): a data
    event would not be found there. Of use for one is what else its caller did; the event itself stands in the audit record.
    """
    console = _console(region)
    name = masked.values.get(Field.EVENT)
    if console is None or name is None:
        return None
    target, attribute, field = _FOR_OBJECT_CALLS if _OBJECT_CALL.fullmatch(name) else _FOR_OTHERS
    value = kept(masked, field)
    if value is None or not _LOOKED_UP.fullmatch(value):
        return None
    url = f"{console.format(service='cloudtrailv2')}#/events?{attribute}={quote(value, safe='')}"
    return Link(target, url) if len(url) <= URL_MAX_LENGTH else None


def _region(masked: MaskedEvent, deployment: Deployment) -> str | None:
    """The region whose history has the event: its own, else ours."""
    region = kept(masked, Field.REGION)
    return region if region is not None and _REGION.fullmatch(region) else deployment.region


def kept(masked: MaskedEvent, field: Field) -> str | None:
    """A value that the level shows as it is."""
    return masked.values.get(field) if masked.level.operators.get(field) is Operator.KEEP else None


@lru_cache(maxsize=256)
def _console(region: str | None) -> str | None:
    """The console's address for a region, with `{service}` to fill in."""
    if region is None or not _REGION.fullmatch(region):
        return None
    host = next(host for prefix, host in _CONSOLES if region.startswith(prefix))
    return host and f"https://{region}.{host}/{{service}}/home?region={region}"


def audit_links(text: str, span: tuple[str | None, str | None], deployment: Deployment) -> Iterator[Link]:
    """CloudWatch Logs Insights over our log group, for the records that hold `text`, written in or soon after a time span.

    Where the span is not known: the last seven days. The console writes an object as `~(name~value~name~'text)`, escapes text
    with `*` and two hex digits, and the whole twice with `%`, for which it puts `$`. No page of AWS says so; it is what the
    console's own addresses look like, and what https://stackoverflow.com/q/60796991 found.
    """
    around = _around(deployment.region, deployment.log_group)
    if around is None or not _QUOTABLE.fullmatch(text):
        return
    before, between, after = around
    url = f"{before}{_twice(_span(span))}{between}{_starred(text)}{after}"
    if len(url) <= URL_MAX_LENGTH:
        yield Link(Target.RECORD, url)


@lru_cache(maxsize=16)
def _around(region: str | None, log_group: str | None) -> tuple[str, str, str] | None:
    """What stands before the time span of a query, between it and the text to look for, and after that."""
    console = _console(region)
    if console is None or not log_group:
        return None
    start, end = 'fields @timestamp, @message\n| filter @message like "', '"\n| sort @timestamp asc\n| limit 100'
    return (
        f"{console.format(service='cloudwatch')}#logsV2:logs-insights$3FqueryDetail$3D{_twice('~(')}",
        _twice(f"~editorString~'{_starred(start)}"),
        _twice(f"{_starred(end)}~source~(~'{_starred(log_group)}))"),
    )


def _span(span: tuple[str | None, str | None]) -> str:
    first, last = span
    start = first and moment(first)
    end = start if last == first else last and moment(last)
    if not start or not end:
        return f"end~0~start~-{_WEEK}~timeType~'RELATIVE~unit~'seconds"
    return f"end~'{_stamp(end + _AROUND)}~start~'{_stamp(start)}~timeType~'ABSOLUTE~tz~'UTC"


def _stamp(time: datetime) -> str:
    """A time as the console writes it in text."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds").replace(":", "*3a") + "Z"


def _starred(text: str) -> str:
    """Text as the console writes it; hex digits in lower case, as it does."""
    return _NOT_BARE.sub(lambda match: "".join(f"*{byte:02x}" for byte in match[0].encode()), text)


def _twice(text: str) -> str:
    return text.replace("~", "$257E").replace("(", "$2528").replace(")", "$2529").replace("'", "$2527")


def runbook_links(runbook: str | None) -> Iterator[Link]:
    """The runbook, if a browser and Slack take its address."""
    if runbook is not None and _RUNBOOK.fullmatch(runbook) and len(runbook) <= URL_MAX_LENGTH:
        yield Link(Target.RUNBOOK, runbook)
