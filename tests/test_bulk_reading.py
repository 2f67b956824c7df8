"""Files read by several processes give what one gives, in the same order, whatever is in them."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from builders import record

from engine.bulk import chunks as chunking
from engine.bulk import reading
from engine.bulk.batches import BatchResult
from engine.bulk.reading import Job, read
from engine.bulk.sources import InputSource
from engine.bulk.typed import TypedReader, record_of
from engine.bulk.workers import WorkerError, WorkerPool, cores
from engine.cli.inputs import sources
from engine.errors import InputError, WorkerFaultError
from engine.model import DecodeError, Event
from engine.pipeline.decode import decode_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.bulk.batches import Batch

ID = frozenset({("eventID",)})


def ids(batch: Batch) -> bytes:
    """The ids of a batch's events, a line each."""
    records = [*map(record_of, batch.rows), *batch.records, *(one.record for one in batch.decoded if isinstance(one, Event))]
    return "".join(f"{one.get('eventID')}\n" for one in records).encode("ascii", "backslashreplace")


def all_of(inputs: list[Path] | list[InputSource], jobs: int) -> tuple[list[str], list[str]]:
    """What is read, and the errors."""
    found = [one if isinstance(one, InputSource) else sources([str(one)])[0] for one in inputs]
    results = list(read(Job(found, TypedReader(ID), ids), jobs))
    assert [one.place[0] for one in results] == sorted(one.place[0] for one in results)
    return b"".join(one.output for one in results).decode().splitlines(), [error for one in results for error in one.errors]


def plainly(inputs: list[Path]) -> tuple[list[str], list[str]]:
    """The same, the plain way."""
    found = [one for path in inputs for one in decode_stream(io.BytesIO(path.read_bytes()), str(path))]
    events = [str(one.record.get("eventID")) for one in found if isinstance(one, Event)]
    return events, [f"{one.where}: {one.reason}" for one in found if isinstance(one, DecodeError)]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes many megabytes elsewhere takes a few records here."""
    monkeypatch.setattr(reading, "FEW", 0)
    monkeypatch.setattr(reading, "LARGE", 30_000)
    monkeypatch.setattr(chunking, "CHUNK", 3_000)
    monkeypatch.setattr(chunking, "LONGEST_CHUNK", 20_000)


def text(count: int, **more: Any) -> list[str]:
    return [json.dumps(record(eventID=f"{number}", **more), separators=(",", ":")) for number in range(count)]


def log(records: list[str], before: str = "", after: str = "") -> bytes:
    return f'{before}{{"Records":[{",".join(records)}]}}{after}'.encode()


def damaged(records: list[str], place: int, other: str) -> list[str]:
    return [*records[:place], other, *records[place + 1 :]]


LOGS = {
    "a log": log(text(100)),
    "a short one": log(text(3)),
    "one of middling size": log(text(20)),
    "an empty one": log([]),
    "nothing": b"",
    "gzip": gzip.compress(log(text(300, more=[f"{n * 7919}" for n in range(100)]))),
    "lines": "\n".join(text(100)).encode(),
    "lines with blank ones": ("\n\n" + "\n\r\n".join(text(100)) + "\n").encode(),
    "new lines": log(text(100), "\n\n", "\n").replace(b"},{", b"},\n{"),
    "a list": f"[{','.join(text(100))}]".encode(),
    "UTF-16": log(text(100)).decode().encode("utf-16"),
    "an odd record": log(damaged(text(100), 40, '{"eventName":"\\ud800"}')),
    "no record": log(damaged(damaged(text(100), 40, '{"a":1}'), 70, "7")),
    "no JSON": log(damaged(text(100), 40, '{"eventVersion":oops}')),
    "no JSON in a line": "\n".join(damaged(damaged(text(100), 40, "{oops}"), 70, "[1]")).encode(),
    "no JSON, many lines": log(damaged(text(100), 40, '{"eventVersion":oops}')).replace(b"},{", b"},\n{"),
    "a long record": log(damaged(text(100), 40, json.dumps(record(more="x" * 50_000)))),
    "more after it": log(text(100), "", ',"more":1}'),
    "two logs": log(text(60)) + b"\n" + log(text(60)),
    "cut off": log(text(100))[:-700],
    "a cut gzip": gzip.compress(log(text(300, more=[f"{n * 7919}" for n in range(100)])))[:-100],
    "envelopes": "\n".join(
        json.dumps({"detail-type": "x via CloudTrail", "detail": json.loads(one)}) for one in text(100)
    ).encode(),
}


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_several_processes_read_a_file_as_one_does(name: str, jobs: int, tmp_path: Path) -> None:
    path = tmp_path / "log.json.gz"
    path.write_bytes(LOGS[name])
    assert all_of([path], jobs) == plainly([path])


@pytest.mark.parametrize("jobs", [2, 5])
def test_many_files_are_told_in_their_order(jobs: int, tmp_path: Path) -> None:
    paths = []
    for number, content in enumerate([*LOGS.values(), *LOGS.values()]):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_bytes(content)
    assert all_of(paths, jobs) == plainly(paths)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_cannot_be_opened_is_an_error_among_its_neighbours(jobs: int, tmp_path: Path) -> None:
    path, gone = tmp_path / "there.json", str(tmp_path / "gone.json")
    path.write_bytes(LOGS["a log"])
    there = sources([str(path)])[0]
    missing = [InputSource(gone, gone, size) for size in (10, 10**9, None)]
    found, errors = all_of([there, *missing, there], jobs)
    assert errors == [f"{gone}: could not be opened (FileNotFoundError)"] * 3
    assert found == plainly([path, path])[0]


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_bytes(LOGS["a log"])
    found = Job(sources([str(path)]), TypedReader(ID), ids)
    with WorkerPool[BatchResult](2, lambda number: [BatchResult(place=(0, 7 + number))]) as pool:
        turns = reading._in_turns(found, [10**9], 2, pool)
        with pytest.raises(InputError, match="changed while it was read"):
            next(turns)


# --- workers -------------------------------------------------------------------------------------------------------------------


def test_workers_send_the_items_of_their_work() -> None:
    with WorkerPool[int](3, lambda worker: (worker * 10 + number for number in range(3))) as pool:
        assert [pool.take(number % 3) for number in range(9)] == [0, 10, 20, 1, 11, 21, 2, 12, 22]


def test_a_worker_that_ends_too_early_is_an_error() -> None:
    def work(worker: int) -> Iterator[int]:
        yield worker
        os.kill(os.getpid(), signal.SIGKILL)

    with WorkerPool[int](2, work) as pool:
        assert pool.take(0) == 0
        with pytest.raises(WorkerError):
            pool.take(0)


def test_a_worker_that_is_killed_in_the_middle_of_a_message_is_an_error() -> None:
    def large(_: int) -> Iterator[bytes]:
        yield b"x" * (8 << 20)

    with WorkerPool[bytes](1, large) as pool:
        receiving, worker = pool._workers[0]
        receiving.poll(10)
        time.sleep(0.2)  # until the pipe is full
        worker.kill()
        with pytest.raises(WorkerError):
            pool.take(0)


def test_a_fault_in_a_worker_is_reported_without_its_text() -> None:
    def broken(_: int) -> Iterator[int]:
        raise RuntimeError("203.0.113.7")

    with (
        WorkerPool[int](1, broken) as pool,
        pytest.raises(WorkerFaultError, match=r"^RuntimeError in .*test_bulk_reading\.py:\d+$"),
    ):
        pool.take(0)


def test_workers_end_when_nobody_reads_them_any_more() -> None:
    def endless(worker: int) -> Iterator[bytes]:
        while True:
            yield bytes([worker]) * 100_000

    with WorkerPool[bytes](2, endless) as pool:
        assert pool.take(1) == b"\1" * 100_000
    assert cores() >= 1
