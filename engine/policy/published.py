"""A policy set as it is published: the texts of its files as one sequence of bytes, to be signed and stored. Data, never code.

The bytes also say where the set is published and under which number, so one signature covers all of it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import PublishedSetError
from engine.policy.files import SUFFIXES
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.policy.source import Source

FORMAT: Final = 2
UNPLACED_FORMAT: Final = 1
"""The format before: a signature of such a set covers neither a place nor a number."""
SET_MAX_BYTES: Final = 16_777_216
"""Bytes of a whole set; one file has at most 1 MiB."""
SET_MAX_FILES: Final = 2_000
NUMBER_MAX: Final = 2**53
"""JSON numbers are exact up to this in every reader."""
_PATH_MAX_LENGTH: Final = 512
_TEXT_MAX_LENGTH: Final = 1_200
"""Of a place (a bucket has at most 63 characters, a key 1,024) and of a publisher."""
_NOT_OURS: Final = "it is not what trailbell publish makes"


class PublishedSet(NamedTuple):
    """What a published set says of itself.

    `place` is where it is published (`s3://bucket/key`), `number` its time of publication in milliseconds since 1970, `publisher`
    who published it, in their own words. All three are None in a set that is packed and not yet signed. `linted_by` is the
    version of the engine that found no error in it; None where none did.
    """

    sources: tuple[Source, ...]
    commit: str | None
    place: str | None
    number: int | None
    publisher: str | None
    linted_by: str | None = None


def pack(sources: Sequence[Source], directory: Path, commit: str | None, linted_by: str | None = None) -> bytes:
    """A set's files, by their paths below a folder, and those of its base: the same files give the same bytes.

    The base goes along, so that the set means the same to an engine that brings another one. `linted_by` is the version of the
    engine that linted it without an error: a function with the same one need not do so again.
    """
    files = {Path(source.path).relative_to(directory).as_posix(): source.text for source in sources if not source.base}
    base = {source.path: source.text for source in sources if source.base}
    whole = {"format": FORMAT, "commit": commit, "linted_by": linted_by, "files": files, **({"base": base} if base else {})}
    return json.dumps(whole, sort_keys=True).encode()


def placed(content: bytes, place: str, number: int, publisher: str | None) -> bytes:
    """A packed or an older published set, of either format, to be signed for a place under a new number."""
    whole = _whole(content)
    if whole.get("format") not in {FORMAT, UNPLACED_FORMAT}:
        raise PublishedSetError(f"its format is {whole.get('format')!r}, and this engine writes {FORMAT}")
    whole |= {"format": FORMAT, "place": place, "number": number, "publisher": publisher}
    return json.dumps(whole, sort_keys=True).encode()


def place_of(content: bytes) -> str | None:
    """The place that a set names, of either format; None where it names none."""
    place = _whole(content).get("place")
    return place if isinstance(place, str) else None


def unpack(content: bytes) -> PublishedSet:
    """The files of a set, parsed, in path order, those of its base last; and what it says of itself.

    Raises `PublishedSetError`.
    """
    whole = _whole(content)
    try:
        form, commit, files, base = whole["format"], whole["commit"], dict(whole["files"]), dict(whole.get("base", {}))
    except (ValueError, TypeError, KeyError):
        raise PublishedSetError(_NOT_OURS) from None
    if form == UNPLACED_FORMAT:
        what = "its signature covers neither its place nor a number, as those of older engines did not"
        raise PublishedSetError(f"{what}: publish it again with this version of trailbell publish")
    if form != FORMAT:
        raise PublishedSetError(f"its format is {form!r}, and this engine reads {FORMAT}")
    if not (commit is None or isinstance(commit, str)) or not 0 < len(files) <= SET_MAX_FILES - len(base):
        raise PublishedSetError(f"it has {len(files) + len(base)} files, and 1 to {SET_MAX_FILES} are read")
    for path, text in (*files.items(), *base.items()):
        if not (isinstance(text, str) and path.endswith(SUFFIXES) and path.isprintable() and len(path) <= _PATH_MAX_LENGTH):
            raise PublishedSetError("one of its files is not a YAML file")
    place, number, publisher = whole.get("place"), whole.get("number"), whole.get("publisher")
    linted_by = whole.get("linted_by")
    if not (_is_text(place) and _is_text(publisher) and _is_number(number) and _is_text(linted_by)):
        raise PublishedSetError(_NOT_OURS)
    sources = (*_parsed(files), *(replace(source, base=True) for source in _parsed(base)))
    return PublishedSet(sources, commit, place, number, publisher, linted_by)


def _whole(content: bytes) -> dict[str, Any]:
    if len(content) > SET_MAX_BYTES:
        raise PublishedSetError(f"it has more than {SET_MAX_BYTES:,} bytes")
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        raise PublishedSetError(_NOT_OURS) from None
    if not isinstance(whole, dict):
        raise PublishedSetError(_NOT_OURS)
    return whole


def _is_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= _TEXT_MAX_LENGTH)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value <= NUMBER_MAX)


def _parsed(files: Mapping[str, str]) -> Iterator[Source]:
    return (parse_source(files[path].encode("utf-8", "replace"), path) for path in sorted(files))
