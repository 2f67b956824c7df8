"""Log files in S3, read as they are stored. No error names a key: it holds the account id."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any, Final

from engine.edge.secrets import aws_client
from engine.errors import FetchError
from engine.model import FetchedFile

if TYPE_CHECKING:
    from collections.abc import Callable

_FINAL: Final = frozenset({"NoSuchKey", "NoSuchBucket", "AccessDenied", "InvalidObjectState", "404", "403"})
"""Error codes after which trying again does not help. Source: Amazon S3's list of error codes."""


def _none_done(_file: str) -> int:
    return 0


def object_fetcher(
    client: Callable[[str], Any] = aws_client, done: Callable[[str], int] = _none_done
) -> Callable[[str, str], FetchedFile]:
    """A function that opens a log file, `fetch(bucket, key)`, and raises `FetchError`.

    `done(file)` is how many records of the file with this id were done before.
    """
    made: list[Any] = []

    def fetch(bucket: str, key: str) -> FetchedFile:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

        try:
            if not made:
                made.append(client("s3"))
            answer = made[0].get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "error"))
            raise FetchError(f"the log file cannot be fetched ({code})", passing=code not in _FINAL) from None
        except BotoCoreError as error:
            raise FetchError(f"the log file cannot be fetched ({type(error).__name__})", passing=True) from None
        file = hashlib.sha256(f"s3://{bucket}/{key} {answer.get('ETag')}".encode()).hexdigest()
        return FetchedFile(io.BufferedReader(_Body(answer["Body"]), 65_536), file, done(file))

    return fetch


class _Body(io.RawIOBase):
    """S3's response as a stream that raises `FetchError`."""

    def __init__(self, body: Any) -> None:  # noqa: ANN401  botocore has no types
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  a writable buffer
        try:
            chunk = self._body.read(len(buffer))
        except Exception as error:  # noqa: BLE001  urllib3's and botocore's have no common root
            raise FetchError(f"the log file broke off ({type(error).__name__})", passing=True) from None
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._body.close()
        super().close()
