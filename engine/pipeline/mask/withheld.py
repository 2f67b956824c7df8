"""What a level masks of an event, and so must not come back anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from engine.model import Field, Operator, showing
from engine.pipeline.mask.addresses import forms
from engine.pipeline.mask.prints import ACCOUNT_STARS, is_service

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.model import Facts, Record
    from engine.pipeline.mask.addresses import Forms
    from engine.pipeline.mask.plan import Plan

SHORTEST: Final = 4
"""Characters from which on a value is looked for everywhere."""

_CODE: Final = re.compile(r"[A-Za-z.]{1,64}", re.ASCII)
_LOOSE: Final = frozenset({Operator.NETWORK, Operator.MASK})
_MAIL: Final = frozenset({Field.NAME, Field.SESSION})


@showing()
class Withheld(NamedTuple):
    """Masked values. `texts`, folded, are looked for everywhere, with the fields they are the values of; `short` in an ARN alone.

    `accounts`: account ids too, wherever they stand. `address`: the forms of the source address, where that is masked.
    """

    texts: Mapping[str, frozenset[Field]]
    short: frozenset[str]
    accounts: frozenset[str]
    hides_accounts: bool
    address: Forms | None = None

    def texts_beside(self, own: Field | None) -> Iterable[str]:
        """All texts but those that are values of the field `own` alone, which its own print may show."""
        return self.texts if own is None else [text for text, fields in self.texts.items() if fields != {own}]

    def forms_beside(self, own: Field | None) -> Forms | None:
        """The forms of the address; None where there is none or the address is what prints."""
        return None if own is Field.SOURCE_IP else self.address

    def may_stand_in(self, view: str, own: Field | None = None) -> bool:
        """Whether anything may stand in a folded text; sometimes true where it does not."""
        for text in self.texts_beside(own):
            if text in view:
                return True
        for account in self.accounts:
            if account in view:
                return True
        address = self.forms_beside(own)
        return address is not None and address.may_stand_in(view)

    def without_accounts(self, texts: dict[Field, str], but: frozenset[Field]) -> dict[Field, str]:
        """Texts with asterisks for the event's account ids where they stand plainly; those of some fields stay as they are."""
        clean = texts.copy()
        for account in self.accounts:
            for field, text in texts.items():
                if account in text and field not in but:
                    clean[field] = clean[field].replace(account, ACCOUNT_STARS)
        return clean


def withheld(record: Record, recorded: Mapping[Field, str], chosen: Plan, found: Facts) -> Withheld:
    """All values of an event that a level masks."""
    texts: dict[str, frozenset[Field]] = {}
    short: set[str] = set()
    for name, operator in chosen.sought:
        value = recorded.get(name)
        if value is None or (name is Field.ERROR_CODE and _CODE.fullmatch(value)):
            continue
        if name is Field.SOURCE_IP and operator in _LOOSE and is_service(value, found):
            continue
        for text in _spellings(name, value):
            if len(text) < SHORTEST:
                short.add(text)
            else:
                sought = folded(text)
                texts[sought] = texts.get(sought, frozenset()) | {name}
    accounts = _accounts(record) if chosen.hides_accounts else frozenset[str]()
    source = recorded.get(Field.SOURCE_IP) if chosen.hides_source else None
    return Withheld(texts, frozenset(short), accounts, chosen.hides_accounts, None if source is None else forms(source))


def folded(text: str) -> str:
    """A text in one case; a plus is a space, as in a query."""
    return text.casefold().replace("+", " ")


def _spellings(name: Field, value: str) -> Sequence[str]:
    """The value, as it would be without its percent-encoding, and an e-mail address's local part."""
    spellings = [value]
    if "%" in value:
        once = unquote(value)
        spellings += (once, unquote(once))
    if name in _MAIL and "@" in value:
        local = value.rpartition("@")[0]
        if len(local) >= SHORTEST:
            spellings.append(local)
    return spellings


def _accounts(record: Record) -> frozenset[str]:
    """Every account id of a record: where it is called so, and in ARNs."""
    identity = _mapping(record.get("userIdentity"))
    holders = [record, identity, _mapping(_mapping(identity.get("sessionContext")).get("sessionIssuer"))]
    resources = record.get("resources")
    if isinstance(resources, list):
        holders += [one for one in resources[:50] if isinstance(one, dict)]
    accounts: set[str] = set()
    for holder in holders:
        for key in ("accountId", "recipientAccountId"):
            if key in holder and isinstance(holder[key], str):
                accounts.add(holder[key])
        for key in ("arn", "ARN"):
            if key in holder and isinstance(holder[key], str):
                accounts.update(holder[key].split(":", 5)[4:5])
    return frozenset(one for one in accounts if len(one) >= SHORTEST and one.lower() != "anonymous")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
