"""Many like messages for one channel become one summary, so that a flood neither hides what matters nor runs into Slack's rate.

Like messages agree in the masked values of the rule's fields and in their level: what was masked at one level is never shown
under the name of a stricter one. Nothing is lost: every event is posted singly or counted in exactly one summary.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import (
    ActorClass,
    CallerCounts,
    Evidence,
    Failure,
    Field,
    KeyGroup,
    Kind,
    LocalizedText,
    MaskedEvent,
    Matcher,
    MatcherKind,
    Operator,
    Severity,
    Strength,
    Summary,
    Top,
)
from engine.outbox.digest import PREFIX_DEPTH, VALUES_KEPT, Digest, folder, grouped, sum_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import Decision, DigestRule, Level, Request


class Entry(NamedTuple):
    """One event of which one channel is to be notified; `number` is its place in the batch."""

    number: int
    masked: MaskedEvent
    decision: Decision
    request: Request


KEY_GROUPS: Final = 3
FLAGS: Final = ("denied", "cross_account", "access_kind", "of_version", "makes_public", "foreign")
_UNSHARED: Final[dict[str, Any]] = {**dict.fromkeys(FLAGS, False), "access_kind": "other"}
"""What stands for a flag that only some of the events have."""

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
    many = [group for group in groups.values() if len(group) > rule.after]
    return singles, tuple(
        summary_of(
            sum_of([digest_of(entry) for entry in group]),
            group[0].masked.level,
            rule.by,
            tuple(entry.number for entry in group),
        )
        for group in many
    )


def _likeness(entry: Entry, rule: DigestRule) -> object:
    return entry.masked.level.name, tuple(entry.masked.values.get(field) for field in rule.by)


def digest_of(entry: Entry) -> Digest:
    """What is known of one event. Its object and its caller are told apart by the ids that `masked` has for them."""
    masked, request, verdict = entry.masked, entry.request, entry.decision.verdict
    values = masked.values
    failed = Field.ERROR_CODE in values
    denied = failed and masked.denied
    key = values.get(Field.KEY)
    if masked.level.operators.get(Field.KEY) is Operator.HASH:  # a pseudonym has no folders
        key = None
    size = None if failed else _bytes(values.get(Field.SIZE, ""))
    time = values.get(Field.TIME)
    moment = None if time is None else _moment(time)
    pair = None if moment is None or time is None else [moment.astimezone(UTC).isoformat(timespec="microseconds"), time]
    return Digest(
        total=1,
        failed=int(failed and not denied),
        denied=int(denied),
        severity=request.severity.value,
        lead=lead_of(entry),
        shared={field.value: text for field, text in values.items()},
        flags=flags_of(masked),
        first=pair,
        last=pair,
        size=size,
        top={field.value: {values[field]: 1} for field in _LISTED if field in values},
        further={},
        keys={} if key is None or failed else {key: [1, size or 0]},
        depth=None,
        keys_dropped=0,
        objects=[] if key is None else [f"{'-' if failed else ''}{masked.object_id or key}"],
        objects_dropped=0,
        denied_under=folder(key, PREFIX_DEPTH) if denied and key is not None else None,
        callers=_callers(entry),
        callers_dropped={},
        routes=list(request.routes or (f"{request.policy}/{request.route}",)),
        failures=[[failure.kind.value, failure.policy, failure.id, failure.reason] for failure in verdict.failures],
        hash_missing=masked.hash_missing,
    )


def flags_of(masked: MaskedEvent) -> dict[str, Any]:
    """What a digest keeps of a masked event beside its values."""
    return {name: getattr(masked, name) for name in FLAGS}


def lead_of(entry: Entry) -> dict[str, Any]:
    """What the event's request and decision say, in the types that JSON gives back: what was written is compared with it."""
    request, verdict = entry.request, entry.decision.verdict
    actor, evidence = verdict.actor, verdict.evidence
    return {
        "policy": request.policy,
        "route": request.route,
        "title": _as_list(request.title),
        "runbook": request.runbook,
        "detail": request.detail.value,
        "fallback_for": request.fallback_for,
        "revision": verdict.revision,
        "actor": [actor.name, actor.kind.value, actor.emoji, _as_list(actor.title), actor.never_mute],
        "evidence": None if evidence is None else [evidence.id, _as_list(evidence.says), evidence.strength.value],
    }


def _as_list(text: LocalizedText | None) -> list[str | None] | None:
    return None if text is None else list(text)


def actor_of(values: Sequence[Any] | None) -> ActorClass | None:
    """The class that `lead_of` wrote, without its evidence."""
    if values is None:
        return None
    name, kind, emoji, title, never_mute = values
    return ActorClass(name, Kind(kind), emoji, None if title is None else LocalizedText(*title), never_mute)


def evidence_of(values: Sequence[Any] | None) -> Evidence | None:
    """The evidence that `lead_of` wrote; its matcher holds for nothing."""
    if values is None:
        return None
    name, says, strength = values
    return Evidence(name, LocalizedText(*says), Strength(strength), Matcher((), lambda _record, _facts: False))


def failures_of(values: Sequence[Sequence[str]]) -> tuple[Failure, ...]:
    """The failures that `digest_of` wrote."""
    return tuple(Failure(MatcherKind(kind), policy, name, reason) for kind, policy, name, reason in values)


def summary_of(digest: Digest, level: Level, by: tuple[Field, ...] = (), numbers: tuple[int, ...] = ()) -> Summary:
    """What a digest says to a reader at its level."""
    lead, done = digest.lead, digest.total - digest.failed - digest.denied
    groups, further = key_groups(digest.keys, digest.depth)
    succeeded = [name for name in digest.objects if not name.startswith("-")]
    objects = digest.objects if done == 0 else succeeded
    shared = MaskedEvent(
        level,
        MappingProxyType({Field(name): text for name, text in digest.shared.items()}),
        **{name: value if value is not None else _UNSHARED[name] for name, value in digest.flags.items()},
    )
    errors_shown = level.operators.get(Field.ERROR_CODE, Operator.DROP) is not Operator.DROP
    return Summary(
        total=digest.total,
        shared=shared,
        first=digest.first[1] if digest.first else None,
        last=digest.last[1] if digest.last else None,
        denied=digest.denied if errors_shown else None,
        failed=digest.failed if errors_shown else None,
        size=digest.size,
        objects=len(objects) + digest.objects_dropped,
        keys=groups,
        further_keys=further + digest.keys_dropped,
        denied_under=digest.denied_under or "",
        top={field: top for field in _LISTED if (top := _top(digest, field)) is not None},
        callers=_caller_counts(digest),
        actor=actor_of(lead.get("actor")) if Field.CLASS in shared.values else None,
        evidence=evidence_of(lead.get("evidence")) if _shows(level, Field.EVIDENCE) else None,
        severity=Severity(digest.severity),
        by=by,
        routes=tuple(digest.routes),
        revision=str(lead["revision"]),
        numbers=numbers,
        runbook=lead.get("runbook"),
        failures=failures_of(digest.failures),
        fallback_for=lead.get("fallback_for"),
        hash_missing=digest.hash_missing,
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _shows(level: Level, field: Field) -> bool:
    return level.operators.get(field, Operator.DROP) is not Operator.DROP


def _top(digest: Digest, field: Field) -> Top | None:
    """The most frequent values of a field, where there are several; of error codes, also where there is one."""
    counts, further = digest.top.get(field.value, {}), digest.further.get(field.value, 0)
    if len(counts) + further <= 1 and field is not Field.ERROR_CODE:
        return None
    frequent = sorted(counts.items(), key=lambda pair: -pair[1])
    return Top(tuple(frequent[:VALUES_KEPT]), further + max(0, len(frequent) - VALUES_KEPT))


def _bytes(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None


def key_groups(keys: dict[str, list[int]], depth: int | None = None) -> tuple[tuple[KeyGroup, ...], int]:
    """Events and bytes by key (or by folders so deep), by the deepest folders of which there are few enough.

    Also returns how many events are in no group.
    """
    groups, _ = grouped(keys, KEY_GROUPS, depth)
    ordered = sorted(groups.items(), key=lambda group: (-group[1][0], group[0]))
    shown = tuple(KeyGroup(prefix, *numbers) for prefix, numbers in ordered[:KEY_GROUPS])
    return shown, sum(events for _, (events, _) in ordered[KEY_GROUPS:])


# --- callers --------------------------------------------------------------------------------------------------------------


def _callers(entry: Entry) -> dict[str, list[str]]:
    """The ids of a caller, by what is counted: told apart by what the caller is, not by what is shown."""
    if not entry.masked.caller_ids:
        return {}
    account, role, session, name = entry.masked.caller_ids
    kind = entry.decision.verdict.actor.kind
    person = kind is Kind.PERSON
    counted = {
        "callers": f"{account}/{name if person or not role else role}",
        "people": name if person else "",
        "roles": f"{account}/{role}" if role and not person else "",
        "tasks": session if kind is Kind.ROBOT else "",
        "accounts": account if entry.masked.foreign else "",
    }
    return {what: [value] for what, value in counted.items() if value}


def _caller_counts(digest: Digest) -> CallerCounts:
    counts = {what: len(ids) + digest.callers_dropped.get(what, 0) for what, ids in digest.callers.items()}
    return CallerCounts(**{**counts, "callers": max(1, counts.get("callers", 0))})
