"""What lines are made of: parts in a style, and sentences with slots for who and where.

A sentence serves twice: whole, with its parts in bold, as the first line of a message; and cut to a few characters, as what a
lock screen shows.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.pipeline.render.escape import harmless, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Style(StrEnum):
    """How a part of a line looks."""

    PLAIN = "plain"
    BOLD = "bold"
    CODE = "code"


class Part(NamedTuple):
    """A part of a line: text that was made harmless to read."""

    text: str
    style: Style = Style.PLAIN


SEPARATOR: Final = " · "
ELLIPSIS: Final = "…"

_TOKEN: Final = re.compile(r"\*|\{(\w+)\}")


def own(text: str, style: Style = Style.PLAIN) -> Part:
    """A part in words of ours or of the policies."""
    return Part(harmless(text, _OWN_MAX_LENGTH), style)


def value(text: str, max_length: int, style: Style = Style.PLAIN) -> Part:
    """A part that an event says, cut at so many characters; escapes may take twice as many."""
    return Part(visible(shortened(text, max_length), 2 * max_length), style)


_OWN_MAX_LENGTH: Final = 400


def shortened(text: str, max_length: int) -> str:
    """A text of at most so many characters; an ellipsis stands for the end that is cut off."""
    return text if len(text) <= max_length else text[: max_length - 1] + ELLIPSIS


def shortened_key(key: str, max_length: int) -> str:
    """An object key of at most so many characters: its first folder, and as much of its end as there is room for."""
    if len(key) <= max_length:
        return key
    folder, slash, _ = key.partition("/")
    head = folder + slash if slash and len(folder) <= max_length // 3 else ""
    tail = key[len(head) - max_length + 1 :]
    whole = tail.partition("/")[2] if "/" in tail[: max_length // 3] else tail
    return f"{head}{ELLIPSIS}{'/' if head and whole is not tail else ''}{whole}"


def joined(groups: Sequence[Sequence[Part]], separator: str = SEPARATOR) -> tuple[Part, ...]:
    """The groups of one line, with a separator between them."""
    between = (Part(separator),)
    return tuple(part for number, group in enumerate(groups) for part in ((*between, *group) if number else group))


NOTE: Final = "note"
"""The slot that a sentence can do without."""


class _Piece(NamedTuple):
    """A stretch of a sentence in one style; the slot that it fills, if it fills one."""

    text: str
    style: Style
    slot: str | None = None


class Sentence(NamedTuple):
    """A template whose slots are filled: its pieces in order."""

    pieces: tuple[_Piece, ...]

    def parts(self) -> tuple[Part, ...]:
        """The whole sentence."""
        return tuple(Part(text, style) for text, style, _ in self.pieces)

    def cut(self, max_length: int) -> str:
        """The sentence as text of at most so many characters: without its note, and its slots share the room that is left."""
        text = "".join([piece.text for piece in self.pieces])
        if len(text) <= max_length:
            return text
        pieces = [piece for piece in self.pieces if piece.slot != NOTE]
        lengths = [len(piece.text) for piece in pieces if piece.slot]
        room = max_length - sum(len(piece.text) for piece in pieces if not piece.slot)
        if sum(lengths) <= room:
            return "".join(piece.text for piece in pieces)
        share = _fair_share(lengths, max(room, 4 * len(lengths)))
        text = "".join(shortened(piece.text, share) if piece.slot else piece.text for piece in pieces)
        return shortened(text, max_length)


def sentence(template: str, slots: Mapping[str, Part]) -> Sentence:
    """A template with its slots filled; a slot without text is left out.

    In the template `{name}` is a slot, and what stands between two asterisks is bold. Slots are shown as their parts are.
    """
    pieces: list[_Piece] = []
    plain, bold = Style.PLAIN, Style.BOLD
    style, end = plain, 0
    for token in _TOKEN.finditer(template):
        if token.start() > end:
            pieces.append(_Piece(template[end : token.start()], style))
        end, name = token.end(), token[1]
        if name is None:
            style = plain if style is bold else bold
        elif (part := slots[name]).text:
            pieces.append(_Piece(part.text, bold if style is bold else part.style, name))
    if end < len(template):
        pieces.append(_Piece(template[end:], style))
    return Sentence(tuple(pieces))


def _fair_share(lengths: Sequence[int], room: int) -> int:
    """The most characters that each of some texts may have so that all together fit: short ones leave theirs to long ones."""
    share = 0
    for number, length in enumerate(sorted(lengths)):
        share = max(1, room // (len(lengths) - number))
        if length > share:
            return share
        room -= length
    return share
