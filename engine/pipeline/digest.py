"""Many like messages for one channel become one summary, so that a flood neither hides what matters nor runs into Slack's rate.

Like messages agree in the masked values of the rule's fields and in their level: what was masked at one level is never shown
under the name of a stricter one. Nothing is lost: every event is posted singly or counted in exactly one summary.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import SEVERITY_RANK, CallerCounts, Field, KeyGroup, Kind, Operator, Summary, Top

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import ActorClass, Decision, DigestRule, Evidence, MaskedEvent, Request


class Entry(NamedTuple):
    """One event of which one channel is to be notified; `number` is its place in the batch."""

    number: int
    masked: MaskedEvent
    decision: Decision
    request: Request


VALUES_SHOWN: Final = 5
"""How many values of a field a summary lists."""

KEY_GROUPS: Final = 3
_PREFIX_DEPTH: Final = 6
"""Folders of a key that a common prefix may have."""

_LISTED: Final = (Field.EVENT, Field.BUCKET, Field.SOURCE_IP, Field.CLIENT, Field.NAME, Field.ROLE, Field.ERROR_CODE)
"""The fields whose most frequent values a summary knows where they differ."""


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
    first, last = _span(group)
    errors_shown = _shows(lead.masked, Field.ERROR_CODE)
    succeeded = [entry for entry in group if Field.ERROR_CODE not in entry.masked.values]
    denied = [entry for entry in group if entry.masked.denied and Field.ERROR_CODE in entry.masked.values]
    groups, further = key_groups(_keys(succeeded))
    return Summary(
        total=len(group),
        shared=_shared(group),
        first=first,
        last=last,
        denied=len(denied) if errors_shown else None,
        failed=len(group) - len(succeeded) - len(denied) if errors_shown else None,
        size=_size(succeeded),
        objects=len({key for key, _ in _keys(succeeded or group)}),
        keys=groups,
        further_keys=further,
        denied_under=_common_prefix([key for key, _ in _keys(denied)]),
        top={field: top for field in _LISTED if len((top := _top(group, field)).values) > 1 or field is Field.ERROR_CODE},
        callers=_callers(group),
        actor=_shared_class(group),
        evidence=_shared_evidence(group),
        severity=lead.request.severity,
        by=rule.by,
        routes=tuple(dict.fromkeys(route for entry in group for route in _routes(entry.request))),
        revision=lead.decision.verdict.revision,
        numbers=tuple(entry.number for entry in group),
        runbook=lead.request.runbook,
        failures=tuple(dict.fromkeys(failure for entry in group for failure in entry.decision.verdict.failures)),
        fallback_for=lead.request.fallback_for,
        hash_missing=max(entry.masked.hash_missing for entry in group),
    )


def _shared(group: Sequence[Entry]) -> MaskedEvent:
    """A masked event with what all have in common, and nothing else."""
    sample = group[0].masked
    values = {
        field: text for field, text in sample.values.items() if all(entry.masked.values.get(field) == text for entry in group)
    }
    return sample._replace(
        values=MappingProxyType(values),
        denied=all(entry.masked.denied for entry in group),
        cross_account=all(entry.masked.cross_account for entry in group),
        foreign=all(entry.masked.foreign for entry in group),
        of_version=all(entry.masked.of_version for entry in group),
        makes_public=all(entry.masked.makes_public for entry in group),
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


def _shows(masked: MaskedEvent, field: Field) -> bool:
    return masked.level.operators.get(field, Operator.DROP) is not Operator.DROP


def _top(group: Sequence[Entry], field: Field) -> Top:
    counts = Counter(_values(group, field))
    return Top(tuple(counts.most_common(VALUES_SHOWN)), max(0, len(counts) - VALUES_SHOWN))


def _values(group: Sequence[Entry], field: Field) -> list[str]:
    return [entry.masked.values[field] for entry in group if field in entry.masked.values]


# --- objects and bytes ----------------------------------------------------------------------------------------------------


def _keys(group: Sequence[Entry]) -> list[tuple[str, int]]:
    """The keys of the objects, and their bytes. A pseudonym has no folders: it is passed by."""
    if not group or group[0].masked.level.operators.get(Field.KEY) is Operator.HASH:
        return []
    return [(entry.masked.values[Field.KEY], _bytes(entry) or 0) for entry in group if Field.KEY in entry.masked.values]


def _size(group: Sequence[Entry]) -> int | None:
    sizes = [size for entry in group if (size := _bytes(entry)) is not None]
    return sum(sizes) if sizes else None


def _bytes(entry: Entry) -> int | None:
    text = entry.masked.values.get(Field.SIZE, "")
    return int(text) if text.isascii() and text.isdecimal() else None


def key_groups(keys: Sequence[tuple[str, int]]) -> tuple[tuple[KeyGroup, ...], int]:
    """Keys with their bytes, grouped by the deepest folders of which there are few enough; how many keys are in no group."""
    if not keys:
        return (), 0
    for depth in (None, *range(_PREFIX_DEPTH, 0, -1)):
        counts: dict[str, tuple[int, int]] = {}
        for key, size in keys:
            prefix = key if depth is None else _folder(key, depth)
            count, total = counts.get(prefix, (0, 0))
            counts[prefix] = count + 1, total + size
        if len(counts) <= KEY_GROUPS:
            break
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    shown = tuple(KeyGroup(prefix, *numbers) for prefix, numbers in ordered[:KEY_GROUPS])
    return shown, len(keys) - sum(group.events for group in shown)


def _folder(key: str, depth: int) -> str:
    """The first folders of a key, at most so many."""
    folders = key.split("/")[:-1]
    return "".join(f"{folder}/" for folder in folders[:depth])


def _common_prefix(keys: Sequence[str]) -> str:
    """The folders that all keys have in common."""
    for depth in range(_PREFIX_DEPTH, 0, -1):
        prefixes = {_folder(key, depth) for key in keys}
        if len(prefixes) == 1:
            return prefixes.pop()
    return ""


# --- callers --------------------------------------------------------------------------------------------------------------


def _callers(group: Sequence[Entry]) -> CallerCounts:
    """How many callers there were, told apart by what they are and not by what is shown of them."""
    callers, people, roles, tasks, accounts = set(), set(), set(), set(), set()
    for entry in group:
        if not entry.masked.caller_ids:
            continue
        account, role, session, name = entry.masked.caller_ids
        kind = entry.decision.verdict.actor.kind
        person = kind is Kind.PERSON
        callers.add((account, name if person or role == _NONE else role))
        if person:
            people.add(name)
        elif role != _NONE:
            roles.add((account, role))
        if kind is Kind.ROBOT and session != _NONE:
            tasks.add(session)
        if entry.masked.foreign:
            accounts.add(account)
    return CallerCounts(max(1, len(callers)), len(people), len(roles), len(tasks), len(accounts))


_NONE: Final = hash(None)
"""What stands for a value that the caller does not have."""


def _shared_class(group: Sequence[Entry]) -> ActorClass | None:
    classes = {entry.decision.verdict.actor.name for entry in group}
    return group[0].decision.verdict.actor if len(classes) == 1 and Field.CLASS in group[0].masked.values else None


def _shared_evidence(group: Sequence[Entry]) -> Evidence | None:
    first = group[0].decision.verdict.evidence
    ids = {entry.decision.verdict.evidence and entry.decision.verdict.evidence.id for entry in group}
    return first if len(ids) == 1 and _shows(group[0].masked, Field.EVIDENCE) else None


def _routes(request: Request) -> tuple[str, ...]:
    return request.routes or (f"{request.policy}/{request.route}",)
