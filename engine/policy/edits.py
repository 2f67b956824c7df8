"""Changes of a policy file that keep its comments and layout, and where they go: also within quotes, block and folded scalars."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model import Edit
from engine.policy.positions import line_starts, location_at
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.model import Location
    from engine.policy.source import Source, YamlNode

_ESCAPE: Final = re.compile(r"""\\[^"\\]|\\\\""")
"""An escape other than of a double quote."""


# --- inside a scalar -------------------------------------------------------------------------------------------------------


def inside(source: Source, node: YamlNode, offset: int, length: int = 1) -> Location:
    """The place of a character of a string value, counted from 0: also within quotes, escapes, block and folded scalars."""
    index = _index(source, node, offset)
    return node.where if index is None else location_at(source.path, source.text, index, length)


def _index(source: Source, node: YamlNode, offset: int) -> int | None:
    """Where a character of a string value stands in the file.

    The raw text holds the value's visible characters in the same order, with quotes, escapes, indents and line ends between them.
    """
    start, end = node.span
    raw, value = source.text[start:end], node.value
    if not isinstance(value, str) or not raw:
        return None
    at = len(raw.split("\n", 1)[0]) + 1 if raw[0] in "|>" else int(raw[0] in "\"'")
    last = at
    for char in value[: offset + 1]:
        if char.isspace():
            continue
        hit = raw.find(char, at)
        if hit < 0:
            break
        last, at = hit, hit + 1
        if char == "'" and raw[0] == "'" and raw[at : at + 1] == "'":
            at += 1
    return start + (at if offset >= len(value) else last)


# --- changes ---------------------------------------------------------------------------------------------------------------


def edited(source: Source, edits: Iterable[Edit]) -> Source:
    """The file with some changes made, none of which touches another, read again."""
    text = source.text
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return parse_source(text.encode(), source.path)


def rewritten(source: Source, node: YamlNode, start: int, end: int, text: str) -> tuple[Edit, ...]:
    """The change that makes characters of a string value (visible ones first and last) another text, as the value is quoted.

    None where the text holds escapes other than of quotes, which do not show where a character stands.
    """
    first, last = _index(source, node, start), _index(source, node, end - 1)
    raw = source.text[slice(*node.span)]
    if first is None or last is None or "\n" in text:
        return ()
    if raw[0] == '"':
        if _ESCAPE.search(raw):
            return ()
        first -= source.text[first - 1] == "\\"
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    if raw[0] == "'":
        last += source.text[last : last + 2] == "''"
        text = text.replace("'", "''")
    return (Edit(first, last + 1, text),)


def before_line(source: Source, number: int, line: str) -> tuple[Edit, ...]:
    """The change that puts a line before another one (from 1)."""
    start = line_starts(source.text)[number - 1]
    return (Edit(start, start, f"{line}\r\n" if "\r\n" in source.text else f"{line}\n"),)


def without_lines(source: Source, first: int, last: int) -> tuple[Edit, ...]:
    """The change that takes whole lines away (from 1, both of them too); none where a comment would go with them."""
    starts = line_starts(source.text)
    start, end = starts[first - 1], min(starts[last], len(source.text))
    return () if "#" in source.text[start:end] else (Edit(start, end),)


def last_line(source: Source, node: YamlNode) -> int:
    """The line on which a value ends."""
    end = max([node.span[1], *(child.span[1] for child in _all(node))])
    return location_at(source.path, source.text, end).line


def _all(node: YamlNode) -> Iterator[YamlNode]:
    for child in node.items():
        yield child
        yield from _all(child)
