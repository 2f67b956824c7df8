"""Masked values found in a text however they are written: in another case, percent-encoded once or twice, as other address forms.

Everything here is linear in the text: no expression is made of event data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from engine.model import Field, showing
from engine.pipeline.mask.prints import ACCOUNT_STARS, STARS
from engine.pipeline.mask.withheld import folded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.pipeline.mask.withheld import Withheld

ROUNDS: Final = 8
"""How often a text is cleaned before it is hidden whole."""

ACCOUNT: Final = re.compile(r":[0-9]{12}(?=:)", re.ASCII)
"""An account id in an ARN, with the colon before it: what begins with a character is found faster than what looks behind it."""

_SEGMENT: Final = re.compile(r"[^:/]+")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)


def stands_in(text: str, sought: Withheld) -> bool:
    """Whether there is anything to redact in a text; sometimes true where there is not."""
    if sought.short or sought.may_stand_in(folded(text)) or (sought.hides_accounts and ACCOUNT.search(text)):
        return True
    return "%" in text and any(sought.may_stand_in(plain) for plain in _plain_views(text))


def redacted(text: str, sought: Withheld, own: Field | None = None) -> str:
    """A text with asterisks for all that is sought, but for what is the value of the field `own` alone.

    Cleaned again until nothing is found, since asterisks may be part of a value.
    """
    for _ in range(ROUNDS):
        spans = sorted(_spans(text, sought, own))
        if not spans:
            return text
        text = _starred(text, spans)
    return STARS


# --- views: a text as it would be read ---------------------------------------------------------------------------------------


@showing()
class _View(NamedTuple):
    """A text folded or decoded; its character `i` came from `starts[i]` to `ends[i]` of the text."""

    text: str
    starts: list[int]
    ends: list[int]


def _plain_views(text: str) -> Iterator[str]:
    """The text folded, and decoded once and twice where it is percent-encoded."""
    yield folded(text)
    for _ in range(2):
        if "%" not in text or not _ESCAPE.search(text):
            return
        text = unquote(text)
        yield folded(text)


def _traced(text: str, decodings: int) -> _View:
    """A text decoded so many times and folded, with where each character came from."""
    positions = list(range(len(text)))
    view = _View(text, positions, [position + 1 for position in positions])
    for _ in range(decodings):
        view = _decoded(view)
    return _fold(view)


def _fold(view: _View) -> _View:
    if view.text.isascii():
        return _View(folded(view.text), view.starts, view.ends)
    characters, starts, ends = [], [], []
    for position, character in enumerate(view.text):
        one = folded(character)
        characters.append(one)
        starts += [view.starts[position]] * len(one)
        ends += [view.ends[position]] * len(one)
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


def _spans(text: str, sought: Withheld, own: Field | None) -> Iterator[tuple[int, int, str]]:
    """Start, end and replacement of everything found."""
    for decodings, plain in enumerate(_plain_views(text)):
        if sought.may_stand_in(plain, own):
            view = _traced(text, decodings)
            for start, end, stars in _found(view.text, sought, own):
                yield view.starts[start], view.ends[end - 1], stars
    if sought.hides_accounts:
        yield from ((match.start() + 1, match.end(), ACCOUNT_STARS) for match in ACCOUNT.finditer(text))
    if sought.short and text.startswith("arn:"):
        yield from ((one.start(), one.end(), STARS) for one in _SEGMENT.finditer(text) if one.group() in sought.short)


def _found(text: str, sought: Withheld, own: Field | None) -> Iterator[tuple[int, int, str]]:
    for needle in sought.texts_beside(own):
        yield from ((start, start + len(needle), STARS) for start in _all(text, needle))
    for account in sought.accounts:
        yield from ((start, start + len(account), ACCOUNT_STARS) for start in _all(text, account))
    address = sought.forms_beside(own)
    if address is not None:
        yield from ((start, end, STARS) for start, end in address.found(text))


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
