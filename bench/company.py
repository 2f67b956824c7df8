"""Log files as a company has them: S3 data events, 97 % by the tasks of 60 roles, 3 % by 200 people, on 40 buckets."""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEED: Final = 20_261_130
ACCOUNT: Final = "111122223333"
ROLES: Final = 60
PEOPLE: Final = 200
BUCKETS: Final = 40
TASKS_A_ROLE: Final = 65
EVENTS_A_FILE: Final = 25_000

_START: Final = datetime(2026, 11, 1, tzinfo=UTC)
_PERSONS: Final = 0.03
_AGENTS: Final = (
    "[aws-sdk-java/2.20.162 Linux/5.10.225-213.878.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/17.0.9 exec-env/AWS_ECS_FARGATE]",
    "[Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#5.10.0 md/arch#x86_64 lang/python#3.11.8 cfg/retry-mode#legacy]",
)
_PERSONS_AGENTS: Final = (
    "[aws-cli/2.15.30 Python/3.11.8 Darwin/23.4.0 source/x86_64 prompt/off command/s3.cp]",
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10.0 OpenJDK_64-Bit_Server_VM/25.372-b08]",
)


def write(folder: Path, count: int, days: int = 1, *, sessions: bool = False) -> list[Path]:
    """Write log files of so many events over so many days. `sessions`: another session in every event."""
    chance = random.Random(SEED)
    tasks = [f"{chance.getrandbits(128):032x}" for _ in range(ROLES * TASKS_A_ROLE)]
    made = (_record(chance, number, count, days, tasks, sessions=sessions) for number in range(count))
    paths = []
    for first in range(0, count, EVENTS_A_FILE):
        path = folder / f"{first:09}.json.gz"
        content = ",".join(json.dumps(one, separators=(",", ":")) for one in _some(made, min(EVENTS_A_FILE, count - first)))
        path.write_bytes(gzip.compress(b'{"Records":[' + content.encode() + b"]}", 6, mtime=0))
        paths.append(path)
    return paths


def _some(made: Iterator[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    return (next(made) for _ in range(count))


def _record(  # noqa: PLR0913  what a record is made of
    chance: random.Random, number: int, count: int, days: int, tasks: list[str], *, sessions: bool
) -> dict[str, Any]:
    time = _START + timedelta(days=days) * (number / count)
    bucket = f"{('payments', 'ledger', 'logs', 'media')[chance.randrange(4)]}-{chance.randrange(BUCKETS // 4):02}"
    key = f"year=2026/month=11/day={time.day:02}/part-{chance.randrange(10**6):06}-{chance.getrandbits(64):016x}.parquet"
    person = chance.random() < _PERSONS
    return {
        "eventVersion": "1.11",
        "userIdentity": _person(chance) if person else _task(chance, tasks, sessions=sessions),
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "s3.amazonaws.com",
        "eventName": chance.choice(("GetObject", "GetObject", "GetObject", "PutObject", "ListObjects", "DeleteObject")),
        "awsRegion": "ap-northeast-1",
        "sourceIPAddress": f"203.0.113.{chance.randrange(1, 255)}"
        if person
        else f"10.{chance.randrange(4)}.{chance.randrange(250)}.7",
        "userAgent": chance.choice(_PERSONS_AGENTS if person else _AGENTS),
        **({"errorCode": "AccessDenied", "errorMessage": "Access Denied"} if chance.random() < _PERSONS / 3 else {}),
        "requestParameters": {"bucketName": bucket, "Host": f"{bucket}.s3.ap-northeast-1.amazonaws.com", "key": key},
        "responseElements": None,
        "additionalEventData": {
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": 0,
            "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": f"{chance.getrandbits(448):0112x}",
            "bytesTransferredOut": chance.randrange(10**8),
        },
        "requestID": f"{chance.getrandbits(64):016X}",
        "eventID": _uuid(chance),
        "readOnly": True,
        "resources": [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
            {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
        ],
        "eventType": "AwsApiCall",
        "managementEvent": False,
        "recipientAccountId": ACCOUNT,
        "sharedEventID": _uuid(chance),
        "eventCategory": "Data",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{bucket}.s3.ap-northeast-1.amazonaws.com",
        },
    }


def _task(chance: random.Random, tasks: list[str], *, sessions: bool) -> dict[str, Any]:
    place = chance.randrange(len(tasks))
    session = f"{chance.getrandbits(128):032x}" if sessions else tasks[place]
    return _assumed(f"service-{place % ROLES:02}-task", session)


def _person(chance: random.Random) -> dict[str, Any]:
    return _assumed("AWSReservedSSO_Analyst_0123456789abcdef", f"person{chance.randrange(PEOPLE):03}@example.com")


def _assumed(role: str, session: str) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLEROLEID0001:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAEXAMPLEKEY000001",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLEROLEID0001",
                "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": {"creationDate": "2026-11-01T00:00:00Z", "mfaAuthenticated": "false"},
        },
    }


def _uuid(chance: random.Random) -> str:
    value = f"{chance.getrandbits(128):032x}"
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
