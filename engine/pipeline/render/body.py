"""A message's content as its channel takes it: Slack's payload, or a message for an SNS topic."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Final

from engine.pipeline.render.languages import WORDS
from engine.pipeline.render.layout import payload
from engine.pipeline.render.texts import plain_text

if TYPE_CHECKING:
    from engine.model import Channel
    from engine.pipeline.render.layout import Content

SUBJECT_MAX_LENGTH: Final = 99
"""Characters of a subject; SNS wants fewer than 100 in ASCII. Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


def body(content: Content, channel: Channel) -> bytes:
    """What is sent to a channel, as JSON in UTF-8: Slack's payload, or the parameters of SNS's `Publish` but for the topic."""
    slack = payload(content, WORDS[channel.language])
    return slack if channel.webhook.sns is None else _topic_body(content, slack, channel.name)


def _topic_body(content: Content, slack: bytes, channel: str) -> bytes:
    """The text of a payload with its first line as the subject.

    The attributes are for subscription filters; the class is left out where the masking level hides it.
    """
    attributes = {"severity": content.severity.value, "class": content.actor_class, "channel": channel}
    parameters = {
        "Subject": _subject(f"[{content.severity.value}] {content.headline.cut(SUBJECT_MAX_LENGTH)}"),
        "Message": plain_text(json.loads(slack)),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value is not None
        },
    }
    return json.dumps(parameters, ensure_ascii=False).encode()


def _subject(text: str) -> str:
    """The text in printable ASCII, on one line: letters without their accents, other scripts left out."""
    decomposed = unicodedata.normalize("NFKD", text).replace("\N{EM DASH}", "-")
    return " ".join("".join(char if " " <= char <= "~" else " " for char in decomposed).split())[:SUBJECT_MAX_LENGTH].rstrip()
