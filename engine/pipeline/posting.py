"""What becomes of the notifications of a batch: booked in the outbox, then sent from it as far as there is time.

With a table, an event that is booked is done: whoever drains next sends what is left. Without one, the outbox is a dictionary of
this invocation, and what it could not send is handed back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import Delivery, Message, Outcome
from engine.outbox.calls import Calls
from engine.outbox.enter import EntryState
from engine.outbox.outbox import Outbox
from engine.outbox.store import MemoryStore
from engine.pipeline.audit import delivery_record, line
from engine.pipeline.booking import Booking, PendingNotification
from engine.pipeline.digest import Entry, fold, folds
from engine.pipeline.drain import Drain
from engine.pipeline.mask import mask
from engine.pipeline.render import render, render_summary
from engine.pipeline.total import ChannelOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.model import Channel, DigestRule, Ports
    from engine.outbox.enter import Entered
    from engine.outbox.rows import OutboxEntry
    from engine.pipeline.delivery_log import Drained
    from engine.pipeline.setting import Setting
    from engine.pipeline.total import Received

CLAIM_EXTRA_SECONDS: Final = 10.0
"""Added to the time left for how long a claim to post a notice is held: a killed invocation releases its claims soon."""

CLAIM_MIN_SECONDS: Final = 2.0
"""What must be left for the table of deliveries to be called: where it hangs, as much is lost."""

DRAIN_SECONDS: Final = 5.0
"""For how long an invocation with events sends what is owed; the schedule's does so longer."""

LOCAL_WORKERS: Final = 60
"""Where the table is away, a worker posts to a webhook once a minute: as if sixty shared its rate."""

LOCAL_SECONDS: Final = 6.0


def memory_outbox(ports: Ports, by: str = "local", workers: int = 1) -> Outbox:
    """An outbox of one invocation, in a dictionary."""
    return Outbox(Calls(MemoryStore(), ports.elapsed, ports.sleep, lambda: 0.5), _milliseconds(ports), by, workers)


def _milliseconds(ports: Ports) -> Callable[[], int]:
    """The clock of rows: it moves as `elapsed` does, so that waiting moves it in every world."""
    started, began = ports.now().timestamp(), ports.elapsed()
    return lambda: int((started + ports.elapsed() - began) * 1000)


class Posting:
    """The notifications of one batch. `redelivered`: the batch items that came before; what is theirs is never posted locally.

    `local` is the outbox of this process for when the table is away; its rates outlive the batch.
    """

    def __init__(
        self,
        setting: Setting,
        ports: Ports,
        outbox: Outbox | None = None,
        redelivered: frozenset[str] = frozenset(),
        local: Outbox | None = None,
    ) -> None:
        self._setting = setting
        self._ports = ports
        self._outbox = outbox or memory_outbox(ports)
        self._local = local or memory_outbox(ports, "local", LOCAL_WORKERS)
        self._redelivered = redelivered
        self._booking = Booking(setting, ports, self._outbox.by)
        self._own: dict[str, dict[str, None]] = {}
        """The rows of the batch, by channel."""
        self.drained: list[Drained] = []

    def post(self, received: Sequence[Received], time_share: float = 1.0) -> Iterator[ChannelOutcome]:
        """The outcome of each event on each channel that it notifies. `time_share`: the part of the time left to use."""
        pending = by_channel(received)
        booked, failed = self._booked(pending)
        yield from failed
        states = self._outbox.enter([entry for _, entry in booked])
        away = [pair for pair, state in zip(booked, states, strict=True) if state.state is EntryState.AWAY]
        entered = [(*pair, state) for pair, state in zip(booked, states, strict=True) if state.state is not EntryState.AWAY]
        for notification, _, state in entered:
            if state.row is not None:
                self._own.setdefault(notification.request.channel, {})[state.row] = None
        self._record(entered)
        if self._outbox.durable:
            yield from (_outcome(notification, _BOOKED[state.state]) for notification, _, state in entered)
            yield from self._posted_locally(away)
        else:
            yield from self._sent(entered, time_share)

    def finish(self) -> None:
        """Send what is owed of the batch's rows, where they outlive it."""
        if self._outbox.durable and self._own and not self._outbox.calls.away:
            self.drained.append(Drain(self._setting, self._ports, self._outbox, DRAIN_SECONDS).run(_lists(self._own)))

    def _booked(
        self, pending: Mapping[str, Sequence[PendingNotification]]
    ) -> tuple[list[tuple[PendingNotification, OutboxEntry]], list[ChannelOutcome]]:
        """The entries of all notifications, and what became of those of which none could be made."""
        booked: list[tuple[PendingNotification, OutboxEntry]] = []
        failed: list[ChannelOutcome] = []
        now = self._outbox.now()
        for name, notifications in pending.items():
            channel = self._setting.policies.channels[name]
            try:
                booked += zip(notifications, self._booking.entries(channel, notifications, now), strict=True)
            except Exception:  # noqa: BLE001  one event must not take its batch along
                for notification in notifications:
                    failed += self._booked_singly(channel, notification, booked, now)
        return booked, failed

    def _booked_singly(
        self, channel: Channel, pending: PendingNotification, booked: list[tuple[PendingNotification, OutboxEntry]], now: int
    ) -> list[ChannelOutcome]:
        try:
            booked += [(pending, entry) for entry in self._booking.entries(channel, [pending], now)]
        except Exception as error:  # noqa: BLE001  one event must not take its batch along
            reason = f"the message could not be made ({type(error).__name__})"
            self._emit(channel.name, Outcome.FAILED, reason, [pending.decision.event_id], [])
            return [_outcome(pending, Outcome.FAILED)]
        return []

    # --- without a table, and while it is away ------------------------------------------------------------------------------

    def _sent(
        self, entered: Sequence[tuple[PendingNotification, OutboxEntry, Entered]], time_share: float
    ) -> Iterator[ChannelOutcome]:
        """Send the rows at once: what was not sent has failed, so that its item comes again."""
        drain = Drain(self._setting, self._ports, self._outbox, self._ports.remaining() * time_share)
        drained = drain.run(_lists(self._own))
        rows = {row.id: row for row in self._outbox.rows.read([name for rows in self._own.values() for name in rows])}
        self._own = {}
        self._forget_rows(self._outbox)
        for notification, _, state in entered:
            row = rows.get(state.row or "")
            reported = row is not None and row.notified >= max(1, state.ordinal)
            outcome = drained.rows.get(row.id, Outcome.FAILED) if row is not None and reported else Outcome.FAILED
            if state.state is EntryState.DUPLICATE:
                outcome = Outcome.DUPLICATE
            yield _outcome(notification, outcome)
        self.drained.append(drained._replace(events={}))

    def _posted_locally(self, away: Sequence[tuple[PendingNotification, OutboxEntry]]) -> Iterator[ChannelOutcome]:
        """One message a channel about what the table could not take, which is handed back: it says that it may come again."""
        first = [(pending, entry) for pending, entry in away if pending.event.item not in self._redelivered]
        if first:
            states = self._local.enter([entry for _, entry in first])
            own: dict[str, dict[str, None]] = {}
            for (pending, _), state in zip(first, states, strict=True):
                own.setdefault(pending.request.channel, {})[state.row or ""] = None
            self.drained.append(Drain(self._setting, self._ports, self._local, LOCAL_SECONDS, local=True).run(_lists(own)))
            self._forget_rows(self._local)
        for pending, _ in away:
            self._emit(pending.request.channel, Outcome.FAILED, _AWAY, [pending.decision.event_id], [])
            yield _outcome(pending, Outcome.FAILED)

    @staticmethod
    def _forget_rows(outbox: Outbox) -> None:
        if isinstance(outbox.calls.store, MemoryStore):
            outbox.calls.store.forget_rows()

    # --- records ------------------------------------------------------------------------------------------------------------

    def _record(self, entered: Iterable[tuple[PendingNotification, OutboxEntry, Entered]]) -> None:
        """Write for each row which events of this batch are in it, and for those counted before where they are."""
        groups: dict[tuple[str, EntryState, str | None], list[tuple[PendingNotification, int]]] = {}
        for pending, _, entry in entered:
            key = pending.request.channel, entry.state, entry.row
            groups.setdefault(key, []).append((pending, entry.ordinal))
        for (channel, state, row), members in groups.items():
            ids = [pending.decision.event_id for pending, _ in members]
            ranges = [] if row is None else [(row, start, end) for start, end in _runs([ordinal for _, ordinal in members])]
            self._emit(channel, _BOOKED[state], _REASONS[state], ids, ranges)

    def _emit(
        self, channel: str, outcome: Outcome, reason: str, ids: Sequence[str | None], ranges: Sequence[tuple[str, int, int]]
    ) -> None:
        delivery = Delivery(Message(channel, b"{}", ()), outcome, reason, 0)
        revision = self._setting.policies.revision
        self._ports.emit(line(delivery_record(delivery, channel, ids, revision, self._ports.now(), ranges=ranges)))


_BOOKED: Final = {
    EntryState.BOOKED: Outcome.BOOKED,
    EntryState.DUPLICATE: Outcome.DUPLICATE,
    # FAILED, so that the item is retried: the other invocation may still die before it delivers.
    EntryState.HELD: Outcome.FAILED,
}
_REASONS: Final = {
    EntryState.BOOKED: "in the outbox",
    EntryState.DUPLICATE: "counted before",
    EntryState.HELD: "an invocation of an older version holds the claim",
}
_AWAY: Final = "the table of deliveries gives no answer"


def _outcome(pending: PendingNotification, outcome: Outcome) -> ChannelOutcome:
    return ChannelOutcome(pending.number, pending.request.channel, outcome)


def _lists(own: Mapping[str, Mapping[str, None]]) -> dict[str, list[str]]:
    return {channel: list(rows) for channel, rows in own.items()}


def _runs(ordinals: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers as ranges, both ends included."""
    runs: list[tuple[int, int]] = []
    for ordinal in ordinals:
        if runs and ordinal == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], ordinal
        else:
            runs.append((ordinal, ordinal))
    return runs


def by_channel(received: Iterable[Received]) -> dict[str, list[PendingNotification]]:
    """What each channel is to be notified of, in the order of the events."""
    pending: dict[str, list[PendingNotification]] = {}
    for record in received:
        event, decision = record.event, record.decision
        if event is not None and decision is not None:
            for request in decision.verdict.requests:
                notification = PendingNotification(record.number, event, decision, request, record.facts)
                pending.setdefault(request.channel, []).append(notification)
    return pending


# --- composing: mask, digest, render ------------------------------------------------------------------------------------------


def compose(
    channel: Channel, pending: Sequence[PendingNotification], setting: Setting, rule: DigestRule | None = None
) -> list[Message]:
    """The messages for one channel; more than its digest rule (or `rule`) allows are folded into summaries."""
    rule = rule or channel.digest
    entries = [_masked(notification, setting) for notification in pending]
    if not folds(len(entries), rule):
        return [_rendered(entry, channel, setting) for entry in entries]
    singles, summaries = fold(entries, rule)
    return [
        *(_rendered(entry, channel, setting) for entry in singles),
        *(render_summary(summary, channel, setting.deployment) for summary in summaries),
    ]


def _masked(pending: PendingNotification, setting: Setting) -> Entry:
    number, event, decision, request, facts = pending
    return Entry(number, mask(event, decision, request.level, setting.key, facts), decision, request)


def _rendered(entry: Entry, channel: Channel, setting: Setting) -> Message:
    number, masked, decision, request = entry
    message = render(masked, decision, request, channel, setting.deployment)
    return message._replace(events=(number,))
