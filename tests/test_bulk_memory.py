"""A process that reads much keeps what it frees."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from engine.bulk.memory import GARBAGE, tuned_allocator

LARGE = """
import contextlib, resource
from engine.bulk.memory import tuned_allocator

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        several = [b"x" * 1_500_000 for _ in range(8)]
        del several
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with {within}:
    faults()
    print(faults())
"""


def faults(within: str) -> int:
    """Pages that a new process asks the system for while it makes and frees the same large things again and again."""
    command = [sys.executable, "-c", LARGE.format(within=within)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  our own
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is what gives memory back")
def test_what_is_freed_is_not_asked_for_again() -> None:
    as_it_is = faults("contextlib.nullcontext()")
    if as_it_is < 10_000:
        pytest.skip("this C library keeps memory by itself")
    assert faults("tuned_allocator()") < 100


def test_garbage_is_looked_for_as_before_in_the_end() -> None:
    before = gc.get_threshold()
    with tuned_allocator():
        assert gc.get_threshold()[0] == GARBAGE
        assert gc.get_freeze_count() > 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_a_python_without_ctypes_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctypes", None)
    with tuned_allocator():
        assert gc.get_threshold()[0] == GARBAGE
