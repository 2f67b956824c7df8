"""The spellings in which one address may stand in a text.

IPv4: dotted and dashed, with leading zeros, reversed (as in `in-addr.arpa`), as an integer, in hexadecimal, inside IPv6. IPv6:
compressed in any way, expanded, dashed, with a dotted tail, as one hexadecimal number, reversed by nibbles (as in `ip6.arpa`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import repr_only
from engine.pipeline.mask.operators import ADDRESS_MAX_LENGTH, address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LEADING_ZEROS: Final = re.compile(r"(?<![0-9])0+(?=[0-9])", re.ASCII)
_COLONS: Final = re.compile(r"[0-9a-f.]{0,48}(?:[:-][0-9a-f.]{0,48}){2,}", re.ASCII)
_GROUP: Final = re.compile(r"[0-9a-f.]+|[:-]+", re.ASCII)
_CACHE_SIZE: Final = 4_096
_MAPPED: Final = 0xFFFF << 32
_NAT64: Final = 0x0064_FF9B << 96
_SIX_TO_FOUR: Final = 0x2002 << 112
_GROUPS: Final = 8
_GROUP_DIGITS: Final = 4
_GROUP_MAX_LENGTH: Final = 15
_NUMBER_MIN_LENGTH: Final = 7
_SEPARATORS_AS_DOTS: Final = str.maketrans("-_", "..")
_DASHES_AS_DOTS: Final = bytes.maketrans(b"-_", b"..")
_DASHES_AS_COLONS: Final = str.maketrans("-", ":")


@repr_only()
class AddressSpellings(NamedTuple):
    """The spellings of one address. A text is searched for them in lower case.

    `dotted` are searched for with dashes as dots and without leading zeros, `decimal` and `digits` as they are, `numbers` as
    IPv6. `zeroless` are the dotted ones without any zero, in UTF-8. `hints`: in each of the `digits` and in every IPv6 spelling,
    all groups of one hint occur; `first_groups`: the first group of each IPv6 spelling is one of these.
    """

    dotted: tuple[str, ...]
    zeroless: tuple[bytes, ...]
    decimal: str
    digits: tuple[str, ...]
    numbers: frozenset[int]
    hints: tuple[tuple[str, ...], ...]
    first_groups: frozenset[str]

    def may_stand_in(self, text: str) -> bool:
        """Whether one of the spellings may stand in a text; sometimes true where none does."""
        if self.decimal in text or (self.dotted and self._dotted_may_stand_in(text)):
            return True
        if not any(all(group in text for group in hint) for hint in self.hints):
            return False
        return any(digits in text for digits in self.digits) or any(True for _ in self._ipv6_spans(text))

    def _dotted_may_stand_in(self, text: str) -> bool:
        """Compared without zeros first, which is fast; only then without leading zeros."""
        zeroless = text.encode("utf-8", "surrogatepass").translate(_DASHES_AS_DOTS, b"0")
        return any(dotted in zeroless for dotted in self.zeroless) and self._dotted_stands_in(text)

    def _dotted_stands_in(self, text: str) -> bool:
        straight = _LEADING_ZEROS.sub("", text.translate(_SEPARATORS_AS_DOTS))
        return any(dotted in straight for dotted in self.dotted)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of each spelling in a text."""
        for spelling in (self.decimal, *self.digits):
            yield from ((match.start(), match.end()) for match in re.finditer(re.escape(spelling), text))
        if self.dotted:
            yield from self._dotted_spans(text)
        if any(all(group in text for group in hint) for hint in self.hints):
            yield from self._ipv6_spans(text)

    def _dotted_spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Found in a copy without leading zeros; `positions` leads from its characters back to those of the text."""
        positions = list(range(len(text)))
        for zeros in reversed(list(_LEADING_ZEROS.finditer(text))):
            del positions[zeros.start() : zeros.end()]
        straight = "".join(text[position] for position in positions).translate(_SEPARATORS_AS_DOTS)
        for dotted in self.dotted:
            start = straight.find(dotted)
            while start >= 0:
                yield positions[start], positions[start + len(dotted) - 1] + 1
                start = straight.find(dotted, start + 1)

    def _ipv6_spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Every stretch of at most eight groups that reads as one of the numbers, whatever stands beside it."""
        for run in _COLONS.finditer(text):
            parts = [(match.start() + run.start(), match.end() + run.start()) for match in _GROUP.finditer(run.group())]
            for index, first in enumerate(parts):
                starts = [start for start in _starts(text, first) if _first_group(text, start, first) in self.first_groups]
                for start in starts:
                    yield from ((start, end) for end in self._ends(text, start, parts[index + 1 : index + 2 * _GROUPS]))

    def _ends(self, text: str, start: int, parts: Sequence[tuple[int, int]]) -> Iterator[int]:
        """Where a stretch that reads as one of the numbers ends: after some of the characters of a part."""
        for first, last in parts:
            for end in range(first + 1, min(last, first + _GROUP_MAX_LENGTH) + 1):
                if end - start <= ADDRESS_MAX_LENGTH and _number(text[start:end].translate(_DASHES_AS_COLONS)) in self.numbers:
                    yield end


def _starts(text: str, part: tuple[int, int]) -> range:
    """Where an address may start in a part: at one of a group's last four characters, or at a double colon."""
    first, last = part
    return range(max(first, last - (2 if text[first] in ":-" else _GROUP_DIGITS)), last)


def _first_group(text: str, start: int, part: tuple[int, int]) -> str:
    """The group that starts at `start`, without leading zeros; empty for a double colon and for a group of zero."""
    return text[start : part[1]].lstrip("0:-")


@lru_cache(_CACHE_SIZE)
def _number(text: str) -> int | None:
    try:
        return int(IPv6Address(text))
    except AddressValueError:
        return None


def address_spellings(text: str) -> AddressSpellings | None:
    """All spellings of the address that a text is; None where it is none."""
    return _spellings(text) if len(text) <= ADDRESS_MAX_LENGTH else None


@lru_cache(_CACHE_SIZE)
def _spellings(text: str) -> AddressSpellings | None:
    source = address(text)
    if source is None:
        return None
    return _spellings_v4(source) if isinstance(source, IPv4Address) else _spellings_v6(source)


def _spellings_v4(source: IPv4Address) -> AddressSpellings:
    number = int(source)
    octets = str(source).split(".")
    digits = dict.fromkeys(
        hexadecimal for hexadecimal in (f"{number:x}", f"{number:08x}") if len(hexadecimal) >= _NUMBER_MIN_LENGTH
    )
    numbers = (number, number | _MAPPED, number | _NAT64, _SIX_TO_FOUR | number << 80)
    dotted = (str(source), ".".join(reversed(octets)))
    zeroless = tuple(spelling.replace("0", "").encode() for spelling in dotted)
    hints = (_groups(f"{number:08x}"),)
    decimal = str(number) if len(str(number)) >= _NUMBER_MIN_LENGTH else dotted[0]
    return AddressSpellings(dotted, zeroless, decimal, tuple(digits), frozenset(numbers), hints, _first_groups(numbers))


def _spellings_v6(source: IPv6Address) -> AddressSpellings:
    number = int(source)
    digits = f"{number:032x}"
    tail = str(IPv4Address(number & 0xFFFF_FFFF))
    hints = (_groups(digits), (*_groups(digits[:24]), tail))
    reversed_nibbles = ".".join(reversed(digits))
    return AddressSpellings((), (), reversed_nibbles, (digits,), frozenset({number}), hints, _first_groups((number,)))


def _groups(digits: str) -> tuple[str, ...]:
    """The groups of an address that are not zero, without leading zeros: every way of compressing it keeps them."""
    groups = (digits[index : index + _GROUP_DIGITS].lstrip("0") for index in range(0, len(digits), _GROUP_DIGITS))
    return tuple(group for group in groups if group)


def _first_groups(numbers: Iterable[int]) -> frozenset[str]:
    """The first group of each number in hex, without leading zeros."""
    return frozenset(f"{number:032x}"[:4].lstrip("0") for number in numbers)
