"""The values of an event that a level masks, and that must not be shown anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import Field, Operator, repr_only
from engine.pipeline.mask.accounts import AccountIds, all_account_ids, searched, usual_account_ids
from engine.pipeline.mask.addresses import addresses_in
from engine.pipeline.mask.encodings import fold, readings, with_one_separator
from engine.pipeline.mask.operators import ACCOUNT_STARS, LAST_SHOWN, is_service
from engine.policy.fact_layout import SOURCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import Any

    from engine.model import FactGroups, Level, Record
    from engine.pipeline.mask.addresses import AddressSpellings

SEARCHED_MIN_LENGTH: Final = 4
"""Values of fewer characters are searched for in ARNs only: everywhere else they would hide half of the message."""

_PLAIN_ERROR_CODE: Final = re.compile(r"[A-Za-z.]{1,64}", re.ASCII)
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

_CHOSEN: Final = frozenset({Field.USER_AGENT, Field.KEY, Field.COPY_SOURCE})
"""Fields that the caller writes as they like."""

_CHOSEN_NAMES: Final = _CHOSEN | {Field.NAME, Field.SESSION}
_OF_IDENTITY_CENTER: Final = "AWSReservedSSO_"

_NOT_THE_CALLERS: Final = frozenset(
    {
        *(Field.TIME, Field.EVENT, Field.BUCKET, Field.SIZE, Field.REGION, Field.ACTOR_TYPE, Field.ROLE, Field.MFA),
        *(Field.ERROR_CODE, Field.EVENT_ID, Field.REQUEST_ID),
    }
)
"""Fields in which nothing is hidden because the caller wrote the same elsewhere: whoever calls their session `GetObject`, or like
the bucket, would be shown less."""


@repr_only()
class SensitiveValues(NamedTuple):
    """Masked values. `texts`, folded and with one separator, are searched for everywhere, with the fields whose values they are;
    `short` in ARNs only.

    `accounts`: account ids; `account_ids`: as they are searched for. `hides_accounts`: whether these are masked at all.
    `hides_keys`: whether ids of access keys are, also others than the caller's. `addresses`: the spellings of each address of the
    source, where that is masked. `chosen`: the fields that the caller wrote.
    """  # noqa: D205  it is one sentence

    texts: Mapping[str, frozenset[Field]]
    short: frozenset[str]
    accounts: frozenset[str]
    account_ids: AccountIds
    hides_accounts: bool
    hides_keys: bool
    addresses: tuple[AddressSpellings, ...] = ()
    chosen: frozenset[Field] = frozenset()

    def searched_in(self, field: Field) -> SensitiveValues:
        """Those that are searched for in the value of a field."""
        if field not in _NOT_THE_CALLERS:
            return self
        return self._replace(texts={text: fields for text, fields in self.texts.items() if not fields <= self.chosen})

    def texts_except(self, own: Field | None) -> Iterable[str]:
        """All texts but those that are values of the field `own` only, which its own operator may show."""
        return self.texts if own is None else [text for text, fields in self.texts.items() if fields != {own}]

    def addresses_except(self, own: Field | None) -> tuple[AddressSpellings, ...]:
        """The spellings of the addresses; none where the field `own` shows them in its own way."""
        return () if own is Field.SOURCE_IP else self.addresses

    def may_stand_in(self, folded_text: str, own: Field | None = None) -> bool:
        """Whether any value may stand in a folded text; sometimes true where none does."""
        plain = with_one_separator(folded_text)
        for text in self.texts_except(own):
            if text in plain:
                return True
        if next(self.account_ids.spans(plain), None) is not None:
            return True
        return any(address.may_stand_in(folded_text) for address in self.addresses_except(own))

    def without_accounts(self, texts: Mapping[Field, str]) -> dict[Field, str]:
        """Texts, but for the policies' own words, with asterisks for the account ids that are written plainly."""
        together = "\0".join(texts.values())
        if not any(account in together for account in self.accounts):
            return dict(texts)
        return {field: text if field in POLICY_TEXT else _without(text, self.accounts) for field, text in texts.items()}

    def with_all_accounts(self, record: Record) -> SensitiveValues:
        """These values, with every account id that the record names anywhere."""
        return self._replace(**_accounts(all_account_ids(record))) if self.hides_accounts else self


def _accounts(ids: frozenset[str]) -> dict[str, Any]:
    return {"accounts": ids, "account_ids": searched(ids)}


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
    """The values of an event that a level other than `open` masks. `recorded`: its fields as text.

    Of the account ids, those in the usual places: `with_all_accounts` finds the rest.
    """
    texts: dict[str, frozenset[Field]] = {}
    short: set[str] = set()
    keep, drop, operators = Operator.KEEP, Operator.DROP, level.operators
    for field, value in recorded.items():
        operator = operators.get(field, drop)
        if operator is keep or field in _VOCABULARY or _says_nothing(field, value, operator, facts):
            continue
        for text in _variants(field, value):
            if len(text) < SEARCHED_MIN_LENGTH:
                short.add(text)
            else:
                plain = with_one_separator(fold(text))
                texts[plain] = texts.get(plain, frozenset()) | {field}
    hides_accounts, hides_source, hides_keys = (
        operators.get(field, drop) is not keep for field in (Field.ACCOUNT, Field.SOURCE_IP, Field.ACCESS_KEY)
    )
    return SensitiveValues(
        texts,
        frozenset(short),
        **_accounts(usual_account_ids(record) if hides_accounts else frozenset()),
        hides_accounts=hides_accounts,
        hides_keys=hides_keys,
        addresses=addresses_in(recorded[Field.SOURCE_IP]) if hides_source and Field.SOURCE_IP in recorded else (),
        chosen=_CHOSEN if _is_named_by_aws(recorded) else _CHOSEN_NAMES,
    )


def _is_named_by_aws(recorded: Mapping[Field, str]) -> bool:
    """Whether the caller has a name that they did not choose: an IAM user, or a person of Identity Center."""
    return recorded.get(Field.ACTOR_TYPE) == "IAMUser" or recorded.get(Field.ROLE, "").startswith(_OF_IDENTITY_CENTER)


def _says_nothing(field: Field, value: str, operator: Operator, facts: FactGroups) -> bool:
    """Whether a masked value reveals nothing elsewhere: an error code as AWS has them, or a service that the operator shows."""
    if field is Field.ERROR_CODE:
        return _PLAIN_ERROR_CODE.fullmatch(value) is not None
    return field is Field.SOURCE_IP and operator in _SHOWS_SERVICES and is_service(value, facts[SOURCE])


def _variants(field: Field, value: str) -> Iterator[str]:
    """The value with its escapes undone, too; of an e-mail address what stands before the `@`, with and without its tag."""
    yield from readings(value)
    if field in _EMAIL_FIELDS and "@" in value:
        local = value.rpartition("@")[0]
        yield from (text for text in (local, local.partition("+")[0]) if len(text) >= SEARCHED_MIN_LENGTH)
    if field is Field.ACCESS_KEY and len(value) >= LAST_SHOWN + SEARCHED_MIN_LENGTH:
        yield value[:-LAST_SHOWN]  # with what is shown of it, it would be the whole id
