"""The state of a deployed stack."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple


class Denial(NamedTuple):
    """What IAM says that a role may not do, where it should. `purpose` is what it is for."""

    purpose: str
    action: str
    resource: str


class AlarmState(NamedTuple):
    """An alarm of a stack: whether its actions are on, what they are, whether it is in alarm, and whether it pages somebody."""

    name: str
    enabled: bool
    actions: tuple[str, ...]
    rings: bool
    pages: bool = True
    threshold: float = 0


class ArchiveState(NamedTuple):
    """What is known of a stack's archive: its stream, its bucket, for how many days that locks what comes (0: it does not).

    `subscribed`: the log group's records go to the stream. `delivered`: which part of the deliveries of the last day S3 took
    (None: there was none).
    """

    stream: str
    active: bool
    subscribed: bool
    bucket: str
    days: int
    delivered: float | None


class LiveVersion(NamedTuple):
    """The version of a function that events go to: its number, or `$LATEST`.

    `before` is the one before it, "" where that is not known; `newest`: what was deployed last, code and settings, is the same.
    """

    version: str
    before: str
    newest: bool


class ProbeState(NamedTuple):
    """What is known of a stack's probe, in the last half hour: how many minutes its read took to arrive, and how often it failed.

    `enabled`: whether it is read on a schedule. `minutes` None: none arrived.
    """

    enabled: bool
    minutes: int | None
    failed: int


class SelfTestAnswer(NamedTuple):
    """What a function says of itself: why it cannot read a webhook, by channel, or its table ("" where it can).

    `buckets`: when the last event of each came, in seconds since 1970. `error` names what the function raised instead.
    """

    revision: str
    webhooks: Mapping[str, str]
    table: str
    buckets: Mapping[str, int]
    error: str = ""


class StackState(NamedTuple):
    """The state of a deployed stack. None: it could not be read, and `unread` says why, by the name of the part.

    `parts` are the names of what it is made of, by the logical ids of the template; `arns` those of some. `terraform`: it was
    made by Terraform. `rule_buckets` and `rule_events` None: the rule names none, so it passes all. `rule_targets` are ARNs.
    `trail_prefixes` are the prefixes of the ARNs of objects whose data events trails record, `trail_errors` what trails say of
    their last log file. `documents` are resource policies as JSON text ("" where there is none), by part, as `key ARN` of a
    queue's key and `bucket NAME` of a trail's; `versions NAME` is whether the bucket of published sets keeps versions. `keys`
    says of the KMS keys in use how they are. `denials` are empty where IAM lets the role do all it has to.
    `waiting` and `dead` count messages, `oldest` is in seconds. `retention` is in days, 0 for ever.
    `has_table`: the stack has a table of deliveries. `index_active` is that of its index of what is owed, `schedule_enabled`
    that of the rule which has it sent each minute. `oldest_owed`: for how many seconds an alert has been owed, as the schedule
    said last (None: it has said nothing); `owed`: the same of the channels that are owed something. `alarms` are by namespace and
    metric, `listeners` count the confirmed subscriptions of their topics. `set_age` is in seconds, None where the function has
    not said it lately. `answer` is what the function said of itself. `archive` and `probe` are None where there is none, and
    `live` where the function has no alias for its events.
    """

    parts: Mapping[str, str]
    arns: Mapping[str, str]
    terraform: bool
    rule_enabled: bool | None
    rule_buckets: frozenset[str] | None
    rule_events: frozenset[str] | None
    rule_targets: frozenset[str] | None
    trail_prefixes: frozenset[str] | None
    trail_errors: Mapping[str, str]
    documents: Mapping[str, str]
    keys: Mapping[str, str]
    denials: tuple[Denial, ...] | None
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
    table_active: bool | None
    index_active: bool | None
    schedule_enabled: bool | None
    oldest_owed: int | None
    owed: Mapping[str, int] | None
    retention: int | None
    alarms: Mapping[tuple[str, str], AlarmState] | None
    listeners: Mapping[str, int]
    set_age: int | None
    refused: int | None
    last_event: datetime | None
    foreign: int | None
    answer: SelfTestAnswer | None
    archive: ArchiveState | None
    live: LiveVersion | None
    probe: ProbeState | None
    direct: bool
    unread: Mapping[str, str]
