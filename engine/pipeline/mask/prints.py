"""What each operator prints of each field."""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

from engine.model import Field, Operator
from engine.policy.given import SOURCE, TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model import FactGroups, HashKey

STARS: Final = "***"
ACCOUNT_STARS: Final = "*" * 12
AWS_INTERNAL: Final = "AWS Internal"

LONGEST_ADDRESS: Final = 64
"""Characters of what may be an address. Asked for before a text is remembered: callers choose what they send."""

_SHORTEST_KEY: Final = 8
_SHORTEST_NAME: Final = 2
_ARN_PARTS: Final = 6
_PREFIX_V4: Final = 24
_PREFIX_V6: Final = 64

_PRODUCT: Final = re.compile(r"\[?([A-Za-z][A-Za-z0-9._-]{0,31})/", re.ASCII)
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,8}\Z", re.ASCII)

_LABELS: Final = {Field.SOURCE_IP: "ip"}
"""What a pseudonym is called where it is not called as its field."""


def shown(field: Field, operator: Operator, text: str, found: FactGroups) -> str:
    """What an operator other than `hash` and `drop` prints of a field's value."""
    if operator is Operator.KEEP:
        return text
    if field is Field.SOURCE_IP:
        return text if is_service(text, found[SOURCE]) else network(text)
    if field is Field.COPY_SOURCE:
        _, _, bucket, key = found[TARGET]
        return "/".join([*([] if bucket is None else [name(bucket)]), *([] if key is None else [object_key(key)])])
    return WAYS[field](text)


def is_service(text: str, source: tuple[Any, ...]) -> bool:
    """Whether the source is an AWS service, which is not an address. `source`: the facts about it."""
    return text == AWS_INTERNAL or source[1] == "service"


def address(text: str) -> IPv4Address | IPv6Address | None:
    """An address without its zone; a mapped one as the IPv4 address that it stands for. None for anything else."""
    return _address(text) if len(text) <= LONGEST_ADDRESS else None


def network(text: str) -> str:
    """An address's /24 or /64; junk is hidden whole."""
    return _network(text) if len(text) <= LONGEST_ADDRESS else STARS


@lru_cache(maxsize=4_096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


@lru_cache(maxsize=4_096)
def _network(text: str) -> str:
    parsed = _address(text)
    if parsed is None:
        return STARS
    return str(ip_network((parsed, _PREFIX_V4 if isinstance(parsed, IPv4Address) else _PREFIX_V6), strict=False))


def name(text: str) -> str:
    """A name's first letter; an e-mail address's and its domain."""
    if len(text) < _SHORTEST_NAME:
        return STARS
    local, at, domain = text.rpartition("@")
    return f"{text[0]}{STARS}@{domain}" if at and local and domain else text[0] + STARS


def object_key(text: str) -> str:
    """A key's first segment and its extension."""
    first, slash, rest = text.partition("/")
    extension = _EXTENSION.search(rest if slash else text)
    return f"{first + slash if slash else ''}{STARS}{extension.group() if extension else ''}"


def _access_key(text: str) -> str:
    return STARS + text[-4:] if len(text) >= _SHORTEST_KEY else STARS


def _account(_: str) -> str:
    return ACCOUNT_STARS


def _arn(text: str) -> str:
    """The account as asterisks, and of the resource what sort it is."""
    parts = text.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or parts[0] != "arn":
        return STARS
    sort, slash, _ = parts[5].partition("/")
    resource = f"{sort}/{STARS}" if slash else STARS
    return ":".join([*parts[:4], ACCOUNT_STARS if parts[4] else "", resource])


def _user_agent(text: str) -> str:
    product = _PRODUCT.match(text)
    return f"{product.group(1)}/{STARS}" if product else STARS


WAYS: Final[Mapping[Field, Callable[[str], str]]] = {
    Field.BUCKET: lambda text: text[0] + STARS,
    Field.KEY: object_key,
    Field.NAME: name,
    Field.ROLE: name,
    Field.SESSION: name,
    Field.PRINCIPAL: name,
    Field.ARN: _arn,
    Field.ACCOUNT: _account,
    Field.ACCESS_KEY: _access_key,
    Field.USER_AGENT: _user_agent,
}
"""`mask` of each field (of an access key `last4` too)."""


def pseudonym(field: Field, text: str, key: HashKey) -> str:
    """`label:epoch:` and 64 bits of HMAC-SHA-256 in hex: the same value has the same one, within one field and epoch.

    An address counts as the same however it is written.
    """
    label = _LABELS.get(field, field.value)
    canonical = str(address(text) or text) if field is Field.SOURCE_IP else text
    digest = hmac.digest(key.secret, f"{label}\0{canonical}".encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{label}:{key.epoch}:{digest[:8].hex()}"
