"""What to do about one event: its actor's class, the routes that hold, the channels to notify and how much they see, and why.

The Lambda, `decide`, `test` and `explain` all call `decide`, so they cannot differ. `reference` defines what a decision means: it
evaluates every rule in turn. `indexed` gives the same verdicts fast. An example, for a set of a thousand routes of which one is
`bucket == 'ledger' && regex(actor.session, '^ci-')`:

1. The index has the key *bucket equals ledger* for that route: in an event of another bucket it neither holds nor fails, so it is
   not evaluated. A look-up of the event's bucket leaves a handful of candidates of the thousand.
2. Only the candidates are evaluated, in the order of the policies. The equality is not evaluated again where the index found it;
   the regular expression is.
3. The numbers of the matching evidence, the scope and the matching rules form a cache key. A verdict already in the cache is
   reused; otherwise `reference` computes it from the same candidates. `reference` also decides whenever a matcher fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.pipeline.decide.indexed import IndexedDecider
from engine.pipeline.decide.reference import DEFAULT_ROUTE, decide_reference, decision, trace
from engine.pipeline.decide.windows import within

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model import Decision, Event, FactGroups, PolicySet

__all__ = ["DEFAULT_ROUTE", "decide", "decide_reference", "decider_of", "trace", "within"]

DECIDERS_SIZE: Final = 4

_deciders: list[IndexedDecider] = []
"""The most recently used deciders, newest first (an LRU cache)."""


def decide(event: Event, policies: PolicySet, now: datetime, facts: FactGroups | None = None) -> Decision:
    """Everything chosen for one event. Pure and total; `now` (aware) is the time of an event that has none.

    `facts` are the event's (`facts.derive_facts`), if the caller has them already.
    """
    return decision(event, decider_of(policies).verdict(event.record, now, facts))


def decider_of(policies: PolicySet) -> IndexedDecider:
    """The decider of a set: made at its first use and kept while it is among those used last. It changes no decision."""
    if _deciders and _deciders[0].policies is policies:
        return _deciders[0]
    known = next((decider for decider in _deciders if decider.policies is policies), None)
    decider = known or IndexedDecider(policies)
    _deciders[:] = [decider, *(other for other in _deciders if other is not decider)][:DECIDERS_SIZE]
    return decider
