"""Whom a message notifies, as its channel says: `here`, `channel`, `user:U…` or `subteam:S…`.

Sources: https://docs.slack.dev/reference/block-kit/block-elements/broadcast-element and its neighbours for users and user groups,
https://docs.slack.dev/messaging/formatting-message-text for the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MENTIONS: Final = frozenset({"broadcast", "user", "usergroup"})
"""The types of rich-text elements that notify somebody."""


def mention_element(mention: str) -> dict[str, Any]:
    """The rich-text element of a mention."""
    kind, _, id_ = mention.partition(":")
    if kind == "user":
        return {"type": "user", "user_id": id_}
    if kind == "subteam":
        return {"type": "usergroup", "usergroup_id": id_}
    return {"type": "broadcast", "range": kind}


def mention_markup(element: Mapping[str, Any]) -> str:
    """The same in a text that Slack reads."""
    if element["type"] == "user":
        return f"<@{element['user_id']}>"
    return f"<!subteam^{element['usergroup_id']}>" if element["type"] == "usergroup" else f"<!{element['range']}>"


def mention_text(element: Mapping[str, Any]) -> str:
    """The same for a reader outside of Slack, which alone knows the names of people and groups."""
    return f"@{element.get('user_id') or element.get('usergroup_id') or element['range']}"
