"""A policy set as it is published: its files' texts in one sequence of bytes, to be signed and stored. Data only, never code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import PublishedSetError
from engine.policy.files import SUFFIXES
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.policy.source import Source

FORMAT: Final = 1
MOST_BYTES: Final = 16_777_216
"""Bytes of a whole set; one file has at most 1 MiB."""
MOST_FILES: Final = 2_000
_LONGEST_PATH: Final = 512


def pack(sources: Sequence[Source], directory: Path, commit: str | None) -> bytes:
    """A set's files, by their paths below a folder: the same files give the same bytes."""
    files = {Path(source.path).relative_to(directory).as_posix(): source.text for source in sources}
    return json.dumps({"format": FORMAT, "commit": commit, "files": files}, sort_keys=True).encode()


def unpack(content: bytes) -> tuple[tuple[Source, ...], str | None]:
    """The files of a published set, parsed, in path order, and the git commit. Raises `PublishedSetError`."""
    if len(content) > MOST_BYTES:
        raise PublishedSetError(f"it has more than {MOST_BYTES:,} bytes")
    try:
        whole = json.loads(content)
        form, commit, files = whole["format"], whole["commit"], dict(whole["files"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise PublishedSetError("it is not what trailbell publish makes") from None
    if form != FORMAT:
        raise PublishedSetError(f"its format is {form!r}, and this engine reads {FORMAT}")
    if not (commit is None or isinstance(commit, str)) or not 0 < len(files) <= MOST_FILES:
        raise PublishedSetError(f"it has {len(files)} files, and 1 to {MOST_FILES} are read")
    for path, text in files.items():
        if not (isinstance(text, str) and path.endswith(SUFFIXES) and path.isprintable() and len(path) <= _LONGEST_PATH):
            raise PublishedSetError("one of its files is not a YAML file")
    return tuple(parse_source(files[path].encode("utf-8", "replace"), path) for path in sorted(files)), commit
