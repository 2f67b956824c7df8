"""A message's content as a Slack payload: Block Kit, and the text that notifications and screen readers show.

Text of an event stands in rich-text `text` elements only, in which Slack interprets nothing; links are rich-text `link` elements,
since nobody acknowledges the click on a button that a webhook posted. Sources: https://docs.slack.dev/reference/block-kit/blocks,
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from engine.model import Severity
from engine.pipeline.render.escape import entities, harmless, visible
from engine.pipeline.render.marks import symbol
from engine.pipeline.render.mentions import mention_element
from engine.pipeline.render.parts import SEPARATOR, Part, Sentence, Style, joined, shortened
from engine.pipeline.render.targets import Link
from engine.pipeline.render.words import Words


class FieldLine(NamedTuple):
    """One field below the two lines: its label, its value as masked, and how many shown characters it may have."""

    label: str
    text: str
    max_length: int = 1024


class Content(NamedTuple):
    """What a message says, before it takes Slack's shape.

    `mark` is an emoji's name. `headline` says who did what and where, `details` what a responder asks next. `explanation` says of
    which class the caller is and why. `notes` warn; `footer` is for looking things up. `mentions` says whom it notifies, as a
    channel's `mention` does. `actor_class` None: hidden, or there are several.
    """

    mark: str
    headline: Sentence
    details: tuple[Part, ...] = ()
    bullets: tuple[tuple[Part, ...], ...] = ()
    explanation: str = ""
    fields: tuple[FieldLine, ...] = ()
    notes: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    footer: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    severity: Severity = Severity.INFO
    actor_class: str | None = None


TEXT_MAX_LENGTH: Final = 180
"""Characters of `text`: a notification shows fewer."""

HEADLINE_MAX_LENGTH: Final = 80
"""Characters of it within which who, what and where stand: what a lock screen shows of a notification."""

BLOCKS_MAX_BYTES: Final = 12_000
"""Of the blocks as JSON. Slack documents no limit for their sum, but answers `msg_blocks_too_long` from about 13,200 characters
on (https://github.com/slackapi/bolt-js/issues/2509)."""

LINKS_MAX: Final = 3

_FIELD_MAX_LENGTHS: Final = (1024, 512, 256, 128, 64, 32, 16, 8)
"""Shown characters of one field, tried in order until the message fits. An S3 key has at most 1,024 bytes."""

_CONTEXT_LENGTHS: Final = (150, 600)
"""The least and the most characters of a text in small print."""
_DASH: Final = " \N{EM DASH} "
_EMPTY_VALUE: Final = "\N{EN DASH}"
_PLAIN: Final = Style.PLAIN

FLAGS: Final = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
"""No markup in `text`, no previews. `link_names` is never sent: with it, `@here` in a value would notify everyone."""

_ENCODE: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
_FLAGS_JSON: Final = _ENCODE(FLAGS)[1:-1]

Element = dict[str, Any]
Block = dict[str, Any]


def payload(content: Content, words: Words) -> bytes:
    """The payload for an incoming webhook, as JSON in UTF-8."""
    return f'{{"text":{_ENCODE(_text(content))},"blocks":{_fitting(content, words)},{_FLAGS_JSON}}}'.encode()


# --- the text -------------------------------------------------------------------------------------------------------------


def _text(content: Content) -> str:
    """Mark and headline within `HEADLINE_MAX_LENGTH`, and of the details, or else the bullets, as many as there is room for."""
    mark = f"{symbol(content.mark)} "
    text = mark + content.headline.cut(HEADLINE_MAX_LENGTH - len(mark))
    details = "".join(part.text for part in content.details or joined(content.bullets))
    whole = f"{text}{_DASH}{details}" if details else text
    length = TEXT_MAX_LENGTH
    while len(shown := entities(shortened(whole, length))) > TEXT_MAX_LENGTH:
        length -= len(shown) - TEXT_MAX_LENGTH
    return shown


# --- the blocks -----------------------------------------------------------------------------------------------------------


def _fitting(content: Content, words: Words) -> str:
    """The blocks as JSON, with the longest field values, and with as many links, as keep them within `BLOCKS_MAX_BYTES`."""
    links = content.links[:LINKS_MAX]
    for max_length in _FIELD_MAX_LENGTHS:
        blocks = _ENCODE(_blocks(content, links, max_length, words))
        if len(blocks.encode()) <= BLOCKS_MAX_BYTES:
            return blocks
    while links:
        links = links[:-1]
        blocks = _ENCODE(_blocks(content, links, _FIELD_MAX_LENGTHS[-1], words))
        if len(blocks.encode()) <= BLOCKS_MAX_BYTES:
            break
    return blocks


def _blocks(content: Content, links: Sequence[Link], max_length: int, words: Words) -> list[Block]:
    least, most = _CONTEXT_LENGTHS
    context_length = max(least, min(most, max_length))
    head = [_emoji(content.mark), _element(Part(" ")), *map(_element, content.headline.parts())]
    lines = [head, [_element(part) for part in content.details]] if content.details else [head]
    if content.mentions:
        lines.append(_mentions(content.mentions))
    blocks = [_rich_text(_section(lines))]
    if content.bullets:
        blocks.append(_rich_text(_bullets(content.bullets)))
    if content.explanation:
        blocks.append(_context(content.explanation, context_length))
    if content.fields:
        blocks.append(_rich_text(_section([_field(line, max_length, words) for line in content.fields])))
    blocks += [_context(note, context_length) for note in content.notes]
    if links:
        blocks.append(_rich_text(_section([_links(links, words)])))
    if content.footer:
        blocks.append(_context(SEPARATOR.join(content.footer), context_length))
    return blocks


def _rich_text(element: Element) -> Block:
    return {"type": "rich_text", "elements": [element]}


def _section(lines: Sequence[Sequence[Element]]) -> Element:
    """Lines that stand one below the other."""
    elements = [element for number, line in enumerate(lines) for element in ((_element(Part("\n")), *line) if number else line)]
    return {"type": "rich_text_section", "elements": elements}


def _bullets(bullets: Iterable[Sequence[Part]]) -> Element:
    sections = [_section([[_element(part) for part in bullet]]) for bullet in bullets]
    return {"type": "rich_text_list", "style": "bullet", "elements": sections}


def _field(line: FieldLine, max_length: int, words: Words) -> list[Element]:
    shown = visible(line.text, min(max_length, line.max_length))
    return [_element(Part(line.label + words.colon, Style.BOLD)), _element(Part(shown, Style.CODE))]


def _links(links: Sequence[Link], words: Words) -> list[Element]:
    between = _element(Part(SEPARATOR))
    elements: list[Element] = []
    for link in links:
        label = link.label or words.links[link.target]
        elements += [*([between] if elements else []), {"type": "link", "url": link.url, "text": label}]
    return elements


def _mentions(mentions: Sequence[str]) -> list[Element]:
    elements = [element for mention in mentions for element in (_element(Part(" ")), mention_element(mention))]
    return elements[1:]


def _element(part: Part) -> Element:
    element: Element = {"type": "text", "text": part.text or _EMPTY_VALUE}
    return element if part.style is _PLAIN else {**element, "style": {part.style.value: True}}


def _emoji(name: str) -> Element:
    return {"type": "emoji", "name": name}


def _context(text: str, max_length: int) -> Block:
    """Small print, in which `:name:` is no emoji."""
    element = {"type": "plain_text", "text": harmless(text, max_length) or _EMPTY_VALUE, "emoji": False}
    return {"type": "context", "elements": [element]}
