"""What runs on the workers: the local engine over the files of a part. What it finds goes back as rows.

A fault of ours is told by its kind and place alone, since its text may hold event data and Spark logs it.
"""

from __future__ import annotations

import pickle
import traceback
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from engine.bulk.exports import decode_source
from engine.bulk.sources import InputSource
from engine.errors import TrailbellError, WorkerFaultError
from engine.model import DecodeError, Deployment, Event, repr_only
from engine.pipeline.setting import Setting
from engine.policy.load import check
from engine.spark.table import DECISION, decision_row
from engine.workbench.policy_diff import ChangeCounts, PolicyDiff
from engine.workbench.replay import Replay, ReplayCounts
from engine.workbench.report import ReplayTallies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from engine.model import PolicySet
    from engine.policy.source import Source
    from engine.workbench.event_filter import EventFilter

FILES: Final = pa.schema(
    [
        ("number", pa.int64()),
        ("files", pa.list_(pa.struct((("where", pa.string()), ("path", pa.string()), ("size", pa.int64()))))),
    ]
)
"""A part: its number, and its files."""

FOUND: Final = pa.schema(
    [("part", pa.binary()), ("at", pa.int64()), ("place", pa.int64()), ("event", pa.binary()), ("decision", DECISION)]
)
"""What a task finds: the pickled results of its `part` once; a decision; an `event` that notifies somebody, pickled, with when it
arrives (microseconds) and its place among all events."""

CHANGED: Final = pa.schema([("part", pa.binary())])
"""What a task of a diff finds."""

ROWS: Final = 1_000
"""Rows that are sent at once."""

_PLACES: Final = 1 << 40
"""More events than a part has."""


@repr_only("now", "chosen", "tallies", "decisions")
class ReplayPlan(NamedTuple):
    """What is replayed: policy files (pickled, as `packed` gives them), which events, and what is wanted beside the counts."""

    policies: bytes
    now: datetime
    chosen: EventFilter
    tallies: bool
    decisions: bool


@repr_only("now")
class DiffPlan(NamedTuple):
    """What is compared: the policy files of both sets."""

    before: bytes
    after: bytes
    now: datetime


class ReplayPart(NamedTuple):
    """The results of a part: counts, what a report shows beside them, and what could not be read, a line each."""

    counts: ReplayCounts
    tallies: ReplayTallies | None
    errors: tuple[str, ...]
    failure: str | None = None


class DiffPart(NamedTuple):
    """The results of a part of a diff."""

    counts: ChangeCounts
    errors: tuple[str, ...]
    failure: str | None = None


def packed(policies: Iterable[Source]) -> bytes:
    """Policy files as a plan holds them."""
    return pickle.dumps(tuple(policies), pickle.HIGHEST_PROTOCOL)


def replay(plan: ReplayPlan, parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Replay the files of some parts; yields batches of `FOUND`."""
    with _quiet():
        for number, files in _parts(parts):
            yield from _batches(_replayed(plan, number, files), FOUND)


def diff(plan: DiffPlan, parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Compare the decisions of both sets on the files of some parts; yields batches of `CHANGED`."""
    with _quiet():
        for _, files in _parts(parts):
            yield from _batches(_changed(plan, files), CHANGED)


def _replayed(plan: ReplayPlan, number: int, files: list[InputSource]) -> Iterator[dict[str, Any]]:
    policies = _policies(plan.policies)
    reader = _PartReader(files)
    made = Replay(Setting(policies, Deployment()), plan.now)
    tallies = ReplayTallies() if plan.tallies else None
    is_wanted = plan.chosen.test(policies, plan.now)
    failure = None
    try:
        wanted = (event for event in reader.events() if is_wanted(event))
        for place, (at, received) in enumerate(made.decide(wanted)):
            if tallies is not None:
                tallies.add(received, policies)
            if received.event is None or received.decision is None:
                continue
            if plan.decisions:
                yield {"decision": decision_row(received.decision, received.location, at)}
            if received.outcome is None:
                event = pickle.dumps(received.event, pickle.HIGHEST_PROTOCOL)
                yield {"at": int(at.timestamp() * 1_000_000), "place": number * _PLACES + place, "event": event}
    except TrailbellError as error:
        failure = str(error)
    yield {"part": pickle.dumps(ReplayPart(made.counts, tallies, tuple(reader.errors), failure), pickle.HIGHEST_PROTOCOL)}


def _changed(plan: DiffPlan, files: list[InputSource]) -> Iterator[dict[str, Any]]:
    reader = _PartReader(files)
    changes = PolicyDiff(_policies(plan.before), _policies(plan.after), plan.now)
    failure = None
    try:
        for event in reader.events():
            changes.add(event)
    except TrailbellError as error:
        failure = str(error)
    yield {"part": pickle.dumps(DiffPart(changes.counts, tuple(reader.errors), failure), pickle.HIGHEST_PROTOCOL)}


class _PartReader:
    """Reads files; `errors` has a line for each thing that could not be read."""

    def __init__(self, files: list[InputSource]) -> None:
        self.errors: list[str] = []
        self._files = files

    def events(self) -> Iterator[Event]:
        for source in self._files:
            for item in decode_source(source):
                if isinstance(item, DecodeError):
                    self.errors.append(f"{item.where}: {item.reason}")
                elif isinstance(item, Event):
                    yield item


@lru_cache(maxsize=4)
def _policies(files: bytes) -> PolicySet:
    """A policy set, compiled once in each worker process. It loaded where the job was started."""
    policies, _ = check(pickle.loads(files))  # noqa: S301  from the process that started the job
    assert policies is not None  # noqa: S101  the same files loaded there
    return policies


def _parts(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, list[InputSource]]]:
    for batch in batches:
        for row in batch.to_pylist():
            yield row["number"], [InputSource(**file) for file in row["files"]]


def _batches(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    waiting: list[dict[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == ROWS:
            yield pa.RecordBatch.from_pylist(waiting, schema)
            waiting = []
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema)


@contextmanager
def _quiet() -> Iterator[None]:
    """Give a fault of ours without its text."""
    try:
        yield
    except Exception as broken:  # noqa: BLE001  whatever it is
        where = traceback.extract_tb(broken.__traceback__)[-1]
        raise WorkerFaultError(f"{type(broken).__name__} in {where.filename}:{where.lineno}") from None
