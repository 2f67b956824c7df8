"""Rows of the outbox as messages: one event that alerts, the sum of an incident, or a fold of many rows.

A row holds what the levels of its entries left. Where no view in it is strict enough for who is to read it, because the policy
set has changed, the message gives a count only.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import (
    SEVERITY_RANK,
    ActorClass,
    Decision,
    Detail,
    Field,
    Fold,
    Incident,
    Kind,
    LocalizedText,
    MaskedEvent,
    Message,
    Request,
    Severity,
    Summary,
    Verdict,
)
from engine.outbox.digest import unknown_events
from engine.outbox.rows import DueNotice, View, next_notice
from engine.pipeline.digest import actor_of, evidence_of, failures_of, summary_of
from engine.pipeline.render import Counted, render, render_fold, render_incident, render_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import Channel, Level, PolicySet
    from engine.outbox.rows import OutboxRow
    from engine.pipeline.setting import Setting

LARGEST_SHOWN: Final = 5
"""Incidents that a fold names."""

_NOBODY: Final = ActorClass("unknown", Kind.UNKNOWN)


class DueRow(NamedTuple):
    """A row that is due, with what to say of it, to whom, and at which level (None: as a count)."""

    row: OutboxRow
    notice: DueNotice
    channel: Channel
    level: Level | None


def due_row(row: OutboxRow, now: int, channel: Channel, policies: PolicySet, *, to_fallback: bool = False) -> DueRow | None:
    """What a channel, the row's own or one in its place, is to hear of a row; None: nothing.

    `to_fallback`: the fallback gets a message first, the row's own channel later.
    """
    if to_fallback:
        start = max(row.notified, row.fallback_notified)
        notice: DueNotice | None = DueNotice(start, row.events, alert=True, ended=row.closed, repeated=row.fallback_tries > 1)
    else:
        notice = next_notice(row, now)
    return None if notice is None else DueRow(row, notice, channel, _level(row, channel, policies))


def composed(due_rows: Sequence[DueRow], setting: Setting) -> Message:
    """The message about some rows. Where it cannot be made, it gives counts only: a row must not stop its channel."""
    as_counts = [due._replace(level=None) for due in due_rows]
    for some in (due_rows, as_counts):
        try:
            return _composed(some, setting)
        except Exception:  # noqa: BLE001, S112  what a row holds was written by another version, or by somebody who should not
            continue
    return _composed([due._replace(row=due.row._replace(views=())) for due in as_counts], setting)


def _composed(due_rows: Sequence[DueRow], setting: Setting) -> Message:
    return fold_of(due_rows, setting) if len(due_rows) > 1 else message_of(due_rows[0], setting)


def message_of(due: DueRow, setting: Setting) -> Message:
    """The message about one row."""
    row, notice, channel, level = due
    view = _view(row, level)
    instead_of = row.channel if channel.name != row.channel else None
    if notice.alert and not row.summary and level is not None and view.sample is not None:
        sample = view.sample
        counted = None if row.events == 1 and not notice.repeated else _counts(row, notice, view)
        masked, decision, request = _event(sample, level, channel.name, instead_of)
        return render(masked, decision, request, channel, setting.deployment, counted=counted)
    summary = _summary(due, setting)
    if row.summary and not notice.repeated:
        return render_summary(summary, channel, setting.deployment)
    incident = Incident(summary, notice.end - notice.start, ended=notice.ended, repeated=notice.repeated)
    return render_incident(incident, channel, setting.deployment)


def fold_of(due_rows: Sequence[DueRow], setting: Setting) -> Message:
    """One message about several rows of one channel and level."""
    summaries = [_summary(due, setting) for due in due_rows]
    ordered = sorted(summaries, key=lambda summary: (-SEVERITY_RANK[summary.severity], -summary.total))
    times = [(view.digest.first, view.digest.last) for view in (_view(due.row, due.level) for due in due_rows)]
    first = min((first for first, _ in times if first), default=None)
    last = max((last for _, last in times if last), default=None)
    channel = due_rows[0].channel
    fold = Fold(
        incidents=len(due_rows),
        events=sum(due.notice.end - due.notice.start for due in due_rows),
        first=first[1] if first else None,
        last=last[1] if last else None,
        largest=tuple(ordered[:LARGEST_SHOWN]),
        severity=ordered[0].severity,
        routes=tuple(dict.fromkeys(route for summary in ordered for route in summary.routes)),
        revision=setting.policies.revision,
        repeated=any(due.notice.repeated for due in due_rows),
    )
    return render_fold(fold, channel, setting.deployment)._replace(
        hash_missing=max(summary.hash_missing for summary in summaries)
    )


def event_ids(due: DueRow) -> list[str | None]:
    """The id of the event, where a message is about one alone and the row has it."""
    sample = due.row.views[0].sample if due.row.views else None
    return [sample["event_id"]] if sample is not None and due.row.events == 1 else []


def _level(row: OutboxRow, channel: Channel, policies: PolicySet) -> Level | None:
    """The least strict level of the row's views that is strict enough for the channel's readers."""
    levels = {level.name: level for level in policies.levels}
    known = [levels[view.level] for view in row.views if view.level in levels]
    return min((level for level in known if level.rank >= channel.masking_floor.rank), key=lambda level: level.rank, default=None)


def _view(row: OutboxRow, level: Level | None) -> View:
    """The view of a level; without one, that of any with nothing in it but counts."""
    for view in row.views:
        if level is not None and view.level == level.name:
            return view
    if not row.views:
        return View("", unknown_events(row.events, row.severity))
    view = row.views[0]
    lead = {**view.digest.lead, "title": None, "runbook": None, "actor": None, "evidence": None}
    bare = view.digest._replace(
        lead=lead, shared={}, flags=dict.fromkeys(view.digest.flags), first=None, last=None, size=None, top={}, further={}
    )
    return View("", bare._replace(keys={}, objects=[], denied_under=None, callers={}, callers_dropped={}, failures=[]))


def _summary(due: DueRow, setting: Setting) -> Summary:
    row, _, channel, level = due
    strictest = max(setting.policies.levels, key=lambda level: level.rank)
    summary = summary_of(_view(row, level).digest, level or strictest, _fields_alike(channel))
    return summary if channel.name == row.channel else summary._replace(fallback_for=row.channel)


def _fields_alike(channel: Channel) -> tuple[Field, ...]:
    rule = channel.incident or channel.digest
    return tuple(key for key in rule.by if isinstance(key, Field)) if rule is not None else ()


def _counts(row: OutboxRow, notice: DueNotice, view: View) -> Counted:
    digest, source = view.digest, Field.SOURCE_IP.value
    networks = len(digest.top.get(source, {})) + digest.further.get(source, 0)
    return Counted(notice.end - notice.start - 1, row.events, repeated=notice.repeated, networks=networks)


def _event(sample: dict[str, Any], level: Level, channel: str, instead_of: str | None) -> tuple[MaskedEvent, Decision, Request]:
    """The values that a sample was made of; what was only needed to decide is left out."""
    masked = MaskedEvent(
        level,
        MappingProxyType({Field(name): text for name, text in sample["values"].items()}),
        hash_missing=sample["hash_missing"],
        **sample["flags"],
    )
    request = Request(
        channel=channel,
        level=level,
        severity=Severity(sample["severity"]),
        policy=sample["policy"],
        route=sample["route"],
        title=None if sample["title"] is None else LocalizedText(*sample["title"]),
        runbook=sample["runbook"],
        routes=tuple(sample["routes"]),
        fallback_for=instead_of or sample["fallback_for"],
        detail=Detail(sample["detail"]),
    )
    verdict = Verdict(
        actor=actor_of(sample["actor"]) or _NOBODY,
        evidence=evidence_of(sample["evidence"]),
        requests=(request,),
        routes=tuple(sample["matched"]),
        mutes=(),
        silences=(),
        defaulted=sample["defaulted"],
        failures=failures_of(sample["failures"]),
        revision=sample["revision"],
    )
    return masked, Decision(sample["event_id"], verdict), request
