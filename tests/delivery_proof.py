"""What the audit log alone proves: that every event which a channel asked for is in one message or summary, repeats marked."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

TOLD = frozenset({"delivered", "digested", "fallback"})
COUNTED = frozenset({"booked", "duplicate"})


class DeliveryProof:
    """Reads the records of a log. `problems` says what is not proved."""

    def __init__(self, lines: Iterable[Any]) -> None:
        self.asked: set[tuple[str, str]] = set()
        """Event and channel, as the decision records have it."""
        self.events: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        """By channel and incident the ids of the events that were counted in it."""
        self.told: defaultdict[tuple[str, str], list[tuple[int, int, bool]]] = defaultdict(list)
        """By channel and incident what was delivered: from, to, and whether the message says that it may be a repeat."""
        self.messages = self.marked = 0
        """Messages that were taken, and those of them that say so."""
        for line in lines:
            if line.get("type") == "decision":
                decision = line["decision"]
                self.asked.update((decision["event_id"], channel) for channel in decision["channels"])
            elif line.get("type") == "delivery":
                self._read(line)

    def _read(self, line: Any) -> None:
        self.messages += line["outcome"] in TOLD
        self.marked += line["outcome"] in TOLD and line["again"]
        for part in line["incidents"]:
            place = line["channel"], part["incident"]
            if line["outcome"] in COUNTED:
                self.events[place].update(line["event_ids"])
            elif line["outcome"] in TOLD:
                self.told[place].append((part["from"], part["to"], line["again"]))

    @property
    def repeated(self) -> int:
        """How often an event was told again."""
        return sum(sum(end - start + 1 for start, end, _ in told) - len(self.events[place]) for place, told in self.told.items())

    @property
    def most(self) -> int:
        """How often the event was told that was told most often."""
        times = Counter((place, number) for place, told in self.told.items() for a, b, _ in told for number in range(a, b + 1))
        return max(times.values(), default=0)

    def problems(self) -> list[str]:
        """What is wrong, empty where all is proved."""
        return [*self._uncounted(), *(problem for place in {**self.events, **self.told} for problem in self._uncovered(place))]

    def _uncounted(self) -> Iterator[str]:
        places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for (channel, incident), events in self.events.items():
            for event in events:
                places[event, channel].append(incident)
        for event, channel in sorted(self.asked | set(places)):
            count = len(places[event, channel])
            if count != 1:
                yield f"{event} is counted in {count} incidents of {channel}"

    def _uncovered(self, place: tuple[str, str]) -> Iterator[str]:
        channel, incident = place
        count, told = len(self.events[place]), sorted(self.told[place])
        if not count and all(again for _, _, again in told):
            return  # posted while the table was away, and said so
        covered = 0
        for start, end, again in told:
            if start > covered + 1:
                yield f"{channel} was not told {covered + 1} to {start - 1} of {incident}"
            if start <= covered and not (again or _marked(told, start, end)):
                yield f"{channel} was told {start} to {min(end, covered)} of {incident} again, unmarked"
            covered = max(covered, end)
        if covered != count:
            yield f"{channel} was told {covered} of the {count} events of {incident}"


def _marked(told: Sequence[tuple[int, int, bool]], start: int, end: int) -> bool:
    """Whether all but one of the messages that overlap with a range are marked."""
    return sum(not again for first, last, again in told if first <= end and last >= start) <= 1
