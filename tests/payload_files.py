"""The payload files beside the tests, one for each kind of envelope, and what decoding each of them gives."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.model import DecodeError, Event, FetchedFile, PassedOver
from engine.pipeline.decode.envelopes import CONTROL_MESSAGE, NOT_CREATED, OTHER_EVENT, TEST_EVENT, VALIDATION
from engine.pipeline.decode.logfile import DIGEST_FILE, INSIGHT_FILE, NOT_A_LOG_FILE
from engine.pipeline.decode.values import CUT_OFF, NOT_JSON

if TYPE_CHECKING:
    from engine.pipeline.decode import Decoded

PAYLOADS = Path(__file__).parent / "payloads"
LOG_FILE = PAYLOADS / "111122223333_CloudTrail_us-east-1_20261101T0005Z_AbCdEfGhIjKlMnOp.json.gz"

MESSAGE = "00000000-0000-4000-a000-00000000000{}"
SEQUENCE = "4959033827149025660855969253836157109592157598913658889{}"
FIREHOSE = "4964091282117881783351798646616894514717062757285573427400000{}"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))


def fetch(_bucket: str, _key: str) -> FetchedFile:
    return FetchedFile(LOG_FILE.open("rb"), "file")


def seen(found: Decoded) -> tuple[str, str, str | None]:
    """What was found, where, and in which item: an event by the last digit of its id."""
    match found:
        case Event():
            return found.record["eventID"][-1], found.where, found.item
        case DecodeError():
            return f"{'whole: ' if found.retry else ''}{found.reason}", found.where, found.item
        case PassedOver():
            return f"({found.reason})", found.where, found.item


def logged(where: str, item: str | None = None) -> list[tuple[str, str, str | None]]:
    """The three events of the log file."""
    return [(str(number), f"{where} record {number}", item) for number in (1, 2, 3)]


EXPECTED: dict[str, list[tuple[str, str, str | None]]] = {
    "record": [("1", "payload", None)],
    "record-insight": [("1", "payload", None)],
    "record-network-activity": [("1", "payload", None)],
    "eventbridge": [("1", "detail", None)],
    "eventbridge-insight": [("1", "detail", None)],
    "eventbridge-scheduled": [(f"({OTHER_EVENT})", "payload", None)],
    "eventbridge-object-created": logged("detail"),
    "sqs-eventbridge": [
        ("1", "Records[0].body.detail", MESSAGE.format(1)),
        ("2", "Records[1].body.detail", MESSAGE.format(2)),
    ],
    "sqs-one-unreadable": [
        ("1", "Records[0].body.detail", MESSAGE.format(1)),
        (f"whole: {CUT_OFF}", "Records[1].body", MESSAGE.format(2)),
        ("3", "Records[2].body.detail", MESSAGE.format(3)),
    ],
    "sqs-fifo": [(str(n), f"Records[{n - 1}].body.detail", MESSAGE.format(n)) for n in (1, 2, 3)],
    "sqs-s3": [
        *logged("Records[0].body.Records[0].s3", MESSAGE.format(1)),
        (f"({TEST_EVENT})", "Records[1].body", MESSAGE.format(2)),
    ],
    "sqs-sns-s3": logged("Records[0].body.Message.Records[0].s3", MESSAGE.format(1)),
    "sqs-sns-raw": logged("Records[0].body.Records[0].s3", MESSAGE.format(1)),
    "sqs-cloudtrail-sns": [
        (f"({VALIDATION})", "Records[0].body.Message", MESSAGE.format(1)),
        *logged("Records[1].body.Message.s3ObjectKey[0]", MESSAGE.format(2)),
        (f"({DIGEST_FILE})", "Records[1].body.Message.s3ObjectKey[1]", MESSAGE.format(2)),
    ],
    "s3": logged("Records[0].s3"),
    "s3-mixed": [
        (f"({DIGEST_FILE})", "Records[0].s3", None),
        (f"({INSIGHT_FILE})", "Records[1].s3", None),
        (f"({NOT_A_LOG_FILE})", "Records[2].s3", None),
        (f"({NOT_CREATED})", "Records[3].s3", None),
        *logged("Records[4].s3"),
    ],
    "s3-test-event": [(f"({TEST_EVENT})", "payload", None)],
    "sns-eventbridge": [("1", "Records[0].Sns.Message.detail", None)],
    "sns-s3": logged("Records[0].Sns.Message.Records[0].s3"),
    "sns-http": [("1", "Message.detail", None)],
    "logs": [("1", "awslogs.data.logEvents[0].message", None), ("2", "awslogs.data.logEvents[1].message", None)],
    "logs-one-unreadable": [
        ("1", "awslogs.data.logEvents[0].message", None),
        (CUT_OFF, "awslogs.data.logEvents[1].message", None),
        ("3", "awslogs.data.logEvents[2].message", None),
    ],
    "logs-control": [(f"({CONTROL_MESSAGE})", "awslogs.data", None)],
    "kinesis": [
        ("1", "Records[0].kinesis.data", SEQUENCE.format(0)),
        ("1", "Records[1].kinesis.data.detail", SEQUENCE.format(1)),
        ("2", "Records[2].kinesis.data line 1", SEQUENCE.format(2)),
        ("3", "Records[2].kinesis.data line 2", SEQUENCE.format(2)),
        ("1", "Records[3].kinesis.data.logEvents[0].message", SEQUENCE.format(3)),
        ("2", "Records[3].kinesis.data.logEvents[1].message", SEQUENCE.format(3)),
        (f"({CONTROL_MESSAGE})", "Records[4].kinesis.data", SEQUENCE.format(4)),
    ],
    "firehose": [
        ("1", "records[0].data.detail", FIREHOSE.format(0)),
        ("2", "records[1].data line 1", FIREHOSE.format(1)),
        ("3", "records[1].data line 2", FIREHOSE.format(1)),
        (f"whole: {NOT_JSON}", "records[2].data", FIREHOSE.format(2)),
    ],
}


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table of the corpus, by column."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))
