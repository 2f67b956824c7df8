"""Memory, for a process that reads much and then ends."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

GARBAGE: Final = 100_000
"""Objects after which cycles among them are looked for. Records and decisions have none."""

KEPT: Final = 32 << 20
"""Bytes up to which freed memory is kept, and not given back to the system only to be asked for again."""

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Source: https://man7.org/linux/man-pages/man3/mallopt.3.html; the numbers are of glibc's malloc.h."""


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """While what was made so far stays, and what is made holds little that holds itself, and is made of the same memory again."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    _keep_memory()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _keep_memory() -> None:
    """Have glibc keep what is freed: by itself it gives large buffers back each time. Other systems' libraries do as they do."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another library than glibc
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_TRIM_THRESHOLD, KEPT)
            mallopt(_M_MMAP_THRESHOLD, KEPT)
