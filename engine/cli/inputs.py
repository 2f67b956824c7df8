"""Where events come from on the command line: files, folders, standard input."""

from __future__ import annotations

import stat
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import click

from engine.model import DecodeError
from engine.pipeline.decode import decode_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from engine.model import Event, PassedOver

STDIN = "-"
SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".gz")

paths_argument = click.argument(
    "inputs", metavar="INPUT…", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True, path_type=str)
)


class Source(NamedTuple):
    """Something to be read: its name for a reader, its path (None: standard input), and its size where it is a file."""

    where: str
    path: str | None = None
    size: int | None = None

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Its bytes, to be used in a `with`; standard input stays open. Raises `OSError`."""
        return nullcontext(sys.stdin.buffer) if self.path is None else Path(self.path).open("rb")


def sources(inputs: Iterable[str]) -> list[Source]:
    """Files, the JSON files in folders (in path order), and standard input (`-`)."""
    found: list[Source] = []
    for name in inputs:
        if name == STDIN:
            found.append(Source("standard input"))
        else:
            found += [_source(path) for path in _files(name)]
    return found


def decode_inputs(inputs: Iterable[str]) -> Iterator[Event | DecodeError | PassedOver]:
    """Everything in files, folders (their JSON files, in path order) and standard input (`-`)."""
    for source in sources(inputs):
        opened = opened_or_why(source)
        if isinstance(opened, DecodeError):
            yield opened
            continue
        with opened as stream:
            yield from decode_stream(stream, source.where)


def opened_or_why(source: Source) -> AbstractContextManager[BinaryIO] | DecodeError:
    """A source's bytes, or why there are none."""
    try:
        return source.open()
    except OSError as error:
        return DecodeError(source.where, f"could not be opened ({type(error).__name__})")


def _source(path: str) -> Source:
    try:
        found = Path(path).stat()
    except OSError:
        return Source(path, path)  # opening it will say why
    return Source(path, path, found.st_size if stat.S_ISREG(found.st_mode) else None)


def _files(name: str) -> Iterable[str]:
    path = Path(name)
    if not path.is_dir():
        return (str(path),)
    found = sorted(file for file in path.rglob("*") if file.name.endswith(SUFFIXES) and file.is_file())
    if not found:
        raise click.UsageError(f"{path}: no file that ends in {', '.join(SUFFIXES)}")
    return map(str, found)
