"""Where something stands in a policy file, also within quotes, block and folded scalars; and how to change it there."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from engine.model import Edit, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.policy.source import Node, Source

_ESCAPE: Final = re.compile(r"""\\[^"\\]|\\\\""")
"""An escape other than of a double quote."""


@lru_cache(4)
def _starts(text: str) -> list[int]:
    """Where each line of a text starts, and where the last one ends."""
    ends = accumulate(len(line) + 1 for line in text.split("\n"))
    return [0, *ends]


def line_text(text: str, number: int) -> str:
    """A line of a text, from 1, without its end; empty where there is no such line."""
    starts = _starts(text)
    return text[starts[number - 1] : starts[number] - 1] if 1 <= number < len(starts) else ""


def place(path: str, text: str, index: int, length: int = 1) -> Location:
    """The place of a character in a text."""
    starts = _starts(text)
    line = bisect_right(starts, index, hi=len(starts) - 1)
    return Location(path, line, index - starts[line - 1] + 1, max(length, 1))


# --- inside a scalar -------------------------------------------------------------------------------------------------------


def inside(source: Source, node: Node, offset: int, length: int = 1) -> Location:
    """The place of a character of a string value, counted from 0: also within quotes, escapes, block and folded scalars."""
    index = _index(source, node, offset)
    return node.where if index is None else place(source.path, source.text, index, length)


def _index(source: Source, node: Node, offset: int) -> int | None:
    """Where a character of a string value stands in the file.

    The raw text holds the value's visible characters in the same order, with quotes, escapes, indents and line ends between them.
    """
    start, end = node.span
    raw, value = source.text[start:end], node.value
    if not isinstance(value, str) or not raw:
        return None
    at = len(raw.split("\n", 1)[0]) + 1 if raw[0] in "|>" else int(raw[0] in "\"'")
    found = at
    for char in value[: offset + 1]:
        if char.isspace():
            continue
        hit = raw.find(char, at)
        if hit < 0:
            break
        found, at = hit, hit + 1
        if char == "'" and raw[0] == "'" and raw[at : at + 1] == "'":
            at += 1
    return start + (at if offset >= len(value) else found)


# --- changes ---------------------------------------------------------------------------------------------------------------


def rewritten(source: Source, node: Node, start: int, end: int, text: str) -> tuple[Edit, ...]:
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
    start = _starts(source.text)[number - 1]
    return (Edit(start, start, f"{line}\r\n" if "\r\n" in source.text else f"{line}\n"),)


def without_lines(source: Source, first: int, last: int) -> tuple[Edit, ...]:
    """The change that takes whole lines away (from 1, both of them too); none where a comment would go with them."""
    starts = _starts(source.text)
    start, end = starts[first - 1], min(starts[last], len(source.text))
    return () if "#" in source.text[start:end] else (Edit(start, end),)


def last_line(source: Source, node: Node) -> int:
    """The line on which a value ends."""
    end = max([node.span[1], *(child.span[1] for child in _all(node))])
    return place(source.path, source.text, end).line


def _all(node: Node) -> Iterator[Node]:
    for child in node.items():
        yield child
        yield from _all(child)
