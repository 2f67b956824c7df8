"""Bytes, counts and spans of time as a reader takes them in at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import timedelta

_UNITS: Final = ("kB", "MB", "GB", "TB", "PB", "EB")
_THOUSAND: Final = 1000
_TEN: Final = 10
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE


def readable_size(text: str, unit: str) -> str:
    """`18274` -> `18 kB`, `1536000` -> `1.5 MB`, in powers of a thousand; `unit` is the word for bytes below a thousand."""
    count = int(text) if text.isascii() and text.isdecimal() and len(text) <= _TEN * 2 else None
    if count is None:
        return text
    if count < _THOUSAND:
        return f"{count} {unit}"
    amount = float(count)
    for name in _UNITS:
        amount /= _THOUSAND
        shown = f"{amount:.1f}" if amount < _TEN and name != _UNITS[0] else f"{amount:.0f}"
        if float(shown) < _THOUSAND or name == _UNITS[-1]:
            return f"{shown.removesuffix('.0')} {name}"
    return text


def exact_size(text: str, unit: str) -> str:
    """`18274` -> `18,274 bytes`."""
    return f"{int(text):,} {unit}" if text.isascii() and text.isdecimal() and len(text) <= _TEN * 2 else text


def readable_span(span: timedelta, second: str, minute: str, hour: str) -> str:
    """`14 min` for a span of time, with these words for its units; at least one second."""
    seconds = max(1, round(span.total_seconds()))
    if seconds < 2 * _MINUTE:
        return second.format(count=seconds)
    if seconds < 2 * _HOUR:
        return minute.format(count=round(seconds / _MINUTE))
    return hour.format(count=round(seconds / _HOUR))
