"""What is read: a file, an object in S3 or standard input, by name."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from engine.bulk.objects import is_in_s3, opened
from engine.errors import FetchError
from engine.model import DecodeError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class InputSource(NamedTuple):
    """What is read: the name that readers see, the path or address (None: standard input), and the size where it is known."""

    where: str
    path: str | None = None
    size: int | None = None

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Its bytes, to be used in a `with` statement; standard input stays open. Raises `OSError` and `FetchError`."""
        if self.path is None:
            return nullcontext(sys.stdin.buffer)
        return opened(self.path) if is_in_s3(self.path) else Path(self.path).open("rb")


def open_source(source: InputSource) -> AbstractContextManager[BinaryIO] | DecodeError:
    """A source's bytes, or the reason why it could not be opened."""
    try:
        return source.open()
    except OSError as error:
        return DecodeError(source.where, f"could not be opened ({type(error).__name__})")
    except FetchError as error:
        return DecodeError(source.where, str(error))
