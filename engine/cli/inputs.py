"""Where events come from on the command line: files, folders, standard input."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.bulk import objects
from engine.bulk.exports import decode_source
from engine.bulk.objects import is_in_s3
from engine.bulk.sources import InputSource
from engine.cli.terminal import show
from engine.model import DecodeError, Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.pipeline.decode import Decoded

STDIN = "-"
SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".json.gz", ".jsonl.gz", ".gz")


class _InputPath(click.Path):
    """A path that exists, `-`, or an address in S3."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401  click's own
        """Look whether a path exists; an address is looked up when it is read."""
        return value if isinstance(value, str) and is_in_s3(value) else super().convert(value, param, ctx)


paths_argument = click.argument(
    "inputs", metavar="INPUT…", nargs=-1, required=True, type=_InputPath(exists=True, allow_dash=True, path_type=str)
)

number_option = click.option(
    "--number", type=click.IntRange(min=1), help="Which event of the file, counted from 1, if it holds several."
)


def sources(inputs: Iterable[str]) -> list[InputSource]:
    """Files, the JSON files in folders (in path order), those in S3 below an address, and standard input (`-`)."""
    listed: list[InputSource] = []
    for name in inputs:
        if name == STDIN:
            listed.append(InputSource("standard input"))
        elif is_in_s3(name):
            listed += _in_s3(name)
        else:
            listed += [_source(path) for path in _files(name)]
    return listed


def decode_inputs(inputs: Iterable[str]) -> Iterator[Decoded]:
    """Everything in files, folders (their JSON files, in path order) and standard input (`-`)."""
    for source in sources(inputs):
        yield from decode_source(source)


class InputReader:
    """Reads inputs once. What cannot be read is reported on standard error, and then `unread` is true."""

    def __init__(self, inputs: Iterable[str]) -> None:
        self.unread = False
        self._inputs = inputs

    def items(self) -> Iterator[Decoded]:
        """Everything in the inputs, in their order."""
        for item in decode_inputs(self._inputs):
            if isinstance(item, DecodeError):
                self.unread = True
                show(f"{item.where}: {item.reason}", err=True)
            yield item

    def events(self) -> Iterator[Event]:
        """The events among them."""
        return (item for item in self.items() if isinstance(item, Event))


def one_event(path: str, number: int | None) -> Event:
    """The only event of a file, or the one with this number. What cannot be read is reported on standard error."""
    events = list(InputReader([path]).events())
    if not events:
        raise click.ClickException(f"{path}: no event in it")
    if number is None and len(events) > 1:
        raise click.UsageError(f"{path} holds {len(events)} events; say which with --number 1 … {len(events)}")
    if (number or 1) > len(events):
        raise click.UsageError(f"{path} holds {len(events)} events, so there is no number {number}")
    return events[(number or 1) - 1]


def _in_s3(address: str) -> list[InputSource]:
    found = [InputSource(name, name, size) for name, size in objects.listed(address, SUFFIXES)]
    if not found:
        raise click.UsageError(f"{address}: no object that ends in {', '.join(SUFFIXES)}")
    return found


def _source(path: str) -> InputSource:
    try:
        status = Path(path).stat()
    except OSError:
        return InputSource(path, path)  # opening it reports why
    return InputSource(path, path, status.st_size if stat.S_ISREG(status.st_mode) else None)


def _files(name: str) -> Iterable[str]:
    path = Path(name)
    if not path.is_dir():
        return (str(path),)
    files = sorted(file for file in path.rglob("*") if file.name.endswith(SUFFIXES) and file.is_file())
    if not files:
        raise click.UsageError(f"{path}: no file that ends in {', '.join(SUFFIXES)}")
    return map(str, files)
