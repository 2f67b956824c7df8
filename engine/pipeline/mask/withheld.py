"""What a level masks of an event, and so must not come back anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from engine.model import Field, Operator, showing
from engine.pipeline.mask.addresses import forms
from engine.pipeline.mask.prints import ACCOUNT_STARS, is_service
from engine.policy.given import SOURCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from engine.model import FactGroups, Record
    from engine.pipeline.mask.addresses import Forms
    from engine.pipeline.mask.plan import Plan

SHORTEST: Final = 4
"""Characters from which on a value is looked for everywhere."""

_CODE: Final = re.compile(r"[A-Za-z.]{1,64}", re.ASCII)
_OF_S3: Final = "arn:aws:s3:::"
"""How an ARN begins that names no account."""

LOOSE: Final = frozenset({Operator.NETWORK, Operator.MASK})
MAIL: Final = frozenset({Field.NAME, Field.SESSION})


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
        """Texts with asterisks for the event's account ids where they stand plainly; those of some fields stay as they are.

        So does a text in which ids overlap: what is then to be hidden is more than one of them.
        """
        if not self.accounts:
            return texts
        return {field: text if field in but else starred(text, self.accounts) or text for field, text in texts.items()}


def starred(text: str, accounts: Collection[str]) -> str | None:
    """A text with asterisks for some account ids; None where they overlap in it, so that a part of one would be left.

    The longest come first, and then they follow the alphabet: a set has another order in each process.
    """
    clean = text
    for account in sorted(accounts, key=_longest_first) if len(accounts) > 1 else accounts:
        if clean is not text and clean.count(account) != text.count(account):
            return None
        clean = clean.replace(account, ACCOUNT_STARS)
    return clean


def _longest_first(text: str) -> tuple[int, str]:
    return -len(text), text


def withheld(record: Record, recorded: Mapping[Field, str], chosen: Plan, found: FactGroups) -> Withheld:
    """All values of an event that a level masks."""
    texts: dict[str, frozenset[Field]] = {}
    short: set[str] = set()
    for name, operator in chosen.sought:
        value = recorded.get(name)
        if value is None or (name is Field.ERROR_CODE and _CODE.fullmatch(value)):
            continue
        if name is Field.SOURCE_IP and operator in LOOSE and is_service(value, found[SOURCE]):
            continue
        for text in _spellings(name, value):
            if len(text) < SHORTEST:
                short.add(text)
            else:
                sought = folded(text)
                texts[sought] = texts.get(sought, frozenset()) | {name}
    accounts = accounts_in(record) if chosen.hides_accounts else frozenset[str]()
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
    if name in MAIL and "@" in value:
        local = value.rpartition("@")[0]
        if len(local) >= SHORTEST:
            spellings.append(local)
    return spellings


def accounts_in(record: Record) -> frozenset[str]:
    """Every account id of a record, folded: where it is called so, and in ARNs."""
    return frozenset(folded(one) for one in named_accounts(record) if len(one) >= SHORTEST and one.lower() != "anonymous")


def named_accounts(record: Record) -> set[str]:
    """What stands in a record where account ids do."""
    identity, resources = record.get("userIdentity"), record.get("resources")
    context = identity.get("sessionContext") if identity.__class__ is dict else None
    issuer = context.get("sessionIssuer") if context.__class__ is dict else None
    found: set[str] = set()
    for holder in (record, identity, issuer, *(resources[:50] if resources.__class__ is list else ())):
        if holder.__class__ is dict:
            own = holder.get
            if (one := own("accountId")) is not None and one.__class__ is str:
                found.add(one)
            if (one := own("recipientAccountId")) is not None and one.__class__ is str:
                found.add(one)
            if (one := own("arn")) is not None and one.__class__ is str:
                found.update(one.split(":", 5)[4:5])
            if (one := own("ARN")) is not None and one.__class__ is str and not one.startswith(_OF_S3):
                found.update(one.split(":", 5)[4:5])
    return found
