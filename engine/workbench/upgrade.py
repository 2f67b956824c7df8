"""What one policy set decides differently from another: the same events, decided by both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import Event, Field
from engine.pipeline.select import passed_over
from engine.workbench.explain import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.model import MaskedEvent
    from engine.pipeline.setting import Setting
    from engine.workbench.cases import Arrival, Case

_NOTHING: Final = "-"
"""What stands for something that one of the two sets does not have."""
_OF_THE_CLASS: Final = frozenset({Field.CLASS, Field.EVIDENCE})
"""Fields that follow from the class."""


class Change(NamedTuple):
    """One thing that two sets decide differently about an event, and how each does: no text of the event's own."""

    what: str
    before: str
    after: str


class _SetResult(NamedTuple):
    """What a set makes of an event: what is decided, by name, and what each channel is shown."""

    decided: Mapping[str, str]
    shown: Mapping[str, MaskedEvent]


def differences(cases: Iterable[Case], before: Setting, after: Setting) -> Iterator[tuple[Case, tuple[Change, ...]]]:
    """The policy tests whose events two sets decide differently, and how. Both settings need the same hash key."""
    for case in cases:
        changes = dict.fromkeys(
            change
            for arrival in case.arrivals
            for change in _changes(_outcome(arrival, case.where, before), _outcome(arrival, case.where, after))
        )
        if changes:
            yield case, tuple(changes)


def _outcome(arrival: Arrival, where: str, setting: Setting) -> _SetResult:
    event = Event(arrival.record, where)
    if passed_over(event, setting.policies.selection) is not None:
        return _SetResult({"looked at": "no"}, {})
    explanation = explain(event, setting, arrival.now)
    verdict = explanation.decision.verdict
    decided = {
        "looked at": "yes",
        "class": verdict.actor.name,
        **{f"channel {request.channel}": f"{request.level.name}, {request.severity.value}" for request in verdict.requests},
        **{f"{suppression.policy}/{suppression.id}": "mutes it" for suppression in verdict.mutes},
        **{f"{suppression.policy}/{suppression.id}": "silences it" for suppression in verdict.silences},
    }
    return _SetResult(decided, explanation.masked)


def _changes(before: _SetResult, after: _SetResult) -> Iterator[Change]:
    for name in dict.fromkeys([*before.decided, *after.decided]):
        old, new = before.decided.get(name, _NOTHING), after.decided.get(name, _NOTHING)
        if old != new:
            yield Change(name, old, new)
    for channel, masked in before.shown.items():
        other = after.shown.get(channel)
        if other is not None and other.level.name == masked.level.name:
            for field in Field:
                if field not in _OF_THE_CLASS and masked.values.get(field) != other.values.get(field):
                    operators = (shown.level.operators.get(field) for shown in (masked, other))
                    old, new = (operator.value if operator is not None else "drop" for operator in operators)
                    if old != new:
                        yield Change(f"{field.value} in {channel}", old, new)
