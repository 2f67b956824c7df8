"""Log files in S3, streamed; no error names a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from engine.edge.objects import object_fetcher
from engine.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "AWSLogs/111122223333/CloudTrail/x.json.gz"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {"ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing", "DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="trail-logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield client


def test_a_file_is_read_as_it_is_stored(s3: Any) -> None:
    content = bytes(range(256)) * 1_000
    s3.put_object(Bucket="trail-logs", Key=KEY, Body=content)
    with object_fetcher(lambda _: s3)("trail-logs", KEY).stream as stream:
        first = stream.read(10)
        assert first + stream.read() == content


def test_one_client_serves_many_files(s3: Any) -> None:
    s3.put_object(Bucket="trail-logs", Key=KEY, Body=b"x")
    made: list[str] = []
    fetch = object_fetcher(lambda service: (made.append(service), s3)[1])
    for _ in range(3):
        with fetch("trail-logs", KEY).stream as stream:
            assert stream.read() == b"x"
    assert made == ["s3"]


def test_a_file_is_known_by_its_place_and_its_content(s3: Any) -> None:
    done: dict[str, int] = {}
    fetch = object_fetcher(lambda _: s3, lambda file: done.setdefault(file, len(done)))
    for key, content in ((KEY, b"x"), (KEY, b"x"), (KEY, b"y"), (f"{KEY}2", b"x")):
        s3.put_object(Bucket="trail-logs", Key=key, Body=content)
        file = fetch("trail-logs", key)
        assert (file.done, KEY in file.id) == (done[file.id], False)
    assert len(done) == 3


@pytest.mark.parametrize(("bucket", "code"), [("trail-logs", "NoSuchKey"), ("elsewhere", "NoSuchBucket")])
def test_what_is_not_there_is_not_tried_again_and_its_key_not_told(s3: Any, bucket: str, code: str) -> None:
    with pytest.raises(FetchError) as raised:
        object_fetcher(lambda _: s3)(bucket, KEY)
    assert not raised.value.passing
    assert code in str(raised.value)
    assert "111122223333" not in str(raised.value)
