"""Networks: whether an address, written as text, lies in one."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from engine.errors import ExpressionError
from engine.matching.limits import MAX_PATTERN

if TYPE_CHECKING:
    from engine.matching.globs import Test

_CACHED_NETWORKS: Final = 256
_CACHED_ADDRESSES: Final = 4_096
_LONGEST_ADDRESS: Final = 128
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
_IPV4_MASK: Final = 0xFFFF_FFFF
_JUNK: Final = (0, 0)


def check_cidr(network: str) -> None:
    """Raises `ExpressionError` for a text that is no network."""
    network_of(network)


def cidr_test(network: str) -> Test:
    """The test of one network, or of a single address.

    An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) counts as IPv4; a zone (`%eth0`) is left aside; junk lies in no network.
    """
    parsed = network_of(network)
    shift = parsed.max_prefixlen - parsed.prefixlen
    version, start = parsed.version, int(parsed.network_address) >> shift

    def holds(address: str) -> bool:
        of_address, number = _address(address) if len(address) <= _LONGEST_ADDRESS else _JUNK
        return of_address == version and number >> shift == start

    return holds


cached_cidr = lru_cache(_CACHED_NETWORKS)(cidr_test)
"""`cidr_test`, remembered: for networks that only an event brings."""


def network_of(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network that a text names; of IPv4 where it is one of mapped addresses. Raises `ExpressionError`."""
    if len(text) > MAX_PATTERN:
        raise ExpressionError(f"the network is longer than {MAX_PATTERN} characters")
    try:
        parsed = ipaddress.ip_network(text)
    except ValueError:
        raise ExpressionError(_instead(text)) from None
    if isinstance(parsed, ipaddress.IPv6Network) and parsed.subnet_of(_MAPPED):
        return ipaddress.IPv4Network((int(parsed.network_address) & _IPV4_MASK, parsed.prefixlen - _MAPPED.prefixlen))
    return parsed


def _instead(text: str) -> str:
    try:
        wide = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "this is no network; write it like 192.0.2.0/24 or 2001:db8::/32"
    return f"the network has bits set beyond its length; write {wide}"


@lru_cache(_CACHED_ADDRESSES)
def _address(text: str) -> tuple[int, int]:
    """Version and number of an address; version 0 for junk."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return _JUNK
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.version, int(mapped)
