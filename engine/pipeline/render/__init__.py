"""A masked event, or a summary of several, as a message for Slack or for an SNS topic.

Only what is masked can be rendered: there is no way from an `Event` to a `Message` past `mask`. An example of who does what:

    🚨 **analyst@example.com** read **payments-prod**         `callers`, `actions`, `phrases`: who did what and where
    `2026/11/ledger.csv` · 18 kB · aws-cli on macOS          `event`: what a responder asks next
    Person: signed in through … (attested)                   `event`: why the caller is of its class
    Runbook · Record · What else                             `links`, `changes`: where to go on
    GetObject · Sun 1 Nov 18:30:00 JST · payments/people     `times`, `phrases`: for looking things up

`summary` says the same of several events, `notice` speaks of Trailbell itself. `languages` has the words, `parts` and `layout`
give a content Slack's shape and keep it within Slack's limits, `mentions` has whom a message notifies,
`body` and `texts` make of it what a channel takes, `escape` makes text harmless to read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.model import Message
from engine.pipeline.render.body import body
from engine.pipeline.render.event import Counted, event_content
from engine.pipeline.render.layout import FLAGS
from engine.pipeline.render.notice import changed_notice, muted_notice, refused_notice, trial_notice, void_notice
from engine.pipeline.render.summary import fold_content, incident_content, summary_content
from engine.pipeline.render.texts import slack_text

if TYPE_CHECKING:
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
    return Message(channel.name, body(content, channel), (0,), masked.hash_missing)


def render_summary(summary: Summary, channel: Channel, deployment: Deployment) -> Message:
    """The message about several like events of one batch."""
    content = summary_content(summary, channel, deployment)
    return Message(channel.name, body(content, channel), summary.numbers, summary.hash_missing)


def render_incident(incident: Incident, channel: Channel, deployment: Deployment) -> Message:
    """The message about an incident as far as it has got: also what takes the place of an earlier message about it."""
    content = incident_content(incident, channel, deployment)
    return Message(channel.name, body(content, channel), incident.summary.numbers, incident.summary.hash_missing)


def render_fold(fold: Fold, channel: Channel, deployment: Deployment) -> Message:
    """The one message about many incidents."""
    return Message(channel.name, body(fold_content(fold, channel, deployment), channel), ())


def plain(message: Message) -> Message:
    """The same message without blocks, for when Slack refuses them: as text, with the addresses of its links."""
    payload = message.payload
    if "blocks" not in payload:
        return message
    return message._replace(body=json.dumps({"text": slack_text(payload), **FLAGS}, ensure_ascii=False).encode())
