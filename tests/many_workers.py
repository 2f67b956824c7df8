"""Many workers on a simulated clock: what each channel hears, how soon, and what is lost, as a table with what must hold.

`python tests/many_workers.py [quick|deep] [SEED]`: the function's own handler between a simulated queue, table and Slack, as the
template sets them. Slack takes one message a second from a webhook. Seconds are those of the simulated clock.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from builders import record
from simulated_table import FROZEN_SECONDS, Fault
from simulated_workers import Settings, SimulatedWorkers

from engine.outbox.operations import FOLD_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from delivery_proof import DeliveryProof

HOUR = 3600.0
SIDES = ("alpha", "beta", "gamma", "delta", "epsilon")
"""Channels, each of which is told of the keys that begin with its name."""

FAULTS = (*Fault, Fault.BUSY, Fault.BUSY, Fault.ANSWER_LOST)


def policies(window: str = "15m", channels: Sequence[str] = SIDES[:1], rule: str = "incident: {window: WINDOW}") -> str:
    """A set whose robots are tasks."""
    return f"""
version: 1
name: base
owner: security
channels: [{", ".join(_channel(name, rule.replace("WINDOW", window)) for name in channels)}]
default: {{notify: [{channels[0]}], masking: open}}
actors:
  - class: task
    kind: robot
    evidence: [{{id: session, says: a task's session, strength: claimed, when: "regex(actor.session, '^[0-9a-f]{{32}}$')"}}]
routes: [{", ".join(f'''{{id: {name}, when: "glob(key, '{name}/*')", notify: [{name}]}}''' for name in channels)}]
"""


def _channel(name: str, rule: str) -> str:
    return f"{{name: {name}, webhook: {{env: SLACK_WEBHOOK_{name.upper()}}}, masking_floor: open{', ' if rule else ''}{rule}}}"


def event(number: int, role: str = "reader", session: str | None = None, side: str = SIDES[0], **changes: Any) -> dict[str, Any]:
    """A task of a role reads an object of its own; `session` makes it another's."""
    session = session or f"{number % 80:032x}"
    arn = f"arn:aws:iam::111122223333:role/{role}"
    identity = {
        "type": "AssumedRole",
        "principalId": f"AROA{role}:{session}",
        "arn": f"arn:aws:sts::111122223333:assumed-role/{role}/{session}",
        "accountId": "111122223333",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn, "userName": role, "accountId": "111122223333"}},
    }
    parameters = {"bucketName": "payments", "key": f"{side}/{number}"}
    return record(eventID=f"event-{number:06}", userIdentity=identity, requestParameters=parameters, **changes)


class Measured(NamedTuple):
    """One scenario's row of the table."""

    name: str
    workers: int
    events: int
    unproved: int
    dead: int
    messages: int
    repeated: int
    refused: int
    receives: int
    first: float
    last: float
    invocation: float
    units: float
    wrong: tuple[str, ...]

    def line(self) -> str:
        """The row."""
        return (
            f"{self.name:<44}{self.workers:>8}{self.events:>8}{self.unproved:>10}{self.dead:>6}{self.messages:>10}{self.repeated:>10}"
            f"{self.refused:>6}{self.receives:>10}{self.first:>8.1f}{self.last:>8.0f}{self.invocation:>12.1f}{self.units:>7.1f}"
            f"  {'; '.join(self.wrong) or 'holds'}"
        )


HEADER = (
    f"{'':<44}{'workers':>8}{'events':>8}{'unproved':>10}{'dead':>6}{'messages':>10}{'repeated':>10}{'429s':>6}{'receives':>10}"
    f"{'first':>8}{'last':>8}{'invocation':>12}{'units':>7}"
)


class Ended:
    """What came of one run."""

    def __init__(self, world: SimulatedWorkers, proof: DeliveryProof, events: int) -> None:
        self.world, self.proof, self.events = world, proof, events
        self.decided = {line["decision"]["event_id"]: line["at"] for line in world.lines if line.get("type") == "decision"}
        self.waited: defaultdict[str, list[float]] = defaultdict(list)
        """By channel the seconds from an alert's arrival to Slack's ok."""
        for line in world.lines:
            self.waited[line.get("Channel", "")] += line.get("SecondsFromArrival", ())

    def messages(self, channel: str = SIDES[0]) -> list[float]:
        """When a channel was sent a message."""
        return [one.at for one in self.world.slack.taken if one.channel == channel]

    def measured(self, name: str, workers: int, wrong: Iterator[str]) -> Measured:
        """The row."""
        world, proof = self.world, self.proof
        told = [one.at for one in world.slack.taken]
        began = min(self.decided.values(), default=0.0)
        problems = proof.problems()
        always = problems[:1]
        always += [f"{len(world.dead)} dead letters"] if world.dead else []
        always += [f"{world.timeouts} invocations took too long"] if world.timeouts else []
        always += [] if len(self.decided) == self.events else [f"{self.events - len(self.decided)} events were never decided"]
        return Measured(
            name=name,
            workers=workers,
            events=self.events,
            unproved=len(problems),
            dead=len(world.dead),
            messages=len(told),
            repeated=proof.repeated,
            refused=world.slack.refused[429],
            receives=world.receives,
            first=told[0] - began if told else 0.0,
            last=told[-1] - began if told else 0.0,
            invocation=world.longest,
            units=world.table.units / self.events if world.table is not None else 0.0,
            wrong=(*always, *wrong),
        )


# --- scenarios: each runs, and yields what is wrong ---------------------------------------------------------------------------


def _run(world: SimulatedWorkers, events: Sequence[tuple[float, Mapping[str, Any]]], limit: float = 8 * HOUR) -> Ended:
    return Ended(world, world.run(events, limit), len(events))


def unlike(workers: int, seed: int, events: int = 1_600) -> Measured:
    """Each event alone: nothing waits in the queue for Slack, and what is owed folds."""
    ended = _run(
        SimulatedWorkers(policies(rule=""), workers, seed), [(0.0, event(number, f"role-{number}")) for number in range(events)]
    )

    def wrong() -> Iterator[str]:
        most = events / (FOLD_MAX if workers > 1 else Settings().batch) + 6
        if len(ended.messages()) > most:
            yield f"more than {most:.0f} messages"
        if ended.messages()[-1] > (180 if workers == 2 else 190 + events / 100):
            yield "told too late"
        if ended.world.slack.refused[429] or ended.world.receives > 1:
            yield "429s, or received twice"
        if any(line.get("outcome") == "failed" for line in ended.world.lines):
            yield "something failed"

    return ended.measured("unlike events at once", workers, wrong())


def tasks(workers: int, seed: int, events: int = 400) -> Measured:
    """80 tasks of one role read at once: one ring, tenfolds at most, one sum."""
    ended = _run(SimulatedWorkers(policies(), workers, seed), [(0.0, event(number)) for number in range(events)])

    def wrong() -> Iterator[str]:
        at = ended.messages()
        if len(at) > 1 + len(str(events)):
            yield "more than one ring, one a tenfold, and one sum"
        if len(ended.proof.told) != 1:
            yield f"{len(ended.proof.told)} incidents"
        if ended.world.slack.refused[429] or ended.world.receives > 1:
            yield "429s, or received twice"
        if at[0] - min(ended.decided.values()) > 1 + workers / 10 or at[-1] > 900 + 75:
            yield "told too late"

    return ended.measured("reads by 80 tasks of one role, window 15m", workers, wrong())


def half_an_hour(workers: int, seed: int, events: int = 10_000) -> Measured:
    """One role in 30 minutes: rings once, at each tenfold, and is summed once."""
    times = [number * 1_800 / events for number in range(events)]
    ended = _run(SimulatedWorkers(policies("1h"), workers, seed), [(at, event(number)) for number, at in enumerate(times)])

    def wrong() -> Iterator[str]:
        (told,) = ended.proof.told.values()
        rings = sorted(end for _, end, _ in told)
        expected = [10**power for power in range(1, len(str(events)))]
        if len(rings) > 2 + len(expected) or any(not any(ring >= ten for ring in rings) for ten in expected):
            yield f"told up to {rings}"
        if rings[-1] != events:
            yield "not summed"
        if ended.world.table is not None and ended.world.table.units / events > 2.5:
            yield "more than 2.5 writes an event"

    return ended.measured("one role for 30 minutes, window 1h", workers, wrong())


def thief(workers: int, seed: int, events: int = 600) -> Measured:
    """While a role's incident is open, somebody uses it from another network: that rings at once, and the first success, too."""
    denied = {"errorCode": "AccessDenied", "errorMessage": "Access Denied"}
    reads = [(number * 0.5, event(number, **denied)) for number in range(events)]
    stolen = (events * 0.3, event(events, sourceIPAddress="198.51.100.77", **denied))
    success = (events * 0.4, event(events + 1))
    ended = _run(SimulatedWorkers(policies("1h"), workers, seed), [*reads, stolen, success])

    def wrong() -> Iterator[str]:
        for name, (_, special) in (("another network", stolen), ("a success after denials", success)):
            decided = ended.decided[special["eventID"]]
            if not any(0 < at - decided <= 2 for at in ended.messages()):
                yield f"{name} did not ring within 2 s"
        if ended.world.slack.refused[429] or ended.world.receives > 1:
            yield "429s, or received twice"

    return ended.measured("a thief on another network, a first success", workers, wrong())


def hung(workers: int, seed: int, events: int = 1_600) -> Measured:
    """One of five channels hangs for 20 minutes: the others do not notice."""
    world = SimulatedWorkers(policies(channels=SIDES), workers, seed)
    world.slack.answer = lambda channel, now: "hang" if channel == SIDES[2] and now < 1_200 else "ok"
    made = [(number * 0.05, event(number, f"role-{number % 40}", side=SIDES[number % 5])) for number in range(events)]
    ended = _run(world, made)

    def wrong() -> Iterator[str]:
        for channel in (*SIDES[:2], *SIDES[3:]):
            waited = ended.waited[channel]
            if median(waited) > 3 or max(waited) > 65:
                yield f"{channel} rang after {median(waited)} s, {max(waited)} s at most"
        if world.longest > 15 or world.receives > 1:
            yield "invocations of more than 15 s, or received twice"

    return ended.measured("one of five channels hangs", workers, wrong())


def slack_away(workers: int, seed: int, events: int = 1_000) -> Measured:
    """Slack is away for an hour."""
    world = SimulatedWorkers(policies(), workers, seed)
    back = 60 + HOUR
    world.slack.answer = lambda _, now: "hang" if 60 <= now < back else "ok"
    made = [(number * 3_000 / events, event(number, f"role-{number % 200}")) for number in range(events)]
    ended = _run(world, made)

    def wrong() -> Iterator[str]:
        if world.slack.posts[SIDES[0]] - len(ended.messages()) > 60:
            yield "more than 60 calls"
        if ended.messages()[-1] > back + 90 or world.receives > 1:
            yield "told too late, or received twice"

    return ended.measured("Slack away for an hour", workers, wrong())


def slack_away_with_fallback(workers: int, seed: int, events: int = 300) -> Measured:
    """A channel is away for an hour: its fallback hears each alert once, after five minutes; the channel later, as a repeat."""
    rule = "incident: {window: WINDOW}"
    first = f"{_channel(SIDES[0], f'{rule}, fallback: {SIDES[1]}, fallback_after: 5m')}, {_channel(SIDES[1], rule)}"
    text = policies(channels=SIDES[:1], rule="").replace(_channel(SIDES[0], ""), first.replace("WINDOW", "15m"))
    world = SimulatedWorkers(text, workers, seed)
    back = 60 + HOUR
    world.slack.answer = lambda channel, now: "hang" if channel == SIDES[0] and 60 <= now < back else "ok"
    ended = _run(world, [(600 + number, event(number, f"role-{number % 30}")) for number in range(events)])

    def wrong() -> Iterator[str]:
        told = [line for line in world.lines if line.get("outcome") == "fallback"]
        times = Counter(part["incident"] for line in told for part in line["incidents"])
        if times.keys() != {incident for _, incident in ended.proof.told} or set(times.values()) != {1}:
            yield f"of {len(ended.proof.told)} incidents the fallback heard {sum(times.values())} times"
        if any(not 300 <= line["at"] - 600 <= 300 + 75 for line in told):
            yield "the fallback heard too early or too late"
        if any(line["outcome"] == "digested" and not line["again"] for line in world.lines if line.get("type") == "delivery"):
            yield "a repeat did not say so"
        if ended.messages()[-1] > back + 90 or world.receives > 1:
            yield "told too late, or received twice"

    return ended.measured("Slack away for an hour, fallback_after: 5m", workers, wrong())


def table_away(workers: int, seed: int, seconds: float = 60.0) -> Measured:
    """The table gives no answer: nothing is lost, and what is told locally says that it may come again."""
    world = SimulatedWorkers(policies(), workers, seed)
    assert world.table is not None
    world.table.away = lambda now: 60 <= now < 60 + seconds
    ended = _run(world, [(number * 1.0, event(number, f"role-{number % 50}")) for number in range(600)])

    def wrong() -> Iterator[str]:
        if world.longest > 15:
            yield "invocations of more than 15 s"
        during = [at for at in ended.messages() if 60 <= at < 60 + seconds]
        if len(during) > workers * (1 + seconds / 60) + 1:
            yield f"{len(during)} local messages"

    return ended.measured(f"the table away for {seconds:.0f} s", workers, wrong())


def faulty(workers: int, seed: int, events: int = 400, share: float = 0.05) -> Measured:
    """Everything at once: workers killed and frozen, calls throttled, answers lost, an index behind by five seconds."""
    world = SimulatedWorkers(policies("5m", SIDES[:2]), workers, seed, Settings(visibility=90.0, receives=100))
    assert world.table is not None
    world.table.index_lag, world.table.throttled, dice = 5.0, 0.05, world.dice
    faults = Counter[Fault]()

    def fault(_number: int, _name: str) -> Fault | None:
        if dice.random() >= share or world.time.now > HOUR:
            return None
        chosen = dice.choice(FAULTS)
        faults[chosen] += 1
        return chosen

    world.fault = fault
    made = [(number * 0.3, event(number, f"role-{number % 30}", side=SIDES[number % 2])) for number in range(events)]
    ended = _run(world, made)
    stopped, world.timeouts = world.timeouts, 0
    freezes_of_one = int(world.settings.timeout // FROZEN_SECONDS)

    def wrong() -> Iterator[str]:
        if stopped * freezes_of_one > faults[Fault.FROZEN]:
            yield f"{stopped} invocations took too long, with {faults[Fault.FROZEN]} freezes"
        if ended.proof.marked > sum(faults.values()) + stopped:
            yield f"{ended.proof.marked} repeats for {sum(faults.values())} faults"
        if not faults:
            yield "no fault happened"

    return ended.measured("workers killed, answers lost, an index behind", workers, wrong())


QUICK: tuple[tuple[Callable[[int, int], Measured], tuple[int, ...]], ...] = (
    (partial(unlike, events=200), (1, 2)),
    (unlike, (2, 10)),
    (partial(unlike, events=2_500), (50,)),
    (tasks, (1, 2, 10, 50)),
    (half_an_hour, (2,)),
    (thief, (2, 10)),
    (hung, (2, 10)),
    (slack_away, (2,)),
    (slack_away_with_fallback, (2,)),
    (table_away, (2,)),
    (partial(table_away, seconds=1_800.0), (2,)),
    (faulty, (1, 2, 10)),
)
DEEP: tuple[tuple[Callable[[int, int], Measured], tuple[int, ...]], ...] = (
    (partial(unlike, events=10_000), (1, 2, 10, 50)),
    (partial(tasks, events=10_000), (1, 2, 10, 50)),
    (half_an_hour, (1, 2, 10, 50)),
    (thief, (1, 2, 10, 50)),
    (hung, (1, 2, 10, 50)),
    (slack_away, (1, 2, 10)),
    (slack_away_with_fallback, (1, 2, 10)),
    (table_away, (1, 2, 10, 50)),
    (partial(table_away, seconds=1_800.0), (1, 2, 10)),
    (partial(faulty, events=2_000), (1, 2, 10, 50)),
)


def main(words: Sequence[str]) -> int:
    """The table; 1 where a bar does not hold."""
    scenarios, seed = DEEP if words[:1] == ["deep"] else QUICK, int(words[1]) if len(words) > 1 else 1
    began, held = time.monotonic(), True
    print(f"many workers, seed {seed}\n{HEADER}", flush=True)  # noqa: T201  what it is for
    for scenario, counts in scenarios:
        for workers in counts:
            measured = scenario(workers, seed)
            held = held and not measured.wrong
            print(measured.line(), flush=True)  # noqa: T201
    print(f"in {time.monotonic() - began:.0f} s")  # noqa: T201
    return int(not held)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
