"""Globs, regular expressions and networks: text that is compiled once and asked often.

None of them runs away, whatever it is asked about: a glob does not backtrack, RE2 is linear, every cache is bounded.
Each `*_test` raises `ExpressionError` for a pattern that cannot be used.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.errors import ExpressionError
from engine.matching.limits import MAX_PATTERN, MAX_REGEX_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable

    Test: TypeAlias = Callable[[str], bool]

_CACHED_PATTERNS: Final = 256
_CACHED_REGEXES: Final = 64
_CACHED_ADDRESSES: Final = 4_096
_LONGEST_ADDRESS: Final = 128
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")


def _check_length(what: str, pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise ExpressionError(f"the {what} is longer than {MAX_PATTERN} characters")


# --- globs -------------------------------------------------------------------------------------------------------------


def glob(value: str | None, pattern: str) -> bool:
    """Whether the whole value matches: `*` is any run, `/` included, `?` one character; case-sensitive. False for None."""
    return value is not None and cached_glob(pattern)(value)


@lru_cache(_CACHED_PATTERNS)
def cached_glob(pattern: str) -> Test:
    """`glob_test`, remembered: for patterns that are only known when they are asked."""
    return glob_test(pattern)


def glob_test(pattern: str) -> Test:
    """The test of one glob."""
    _check_length("glob", pattern)
    pieces = pattern.split("*")
    if "?" not in pattern:
        if len(pieces) == 1:
            return pattern.__eq__
        if pieces[1:] == [""]:
            return lambda value: value.startswith(pieces[0])
        if pieces[:-1] == [""]:
            return lambda value: value.endswith(pieces[-1])
    match = re.compile(_glob_regex(pieces), re.DOTALL).fullmatch
    return lambda value: match(value) is not None


def _glob_regex(pieces: list[str]) -> str:
    """Every inner piece is taken at its first place and kept (an atomic group): the leftmost choice is never worse for a glob."""
    first, *inner = ["".join("." if character == "?" else re.escape(character) for character in piece) for piece in pieces]
    if not inner:
        return first
    return first + "".join(f"(?>.*?{piece})" for piece in inner[:-1] if piece) + f".*{inner[-1]}"


# --- regular expressions -----------------------------------------------------------------------------------------------


@lru_cache(_CACHED_REGEXES)
def cached_regex(pattern: str) -> Test:
    """`regex_test`, remembered: for patterns that are only known when they are asked."""
    return regex_test(pattern)


def regex_test(pattern: str) -> Test:
    """The test of one regular expression: RE2 syntax (https://github.com/google/re2/wiki/Syntax), found anywhere in the text."""
    _check_length("regular expression", pattern)
    import re2  # type: ignore[import-untyped]  # it has no stubs  # noqa: PLC0415  few sets need it at start

    options = re2.Options()
    options.max_mem = MAX_REGEX_MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        search = re2.compile(pattern.encode(), options).search
    except UnicodeEncodeError:
        raise ExpressionError("the regular expression holds half of a surrogate pair") from None
    except re2.error as error:
        raise ExpressionError(f"the regular expression does not compile: {_re2_text(error)}") from None
    return lambda text: search(utf8(text)) is not None


def _re2_text(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def utf8(text: str) -> bytes:
    """A text as RE2 wants it. Half a surrogate pair, which JSON can carry and UTF-8 cannot, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


# --- networks ----------------------------------------------------------------------------------------------------------


@lru_cache(_CACHED_PATTERNS)
def cached_cidr(network: str) -> Test:
    """`cidr_test`, remembered: for networks that are only known when they are asked."""
    return cidr_test(network)


def cidr_test(network: str) -> Test:
    """The test of one network, or of a single address. An IPv4 address in IPv6 clothes (`::ffff:…`) counts as IPv4."""
    _check_length("network", network)
    try:
        parsed = ipaddress.ip_network(network)
    except ValueError:
        raise ExpressionError(_network_text(network)) from None
    if isinstance(parsed, ipaddress.IPv6Network) and parsed.subnet_of(_MAPPED):
        parsed = ipaddress.IPv4Network((int(parsed.network_address) & 0xFFFF_FFFF, parsed.prefixlen - 96))
    version, shift = parsed.version, parsed.max_prefixlen - parsed.prefixlen
    wanted = (version, int(parsed.network_address) >> shift)

    def holds(address: str) -> bool:
        found_version, number = _address(address)
        return (found_version, number >> shift) == wanted

    return holds


def _network_text(network: str) -> str:
    try:
        wide = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return "the network is not one; write 192.0.2.0/24 or 2001:db8::/32"
    return f"the network has bits beyond its length; write {wide}"


@lru_cache(_CACHED_ADDRESSES)
def _parsed_address(text: str) -> tuple[int, int]:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return 0, 0
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version, int(address)


def _address(text: str) -> tuple[int, int]:
    """Version and number of an address, its zone left aside; version 0 for junk, which lies in no network."""
    return _parsed_address(text) if len(text) <= _LONGEST_ADDRESS else (0, 0)
