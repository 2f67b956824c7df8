"""Many like messages for one channel become one summary, so that a flood neither hides what matters nor runs into Slack's rate.

Like messages agree in the masked values of the rule's fields and in their level: what was masked at one level is never shown
under the name of a stricter one. Nothing is lost: every event is posted singly or counted in exactly one summary.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import SEVERITY_RANK, Field, Operator, Summary, Top, TopActors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import ActorClass, Decision, DigestRule, MaskedEvent, Request


class Entry(NamedTuple):
    """One event of which one channel is to be notified; `number` is its place in the batch."""

    number: int
    masked: MaskedEvent
    decision: Decision
    request: Request


MOST_VALUES: Final = 5
"""How many values of a field a summary lists."""

_TOLD: Final = (Field.EVENT, Field.BUCKET, Field.KEY, Field.SOURCE_IP, Field.ROLE, Field.ERROR_CODE)
"""The fields whose most frequent values a summary lists, beside those that the events share."""


def folds(count: int, rule: DigestRule | None) -> bool:
    """Whether of so many events some may be folded."""
    return rule is not None and count > rule.after


def fold(entries: Sequence[Entry], rule: DigestRule | None) -> tuple[tuple[Entry, ...], tuple[Summary, ...]]:
    """What is posted singly, and what as summaries, each in the order of the (first) event. Without a rule: everything singly."""
    if rule is None or not folds(len(entries), rule):
        return tuple(entries), ()
    groups: dict[object, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_likeness(entry, rule), []).append(entry)
    few = {entry.number for group in groups.values() if len(group) <= rule.after for entry in group}
    singles = tuple(entry for entry in entries if entry.number in few)
    return singles, tuple(_summary(group, rule) for group in groups.values() if len(group) > rule.after)


def _likeness(entry: Entry, rule: DigestRule) -> object:
    return entry.masked.level.name, tuple(entry.masked.values.get(field) for field in rule.by)


def _summary(group: Sequence[Entry], rule: DigestRule) -> Summary:
    lead = max(group, key=lambda entry: SEVERITY_RANK[entry.request.severity])
    values = lead.masked.values
    first, last = _span(group)
    return Summary(
        total=len(group),
        first=first,
        last=last,
        denied=_denied(group),
        by={field: values[field] for field in rule.by if field in values},
        top={field: top for field in _TOLD if field not in rule.by and (top := _top(group, field)).values},
        actors=_actors(group),
        actor=_shared_class(group),
        severity=lead.request.severity,
        level=lead.masked.level,
        routes=tuple(dict.fromkeys(route for entry in group for route in _routes(entry.request))),
        revision=lead.decision.verdict.revision,
        numbers=tuple(entry.number for entry in group),
        runbook=lead.request.runbook,
        failures=tuple(dict.fromkeys(failure for entry in group for failure in entry.decision.verdict.failures)),
        fallback_for=lead.request.fallback_for,
        hash_missing=max(entry.masked.hash_missing for entry in group),
    )


def _span(group: Sequence[Entry]) -> tuple[str | None, str | None]:
    """The earliest and the latest time shown. A time that cannot be read is passed by."""
    times = sorted((moment, text) for text in _values(group, Field.TIME) if (moment := _moment(text)) is not None)
    return (times[0][1], times[-1][1]) if times else (None, None)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _denied(group: Sequence[Entry]) -> int | None:
    """How many were denied, where the level shows the error code that says so."""
    if not _shows(group[0].masked, Field.ERROR_CODE):
        return None
    return sum(entry.masked.denied and Field.ERROR_CODE in entry.masked.values for entry in group)


def _shows(masked: MaskedEvent, field: Field) -> bool:
    return masked.level.operators.get(field, Operator.DROP) is not Operator.DROP


def _top(group: Sequence[Entry], field: Field) -> Top:
    counts = Counter(_values(group, field))
    return Top(tuple(counts.most_common(MOST_VALUES)), max(0, len(counts) - MOST_VALUES))


def _values(group: Sequence[Entry], field: Field) -> list[str]:
    return [entry.masked.values[field] for entry in group if field in entry.masked.values]


def _actors(group: Sequence[Entry]) -> TopActors:
    """Who called, as far as class and name are shown."""
    pairs = [(entry.masked.values.get(Field.CLASS), entry.masked.values.get(Field.NAME)) for entry in group]
    counts = Counter(pair for pair in pairs if any(pair))
    most = tuple((actor_class, name, count) for (actor_class, name), count in counts.most_common(MOST_VALUES))
    return TopActors(most, max(0, len(counts) - MOST_VALUES))


def _shared_class(group: Sequence[Entry]) -> ActorClass | None:
    classes = {entry.decision.verdict.actor.name for entry in group}
    return group[0].decision.verdict.actor if len(classes) == 1 and Field.CLASS in group[0].masked.values else None


def _routes(request: Request) -> tuple[str, ...]:
    return request.routes or (f"{request.policy}/{request.route}",)
