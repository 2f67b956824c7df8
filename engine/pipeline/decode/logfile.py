"""CloudTrail's log files in S3: which keys name one, and the events in it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from engine.errors import FetchError
from engine.model import LogFilePlace
from engine.pipeline.decode.inflate import text_of
from engine.pipeline.decode.record import event, is_record
from engine.pipeline.decode.values import read_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.pipeline.decode.location import Decoded, Fetch, PayloadPath

NOT_A_LOG_FILE: Final = "the key is not a CloudTrail log file's"
DIGEST_FILE: Final = "a CloudTrail digest file"
INSIGHT_FILE: Final = "a file of CloudTrail Insights"
AGGREGATED_FILE: Final = "a file of CloudTrail's aggregated events"
NOT_A_RECORD: Final = "is not a CloudTrail record"
DONE_BEFORE: Final = "its log file was read up to here by an earlier invocation"
NO_OBJECT: Final = "names no bucket and key"

_OTHER_FOLDERS: Final = (
    ("CloudTrail-Digest", DIGEST_FILE),
    ("CloudTrail-Insight", INSIGHT_FILE),
    ("CloudTrail-Aggregated", AGGREGATED_FILE),
)
_FOLDERS: Final = ("CloudTrail", "CloudTrail-NetworkActivity")
_ENDINGS: Final = (".json.gz", ".json")

LONGEST_ADDRESS: Final = 1_100
"""The most characters of a log file's address. Bucket names have up to 63, keys up to 1,024 bytes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""


def log_file_events(bucket: object, key: object, location: PayloadPath, fetch: Fetch) -> Iterator[Decoded]:
    """The events of the log file that a notification names, by its key as S3 knows it (decoded). Other keys are passed over."""
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        yield location.unreadable(NO_OBJECT)
        return
    reason = not_a_log_file(key)
    if reason:
        yield location.passed_over(reason)
        return
    location = location._replace(log_file=f"s3://{bucket}/{key}"[:LONGEST_ADDRESS])
    try:
        file = fetch(bucket, key)
    except FetchError as error:
        yield location.unreadable(f"could not be fetched: {error}", retry=True)
        return
    with closing(file.stream):
        for number, item in enumerate(record_events(text_of(file.stream), location), 1):
            left = location.passed_over(DONE_BEFORE) if number <= file.done else item
            yield left._replace(place=LogFilePlace(file.id, number))


def not_a_log_file(key: str) -> str | None:
    """Why a key is passed over, or None where it names a log file.

    A trail writes `prefix/AWSLogs/organisation/account/CloudTrail/region/2026/11/30/account_CloudTrail_region_time_x.json.gz`,
    under any prefix or none. Either the folder or the file's name has to be CloudTrail's: Config and others write `.json.gz`
    into the same bucket, and copies are often kept under folders of one's own.
    Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
    """
    *folders, name = key.split("/")
    for word, reason in _OTHER_FOLDERS:
        if word in folders or f"_{word}_" in name:
            return reason
    ours = any(word in folders or f"_{word}_" in name for word in _FOLDERS)
    return None if ours and name.endswith(_ENDINGS) else NOT_A_LOG_FILE


def record_events(pieces: Iterator[str], location: PayloadPath) -> Iterator[Decoded]:
    """The events of a text that holds records only: no payload in it is unwrapped, so it cannot name further files."""
    for item in read_values(pieces):
        here = location.at(f" record {item.number}") if item.path else location
        if item.error:
            yield here.unreadable(item.error, retry=item.retry)
        else:
            yield from _events(item.value, here)


def _events(value: object, location: PayloadPath) -> Iterator[Decoded]:
    if is_record(value):
        yield event(value, location)
    elif isinstance(value, dict) and isinstance(value.get("Records"), list):
        for number, record in enumerate(value["Records"], 1):
            here = location.at(f" record {number}")
            yield event(record, here) if is_record(record) else here.unreadable(NOT_A_RECORD)
    elif is_digest(value):
        yield location.passed_over(DIGEST_FILE)
    else:
        yield location.unreadable(NOT_A_RECORD)


def is_digest(value: object) -> bool:
    """Whether a value is a digest file's content.

    Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
    """
    return isinstance(value, dict) and "digestStartTime" in value and "logFiles" in value
