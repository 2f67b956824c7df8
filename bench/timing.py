"""Times of jobs measured side by side: a ratio is trusted only where both of its sides were measured in turns, in one run."""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from itertools import cycle, islice
from time import process_time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROUNDS = 7
CHUNK = 0.04
"""Seconds that one turn of one job lasts, about."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something done to each of many things."""

    do: Callable[[Any], object]
    things: Sequence[Any]


def side_by_side(jobs: Mapping[str, Job], rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds that each job takes for one thing: the median of rounds in which every job has its turn."""
    turns = {name: _things_a_turn(job) for name, job in jobs.items()}
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, job in jobs.items():
                taken[name].append(_turn(job, turns[name]) / turns[name])
    finally:
        gc.enable()
    return {name: statistics.median(times) for name, times in taken.items()}


def _things_a_turn(job: Job) -> int:
    """So many that a turn lasts about `CHUNK`; finding that out warms the job up, too."""
    job.do(job.things[0])  # what is made when it is first asked does not count
    count = min(len(job.things), 10)
    while (taken := _turn(job, count)) < CHUNK / 2:
        count = max(count * 2, int(count * CHUNK / max(taken, 1e-6)))
    return count


def _turn(job: Job, count: int) -> float:
    """Seconds of this process's processor time: what others on the machine do counts little."""
    do = job.do
    start = process_time()
    for thing in islice(cycle(job.things), count):
        do(thing)
    return process_time() - start


def whole_process(commands: Mapping[str, Sequence[str]], rounds: int = ROUNDS) -> dict[str, tuple[float, int]]:
    """Seconds of processor time and peak memory (kB) of whole processes, medians of rounds in turns.

    A command is what follows `python`.
    """
    taken: dict[str, list[tuple[float, int]]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            run = _process([sys.executable, *command])
            if number:  # the first writes byte code and fills the cache of files
                taken[name].append(run)
    return {
        name: (statistics.median(seconds for seconds, _ in runs), max(peak for _, peak in runs)) for name, runs in taken.items()
    }


LAUNCHER = """
import json, os, sys
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
print(json.dumps([usage.ru_utime + usage.ru_stime, usage.ru_maxrss, status]))
"""
"""Starts the measured process from a small one: Linux counts what the starting process held among the peak of the started one."""


def _process(command: list[str]) -> tuple[float, int]:
    launched = subprocess.run([sys.executable, "-I", "-c", LAUNCHER, *command], check=True, stdout=subprocess.PIPE)  # noqa: S603  our own
    taken, peak, status = json.loads(launched.stdout)
    if status != 0:
        raise RuntimeError(f"a measured process failed: {' '.join(command)[:200]}")
    return taken, peak
