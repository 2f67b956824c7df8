"""The buttons of a message.

Source: https://docs.slack.dev/reference/block-kit/block-elements/button-element.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.pipeline.render.elements import plain_text, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

URL_MAX_LENGTH: Final = 3000
"""Characters of a button's `url`."""


class Target(StrEnum):
    """What a button opens; also its `action_id`."""

    EVENT = "event"
    CALLER = "caller"
    BUCKET = "bucket"
    AUDIT = "audit"
    RUNBOOK = "runbook"
    MUTE = "mute"


class Link(NamedTuple):
    """A button of a message."""

    target: Target
    url: str


def button_block(links: Sequence[Link], labels: Mapping[Target, str]) -> str:
    """The block of the buttons as JSON, after a comma; empty where there are none."""
    if not links:
        return ""
    buttons = ",".join(
        f'{{"type":"button","text":{plain_text(labels[link.target])},'
        f'"url":"{quoted(link.url)}","action_id":"{link.target.value}"}}'
        for link in links
    )
    return f',{{"type":"actions","elements":[{buttons}]}}'
