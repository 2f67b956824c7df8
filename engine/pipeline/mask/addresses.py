"""The forms in which one address may stand in a text.

IPv4: dotted and dashed, with leading zeros, reversed (as in `in-addr.arpa`), as an integer, in hexadecimal, inside IPv6. IPv6:
compressed in any way, expanded, dashed, with a dotted tail, as one hexadecimal number, reversed by nibbles (as in `ip6.arpa`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import showing
from engine.pipeline.mask.prints import LONGEST_ADDRESS, address, network

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ZEROS: Final = re.compile(r"(?<![0-9])0+(?=[0-9])", re.ASCII)
_COLONS: Final = re.compile(r"[0-9a-f.]{0,48}(?:[:-][0-9a-f.]{0,48}){2,}", re.ASCII)
_GROUP: Final = re.compile(r"[0-9a-f.]+|[:-]+", re.ASCII)
_MAPPED: Final = 0xFFFF << 32
_NAT64: Final = 0x0064_FF9B << 96
_SIX_TO_FOUR: Final = 0x2002 << 112
_GROUPS: Final = 8
_GROUP_DIGITS: Final = 4
_LONGEST_GROUP: Final = 15
_SHORTEST_NUMBER: Final = 7
_SEPARATORS: Final = str.maketrans("-_", "..")
_STRAIGHT: Final = bytes.maketrans(b"-_", b"..")
_DASHES: Final = str.maketrans("-", ":")


@showing()
class Forms(NamedTuple):
    """`dotted` are looked for with leading zeros away and dashes as dots, `number` and `digits` as they are, `numbers` as IPv6.

    `bare` are the dotted without any zero, in UTF-8. `hints`: all that one of them names stands in each of the `digits` and in
    every IPv6 form of the numbers; `beginnings`: each such form's first group is one of these. `network` is what may be shown.
    """

    network: str
    dotted: tuple[str, ...]
    bare: tuple[bytes, ...]
    number: str
    digits: tuple[str, ...]
    numbers: frozenset[int]
    hints: tuple[tuple[str, ...], ...]
    beginnings: frozenset[str]

    def may_stand_in(self, text: str) -> bool:
        """Whether one of the forms stands in a text in lower case."""
        if self.number in text:
            return True
        if self.bare:
            dotted, reverse = self.bare
            bare = text.encode("utf-8", "surrogatepass").translate(_STRAIGHT, b"0")
            # As `in`, which in bytes first makes sure that it was not given a number.
            if (bare.find(dotted) >= 0 or bare.find(reverse) >= 0) and self._dotted_stands_in(text):
                return True
        for hint in self.hints:
            for part in hint:
                if part not in text:
                    break
            else:
                return any(form in text for form in self.digits) or any(True for _ in self._tokens(text))
        return False

    def _dotted_stands_in(self, text: str) -> bool:
        straight = _ZEROS.sub("", text.translate(_SEPARATORS))
        return any(form in straight for form in self.dotted)

    def found(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of each form in a text in lower case."""
        for form in (self.number, *self.digits):
            yield from ((one.start(), one.end()) for one in re.finditer(re.escape(form), text))
        if self.dotted:
            yield from self._dotted_in(text)
        if any(all(part in text for part in hint) for hint in self.hints):
            yield from self._tokens(text)

    def _dotted_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Through a copy without leading zeros, whose characters are counted back to the text's."""
        positions = list(range(len(text)))
        for zeros in reversed(list(_ZEROS.finditer(text))):
            del positions[zeros.start() : zeros.end()]
        straight = "".join(text[position] for position in positions).translate(_SEPARATORS)
        for form in self.dotted:
            start = straight.find(form)
            while start >= 0:
                yield positions[start], positions[start + len(form) - 1] + 1
                start = straight.find(form, start + 1)

    def _tokens(self, text: str) -> Iterator[tuple[int, int]]:
        """The IPv6 forms: every stretch of at most eight groups that reads as one of the numbers, whatever stands beside it."""
        for run in _COLONS.finditer(text):
            parts = [(one.start() + run.start(), one.end() + run.start()) for one in _GROUP.finditer(run.group())]
            for number, first in enumerate(parts):
                starts = [start for start in _starts(text, first) if _digits(text, start, first) in self.beginnings]
                for start in starts:
                    yield from ((start, end) for end in self._ends(text, start, parts[number + 1 : number + 2 * _GROUPS]))

    def _ends(self, text: str, start: int, parts: Sequence[tuple[int, int]]) -> Iterator[int]:
        """Where a stretch may end that reads as one of the numbers: after some of the characters of a part."""
        for first, last in parts:
            for end in range(first + 1, min(last, first + _LONGEST_GROUP) + 1):
                if end - start <= LONGEST_ADDRESS and _number(text[start:end].translate(_DASHES)) in self.numbers:
                    yield end


def _starts(text: str, part: tuple[int, int]) -> range:
    """Where an address may start in a part: at one of a group's last four characters, or at a double colon."""
    first, last = part
    return range(max(first, last - (2 if text[first] in ":-" else _GROUP_DIGITS)), last)


def _digits(text: str, start: int, part: tuple[int, int]) -> str:
    """The group that starts there, without leading zeros; empty for a double colon and for a group of zero."""
    return text[start : part[1]].lstrip("0:-")


@lru_cache(maxsize=4_096)
def _number(text: str) -> int | None:
    try:
        return int(IPv6Address(text))
    except AddressValueError:
        return None


def forms(text: str) -> Forms | None:
    """All forms of the address that a text is; None where it is none."""
    return _forms(text) if len(text) <= LONGEST_ADDRESS else None


@lru_cache(maxsize=4_096)
def _forms(text: str) -> Forms | None:
    source = address(text)
    if source is None:
        return None
    return _forms_v4(source, network(text)) if isinstance(source, IPv4Address) else _forms_v6(source, network(text))


def _forms_v4(source: IPv4Address, shown: str) -> Forms:
    number = int(source)
    octets = str(source).split(".")
    digits = dict.fromkeys(form for form in (f"{number:x}", f"{number:08x}") if len(form) >= _SHORTEST_NUMBER)
    numbers = (number, number | _MAPPED, number | _NAT64, _SIX_TO_FOUR | number << 80)
    dotted = (str(source), ".".join(reversed(octets)))
    bare = tuple(form.replace("0", "").encode() for form in dotted)
    hints = (_groups(f"{number:08x}"),)
    decimal = str(number) if len(str(number)) >= _SHORTEST_NUMBER else dotted[0]
    return Forms(shown, dotted, bare, decimal, tuple(digits), frozenset(numbers), hints, _beginnings(numbers))


def _forms_v6(source: IPv6Address, shown: str) -> Forms:
    number = int(source)
    digits = f"{number:032x}"
    tail = str(IPv4Address(number & 0xFFFF_FFFF))
    hints = (_groups(digits), (*_groups(digits[:24]), tail))
    return Forms(shown, (), (), ".".join(reversed(digits)), (digits,), frozenset({number}), hints, _beginnings((number,)))


def _groups(digits: str) -> tuple[str, ...]:
    """The groups of an address that are not zero, without leading zeros: they stand in it however it is compressed."""
    groups = (digits[place : place + _GROUP_DIGITS].lstrip("0") for place in range(0, len(digits), _GROUP_DIGITS))
    return tuple(group for group in groups if group)


def _beginnings(numbers: Iterable[int]) -> frozenset[str]:
    """The first group of each number in hex, without leading zeros."""
    return frozenset(f"{number:032x}"[:4].lstrip("0") for number in numbers)
