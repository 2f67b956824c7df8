"""What each masking operator shows of each field."""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

from engine.model import Field
from engine.pipeline.mask.clients import program_of
from engine.policy.fact_layout import SOURCE, TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model import FactGroups, HashKey

STARS: Final = "***"
ACCOUNT_STARS: Final = "*" * 12
AWS_INTERNAL: Final = "AWS Internal"

ADDRESS_MAX_LENGTH: Final = 64
"""Characters of a text that may be an address. Checked before a text is cached: callers choose what they send."""

_ADDRESS_CACHE_SIZE: Final = 4_096
LAST_SHOWN: Final = 4
"""Characters at the end of an access key's id that `last4` and `mask` show."""

_ACCESS_KEY_MIN_LENGTH: Final = 8
_NAME_MIN_LENGTH: Final = 2
_ARN_PARTS: Final = 6
_PREFIX_V4: Final = 24
_PREFIX_V6: Final = 64

_PRODUCT: Final = re.compile(r"\[?([A-Za-z][A-Za-z0-9._-]{0,31})/", re.ASCII)
NO_ACCOUNT_ID: Final = re.compile(r"anonymous(?:_principal)?|CloudFront", re.ASCII | re.IGNORECASE)
"""What stands where an account id would, in the records of unsigned requests and of origin access identities."""

_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,8}\Z", re.ASCII)

_PSEUDONYM_LABELS: Final = {Field.SOURCE_IP: "ip"}
"""The label of a pseudonym where it is not the field's name."""


def apply_operator(field: Field, text: str, facts: FactGroups, account_names: Mapping[str, str]) -> str:
    """What `mask`, `network` and `last4` show of a field's value; where a field takes two of them, they do the same."""
    if field is Field.ACCOUNT:
        return account_names.get(text, _account(text))
    if field is Field.SOURCE_IP:
        return text if is_service(text, facts[SOURCE]) else network(text)
    if field is Field.COPY_SOURCE:
        _, _, bucket, key = facts[TARGET]
        return "/".join([*([] if bucket is None else [_name(bucket)]), *([] if key is None else [_object_key(key)])])
    return MASKERS[field](text)


def is_service(text: str, source: tuple[Any, ...]) -> bool:
    """Whether the source is an AWS service, which is not an address. `source`: the facts about it."""
    return text == AWS_INTERNAL or source[1] == "service"


def address(text: str) -> IPv4Address | IPv6Address | None:
    """An address without its zone; an IPv4-mapped one as that IPv4 address. None for anything else."""
    return _address(text) if len(text) <= ADDRESS_MAX_LENGTH else None


def network(text: str) -> str:
    """An address's /24 or /64; asterisks for what is no address."""
    return _network(text) if len(text) <= ADDRESS_MAX_LENGTH else STARS


@lru_cache(_ADDRESS_CACHE_SIZE)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


@lru_cache(_ADDRESS_CACHE_SIZE)
def _network(text: str) -> str:
    parsed = _address(text)
    if parsed is None:
        return STARS
    return str(ip_network((parsed, _PREFIX_V4 if isinstance(parsed, IPv4Address) else _PREFIX_V6), strict=False))


def _name(text: str) -> str:
    """A name's first letter; of an e-mail address its domain as well."""
    if len(text) < _NAME_MIN_LENGTH:
        return STARS
    local, at, domain = text.rpartition("@")
    return f"{text[0]}{STARS}@{domain}" if at and local and domain else text[0] + STARS


def _object_key(text: str) -> str:
    """A key's first segment and its extension."""
    first, slash, rest = text.partition("/")
    extension = _EXTENSION.search(rest if slash else text)
    return f"{first + slash if slash else ''}{STARS}{extension.group() if extension else ''}"


def _bucket(text: str) -> str:
    return text[0] + STARS


def _access_key(text: str) -> str:
    return STARS + text[-LAST_SHOWN:] if len(text) >= _ACCESS_KEY_MIN_LENGTH else STARS


def _account(text: str) -> str:
    """Asterisks; what is no account id, such as `anonymous` and `CloudFront`, as it is."""
    return text if NO_ACCOUNT_ID.fullmatch(text) else ACCOUNT_STARS


def with_account_name(arn: str, recorded: str, account_names: Mapping[str, str]) -> str:
    """What is shown of an ARN, with the account's alias in place of its asterisks."""
    parts, owner = arn.split(":", _ARN_PARTS - 1), recorded.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or len(owner) < _ARN_PARTS or parts[4] != ACCOUNT_STARS or owner[4] not in account_names:
        return arn
    return ":".join([*parts[:4], account_names[owner[4]], parts[5]])


def _arn(text: str) -> str:
    """The account as asterisks, and of the resource only its type."""
    parts = text.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or parts[0] != "arn":
        return STARS
    resource_type, slash, _ = parts[5].partition("/")
    resource = f"{resource_type}/{STARS}" if slash else STARS
    return ":".join([*parts[:4], ACCOUNT_STARS if parts[4] else "", resource])


def _user_agent(text: str) -> str:
    product = _PRODUCT.match(text)
    return f"{product.group(1)}/{STARS}" if product else STARS


MASKERS: Final[Mapping[Field, Callable[[str], str]]] = {
    Field.BUCKET: _bucket,
    Field.KEY: _object_key,
    Field.NAME: _name,
    Field.ROLE: _name,
    Field.SESSION: _name,
    Field.PRINCIPAL: _name,
    Field.ARN: _arn,
    Field.ACCOUNT: _account,
    Field.ACCESS_KEY: _access_key,
    Field.USER_AGENT: _user_agent,
    Field.CLIENT: program_of,
}
"""The operator `mask` of each field (of an access key also `last4`)."""


def pseudonym(field: Field, text: str, key: HashKey) -> str:
    """`label:epoch:` and 64 bits of HMAC-SHA-256 in hex: the same for the same value, within one field and epoch.

    All spellings of an address have the same pseudonym.
    """
    label = _PSEUDONYM_LABELS.get(field, field.value)
    canonical = str(address(text) or text) if field is Field.SOURCE_IP else text
    digest = hmac.digest(key.secret, f"{label}\0{canonical}".encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{label}:{key.epoch}:{digest[:8].hex()}"
