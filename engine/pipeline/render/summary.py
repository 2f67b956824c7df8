"""What messages about several events say: a digest of one batch, an incident, and a fold of many incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import Field, Severity
from engine.pipeline.render.actions import OBJECTS, Action, action_of
from engine.pipeline.render.amounts import readable_size, readable_span
from engine.pipeline.render.callers import Caller
from engine.pipeline.render.escape import visible
from engine.pipeline.render.event import Subject, explanation, slots_of, subject_shown
from engine.pipeline.render.languages import WORDS
from engine.pipeline.render.layout import Content
from engine.pipeline.render.links import audit_links, event_links, runbook_links
from engine.pipeline.render.marks import mark_of
from engine.pipeline.render.parts import Part, Sentence, Style, joined, own, sentence, shortened, shortened_key, value
from engine.pipeline.render.phrases import CLIENT_MAX_LENGTH, NAME_MAX_LENGTH, client_text, first_line, footer, notes
from engine.pipeline.render.targets import Target
from engine.pipeline.render.times import local_day, local_span, moment
from engine.pipeline.render.words import ActionWords, CallOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from engine.model import CallerCounts, Channel, Deployment, Fold, Incident, Language, Summary, Top
    from engine.pipeline.render.targets import Link
    from engine.pipeline.render.words import Words

BULLETS_MAX: Final = 3
FOLD_BULLETS_MAX: Final = 5

_KEY_MAX_LENGTH: Final = 48
_NAMES_SHOWN: Final = 3


def summary_content(summary: Summary, channel: Channel, deployment: Deployment) -> Content:
    """The content of a digest."""
    subject = _subject(summary, channel.language)
    words = subject.words
    return Content(
        mark=mark_of(summary.severity, summary.actor),
        headline=_headline(summary, subject),
        details=joined(tuple(_details(summary, subject, channel))),
        bullets=tuple(_bullets(summary, words))[:BULLETS_MAX],
        explanation=explanation(subject),
        notes=tuple(notes(summary.failures, summary.fallback_for, summary.hash_missing, words)),
        links=tuple(_links(summary, words, deployment)),
        footer=tuple(_footer(summary, channel, words)),
        severity=summary.severity,
        actor_class=summary.actor.name if summary.actor is not None else None,
    )


def incident_content(incident: Incident, channel: Channel, deployment: Deployment) -> Content:
    """The content of an incident's message: as far as it has got, or when it is over."""
    content, words = summary_content(incident.summary, channel, deployment), WORDS[channel.language]
    state = own(words.ended if incident.ended else words.so_far)
    unreported = words.more_like_it.format(more=f"{incident.unreported:,}", total=f"{incident.summary.total:,}")
    more = [unreported] if 0 < incident.unreported < incident.summary.total else []
    repeated = [words.may_repeat] if incident.repeated else []
    return content._replace(
        details=joined([(state,), content.details] if content.details else [(state,)]), notes=(*more, *repeated, *content.notes)
    )


def fold_content(fold: Fold, channel: Channel, deployment: Deployment) -> Content:
    """The content of one message about many incidents."""
    words = WORDS[channel.language]
    template = words.incidents_within if _span(fold.first, fold.last) else words.incidents_with
    slots = {
        "incidents": own(words.incidents.format(count=f"{fold.incidents:,}")),
        "count": own(f"{fold.events:,}"),
        "span": own(_span_text(fold.first, fold.last, words)),
    }
    largest = [_subject(summary, channel.language) for summary in fold.largest]
    bullets = [_headline(summary, subject).parts() for summary, subject in zip(fold.largest, largest, strict=True)]
    more = fold.incidents - len(bullets[:FOLD_BULLETS_MAX])
    return Content(
        mark=mark_of(Severity.WARNING if fold.severity is Severity.INFO else fold.severity, None),
        headline=sentence(template, slots),
        details=(own(_local_span(fold.first, fold.last, channel, words)),) if _span(fold.first, fold.last) else (),
        bullets=(*bullets[:FOLD_BULLETS_MAX], *([(own(words.further.format(count=f"{more:,}")),)] if more > 0 else ())),
        notes=(words.may_repeat,) if fold.repeated else (),
        links=tuple(
            link._replace(label=words.all_records.format(count=f"{fold.events:,}"))
            for link in audit_links(channel.name, (fold.first, fold.last), deployment)
        ),
        footer=(*_day(fold.first, channel, words), *_fold_footer(fold, words)),
        severity=fold.severity,
    )


def _fold_footer(fold: Fold, words: Words) -> Iterator[str]:
    routes = [visible(route, NAME_MAX_LENGTH) for route in fold.routes[:_NAMES_SHOWN]]
    further = len(fold.routes) - len(routes)
    yield words.comma.join([*routes, *([words.further.format(count=further)] if further > 0 else [])])
    yield visible(fold.revision.removeprefix("sha256:"), NAME_MAX_LENGTH)


# --- the first line -------------------------------------------------------------------------------------------------------


def _subject(summary: Summary, language: Language) -> Subject:
    return subject_shown(summary.shared, summary.actor, summary.evidence, language)


def _headline(summary: Summary, subject: Subject) -> Sentence:
    """Who did what how often, where, and within what time."""
    words, outcome, count = subject.words, _outcome(summary), _done_or_all(summary)
    span = _span_text(summary.first, summary.last, words)
    action = _action(summary, subject, count, words)
    if span:
        action = ActionWords(action.done + words.within, action.attempted + words.within)
    slots = {**slots_of(subject), "bucket": _where(summary, subject), "count": own(f"{count:,}"), "span": own(span)}
    return first_line(_caller(summary, subject), action, slots, outcome, words)


def _done_or_all(summary: Summary) -> int:
    """How many events the first line is about: those that did not fail, or all where all did."""
    done = summary.total - (summary.denied or 0) - (summary.failed or 0)
    return done or summary.total


def _outcome(summary: Summary) -> CallOutcome:
    if summary.denied is None or summary.failed is None:
        return CallOutcome.UNKNOWN
    if summary.denied + summary.failed < summary.total:
        return CallOutcome.DONE
    return CallOutcome.DENIED if summary.denied else CallOutcome.FAILED


def _action(summary: Summary, subject: Subject, count: int, words: Words) -> ActionWords:
    if Field.EVENT not in subject.masked.values and Field.EVENT in summary.top:
        return words.several_requests
    action = action_of(subject.masked)
    forms = words.actions[action]
    if count == 1:
        return forms
    if action in OBJECTS and summary.objects == count:
        return ActionWords(forms.done_to_objects, forms.attempted_on_objects)
    if action is Action.ACCESS:
        return words.several_requests
    return ActionWords(
        words.times.format(done=forms.done, count="{count}", bucket="{bucket}", source="{source}", event="{event}"),
        words.times.format(done=forms.attempted, count="{count}", bucket="{bucket}", source="{source}", event="{event}"),
    )


def _where(summary: Summary, subject: Subject) -> Part:
    buckets = summary.top.get(Field.BUCKET)
    if buckets is None:
        return slots_of(subject)["bucket"]
    count = len(buckets.values) + buckets.further
    return own(subject.words.buckets.format(count=f"{count:,}"), Style.BOLD)


def _caller(summary: Summary, subject: Subject) -> Caller:
    """Who called; how many where they are several."""
    counts, words = summary.callers, subject.words
    if counts.callers == 1:
        return subject.caller
    text = words.callers.format(count=f"{counts.callers:,}")
    for count, template in ((counts.people, words.people), (counts.roles, words.roles), (counts.accounts, words.accounts)):
        if count == counts.callers:
            text = template.format(count=f"{count:,}")
            break
    return Caller(own(text, Style.BOLD), Part(""), frozenset(), in_own_words=True)


# --- details and bullets --------------------------------------------------------------------------------------------------


def _details(summary: Summary, subject: Subject, channel: Channel) -> Iterator[tuple[Part, ...]]:
    """How many objects and bytes, when, by how many callers of a sort, with what, from where."""
    words, values = subject.words, subject.masked.values
    if 1 < summary.objects < _done_or_all(summary):
        yield (own(words.objects.format(count=f"{summary.objects:,}")),)
    if summary.size:
        yield (own(readable_size(str(summary.size), words.bytes)),)
    if summary.first is not None and summary.last is not None:
        yield (own(_local_span(summary.first, summary.last, channel, words)),)
    yield from _sorts_of_callers(summary.callers, words)
    if Field.CLIENT in values:
        yield (value(client_text(values[Field.CLIENT], words), CLIENT_MAX_LENGTH),)
    networks = summary.top.get(Field.SOURCE_IP)
    if networks is not None:
        yield (own(words.networks.format(count=f"{len(networks.values) + networks.further:,}")),)
    elif Field.SOURCE_IP in values:
        yield (value(values[Field.SOURCE_IP], NAME_MAX_LENGTH),)


def _sorts_of_callers(counts: CallerCounts, words: Words) -> Iterator[tuple[Part, ...]]:
    """How many callers are of a sort, as far as the first line does not say it."""
    for count, template in ((counts.people, words.people), (counts.roles, words.roles), (counts.accounts, words.accounts)):
        if 1 < count < counts.callers:
            yield (own(template.format(count=f"{count:,}")),)
    if counts.tasks > 1:
        yield (own(words.tasks.format(count=f"{counts.tasks:,}")),)


def _bullets(summary: Summary, words: Words) -> Iterator[tuple[Part, ...]]:
    """Who the callers and which the buckets were where they are several, the folders that were touched, and what was denied."""
    who = next((summary.top[field] for field in (Field.NAME, Field.ROLE) if field in summary.top), None)
    room = BULLETS_MAX - bool(_some_denied(summary))
    if who is not None and summary.callers.callers > 1:
        room -= 1
        yield _counted(who, words)
    if Field.BUCKET in summary.top:
        room -= 1
        yield _counted(summary.top[Field.BUCKET], words)
    counted = words.objects if summary.objects == _done_or_all(summary) else words.events
    for group in summary.keys[: max(room, 0)]:
        count = counted.format(count=f"{group.events:,}")
        size = f" · {readable_size(str(group.size), words.bytes)}" if group.size else ""
        folder = value(shortened_key(group.prefix or "/", _KEY_MAX_LENGTH), _KEY_MAX_LENGTH, Style.CODE)
        if group.events > 1 or group.size:
            yield folder, Part(f" {count}{size}")
        else:
            yield (folder,)
    if _some_denied(summary):
        yield _denied(summary, words)


def _counted(top: Top, words: Words) -> tuple[Part, ...]:
    """The most frequent values with their counts, and how many others there are."""
    items = [(value(text, NAME_MAX_LENGTH), Part(f" {count:,}")) for text, count in top.values[:_NAMES_SHOWN]]
    further = len(top.values) - len(items) + top.further
    return joined([*items, *([(own(words.further.format(count=f"{further:,}")),)] if further else [])], words.comma)


def _some_denied(summary: Summary) -> bool:
    return bool(summary.denied) and summary.denied != summary.total


def _denied(summary: Summary, words: Words) -> tuple[Part, ...]:
    count = f"{summary.denied:,}"
    if summary.denied_under:
        folder = value(shortened_key(summary.denied_under, _KEY_MAX_LENGTH), _KEY_MAX_LENGTH, Style.CODE)
        return own(words.denied_under.format(count=count)), folder
    return (own(words.denied_count.format(count=count, total=f"{summary.total:,}")),)


# --- time, links, footer --------------------------------------------------------------------------------------------------


def _span(first: str | None, last: str | None) -> timedelta | None:
    start, end = first and moment(first), last and moment(last)
    return end - start if start and end else None


def _span_text(first: str | None, last: str | None, words: Words) -> str:
    span = _span(first, last)
    return readable_span(span, words.seconds, words.minutes, words.hours) if span else ""


def _local_span(first: str | None, last: str | None, channel: Channel, words: Words) -> str:
    start, end = first and moment(first), last and moment(last)
    return visible(local_span(start, end, channel.timezone, words), NAME_MAX_LENGTH) if start and end else ""


def _links(summary: Summary, words: Words, deployment: Deployment) -> Iterator[Link]:
    yield from runbook_links(summary.runbook)
    label = words.all_records.format(count=f"{summary.total:,}")
    for route in summary.routes[:1]:
        for link in audit_links(route, (summary.first, summary.last), deployment):
            yield link._replace(label=label)
    if summary.callers.callers == 1:
        yield from (link for link in event_links(summary.shared, deployment) if link.target is Target.ELSE)


def _footer(summary: Summary, channel: Channel, words: Words) -> Iterator[str]:
    counted = [
        f"{count:,} × {visible(shortened(text, NAME_MAX_LENGTH))}"
        for field in (Field.EVENT, Field.ERROR_CODE)
        if field in summary.top
        for text, count in summary.top[field].values[:_NAMES_SHOWN]
    ]
    event = summary.shared.values.get(Field.EVENT)
    yield words.comma.join([*([f"{summary.total:,} × {visible(event, NAME_MAX_LENGTH)}"] if event else []), *counted])
    yield from _day(summary.first, channel, words)
    yield from footer(summary.routes, summary.shared.level, channel, summary.revision, words)


def _day(first: str | None, channel: Channel, words: Words) -> Iterator[str]:
    day = local_day(first, channel.timezone, words) if first is not None else ""
    if day:
        yield visible(day, NAME_MAX_LENGTH)
