"""Log files in S3, by `s3://bucket/key`, and those below `s3://bucket/prefix`. boto3, an extra, is imported when first needed."""

from __future__ import annotations

import io
import os
import tempfile
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from engine.errors import FetchError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMES: Final = ("s3://", "s3a://")
"""What an address in S3 begins with; Hadoop writes `s3a`."""

_NOT_EVENTS: Final = ("/CloudTrail-Digest/", "/CloudTrail-Insight/")
"""Folders of a trail that hold no log files.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html
"""


def is_in_s3(path: str) -> bool:
    """Whether a path is an address in S3."""
    return path.startswith(SCHEMES)


def listed(address: str, suffixes: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """Addresses and sizes of the objects below an address that end in one of these, in order, or of the object itself.

    Raises `InputError` where the bucket cannot be listed.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  an extra

    bucket, key = _split(address)
    try:
        for page in _client(os.getpid()).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
            for found in page.get("Contents", ()):
                name = found["Key"]
                if name == key or (name.endswith(suffixes) and _is_below(name, key) and not any(x in name for x in _NOT_EVENTS)):
                    yield f"s3://{bucket}/{name}", found["Size"]
    except (ClientError, BotoCoreError) as error:
        raise InputError(f"{address}: cannot be listed ({_code(error)})") from None


def opened(address: str) -> BinaryIO:
    """An object's bytes, fetched into a temporary file. Raises `FetchError`."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415  an extra
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    bucket, key = _split(address)
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  whoever reads it closes it
    try:
        _client(os.getpid()).download_fileobj(bucket, key, file)
    except (ClientError, BotoCoreError, Boto3Error) as error:
        file.close()
        raise FetchError(f"cannot be fetched ({_code(error)})", passing=True) from None
    file.seek(0)
    return io.BufferedReader(file)


def _split(address: str) -> tuple[str, str]:
    bucket, _, key = address.partition("://")[2].partition("/")
    return bucket, key


def _is_below(name: str, prefix: str) -> bool:
    return not prefix or prefix.endswith("/") or name[len(prefix) : len(prefix) + 1] == "/"


def _code(error: Exception) -> str:
    answer: dict[str, Any] = getattr(error, "response", {})
    return str(answer.get("Error", {}).get("Code") or type(error).__name__)


@lru_cache(maxsize=1)
def _client(_process: int) -> Any:  # noqa: ANN401  boto3 clients have no types
    """The client of a process: a copy of a process must not use its connections."""
    import boto3  # noqa: PLC0415  an extra
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))
