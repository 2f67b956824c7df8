"""A message's content as a Slack payload: Block Kit, and the fallback text that notifications and plain messages show.

Text of an event stands in rich-text `text` elements only, which know no markup. Sources: https://docs.slack.dev/reference/block-kit/blocks,
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from engine.pipeline.render.escape import entities, harmless, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.pipeline.render.labels import Words
    from engine.pipeline.render.links import Link


class Style(StrEnum):
    """How a piece of a line looks. `CODE` is for what an event says, the others for words of ours and of the policies."""

    PLAIN = "plain"
    BOLD = "bold"
    CODE = "code"


class Piece(NamedTuple):
    """A part of a line; what an event says is shown visibly, and cut where it is longer than `most` shown characters."""

    text: str
    style: Style = Style.PLAIN
    most: int = 1024


class Content(NamedTuple):
    """What a message says, before it takes Slack's shape.

    `marks` are emoji names, `lead` is the message in one line, `lines` are its fields, `notes` warn, `footer` says why.
    """

    marks: tuple[str, ...]
    title: str
    lead: tuple[Piece, ...]
    lines: tuple[tuple[Piece, ...], ...]
    notes: tuple[str, ...]
    footer: tuple[str, ...]
    links: tuple[Link, ...]


MOST_BYTES: Final = 12_000
"""Of the blocks as JSON. Slack documents no sum, but answers `msg_blocks_too_long` from about 13,200 characters on
(https://github.com/slackapi/bolt-js/issues/2509)."""

_LONGEST_VALUES: Final = (1024, 512, 256, 128, 64, 32, 16, 8)
"""Shown characters of one value, tried in order until the message fits. An S3 key has at most 1,024 bytes."""

FLAGS: Final = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
"""No markup in `text`, no previews. `link_names` is never sent: with it, `@here` in a value would ring everyone."""

SEPARATOR: Final = " · "

_NEW_LINE: Final = {"type": "text", "text": "\n"}
_NOTHING: Final = "\N{EN DASH}"
_Made = TypeVar("_Made", str, list[dict[str, Any]])


def payload(content: Content, words: Words) -> dict[str, Any]:
    """The payload for an incoming webhook."""
    return {
        "text": _fitting(lambda longest: _text(content, longest), lambda text: len(text.encode())),
        "blocks": _fitting(lambda longest: _blocks(content, words, longest), _size),
        **FLAGS,
    }


def _fitting(make: Callable[[int], _Made], size: Callable[[_Made], int]) -> _Made:
    """What was made with the longest values that keep it within `MOST_BYTES`."""
    for longest in _LONGEST_VALUES[:-1]:
        made = make(longest)
        if size(made) <= MOST_BYTES:
            return made
    return make(_LONGEST_VALUES[-1])


def _size(blocks: Sequence[dict[str, Any]]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")).encode())


# --- the fallback text --------------------------------------------------------------------------------------------------


def _text(content: Content, longest: int) -> str:
    """Every line of the message, one below the other."""
    marks = "".join(f":{mark}: " for mark in content.marks)
    lines = [
        marks + harmless(content.title, _most_words(longest)),
        *("".join(_shown(piece, longest) for piece in line) for line in (content.lead, *content.lines) if line),
        *(harmless(note, _most_words(longest)) for note in content.notes),
        SEPARATOR.join(harmless(part, _most_words(longest)) for part in content.footer),
    ]
    return entities("\n".join(lines))


def _shown(piece: Piece, longest: int) -> str:
    if piece.style is Style.CODE:
        return visible(piece.text, min(longest, piece.most))
    return harmless(piece.text, _most_words(longest))


def _most_words(longest: int) -> int:
    """Characters of a text that is not an event's, where its values have `longest`: policies are given more room than callers."""
    return 4 * longest


# --- the blocks -----------------------------------------------------------------------------------------------------------


def _blocks(content: Content, words: Words, longest: int) -> list[dict[str, Any]]:
    head = [*_emoji(content.marks), _element(Piece(content.title, Style.BOLD), longest)]
    lead = [_element(piece, longest) for piece in content.lead]
    blocks = [_section(_stacked([head, lead] if lead else [head]))]
    if content.lines:
        blocks.append(_section(_stacked([[_element(piece, longest) for piece in line] for line in content.lines])))
    if content.notes:
        blocks.append(_section(_stacked([[*_emoji(("warning",)), _element(Piece(note), longest)] for note in content.notes])))
    blocks.append({"type": "context", "elements": [_plain_text(part, longest) for part in content.footer]})
    if content.links:
        blocks.append({"type": "actions", "elements": [_button(link, words) for link in content.links]})
    return blocks


def _section(elements: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def _stacked(lines: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The elements of lines that stand one below the other."""
    return [element for place, line in enumerate(lines) for element in ((_NEW_LINE, *line) if place else line)]


def _element(piece: Piece, longest: int) -> dict[str, Any]:
    element = {"type": "text", "text": _shown(piece, longest) or _NOTHING}
    return element if piece.style is Style.PLAIN else {**element, "style": {piece.style.value: True}}


def _emoji(names: Sequence[str]) -> list[dict[str, Any]]:
    return [element for name in names for element in ({"type": "emoji", "name": name}, {"type": "text", "text": " "})]


def _plain_text(text: str, longest: int = _LONGEST_VALUES[0]) -> dict[str, Any]:
    return {"type": "plain_text", "text": harmless(text, _most_words(longest)), "emoji": False}


def _button(link: Link, words: Words) -> dict[str, Any]:
    return {"type": "button", "text": _plain_text(words.links[link.target]), "url": link.url, "action_id": link.target.value}
