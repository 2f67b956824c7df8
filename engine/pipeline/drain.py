"""Sends what is owed: for each channel its rows, most urgent first, at the pace of its webhook.

Slot and its wait -> choose -> begin -> post -> delivery record -> settle. Every channel is drained by itself, side by side with
the others, by one invocation at a time; who was killed between two steps leaves rows that anybody may send after fifteen seconds.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import Message, Outcome, WebhookRef
from engine.outbox.operations import HOLD_MS, Lane
from engine.outbox.outbox import FOLD_FROM
from engine.outbox.rows import is_due, is_late, owed_for
from engine.outbox.store import TableAwayError, TableBusyError
from engine.pipeline.answers import Meaning, answer_of
from engine.pipeline.delivery_log import DeliveryLog, Drained, Sent
from engine.pipeline.destinations import Destination, Destinations
from engine.pipeline.notices import DueRow, composed, due_row
from engine.pipeline.render import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.model import Channel, Ports
    from engine.outbox.outbox import Outbox
    from engine.outbox.pace import Slot
    from engine.outbox.rows import OutboxRow
    from engine.pipeline.setting import Setting

POST_TIMEOUT_SECONDS: Final = 5.0
WAIT_MAX_SECONDS: Final = 5.0
"""The longest wait for a slot: a row is begun after it, so that it is held for the post alone."""

LEASE_MS: Final = 15_000
LEASE_RETRY_SECONDS: Final = 0.25

FRESH_MS: Final = 2_000
"""Rows that became due since then are left to the invocation that entered them, which asks for the lease for five seconds."""

FOUND_MAX: Final = 200
"""How many rows one query of the index returns."""

BEGIN_TRIES: Final = 3
POSTPONED_MS: Final = 60_000
"""After how long a message that the channel refuses is tried again, where its fallback asked for a pause."""

GIVEN_UP_MS: Final = 86_400_000
"""A row not sent within a day goes to the fallback; not sent there within another day, its events count as failed."""


class Drain:
    """Sends rows for at most `seconds`. `local`: the table is away, so a channel gets one message, which may come again."""

    def __init__(self, setting: Setting, ports: Ports, outbox: Outbox, seconds: float, *, local: bool = False) -> None:
        self.setting = setting
        self.ports = ports
        self.outbox = outbox
        self.ends = ports.elapsed() + min(seconds, ports.remaining())
        self.local = local
        self.drained = Drained({}, {}, {}, {}, {})
        self._sharing = Counter[WebhookRef | None]()

    def run(self, own: Mapping[str, Sequence[str]], channels: Iterable[str] = ()) -> Drained:
        """Send the rows `own` (ids by channel) that this invocation entered, and what else their and the other `channels` owe."""
        names = list(dict.fromkeys([*own, *channels]))
        self._sharing = Counter(self._webhook(name) for name in names)
        self.ports.side_by_side([_ChannelDrain(self, name, own.get(name, ())).run for name in names])
        return self.drained

    def _webhook(self, name: str) -> WebhookRef | None:
        channel = self.setting.policies.channels.get(name)
        return None if channel is None else channel.webhook

    def room(self, name: str) -> int:
        """How many messages of a channel there is time for; the channels of one webhook share it."""
        return int(self.left() * 1000 / self.outbox.interval_ms) // max(1, self._sharing[self._webhook(name)])

    def left(self) -> float:
        """The seconds until the end."""
        return min(self.ends - self.ports.elapsed(), self.ports.remaining())


class _ChannelDrain:
    """The rows of one channel, by one thread."""

    def __init__(self, drain: Drain, name: str, own: Sequence[str]) -> None:
        self._drain = drain
        self._setting, self._ports, self._outbox = drain.setting, drain.ports, drain.outbox
        self._rows, self._pace = drain.outbox.rows, drain.outbox.pace
        self._name = name
        self._wanted = dict.fromkeys(own)
        """Ids of rows that may be due even if the index, which may be behind, does not say so."""
        self._own = set(own)
        """Ids of rows that are ours to send: those that this invocation entered, or of which more became due while it sent."""
        self._queue: dict[str, OutboxRow] = {}
        self._destinations = Destinations(drain.setting, drain.ports, name)
        self._log = DeliveryLog(drain.setting, drain.ports, drain.outbox, drain.drained, name)
        self._urgent_sent = 0
        self._paused = False

    def run(self) -> None:
        """Send what is due, if no other invocation does so already."""
        holder = self._outbox.token()
        try:
            if not self._leased(holder):
                return
            try:
                self._send_all(holder)
            finally:
                self._rows.end_lease(self._name, holder)
        except (TableAwayError, TableBusyError):
            return  # the rows stay owed, and the next drain finds them

    def _leased(self, holder: str) -> bool:
        """Whether this channel is ours to drain. Tried again while own rows are due: else they might wait for the schedule."""
        while True:
            now = self._outbox.now()
            if self._rows.lease(self._name, holder, now, now + LEASE_MS):
                return True
            self._ports.sleep(LEASE_RETRY_SECONDS)
            if self._drain.left() <= 0 or not any(is_due(row, now) for row in self._rows.read(list(self._wanted))):
                return False

    def _send_all(self, holder: str) -> None:
        while self._drain.left() > 0 and self._refilled() and not self._left_to_others():
            now = self._outbox.now()
            self._rows.lease(self._name, holder, now, now + LEASE_MS)
            destination = self._destinations.current()
            slot = self._slot(destination) if destination is not None else None
            if destination is not None and slot is not None and slot.gone and self._destinations.is_gone(destination):
                continue
            if destination is None or slot is None:
                if destination is None:
                    self._log.record_unsent(self._destinations.unknown_because, list(self._queue.values()))
                self._send_late()
                break
            if not self._waited(slot, destination):
                continue
            self._send(self._chosen(slot, destination), destination, slot, Lane.CHANNEL)
            if self._drain.local:
                break
        owed = [row.since for row in self._queue.values() if row.since and row.must_notify_to > row.notified]
        if owed:
            self._drain.drained.oldest[self._name] = (self._outbox.now() - min(owed)) / 1000

    def _refilled(self) -> bool:
        """Whether there are rows to send; looks for some where few are known."""
        if not self._queue or (self._wanted and len(self._queue) <= FOLD_FROM):
            self._refill()
        return bool(self._queue)

    def _refill(self) -> None:
        now = self._outbox.now()
        found = self._rows.owed(self._name, now, FOUND_MAX) if self._outbox.durable or not self._wanted else []
        ids, self._wanted = [*self._wanted, *found], {}
        rows = self._rows.read([name for name in dict.fromkeys(ids) if name not in self._queue])
        self._queue |= {row.id: row for row in rows if is_due(row, now)}

    def _left_to_others(self) -> bool:
        """Whether invocations that ask for the lease have just entered all that is owed.

        Who has sent its own rows then takes its next batch: while it waited for a slot in their place, nobody would add to their
        message.
        """
        fresh = self._outbox.now() - FRESH_MS
        return bool(self._own) and all(row.id not in self._own and (row.since or 0) > fresh for row in self._queue.values())

    def _waited(self, slot: Slot, destination: Destination) -> bool:
        """Whether the slot may be used, once it has come. What others entered meanwhile may share its message."""
        wait = (slot.at - self._outbox.now()) / 1000
        if wait > 0:
            self._ports.sleep(wait)
            if self._pace.paused(destination.rate_key, self._outbox.now()):
                return False
            if self._outbox.durable and len(self._queue) < self._rows.fold_max:
                self._refill()
        return True

    def _slot(self, destination: Destination) -> Slot | None:
        left = self._drain.left()
        wait = min(WAIT_MAX_SECONDS, left) if self._outbox.durable else left
        return self._pace.slot(destination.rate_key, self._outbox.now(), int(max(0.0, wait) * 1000))

    # --- which rows ---------------------------------------------------------------------------------------------------------

    def _chosen(self, slot: Slot, destination: Destination) -> list[OutboxRow]:
        """The rows of the next message: one, or all of one level where many are owed and somebody answered last time."""
        rows = sorted(self._queue.values(), key=lambda row: (not row.urgent, row.due or 0))
        if slot.fails or not self._folds(len(rows)):
            return rows[:1]
        if rows[0].urgent and not self._drain.local and self._urgent_sent < FOLD_FROM and not self._paused:
            self._urgent_sent += 1
            return rows[:1]
        now = self._outbox.now()
        levels = {row.id: self._due_row(row, now, destination.channel) for row in rows}
        lead = levels[rows[0].id]
        alike = [row for row in rows if lead is not None and (due := levels[row.id]) is not None and due.level == lead.level]
        return alike[: self._rows.fold_max] or rows[:1]

    def _folds(self, count: int) -> bool:
        if self._drain.local or (self._paused and not self._outbox.durable):
            return count > 1
        room = self._outbox.fold_from if self._outbox.durable else self._drain.room(self._name)
        return count > max(1, room)

    # --- sending ------------------------------------------------------------------------------------------------------------

    def _send(self, rows: Sequence[OutboxRow], destination: Destination, slot: Slot, lane: Lane) -> None:
        """Send one message about these rows, which leave the queue unless they stay owed."""
        hold = self._begun(rows, lane)
        if hold.rows:
            due_rows = self._due_rows(hold, destination.channel)
            sent = self._posted(due_rows, composed(due_rows, self._setting), destination)
            self._conclude(sent, hold, probing=slot.fails > 0)

    def _begun(self, rows: Sequence[OutboxRow], lane: Lane) -> _Hold:
        """The rows as they are held; where others counted events meanwhile, they are read again."""
        current = list(rows)
        for _ in range(BEGIN_TRIES):
            # Another holder for each try: one token never names two different transactions.
            holder = self._outbox.token()
            held = self._rows.begin(current, holder, self._outbox.now(), lane)
            if held:
                self._forget({row.id for row in current} - {row.id for row in held})
                return _Hold(held, holder, lane)
            current = [row for row in self._rows.read([row.id for row in current]) if is_due(row, self._outbox.now())]
            if not current:
                break
        self._forget({row.id for row in rows})
        return _Hold((), "", lane)

    def _forget(self, ids: Iterable[str]) -> None:
        """Read these rows again before they are sent: they have moved."""
        for name in ids:
            self._queue.pop(name, None)
            self._wanted[name] = None

    def _posted(self, due_rows: Sequence[DueRow], message: Message, destination: Destination) -> Sent:
        """What Slack says to a message; where it refuses the blocks, to its plain version."""
        timeout = min(POST_TIMEOUT_SECONDS, max(0.5, self._ports.remaining()))
        response = self._ports.post(destination.address, message.body, timeout)
        refused = answer_of(response).meaning is Meaning.BLOCKS_REFUSED
        if refused:
            message = plain(message)
            response = self._ports.post(destination.address, message.body, timeout)
        return Sent(destination, due_rows, message, response, plain=refused)

    def _conclude(self, sent: Sent, hold: _Hold, *, probing: bool) -> None:
        """Record what became of a message, and settle its rows or give them back. `probing`: the last one had no answer."""
        key, meaning, now = sent.destination.rate_key, sent.answer.meaning, self._outbox.now()
        if meaning is Meaning.TAKEN:
            self._log.record(sent, Outcome.DELIVERED if sent.destination.channel.name == self._name else Outcome.FALLBACK)
            self._settle(hold)
            if probing:
                self._pace.succeeded(key)
            return
        self._log.count_failed_post()
        if meaning is Meaning.PAUSE:
            pause = 1.0 if sent.response.retry_after is None else sent.response.retry_after
            self._release(hold, sent=False)
            self._pace.quiet(key, now, int(pause * 1000))
            self._paused = True
        elif meaning is Meaning.UNANSWERED:
            self._log.record(sent, Outcome.FAILED)
            self._release(hold, sent=True)
            self._pace.failed(key, now)
        elif meaning is Meaning.GONE:
            self._release(hold, sent=False)
            if self._destinations.is_gone(sent.destination):
                self._log.record(sent, Outcome.FAILED)
                self._pace.gone(key, now)
        else:
            self._refuse(sent, hold)
        self._forget({row.id for row in hold.rows if row.id in self._queue})

    def _settle(self, hold: _Hold) -> None:
        more = self._rows.settle(hold.rows, hold.holder, self._outbox.now(), hold.lane)
        for row in hold.rows:
            self._queue.pop(row.id, None)
        self._wanted |= dict.fromkeys(more)
        self._own |= set(more)

    def _release(self, hold: _Hold, *, sent: bool, wait_ms: int = 0) -> None:
        self._rows.release(hold.rows, hold.holder, self._outbox.now() + wait_ms, sent=sent, lane=hold.lane)

    def _refuse(self, sent: Sent, hold: _Hold) -> None:
        """A message that is refused as it is goes to the fallback; where that refuses it, its events are counted as failed."""
        fallback = self._destinations.fallback()
        if sent.destination.channel.name == self._name and hold.lane is Lane.CHANNEL and fallback is not None:
            self._pace.slot(fallback.rate_key, self._outbox.now(), 0)
            due_rows = self._due_rows(hold, fallback.channel)
            instead = self._posted(due_rows, composed(due_rows, self._setting), fallback)
            if instead.answer.meaning is Meaning.TAKEN:
                self._log.record(instead, Outcome.FALLBACK)
                self._settle(hold)
                return
            if instead.answer.meaning in {Meaning.PAUSE, Meaning.UNANSWERED}:
                self._log.record(instead, Outcome.FAILED)
                self._release(hold, sent=instead.answer.meaning is Meaning.UNANSWERED, wait_ms=POSTPONED_MS)
                return
        self._log.record(sent, Outcome.FAILED)
        events = sum(due.notice.end - due.notice.start for due in sent.due_rows)
        self._log.count(Outcome.FAILED, events)
        self._drain.drained.rows.update((due.row.id, Outcome.FAILED) for due in sent.due_rows)
        self._settle(hold)

    # --- what cannot be sent to the channel now -------------------------------------------------------------------------------

    def _send_late(self) -> None:
        """Rows that waited for `fallback_after` go to the fallback as well; after a day only to it; then they are given up."""
        channel, fallback = self._setting.policies.channels.get(self._name), self._destinations.fallback()
        now, rows = self._outbox.now(), list(self._queue.values())
        hopeless = [row for row in rows if owed_for(row, now) >= GIVEN_UP_MS * (1 if fallback is None else 2)]
        for start in range(0, len(hopeless), self._rows.fold_max):
            self._give_up(hopeless[start : start + self._rows.fold_max])
        if channel is None or fallback is None:
            return
        self._send_instead(fallback, [row for row in rows if GIVEN_UP_MS <= owed_for(row, now) < 2 * GIVEN_UP_MS], Lane.CHANNEL)
        if channel.fallback_after is not None:
            after = int(channel.fallback_after * 1000)
            waiting = [row for row in self._queue.values() if is_late(row, now, after)]
            self._send_instead(fallback, waiting, Lane.FALLBACK)

    def _send_instead(self, fallback: Destination, rows: Sequence[OutboxRow], lane: Lane) -> None:
        while rows and self._drain.left() > 0:
            slot = self._slot(fallback)
            if slot is None or not self._waited(slot, fallback):
                return
            several = rows[: self._rows.fold_max] if len(rows) > FOLD_FROM and not slot.fails else rows[:1]
            self._send(several, fallback, slot, lane)
            rows = rows[len(several) :]

    def _give_up(self, rows: Sequence[OutboxRow]) -> None:
        hold = self._begun(rows, Lane.CHANNEL)
        if hold.rows:
            self._log.record_unsent("it could not be sent for too long, and is given up", hold.rows)
            self._log.count(Outcome.FAILED, sum(row.in_flight - row.notified for row in hold.rows))
            self._settle(hold)

    # --- what was sent ------------------------------------------------------------------------------------------------------

    def _due_rows(self, hold: _Hold, channel: Channel) -> list[DueRow]:
        now = self._outbox.now()
        return [due for row in hold.rows if (due := self._due_row(row, now, channel, hold.lane)) is not None]

    def _due_row(self, row: OutboxRow, now: int, channel: Channel, lane: Lane = Lane.CHANNEL) -> DueRow | None:
        due = due_row(row, now, channel, self._setting.policies, to_fallback=lane is Lane.FALLBACK)
        return due if due is None or not self._drain.local else due._replace(notice=due.notice._replace(repeated=True))


class _Hold(NamedTuple):
    """Rows that are held, by whom, and for whom to hear of them."""

    rows: Sequence[OutboxRow]
    holder: str
    lane: Lane


assert HOLD_MS > 2 * POST_TIMEOUT_SECONDS * 1000  # noqa: S101  a row is held for both posts of a message
