"""Memory, for a process that reads much and then ends."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

GARBAGE: Final = 100_000
"""Objects after which cycles among them are looked for. Records and decisions have none."""

KEPT: Final = 32 << 20
"""Bytes at the end of the heap that are kept when they are free, and of a thing that is still put on the heap."""

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Source: https://man7.org/linux/man-pages/man3/mallopt.3.html; the numbers are of glibc's malloc.h."""


@contextlib.contextmanager
def tuned_allocator() -> Iterator[None]:
    """While what was made so far stays, and what is made holds little that holds itself.

    Freed memory is used again from now on, and to the end of the process not given back each time.
    """
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
    """Have glibc keep what is freed: by itself it gives large buffers back, only to ask for them again."""
    if sys.platform == "linux":
        # Another library than glibc, or a Python without `ctypes`, does as it does.
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes  # noqa: PLC0415  see above

            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_TRIM_THRESHOLD, KEPT)
            mallopt(_M_MMAP_THRESHOLD, KEPT)
