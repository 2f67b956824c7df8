"""A Slack message on a terminal, as a person would see it in the channel. Nothing in it can act on the terminal."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from engine.pipeline.render.escape import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_EMOJI: Final = {
    "building_construction": "🏗",
    "bust_in_silhouette": "👤",
    "desktop_computer": "🖥",
    "detective": "🕵",
    "factory": "🏭",
    "gear": "⚙",
    "ghost": "👻",
    "globe_with_meridians": "🌐",
    "grey_question": "❔",
    "inbox_tray": "📥",
    "large_blue_square": "🟦",
    "large_orange_square": "🟧",
    "link": "🔗",
    "lock": "🔒",
    "package": "📦",
    "question": "❓",
    "robot_face": "🤖",
    "rotating_light": "🚨",
    "warning": "⚠",
    "wheel_of_dharma": "☸",
    "zap": "⚡",
}
"""Emoji that messages often have; others stand as `:name:`."""

_BAR: Final = "┃ "
_WORD: Final = re.compile(r" ?[^ ]+| ")
_BOLD, _CODE, _FAINT, _LINK = "1", "36", "2", "4"
"""SGR codes, ECMA-48 8.3.117."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Text in one look; `look` is an SGR code or nothing."""

    text: str
    look: str = ""


def preview(payload: Mapping[str, Any], width: int = 100, *, colour: bool = False) -> str:
    """The message with a bar at its side, wrapped at `width` cells; addresses stay whole, so that a terminal can open them."""
    wrapped = [line for unwrapped in _lines(payload) for line in _wrapped(unwrapped, max(width - len(_BAR), 10))]
    return "\n".join(_painted([_Span(_BAR if line else _BAR.strip(), _FAINT), *line], colour=colour) for line in wrapped)


def safe(text: str) -> str:
    r"""Text that a terminal shows and does not obey: escapes, controls, bidi and unseen characters stand as `\u{202e}`."""
    return harmless(text)


# --- what the channel shows, line by line -------------------------------------------------------------------------------------


def _lines(payload: Mapping[str, Any]) -> Iterator[list[_Span]]:
    blocks = payload.get("blocks")
    if not blocks:
        yield from ([_Span(line)] for line in _unescaped(str(payload.get("text", ""))).split("\n"))
        return
    for place, block in enumerate(blocks):
        if place and block["type"] not in ("context", "actions"):
            yield []
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
    elif kind == "actions":
        yield from (
            [_Span(f"[ {button['text']['text']} ]", _BOLD), _Span(f" {button['url']}", _LINK)] for button in block["elements"]
        )
    elif kind == "divider":
        yield [_Span("─" * 8, _FAINT)]
    else:
        text = block.get("text", {})
        fields = [text, *block.get("fields", ())]
        yield from ([_Span(str(field["text"]), _BOLD if kind == "header" else "")] for field in fields if "text" in field)


def _rich(element: Mapping[str, Any]) -> Iterator[list[_Span]]:
    """A section, split where its text breaks the line."""
    line: list[_Span] = []
    for part in element["elements"]:
        first, *further = _inline(part).split("\n")
        line.append(_Span(first, _look(part)))
        for text in further:
            yield line
            line = [_Span(text, _look(part))]
    yield line


def _inline(part: Mapping[str, Any]) -> str:
    if part["type"] == "emoji":
        return _EMOJI.get(part["name"], f":{part['name']}:")
    return str(part.get("text", part.get("url", "")))


def _look(part: Mapping[str, Any]) -> str:
    style = part.get("style", {})
    return _BOLD if style.get("bold") else _CODE if style.get("code") else ""


# --- on the terminal ----------------------------------------------------------------------------------------------------------


def _painted(line: Iterable[_Span], *, colour: bool) -> str:
    looks = ((look, "".join(span.text for span in spans)) for look, spans in groupby(line, key=lambda span: span.look))
    return "".join(f"\x1b[{look}m{text}\x1b[0m" if colour and look else text for look, text in looks)


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
            lines[-1].append(_Span(word if fits else word.removeprefix(" "), span.look))
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
