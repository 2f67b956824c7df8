"""What a message about one event says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import Field
from engine.pipeline.render.changes import mute_links
from engine.pipeline.render.escape import visible
from engine.pipeline.render.labels import WORDS
from engine.pipeline.render.layout import Content, Piece, Style
from engine.pipeline.render.links import event_links, runbook_links
from engine.pipeline.render.phrases import (
    DASH,
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

    from engine.model import Channel, Decision, Deployment, MaskedEvent, Request
    from engine.pipeline.render.labels import Words

_LONGEST_IN_LEAD: Final = 120
_LONGEST_VALUE: Final = 300
_LONGER: Final = {Field.KEY: 1024, Field.COPY_SOURCE: 1024, Field.ERROR_MESSAGE: 1024}
"""Shown characters of a value, where the message has room for them. An S3 key has at most 1,024 bytes."""


def event_content(masked: MaskedEvent, decision: Decision, request: Request, channel: Channel, deployment: Deployment) -> Content:
    """The content of a message about one event; of the event itself only what `masked` has."""
    words = WORDS[channel.language]
    chosen = channel.fields or tuple(Field)
    actor = decision.actor if Field.CLASS in masked.values else None
    template = request.title or (actor and actor.title) or _default_title(masked, words)
    routes = request.routes or (f"{request.policy}/{request.route}",)
    return Content(
        marks=marks(request.severity, actor),
        title=filled(template, masked, channel.timezone, words),
        lead=joined(tuple(_lead(masked, decision, chosen, words))),
        lines=tuple(_lines(masked, decision, channel, words)),
        notes=tuple(notes(decision.failures, request.fallback_for, words)),
        footer=(
            *footer(routes, masked.level, request.severity, decision.revision, words),
            *no_key(masked.hash_missing, words),
        ),
        links=(
            *event_links(masked, deployment),
            *runbook_links(request.runbook),
            *mute_links(masked, decision, deployment),
        ),
    )


def _default_title(masked: MaskedEvent, words: Words) -> str:
    if Field.EVENT not in masked.values:
        return words.event
    return words.title if Field.BUCKET in masked.values else words.title_without_bucket


# --- the lead: the event in one line ----------------------------------------------------------------------------------------


def _lead(masked: MaskedEvent, decision: Decision, chosen: Sequence[Field], words: Words) -> Iterator[list[Piece]]:
    """Whether it was allowed, who called, what they did to which object, and from where; as far as the channel shows these."""
    if shows(masked.level, Field.ERROR_CODE):
        yield list(_outcome(masked, decision, chosen, words))
    if Field.NAME in chosen or Field.CLASS in chosen:
        yield list(_who(masked, chosen, words))
    if Field.EVENT in chosen:
        yield [_brief(masked, Field.EVENT, words)]
    what = list(_object(masked, chosen))
    if what:
        yield what
    if Field.SOURCE_IP in chosen:
        yield [Piece(words.source), _brief(masked, Field.SOURCE_IP, words)]


def _outcome(masked: MaskedEvent, decision: Decision, chosen: Sequence[Field], words: Words) -> Iterator[Piece]:
    code = masked.values.get(Field.ERROR_CODE)
    yield Piece(outcome(code, words, denied=decision.facts.denied), Style.BOLD)
    if code is not None and Field.ERROR_CODE in chosen:
        yield from (Piece(" "), _code(code))


def _who(masked: MaskedEvent, chosen: Sequence[Field], words: Words) -> Iterator[Piece]:
    name, actor_class = masked.values.get(Field.NAME), masked.values.get(Field.CLASS)
    if Field.NAME in chosen and (name is not None or actor_class is None or Field.CLASS not in chosen):
        yield _brief(masked, Field.NAME, words)
        yield from (Piece(" ("), _code(actor_class), Piece(")")) if actor_class is not None and Field.CLASS in chosen else ()
    else:
        yield _brief(masked, Field.CLASS, words)


def _object(masked: MaskedEvent, chosen: Sequence[Field]) -> Iterator[Piece]:
    """What was touched, and for a copy what it was copied from."""
    source = masked.values.get(Field.COPY_SOURCE)
    if source is not None and Field.COPY_SOURCE in chosen:
        yield from (_code(source), Piece(" → "))
    parts = [masked.values[field] for field in (Field.BUCKET, Field.KEY) if field in chosen and field in masked.values]
    if parts:
        yield _code("/".join(parts))


def _brief(masked: MaskedEvent, field: Field, words: Words) -> Piece:
    value = masked.values.get(field)
    return Piece(absent(field, masked.level, masked.hash_missing, words)) if value is None else _code(value)


def _code(value: str) -> Piece:
    return Piece(value, Style.CODE, _LONGEST_IN_LEAD)


# --- the fields -----------------------------------------------------------------------------------------------------------


def _lines(masked: MaskedEvent, decision: Decision, channel: Channel, words: Words) -> Iterator[tuple[Piece, ...]]:
    """A line for each field that the channel shows and the masked event has."""
    shown = [field for field in channel.fields or tuple(Field) if field in masked.values]
    explained = next((field for field in shown if field in (Field.CLASS, Field.EVIDENCE)), None)
    for field in shown:
        value = masked.values[field]
        text = local_time(value, channel.timezone, words) if field is Field.TIME else value
        because = _because(masked, decision, words) if field is explained else ""
        piece = Piece(text, Style.CODE, _LONGER.get(field, _LONGEST_VALUE))
        yield labelled(words.fields[field], words, piece, *([Piece(because)] if because else []))


def _because(masked: MaskedEvent, decision: Decision, words: Words) -> str:
    """Why the caller is in its class, and how much that is worth."""
    if not shows(masked.level, Field.EVIDENCE):
        return ""
    if decision.evidence is None:
        return f"{DASH}{words.no_evidence}"
    says, worth = visible(decision.evidence.says, LONGEST_WORDS), words.strengths[decision.evidence.strength]
    return f"{DASH}{says} ({worth})"
