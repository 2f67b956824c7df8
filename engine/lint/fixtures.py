"""What must not stand in a policy test or an event file, because it is of somebody's own: accounts, addresses, people.

Documentation ranges: addresses by RFC 5737 and RFC 3849, names by RFC 2606; account ids as AWS's own documentation writes them.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from engine.model import Finding, FindingSeverity
from engine.policy.positions import location_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.policy.source import Source

ACCOUNT: Final = "TB502"
ADDRESS: Final = "TB503"
EMAIL: Final = "TB504"

_UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ACCOUNT: Final = re.compile(rf"{_UUID}|(?<![0-9A-Za-z.])(?P<value>[0-9]{{12}})(?![0-9A-Za-z.])", re.ASCII)
_OF_BLOCKS: Final = re.compile(r"(\d)\1{3}(\d)\2{3}(\d)\3{3}", re.ASCII)
_DOCUMENTED: Final = frozenset({"123456789012", "210987654321", "012345678901"})
_ADDRESS: Final = re.compile(
    r"(?<![\w./:-])(?P<value>(?:[0-9]{1,3}\.){3}[0-9]{1,3}|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4})(?![\w.:-])", re.ASCII
)
_EMAIL: Final = re.compile(r"(?<![\w.+-])(?P<value>[\w.+-]{1,64}@(?P<domain>[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}))", re.ASCII)
_EXAMPLE_DOMAIN: Final = re.compile(r"(?:.+\.)?(?:example\.(?:com|org|net)|example|test|invalid|localhost)", re.IGNORECASE)


def fixture_findings(source: Source) -> Iterator[Finding]:
    """Everything in a file that looks real, at its first occurrence. The findings do not repeat it."""
    for code, pattern, real, what, instead in _CHECKS:
        matches = [match for match in pattern.finditer(source.text) if match.group("value") is not None and real(match)]
        times = Counter(match.group("value") for match in matches)
        for match in {match.group("value"): match for match in reversed(matches)}.values():
            text = match.group("value")
            where = location_at(source.path, source.text, match.start("value"), len(text))
            often = f" ({times[text]} times in this file)" if times[text] > 1 else ""
            yield Finding(code, where, f"{what}{often}", instead, FindingSeverity.WARNING)


def _real_account(match: re.Match[str]) -> bool:
    text = match.group("value")
    return text not in _DOCUMENTED and _OF_BLOCKS.fullmatch(text) is None


def _real_address(match: re.Match[str]) -> bool:
    try:
        return ipaddress.ip_address(match.group("value")).is_global
    except ValueError:
        return False


def _real_email(match: re.Match[str]) -> bool:
    return _EXAMPLE_DOMAIN.fullmatch(match.group("domain")) is None


_CHECKS: Final[tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], bool], str, str], ...]] = (
    (
        ACCOUNT,
        _ACCOUNT,
        _real_account,
        "this looks like a real account id",
        "write one as AWS's documentation does: 111122223333",
    ),
    (
        ADDRESS,
        _ADDRESS,
        _real_address,
        "this is somebody's address",
        "write one for documentation: 192.0.2.1, 198.51.100.1, 203.0.113.1 or 2001:db8::1",
    ),
    (EMAIL, _EMAIL, _real_email, "this looks like somebody's e-mail address", "write one at example.com"),
)
