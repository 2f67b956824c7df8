"""A notifier of sixty lines, without policies: what Trailbell must not be much slower than."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TextIO


def notify(body: bytes, out: TextIO) -> str:
    """What a handler of sixty lines does with one EventBridge event, short of the post: print it, mask, write a text.

    It tells a robot by two fixed conditions, and knows no policies, no channels and no levels.
    """
    payload = json.loads(body)
    print("received", json.dumps(payload), file=out)
    record = payload["detail"]
    identity = record.get("userIdentity") or {}
    request = record.get("requestParameters") or {}
    agent = record.get("userAgent") or ""
    arn = identity.get("arn") or ""
    robot = identity.get("type") == "AssumedRole" and "/ecsTaskExecutionRole/" in arn and "aws-sdk-go" in agent.lower()
    shown = {
        "Time": record.get("eventTime") or datetime.now(UTC).isoformat(),
        "Bucket": request.get("bucketName") or "-",
        "Key": request.get("key") or "-",
        "IP": _network(record.get("sourceIPAddress") or "-"),
        "User agent": agent or "-",
        "Type": identity.get("type") or "-",
        "ARN": re.sub(r"(?<=:)\d{12}(?=:)", "************", arn) or "-",
        "Access key": "***" + (identity.get("accessKeyId") or "")[-4:],
        "Event": f"{record.get('eventName')} of {record.get('eventSource')} in {record.get('recipientAccountId')}",
    }
    head = ":robot_face: *from an ECS task*" if robot else ":inbox_tray: *from someone*"
    text = "\n".join([head, *(f"• *{name}:* `{value}`" for name, value in shown.items())])
    return json.dumps({"text": text})


def _network(ip: str) -> str:
    if ip.count(".") == 3:
        return f"{ip.rpartition('.')[0]}.0/24"
    return f"{':'.join(ip.split(':')[:4])}::/64" if ":" in ip else ip
