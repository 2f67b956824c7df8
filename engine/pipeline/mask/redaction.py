"""Sensitive values found in a text, however they are written, and replaced with asterisks.

A text is read as `encodings` says, and then as each sort of value may be written: names with other separators, account ids in
groups (`accounts`), addresses in any notation (`addresses`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.pipeline.mask.accounts import may_name_an_account, occurrences
from engine.pipeline.mask.encodings import fold, folded, readings, traced, with_one_separator
from engine.pipeline.mask.operators import ACCOUNT_STARS, STARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Field
    from engine.pipeline.mask.sensitive import SensitiveValues

ROUNDS: Final = 8
"""How often a text is searched before it is replaced as a whole."""

_ARN_SEGMENT: Final = re.compile(r"[^:/]+")

_ACCESS_KEY_ID: Final = re.compile(r"A[KS]IA[A-Z0-9]{12,}", re.ASCII)
"""A key id, or most of one: it encodes an account id. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"""


def may_contain(text: str, sensitive: SensitiveValues) -> bool:
    """Whether a text may contain a sensitive value; sometimes true where it does not."""
    if sensitive.short:
        return True
    return any(_may_stand_in(reading, sensitive) for reading in readings(text))


def _may_stand_in(reading: str, sensitive: SensitiveValues) -> bool:
    if sensitive.hides_keys and _ACCESS_KEY_ID.search(reading):
        return True
    text = fold(reading)
    return (sensitive.hides_accounts and may_name_an_account(text)) or sensitive.may_stand_in(text)


def redacted(text: str, sensitive: SensitiveValues, own: Field | None = None) -> str:
    """A text with asterisks for all sensitive values but those of the field `own` only.

    Searched again until nothing is found, since the asterisks may be part of a value. The text is replaced as a whole where
    that does not end, and where there is too much to search for.
    """
    for _ in range(0 if sensitive.account_ids.too_many else ROUNDS):
        spans = sorted(_spans(text, sensitive, own))
        if not spans:
            return text
        text = _replaced(text, spans)
    return STARS


def _spans(text: str, sensitive: SensitiveValues, own: Field | None) -> Iterator[tuple[int, int, str]]:
    """Start, end and replacement of everything found."""
    for decodings, reading in enumerate(readings(text)):
        keys = [match.span() for match in _ACCESS_KEY_ID.finditer(reading)] if sensitive.hides_keys else []
        if keys or sensitive.may_stand_in(fold(reading), own):
            source = traced(text, decodings)
            yield from ((*source.origin(*key), STARS) for key in keys)
            source = folded(source)
            yield from ((*source.origin(start, end), stars) for start, end, stars in _found_in(source.text, sensitive, own))
    if sensitive.short and text.startswith("arn:"):
        segments = _ARN_SEGMENT.finditer(text)
        yield from ((*segment.span(), STARS) for segment in segments if segment.group() in sensitive.short)


def _found_in(text: str, sensitive: SensitiveValues, own: Field | None) -> Iterator[tuple[int, int, str]]:
    plain = with_one_separator(text)
    for value in sensitive.texts_except(own):
        yield from ((start, start + len(value), STARS) for start in occurrences(plain, value))
    yield from ((start, end, ACCOUNT_STARS) for start, end in sensitive.account_ids.spans(plain))
    for address in sensitive.addresses_except(own):
        yield from ((start, end, STARS) for start, end in address.spans(text))


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
