"""What a message about several like events says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import Field
from engine.pipeline.render.escape import visible
from engine.pipeline.render.labels import WORDS
from engine.pipeline.render.layout import Content, Part, Piece, Style, Value, payload
from engine.pipeline.render.links import audit_links, runbook_links
from engine.pipeline.render.phrases import (
    DASH,
    LONGEST_WORDS,
    footer,
    joined,
    labelled,
    marks,
    no_key,
    notes,
)
from engine.pipeline.render.times import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Channel, Deployment, Summary, Top, TopActors
    from engine.pipeline.render.labels import Words


def summary_payload(summary: Summary, channel: Channel, deployment: Deployment) -> bytes:
    """The payload of a summary."""
    words = WORDS[channel.language]
    content = Content(
        marks=marks(summary.severity, summary.actor),
        title=Piece(_title(summary, words), Style.BOLD),
        lead=joined(tuple(_lead(summary, channel, words))),
        lines=tuple(_lines(summary, channel, words)),
        notes=tuple(notes(summary.failures, summary.fallback_for, words)),
        footer=(
            *footer(summary.routes, summary.level, summary.severity, summary.revision, words),
            *no_key(summary.hash_missing, words),
        ),
    )
    audits = (link for route in summary.routes[:1] for link in audit_links(route, (summary.first, summary.last), deployment))
    return payload(content, (*audits, *runbook_links(summary.runbook)), words)


def _title(summary: Summary, words: Words) -> str:
    return words.summary.format(count=f"{summary.total:,}", what=visible(_what(summary, words), LONGEST_WORDS))


def _what(summary: Summary, words: Words) -> str:
    """The event and the bucket, as far as all have the same."""
    event, bucket = _only(summary, Field.EVENT), _only(summary, Field.BUCKET)
    template = words.title_without_bucket if bucket is None else words.title
    return template.format(event=words.event if event is None else event, bucket=bucket)


def _only(summary: Summary, field: Field) -> str | None:
    """The value of a field that every event has."""
    top = summary.top.get(field)
    return top.values[0][0] if top and top.values[0][1] == summary.total else summary.by.get(field)


def _lead(summary: Summary, channel: Channel, words: Words) -> Iterator[list[Part]]:
    """How many were denied, and when."""
    if summary.denied:
        yield [Piece(words.count_denied.format(count=f"{summary.denied:,}"), Style.BOLD)]
    if summary.first is not None and summary.last is not None:
        span = dict.fromkeys(local_time(time, channel.timezone, words) for time in (summary.first, summary.last))
        yield [Piece(visible(DASH.join(span)))]


def _lines(summary: Summary, channel: Channel, words: Words) -> Iterator[tuple[Part, ...]]:
    """Who called, what the events share, and the most frequent of what they do not; as far as the channel shows these."""
    chosen = {*(channel.fields or Field), *summary.by}
    who = Field.NAME in chosen and bool(summary.actors.values)
    if who:
        yield labelled(words.actors, words, *_actors(summary.actors, summary.total, words))
    for field, value in summary.by.items():
        if not (who and field in (Field.NAME, Field.CLASS)):
            text = local_time(value, channel.timezone, words) if field is Field.TIME else value
            yield labelled(words.fields[field], words, Value(text))
    for field, top in summary.top.items():
        if field in chosen:
            yield labelled(words.fields[field], words, *_top(top, summary.total, words))


def _actors(actors: TopActors, total: int, words: Words) -> tuple[Part, ...]:
    """Each name with its class, or the class alone where the name is hidden."""
    items: list[tuple[Part, ...]] = []
    for actor_class, name, count in actors.values:
        pieces = [Value(text) for text in (name, actor_class) if text is not None]
        between: list[Part] = [Piece(" ("), pieces[1], Piece(")")] if len(pieces) > 1 else []
        items.append((pieces[0], *between, *_times(count, total)))
    return _listed(items, actors.further, words)


def _top(top: Top, total: int, words: Words) -> tuple[Part, ...]:
    items: list[tuple[Part, ...]] = [(Value(value, LONGEST_WORDS), *_times(count, total)) for value, count in top.values]
    return _listed(items, top.further, words)


def _times(count: int, total: int) -> tuple[Part, ...]:
    return () if count == total else (Piece(f" \N{MULTIPLICATION SIGN}{count:,}"),)


def _listed(items: list[tuple[Part, ...]], further: int, words: Words) -> tuple[Part, ...]:
    more = [(Piece(words.more.format(count=f"{further:,}")),)] if further else []
    return tuple(
        piece for place, item in enumerate([*items, *more]) for piece in ((Piece(words.comma), *item) if place else item)
    )
