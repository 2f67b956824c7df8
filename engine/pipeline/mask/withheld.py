"""What a level masks of an event, and so must not come back anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from engine.model import Field, Operator, showing
from engine.pipeline.mask.prints import address, is_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from ipaddress import IPv4Address, IPv6Address

    from engine.model import Facts, Level, Record

SHORTEST: Final = 4
"""Characters from which on a value is looked for everywhere."""

_VOCABULARY: Final = frozenset(
    {Field.TIME, Field.EVENT, Field.REGION, Field.CLASS, Field.EVIDENCE, Field.ACTOR_TYPE, Field.MFA, Field.ACCOUNT}
)
"""Fields of few values, which tell nothing of the caller where they stand elsewhere. Account ids are looked for on their own."""

_CODE: Final = re.compile(r"[A-Za-z.]{1,64}", re.ASCII)
_LOOSE: Final = frozenset({Operator.NETWORK, Operator.MASK})
_MAIL: Final = frozenset({Field.NAME, Field.SESSION})


@showing()
class Withheld(NamedTuple):
    """Masked values. `texts` are looked for everywhere, with the fields they are the values of; `short` are segments of an ARN.

    `accounts`: account ids too, wherever they stand. `source` is the address, where it is masked.
    """

    texts: Mapping[str, frozenset[Field]]
    short: frozenset[str]
    accounts: frozenset[str]
    hides_accounts: bool
    source: IPv4Address | IPv6Address | None = None


def withheld(record: Record, recorded: Mapping[Field, str], level: Level, found: Facts) -> Withheld:
    """All values of an event that a level masks."""
    texts: dict[str, frozenset[Field]] = {}
    short: set[str] = set()
    for name, value in recorded.items():
        operator = level.operators.get(name, Operator.DROP)
        if operator is Operator.KEEP or name in _VOCABULARY or (name is Field.ERROR_CODE and _CODE.fullmatch(value)):
            continue
        if name is Field.SOURCE_IP and operator in _LOOSE and is_service(value, found):
            continue
        for text in _spellings(name, value):
            if len(text) >= SHORTEST:
                texts[text] = texts.get(text, frozenset()) | {name}
            else:
                short.add(text)
    hides = level.operators.get(Field.ACCOUNT, Operator.DROP) is not Operator.KEEP
    masks_source = level.operators.get(Field.SOURCE_IP, Operator.DROP) is not Operator.KEEP
    source = address(recorded[Field.SOURCE_IP]) if masks_source and Field.SOURCE_IP in recorded else None
    return Withheld(texts, frozenset(short), frozenset(_accounts(record)) if hides else frozenset(), hides, source)


def _spellings(name: Field, value: str) -> Iterator[str]:
    """The value, as it would be without its percent-encoding, and an e-mail address's local part."""
    yield value
    if "%" in value:
        once = unquote(value)
        yield from (once, unquote(once))
    if name in _MAIL and "@" in value:
        local = value.rpartition("@")[0]
        if len(local) >= SHORTEST:
            yield local


def _accounts(record: Record) -> Iterator[str]:
    """Every account id of a record: where it is called so, and in ARNs."""
    identity = _mapping(record.get("userIdentity"))
    issuer = _mapping(_mapping(identity.get("sessionContext")).get("sessionIssuer"))
    resources = record.get("resources")
    listed = [_mapping(one) for one in resources[:50]] if isinstance(resources, list) else []
    for holder in (record, identity, issuer, *listed):
        for key in ("accountId", "recipientAccountId", "arn", "ARN"):
            value = holder.get(key)
            if isinstance(value, str):
                account = value if key.endswith("Id") else (value.split(":", 5)[4:5] or [""])[0]
                if len(account) >= SHORTEST and account.lower() != "anonymous":
                    yield account


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
