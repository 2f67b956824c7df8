"""Where events come from on the command line: files, folders, standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.pipeline.decode import decode_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.model import DecodeError, Event, PassedOver

STDIN = "-"
SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".gz")

paths_argument = click.argument(
    "inputs", metavar="INPUT…", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True, path_type=str)
)


def decode_inputs(inputs: Iterable[str]) -> Iterator[Event | DecodeError | PassedOver]:
    """Everything in files, folders (their JSON files, in path order) and standard input (`-`)."""
    for name in inputs:
        if name == STDIN:
            yield from decode_stream(sys.stdin.buffer, "standard input")
            continue
        for path in _files(Path(name)):
            with path.open("rb") as stream:
                yield from decode_stream(stream, str(path))


def _files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return (path,)
    found = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(SUFFIXES))
    if not found:
        raise click.UsageError(f"{path}: no file that ends in {', '.join(SUFFIXES)}")
    return found
