"""What the deployed function would post about events that arrive one after another: for policy tests and `run`.

The outbox is the function's own, over a dictionary and a simulated clock. Everything that is posted is taken, and rates do not
count: of interest is which message tells of which events, and when.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import HttpResponse, Message, Ports, WebhookRef
from engine.outbox.calls import Calls
from engine.outbox.outbox import Outbox
from engine.outbox.pace import Pace
from engine.outbox.rows import from_item
from engine.outbox.store import MemoryStore
from engine.pipeline.drain import Drain
from engine.pipeline.posting import Posting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model import IncidentRule
    from engine.outbox.digest import Digest
    from engine.outbox.store import Item, Write
    from engine.pipeline.setting import Setting
    from engine.pipeline.total import ChannelOutcome, Received

_SECONDS: Final = 3_600.0
"""More than any step takes: the clock stands still while messages are sent."""

ITEMS_MAX: Final = 50_000
"""Items after which it is forgotten which events were seen and which incidents are over, so that memory stays bounded."""


class PostedMessage(NamedTuple):
    """A message, and when it was posted."""

    message: Message
    at: datetime


class SimulatedIncident(NamedTuple):
    """An incident of a channel: its rule, what its events have in common, how many they are, and how many were posted singly."""

    channel: str
    rule: IncidentRule
    digest: Digest
    events: int
    posted: int


class Simulation:
    """Events on their way to channels. `post` gets each message when it is posted.

    `posts` counts messages by channel, `counted` the events by channel that no message shows by itself.
    """

    def __init__(self, setting: Setting, start: datetime, post: Callable[[PostedMessage], None]) -> None:
        self.posts: dict[str, int] = {}
        self._setting = _with_own_addresses(setting)
        self._milliseconds = int(start.timestamp() * 1000)
        self._store = _Table()
        self._batches = 0
        self._items_max = ITEMS_MAX
        self._take = post
        self._ports = Ports(
            post=self._post,
            webhook=lambda ref, _fresh: str(ref.env),
            emit=lambda _: None,
            now=self._now,
            elapsed=lambda: self._milliseconds / 1000,
            sleep=self._sleep,
            remaining=lambda: _SECONDS,
        )

    @property
    def counted(self) -> dict[str, int]:
        """Events by channel that no message shows by itself."""
        return {channel: events - self._store.singly.get(channel, 0) for channel, events in self._store.events.items()}

    def arrive(self, received: Sequence[Received], at: datetime | None = None) -> list[ChannelOutcome]:
        """Take the events of one batch, at a time that is not before the last one (None: at the same)."""
        if at is not None:
            self._run_to(int(at.timestamp() * 1000))
        posting = Posting(self._setting, self._ports, self._outbox())
        outcomes = list(posting.post(received))
        posting.finish()
        if len(self._store.items) > self._items_max:
            self._store.forget(self._milliseconds)
            self._items_max = max(ITEMS_MAX, 2 * len(self._store.items))
        return outcomes

    def finish(self) -> None:
        """Let the time go on until every incident is over and nothing is owed."""
        self._run_to(None)

    def incidents(self) -> list[SimulatedIncident]:
        """The incidents that are open, or ended last, in the order in which they were opened."""
        rows = [from_item(item) for item in self._store.items.values() if "views" in item]
        channels = self._setting.policies.channels
        return [
            SimulatedIncident(row.channel, rule, row.views[0].digest, row.events, self._store.singly_of.get(row.id, 0))
            for row in rows
            if (rule := channels[row.channel].incident) is not None
        ]

    # --- time ---------------------------------------------------------------------------------------------------------------

    def _run_to(self, end: int | None) -> None:
        """Send at its time whatever becomes due until then; None: until nothing is owed."""
        while (due := self._store.next_due()) is not None and (end is None or due <= end):
            posts = sum(self.posts.values())
            self._milliseconds = max(self._milliseconds, due)
            Drain(self._setting, self._ports, self._outbox(), _SECONDS).run({}, self._setting.policies.channels)
            if sum(self.posts.values()) == posts:
                break
        if end is not None:
            self._milliseconds = max(self._milliseconds, end)

    def _outbox(self) -> Outbox:
        """The outbox as one invocation has it."""
        self._batches += 1
        calls = Calls(self._store, lambda: self._milliseconds / 1000, self._sleep, lambda: 0.5)
        outbox = Outbox(calls, lambda: self._milliseconds, f"simulated-{self._batches}")
        outbox.pace, outbox.fold_from = Pace(calls, burst=1, interval_ms=0), ITEMS_MAX
        return outbox

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._milliseconds / 1000, UTC)

    def _sleep(self, seconds: float) -> None:
        self._milliseconds += int(seconds * 1000)

    def _post(self, address: str, body: bytes, _timeout: float) -> HttpResponse:
        self.posts[address] = self.posts.get(address, 0) + 1
        self._take(PostedMessage(Message(address, body), self._now()))
        return HttpResponse(200, "ok")


def _with_own_addresses(setting: Setting) -> Setting:
    """The setting in which the address of each channel is its name, whatever secret it has, and whoever shares it."""
    channels = {
        name: channel._replace(webhook=WebhookRef(env=name, sns=None if channel.webhook.sns is None else name))
        for name, channel in setting.policies.channels.items()
    }
    return setting._replace(policies=setting.policies._replace(channels=channels))


class _Table(MemoryStore):
    """A dictionary that stands for a table: what is written outlives the invocation, and what is owed is found at once.

    `events` and `singly` count by channel the events of all rows, and those that a message shows by itself; `singly_of` by row.
    """

    durable = True

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, int] = {}
        self.singly: dict[str, int] = {}
        self.singly_of: dict[str, int] = {}
        self._owed: dict[str, tuple[str, int]] = {}

    def next_due(self) -> int | None:
        """When something is owed next."""
        return min((due for _, due in self._owed.values()), default=None)

    def owed(self, partition: str, until: int, limit: int) -> list[str]:
        """The ids of the items that are due, those due first ahead."""
        due = sorted((when, name) for name, (where, when) in self._owed.items() if where == partition and when <= until)
        return [name for _, name in due[:limit]]

    def forget(self, now: int) -> None:
        """Forget which events were seen, and incidents that are over and owe nothing."""
        self.items = {
            name: item
            for name, item in self.items.items()
            if "state" not in item and (name in self._owed or int(item.get("until", now + 1)) > now)
        }
        self.singly_of = {name: count for name, count in self.singly_of.items() if name in self.items}
        self._tokens.clear()

    def _apply(self, write: Write) -> Item:
        before = dict(self.items.get(write.id, {}))
        item = super()._apply(write)
        if "views" in item:
            self._count(before, item)
        owed, due = item.get("owed"), item.get("due")
        if isinstance(owed, str) and isinstance(due, int):
            self._owed[write.id] = owed, due
            return item
        self._owed.pop(write.id, None)
        if "views" in item and item["until"] == item["opened"]:
            del self.items[write.id]  # of one event, which has been posted
        return item

    def _count(self, before: Item, item: Item) -> None:
        """Count what a write adds to a row: events, or that the message about it was posted."""
        channel, name = str(item["channel"]), str(item["id"])
        self.events[channel] = self.events.get(channel, 0) + int(item["events"]) - int(before.get("events", 0))
        notified = int(before.get("notified", 0))
        alerted = int(before.get("must_notify_to", 0)) > notified
        if int(item["notified"]) > notified and alerted and not before.get("summary"):
            self.singly[channel] = self.singly.get(channel, 0) + 1
            self.singly_of[name] = self.singly_of.get(name, 0) + 1
