"""Garbage collector and allocator settings for a process that reads much and then ends."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

GARBAGE: Final = 100_000
"""How many new objects start a garbage collection. Records and decisions form no cycles."""

KEPT: Final = 32 << 20
"""How many free bytes the heap keeps at its end, and the size from which a buffer is no longer put on the heap."""

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Source: https://man7.org/linux/man-pages/man3/mallopt.3.html; the numbers are of glibc's malloc.h."""


@contextlib.contextmanager
def tuned_allocator() -> Iterator[None]:
    """Freezes the garbage collector's objects and makes it run rarely: bulk reading makes few cycles.

    From now on to the end of the process, glibc keeps freed memory for reuse.
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
    """Have glibc keep freed buffers: by default it returns large ones to the system, and asks for them again."""
    if sys.platform == "linux":
        # Another C library than glibc, or a Python without `ctypes`, keeps its defaults.
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes  # noqa: PLC0415  see above

            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_M_TRIM_THRESHOLD, KEPT)
            mallopt(_M_MMAP_THRESHOLD, KEPT)
