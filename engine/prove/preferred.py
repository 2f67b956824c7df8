"""Texts that fields are given where nothing asks for others, so that a made-up record looks like one of CloudTrail's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.pipeline.select import OBJECT_CALLS, S3_SOURCES
from engine.prove.paths import own_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Path = tuple[str, ...]

PREFERRED: Final[Mapping[Path, tuple[str, ...]]] = {
    ("actor", "role"): ("app", "reports", "AWSReservedSSO_Analyst_0123456789abcdef"),
    ("actor", "session"): ("app-1", "deploy", "0123456789abcdef0123456789abcdef", "i-0123456789abcdef0", "analyst@example.com"),
    ("bucket",): ("example-bucket", "another-bucket"),
    ("copy", "bucket"): ("source-bucket", "example-bucket"),
    ("copy", "key"): ("2026/11/source.csv",),
    ("errorCode",): ("AccessDenied", "NoSuchKey"),
    ("eventCategory",): ("Data",),
    ("eventName",): ("GetObject", "PutObject", "DeleteObject", "ListObjects", *sorted(OBJECT_CALLS)),
    ("eventSource",): S3_SOURCES,
    ("key",): ("2026/11/report.csv", "report.csv"),
    ("recipientAccountId",): ("111122223333", "444455556666"),
    ("userAgent",): ("example-client/1.0", "[Boto3/1.40.0 md/Botocore#1.40.0 os/linux lang/python#3.13]", "aws-cli/2.30.0"),
    ("userIdentity", "accessKeyId"): ("ASIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("userIdentity", "accountId"): ("111122223333", "444455556666"),
    ("userIdentity", "invokedBy"): ("glue.amazonaws.com", "config.amazonaws.com"),
    ("userIdentity", "sessionContext", "sessionIssuer", "arn"): ("arn:aws:iam::111122223333:role/app",),
    ("userIdentity", "sessionContext", "sessionIssuer", "userName"): ("app",),
    ("userIdentity", "type"): ("AssumedRole", "IAMUser", "Root", "AWSAccount", "AWSService", "SAMLUser", "Directory"),
    ("userIdentity", "userName"): ("alice", "backup"),
    ("awsRegion",): ("ap-northeast-1", "us-east-1"),
}


def preferred_texts(paths: Sequence[Path]) -> tuple[str, ...]:
    """The texts that some fields have by preference, those that several share among them."""
    return tuple(dict.fromkeys(text for path in sorted(map(own_path, paths)) for text in PREFERRED.get(path, ())))
