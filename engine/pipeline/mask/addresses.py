"""The spellings in which one address may stand in a text.

IPv4: with any separator (`ip-203-0-113-7`, `203[.]0[.]113[.]7`), with leading zeros, reversed (as in `in-addr.arpa`), as an
integer, in hexadecimal, inside IPv6. IPv6: compressed in any way, expanded, with any separator or none, with a dotted tail, as an
integer, reversed by nibbles (as in `ip6.arpa`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import repr_only
from engine.pipeline.mask.operators import ADDRESS_MAX_LENGTH, address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SEPARATORS: Final = " .,:;/\\|_-=~@"
_BRACKETS: Final = "[](){}<>"
"""What may stand around a separator, as in `203[.]0[.]113[.]7`, by which reports keep an address from becoming a link."""

_COLONS: Final = re.compile(r"[0-9a-f.]{0,48}(?::[0-9a-f.]{0,48}){2,}", re.ASCII)
_GROUP: Final = re.compile(r"[0-9a-f.]+|:+", re.ASCII)
_CACHE_SIZE: Final = 4_096
_MAPPED: Final = 0xFFFF << 32
_NAT64: Final = 0x0064_FF9B << 96
_SIX_TO_FOUR: Final = 0x2002 << 112
_GROUPS: Final = 8
_GROUP_DIGITS: Final = 4
_GROUP_MAX_LENGTH: Final = 15
_NUMBER_MIN_LENGTH: Final = 7
_MOST_ADDRESSES: Final = 64
"""Addresses of one source whose spellings are searched for. The others are hidden as the source writes them."""

_AS_DOTS: Final = str.maketrans(_SEPARATORS, "." * len(_SEPARATORS))
_AS_DOTS_IN_BYTES: Final = bytes.maketrans(_SEPARATORS.encode(), b"." * len(_SEPARATORS))
_AS_COLONS: Final = str.maketrans(_SEPARATORS, ":" * len(_SEPARATORS))
_AS_COLONS_BUT_DOTS: Final = str.maketrans({separator: ":" for separator in _SEPARATORS if separator != "."})
_ZERO_AND_BRACKETS: Final = f"0{_BRACKETS}".encode()
_NOT_IN_DOTTED: Final = re.compile(rf"[{re.escape(_BRACKETS)}]+|(?<![0-9])0+(?=[0-9])", re.ASCII)
"""Brackets and leading zeros."""

_IN_A_LIST: Final = re.compile(r"[^\s,;=\"']+")


@repr_only()
class AddressSpellings(NamedTuple):
    """The spellings of one address. A text is searched for them in lower case.

    `plain` are searched for as they are, `separated` with every separator as a dot, `dotted` also without brackets and leading
    zeros, `numbers` as IPv6. `quick`: `separated` in UTF-8; `zeroless`: the dotted ones without any zero. `hints`: in every IPv6
    spelling, all groups of one hint occur; `first_groups`: the first group of each is one of these.
    """

    plain: tuple[str, ...]
    separated: tuple[str, ...]
    dotted: tuple[str, ...]
    quick: tuple[bytes, ...]
    zeroless: tuple[bytes, ...]
    numbers: frozenset[int]
    hints: tuple[tuple[str, ...], ...]
    first_groups: frozenset[str]

    def may_stand_in(self, text: str) -> bool:
        """Whether one of the spellings may stand in a text; sometimes true where none does."""
        if any(spelling in text for spelling in self.plain):
            return True
        octets = text.encode("utf-8", "surrogatepass").translate(_AS_DOTS_IN_BYTES)
        if any(spelling in octets for spelling in self.quick):
            return True
        zeroless = octets.translate(None, _ZERO_AND_BRACKETS)  # fast; only then without leading zeros alone
        if any(dotted in zeroless for dotted in self.zeroless) and any(True for _ in self._dotted_spans(text)):
            return True
        return any(all(group in text for group in hint) for hint in self.hints) and any(True for _ in self._ipv6_spans(text))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of each spelling in a text."""
        yield from _occurrences(self.plain, text)
        yield from _occurrences(self.separated, text.translate(_AS_DOTS))
        yield from self._dotted_spans(text)
        if any(all(group in text for group in hint) for hint in self.hints):
            yield from self._ipv6_spans(text)

    def _dotted_spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Found in a copy without brackets and leading zeros; `positions` leads from its characters back to those of the text."""
        if not self.dotted:
            return
        positions = list(range(len(text)))
        for left_out in reversed(list(_NOT_IN_DOTTED.finditer(text))):
            del positions[left_out.start() : left_out.end()]
        straight = "".join(text[position] for position in positions).translate(_AS_DOTS)
        yield from ((positions[start], positions[end - 1] + 1) for start, end in _occurrences(self.dotted, straight))

    def _ipv6_spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Every stretch of at most eight groups that reads as one of the numbers, whatever stands beside it."""
        for table in (_AS_COLONS_BUT_DOTS, _AS_COLONS):  # a dot may begin a dotted tail, or separate groups
            yield from self._spans_with_colons(text.translate(table))

    def _spans_with_colons(self, text: str) -> Iterator[tuple[int, int]]:
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
                if end - start <= ADDRESS_MAX_LENGTH and _number(text[start:end]) in self.numbers:
                    yield end


def _occurrences(spellings: Iterable[str], text: str) -> Iterator[tuple[int, int]]:
    for spelling in spellings:
        start = text.find(spelling)
        while start >= 0:
            yield start, start + len(spelling)
            start = text.find(spelling, start + 1)


def _starts(text: str, part: tuple[int, int]) -> range:
    """Where an address may start in a part: at one of a group's last four characters, or at a double colon."""
    first, last = part
    return range(max(first, last - (2 if text[first] == ":" else _GROUP_DIGITS)), last)


def _first_group(text: str, start: int, part: tuple[int, int]) -> str:
    """The group that starts at `start`, without leading zeros; empty for a double colon and for a group of zero."""
    return text[start : part[1]].lstrip("0:")


@lru_cache(_CACHE_SIZE)
def _number(text: str) -> int | None:
    try:
        return int(IPv6Address(text))
    except AddressValueError:
        return None


def addresses_in(source: str) -> tuple[AddressSpellings, ...]:
    """The spellings of each address of a source: of the only one, or of each in a list, also with a port and in brackets."""
    alone = _spellings_of(source)
    if alone is not None:
        return (alone,)
    parts = islice(_IN_A_LIST.finditer(source), _MOST_ADDRESSES)
    return tuple(dict.fromkeys(filter(None, (_spellings_of(_without_port(part.group())) for part in parts))))


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, colon, port = text.partition(":")
    return host if colon and ":" not in port else text


def _spellings_of(text: str) -> AddressSpellings | None:
    return _spellings(text) if len(text) <= ADDRESS_MAX_LENGTH else None


@lru_cache(_CACHE_SIZE)
def _spellings(text: str) -> AddressSpellings | None:
    source = address(text)
    if source is None:
        return None
    return _spellings_v4(source) if isinstance(source, IPv4Address) else _spellings_v6(source)


def _spellings_v4(source: IPv4Address) -> AddressSpellings:
    number, octets = int(source), str(source).split(".")
    plain = dict.fromkeys(text for text in (str(number), f"{number:x}", f"{number:08x}") if len(text) >= _NUMBER_MIN_LENGTH)
    numbers = (number, number | _MAPPED, number | _NAT64, _SIX_TO_FOUR | number << 80)
    separated = source.packed.hex(".")
    return _made(tuple(plain), (separated,), (".".join(octets), ".".join(reversed(octets))), numbers, (_groups(f"{number:08x}"),))


def _spellings_v6(source: IPv6Address) -> AddressSpellings:
    number = int(source)
    digits, tail = f"{number:032x}", str(IPv4Address(number & 0xFFFF_FFFF))
    plain = (digits, str(number)) if len(str(number)) >= _NUMBER_MIN_LENGTH else (digits,)
    hints = (_groups(digits), (*_groups(digits[:24]), tail))
    return _made(plain, (".".join(reversed(digits)),), (), (number,), hints)


def _made(
    plain: tuple[str, ...],
    separated: tuple[str, ...],
    dotted: tuple[str, ...],
    numbers: tuple[int, ...],
    hints: tuple[tuple[str, ...], ...],
) -> AddressSpellings:
    return AddressSpellings(
        plain,
        separated,
        dotted,
        quick=tuple(spelling.encode() for spelling in separated),
        zeroless=tuple(spelling.replace("0", "").encode() for spelling in dotted),
        numbers=frozenset(numbers),
        hints=hints,
        first_groups=_first_groups(numbers),
    )


def _groups(digits: str) -> tuple[str, ...]:
    """The groups of an address that are not zero, without leading zeros: every way of compressing it keeps them."""
    groups = (digits[index : index + _GROUP_DIGITS].lstrip("0") for index in range(0, len(digits), _GROUP_DIGITS))
    return tuple(group for group in groups if group)


def _first_groups(numbers: Iterable[int]) -> frozenset[str]:
    """The first group of each number in hex, without leading zeros."""
    return frozenset(f"{number:032x}"[:4].lstrip("0") for number in numbers)
