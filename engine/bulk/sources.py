"""What is read: a file or standard input, by name."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from engine.model import DecodeError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class InputSource(NamedTuple):
    """A file or standard input: the name that readers see, the path (None: standard input), and the size of a regular file."""

    where: str
    path: str | None = None
    size: int | None = None

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Its bytes, to be used in a `with` statement; standard input stays open. Raises `OSError`."""
        return nullcontext(sys.stdin.buffer) if self.path is None else Path(self.path).open("rb")


def open_source(source: InputSource) -> AbstractContextManager[BinaryIO] | DecodeError:
    """A source's bytes, or the reason why it could not be opened."""
    try:
        return source.open()
    except OSError as error:
        return DecodeError(source.where, f"could not be opened ({type(error).__name__})")
