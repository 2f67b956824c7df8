"""Messages: what is left of events after masking, and what is posted."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.model.decisions import Failure
from engine.model.masking import Field, Level
from engine.model.policies import ActorClass, Evidence
from engine.model.safe_repr import repr_only
from engine.model.vocabulary import Severity


class MaskedEvent(NamedTuple):
    """What a level leaves of an event, as text. A field that is absent was dropped, or the event has none.

    `hash_missing` counts the fields that were dropped because there is no hash key. `denied`, `cross_account` and `access_kind`
    are the facts of these names, which tell nothing of who called or what was touched; nor do `of_version` (a version was
    named), `makes_public` (everybody was granted access) and `foreign` (the caller is of another account than the record's).
    `caller_ids` stand for the caller's account, role, session and name, `object_id` for the object's key: keyed digests, by which
    callers and objects are told apart to count them; empty where there is no such value.
    """

    level: Level
    values: Mapping[Field, str]
    hash_missing: int = 0
    denied: bool = False
    cross_account: bool | None = False
    access_kind: str = "other"
    of_version: bool = False
    makes_public: bool = False
    foreign: bool = False
    caller_ids: tuple[str, ...] = ()
    object_id: str = ""


class Probe(NamedTuple):
    """A read that is made on a schedule to see whether events arrive: of one object, by one role (its ARN)."""

    bucket: str
    key: str
    role: str


class Deployment(NamedTuple):
    """Where this Trailbell runs: for the links in a message, and to recognise its own reads. All None on the command line.

    `changes` is the address where a new policy file can be proposed; `function` separates the metrics of several functions.
    """

    region: str | None = None
    log_group: str | None = None
    role: str | None = None
    changes: str | None = None
    function: str | None = None
    probe: Probe | None = None


class Top(NamedTuple):
    """The most frequent values of a field with their counts, most frequent first; `further`: how many other values there are."""

    values: tuple[tuple[str, int], ...]
    further: int = 0


class KeyGroup(NamedTuple):
    """Events on objects whose keys begin alike (or are the same, where the prefix is the whole key), and their bytes."""

    prefix: str
    events: int
    size: int = 0


class CallerCounts(NamedTuple):
    """How many different callers there were, and of what sort. `accounts` are other accounts than the bucket's."""

    callers: int = 1
    people: int = 0
    roles: int = 0
    tasks: int = 0
    accounts: int = 0


class Summary(NamedTuple):
    """Many like events for one channel, as one. All of them are masked at one level, and so is every value here.

    `shared` holds the values that all events have in common. `total` events between `first` and `last` (values of the field
    `time`; None: hidden, or not recorded), of them `denied` denied and `failed` failed otherwise (None: hidden). `size` is the
    bytes of those that did not fail (None: hidden, or not recorded), `objects` counts their different keys (those of all events,
    where all failed). `keys` groups these by common prefix, `further_keys` are in no group; `denied_under` is the prefix of all
    keys that were denied. `top` are the most frequent values of fields that differ. `actor` and `evidence` are those that all
    have (None: several, or hidden). `by`: the fields in which the events are alike. `numbers` are the events' places in the
    batch.
    """

    total: int
    shared: MaskedEvent
    first: str | None
    last: str | None
    denied: int | None
    failed: int | None
    size: int | None
    objects: int
    keys: tuple[KeyGroup, ...]
    further_keys: int
    denied_under: str
    top: Mapping[Field, Top]
    callers: CallerCounts
    actor: ActorClass | None
    evidence: Evidence | None
    severity: Severity
    by: tuple[Field, ...]
    routes: tuple[str, ...]
    revision: str
    numbers: tuple[int, ...]
    runbook: str | None = None
    failures: tuple[Failure, ...] = ()
    fallback_for: str | None = None
    hash_missing: int = 0


class Incident(NamedTuple):
    """An incident so far: its events, and how many of them have not been reported to the channel yet.

    `ended`: no further events are counted. `repeated`: the channel may have been told this before.
    """

    summary: Summary
    unreported: int
    ended: bool = False
    repeated: bool = False


class Fold(NamedTuple):
    """Many incidents that are told in one message: how many, of how many events, and the most important of them.

    `first` and `last` are as in `Summary`. `repeated`: the channel may have been told some of this before.
    """

    incidents: int
    events: int
    first: str | None
    last: str | None
    largest: tuple[Summary, ...]
    severity: Severity
    routes: tuple[str, ...]
    revision: str
    repeated: bool = False


@repr_only("channel", "events", "hash_missing")
class Message(NamedTuple):
    """A rendered message for a channel, about one event or, as a summary, several (`events`: their places in the batch).

    `body` is what is posted, as JSON in UTF-8: Slack's payload, or for a topic the parameters of SNS's `Publish`.
    `hash_missing` is that of the masked event.
    """

    channel: str
    body: bytes
    events: tuple[int, ...] = (0,)
    hash_missing: int = 0

    @property
    def payload(self) -> dict[str, Any]:
        """The body as its receiver reads it."""
        payload: dict[str, Any] = json.loads(self.body)
        return payload
