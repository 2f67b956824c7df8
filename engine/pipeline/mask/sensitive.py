"""The values of an event that a level masks, and that must not be shown anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from engine.model import Field, Operator, repr_only
from engine.pipeline.mask.addresses import address_spellings
from engine.pipeline.mask.operators import ACCOUNT_STARS, NO_ACCOUNT_ID, is_service
from engine.policy.fact_layout import SOURCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from engine.model import FactGroups, Level, Record
    from engine.pipeline.mask.addresses import AddressSpellings

SEARCHED_MIN_LENGTH: Final = 4
"""Values of fewer characters are searched for in ARNs only: everywhere else they would hide half of the message."""

_RESOURCES_READ: Final = 50
_PLAIN_ERROR_CODE: Final = re.compile(r"[A-Za-z.]{1,64}", re.ASCII)
_ACCOUNT_MEMBERS: Final = ("accountId", "recipientAccountId")
_ARN_MEMBERS: Final = ("arn", "ARN")
"""Members of a record's objects that hold an account id."""

_SHOWS_SERVICES: Final = frozenset({Operator.NETWORK, Operator.MASK})
"""Operators that show the name of an AWS service where a source address would stand."""

_EMAIL_FIELDS: Final = frozenset({Field.NAME, Field.SESSION})

POLICY_TEXT: Final = frozenset({Field.CLASS, Field.EVIDENCE})
"""Fields whose values are the policies' own words: nothing in them is redacted."""

_VOCABULARY: Final = frozenset(
    {
        *(Field.TIME, Field.EVENT, Field.SIZE, Field.REGION, Field.CLIENT, Field.CLASS, Field.EVIDENCE, Field.ACTOR_TYPE),
        *(Field.MFA, Field.ACCOUNT),
    }
)
"""Fields of few possible values, or of our own words, which reveal nothing about the caller elsewhere. (Account ids are searched
for separately; the user agent, of which the client is told, is a value of its own.)"""


@repr_only()
class SensitiveValues(NamedTuple):
    """Masked values. `texts`, folded, are searched for everywhere, with the fields whose values they are; `short` in ARNs only.

    `accounts`: the event's account ids. `hides_accounts`: account ids of any other account as well. `address`: the spellings of
    the source address, where that is masked.
    """

    texts: Mapping[str, frozenset[Field]]
    short: frozenset[str]
    accounts: frozenset[str]
    hides_accounts: bool
    address: AddressSpellings | None = None

    def texts_except(self, own: Field | None) -> Iterable[str]:
        """All texts but those that are values of the field `own` only, which its own operator may show."""
        return self.texts if own is None else [text for text, fields in self.texts.items() if fields != {own}]

    def address_except(self, own: Field | None) -> AddressSpellings | None:
        """The spellings of the address; None where there is none or the address is the field `own`."""
        return None if own is Field.SOURCE_IP else self.address

    def may_stand_in(self, folded_text: str, own: Field | None = None) -> bool:
        """Whether any value may stand in a folded text; sometimes true where none does."""
        for text in (*self.texts_except(own), *self.accounts):
            if text in folded_text:
                return True
        address = self.address_except(own)
        return address is not None and address.may_stand_in(folded_text)

    def without_accounts(self, texts: Mapping[Field, str]) -> dict[Field, str]:
        """Texts, but for the policies' own words, with asterisks for the account ids that are written plainly."""
        return {field: text if field in POLICY_TEXT else _without(text, self.accounts) for field, text in texts.items()}


def _without(text: str, accounts: Collection[str]) -> str:
    """A text with asterisks for account ids; the text as it is where ids overlap in it, so that a part of one would be left.

    The longest are replaced first, then in alphabetical order, since the order of a set differs between processes.
    """
    clean = text
    for account in sorted(accounts, key=_longest_first) if len(accounts) > 1 else accounts:
        if clean is not text and clean.count(account) != text.count(account):
            return text
        clean = clean.replace(account, ACCOUNT_STARS)
    return clean


def _longest_first(text: str) -> tuple[int, str]:
    return -len(text), text


def sensitive_values(record: Record, recorded: Mapping[Field, str], level: Level, facts: FactGroups) -> SensitiveValues:
    """All values of an event that a level other than `open` masks. `recorded`: its fields as text."""
    texts: dict[str, frozenset[Field]] = {}
    short: set[str] = set()
    for field, value in recorded.items():
        operator = level.operators.get(field, Operator.DROP)
        if operator is Operator.KEEP or field in _VOCABULARY or _says_nothing(field, value, operator, facts):
            continue
        for text in _variants(field, value):
            if len(text) < SEARCHED_MIN_LENGTH:
                short.add(text)
            else:
                folded = fold(text)
                texts[folded] = texts.get(folded, frozenset()) | {field}
    hides_accounts, hides_source = (
        level.operators.get(field, Operator.DROP) is not Operator.KEEP for field in (Field.ACCOUNT, Field.SOURCE_IP)
    )
    accounts = account_ids(record) if hides_accounts else frozenset[str]()
    source = recorded.get(Field.SOURCE_IP) if hides_source else None
    return SensitiveValues(
        texts, frozenset(short), accounts, hides_accounts, None if source is None else address_spellings(source)
    )


def _says_nothing(field: Field, value: str, operator: Operator, facts: FactGroups) -> bool:
    """Whether a masked value reveals nothing elsewhere: an error code as AWS has them, or a service that the operator shows."""
    if field is Field.ERROR_CODE:
        return _PLAIN_ERROR_CODE.fullmatch(value) is not None
    return field is Field.SOURCE_IP and operator in _SHOWS_SERVICES and is_service(value, facts[SOURCE])


def fold(text: str) -> str:
    """A text in one case, a plus as a space (as in a query string)."""
    return text.casefold().replace("+", " ")


def _variants(field: Field, value: str) -> Sequence[str]:
    """The value, the value percent-decoded once and twice, and the local part of an e-mail address."""
    variants = [value]
    if "%" in value:
        decoded = unquote(value)
        variants += (decoded, unquote(decoded))
    if field in _EMAIL_FIELDS and "@" in value:
        local = value.rpartition("@")[0]
        if len(local) >= SEARCHED_MIN_LENGTH:
            variants.append(local)
    return variants


def account_ids(record: Record) -> frozenset[str]:
    """Every account id of a record, folded: from the members that hold one, and from ARNs."""
    identity, resources = record.get("userIdentity"), record.get("resources")
    context = identity.get("sessionContext") if identity.__class__ is dict else None
    issuer = context.get("sessionIssuer") if context.__class__ is dict else None
    ids: set[str] = set()
    for holder in (record, identity, issuer, *(resources[:_RESOURCES_READ] if resources.__class__ is list else ())):
        if holder.__class__ is dict:
            ids.update(account for name in _ACCOUNT_MEMBERS if isinstance(account := holder.get(name), str))
            arns = (arn for name in _ARN_MEMBERS if isinstance(arn := holder.get(name), str))
            ids.update(account for arn in arns for account in arn.split(":", 5)[4:5])
    return frozenset(fold(one) for one in ids if len(one) >= SEARCHED_MIN_LENGTH and not NO_ACCOUNT_ID.fullmatch(one))
