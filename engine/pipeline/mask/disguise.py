"""Masked values found in a text however they are written: in another case, percent-encoded once or twice, as other address forms.

Everything here is linear in the text: no expression is made of event data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from engine.pipeline.mask.addresses import Forms, forms
from engine.pipeline.mask.prints import ACCOUNT_STARS, STARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Field
    from engine.pipeline.mask.withheld import Withheld

ROUNDS: Final = 8
"""How often a text is cleaned before it is hidden whole."""

_ACCOUNT: Final = re.compile(r"(?<=:)[0-9]{12}(?=:)", re.ASCII)
_SEGMENT: Final = re.compile(r"[^:/]+")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)


def stands_in(text: str, hidden: Withheld) -> bool:
    """Whether anything of what is withheld may stand in a text; sometimes true where it does not."""
    if hidden.short or (hidden.hides_accounts and _ACCOUNT.search(text)):
        return True
    sought = _Sought(hidden, None)
    return any(sought.may_stand_in(view) for view in _plain_views(text))


def redacted(text: str, hidden: Withheld, own: Field | None = None) -> str:
    """A text with asterisks for all that is withheld, but for what is the value of the field `own` alone.

    (That its own print may show.) Cleaned again until nothing is found, since asterisks may be part of a value.
    """
    sought = _Sought(hidden, own)
    for _ in range(ROUNDS):
        spans = sorted(_spans(text, sought))
        if not spans:
            return text
        text = _starred(text, spans)
    return STARS


class _Sought:
    """The needles of one search: folded texts, account ids, forms of the address."""

    __slots__ = ("accounts", "address", "hides_accounts", "short", "texts")

    def __init__(self, hidden: Withheld, own: Field | None) -> None:
        self.texts = tuple(_folded(text) for text, fields in hidden.texts.items() if own is None or fields != {own})
        self.accounts = tuple(hidden.accounts)
        self.hides_accounts = hidden.hides_accounts
        self.short = hidden.short
        self.address: Forms | None = None if hidden.source is None or own == "source_ip" else forms(hidden.source)

    def may_stand_in(self, view: str) -> bool:
        return (
            any(text in view for text in self.texts)
            or any(account in view for account in self.accounts)
            or (self.address is not None and self.address.may_stand_in(view))
        )


# --- views: a text as it would be read ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class _View:
    """A text folded or decoded; its character `i` came from `starts[i]` to `ends[i]` of the text."""

    text: str
    starts: list[int]
    ends: list[int]


def _folded(text: str) -> str:
    """One case; a plus is a space, as in a query."""
    return text.casefold().replace("+", " ")


def _plain_views(text: str) -> Iterator[str]:
    yield _folded(text)
    for _ in range(2):
        if not _ESCAPE.search(text):
            return
        text = unquote(text)
        yield _folded(text)


def _views(text: str) -> Iterator[_View]:
    positions = list(range(len(text)))
    view = _View(text, positions, [position + 1 for position in positions])
    yield _fold(view)
    for _ in range(2):
        if not _ESCAPE.search(view.text):
            return
        view = _decoded(view)
        yield _fold(view)


def _fold(view: _View) -> _View:
    if view.text.isascii():
        return _View(_folded(view.text), view.starts, view.ends)
    characters, starts, ends = [], [], []
    for position, character in enumerate(view.text):
        folded = _folded(character)
        characters.append(folded)
        starts += [view.starts[position]] * len(folded)
        ends += [view.ends[position]] * len(folded)
    return _View("".join(characters), starts, ends)


def _decoded(view: _View) -> _View:
    """One percent-decoding; a byte that is not UTF-8 becomes the replacement character."""
    characters, starts, ends = [], [], []
    for run in re.finditer(r"(?:%[0-9A-Fa-f]{2})+|[^%]+|%", view.text):
        pieces = list(_pieces(run.group())) if _ESCAPE.match(run.group()) else [(one, 1) for one in run.group()]
        position = run.start()
        for character, length in pieces:
            characters.append(character)
            starts.append(view.starts[position])
            ends.append(view.ends[position + length - 1])
            position += length
    return _View("".join(characters), starts, ends)


def _pieces(escapes: str) -> Iterator[tuple[str, int]]:
    """Each character of a run of escapes, and how long it is written."""
    raw = bytes.fromhex(escapes.replace("%", ""))
    position = 0
    while position < len(raw):
        for size in (1, 2, 3, 4):
            try:
                yield raw[position : position + size].decode("utf-8"), 3 * size
            except UnicodeDecodeError:
                continue
            position += size
            break
        else:
            yield "\N{REPLACEMENT CHARACTER}", 3
            position += 1


# --- places: where something is found -----------------------------------------------------------------------------------------


def _spans(text: str, sought: _Sought) -> Iterator[tuple[int, int, str]]:
    """Start, end and replacement of everything found."""
    for view in _views(text):
        if sought.may_stand_in(view.text):
            for start, end, stars in _found(view.text, sought):
                yield view.starts[start], view.ends[end - 1], stars
    if sought.hides_accounts:
        yield from ((match.start(), match.end(), ACCOUNT_STARS) for match in _ACCOUNT.finditer(text))
    if sought.short and text.startswith("arn:"):
        yield from ((one.start(), one.end(), STARS) for one in _SEGMENT.finditer(text) if one.group() in sought.short)


def _found(text: str, sought: _Sought) -> Iterator[tuple[int, int, str]]:
    for needle in sought.texts:
        yield from ((start, start + len(needle), STARS) for start in _all(text, needle))
    for account in sought.accounts:
        yield from ((start, start + len(account), ACCOUNT_STARS) for start in _all(text, account))
    if sought.address is not None:
        yield from ((start, end, STARS) for start, end in sought.address.found(text))


def _all(text: str, needle: str) -> Iterator[int]:
    start = text.find(needle)
    while start >= 0:
        yield start
        start = text.find(needle, start + 1)


def _starred(text: str, spans: list[tuple[int, int, str]]) -> str:
    """Overlapping places become one; of the replacements the first one's."""
    parts, position = [], 0
    start, end, stars = spans[0]
    for next_start, next_end, next_stars in spans[1:]:
        if next_start < end:
            end = max(end, next_end)
        else:
            parts += [text[position:start], stars]
            position, start, end, stars = end, next_start, next_end, next_stars
    return "".join([*parts, text[position:start], stars, text[end:]])
