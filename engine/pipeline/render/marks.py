"""The one mark in front of a message: how urgent it is, or else which sort of caller called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model import Kind, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import ActorClass

SYMBOLS: Final[Mapping[str, str]] = {
    "building_construction": "🏗️",
    "bust_in_silhouette": "👤",
    "busts_in_silhouette": "👥",
    "desktop_computer": "🖥️",
    "detective": "🕵️",
    "factory": "🏭",
    "gear": "⚙️",
    "ghost": "👻",
    "globe_with_meridians": "🌐",
    "grey_question": "❔",
    "inbox_tray": "📥",
    "information_source": "ℹ️",
    "link": "🔗",
    "lock": "🔒",
    "office": "🏢",
    "package": "📦",
    "question": "❓",
    "robot_face": "🤖",
    "rotating_light": "🚨",
    "warning": "⚠️",
    "wheel_of_dharma": "☸️",
    "white_check_mark": "✅",
    "zap": "⚡",
}
"""Emoji that messages have, by Slack's names, which are those of https://github.com/iamcal/emoji-data."""

NOTICE: Final = "information_source"

_URGENT: Final = {Severity.WARNING: "warning", Severity.CRITICAL: "rotating_light"}
_BY_KIND: Final = {
    Kind.ROBOT: "robot_face",
    Kind.PERSON: "bust_in_silhouette",
    Kind.SERVICE: "gear",
    Kind.UNKNOWN: "grey_question",
}
_EMOJI: Final = re.compile(r":([\w+'-]{1,100}(?:::skin-tone-[2-6])?):")
"""A name as Slack takes it, letters of any script among them."""


def mark_of(severity: Severity, actor: ActorClass | None) -> str:
    """The emoji's name. `actor` None: the class is hidden, or there are several."""
    if severity in _URGENT:
        return _URGENT[severity]
    if actor is None:
        return _BY_KIND[Kind.UNKNOWN]
    emoji = _EMOJI.fullmatch(actor.emoji or "")
    return emoji[1].lower() if emoji else _BY_KIND[actor.kind]


def symbol(mark: str) -> str:
    """The emoji itself; a workspace's own, which no text can show, by its name."""
    return SYMBOLS.get(mark, f":{mark[:20]}:")
