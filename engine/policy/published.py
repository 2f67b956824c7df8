"""A policy set as it is published: the texts of its files as one sequence of bytes, to be signed and stored. Data, never code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import PublishedSetError
from engine.policy.files import SUFFIXES
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.policy.source import Source

FORMAT: Final = 1
SET_MAX_BYTES: Final = 16_777_216
"""Bytes of a whole set; one file has at most 1 MiB."""
SET_MAX_FILES: Final = 2_000
_PATH_MAX_LENGTH: Final = 512


def pack(sources: Sequence[Source], directory: Path, commit: str | None) -> bytes:
    """A set's files, by their paths below a folder, and those of its base: the same files give the same bytes.

    The base goes along, so that the set means the same to an engine that brings another one.
    """
    files = {Path(source.path).relative_to(directory).as_posix(): source.text for source in sources if not source.base}
    base = {source.path: source.text for source in sources if source.base}
    whole = {"format": FORMAT, "commit": commit, "files": files, **({"base": base} if base else {})}
    return json.dumps(whole, sort_keys=True).encode()


def unpack(content: bytes) -> tuple[tuple[Source, ...], str | None]:
    """The files of a published set, parsed, in path order, those of its base last; and the git commit.

    Raises `PublishedSetError`.
    """
    if len(content) > SET_MAX_BYTES:
        raise PublishedSetError(f"it has more than {SET_MAX_BYTES:,} bytes")
    try:
        whole = json.loads(content)
        form, commit, files, base = whole["format"], whole["commit"], dict(whole["files"]), dict(whole.get("base", {}))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise PublishedSetError("it is not what trailbell publish makes") from None
    if form != FORMAT:
        raise PublishedSetError(f"its format is {form!r}, and this engine reads {FORMAT}")
    if not (commit is None or isinstance(commit, str)) or not 0 < len(files) <= SET_MAX_FILES - len(base):
        raise PublishedSetError(f"it has {len(files) + len(base)} files, and 1 to {SET_MAX_FILES} are read")
    for path, text in (*files.items(), *base.items()):
        if not (isinstance(text, str) and path.endswith(SUFFIXES) and path.isprintable() and len(path) <= _PATH_MAX_LENGTH):
            raise PublishedSetError("one of its files is not a YAML file")
    return (*_parsed(files), *(replace(source, base=True) for source in _parsed(base))), commit


def _parsed(files: Mapping[str, str]) -> Iterator[Source]:
    return (parse_source(files[path].encode("utf-8", "replace"), path) for path in sorted(files))
