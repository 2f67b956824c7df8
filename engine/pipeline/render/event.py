"""What a message about one event says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import Field
from engine.pipeline.render.changes import mute_links
from engine.pipeline.render.escape import visible
from engine.pipeline.render.labels import WORDS
from engine.pipeline.render.layout import Content, Draft, Piece, Style, Value, made_buttons, picking
from engine.pipeline.render.links import event_links, runbook_links
from engine.pipeline.render.phrases import (
    DASH,
    LONGEST_TITLE,
    LONGEST_TITLE_VALUE,
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
    unfilled,
)
from engine.pipeline.render.times import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model import Channel, Decision, Deployment, MaskedEvent, Request
    from engine.pipeline.render.labels import Words
    from engine.pipeline.render.layout import Part, Picking
    from engine.pipeline.render.links import Link

_EVERY_FIELD: Final = tuple(Field)

_LONGEST_IN_LEAD: Final = 120
_LONGEST_VALUE: Final = 300
_LONGER: Final = {Field.KEY: 1024, Field.COPY_SOURCE: 1024, Field.ERROR_MESSAGE: 1024}
"""Shown characters of a value, where the message has room for them. An S3 key has at most 1,024 bytes."""


_TITLE: Final = "title"
_OBJECT: Final = "object"
"""Beside the fields, what fills the gaps of a draft."""

MOST_DRAFTS: Final = 256
"""Drafts that are kept."""


def event_payload(masked: MaskedEvent, decision: Decision, request: Request, channel: Channel, deployment: Deployment) -> bytes:
    """The payload of a message about one event; of the event itself only what `masked` has."""
    draft, words, time, touched, title, titled, places, _ = _draft(masked, decision, request, channel)
    # The values by place: those of the fields, then the object, then the title.
    texts = [*masked.values.values()]
    if time is not None:
        texts[time] = local_time(texts[time], channel.timezone, words)
    texts.append("/".join(touched(texts)))
    texts.append(title % titled(texts))
    links = _links(masked, decision, request, deployment)
    buttons = made_buttons(links, words) if links else ""
    made = draft.at_once(places(texts), buttons)
    if made is None:
        shown: dict[str, str] = dict(zip(masked.values, texts[:-2], strict=True))
        texts[-1] = filled(_title(masked, decision, request, words), shown, masked, words)
        made = draft.with_care(places(texts), buttons)
    return made


def _links(masked: MaskedEvent, decision: Decision, request: Request, deployment: Deployment) -> list[Link]:
    """Where the buttons lead."""
    links = [] if deployment.region is None else [*event_links(masked, deployment)]
    if request.runbook is not None:
        links += runbook_links(request.runbook)
    if deployment.changes is not None:
        links += mute_links(masked, decision, deployment)
    return links


def _title(masked: MaskedEvent, decision: Decision, request: Request, words: Words) -> str:
    """The template of the title."""
    chosen = request.title or (Field.CLASS in masked.values and decision.actor.title)
    if chosen:
        return chosen
    if Field.EVENT not in masked.values:
        return words.event
    return words.title if Field.BUCKET in masked.values else words.title_without_bucket


# --- the draft: what is the same in messages about like events --------------------------------------------------------------


class _Drawn(NamedTuple):
    """A draft, its words, and what is picked from the values by their places.

    `time` is the place of the time, `touched` picks what the object is made of, `places` what fills the draft. `title % titled`
    is the title where all values are shown as they are. `parties` are kept with it, so that no other can be taken for one.
    """

    draft: Draft
    words: Words
    time: int | None
    touched: Picking
    title: str
    titled: Picking
    places: Picking
    parties: tuple[object, ...]


_drawn: dict[object, _Drawn] = {}


def _draft(masked: MaskedEvent, decision: Decision, request: Request, channel: Channel) -> _Drawn:
    """The draft for every event that has the same fields and of which the same was decided.

    Channels, levels, classes and evidence are told apart by which object they are.
    """
    level, values, missing, denied, _, _ = masked
    _, actor, evidence, _, _, _, _, _, failures, revision = decision
    _, _, severity, _, _, title, _, routes, fallback_for = request
    key = (
        id(channel),
        id(level),
        id(actor),
        id(evidence),
        tuple(values),
        missing,
        severity,
        title,
        routes or _routes(request),
        fallback_for,
        failures,
        denied,
        revision,
    )
    found = _drawn.get(key)
    if found is None:
        if len(_drawn) >= MOST_DRAFTS:
            _drawn.clear()
        parties = channel, level, actor, evidence
        found = _drawn[key] = _drafted(masked, decision, request, channel, parties)
    return found


def _drafted(masked: MaskedEvent, decision: Decision, request: Request, channel: Channel, parties: tuple[object, ...]) -> _Drawn:
    words = WORDS[channel.language]
    title, titled = unfilled(_title(masked, decision, request, words), masked, words)
    most: dict[str, int] = dict.fromkeys(titled, LONGEST_TITLE_VALUE)
    draft = Draft(_content(masked, decision, request, channel), {**most, _TITLE: LONGEST_WORDS})
    names = (*masked.values, _OBJECT, _TITLE)

    def placed(some: Sequence[str]) -> Picking:
        return picking([names.index(name) for name in some])

    return _Drawn(
        draft=draft,
        words=words,
        time=names.index(Field.TIME) if Field.TIME in masked.values else None,
        touched=placed(_touched(masked, channel)),
        title=title,
        titled=placed(titled),
        places=placed(draft.names),
        parties=parties,
    )


def _routes(request: Request) -> tuple[str, ...]:
    return request.routes or (f"{request.policy}/{request.route}",)


def _content(masked: MaskedEvent, decision: Decision, request: Request, channel: Channel) -> Content:
    """The content with gaps for the values: of the masked event it matters only which fields it has."""
    words = WORDS[channel.language]
    return Content(
        marks=marks(request.severity, decision.actor if Field.CLASS in masked.values else None),
        title=Value(_TITLE, LONGEST_TITLE, Style.BOLD),
        lead=joined(tuple(_lead(masked, channel, words))),
        lines=tuple(_lines(masked, decision, channel, words)),
        notes=tuple(notes(decision.failures, request.fallback_for, words)),
        footer=(
            *footer(_routes(request), masked.level, request.severity, decision.revision, words),
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


def _lines(masked: MaskedEvent, decision: Decision, channel: Channel, words: Words) -> Iterator[tuple[Part, ...]]:
    """A line for each field that the channel shows and the masked event has."""
    shown = [field for field in _chosen(channel) if field in masked.values]
    explained = next((field for field in shown if field in (Field.CLASS, Field.EVIDENCE)), None)
    for field in shown:
        because = _because(masked, decision, words) if field is explained else ""
        value = Value(field, _LONGER.get(field, _LONGEST_VALUE))
        yield labelled(words.fields[field], words, value, *([Piece(because)] if because else []))


def _because(masked: MaskedEvent, decision: Decision, words: Words) -> str:
    """Why the caller is in its class, and how much that is worth."""
    if not shows(masked.level, Field.EVIDENCE):
        return ""
    if decision.evidence is None:
        return f"{DASH}{words.no_evidence}"
    says, worth = visible(decision.evidence.says, LONGEST_WORDS), words.strengths[decision.evidence.strength]
    return f"{DASH}{says} ({worth})"
