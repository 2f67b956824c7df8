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
    from collections.abc import Iterator, Mapping, Sequence


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

_NO_PART: Final = Part("")


class Sentence(NamedTuple):
    """A template and the parts that fill its slots.

    In the template `{name}` is a slot, and what stands between two asterisks is bold. Slots are shown as their parts are.
    """

    template: str
    slots: Mapping[str, Part]

    def parts(self) -> tuple[Part, ...]:
        """The whole sentence."""
        return tuple(Part(text, style) for text, style, _ in self._pieces())

    def cut(self, max_length: int) -> str:
        """The sentence as text of at most so many characters: without its note, and its slots share the room that is left."""
        pieces = list(self._pieces())
        if sum(len(text) for text, _, _ in pieces) > max_length and self.slots.get(NOTE, _NO_PART).text:
            return self._replace(slots={**self.slots, NOTE: _NO_PART}).cut(max_length)
        lengths = [len(text) for text, _, is_slot in pieces if is_slot]
        room = max_length - sum(len(text) for text, _, is_slot in pieces if not is_slot)
        if sum(lengths) <= room:
            return "".join(text for text, _, _ in pieces)
        share = _fair_share(lengths, max(room, 4 * len(lengths)))
        text = "".join(shortened(text, share) if is_slot else text for text, _, is_slot in pieces)
        return shortened(text, max_length)

    def _pieces(self) -> Iterator[tuple[str, Style, bool]]:
        """The texts in order with their style, and whether each fills a slot."""
        style, end = Style.PLAIN, 0
        for token in _TOKEN.finditer(self.template):
            if token.start() > end:
                yield self.template[end : token.start()], style, False
            end = token.end()
            if token[1] is None:
                style = Style.PLAIN if style is Style.BOLD else Style.BOLD
            else:
                part = self.slots[token[1]]
                if part.text:
                    yield part.text, Style.BOLD if style is Style.BOLD else part.style, True
        if end < len(self.template):
            yield self.template[end:], style, False


def _fair_share(lengths: Sequence[int], room: int) -> int:
    """The most characters that each of some texts may have so that all together fit: short ones leave theirs to long ones."""
    share = 0
    for number, length in enumerate(sorted(lengths)):
        share = max(1, room // (len(lengths) - number))
        if length > share:
            return share
        room -= length
    return share
