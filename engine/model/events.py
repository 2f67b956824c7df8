"""Events: what a payload holds, and what Trailbell derives from it. Attacker-controlled."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple, TypeAlias

from engine.model.safe_repr import repr_only

Record: TypeAlias = Mapping[str, Any]
"""One CloudTrail record as JSON gives it. Attacker-controlled."""

Document: TypeAlias = Mapping[str, Any]
"""What a matcher sees: the record and, beside its own names, the facts."""

FactGroups: TypeAlias = Sequence[tuple[Any, ...]]
"""The facts of a record in groups, each made only where it is read.

Target, role, caller, source, access, whether accounts are crossed, and the actor's class.
"""


class LogFilePlace(NamedTuple):
    """A place in a log file in S3: an id of the file and its content, and the record's number, from 1."""

    file: str
    number: int


class FetchedFile(NamedTuple):
    """A log file: its bytes as stored, to be read once; an id of the file and its content; how many of its records are done."""

    stream: BinaryIO
    id: str
    done: int = 0


@repr_only("where", "item")
class Event(NamedTuple):
    """One decoded CloudTrail event. `where` is its place in the payload; `item` the batch item it came in (None: no batch).

    `place` is where it stands in a log file that was fetched for the payload.
    """

    record: Record
    where: str
    item: str | None = None
    place: LogFilePlace | None = None


@repr_only("where", "reason", "item", "retry")
class DecodeError(NamedTuple):
    """A record, or a whole item, that could not be read. `reason` holds no event data.

    `retry`: nothing in the item could be read, or a log file that it names could not be fetched completely, so the item must be
    retried (and eventually reach the dead-letter queue). `log_file` is the address (`s3://bucket/key`) of the log file that the
    record lies in; only the audit record shows it.
    """

    where: str
    reason: str
    item: str | None = None
    retry: bool = False
    log_file: str | None = None
    place: LogFilePlace | None = None


class PassedOver(NamedTuple):
    """Something that Trailbell does not process: a digest file, a control message, an event that is not selected.

    `foreign`: an event that is not CloudTrail's, which the rule or the subscription should not have taken.
    """

    where: str
    reason: str
    item: str | None = None
    foreign: bool = False
    place: LogFilePlace | None = None


@repr_only()
class Facts(NamedTuple):
    """What Trailbell derives from a record; the names are those of the policy language, flat. All are as recorded, unmasked.

    `time` is the event's, aware, or None.
    """

    time: datetime | None
    bucket: str | None
    key: str | None
    copy_bucket: str | None
    copy_key: str | None
    role: str | None
    session: str | None
    actor_type: str | None
    actor_name: str | None
    account: str | None
    service: str | None
    source_ip: str | None
    source_kind: str
    source_private: bool | None
    denied: bool
    access_kind: str
    cross_account: bool | None
