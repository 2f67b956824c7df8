"""Sensitive values found in a text, however they are encoded: in another case, percent-encoded once or twice, as other spellings.

Everything here is linear in the text: no regular expression is made of event data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from engine.model import Field, repr_only
from engine.pipeline.mask.operators import ACCOUNT_STARS, STARS
from engine.pipeline.mask.sensitive import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.pipeline.mask.sensitive import SensitiveValues

ROUNDS: Final = 8
"""How often a text is searched before it is replaced as a whole."""

_ACCOUNT_IN_ARN: Final = re.compile(r":[0-9]{12}(?=:)", re.ASCII)
"""An account id in an ARN, with the colon before it: a fixed first character is found faster than a look-behind."""

_SEGMENT: Final = re.compile(r"[^:/]+")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)


def may_contain(text: str, sensitive: SensitiveValues) -> bool:
    """Whether a text may contain a sensitive value; sometimes true where it does not."""
    if sensitive.short or (sensitive.hides_accounts and _ACCOUNT_IN_ARN.search(text)):
        return True
    return any(sensitive.may_stand_in(reading) for reading in _readings(text))


def redacted(text: str, sensitive: SensitiveValues, own: Field | None = None) -> str:
    """A text with asterisks for all sensitive values but those of the field `own` only.

    Searched again until nothing is found, since the asterisks may be part of a value.
    """
    for _ in range(ROUNDS):
        spans = sorted(_spans(text, sensitive, own))
        if not spans:
            return text
        text = _replaced(text, spans)
    return STARS


# --- a text as it would be read ----------------------------------------------------------------------------------------------


@repr_only()
class _TracedText(NamedTuple):
    """A text folded or decoded; its character `i` came from `starts[i]` to `ends[i]` of the original."""

    text: str
    starts: list[int]
    ends: list[int]


def _readings(text: str) -> Iterator[str]:
    """The text folded, and percent-decoded once and twice where it has escapes."""
    yield fold(text)
    for _ in range(2):
        if "%" not in text or not _ESCAPE.search(text):
            return
        text = unquote(text)
        yield fold(text)


def _traced(text: str, decodings: int) -> _TracedText:
    """A text decoded so many times and folded, with the origin of each character."""
    positions = list(range(len(text)))
    traced = _TracedText(text, positions, [position + 1 for position in positions])
    for _ in range(decodings):
        traced = _decoded(traced)
    return _folded(traced)


def _folded(traced: _TracedText) -> _TracedText:
    if traced.text.isascii():
        return _TracedText(fold(traced.text), traced.starts, traced.ends)
    characters, starts, ends = [], [], []
    for position, character in enumerate(traced.text):
        folded = fold(character)
        characters.append(folded)
        starts += [traced.starts[position]] * len(folded)
        ends += [traced.ends[position]] * len(folded)
    return _TracedText("".join(characters), starts, ends)


def _decoded(traced: _TracedText) -> _TracedText:
    """One percent-decoding; a byte that is not UTF-8 becomes the replacement character."""
    characters, starts, ends = [], [], []
    for run in re.finditer(r"(?:%[0-9A-Fa-f]{2})+|[^%]+|%", traced.text):
        escaped = _ESCAPE.match(run.group())
        pieces = list(_decoded_run(run.group())) if escaped else [(character, 1) for character in run.group()]
        position = run.start()
        for character, length in pieces:
            characters.append(character)
            starts.append(traced.starts[position])
            ends.append(traced.ends[position + length - 1])
            position += length
    return _TracedText("".join(characters), starts, ends)


def _decoded_run(escapes: str) -> Iterator[tuple[str, int]]:
    """Each character of a run of escapes, with the number of characters that its escapes take."""
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


# --- where values are found ---------------------------------------------------------------------------------------------------


def _spans(text: str, sensitive: SensitiveValues, own: Field | None) -> Iterator[tuple[int, int, str]]:
    """Start, end and replacement of everything found."""
    for decodings, reading in enumerate(_readings(text)):
        if sensitive.may_stand_in(reading, own):
            traced = _traced(text, decodings)
            for start, end, stars in _found_in(traced.text, sensitive, own):
                yield traced.starts[start], traced.ends[end - 1], stars
    if sensitive.hides_accounts:
        yield from ((match.start() + 1, match.end(), ACCOUNT_STARS) for match in _ACCOUNT_IN_ARN.finditer(text))
    if sensitive.short and text.startswith("arn:"):
        segments = _SEGMENT.finditer(text)
        yield from ((segment.start(), segment.end(), STARS) for segment in segments if segment.group() in sensitive.short)


def _found_in(text: str, sensitive: SensitiveValues, own: Field | None) -> Iterator[tuple[int, int, str]]:
    for value in sensitive.texts_except(own):
        yield from ((start, start + len(value), STARS) for start in _occurrences(text, value))
    for account in sensitive.accounts:
        yield from ((start, start + len(account), ACCOUNT_STARS) for start in _occurrences(text, account))
    address = sensitive.address_except(own)
    if address is not None:
        yield from ((start, end, STARS) for start, end in address.spans(text))


def _occurrences(text: str, value: str) -> Iterator[int]:
    start = text.find(value)
    while start >= 0:
        yield start
        start = text.find(value, start + 1)


def _replaced(text: str, spans: list[tuple[int, int, str]]) -> str:
    """The text with its spans replaced; overlapping ones become one, with the first one's replacement."""
    parts, position = [], 0
    start, end, stars = spans[0]
    for next_start, next_end, next_stars in spans[1:]:
        if next_start < end:
            end = max(end, next_end)
        else:
            parts += [text[position:start], stars]
            position, start, end, stars = end, next_start, next_end, next_stars
    return "".join([*parts, text[position:start], stars, text[end:]])
