"""Whole jobs: log files to decisions, and an event to its message."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bench import files
from bench.deciding import EVENTS, MICRO, NOW, POLICIES, loaded
from bench.generate import Shape, records, rules, write_log, write_policies
from bench.report import Part, Row
from bench.timing import Job, side_by_side, whole_process
from engine.bulk.memory import tuned_allocator
from engine.errors import FetchError
from engine.model import Deployment, FetchedFile, HttpResponse, Ports
from engine.pipeline.batch import process_records
from engine.pipeline.decode import decode
from engine.pipeline.posting import by_channel, compose
from engine.pipeline.setting import Setting
from engine.policy.load import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.generate import Rule
    from engine.pipeline.decode import Decoded

A_FILE = 2_000
OURS, READ, FLOOR = "Trailbell", "Trailbell, with reading", "inflate and parse alone"
DUCKDB = "DuckDB, tuned, one core"
DATABASES: dict[str, Callable[[Sequence[Rule]], Callable[[Sequence[Path]], int]]] = {DUCKDB: files.duckdb, "polars": files.polars}
DAY = 10
MANY = 25
AGAINST_DUCKDB = {1_000: (1.3, 2.1)}
MILLI = 1e3


# --- log files --------------------------------------------------------------------------------------------------------------


def log_files(folder: Path, sizes: Iterable[int], count: int = 10) -> Part:
    """CloudTrail log files (gzip) to decisions, on one core; the databases read the same records as JSON Lines (gzip)."""
    rows: list[Row] = []
    rates: dict[int, dict[str, float]] = {}
    skipped: dict[str, None] = {}
    days: dict[int, dict[str, float]] = {}
    for size in sizes:
        here = folder / f"files-{size}"
        rates[size], missing = _rates(here, rules(Shape.USUAL, size), count)
        skipped |= dict.fromkeys(missing)
        ours = rates[size][OURS]
        if DUCKDB in rates[size]:
            ratio = ours / rates[size][DUCKDB]
            rows.append(Row(f"log files to decisions against {DUCKDB}, {size:,} routes", ratio, *AGAINST_DUCKDB.get(size, ())))
        ratio = rates[size][FLOOR] / ours
        rows.append(Row(f"log files to decisions against {FLOOR}, {size:,} routes", ratio, 2, 1.3, faster=False))
        if DUCKDB in rates[size]:
            days[size] = _day(here, size)
            ratio = days[size][DUCKDB] / days[size][OURS]
            what = f"{MANY * count * A_FILE:,} records, each in a process of its own"
            rows.append(Row(f"{what}, against {DUCKDB}, {size:,} routes", ratio))
    peaks = _peaks(folder, rules(Shape.USUAL, 10))
    small, large = peaks.values()
    rows.append(Row("peak memory of decide over a file ten times as large", large / small, 1.2, 1.05, faster=False))
    return Part(tuple(rows), {"records a second": rates, "seconds of a process": days, "peak kB": peaks}, tuple(skipped))


def _peaks(folder: Path, made: Sequence[Rule]) -> dict[str, int]:
    """Peak memory (kB) of `trailbell decide`, the whole process, over a log file of some size and over one of ten times that."""
    policies = str(write_policies(folder / "peaks", made))
    block = ",".join(json.dumps(record, separators=(",", ":")) for record in records(made, A_FILE)).encode()
    commands = {}
    for copies in (10, 100):
        path = folder / f"large-{copies}.json.gz"
        with gzip.open(path, "wb", compresslevel=1) as stream:
            stream.write(b'{"Records":[' + block)
            stream.writelines(b"," + block for _ in range(copies - 1))
            stream.write(b"]}")
        name = f"{copies * len(block) / 1e6:,.0f} MB of JSON"
        commands[name] = ["-m", "engine", "decide", str(path), "--policies", policies]
    return {name: peak for name, (_, peak) in whole_process(commands, rounds=1).items()}


def _rates(folder: Path, made: Sequence[Rule], count: int) -> tuple[dict[str, float], list[str]]:
    """Records a second of everything that is installed, and what is not. The folder is for policies, logs and lines."""
    policies = loaded(folder / "policies", made)
    logs, lines = _written(folder, made, count)
    jobs = {
        OURS: Job(files.trailbell(policies, NOW), [logs]),
        FLOOR: Job(files.inflate_and_parse(policies), [logs]),
    }
    missing: list[str] = []
    for name, build in DATABASES.items():
        try:
            # Many times the files, so that planning the query weighs what it weighs on a day's logs.
            jobs[name] = Job(build(made), [lines * DAY])
        except ImportError:
            missing.append(f"{name}: not installed, skipped")
    for name, job in jobs.items():
        read, expected = job.do(job.things[0]), count * A_FILE * (DAY if name in DATABASES else 1)
        if read != expected:
            raise RuntimeError(f"{name} read {read} of {expected} records")
    with tuned_allocator():  # as `trailbell decide` does, for all of them
        times = side_by_side(jobs, rounds=5)
    rates = {name: count * A_FILE * (DAY if name in DATABASES else 1) / seconds for name, seconds in times.items()}
    return rates, missing


def _written(folder: Path, made: Sequence[Rule], count: int) -> tuple[list[Path], list[Path]]:
    """The same records as CloudTrail log files and as JSON Lines, neither with spaces, and packed alike."""
    logs, lines = [], []
    for name in ("logs", "lines"):
        (folder / name).mkdir()
    for number in range(count):
        logged = list(records(made, A_FILE, seed=number))
        logs.append(folder / "logs" / f"{number}-0.json.gz")
        write_log(logs[-1], logged)
        lines.append(folder / "lines" / f"{number}-0.jsonl.gz")
        text = "".join(f"{json.dumps(record, separators=(',', ':'))}\n" for record in logged)
        lines[-1].write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))
    return logs, lines


def _day(folder: Path, size: int) -> dict[str, float]:
    """Seconds that a process takes to read each file of a folder many times over, beginning with its own start."""
    for path in [*folder.glob("logs/*"), *folder.glob("lines/*")]:
        for copy in range(1, MANY):
            (path.parent / path.name.replace("-0.", f"-{copy}.")).hardlink_to(path)
    policies, logs, lines = (str(folder / name) for name in ("policies", "logs", "lines"))
    commands = {
        OURS: ["-m", "engine", "decide", "--jobs", "1", "--policies", policies, logs],
        DUCKDB: ["-m", "bench.files", str(size), lines],
    }
    return {name: seconds for name, (seconds, _) in whole_process(commands, rounds=2).items()}


# --- an event to its message ------------------------------------------------------------------------------------------------


def message() -> Part:
    """An event decided, audited, masked and rendered by the shipped policies, the post left out; alone, and with its reading."""
    setting = Setting(load(POLICIES), Deployment())
    envelope = {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3"}
    bodies = [json.dumps({**envelope, "detail": record}).encode() for record in _reads()]
    events = [event for body in bodies for event in decode(json.loads(body), _no_file)]
    with Path(os.devnull).open("w", encoding="utf-8") as out:
        ports = _ports(out)
        jobs = {
            OURS: Job(lambda event: _messages((event,), setting, ports), events),
            READ: Job(lambda body: _messages(decode(json.loads(body), _no_file), setting, ports), bodies),
        }
        times = side_by_side(jobs)
    what = "decide, audit, mask and render one event, all in"
    rows = (
        Row(what, times[OURS] * MILLI, 0.2, 0.1, faster=False, unit="ms"),
        Row(f"{what}, with the reading of its JSON", times[READ] * MILLI, faster=False, unit="ms"),
    )
    return Part(rows, {"microseconds": {name: seconds * MICRO for name, seconds in times.items()}})


def _reads() -> list[dict[str, object]]:
    return [{**record, "eventName": "GetObject"} for record in records(rules(Shape.USUAL, 10), EVENTS)]


def _messages(stream: Iterable[Decoded], setting: Setting, ports: Ports) -> list[bytes]:
    received = tuple(process_records(stream, setting, ports))
    return [
        message.body
        for name, wants in by_channel(received).items()
        for message in compose(setting.policies.channels[name], wants, setting)
    ]


def _no_file(bucket: str, key: str) -> FetchedFile:
    raise FetchError(f"there is no file to read here, {bucket}/{key} neither", passing=False)


def _ports(out: TextIO) -> Ports:
    """A world in which nothing is posted: the audit records are written to `out`."""
    return Ports(
        post=lambda url, body, timeout: HttpResponse(status=200, body="ok"),
        webhook=lambda ref, fresh: "",
        emit=lambda line: print(line, file=out),
        now=lambda: NOW,
        elapsed=lambda: 0.0,
        sleep=lambda seconds: None,
        remaining=lambda: 1.0,
    )
