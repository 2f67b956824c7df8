"""What to do about one event: who calls, which routes hold, who is told and how much of it, and why.

The Lambda, `decide`, `test` and `explain` all come through here, so that they cannot drift apart. `plain` says what a decision
means: every rule asked in its turn. `program` finds out quickly which rules hold, by an index, and knows what was chosen the last
time that just these held; whatever it has not seen, and whatever fails, `plain` decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.pipeline.decide.plain import DEFAULT_ROUTE, decide_plainly, decision, trace, within
from engine.pipeline.decide.program import Program

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model import Decision, Event, FactGroups, PolicySet

__all__ = ["DEFAULT_ROUTE", "decide", "decide_plainly", "program_of", "trace", "within"]

MOST_PROGRAMS: Final = 4

_programs: list[Program] = []
"""Those of the sets that were asked last, the latest first."""


def decide(event: Event, policies: PolicySet, now: datetime, found: FactGroups | None = None) -> Decision:
    """Everything chosen for one event. Pure and total; `now` (aware) serves only an event without a time.

    `found`: the event's facts (`facts.groups`), where they are known already.
    """
    return decision(event, program_of(policies).verdict(event.record, now, found))


def program_of(policies: PolicySet) -> Program:
    """The program of a set: made when the set is first asked, and kept while it is among the last. It never changes an answer."""
    if _programs and _programs[0].policies is policies:
        return _programs[0]
    known = next((one for one in _programs if one.policies is policies), None)
    program = known or Program(policies)
    _programs[:] = [program, *(one for one in _programs if one is not program)][:MOST_PROGRAMS]
    return program
