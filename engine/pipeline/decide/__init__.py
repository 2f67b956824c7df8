"""What to do about one event: who calls, which routes hold, who is told and how much of it, and why.

The Lambda, `decide`, `test` and `explain` all come through here, so that they cannot drift apart. `plain` says what a decision
means: every rule asked in its turn. `program` finds out quickly which rules hold, by an index, and knows what was chosen the last
time that just these held; whatever it has not seen, and whatever fails, `plain` decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.pipeline.decide.plain import DEFAULT_ROUTE, decide_plainly, decision, trace, within
from engine.pipeline.decide.program import Program
from engine.pipeline.decide.reads import fields_read

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model import Decision, Event, PolicySet

__all__ = ["DEFAULT_ROUTE", "decide", "decide_plainly", "fields_read", "program_of", "trace", "within"]

_latest: Program | None = None


def decide(event: Event, policies: PolicySet, now: datetime) -> Decision:
    """Everything chosen for one event. Pure and total; `now` (aware) serves only an event without a time."""
    return decision(event, program_of(policies).verdict(event.record, now))


def program_of(policies: PolicySet) -> Program:
    """The program of a set: made when the set is first asked, and kept while it is."""
    global _latest  # noqa: PLW0603  nothing but a cache: it never changes an answer
    if _latest is None or _latest.policies is not policies:
        _latest = Program(policies)
    return _latest
