"""A Slack message on a terminal, as a person would see it in the channel. Nothing in it can act on the terminal."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from engine.pipeline.render.escape import harmless
from engine.pipeline.render.marks import SYMBOLS
from engine.pipeline.render.mentions import MENTIONS, mention_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_BAR: Final = "┃ "
_WORD: Final = re.compile(r" ?[^ ]+| ")
_BOLD, _CODE, _FAINT, _LINK = "1", "36", "2", "4"
"""SGR codes, ECMA-48 8.3.117."""

AS_EMOJI: Final = "\N{VARIATION SELECTOR-16}"
"""What asks for the colourful form of a character; terminals do without."""

_ADDRESS: Final = re.compile(r"https://[!-~]+", re.ASCII)
"""What a terminal may be given as the address of a link: no escape, no blank, nothing unseen."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Text in one look; `look` is an SGR code or nothing, `url` where a link leads."""

    text: str
    look: str = ""
    url: str = ""


def preview(payload: Mapping[str, Any], width: int = 100, *, colour: bool = False) -> str:
    """The message with a bar at its side, wrapped at `width` cells; with `colour`, links can be opened (OSC 8)."""
    wrapped = [line for unwrapped in _lines(payload) for line in _wrapped(unwrapped, max(width - len(_BAR), 10))]
    return "\n".join(_painted([_Span(_BAR if line else _BAR.strip(), _FAINT), *line], colour=colour) for line in wrapped)


# --- what the channel shows, line by line -------------------------------------------------------------------------------------


def _lines(payload: Mapping[str, Any]) -> Iterator[list[_Span]]:
    if "Message" in payload:  # for a topic
        yield [_Span(str(payload["Subject"]), _BOLD)]
        yield from ([_Span(line)] for line in str(payload["Message"]).replace(AS_EMOJI, "").split("\n"))
        return
    blocks = payload.get("blocks")
    if not blocks:
        yield from ([_Span(line)] for line in _unescaped(str(payload.get("text", ""))).split("\n"))
        return
    for block in blocks:
        yield from _block(block)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _block(block: Mapping[str, Any]) -> Iterator[list[_Span]]:
    kind = block["type"]
    if kind == "rich_text":
        for element in block["elements"]:
            yield from _rich(element)
    elif kind == "context":
        yield [_Span("  ·  ".join(str(element.get("text", "")) for element in block["elements"]), _FAINT)]
    else:
        yield [_Span(f"({kind})", _FAINT)]


def _rich(element: Mapping[str, Any]) -> Iterator[list[_Span]]:
    """A section, split where its text breaks the line; a list, with a bullet before each of its sections."""
    if element["type"] == "rich_text_list":
        for section in element["elements"]:
            for number, spans in enumerate(_rich(section)):
                yield [_Span("  • " if number == 0 else "    "), *spans]
        return
    line: list[_Span] = []
    for part in element["elements"]:
        first, *further = _inline(part).split("\n")
        line.append(_Span(first, _look(part), _url(part)))
        for text in further:
            yield line
            line = [_Span(text, _look(part))]
    yield line


def _inline(part: Mapping[str, Any]) -> str:
    if part["type"] == "emoji":
        return SYMBOLS.get(part["name"], f":{part['name']}:").replace(AS_EMOJI, "")
    if part["type"] in MENTIONS:
        return mention_text(part)
    return str(part.get("text", part.get("url", "")))


def _url(part: Mapping[str, Any]) -> str:
    url = str(part.get("url", ""))
    return url if _ADDRESS.fullmatch(url) else ""


def _look(part: Mapping[str, Any]) -> str:
    style = part.get("style", {})
    return _BOLD if style.get("bold") else _CODE if style.get("code") else _LINK if part["type"] == "link" else ""


# --- on the terminal ----------------------------------------------------------------------------------------------------------


def _painted(line: Iterable[_Span], *, colour: bool) -> str:
    runs = (
        (*look, "".join(span.text for span in spans)) for look, spans in groupby(line, key=lambda span: (span.look, span.url))
    )
    return "".join(_run(look, url, text) if colour else text for look, url, text in runs)


def _run(look: str, url: str, text: str) -> str:
    """Text in one look, and the link that it is: https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda."""
    shown = f"\x1b[{look}m{text}\x1b[0m" if look else text
    return f"\x1b]8;;{url}\x1b\\{shown}\x1b]8;;\x1b\\" if url else shown


def _wrapped(line: Sequence[_Span], width: int) -> list[list[_Span]]:
    """A line as lines of at most `width` cells, broken between words, and within a word that is longer."""
    lines: list[list[_Span]] = [[]]
    room = width
    for span in line:
        for word in _words(harmless(span.text), width):
            fits = _cells(word) <= room or not lines[-1] or _is_address(word)
            if not fits:
                lines.append([])
                room = width
            lines[-1].append(_Span(word if fits else word.removeprefix(" "), span.look, span.url))
            room -= _cells(lines[-1][-1].text)
    return lines


def _words(text: str, width: int) -> Iterator[str]:
    """The words of a text, each with the blank before it; one that is too long for a line and no address, in pieces."""
    for word in _WORD.findall(text):
        if _cells(word) <= width or _is_address(word):
            yield word
        else:
            yield from (word[start : start + width // 2] for start in range(0, len(word), width // 2))


def _is_address(word: str) -> bool:
    return word.lstrip().startswith("https://")


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes: https://www.unicode.org/reports/tr11/ for wide characters, none for marks."""
    return sum(
        0 if unicodedata.category(char) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
