"""What a masking level leaves of an event: the only thing that can be rendered.

An allow-list: a field that the level does not name is dropped. `values` reads the fields, `prints` says what each operator shows,
`withheld` collects what must not come back in any other field, `disguise` and `addresses` find it there however it is written.
`plan` works out once what a level does, and `at_once` does all of it together for the usual event.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from engine.model import OPEN, Field, MaskedEvent, Operator
from engine.pipeline.facts import groups
from engine.pipeline.mask.at_once import LONGEST, masked_at_once
from engine.pipeline.mask.disguise import redacted, stands_in
from engine.pipeline.mask.plan import POLICY_TEXT, plan
from engine.pipeline.mask.prints import pseudonym, shown
from engine.pipeline.mask.values import read, values
from engine.pipeline.mask.withheld import withheld
from engine.policy.given import ACCESS, CALLER

if TYPE_CHECKING:
    from engine.model import Decision, Event, FactGroups, HashKey, Level
    from engine.pipeline.mask.plan import Plan
    from engine.pipeline.mask.withheld import Withheld

__all__ = ["mask", "mask_by_parts", "redact"]


def mask(event: Event, decision: Decision, level: Level, key: HashKey | None, found: FactGroups | None = None) -> MaskedEvent:
    """What a level leaves of an event, as text, at most `LONGEST` characters a value. Never raises, whatever the record holds.

    Beyond what its own operator prints, no masked value of four or more characters stands in any value, in none of the disguises
    that the policy language lists. Without a `key` the fields to be hashed are dropped and counted. `found`: the event's facts
    (`facts.groups`), where they are known already.
    """
    known = groups(event.record) if found is None else found
    return masked_at_once(event.record, decision, plan(level), key, known) or mask_by_parts(event, decision, level, key, known)


def mask_by_parts(event: Event, decision: Decision, level: Level, key: HashKey | None, found: FactGroups) -> MaskedEvent:
    """The same by the parts of this package. What `masked_at_once` must equal where it gives anything."""
    chosen = plan(level)
    recorded = values(read(event.record, decision, found))
    if chosen.level.name == OPEN:
        return _masked(chosen.level, recorded, found)
    printed, missing = _printed(recorded, chosen, found, key)
    sought = withheld(event.record, recorded, chosen, found)
    clean = sought.without_accounts(printed, but=POLICY_TEXT)
    if stands_in("\0".join(clean.values()), sought):  # seldom, and one look says so for all
        clean = {field: _clean(field, text, sought, chosen.level) for field, text in clean.items()}
    return _masked(chosen.level, clean, found, missing)


def _printed(recorded: dict[Field, str], chosen: Plan, found: FactGroups, key: HashKey | None) -> tuple[dict[Field, str], int]:
    """What the operators print, each of its own field; and of how many fields nothing for want of a key."""
    printed, missing = recorded.copy(), 0
    for field, operator in chosen.changes:
        text = recorded.get(field)
        if text is None:
            continue
        if operator is Operator.HASH and key is not None:
            printed[field] = pseudonym(field, text, key)
        elif operator is Operator.HASH or operator is Operator.DROP:
            missing += operator is Operator.HASH
            del printed[field]
        else:
            printed[field] = shown(field, operator, text, found)
    return printed, missing


def _masked(level: Level, texts: dict[Field, str], found: FactGroups, missing: int = 0) -> MaskedEvent:
    if len("".join(texts.values())) > LONGEST:
        texts = {field: text[:LONGEST] for field, text in texts.items()}
    _, _, _, cross_account, _ = found[CALLER]
    denied, access_kind = found[ACCESS]
    return MaskedEvent(level, MappingProxyType(texts), missing, denied, cross_account, access_kind)


def redact(text: str, event: Event, decision: Decision, level: Level) -> str:
    """A text without what the level masks of an event."""
    if level.name == OPEN:
        return text
    found = groups(event.record)
    recorded = values(read(event.record, decision, found))
    return redacted(text, withheld(event.record, recorded, plan(level), found))


def _clean(field: Field, text: str, sought: Withheld, level: Level) -> str:
    """A print without what the other fields withhold."""
    operator = level.operators[field]
    if field in POLICY_TEXT or operator is Operator.HASH:
        return text
    return redacted(text, sought, None if operator is Operator.KEEP else field)
