"""Real and published payloads and records decode as the corpus says."""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import SHIPPED
from payload_files import rows

from engine.bulk.batches import Batch, file_results
from engine.bulk.deciding import BatchDecider
from engine.errors import FetchError
from engine.model import DecodeError, Event, FetchedFile, PassedOver, Selection, Selects
from engine.pipeline.decode import decode, decode_stream
from engine.policy.load import load

ROOT = Path(__file__).parent.parent

LOG_FILES = {
    "aws_dataset__218007301253_CloudTrail_us-east-1_20230710T1215Z_dTTFsx4I2m3om5Oy.json": 1,
    "aws_dataset__218007301253_CloudTrail_us-east-1_20230710T1225Z_vMAR90Iiaqr6M5sR.json": 16,
    "cloudtrail-parquet-lambda__811596193553_CloudTrail_ap-southeast-1-20200930T2358.json": 0,
    "cloudtrail-parquet-lambda__811596193553_CloudTrail_us-east-1-20200930T2200.json": 94,
    "cloudtrail-parquet-lambda__811596193553_CloudTrail_us-east-1-20201001T0003.json": 1,
    "cloudtrail-tracker__974349055189_CloudTrail_us-east-1_20140927T0505Z_3W5k7Q4fVEhXS1wL.json.gz": 1,
    "cloudtrail-tracker__974349055189_CloudTrail_us-east-1_20140927T0940Z_ufIxetZQo8rphNFU.json.gz": 4,
    "cloudtrail-tracker__974349055189_CloudTrail_us-east-1_20170601T0815Z_QSedzPzMycuDqYW8.json.gz": 884,
}

# What AWS's examples of triggers carry is no CloudTrail record: each is an error of its item, or not for Trailbell.
TRIGGERS = {
    "aws-lambda-go__cloudwatch-logs-event": (DecodeError, 2),
    "aws-lambda-go__kinesis-event": (DecodeError, 2),
    "aws-lambda-go__kinesis-firehose-event": (DecodeError, 2),
    "aws-lambda-go__s3-event": (PassedOver, 1),
    "aws-lambda-go__s3-event-with-decoded": (PassedOver, 1),
    "aws-lambda-go__sns-event": (DecodeError, 1),
    "aws-lambda-go__sqs-event": (DecodeError, 1),
    "powertools-python__cloudWatchLogEvent": (DecodeError, 2),
    "powertools-python__cloudWatchLogEventWithPolicyLevel": (DecodeError, 2),
    "powertools-python__eventBridgeEvent": (PassedOver, 1),
    "powertools-python__kinesisFirehoseKinesisEvent": (DecodeError, 2),
    "powertools-python__kinesisFirehosePutEvent": (DecodeError, 2),
    "powertools-python__kinesisFirehoseSQSEvent": (DecodeError, 1),
    "powertools-python__kinesisStreamCloudWatchLogsEvent": (DecodeError, 6),
    "powertools-python__kinesisStreamEvent": (DecodeError, 2),
    "powertools-python__kinesisStreamEventOneRecord": (DecodeError, 1),
    "powertools-python__s3Event": (PassedOver, 1),
    "powertools-python__s3EventBridgeNotificationObjectCreatedEvent": (PassedOver, 1),
    "powertools-python__s3EventDecodedKey": (PassedOver, 1),
    "powertools-python__s3EventDeleteObject": (PassedOver, 1),
    "powertools-python__s3SqsEvent": (PassedOver, 1),
    "powertools-python__snsEvent": (DecodeError, 1),
    "powertools-python__snsSqsEvent": (DecodeError, 1),
    "powertools-python__snsSqsFifoEvent": (DecodeError, 1),
    "powertools-python__sqsDlqTriggerEvent": (DecodeError, 1),
    "powertools-python__sqsEvent": (DecodeError, 2),
}


def no_fetch(_bucket: str, _key: str) -> FetchedFile:
    raise FetchError("there is no S3 here", passing=False)


def test_every_file_of_records_gives_as_many_events_as_its_manifest_counts(corpus: Path) -> None:
    expected, found = {}, {}
    for row in rows(corpus / "MANIFEST.tsv"):
        with (corpus / row["file"]).open("rb") as stream:
            found[row["file"]] = Counter(type(one) for one in decode_stream(stream, row["file"]))
        expected[row["file"]] = {Event: int(row["records"])}
    assert found == expected


@pytest.mark.parametrize(("name", "count"), LOG_FILES.items())
def test_every_log_file_gives_its_records(corpus: Path, name: str, count: int) -> None:
    with (corpus / "envelopes/cloudtrail_logfile" / name).open("rb") as stream:
        assert Counter(type(one) for one in decode_stream(stream, name)) == ({Event: count} if count else {})


def test_every_file_decides_the_same_by_the_needed_fields_alone(corpus: Path) -> None:
    policies = load(SHIPPED)
    policies = policies._replace(selection=Selection(Selects.ALL))
    deciding = BatchDecider(policies, datetime(2026, 11, 1, tzinfo=UTC))
    by_type = 0
    for path in sorted(path for path in corpus.rglob("*") if path.name.endswith((".json", ".jsonl", ".json.gz"))):
        content = path.read_bytes()
        plain = deciding.decide(Batch(decoded=list(decode_stream(io.BytesIO(content), "f"))))
        read: list[Batch] = []

        def decide(batch: Batch, read: list[Batch] = read) -> bytes:
            output = deciding.decide(batch)
            read.append(batch)
            return output

        results = file_results(io.BytesIO(content), "f", deciding.typed, decide)
        assert b"".join(result.output for result in results) == plain
        by_type += sum(len(batch.rows) + len(batch.records) for batch in read)
        told = [one for batch in read for one in batch.decoded if not isinstance(one, Event)]
        assert told == [one for one in decode_stream(io.BytesIO(content), "f") if not isinstance(one, Event)]
    assert by_type > 4_000


def test_every_eventbridge_event_gives_the_record_that_its_source_names(corpus: Path) -> None:
    envelopes = [row for row in rows(corpus / "envelopes/SOURCES.tsv") if row["file"].startswith("eventbridge_cloudtrail/")]
    assert len(envelopes) > 20
    for row in envelopes:
        payload = json.loads((corpus / "envelopes" / row["file"]).read_bytes())
        (event,) = decode(payload, no_fetch)
        assert isinstance(event, Event)
        assert (event.where, f"{payload['detail-type']} / {event.record['eventSource']}") == ("detail", row["note"])


@pytest.mark.parametrize(("name", "expected"), TRIGGERS.items())
def test_every_example_of_a_trigger_is_an_error_of_its_item_or_passed_over(
    corpus: Path, name: str, expected: tuple[type, int]
) -> None:
    payload = json.loads((corpus / f"envelopes/lambda_triggers/{name}.json").read_bytes())
    found = list(decode(payload, no_fetch))
    assert Counter(type(one) for one in found) == dict([expected])
    assert all(one.retry for one in found if isinstance(one, DecodeError))


def test_no_envelope_of_the_corpus_is_left_out(corpus: Path) -> None:
    envelopes = corpus / "envelopes"
    assert {path.stem for path in (envelopes / "lambda_triggers").iterdir()} == set(TRIGGERS)
    assert {path.name for path in (envelopes / "cloudtrail_logfile").iterdir()} == set(LOG_FILES)
