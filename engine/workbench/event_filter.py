"""Which events of the past are replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.errors import InputError, MatcherError
from engine.matching import compile_predicate
from engine.pipeline.decide import decider_of
from engine.pipeline.facts import document, facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from engine.model import Event, PolicySet


class EventFilter(NamedTuple):
    """What an event has to meet: a matcher, values of its fields, a time from `since` on and before `until`; None: anything."""

    where: str | None = None
    bucket: str | None = None
    role: str | None = None
    event_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def test(self, policies: PolicySet, now: datetime) -> Callable[[Event], bool]:
        """Tests an event; `now` is the time of one that has none. Raises `ExpressionError` for a matcher that does not compile.

        The test raises `InputError` where the matcher fails on an event.
        """
        tests = [
            *([self._at_time(now)] if self.since or self.until else []),
            *([lambda event: event.record.get("eventID") == self.event_id] if self.event_id else []),
            *([lambda event: facts(event).bucket == self.bucket] if self.bucket else []),
            *([lambda event: facts(event).role == self.role] if self.role else []),
            *([_matching(self.where, policies, now)] if self.where else []),
        ]
        return lambda event: all(test(event) for test in tests)

    def _at_time(self, now: datetime) -> Callable[[Event], bool]:
        def is_wanted(event: Event) -> bool:
            time = facts(event).time or now
            return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

        return is_wanted


def _matching(where: str, policies: PolicySet, now: datetime) -> Callable[[Event], bool]:
    holds = compile_predicate([where])

    def is_wanted(event: Event) -> bool:
        verdict = decider_of(policies).verdict(event.record, now)
        try:
            return holds(document(event.record, facts(event), verdict.actor, verdict.evidence))
        except MatcherError as error:
            raise InputError(f"--where fails on {event.where}: {error}") from None

    return is_wanted
