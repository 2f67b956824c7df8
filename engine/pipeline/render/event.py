"""What a message about one event says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from engine.cache import BoundedCache
from engine.model import Field
from engine.pipeline.render.buttons import button_block
from engine.pipeline.render.changes import mute_links
from engine.pipeline.render.escape import visible
from engine.pipeline.render.labels import WORDS
from engine.pipeline.render.layout import Content, Layout, Piece, Style, Value
from engine.pipeline.render.links import event_links, runbook_links
from engine.pipeline.render.phrases import (
    DASH,
    LONGEST_TITLE,
    LONGEST_WORDS,
    absent,
    filled,
    footer,
    joined,
    labelled,
    marks,
    no_key,
    notes,
    outcome,
    shows,
)
from engine.pipeline.render.times import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model import Channel, Decision, Deployment, Language, MaskedEvent, Request
    from engine.pipeline.render.buttons import Link
    from engine.pipeline.render.labels import Words
    from engine.pipeline.render.layout import Part

_EVERY_FIELD: Final = tuple(field for field in Field if field not in (Field.SIZE, Field.CLIENT))
"""What is shown where a channel does not choose."""

_LONGEST_IN_LEAD: Final = 120
_LONGEST_VALUE: Final = 300
_LONGER: Final = {Field.KEY: 1024, Field.COPY_SOURCE: 1024, Field.ERROR_MESSAGE: 1024}
"""Shown characters of a value, where the message has room for them. An S3 key has at most 1,024 bytes."""


_TITLE: Final = "title"
_OBJECT: Final = "object"
"""Names of the gaps that are no fields."""

LAYOUTS_SIZE: Final = 256

Layouts: TypeAlias = BoundedCache[tuple[object, ...], Layout]
"""The layouts of one policy set, in which a name means one channel, level, class or route."""


def event_payload(  # noqa: PLR0913  the values that flow, each of its own type
    masked: MaskedEvent,
    decision: Decision,
    request: Request,
    channel: Channel,
    deployment: Deployment,
    *,
    layouts: Layouts | None = None,
) -> bytes:
    """The payload of a message about one event; of the event itself only what `masked` has."""
    words = WORDS[channel.language]
    values = dict[str, str](masked.values.items())
    if Field.TIME in values:
        values[Field.TIME] = local_time(values[Field.TIME], channel.timezone, words)
    values[_OBJECT] = "/".join(values[field] for field in _touched(masked, channel))
    values[_TITLE] = filled(_title(masked, decision, request, channel.language), values, masked, words)
    layout = _layout(masked, decision, request, channel, layouts)
    return layout.filled(values, button_block(_links(masked, decision, request, deployment), words.links))


def _links(masked: MaskedEvent, decision: Decision, request: Request, deployment: Deployment) -> list[Link]:
    """Where the buttons lead."""
    links = [] if deployment.region is None else [*event_links(masked, deployment)]
    if request.runbook is not None:
        links += runbook_links(request.runbook)
    if deployment.changes is not None:
        links += mute_links(masked, decision, deployment)
    return links


def _title(masked: MaskedEvent, decision: Decision, request: Request, language: Language) -> str:
    """The template of the title."""
    chosen = request.title or (decision.verdict.actor.title if Field.CLASS in masked.values else None)
    if chosen:
        return chosen.in_language(language)
    words = WORDS[language]
    if Field.EVENT not in masked.values:
        return words.event
    return words.title if Field.BUCKET in masked.values else words.title_without_bucket


# --- the layout: what is the same in messages about like events ---------------------------------------------------------------


def _layout(masked: MaskedEvent, decision: Decision, request: Request, channel: Channel, layouts: Layouts | None) -> Layout:
    """The layout for every event that has the same fields and the same decision. `layouts`: those of the policy set so far."""
    if layouts is None:
        return Layout(_content(masked, decision, request, channel))
    key = (
        channel.name,
        masked.level.name,
        decision.verdict.actor.name,
        decision.verdict.evidence and decision.verdict.evidence.id,
        tuple(masked.values),
        masked.hash_missing,
        masked.denied,
        request.severity,
        _routes(request),
        request.fallback_for,
        decision.verdict.failures,
    )
    layout = layouts.get(key)
    if layout is None:
        layout = layouts[key] = Layout(_content(masked, decision, request, channel))
    return layout


def _routes(request: Request) -> tuple[str, ...]:
    return request.routes or (f"{request.policy}/{request.route}",)


def _content(masked: MaskedEvent, decision: Decision, request: Request, channel: Channel) -> Content:
    """The content with gaps for the values: of the masked event it matters only which fields it has."""
    words = WORDS[channel.language]
    return Content(
        marks=marks(request.severity, decision.verdict.actor if Field.CLASS in masked.values else None),
        title=Value(_TITLE, LONGEST_TITLE, Style.BOLD),
        lead=joined(tuple(_lead(masked, channel, words))),
        lines=tuple(_lines(masked, decision, channel)),
        notes=tuple(notes(decision.verdict.failures, request.fallback_for, words)),
        footer=(
            *footer(_routes(request), masked.level, request.severity, decision.verdict.revision, words),
            *no_key(masked.hash_missing, words),
        ),
    )


# --- the lead: the event in one line ----------------------------------------------------------------------------------------


def _lead(masked: MaskedEvent, channel: Channel, words: Words) -> Iterator[list[Part]]:
    """Whether it was allowed, who called, what they did to which object, and from where; as far as the channel shows these."""
    chosen = _chosen(channel)
    if shows(masked.level, Field.ERROR_CODE):
        yield list(_outcome(masked, chosen, words))
    if Field.NAME in chosen or Field.CLASS in chosen:
        yield list(_who(masked, chosen, words))
    if Field.EVENT in chosen:
        yield [_brief(masked, Field.EVENT, words)]
    what = list(_object(masked, channel))
    if what:
        yield what
    if Field.SOURCE_IP in chosen:
        yield [Piece(words.source), _brief(masked, Field.SOURCE_IP, words)]


def _chosen(channel: Channel) -> Sequence[Field]:
    return channel.fields or _EVERY_FIELD


def _outcome(masked: MaskedEvent, chosen: Sequence[Field], words: Words) -> Iterator[Part]:
    failed = Field.ERROR_CODE in masked.values
    yield Piece(outcome(words, failed=failed, denied=masked.denied), Style.BOLD)
    if failed and Field.ERROR_CODE in chosen:
        yield from (Piece(" "), _short(Field.ERROR_CODE))


def _who(masked: MaskedEvent, chosen: Sequence[Field], words: Words) -> Iterator[Part]:
    classed = Field.CLASS in chosen and Field.CLASS in masked.values
    if Field.NAME in chosen and (Field.NAME in masked.values or not classed):
        yield _brief(masked, Field.NAME, words)
        yield from (Piece(" ("), _short(Field.CLASS), Piece(")")) if classed else ()
    else:
        yield _brief(masked, Field.CLASS, words)


def _object(masked: MaskedEvent, channel: Channel) -> Iterator[Part]:
    """What was touched, and for a copy what it was copied from."""
    if Field.COPY_SOURCE in masked.values and Field.COPY_SOURCE in _chosen(channel):
        yield from (_short(Field.COPY_SOURCE), Piece(" → "))
    if _touched(masked, channel):
        yield _short(_OBJECT)


def _touched(masked: MaskedEvent, channel: Channel) -> tuple[Field, ...]:
    """Of bucket and key what is shown."""
    chosen, values = _chosen(channel), masked.values
    return tuple(field for field in (Field.BUCKET, Field.KEY) if field in values and field in chosen)


def _brief(masked: MaskedEvent, field: Field, words: Words) -> Part:
    return _short(field) if field in masked.values else Piece(absent(field, masked.level, masked.hash_missing, words))


def _short(name: str) -> Value:
    return Value(name, _LONGEST_IN_LEAD)


# --- the fields -----------------------------------------------------------------------------------------------------------


def _lines(masked: MaskedEvent, decision: Decision, channel: Channel) -> Iterator[tuple[Part, ...]]:
    """A line for each field that the channel shows and the masked event has."""
    words = WORDS[channel.language]
    shown = [field for field in _chosen(channel) if field in masked.values]
    explained = next((field for field in shown if field in (Field.CLASS, Field.EVIDENCE)), None)
    for field in shown:
        because = _because(masked, decision, channel.language) if field is explained else ""
        value = Value(field, _LONGER.get(field, _LONGEST_VALUE))
        yield labelled(words.fields[field], words, value, *([Piece(because)] if because else []))


def _because(masked: MaskedEvent, decision: Decision, language: Language) -> str:
    """Why the caller is in its class, and how much that is worth."""
    if not shows(masked.level, Field.EVIDENCE):
        return ""
    words = WORDS[language]
    if decision.verdict.evidence is None:
        return f"{DASH}{words.no_evidence}"
    evidence = decision.verdict.evidence
    says = visible(evidence.says.in_language(language), LONGEST_WORDS)
    return f"{DASH}{says} ({words.strengths[evidence.strength]})"
