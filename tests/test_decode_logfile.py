"""Which S3 keys name a log file of CloudTrail's."""

from __future__ import annotations

import io
import json

import pytest
from builders import record

from engine.model import DecodeError, Event, PassedOver
from engine.pipeline.decode.inflate import text_of
from engine.pipeline.decode.location import PayloadPath
from engine.pipeline.decode.logfile import (
    AGGREGATED_FILE,
    DIGEST_FILE,
    INSIGHT_FILE,
    NOT_A_LOG_FILE,
    NOT_A_RECORD,
    not_a_log_file,
    record_events,
)

NAME = "111122223333_CloudTrail_us-east-1_20261101T0005Z_AbCdEfGhIjKlMnOp.json.gz"


@pytest.mark.parametrize(
    "key",
    [
        f"AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/01/{NAME}",
        f"AWSLogs/o-exampleorgid/111122223333/CloudTrail/us-east-1/2026/11/01/{NAME}",
        f"a prefix/of/three/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/01/{NAME}",
        f"AWSLogs/111122223333/CloudTrail-NetworkActivity/us-east-1/2026/11/01/{NAME}",
        NAME.replace("CloudTrail", "CloudTrail-NetworkActivity"),
        f"copies/{NAME}",
        NAME,
        NAME.removesuffix(".gz"),
        "trails/CloudTrail/renamed.json.gz",
    ],
)
def test_a_log_file_is_known_under_any_prefix(key: str) -> None:
    assert not_a_log_file(key) is None


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/01/x.json.gz", DIGEST_FILE),
        ("copies/111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20261101T000500Z.json.gz", DIGEST_FILE),
        ("AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/11/01/x.json.gz", INSIGHT_FILE),
        ("AWSLogs/111122223333/CloudTrail-Aggregated/us-east-1/2026/11/01/x.json.gz", AGGREGATED_FILE),
        ("AWSLogs/111122223333/Config/us-east-1/2026/11/1/ConfigHistory/x.json.gz", NOT_A_LOG_FILE),
        ("AWSLogs/111122223333/elasticloadbalancing/us-east-1/2026/11/01/x.log.gz", NOT_A_LOG_FILE),
        ("AWSLogs/111122223333/CloudTrail/", NOT_A_LOG_FILE),
        ("AWSLogs/111122223333/CloudTrail/us-east-1/notes.txt", NOT_A_LOG_FILE),
        ("my-CloudTrail-notes/x.json.gz", NOT_A_LOG_FILE),
        ("photo.jpg", NOT_A_LOG_FILE),
        ("", NOT_A_LOG_FILE),
    ],
)
def test_every_other_key_is_passed_over_for_a_reason(key: str, reason: str) -> None:
    assert not_a_log_file(key) == reason


def read(value: object) -> list[Event | DecodeError | PassedOver]:
    return list(record_events(text_of(io.BytesIO(json.dumps(value).encode())), PayloadPath("s3")))


def test_a_digest_under_a_log_files_name_is_passed_over() -> None:
    assert read({"digestStartTime": "2026-11-01T00:00:00Z", "logFiles": []}) == [PassedOver("s3", DIGEST_FILE)]


def test_what_is_no_record_in_a_log_file_is_told() -> None:
    assert read({"Records": [record(), {"Records": "none"}, [record()]]}) == [
        Event(record(), "s3 record 1"),
        DecodeError("s3 record 2", NOT_A_RECORD),
        DecodeError("s3 record 3", NOT_A_RECORD),
    ]


def test_records_behind_another_field_are_found() -> None:
    assert read({"version": 1, "Records": [record(), 5]}) == [
        Event(record(), "s3 record 1"),
        DecodeError("s3 record 2", NOT_A_RECORD),
    ]
