"""What became of the messages of one channel: their delivery records, and the counts of a drain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.model import Delivery, Message, Outcome
from engine.pipeline.answers import answer_of
from engine.pipeline.audit import delivery_record, line
from engine.pipeline.notices import event_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import HttpResponse, Ports
    from engine.outbox.outbox import Outbox
    from engine.outbox.rows import OutboxRow
    from engine.pipeline.answers import Answer
    from engine.pipeline.destinations import Destination
    from engine.pipeline.notices import DueRow
    from engine.pipeline.setting import Setting


class Drained(NamedTuple):
    """What was sent. `events`: by requested channel and outcome. `latencies`: by channel the seconds from event and from arrival.

    `failed_posts` counts by channel the posts that were not taken; `oldest` is by channel for how many seconds an alert that is
    still owed has waited. `rows`: the outcome of the last message about each row that was sent, or given up.
    """

    events: dict[tuple[str, Outcome], int]
    latencies: dict[str, list[tuple[float, float]]]
    failed_posts: dict[str, int]
    oldest: dict[str, float]
    rows: dict[str, Outcome]


class Sent(NamedTuple):
    """A message that was posted, and the response."""

    destination: Destination
    due_rows: Sequence[DueRow]
    message: Message
    response: HttpResponse
    plain: bool

    @property
    def answer(self) -> Answer:
        """What the response means."""
        return answer_of(self.response)


class DeliveryLog:
    """Writes the delivery records of a channel, by its `name`, and counts its events in `drained`."""

    def __init__(self, setting: Setting, ports: Ports, outbox: Outbox, drained: Drained, name: str) -> None:
        self._revision = setting.policies.revision
        self._ports, self._outbox, self._drained = ports, outbox, drained
        self._name = name

    def count(self, outcome: Outcome, events: int) -> None:
        """Count events that were asked for this channel."""
        key = self._name, outcome
        self._drained.events[key] = self._drained.events.get(key, 0) + events

    def count_failed_post(self) -> None:
        """Count a post that was not taken."""
        self._drained.failed_posts[self._name] = self._drained.failed_posts.get(self._name, 0) + 1

    def record_unsent(self, reason: str, rows: Sequence[OutboxRow]) -> None:
        """Write why these rows were not posted at all."""
        self.count_failed_post()
        delivery = Delivery(Message(self._name, b"{}", ()), Outcome.FAILED, reason, 0)
        ranges = [(row.id, row.notified + 1, row.events) for row in rows]
        self._ports.emit(line(delivery_record(delivery, self._name, [], self._revision, self._ports.now(), ranges=ranges)))

    def record(self, sent: Sent, outcome: Outcome) -> None:
        """Write the delivery record of a message, and count its events."""
        due_rows, now = sent.due_rows, self._outbox.now()
        events = sum(due.notice.end - due.notice.start for due in due_rows)
        if outcome is Outcome.DELIVERED and events > 1:
            outcome = Outcome.DIGESTED
        delivery = Delivery(
            sent.message,
            outcome,
            sent.answer.reason,
            max(due.row.tries for due in due_rows),
            sent.response.status,
            plain=sent.plain,
        )
        ids = [name for due in due_rows for name in event_ids(due)]
        ranges = [(due.row.id, due.notice.start + 1, due.notice.end) for due in due_rows]
        again = any(due.notice.repeated for due in due_rows)
        record = delivery_record(delivery, self._name, ids, self._revision, self._ports.now(), ranges=ranges, again=again)
        self._ports.emit(line(record))
        if outcome is not Outcome.FAILED:
            self._drained.rows.update((due.row.id, outcome) for due in due_rows)
            self.count(outcome, events)
            latencies = [
                ((now - due.row.occurred) / 1000, (now - due.row.arrived) / 1000) for due in due_rows if due.notice.alert
            ]
            self._drained.latencies.setdefault(self._name, []).extend(latencies)
