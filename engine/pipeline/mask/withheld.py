"""What a level masks of an event, and so must not come back anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from engine.model import Field, Operator, showing
from engine.pipeline.mask.prints import is_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model import Facts, Record
    from engine.pipeline.mask.plan import Plan

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
    """Masked values. `texts`, folded, are looked for everywhere, with the fields they are the values of; `short` in an ARN alone.

    `accounts`: account ids too, wherever they stand. `source` is the address, where it is masked.
    """

    texts: Mapping[str, frozenset[Field]]
    short: frozenset[str]
    accounts: frozenset[str]
    hides_accounts: bool
    source: str | None = None


def withheld(record: Record, recorded: Mapping[Field, str], chosen: Plan, found: Facts) -> Withheld:
    """All values of an event that a level masks."""
    texts: dict[str, frozenset[Field]] = {}
    short: set[str] = set()
    for name, operator in chosen.changes:
        value = recorded.get(name)
        if value is None or name in _VOCABULARY or (name is Field.ERROR_CODE and _CODE.fullmatch(value)):
            continue
        if name is Field.SOURCE_IP and operator in _LOOSE and is_service(value, found):
            continue
        for text in (value,) if "%" not in value and "@" not in value else _spellings(name, value):
            if len(text) < SHORTEST:
                short.add(text)
            else:
                sought = folded(text)
                texts[sought] = texts.get(sought, frozenset()) | {name}
    accounts = _accounts(record) if chosen.hides_accounts else frozenset[str]()
    source = recorded.get(Field.SOURCE_IP) if chosen.hides_source else None
    return Withheld(texts, frozenset(short), accounts, chosen.hides_accounts, source)


def folded(text: str) -> str:
    """A text in one case; a plus is a space, as in a query."""
    return text.casefold().replace("+", " ")


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


def _accounts(record: Record) -> frozenset[str]:
    """Every account id of a record: where it is called so, and in ARNs."""
    identity = _mapping(record.get("userIdentity"))
    issuer = _mapping(_mapping(identity.get("sessionContext")).get("sessionIssuer"))
    resources = record.get("resources")
    listed = [_mapping(one) for one in resources[:50]] if isinstance(resources, list) else []
    holders = (record, identity, issuer, *listed)
    accounts = [holder.get(key) for holder in holders for key in ("accountId", "recipientAccountId")]
    for arn in [holder.get(key) for holder in holders for key in ("arn", "ARN")]:
        if isinstance(arn, str):
            accounts += arn.split(":", 5)[4:5]
    return frozenset(one for one in accounts if isinstance(one, str) and len(one) >= SHORTEST and one.lower() != "anonymous")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
