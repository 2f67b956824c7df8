"""The function's own handler in many workers on a simulated clock, between a simulated queue, table and Slack.

Visibility, receives, timeout and batch are those of the template. Each worker is a module of its own, as each is a process of its
own in AWS; the schedule's invocations have one, too. A seed gives the same run again.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import random
import tempfile
from collections import Counter, deque
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from delivery_proof import DeliveryProof
from simulated_table import FROZEN_SECONDS, Fault, SimulatedTable
from simulated_time import KilledError, Process, SimulatedTime

from engine.edge.negative_cache import NegativeResponseCache
from engine.model import HttpResponse, PostFault
from engine.outbox.calls import Calls
from engine.outbox.outbox import Outbox
from engine.outbox.store import MemoryStore
from engine.pipeline.answers import refusal_ttl
from engine.pipeline.posting import LOCAL_WORKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ROOT = Path(__file__).parent.parent
STARTED = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
DECIDE_SECONDS = 0.001
"""For what a worker's processor does to each event."""
POST_SECONDS = 0.15
HOOKS = "https://hooks.slack.com/services/T0/B0/"


class Settings(NamedTuple):
    """The template's."""

    batch: int = 50
    window: float = 10.0
    visibility: float = 370.0
    receives: int = 12
    timeout: float = 60.0
    schedule: float = 60.0


class Posted(NamedTuple):
    """A message that Slack took."""

    at: float
    channel: str
    payload: Any


class SimulatedSlack:
    """Takes a message a second from each webhook, and `burst` at once; `answer(channel, now)` is how it misbehaves otherwise."""

    def __init__(self, time: SimulatedTime, dice: random.Random, step: Callable[[str], Fault | None]) -> None:
        self._time = time
        self._dice = dice
        self._step = step
        self._tat: dict[str, float] = {}
        self.burst = 4
        self.taken: list[Posted] = []
        self.posts: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()
        self.answer: Callable[[str, float], str] = lambda _channel, _now: "ok"

    def post(self, url: str, body: bytes, timeout: float) -> HttpResponse:
        """`engine.edge.http.post`."""
        self._time.alive()
        channel = url.removeprefix(HOOKS)
        fault, word = self._step(f"post to {channel}"), self.answer(channel, self._time.now)
        self.posts[channel] += 1
        if fault is Fault.KILLED_BEFORE:
            self._time.process.dead = True
        if fault is Fault.FROZEN:
            self._time.sleep(FROZEN_SECONDS)
        if word == "hang" or fault is Fault.NO_ANSWER:
            self._time.sleep(timeout)
            return HttpResponse(fault=PostFault.TIMEOUT)
        self._time.sleep(POST_SECONDS * (0.5 + self._dice.random()) / 2)
        if word == "gone":
            return HttpResponse(404, "no_service")
        if fault is Fault.BUSY or not self._has_room(channel):
            self.refused[429] += 1
            return HttpResponse(429, "rate_limited", retry_after=1.0)
        self.taken.append(Posted(self._time.now, channel, json.loads(body)))
        if fault is Fault.KILLED_AFTER:
            self._time.process.dead = True
        if fault is Fault.ANSWER_LOST:
            self._time.sleep(timeout)
            return HttpResponse(fault=PostFault.TIMEOUT)
        self._time.sleep(POST_SECONDS * (0.5 + self._dice.random()) / 2)
        return HttpResponse(200, "ok")

    def _has_room(self, channel: str) -> bool:
        tat = max(self._tat.get(channel, 0.0), self._time.now)
        if tat > self._time.now + self.burst - 1 + 1e-9:
            return False
        self._tat[channel] = tat + 1.0
        return True


class _Message:
    def __init__(self, number: int, at: float, detail: Mapping[str, Any]) -> None:
        self.id, self.visible, self.receives = f"m{number}", at, 0
        body = {"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": detail}
        self.body = json.dumps(body)


AS_DEPLOYED = Settings()


class SimulatedWorkers:
    """A queue, workers, and what they work with. `run` takes details of EventBridge, each with its second of arrival."""

    def __init__(
        self, policies: str, workers: int, seed: int = 1, settings: Settings = AS_DEPLOYED, *, table: bool = True
    ) -> None:
        self.time, self.dice = SimulatedTime(), random.Random(seed)  # noqa: S311  not for secrets
        self.settings = settings
        self.fault: Callable[[int, str], Fault | None] = lambda _number, _name: None
        self.steps: list[str] = []
        self.table = SimulatedTable(self.time, self.dice, self._step) if table else None
        self.slack = SimulatedSlack(self.time, self.dice, self._step)
        self.lines: list[Any] = []
        self.dead: list[_Message] = []
        self.receives = 0
        self.kills = 0
        self.timeouts = 0
        self.longest = 0.0
        self.finished_at = 0.0
        self._arriving: deque[_Message] = deque()
        self._queue: list[_Message] = []
        self._workers, self._policies = workers, policies
        self._busy = 0

    def _step(self, name: str) -> Fault | None:
        self.steps.append(name)
        return self.fault(len(self.steps) - 1, name)

    def run(self, events: Iterable[tuple[float, Mapping[str, Any]]], limit: float = 4 * 3600.0) -> DeliveryProof:
        """Until nothing is in the queue and nothing is owed, or `limit` seconds have passed."""
        ordered = sorted(events, key=lambda pair: pair[0])
        self._arriving = deque(_Message(number, at, detail) for number, (at, detail) in enumerate(ordered))
        with _environment(self._policies):
            functions = [_Function(self, self._policies, f"w{number}") for number in range(self._workers)]
            for function in functions:
                self.time.start(partial(self._polled, function, limit))
            if self.table is not None:
                self.time.start(partial(self._scheduled, _Function(self, self._policies, "schedule"), limit))
            self.time.run()
        return DeliveryProof(self.lines)

    # --- who invokes --------------------------------------------------------------------------------------------------------

    def _polled(self, function: _Function, limit: float) -> None:
        """The event source mapping: batches, as they are visible; what failed comes again when it is visible again."""
        while self.time.now < limit and (self._arriving or self._queue):
            batch = self._received()
            if not batch:
                self.time.sleep(max(0.0, self._next_visible() - self.time.now) + 0.1 * self.dice.random())
                continue
            self._busy += 1
            items = [
                {"messageId": one.id, "eventSource": "aws:sqs", "body": one.body, "attributes": _attributes(one)} for one in batch
            ]
            answer = function.invoke({"Records": items})
            if answer is not None:
                failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
                done = {one.id for one in batch} - failed
                self._queue = [one for one in self._queue if one.id not in done]
            self._busy -= 1

    def _received(self) -> list[_Message]:
        now, settings = self.time.now, self.settings
        while self._arriving and self._arriving[0].visible <= now:
            self._queue.append(self._arriving.popleft())
        for one in [one for one in self._queue if one.visible <= now and one.receives >= settings.receives]:
            self._queue.remove(one)
            self.dead.append(one)
        visible = [one for one in self._queue if one.visible <= now]
        if len(visible) < settings.batch and all(one.visible > now - settings.window for one in visible):
            return []
        batch = visible[: settings.batch]
        for one in batch:
            one.visible, one.receives = now + settings.visibility, one.receives + 1
            self.receives = max(self.receives, one.receives)
        return batch

    def _next_visible(self) -> float:
        """When there may be a batch again."""
        hidden = [one.visible for one in self._queue if one.visible > self.time.now]
        waiting = [one.visible + self.settings.window for one in self._queue if one.visible <= self.time.now]
        return min([*hidden, *waiting, *(one.visible for one in list(self._arriving)[:1])], default=0.0)

    def _scheduled(self, function: _Function, limit: float) -> None:
        """EventBridge's schedule, and the end: when nothing waits, nothing runs and nothing is owed."""
        assert self.table is not None
        while self.time.now < limit:
            self.time.sleep(self.settings.schedule - self.time.now % self.settings.schedule)
            function.invoke({"trailbell": "drain"})
            owed = any("owed" in item for item in self.table.items.values())
            if not (self._arriving or self._queue or self._busy or owed):
                break
        self.finished_at = self.time.now


class _Function:
    """One worker: a module, and a new one after each kill."""

    def __init__(self, world: SimulatedWorkers, policies: str, name: str) -> None:
        self._world, self._policies, self._name = world, policies, name
        self._number = 0
        self._module: Any = None

    def invoke(self, payload: Any) -> Any:
        """What the handler answers; None where it was killed, failed or took too long."""
        world, self._number = self._world, self._number + 1
        if self._module is None:
            self._module = _module(world, self._policies, self._name)
        began, answer = world.time.now, SimpleNamespace(content=None)
        ends = began + world.settings.timeout
        process = Process(ends)
        context = SimpleNamespace(
            get_remaining_time_in_millis=lambda: int((ends - world.time.now) * 1000),
            aws_request_id=f"{self._name}-{self._number:08}",
        )

        def handle() -> None:
            answer.content = self._module.handler(payload, context)

        task = world.time.start(handle, process)
        try:
            world.time.join([task])
        except KilledError:
            world.kills += 1
            world.timeouts += world.time.now > ends
            self._module = None
            return None
        finally:
            if "Records" in payload:
                world.longest = max(world.longest, min(world.time.now, ends) - began)
        return answer.content


@functools.cache
def _loaded(policies: str, name: str) -> Any:
    """The handler's module as this worker imports it: what it keeps is replaced for each process."""
    spec = importlib.util.spec_from_file_location(f"lambda_entry_{name}_{hash(policies)}", ROOT / "lambda_entry.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _module(world: SimulatedWorkers, policies: str, name: str) -> Any:
    """A new process of a worker, whose clock, table, Slack and log are the world's."""
    module = _loaded(policies, name)
    time = world.time
    clock = SimpleNamespace(
        monotonic=lambda: time.now,
        sleep=time.sleep,
        time=lambda: STARTED.timestamp() + time.now,
        time_ns=lambda: int((STARTED.timestamp() + time.now) * 1_000_000_000),
        perf_counter_ns=lambda: world.dice.randrange(997_000_000),
    )
    replaced = {
        "time": clock,
        "datetime": SimpleNamespace(now=lambda _zone: STARTED + timedelta(seconds=time.now)),
        "side_by_side": time.side_by_side,
        "NEGATIVE_CACHE": NegativeResponseCache(world.slack.post, refusal_ttl, clock.monotonic),
        "sys": SimpleNamespace(stdout=_Log(world)),
        "CLAIMS": None,
        "OUTBOX": None
        if world.table is None
        else Outbox(Calls(world.table, clock.monotonic, time.sleep, world.dice.random), module._milliseconds, ""),
        "LOCAL_OUTBOX": Outbox(
            Calls(MemoryStore(), clock.monotonic, time.sleep, world.dice.random), module._milliseconds, "local", LOCAL_WORKERS
        ),
    }
    for attribute, value in replaced.items():
        assert hasattr(module, attribute), f"lambda_entry has no {attribute} any more"
        setattr(module, attribute, value)
    return module


class _Log:
    def __init__(self, world: SimulatedWorkers) -> None:
        self._world = world

    def write(self, text: str) -> None:
        """Whole lines, as the handler writes them."""
        self._world.time.alive()
        line = json.loads(text)
        self._world.lines.append({**line, "at": self._world.time.now})
        if line.get("type") == "decision":
            self._world.time.sleep(DECIDE_SECONDS)

    def flush(self) -> None:
        """Nothing waits."""


@contextmanager
def _environment(policies: str) -> Iterator[None]:
    """The environment of all workers: a set of policies, and a webhook `SLACK_WEBHOOK_X` for each channel `x`."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "base.yaml").write_text(policies, encoding="utf-8")
        words = policies.replace("}", " ").replace(",", " ").split()
        hooks = {word: HOOKS + word.removeprefix("SLACK_WEBHOOK_").lower() for word in words if word.startswith("SLACK_WEBHOOK_")}
        before = dict(os.environ)
        os.environ.update(
            {**hooks, "TRAILBELL_POLICIES": folder, "TRAILBELL_DELIVERY_TABLE": "", "AWS_LAMBDA_FUNCTION_NAME": "t"}
        )
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _attributes(message: _Message) -> dict[str, str]:
    return {"ApproximateReceiveCount": str(message.receives)}
