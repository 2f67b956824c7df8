"""The state of a deployed stack."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple


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
