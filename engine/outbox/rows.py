"""An incident's row: what is known of its events, up to which of them its channel was notified, and when it is to hear more.

Pure: the same events at the same times give the same row, whoever counts them. Times are milliseconds since 1970.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from engine.errors import TrailbellError
from engine.model import SEVERITY_RANK, IncidentRule, Severity, repr_only
from engine.outbox.digest import Digest, bounded, from_json, merged
from engine.outbox.store import Scalar

NETWORKS_MAX: Final = 5
"""New networks that alert in one incident."""

CRITICAL_WINDOW_SECONDS: Final = 900.0
"""The longest window of an incident of critical events."""

DIGEST_MAX_BYTES: Final = 4_000
SAMPLE_MAX_BYTES: Final = 3_500
"""A row has at most two of each, and stays below 16 kB."""

KEPT_SECONDS: Final = 14 * 86_400
"""For how long an item is kept: as long as SQS keeps a message at most.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""


class DamagedRowError(TrailbellError):
    """An item that is no row of this layout: another version wrote it, or somebody who should not."""


@repr_only("level", "digest")
class View(NamedTuple):
    """What may be shown of some events at one level: the `sample` (None: no single event is shown) and the digest of all."""

    level: str
    digest: Digest
    sample: dict[str, Any] | None = None


class OutboxEntry(NamedTuple):
    """An event of which a channel is to be notified.

    Without a `rule` it is told by itself. A view without a sample makes a summary of all events with the same key.
    `key` is a keyed digest, by which events belong to one incident, and so is `network`, where the event has one.
    `views`: for the channel and, where its level differs, for its fallback.
    `occurred` and `arrived` are when the event happened, as recorded, and came in.
    """

    identity: str
    channel: str
    key: str
    severity: Severity
    views: tuple[View, ...]
    network: str | None = None
    never_mute: bool = False
    critical: bool = False
    occurred: int = 0
    arrived: int = 0
    rule: IncidentRule | None = None


class OutboxRow(NamedTuple):
    """An incident of a channel, as the table keeps it.

    Of its `events` the channel was notified of the first `notified`; it must be at once, up to `must_notify_to`. `due` is when it
    is to be notified next (None: nothing is owed), `since` from when on an alert has been owed (0: none is).

    While a message is sent, `in_flight` is how many events it covers, `holder` who sends it, until `held_until` at most; `tries`
    counts how often one was begun that nobody knows the end of. The names with `fallback_` say the same of what the fallback was
    sent while the channel was away. `summary`: all events are told as one summary, and none by itself. `occurred` and `arrived`
    are those of the oldest event that must be notified of. `sample_rank`: why the event in the samples alerts, see `_rank`.
    """

    id: str
    channel: str
    opened: int
    until: int
    events: int
    must_notify_to: int
    severity: Severity
    never_mute: bool
    urgent: bool
    networks: tuple[str, ...]
    views: tuple[View, ...]
    version: int = 1
    notified: int = 0
    closed: bool = False
    due: int | None = None
    since: int = 0
    in_flight: int = 0
    tries: int = 0
    holder: str = ""
    held_until: int = 0
    fallback_notified: int = 0
    fallback_in_flight: int = 0
    fallback_tries: int = 0
    fallback_holder: str = ""
    fallback_held_until: int = 0
    summary: bool = False
    occurred: int = 0
    arrived: int = 0
    sample_rank: int = 0

    @property
    def partition(self) -> str:
        """Where the index finds it while something is owed: urgent rows apart, the others spread over eight."""
        return partition(self.channel, None if self.urgent else int(self.id[-1], 16) % SHARDS)


SHARDS: Final = 8
"""Partitions of the index for each channel, so that a flood of openings is not throttled by one of them."""


def partition(channel: str, shard: int | None) -> str:
    """The name of a partition of the index; None: that of what is urgent."""
    return f"{channel}!" if shard is None else f"{channel}:{shard}"


def opened(id_: str, entry: OutboxEntry, now: int) -> OutboxRow:
    """A new row with the first event; without a rule it is closed at once."""
    rule = entry.rule
    seconds = min(rule.window, CRITICAL_WINDOW_SECONDS) if rule and entry.critical else rule.window if rule else 0.0
    row = OutboxRow(
        id=id_,
        channel=entry.channel,
        opened=now,
        until=now + int(seconds * 1000),
        events=0,
        must_notify_to=0,
        severity=entry.severity,
        never_mute=False,
        urgent=entry.critical or entry.never_mute,
        networks=(),
        views=(),
        version=0,
        closed=rule is None,
        summary=entry.views[0].sample is None,
    )
    return _counted(row, entry, now)


def count(row: OutboxRow, entries: Sequence[OutboxEntry], now: int) -> OutboxRow:
    """The row with further events in it; `version` grows by one for each write, not for each event."""
    version = row.version + 1
    for entry in entries:
        row = _counted(row, entry, now)
    return row._replace(version=version)


def _counted(row: OutboxRow, entry: OutboxEntry, now: int) -> OutboxRow:
    total = row.events + 1
    rank = _rank(row, entry)
    networks = row.networks
    if entry.network is not None and entry.network not in networks and len(networks) < NETWORKS_MAX:
        networks = (*networks, entry.network)
    alerts, owed_before = rank > 0, row.must_notify_to > row.notified
    shows = alerts and (not owed_before or rank >= row.sample_rank)
    row = row._replace(
        version=row.version + 1,
        events=total,
        must_notify_to=total if alerts else row.must_notify_to,
        severity=max(row.severity, entry.severity, key=SEVERITY_RANK.__getitem__),
        never_mute=row.never_mute or entry.never_mute,
        urgent=row.urgent or entry.critical or entry.never_mute,
        networks=networks,
        views=_views(row, entry, shows=shows),
        sample_rank=rank if shows else row.sample_rank,
        since=now if alerts and not owed_before else row.since,
        occurred=entry.occurred if alerts and not owed_before else row.occurred,
        arrived=entry.arrived if alerts and not owed_before else row.arrived,
    )
    return row._replace(due=due(row, now))


_COUNT, _OTHER_NETWORK, _LOUDER = 1, 2, 3


def _rank(row: OutboxRow, entry: OutboxEntry) -> int:
    """Why a channel is to hear of an event at once, as a rank; 0: it is only counted.

    Of several that wait to be told one is shown whole: the last of those with the highest rank. Else a busy caller's next tenfold
    would take the place of whoever uses the same credentials elsewhere.
    """
    total = row.events + 1
    if row.events and (SEVERITY_RANK[entry.severity] > SEVERITY_RANK[row.severity] or (entry.never_mute and not row.never_mute)):
        return _LOUDER
    if row.events and entry.network is not None and entry.network not in row.networks and len(row.networks) < NETWORKS_MAX:
        return _OTHER_NETWORK
    first = row.events == 0 or row.summary or total <= (entry.rule.after if entry.rule else 1)
    return _COUNT if first or len(str(total)) > len(str(row.events)) else 0


def due(row: OutboxRow, now: int) -> int | None:
    """When the next message about a row is due: at once (or as early as it was already), at its end, or never."""
    if row.must_notify_to > row.notified:
        return now if row.due is None else min(row.due, now)
    return row.until if row.events > row.notified else None


def is_due(row: OutboxRow, now: int) -> bool:
    """Whether a message about a row is due now, and no other invocation is about to send it."""
    return row.due is not None and row.due <= now and not (row.holder and row.held_until >= now)


def is_late(row: OutboxRow, now: int, after_ms: int) -> bool:
    """Whether an alert has been owed for so long, and the fallback has not heard of it."""
    held = row.fallback_holder and row.fallback_held_until >= now
    owed = row.must_notify_to > max(row.notified, row.fallback_notified)
    return bool(owed and row.since and now - row.since >= after_ms and not held)


def owed_for(row: OutboxRow, now: int) -> int:
    """For how many milliseconds a row has been owed: an alert since it was, a summary since the incident's end."""
    return now - (row.since if row.since and row.must_notify_to > row.notified else row.until)


def _views(row: OutboxRow, entry: OutboxEntry, *, shows: bool) -> tuple[View, ...]:
    """The views with an event added, and with `shows` as their sample.

    A level that only one side has is dropped: its values would not be those of all events.
    """
    if not row.views:
        return tuple(_bounded(view) for view in entry.views)
    added = {view.level: view for view in entry.views}
    return tuple(
        _bounded(
            View(view.level, merged(view.digest, added[view.level].digest), added[view.level].sample if shows else view.sample)
        )
        for view in row.views
        if view.level in added
    )


def _bounded(view: View) -> View:
    return View(view.level, bounded(view.digest, DIGEST_MAX_BYTES), _short_sample(view.sample))


def _short_sample(sample: dict[str, Any] | None) -> dict[str, Any] | None:
    """An event's texts, cut so that they fit into a row. Messages show 300 characters of a value at most."""
    if sample is None:
        return None
    for length in (1_100, 300, 100, 40, 10):
        short = {**sample, "values": {name: text[:length] for name, text in sample["values"].items()}}
        if len(json.dumps(short, separators=(",", ":"))) <= SAMPLE_MAX_BYTES:
            return short
    return {**sample, "values": {}, "failures": [], "title": None, "runbook": None}


# --- what is due -----------------------------------------------------------------------------------------------------------


class DueNotice(NamedTuple):
    """What a row's channel is to hear now: the events after `start`, up to and with `end`.

    `alert`: one of them alerts by itself, so that the sample is shown whole; without it, the incident is summed up.
    """

    start: int
    end: int
    alert: bool
    ended: bool
    repeated: bool


def next_notice(row: OutboxRow, now: int) -> DueNotice | None:
    """What the next message about a row is to say; None where nothing is due."""
    alert, ended = row.must_notify_to > row.notified, row.closed or now >= row.until
    if not alert and not (ended and row.events > row.notified):
        return None
    repeated = row.tries > 1 or row.fallback_notified > row.notified
    return DueNotice(row.notified, row.events, alert, ended, repeated)


# --- rows as items ---------------------------------------------------------------------------------------------------------

_TEXT: Final = ("id", "channel", "severity", "networks", "views", "holder", "fallback_holder")
_TRUTH: Final = ("never_mute", "urgent", "closed", "summary")
_KINDS: Final[Mapping[str, type]] = {
    name: str if name in _TEXT else bool if name in _TRUTH else int for name in OutboxRow._fields
}
_SEVERITIES: Final = frozenset(Severity)
_EVENTS_MAX: Final = 1_000_000_000
_NOT_SET: Final = {"", 0}


def to_item(row: OutboxRow) -> dict[str, Scalar]:
    """The attributes of a row. Only what is owed has `owed` and `due`, by which the index finds it, and it never expires."""
    item: dict[str, Scalar] = {
        name: value
        for name, value in row._asdict().items()
        if name not in {"views", "networks", "due", "severity"} and (value not in _NOT_SET or name in {"events", "notified"})
    }
    item |= {"severity": row.severity.value, "networks": json.dumps(row.networks), "closed": row.closed}
    item["views"] = json.dumps(row.views, separators=(",", ":"))
    if row.due is None:
        item["expires"] = row.until // 1000 + KEPT_SECONDS
    else:
        item |= {"owed": row.partition, "due": row.due}
    return item


def from_item(item: Mapping[str, Scalar]) -> OutboxRow:
    """The row that an item is. Raises `DamagedRowError` where it is none."""
    try:
        values: dict[str, Any] = {name: item[name] for name in OutboxRow._fields if name in item}
        if any(type(value) is not _KINDS[name] for name, value in values.items()):
            raise DamagedRowError
        values["severity"] = Severity(str(item["severity"]))
        values["networks"] = tuple(json.loads(str(item["networks"])))
        values["views"] = tuple(_view_of(*view) for view in json.loads(str(item["views"])))
        values.setdefault("never_mute", False)
        values.setdefault("urgent", False)
        values.setdefault("must_notify_to", 0)
        return OutboxRow(**values)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise DamagedRowError from None


def _view_of(level: object, digest: object, sample: object) -> View:
    if not isinstance(level, str) or not isinstance(digest, list) or not (sample is None or isinstance(sample, dict)):
        raise DamagedRowError
    return View(level, from_json(digest), sample)


def _count_in(item: Mapping[str, Scalar], name: str, otherwise: int) -> int:
    value = item.get(name)
    return value if type(value) is int and 0 < value < _EVENTS_MAX else otherwise


def in_place_of(item: Mapping[str, Scalar]) -> OutboxRow:
    """A row in place of one that cannot be read: it is reported at once, as a count."""
    name, events = str(item["id"]), _count_in(item, "events", 1)
    severity = item.get("severity")
    return OutboxRow(
        id=name,
        channel=name.split(":")[1] if ":" in name else "",
        opened=1,
        until=1,
        events=events,
        must_notify_to=events,
        severity=Severity(severity) if severity in _SEVERITIES else Severity.WARNING,
        never_mute=False,
        urgent=True,
        networks=(),
        views=(),
        notified=min(_count_in(item, "notified", 0), events - 1),
        closed=True,
        due=0,
    )
