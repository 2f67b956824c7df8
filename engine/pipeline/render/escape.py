r"""Text made harmless to read: what would not be seen, or would act, is shown as a visible escape such as `\n` or `\u{202e}`.

Every value goes through `visible`, whoever wrote it; text of ours around it, and text for a terminal, through `harmless`. Each
leaves its own result as it is, so that escaping twice changes nothing. The fallback text of a message then takes `entities`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", "\x1b": "\\e"}

_BLANKS: Final = frozenset(" \N{IDEOGRAPHIC SPACE}")
"""Blanks that stand as they are, one at a time: a run of them could push forged words to the start of a line."""

_UNSEEN: Final = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0000, 0xE0FFF),
)
"""Letters, marks and symbols without a glyph, which `str.isprintable` lets pass: those of Default_Ignorable_Code_Point that are
not format characters (https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point), and the blank braille pattern."""

_PLAIN: Final = re.compile("[ -~\N{MIDDLE DOT}\N{HORIZONTAL ELLIPSIS}\N{EN DASH}\N{EM DASH}\N{RIGHTWARDS ARROW}]*")
"""Printable ASCII and the punctuation of our own texts: shown as they are, so nearly every text needs one look."""

_SHORT: Final = 200
"""Characters of a text that is kept once it was looked at."""

_MOST_MARKS: Final = 3
"""Combining marks on one letter: enough for every living script, too few to reach the line above."""


def visible(text: str, limit: int | None = None) -> str:
    """A value on one line with nothing unseen in it; past `limit` shown characters it ends with how many are left out."""
    if _is_plain(text) and (limit is None or len(text) <= limit):
        return text
    return _cut(_single_blanks(text), len(text), limit)


def entities(text: str) -> str:
    """The same text for the `text` of a Slack message, with nothing in it that Slack would read as markup or make a link.

    Source: "Escaping text", https://docs.slack.dev/messaging/formatting-message-text: these three and no others.
    """
    return without_links(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def without_links(text: str) -> str:
    """The same text with no address in it that a reader's program would make a link."""
    return text.replace("://", ":\\u{2f}/")


def harmless(text: str, limit: int | None = None) -> str:
    """Text with its blanks as they are, and what a reader's screen would obey or hide shown as escapes; cut as by `visible`."""
    if _is_seen(text) and (limit is None or len(text) <= limit):
        return text
    return _known(text, limit) if len(text) <= _SHORT else _cut(_pieces(text), len(text), limit)


@lru_cache(maxsize=1_024)
def _known(text: str, limit: int | None) -> str:
    """The words of ours that every message has: labels, separators, footers."""
    return _cut(_pieces(text), len(text), limit)


def _is_plain(text: str) -> bool:
    return _is_seen(text) and "  " not in text and text == text.strip(" ")


def _is_seen(text: str) -> bool:
    """Whether a text has `_PLAIN` characters only. Nearly every text is ASCII, of which `str` knows quickly what is printable."""
    return (text.isascii() and text.isprintable()) or _PLAIN.fullmatch(text) is not None


def _cut(pieces: Iterable[str], total: int, limit: int | None) -> str:
    """The pieces, one for each character, up to `limit` in length; never a part of one."""
    shown: list[str] = []
    room = limit
    for piece in pieces:
        if room is not None:
            room -= len(piece)
            if room < 0:
                return f"{''.join(shown)}… (+{total - len(shown):,})"
        shown.append(piece)
    return "".join(shown)


def _single_blanks(text: str) -> Iterator[str]:
    """What to show for each character, with blanks escaped at the ends and after another blank."""
    last = len(text) - 1
    for place, piece in enumerate(_pieces(text)):
        if piece in _BLANKS and (place in (0, last) or text[place - 1] in _BLANKS):
            yield _code(piece)
        else:
            yield piece


def _pieces(text: str) -> Iterator[str]:
    """What to show for each character. A mark without a letter, and the fourth and later marks on one, are escaped."""
    room = 0
    for char in text:
        piece = _shown(char)
        if not unicodedata.category(char).startswith("M"):
            room = _MOST_MARKS if piece == char else 0
        elif room == 0:
            piece = _code(char)
        else:
            room -= 1
        yield piece


@lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    seen = (char.isprintable() or char in _BLANKS) and not any(first <= ord(char) <= last for first, last in _UNSEEN)
    return char if seen else _code(char)


def _code(char: str) -> str:
    return f"\\u{{{ord(char):x}}}"
