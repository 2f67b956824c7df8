"""A masked event, or a summary of several, as a message for Slack.

Only what is masked can be rendered: there is no way from an `Event` to a `Message` past `mask`. The way through this package:
`event` or `summary` say what the message holds, `phrases`, `labels` and `links` in which words and with which buttons, `layout`
gives it Slack's shape and keeps it within Slack's limits, `escape` keeps event text from acting. `limits` checks the result.
`notice` speaks of Trailbell itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.model import Message
from engine.pipeline.render.event import LAYOUTS_SIZE, Layouts, event_payload
from engine.pipeline.render.layout import FLAGS
from engine.pipeline.render.notice import changed_notice, muted_notice, refused_notice, trial_notice
from engine.pipeline.render.summary import summary_payload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model import Channel, Decision, Deployment, MaskedEvent, Request, Summary

__all__ = [
    "LAYOUTS_SIZE",
    "Layouts",
    "changed_notice",
    "muted_notice",
    "plain",
    "refused_notice",
    "render",
    "render_summary",
    "trial_notice",
]


def render(  # noqa: PLR0913  the values that flow, each of its own type
    masked: MaskedEvent,
    decision: Decision,
    request: Request,
    channel: Channel,
    deployment: Deployment,
    *,
    layouts: Layouts | None = None,
) -> Message:
    """The message about one event. `layouts`: those drawn for messages of the same policy set, to be used again."""
    body = event_payload(masked, decision, request, channel, deployment, layouts=layouts)
    return Message(channel.name, body, (0,), masked.hash_missing)


def render_summary(summary: Summary, channel: Channel, deployment: Deployment) -> Message:
    """The message about several like events."""
    body = summary_payload(summary, channel, deployment)
    return Message(channel.name, body, summary.numbers, summary.hash_missing)


def plain(message: Message) -> Message:
    """The same message without blocks, for when Slack refuses them: its fallback text, and where its buttons lead."""
    payload = message.payload
    text = "\n".join([payload["text"], *_addresses(payload)])
    return message._replace(body=json.dumps({"text": text, **FLAGS}, ensure_ascii=False).encode())


def _addresses(made: Mapping[str, Any]) -> Iterator[str]:
    """`label: address` for each button; addresses hold no `<` or `>`."""
    for block in made.get("blocks", ()):
        if block["type"] == "actions":
            yield from (f"{button['text']['text']}: {button['url'].replace('&', '&amp;')}" for button in block["elements"])
