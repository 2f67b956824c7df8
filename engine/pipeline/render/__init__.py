"""A masked event, or a summary of several, as a message for Slack.

Only what is masked can be rendered: there is no way from an `Event` to a `Message` past `mask`. An example of who does what:

    🚨 **analyst@example.com** read **payments-prod**         `callers`, `actions`, `phrases`: who did what and where
    `2026/11/ledger.csv` · 18 kB · aws-cli on macOS          `event`: what a responder asks next
    Person: signed in through … (attested)                   `event`: why the caller is of its class
    Runbook · Record · What else                             `links`, `changes`: where to go on
    GetObject · Sun 1 Nov 18:30:00 JST · payments/people     `times`, `phrases`: for looking things up

`summary` says the same of several events, `notice` speaks of Trailbell itself. `languages` has the words, `parts` and `layout`
give a content Slack's shape and keep it within Slack's limits, `escape` makes text harmless to read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.model import Message
from engine.pipeline.render.escape import entities
from engine.pipeline.render.event import Counted, event_content
from engine.pipeline.render.languages import WORDS
from engine.pipeline.render.layout import FLAGS, payload
from engine.pipeline.render.marks import symbol
from engine.pipeline.render.notice import changed_notice, muted_notice, refused_notice, trial_notice, void_notice
from engine.pipeline.render.summary import fold_content, incident_content, summary_content

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.model import Channel, Decision, Deployment, Fold, Incident, MaskedEvent, Request, Summary

__all__ = [
    "Counted",
    "changed_notice",
    "muted_notice",
    "plain",
    "refused_notice",
    "render",
    "render_fold",
    "render_incident",
    "render_summary",
    "trial_notice",
    "void_notice",
]


def render(  # noqa: PLR0913  the values that flow, each of its own type
    masked: MaskedEvent,
    decision: Decision,
    request: Request,
    channel: Channel,
    deployment: Deployment,
    *,
    counted: Counted | None = None,
) -> Message:
    """The message about one event.

    `counted`: the event triggers an alert within an incident; these are the incident's counts so far.
    """
    content = event_content(masked, decision, request, channel, deployment, counted=counted)
    return Message(channel.name, payload(content, WORDS[channel.language]), (0,), masked.hash_missing)


def render_summary(summary: Summary, channel: Channel, deployment: Deployment) -> Message:
    """The message about several like events of one batch."""
    body = payload(summary_content(summary, channel, deployment), WORDS[channel.language])
    return Message(channel.name, body, summary.numbers, summary.hash_missing)


def render_incident(incident: Incident, channel: Channel, deployment: Deployment) -> Message:
    """The message about an incident as far as it has got: also what takes the place of an earlier message about it."""
    body = payload(incident_content(incident, channel, deployment), WORDS[channel.language])
    return Message(channel.name, body, incident.summary.numbers, incident.summary.hash_missing)


def render_fold(fold: Fold, channel: Channel, deployment: Deployment) -> Message:
    """The one message about many incidents."""
    return Message(channel.name, payload(fold_content(fold, channel, deployment), WORDS[channel.language]), ())


def plain(message: Message) -> Message:
    """The same message without blocks, for when Slack refuses them: as text, with the addresses of its links."""
    made = message.payload
    text = "\n".join(_line(line) for block in made["blocks"] for line in _lines(block)) if "blocks" in made else made["text"]
    return message._replace(body=json.dumps({"text": text, **FLAGS}, ensure_ascii=False).encode())


def _lines(block: Mapping[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The pieces of each line of a block."""
    if block["type"] == "context":
        yield block["elements"]
        return
    for element in block["elements"]:
        sections = element["elements"] if element["type"] == "rich_text_list" else [element]
        yield from (section["elements"] for section in sections)


def _line(pieces: Sequence[Mapping[str, Any]]) -> str:
    """The text of some pieces; addresses hold no `<` or `>`."""
    return "".join(
        symbol(piece["name"])
        if piece["type"] == "emoji"
        else f"{entities(piece['text'])}: {piece['url'].replace('&', '&amp;')}"
        if piece["type"] == "link"
        else entities(piece["text"])
        for piece in pieces
    )
