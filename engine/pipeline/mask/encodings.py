r"""A text as somebody would read it: in one case, and with its escapes undone once or twice.

Escapes are those of URLs (`%2E`), of HTML (`&#46;`, `&#x2e;`) and of JSON (`\u002e`). Everything here is linear in the text,
and no regular expression is made of event data.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple
from unicodedata import normalize

from engine.model import repr_only

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPES: Final = re.compile(r"((?:%[0-9A-Fa-f]{2})+)|&#([0-9]{1,7});|&#[xX]([0-9A-Fa-f]{1,6});|\\u([0-9A-Fa-f]{4})", re.ASCII)
_UTF8_SIZES: Final = (1, 2, 3, 4)
_LAST_CHARACTER: Final = 0x10FFFF
_DECODINGS: Final = 2


@repr_only()
class TracedText(NamedTuple):
    """A text folded or decoded; its character `i` came from `starts[i]` to `ends[i]` of the original."""

    text: str
    starts: list[int]
    ends: list[int]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters from `start` to `end`, of which there is one at least, stand in the original."""
        return self.starts[start], self.ends[end - 1]


def readings(text: str) -> Iterator[str]:
    """The text, and the text with its escapes undone once and twice where it has any."""
    yield text
    for _ in range(_DECODINGS):
        if not ("%" in text or "&#" in text or "\\u" in text) or not _ESCAPES.search(text):
            return
        text = "".join(piece for piece, _ in _pieces(text))
        yield text


def fold(text: str) -> str:
    """A text in one case, accents as marks of their own (Unicode's form NFD), a plus as a space (as in a query string)."""
    return (text.casefold() if text.isascii() else "".join(map(_folded_character, text))).replace("+", " ")


@lru_cache(4_096)
def _folded_character(character: str) -> str:
    return normalize("NFD", normalize("NFD", character).casefold())


def with_one_separator(folded_text: str) -> str:
    """A folded text in which a dash stands for the dot and the underscore, which names have for each other."""
    return folded_text.replace(".", "-").replace("_", "-")


def traced(text: str, decodings: int) -> TracedText:
    """A text decoded so many times, with the origin of each character."""
    positions = list(range(len(text)))
    result = TracedText(text, positions, [position + 1 for position in positions])
    for _ in range(decodings):
        result = _decoded(result)
    return result


def folded(source: TracedText) -> TracedText:
    """A traced text folded."""
    if source.text.isascii():
        return TracedText(fold(source.text), source.starts, source.ends)
    characters, starts, ends = [], [], []
    for position, character in enumerate(source.text):
        piece = fold(character)
        characters.append(piece)
        starts += [source.starts[position]] * len(piece)
        ends += [source.ends[position]] * len(piece)
    return TracedText("".join(characters), starts, ends)


def _decoded(source: TracedText) -> TracedText:
    characters, starts, ends = [], [], []
    position = 0
    for piece, length in _pieces(source.text):
        characters.append(piece)
        if len(piece) == length:
            starts += source.starts[position : position + length]
            ends += source.ends[position : position + length]
        else:
            starts.append(source.starts[position])
            ends.append(source.ends[position + length - 1])
        position += length
    return TracedText("".join(characters), starts, ends)


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """The text in pieces, each with its length in the text: one character for an escape, else as it is."""
    position = 0
    for match in _ESCAPES.finditer(text):
        if match.start() > position:
            yield text[position : match.start()], match.start() - position
        octets, decimal, *hexadecimal = match.groups()
        if octets is not None:
            yield from _from_octets(bytes.fromhex(octets.replace("%", "")))
        else:
            number = int(decimal) if decimal is not None else int(next(filter(None, hexadecimal)), 16)
            yield chr(number) if number <= _LAST_CHARACTER else "\N{REPLACEMENT CHARACTER}", len(match.group())
        position = match.end()
    if position < len(text):
        yield text[position:], len(text) - position


def _from_octets(octets: bytes) -> Iterator[tuple[str, int]]:
    """Each character of percent-encoded octets with the length of its escapes; an octet that is not UTF-8 is read as Latin-1."""
    position = 0
    while position < len(octets):
        for size in _UTF8_SIZES:
            try:
                yield octets[position : position + size].decode("utf-8"), 3 * size
            except UnicodeDecodeError:
                continue
            position += size
            break
        else:
            yield octets[position : position + 1].decode("latin-1"), 3
            position += 1
