"""The values that flow through Trailbell: immutable, without logic and without I/O.

They stand in the order in which an event meets them: a record comes in, policies decide, a message goes out.
Where a value holds event data or a secret, its `repr` does not (`repr_only`): it stays out of tracebacks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import Any, BinaryIO, Final, NamedTuple, Protocol, TypeAlias, TypeVar

_Value = TypeVar("_Value")

Record: TypeAlias = Mapping[str, Any]
"""One CloudTrail record as JSON gives it. Attacker-controlled."""

Document: TypeAlias = Mapping[str, Any]
"""What a matcher sees: the record and, beside its own names, the facts."""

FactGroups: TypeAlias = Sequence[tuple[Any, ...]]
"""The facts of a record in groups, each made only where it is read.

Target, role, caller, source, access, whether accounts are crossed, and the actor's class.
"""


def repr_only(*names: str) -> Callable[[type[_Value]], type[_Value]]:
    """A decorator that limits a class's `repr` to these fields: the others hold event data or secrets."""

    def shown(value: object) -> str:
        return f"{type(value).__name__}({', '.join(f'{name}={getattr(value, name)!r}' for name in names)})"

    def named(made: type[_Value]) -> type[_Value]:
        made.__repr__ = shown  # type: ignore[method-assign]  # mypy knows no other way to say so
        return made

    return named


# --- words -----------------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """The kind of actor that a class stands for."""

    ROBOT = "robot"
    PERSON = "person"
    SERVICE = "service"
    UNKNOWN = "unknown"


class Strength(StrEnum):
    """Whether AWS vouches for a piece of evidence, or the caller could have chosen it."""

    ATTESTED = "attested"
    CLAIMED = "claimed"


class Severity(StrEnum):
    """How loud a message is; `SEVERITY_RANK` orders it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


SEVERITY_RANK: Final[Mapping[Severity, int]] = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class Language(StrEnum):
    """The language of a message's labels."""

    EN = "en"
    JA = "ja"


class VoidReason(StrEnum):
    """Why a mute or a silence that holds is void."""

    NOT_ALLOWED = "not allowed"
    NEVER_MUTE = "never_mute"
    FAILURE = "a failure"
    ACCOUNT = "another account"
    BUCKET = "another bucket"


class LocalizedText(NamedTuple):
    """A text of a policy in the languages that it has; the English one stands in for one that it has not."""

    en: str
    ja: str | None = None

    def in_language(self, language: Language) -> str:
        """The text for a reader of this language."""
        return self.ja if language is Language.JA and self.ja is not None else self.en


class Detail(StrEnum):
    """How much a message shows below its two lines: what its channel chose, or every field."""

    SHORT = "short"
    FULL = "full"


ALWAYS_VOID_FOR: Final = (VoidReason.NEVER_MUTE, VoidReason.FAILURE)
"""What makes every mute and every silence void."""


VoidFor: TypeAlias = Mapping[tuple[str, str, str], tuple[VoidReason, ...]]
"""What makes each mute and silence of a set void, by its policy's name, its section (`routes` or `silences`) and its id."""


class Selects(StrEnum):
    """Which CloudTrail events are processed."""

    S3_DATA = "s3-data"
    ALL = "all"


class Operator(StrEnum):
    """How one field is masked; `OPERATOR_RANK` orders them by strictness."""

    KEEP = "keep"
    NETWORK = "network"
    LAST4 = "last4"
    MASK = "mask"
    HASH = "hash"
    DROP = "drop"


OPERATOR_RANK: Final[Mapping[Operator, int]] = {
    Operator.KEEP: 0,
    Operator.NETWORK: 1,
    Operator.LAST4: 1,
    Operator.MASK: 1,
    Operator.HASH: 2,
    Operator.DROP: 3,
}


class Field(StrEnum):
    """The message fields, in the order in which a message shows them."""

    TIME = "time"
    EVENT = "event"
    BUCKET = "bucket"
    KEY = "key"
    COPY_SOURCE = "copy_source"
    SIZE = "size"
    REGION = "region"
    SOURCE_IP = "source_ip"
    USER_AGENT = "user_agent"
    CLIENT = "client"
    CLASS = "class"
    EVIDENCE = "evidence"
    ACTOR_TYPE = "actor_type"
    NAME = "name"
    ROLE = "role"
    SESSION = "session"
    ARN = "arn"
    PRINCIPAL = "principal"
    ACCOUNT = "account"
    ACCESS_KEY = "access_key"
    MFA = "mfa"
    ERROR_CODE = "error_code"
    ERROR_MESSAGE = "error_message"
    EVENT_ID = "event_id"
    REQUEST_ID = "request_id"


_PLAIN = frozenset({Operator.KEEP, Operator.DROP})
_OPAQUE = _PLAIN | {Operator.HASH}
_NAMED = _OPAQUE | {Operator.MASK}

FIELD_OPERATORS: Final[Mapping[Field, frozenset[Operator]]] = {
    Field.TIME: _PLAIN,
    Field.EVENT: _PLAIN,
    Field.BUCKET: _NAMED,
    Field.KEY: _NAMED,
    Field.COPY_SOURCE: _NAMED,
    Field.SIZE: _PLAIN,
    Field.REGION: _PLAIN,
    Field.SOURCE_IP: _NAMED | {Operator.NETWORK},
    Field.USER_AGENT: _NAMED,
    Field.CLIENT: _NAMED,
    Field.CLASS: _PLAIN,
    Field.EVIDENCE: _PLAIN,
    Field.ACTOR_TYPE: _PLAIN,
    Field.NAME: _NAMED,
    Field.ROLE: _NAMED,
    Field.SESSION: _NAMED,
    Field.ARN: _NAMED,
    Field.PRINCIPAL: _NAMED,
    Field.ACCOUNT: _NAMED,
    Field.ACCESS_KEY: _NAMED | {Operator.LAST4},
    Field.MFA: _PLAIN,
    Field.ERROR_CODE: _PLAIN,
    Field.ERROR_MESSAGE: _OPAQUE,
    Field.EVENT_ID: _OPAQUE,
    Field.REQUEST_ID: _OPAQUE,
}
"""Which operators suit which field. `mask` is the field's own way: see `engine.pipeline.mask`."""

CLIENT_ON: Final = " on "
"""What stands in the value of `client` between the program and the platform."""

INHERITED_OPERATORS: Final[Mapping[Field, Field]] = {Field.SIZE: Field.EVENT, Field.CLIENT: Field.USER_AGENT}
"""Fields that a level need not list: it then masks them as it masks the other field."""

OPEN: Final = "open"
"""The built-in level that keeps every field; the least strict."""

UNKNOWN: Final = "unknown"
"""The class that always exists and has no evidence."""


# --- findings: what is wrong with a policy set -------------------------------------------------------------------------


class Location(NamedTuple):
    """A place in a file. `line` and `column` count from 1, in characters; `length` is the number of characters, at least 1."""

    path: str
    line: int = 1
    column: int = 1
    length: int = 1

    def __str__(self) -> str:
        """`path:line:column`, as editors and terminals know it."""
        return f"{self.path}:{self.line}:{self.column}"


class FindingSeverity(StrEnum):
    """How bad a finding is: an error keeps a set from loading, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Edit(NamedTuple):
    """A change of a file: the characters from `start` up to, but not including, `end` (from 0) become `text`."""

    start: int
    end: int
    text: str = ""


class Finding(NamedTuple):
    """One thing that is wrong with a policy set: where, what, and what to write instead (may be empty).

    `edits` are the fix, where only one is safe.
    """

    code: str
    where: Location
    what: str
    instead: str = ""
    severity: FindingSeverity = FindingSeverity.ERROR
    edits: tuple[Edit, ...] = ()

    @property
    def line(self) -> str:
        """The finding on one line: `path:1:2: what; instead [TB101]`."""
        tail = f"; {self.instead}" if self.instead else ""
        return f"{self.where}: {self.what}{tail} [{self.code}]"


# --- policies, compiled ------------------------------------------------------------------------------------------------


class Definitions(NamedTuple):
    """What a policy set defines once and its expressions use by name.

    `lists` are the texts that `in_list(…, 'name')` looks a value up in; `conditions` the expressions, all of which must be true
    for `holds('name')` to be true.
    """

    lists: Mapping[str, frozenset[str]] = MappingProxyType({})
    conditions: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class IndexKey(NamedTuple):
    """A test of the value at a path by which an index can find a matcher: see `engine.matching.keys`.

    `kind`: `equals` (the scalar `value`), `in` (one of the texts in the frozenset `value`), `prefix`, `suffix`, `contains` (a
    part of a text), `truthy` (true as JMESPath sees it, no value). `other` says which values that are not texts count as a yes
    for a test of texts: `never`, `unless_null`, `always`.
    """

    kind: str
    path: tuple[str, ...]
    value: str | float | frozenset[str] | None = None
    other: str = "never"


AnyOf: TypeAlias = frozenset[IndexKey]
"""Keys of which at least one must answer yes for a matcher to hold or fail."""


@repr_only("expressions")
class Matcher(NamedTuple):
    """A compiled `when`: its expressions, in order, and the predicate that says whether all of them are exactly true.

    `holds(record, facts)` raises `MatcherError` where an expression fails. `keys` are by what an index can find it (each set by
    itself), `reads` the paths that the expressions read, as far as their names go (the empty one: the document as a whole).
    """

    expressions: tuple[str, ...]
    holds: Callable[[Record, FactGroups], bool]
    keys: tuple[AnyOf, ...] = ()
    reads: frozenset[tuple[str, ...]] = frozenset()


class Evidence(NamedTuple):
    """A matcher that names an actor class, and what it says to a reader."""

    id: str
    says: LocalizedText
    strength: Strength
    matcher: Matcher


class ActorClass(NamedTuple):
    """A class of actors. `unknown` has no evidence."""

    name: str
    kind: Kind
    emoji: str | None = None
    title: LocalizedText | None = None
    never_mute: bool = False
    evidence: tuple[Evidence, ...] = ()


@repr_only("name", "rank")
class Level(NamedTuple):
    """A masking level. `rank` orders levels by strictness (`open` is 0); a field that `operators` lacks is dropped.

    `account_names`: the aliases that take the place of masked account ids.
    """

    name: str
    rank: int
    operators: Mapping[Field, Operator]
    account_names: Mapping[str, str] = MappingProxyType({})


class WebhookRef(NamedTuple):
    """Where a channel's messages go: exactly one of these is set.

    A webhook URL is kept in an environment variable, a secret (with the key in it) or a parameter; `sns` is the ARN of a topic.
    The port `webhook` resolves either to an address (a URL or the ARN), and the port `post` takes both.
    """

    env: str | None = None
    secret: str | None = None
    key: str | None = None
    parameter: str | None = None
    sns: str | None = None


class DigestRule(NamedTuple):
    """More than `after` messages alike in the fields `by` within one batch become one summary."""

    after: int
    by: tuple[Field, ...]


class IncidentKey(StrEnum):
    """What events of one incident can have in common beside message fields: who called, and by which way."""

    ACTOR = "actor"
    ACCESS = "access"


class IncidentRule(NamedTuple):
    """Events alike in `by` that arrive within `window` seconds of the first are one incident; the first `after` alert singly."""

    by: tuple[Field | IncidentKey, ...] = (IncidentKey.ACTOR, Field.BUCKET, IncidentKey.ACCESS)
    window: float = 900.0
    after: int = 1


class Channel(NamedTuple):
    """A named destination.

    A channel has `digest` or `incident` or neither. After `fallback_after` seconds in which a message could not be delivered, the
    fallback gets it as well (None: only where the channel is gone). `mention` says by severity whom an alert mentions: `here`,
    `channel`, `user:U…` or `subteam:S…`.
    """

    name: str
    webhook: WebhookRef
    masking_floor: Level
    timezone: tzinfo
    language: Language = Language.EN
    digest: DigestRule | None = None
    fallback: str | None = None
    fields: tuple[Field, ...] | None = None
    incident: IncidentRule | None = None
    fallback_after: float | None = None
    mention: Mapping[Severity, tuple[str, ...]] = MappingProxyType({})


DayRanges: TypeAlias = tuple[tuple[int, int], ...]
"""Ranges of days, each by its first and its last one as ordinals (`date.toordinal`), in order and apart from each other."""


class Window(NamedTuple):
    """Recurring hours. Minutes count from midnight; half-open; `start > end` runs over midnight and belongs to the start day.

    `days` holds 0 (Monday) to 6 (Sunday); `end` may be 1440. `dates` are the days on which the window may start (None: any day),
    `exceptions` those on which it does not.
    """

    days: frozenset[int]
    start: int
    end: int
    timezone: tzinfo
    dates: DayRanges | None = None
    exceptions: DayRanges = ()


class Route(NamedTuple):
    """A rule of a policy: it notifies channels, or mutes for a reason.

    It holds in one of the windows of `during`; without any, at every time. `void_for` says what makes a mute void.
    """

    id: str
    matcher: Matcher | None
    notify: tuple[str, ...] = ()
    mute: str | None = None
    level: Level | None = None
    severity: Severity = Severity.WARNING
    continues: bool = False
    title: LocalizedText | None = None
    runbook: str | None = None
    during: tuple[Window, ...] = ()
    detail: Detail = Detail.SHORT
    void_for: tuple[VoidReason, ...] = ALWAYS_VOID_FOR


class Silence(NamedTuple):
    """A temporary mute of one file's requests, from `start` (None: since ever) to before `until`.

    `channels` None: every channel the file asks for. `void_for` as in a route.
    """

    id: str
    matcher: Matcher
    until: datetime
    reason: str
    channels: frozenset[str] | None = None
    start: datetime | None = None
    void_for: tuple[VoidReason, ...] = ALWAYS_VOID_FOR


class Policy(NamedTuple):
    """One YAML file. `buckets` and `accounts` are its scope (None: every one), without what a pattern of `exclusions` matches.

    `anchored`: each pattern of `buckets` demands some literal characters, so that it takes the default's place for its buckets.
    `holds_default`: a file with a `default`, the set's own or that of its base, takes it for every bucket.
    """

    name: str
    owner: str
    path: str
    description: str = ""
    buckets: tuple[str, ...] | None = None
    accounts: frozenset[str] | None = None
    exclusions: tuple[str, ...] = ()
    anchored: bool = False
    holds_default: bool = False
    masking_floor: Level | None = None
    routes: tuple[Route, ...] = ()
    silences: tuple[Silence, ...] = ()


class Default(NamedTuple):
    """Where an event goes when no policy decided; `policy` names the file that holds it."""

    policy: str
    notify: tuple[str, ...]
    level: Level


class Selection(NamedTuple):
    """Which events are processed; `names` None: every event name."""

    select: Selects = Selects.S3_DATA
    names: frozenset[str] | None = None


class AuditRule(NamedTuple):
    """How much of an event the audit record holds; `event`: whether it holds the event itself."""

    level: Level
    event: bool = True


@repr_only("revision", "commit", "policies", "actors", "unknown", "levels", "channels", "default", "selection", "audit")
class PolicySet(NamedTuple):
    """All policies, compiled. `revision` is `sha256:` and 12 hex; `commit` the git commit where the build knows one.

    `actors` are in the order of the files, without `unknown`, which stands apart. `evidence` is that of all of them, each with
    its class, in the order in which it is asked; `first(record, facts)` gives the place of the first of it that holds, -1 where
    none does, and raises `MatcherError` where one fails before that. `levels` go from least strict to most, `open` first.
    `policies` are in path order. `definitions` are the lists and conditions of all files.
    """

    revision: str
    commit: str | None
    policies: tuple[Policy, ...]
    actors: tuple[ActorClass, ...]
    unknown: ActorClass
    evidence: tuple[tuple[ActorClass, Evidence], ...]
    levels: tuple[Level, ...]
    channels: Mapping[str, Channel]
    default: Default
    selection: Selection
    audit: AuditRule
    first: Callable[[Record, FactGroups], int]
    definitions: Definitions = Definitions()


class ActivePolicySet(NamedTuple):
    """A valid published policy set. `new`: no function has used this version before.

    `published` is its number as a time, `publisher` who published it in their own words: both are signed, so whoever may sign
    chose them. `before` is the set that was active before it, where a function that starts could read it.
    """

    policies: PolicySet
    version: str
    published: datetime
    publisher: str | None = None
    new: bool = False
    before: PolicySet | None = None


class RejectedPolicySet(NamedTuple):
    """A rejected policy set and the reason: places and codes of findings, never a value. `version` None: no set could be read.

    `new`: no function has rejected this version before.
    """

    reason: str
    version: str | None = None
    new: bool = False


# --- events --------------------------------------------------------------------------------------------------------------


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


# --- decisions -----------------------------------------------------------------------------------------------------------


class MatcherKind(StrEnum):
    """What kind of rule a matcher belongs to."""

    EVIDENCE = "evidence"
    ROUTE = "route"
    SILENCE = "silence"


class Failure(NamedTuple):
    """A matcher that failed: which one and why, without event data. `policy` is the class's name for evidence."""

    kind: MatcherKind
    policy: str
    id: str
    reason: str


class Suppression(NamedTuple):
    """A mute or a silence that matched: its policy, its id and its reason."""

    policy: str
    id: str
    reason: str


class VoidRule(NamedTuple):
    """A mute or a silence that held and was void: its policy, its id and why."""

    policy: str
    id: str
    reason: VoidReason


class Request(NamedTuple):
    """What all policies together request of one channel. `fallback_for`: the channel that is gone, which it replaces."""

    channel: str
    level: Level
    severity: Severity
    policy: str
    route: str
    title: LocalizedText | None = None
    runbook: str | None = None
    routes: tuple[str, ...] = ()
    fallback_for: str | None = None
    detail: Detail = Detail.SHORT


class Verdict(NamedTuple):
    """Everything that the rules chose: the same for all events that the same rules match.

    `requests` are by channel, in the order of the first request.
    """

    actor: ActorClass
    evidence: Evidence | None
    requests: tuple[Request, ...]
    routes: tuple[str, ...]
    mutes: tuple[Suppression, ...]
    silences: tuple[Suppression, ...]
    defaulted: bool
    failures: tuple[Failure, ...]
    revision: str
    void: tuple[VoidRule, ...] = ()


class Decision(NamedTuple):
    """Everything chosen for one event: its id (None: it has none that is text) and the verdict."""

    event_id: str | None
    verdict: Verdict


class MatchResult(StrEnum):
    """The result of a matcher."""

    HELD = "held"
    NOT_HELD = "not held"
    FAILED = "failed"
    OUT_OF_TIME = "outside its time"


class TraceEntry(NamedTuple):
    """One entry of a trace: a matcher that was evaluated, and its result."""

    kind: MatcherKind
    policy: str
    id: str
    expressions: tuple[str, ...]
    answer: MatchResult
    reason: str = ""


# --- messages ------------------------------------------------------------------------------------------------------------


@repr_only("epoch")
class HashKey(NamedTuple):
    """The key of the `hash` operator: at least 32 random bytes, and the epoch that is shown with every pseudonym."""

    epoch: str
    secret: bytes


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


class Deployment(NamedTuple):
    """Where this Trailbell runs: for the links in a message, and to recognise its own reads. All None on the command line.

    `changes` is the address where a new policy file can be proposed; `function` separates the metrics of several functions.
    """

    region: str | None = None
    log_group: str | None = None
    role: str | None = None
    changes: str | None = None
    function: str | None = None


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


class PostFault(StrEnum):
    """How a post can fail without a response."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    PROTOCOL = "protocol"


class HttpResponse(NamedTuple):
    """The response to one post: a status and the start of the body, or a fault. `retry_after` is in seconds."""

    status: int | None = None
    body: str = ""
    retry_after: float | None = None
    fault: PostFault | None = None


class Outcome(StrEnum):
    """What became of one message. `BOOKED`: it is in the outbox, from which it is told, whoever tells it."""

    DELIVERED = "delivered"
    DIGESTED = "digested"
    FALLBACK = "fallback"
    BOOKED = "booked"
    DUPLICATE = "duplicate"
    FAILED = "failed"


class Delivery(NamedTuple):
    """What became of one message on one channel.

    `gone`: Slack says that the channel or its webhook no longer exists, so the fallback is next. `reason` is a short fixed
    phrase, never Slack's body or a URL. `plain`: the plain-text version was sent instead of the blocks.
    """

    message: Message
    outcome: Outcome
    reason: str
    attempts: int
    status: int | None = None
    gone: bool = False
    plain: bool = False


class RecordOutcome(StrEnum):
    """How a record ends; exactly one, the first that applies."""

    UNREADABLE = "unreadable"
    PASSED_OVER = "passed_over"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    DELIVERED = "delivered"
    BOOKED = "booked"
    SILENCED = "silenced"
    MUTED = "muted"


class Claim(StrEnum):
    """The answer to a claim to deliver one event to one channel."""

    GRANTED = "granted"
    DELIVERED = "delivered"
    HELD = "held"


class Claims(Protocol):
    """Which invocation delivers what. A key stands for one event on one channel. Neither method ever raises."""

    def claim(self, key: str, seconds: float) -> Claim:
        """Claim a delivery for so many seconds: granted, delivered before, or held by another invocation."""

    def settle(self, keys: Sequence[str], *, delivered: bool) -> None:
        """Close the claims of one message: delivered for good, or released."""


class LogFiles(Protocol):
    """How far log files were read, for all invocations. Neither method ever raises: a file may be read twice."""

    def records_done(self, file: str) -> int:
        """How many records of a file are done; 0 where that is not known."""

    def note_done(self, place: LogFilePlace) -> None:
        """A file is done up to a place, that record included."""


def _in_turn(functions: Sequence[Callable[[], None]]) -> None:
    for function in functions:
        function()


class Ports(NamedTuple):
    """The pipeline's access to the outside world.

    `post(url, body, timeout)` posts JSON bytes, follows no redirect, and never raises.
    `webhook(ref, fresh)` resolves a webhook URL (`fresh`: past every cache); raises `WebhookError`.
    `emit(line)` writes one JSON line to the log, at once.
    `now()` is the aware wall clock, `elapsed()` a monotonic clock in seconds, `sleep(seconds)` waits on it.
    `remaining()` is how many seconds may still be used.
    `claims` knows which notices about policies other invocations post; None: every one posts them.
    `log_files` knows how far log files were read; None: nobody does.
    `side_by_side(functions)` runs functions at the same time and waits for all; by itself it runs one after another.
    """

    post: Callable[[str, bytes, float], HttpResponse]
    webhook: Callable[[WebhookRef, bool], str]
    emit: Callable[[str], None]
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    sleep: Callable[[float], None]
    remaining: Callable[[], float]
    claims: Claims | None = None
    log_files: LogFiles | None = None
    side_by_side: Callable[[Sequence[Callable[[], None]]], None] = _in_turn


# --- a deployed stack -------------------------------------------------------------------------------------------------------


class StackState(NamedTuple):
    """The state of a deployed stack. None: it could not be read, and `unread` says why, by the name of the part.

    `rule_buckets` and `rule_events` None: the rule names none, so it passes all. `trail_prefixes` are the prefixes of the
    ARNs of objects whose data events trails record. `waiting` and `dead` count messages, `oldest` is in seconds.
    `has_table`: the stack has a table of deliveries. `index_active` is that of its index of what is owed, `schedule_enabled`
    that of the rule which has it sent each minute. `oldest_owed`: for how many seconds an alert has been owed, as the schedule
    said last (None: it has said nothing); `owed`: the same of the channels that are owed something.
    """

    rule_enabled: bool | None
    rule_buckets: frozenset[str] | None
    rule_events: frozenset[str] | None
    rule_targets: int | None
    trail_prefixes: frozenset[str] | None
    function_state: str | None
    environment: frozenset[str] | None
    queue_enabled: bool | None
    waiting: int | None
    dead: int | None
    oldest: int | None
    secrets: Mapping[str, bool]
    parameters: Mapping[str, bool]
    topics: Mapping[str, bool]
    has_table: bool
    index_active: bool | None
    schedule_enabled: bool | None
    oldest_owed: int | None
    owed: Mapping[str, int] | None
    last_event: datetime | None
    foreign: int | None
    direct: bool
    unread: Mapping[str, str]
