"""The lists and conditions that the files of a set define, for all files."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from engine.model import Definitions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SECTIONS: Final[Mapping[str, str]] = {"lists": "list", "conditions": "condition"}
"""The sections of a file that define names, and what each name stands for."""


def definitions(contents: Iterable[Mapping[str, Any]]) -> Definitions:
    """What the files define, by their contents. What has not the shape that it should have is left out."""
    files = list(contents)
    return Definitions(
        MappingProxyType({name: frozenset(_texts(value)) for name, value in _entries(files, "lists")}),
        MappingProxyType({name: tuple(_texts(value)) for name, value in _entries(files, "conditions")}),
    )


def _entries(files: Iterable[Mapping[str, Any]], section: str) -> Iterator[tuple[str, Any]]:
    for content in files:
        entries = content.get(section)
        if isinstance(entries, dict):
            yield from entries.items()


def _texts(value: object) -> Iterator[str]:
    return (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))
