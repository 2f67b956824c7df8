"""Masked values found in a text however they are written: in another case, percent-encoded once or twice, as other address forms.

Everything here is linear in the text: no expression is made of event data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from engine.model import Field, showing
from engine.pipeline.mask.addresses import Forms, forms
from engine.pipeline.mask.prints import ACCOUNT_STARS, STARS
from engine.pipeline.mask.withheld import Withheld, folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROUNDS: Final = 8
"""How often a text is cleaned before it is hidden whole."""

_ACCOUNT: Final = re.compile(r":[0-9]{12}(?=:)", re.ASCII)
"""An account id in an ARN, with the colon before it: what begins with a character is found faster than what looks behind it."""

_SEGMENT: Final = re.compile(r"[^:/]+")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)


class Sought:
    """What is looked for: folded texts, account ids, forms of the address. Made once for an event and a level."""

    __slots__ = ("_address", "_texts", "accounts", "hides_accounts", "short")

    def __init__(self, hidden: Withheld) -> None:
        self._texts = hidden.texts
        self._address = None if hidden.source is None else forms(hidden.source)
        self.accounts = hidden.accounts
        self.hides_accounts = hidden.hides_accounts
        self.short = hidden.short

    def texts(self, own: Field | None) -> Iterable[str]:
        """All folded texts but those that are values of the field `own` alone, which its own print may show."""
        if own is None:
            return self._texts
        return (text for text, fields in self._texts.items() if fields != {own})

    def address(self, own: Field | None) -> Forms | None:
        """The forms of the address; None where there is none or the address is what prints."""
        return None if own is Field.SOURCE_IP else self._address

    def without_accounts(self, texts: dict[Field, str], but: frozenset[Field]) -> dict[Field, str]:
        """Texts with asterisks for the account ids that stand in them plainly; those of some fields stay as they are."""
        if not self.hides_accounts:
            return texts
        clean = texts.copy()
        for field, text in texts.items():
            if field not in but:
                clean[field] = self._without_accounts(text)
        return clean

    def _without_accounts(self, text: str) -> str:
        for account in self.accounts:
            if account in text:
                text = text.replace(account, ACCOUNT_STARS)
        return _ACCOUNT.sub(f":{ACCOUNT_STARS}", text) if ":" in text else text

    def may_stand_in_any(self, text: str) -> bool:
        """Whether there is anything to redact in a text; sometimes true where there is not."""
        return bool(self.short) or any(self.may_stand_in(plain) for plain in _plain_views(text))

    def may_stand_in(self, view: str, own: Field | None = None) -> bool:
        """Whether anything may stand in a folded text; sometimes true where it does not."""
        for text in self.texts(own):
            if text in view:
                return True
        for account in self.accounts:
            if account in view:
                return True
        address = self.address(own)
        return address is not None and address.may_stand_in(view)


def redacted(text: str, sought: Sought, own: Field | None = None) -> str:
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


def _spans(text: str, sought: Sought, own: Field | None) -> Iterator[tuple[int, int, str]]:
    """Start, end and replacement of everything found."""
    for decodings, plain in enumerate(_plain_views(text)):
        if sought.may_stand_in(plain, own):
            view = _traced(text, decodings)
            for start, end, stars in _found(view.text, sought, own):
                yield view.starts[start], view.ends[end - 1], stars
    if sought.hides_accounts:
        yield from ((match.start() + 1, match.end(), ACCOUNT_STARS) for match in _ACCOUNT.finditer(text))
    if sought.short and text.startswith("arn:"):
        yield from ((one.start(), one.end(), STARS) for one in _SEGMENT.finditer(text) if one.group() in sought.short)


def _found(text: str, sought: Sought, own: Field | None) -> Iterator[tuple[int, int, str]]:
    for needle in sought.texts(own):
        yield from ((start, start + len(needle), STARS) for start in _all(text, needle))
    for account in sought.accounts:
        yield from ((start, start + len(account), ACCOUNT_STARS) for start in _all(text, account))
    address = sought.address(own)
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
