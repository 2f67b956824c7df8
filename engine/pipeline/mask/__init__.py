"""What a masking level leaves of an event: the only thing that can be rendered.

An example. The level keeps the user agent and reduces the source address to its network; the caller wrote the address into the
user agent as well, in another notation:

    sourceIPAddress  203.0.113.7              -> source_ip   203.0.113.0/24       the operator `network`
    userAgent        curl/8 203-0-113-7       -> user_agent  curl/8 ***           the same address again, dashed
    userName         analyst@example.com      -> (none)                           not in the level: dropped

1. `fields` reads the message fields from the record as text.
2. `operators` says what the level's operator shows of each field. A field that the level does not list is dropped.
3. `sensitive` collects the values that must not be shown: each masked value, the account ids (`accounts`), the spellings of the
   source's addresses (`addresses`).
4. `redaction` finds these in every shown value, also in another case or encoding (`encodings`), and replaces them with asterisks.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from engine.model import OPEN, Field, MaskedEvent, Operator
from engine.pipeline.facts import derive_facts
from engine.pipeline.mask.fields import field_values
from engine.pipeline.mask.operators import apply_operator, pseudonym, with_account_name
from engine.pipeline.mask.redaction import may_contain, redacted
from engine.pipeline.mask.sensitive import POLICY_TEXT, sensitive_values
from engine.pipeline.mask.traits import caller_ids, is_foreign, makes_public, names_version
from engine.policy.fact_layout import ACCESS, CALLER, CROSSING, ROLE

if TYPE_CHECKING:
    from engine.model import Decision, Event, FactGroups, HashKey, Level
    from engine.pipeline.mask.sensitive import SensitiveValues

__all__ = ["VALUE_MAX_LENGTH", "mask", "redact"]

VALUE_MAX_LENGTH: Final = 4_096
"""The maximum length of a shown value in characters; Slack shows far fewer.

Values are truncated after redaction, so that no truncated masked value can escape it.
"""


def mask(event: Event, decision: Decision, level: Level, key: HashKey | None, facts: FactGroups | None = None) -> MaskedEvent:
    """What a level leaves of an event, as text, at most `VALUE_MAX_LENGTH` characters a value. Never raises for any record.

    Apart from what its own operator shows, no masked value of four or more characters appears in any shown value, in any encoding
    that the policy language lists; only what the caller chose hides nothing of what AWS wrote, such as the bucket.

    Without a `key` the fields to be hashed are dropped and counted. `facts`: the event's, where
    they are known already.
    """
    known = derive_facts(event.record) if facts is None else facts
    recorded = field_values(event.record, decision, known)
    if level.name == OPEN:
        return _masked(level, recorded, event, known)
    shown, hash_missing = _operators_applied(recorded, level, known, key)
    sensitive = sensitive_values(event.record, recorded, level, known)
    shown = sensitive.without_accounts(shown)
    if may_contain("\0".join(shown.values()), sensitive):  # rare: one search over all values rules it out
        sensitive = sensitive.with_all_accounts(event.record)
        shown = {field: _redacted_field(field, text, sensitive, level) for field, text in shown.items()}
    if level.account_names and Field.ARN in shown and level.operators.get(Field.ACCOUNT) is Operator.MASK:
        shown[Field.ARN] = with_account_name(shown[Field.ARN], recorded[Field.ARN], level.account_names)
    return _masked(level, shown, event, known, hash_missing)


def _operators_applied(
    recorded: dict[Field, str], level: Level, facts: FactGroups, key: HashKey | None
) -> tuple[dict[Field, str], int]:
    """What the level's operators show of each field by itself, and how many fields were dropped because there is no hash key."""
    shown: dict[Field, str] = {}
    hash_missing = 0
    keep, hashed, drop = Operator.KEEP, Operator.HASH, Operator.DROP
    for field, text in recorded.items():
        operator = level.operators.get(field, drop)
        if operator is keep:
            shown[field] = text
        elif operator is hashed and key is not None:
            shown[field] = pseudonym(field, text, key)
        elif operator is hashed:
            hash_missing += 1
        elif operator is not drop:
            shown[field] = apply_operator(field, text, facts, level.account_names)
    return shown, hash_missing


def _redacted_field(field: Field, text: str, sensitive: SensitiveValues, level: Level) -> str:
    """What is shown of a field, without the sensitive values of the other fields."""
    operator = level.operators[field]
    if field in POLICY_TEXT or operator is Operator.HASH:
        return text
    return redacted(text, sensitive.searched_in(field), None if operator is Operator.KEEP else field)


def _masked(level: Level, texts: dict[Field, str], event: Event, facts: FactGroups, hash_missing: int = 0) -> MaskedEvent:
    if len("".join(texts.values())) > VALUE_MAX_LENGTH:
        texts = {field: text[:VALUE_MAX_LENGTH] for field, text in texts.items()}
    (_, name, account, *_), (cross_account,) = facts[CALLER], facts[CROSSING]
    denied, access_kind = facts[ACCESS]
    return MaskedEvent(
        level=level,
        values=MappingProxyType(texts),
        hash_missing=hash_missing,
        denied=denied,
        cross_account=cross_account,
        access_kind=access_kind,
        of_version=names_version(event.record),
        makes_public=makes_public(event.record),
        foreign=is_foreign(event.record, account),
        caller_ids=caller_ids((account, *facts[ROLE], name)),
    )


def redact(text: str, event: Event, decision: Decision, level: Level) -> str:
    """The text with everything redacted that the level masks in the event."""
    if level.name == OPEN:
        return text
    facts = derive_facts(event.record)
    sensitive = sensitive_values(event.record, field_values(event.record, decision, facts), level, facts)
    return redacted(text, sensitive.with_all_accounts(event.record))
