"""Masking in one pass, for the usual event: each value is text, and nothing that the level hides stands in anything shown.

What the parts of this package do for one value after the other is done here for all together. Whether that was enough is seen in
one look; where it may not have been, there is no result, and the parts have to do it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from engine.model import MaskedEvent
from engine.pipeline.mask.addresses import forms
from engine.pipeline.mask.disguise import ACCOUNT
from engine.pipeline.mask.plan import shaped
from engine.pipeline.mask.prints import is_service, pseudonym
from engine.pipeline.mask.values import read
from engine.pipeline.mask.withheld import SHORTEST, folded, named_accounts, starred
from engine.policy.given import ACCESS, CALLER, SOURCE

if TYPE_CHECKING:
    from engine.model import Decision, FactGroups, HashKey, Record
    from engine.pipeline.mask.addresses import Forms
    from engine.pipeline.mask.plan import Hides, Plan

LONGEST: Final = 4_096
"""Characters of a value that are kept; Slack shows far fewer. Cut last: no part is left of what would have been found whole."""

_BREAK: Final = "\0"
"""Stands between values while one look is taken at all of them."""


def masked_at_once(
    record: Record, decision: Decision, chosen: Plan, key: HashKey | None, found: FactGroups
) -> MaskedEvent | None:
    """What a level leaves of an event; None where that cannot be said in one pass."""
    everything = read(record, decision, found)
    types = tuple(map(type, everything))
    shape = (chosen.shapes if key is None else chosen.keyed).get(types) or shaped(chosen, types, keyed=key is not None)
    if shape is None or "" in everything:
        return None
    fields, left, prints, hashes, network, missing, hides = shape
    texts: list[str] = [*left(everything)]
    address = None if hides is None or hides.source is None else forms(everything[hides.source])
    if network is not None:
        if address is None and not is_service(texts[network], found[SOURCE]):
            return None
        texts[network] = texts[network] if address is None else address.network
    for place, way in prints:
        texts[place] = way(texts[place])
    for place, field in hashes:
        texts[place] = "" if key is None else pseudonym(field, texts[place], key)
    clean = _uncut(texts) if hides is None else _harmless(texts, hides, everything, address, record)
    if clean is None or len(clean) != len(fields):
        return None
    denied, access_kind = found[ACCESS]
    values = MappingProxyType(dict(zip(fields, clean, strict=True)))
    return MaskedEvent(chosen.level, values, missing, denied, found[CALLER][3], access_kind)


def _uncut(texts: list[str]) -> list[str] | None:
    """The texts, where none of them has to be cut."""
    return texts if len("".join(texts)) <= LONGEST else None


def _harmless(
    texts: list[str], hides: Hides, everything: tuple[Any, ...], address: Forms | None, record: Record
) -> list[str] | None:
    """The texts, without account ids where these are hidden; None where anything else may be hidden, or has to be cut."""
    own, accounts, _, sought, mails = hides
    together = _BREAK.join(texts)
    shown = _without_accounts(together, record) if accounts else together
    if shown is None:
        return None
    view = folded(shown)
    if len(shown) > LONGEST or "%" in view or (address is not None and address.may_stand_in(view)):
        return None
    if _may_come_back(view, [everything[place] for place in sought], [everything[place] for place in mails]):
        return None
    clean = shown.split(_BREAK)
    # The policies' own words have to stay as they are.
    return clean if clean[own] == texts[own] else None


def _without_accounts(shown: str, record: Record) -> str | None:
    """What is shown with asterisks for the event's account ids; None where more than that may have to be hidden."""
    accounts = [account for account in named_accounts(record) if len(account) >= SHORTEST]
    if not all(map(str.isdigit, accounts)):
        return None
    clean = starred(shown, accounts)
    return None if clean is None or ACCOUNT.search(clean) else clean


def _may_come_back(view: str, values: list[str], mails: list[str]) -> bool:
    """Whether one of some values, or the name in an address of e-mail, may stand in a folded text."""
    for text in values:
        if "%" in text or folded(text) in view:
            return True
    for text in mails:
        local = text.rpartition("@")[0]
        if len(local) >= SHORTEST and folded(local) in view:
            return True
    return False
