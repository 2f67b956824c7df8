"""CloudTrail's log files in S3: which keys name one, and the events in it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from engine.errors import FetchError
from engine.pipeline.decode.inflate import text_of
from engine.pipeline.decode.record import event, is_record
from engine.pipeline.decode.scan import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.pipeline.decode.place import Fetch, Found, Place

NOT_A_LOG_FILE: Final = "the key is not a CloudTrail log file's"
DIGEST_FILE: Final = "a CloudTrail digest file"
INSIGHT_FILE: Final = "a file of CloudTrail Insights"
AGGREGATED_FILE: Final = "a file of CloudTrail's aggregated events"
NOT_A_RECORD: Final = "is not a CloudTrail record"
NO_OBJECT: Final = "names no bucket and key"

_OTHER_FOLDERS: Final = (
    ("CloudTrail-Digest", DIGEST_FILE),
    ("CloudTrail-Insight", INSIGHT_FILE),
    ("CloudTrail-Aggregated", AGGREGATED_FILE),
)
_FOLDERS: Final = ("CloudTrail", "CloudTrail-NetworkActivity")
_ENDINGS: Final = (".json.gz", ".json")


def fetched(bucket: object, key: object, place: Place, fetch: Fetch) -> Iterator[Found]:
    """The events of the log file that a notification names, its key as S3 knows it (decoded). Other keys are passed over."""
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        yield place.unreadable(NO_OBJECT)
        return
    reason = not_a_log_file(key)
    if reason:
        yield place.passed_over(reason)
        return
    try:
        stream = fetch(bucket, key)
    except FetchError as error:
        yield place.unreadable(f"could not be fetched: {error}", again=True)
        return
    with closing(stream):
        yield from records(text_of(stream), place)


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


def records(pieces: Iterator[str], place: Place) -> Iterator[Found]:
    """The events of a text that holds records only: a payload in it is not opened, so that it cannot name further files."""
    for one in scan(pieces):
        there = place.at(f" record {one.number}") if one.step else place
        if one.gap:
            yield there.unreadable(one.gap, again=one.again)
        else:
            yield from _record(one.value, there)


def _record(value: object, place: Place) -> Iterator[Found]:
    if is_record(value):
        yield event(value, place)
    elif isinstance(value, dict) and isinstance(value.get("Records"), list):
        for number, inner in enumerate(value["Records"], 1):
            there = place.at(f" record {number}")
            yield event(inner, there) if is_record(inner) else there.unreadable(NOT_A_RECORD)
    elif is_digest(value):
        yield place.passed_over(DIGEST_FILE)
    else:
        yield place.unreadable(NOT_A_RECORD)


def is_digest(value: object) -> bool:
    """Whether a value is a digest file's content.

    Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
    """
    return isinstance(value, dict) and "digestStartTime" in value and "logFiles" in value
