"""An address lies in a network, whatever clothes it wears; junk lies in none."""

from __future__ import annotations

import ipaddress

import pytest
from expressions import EXAMPLES
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.matching.networks import cidr_test


@pytest.mark.parametrize(
    ("address", "network", "expected"),
    [
        ("203.0.113.7", "203.0.113.0/24", True),
        ("203.0.112.255", "203.0.113.0/24", False),
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "0.0.0.0/0", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:0DB8:0::1", "2001:db8::/32", True),
        ("2001:db8::1", "0.0.0.0/0", False),
        ("203.0.113.7", "::/0", False),
        ("::ffff:203.0.113.7", "203.0.113.0/24", True),
        ("::ffff:cb00:7107", "203.0.113.0/24", True),
        ("203.0.113.7", "::ffff:203.0.113.0/120", True),
        ("fe80::1%eth0", "fe80::/10", True),
        ("253.252.51.07", "0.0.0.0/0", False),
        ("s3.amazonaws.com", "0.0.0.0/0", False),
        ("", "::/0", False),
        ("1" * 100_000, "::/0", False),
        ("\ud800", "::/0", False),
    ],
)
def test_addresses(address: str, network: str, *, expected: bool) -> None:
    assert expected is cidr_test(network)(address)


@settings(max_examples=EXAMPLES)
@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 128))
def test_a_network_holds_what_ipaddress_says(address: ipaddress.IPv4Address, base: ipaddress.IPv4Address, length: int) -> None:
    network = ipaddress.ip_network((base, min(length, base.max_prefixlen)), strict=False)
    assume(not any(str(each).startswith("::ffff:") for each in (address, base)))
    assert (address in network) is cidr_test(str(network))(str(address))


@pytest.mark.parametrize(
    ("network", "says"),
    [
        ("203.0.113.7/24", "write 203.0.113.0/24"),
        ("203.0.113.0/33", "write it like"),
        ("internal", "write it like"),
        ("", "write it like"),
        ("1" * 2_000, "longer than"),
    ],
)
def test_what_is_no_network_is_refused_with_what_to_write(network: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        cidr_test(network)
