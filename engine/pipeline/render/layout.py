"""A message's content as a Slack payload: Block Kit, and the fallback text that notifications and plain messages show.

A content is laid out once, with gaps for what events say; a layout is filled for each event. Text of an event stands in rich-text
`text` elements only, in which Slack interprets nothing. Sources: https://docs.slack.dev/reference/block-kit/blocks,
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from engine.pipeline.render.buttons import button_block
from engine.pipeline.render.elements import plain_text, quoted
from engine.pipeline.render.escape import entities, harmless, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.pipeline.render.buttons import Link
    from engine.pipeline.render.labels import Words


class Style(StrEnum):
    """How a part of a line looks."""

    PLAIN = "plain"
    BOLD = "bold"
    CODE = "code"


class Piece(NamedTuple):
    """A part of a line in words of ours and of the policies."""

    text: str
    style: Style = Style.PLAIN


class Value(NamedTuple):
    """A gap in a line for what an event says, made visible, and cut where it is longer than `max_length` shown characters.

    `name` is the name of the value that fills it, or the value itself, where a content is for one message only.
    """

    name: str
    max_length: int = 1024
    style: Style = Style.CODE


Part: TypeAlias = Piece | Value


class Content(NamedTuple):
    """What a message says, before it takes Slack's shape.

    `marks` are emoji names, `lead` is the message in one line, `lines` are its fields, `notes` warn, `footer` says why.
    """

    marks: tuple[str, ...]
    title: Part
    lead: tuple[Part, ...]
    lines: tuple[tuple[Part, ...], ...]
    notes: tuple[str, ...]
    footer: tuple[str, ...]


BLOCKS_MAX_BYTES: Final = 12_000
"""Of the blocks as JSON. Slack documents no limit for their sum, but answers `msg_blocks_too_long` from about 13,200 characters
on (https://github.com/slackapi/bolt-js/issues/2509)."""

_VALUE_MAX_LENGTHS: Final = (1024, 512, 256, 128, 64, 32, 16, 8)
"""Shown characters of one value, tried in order until the message fits. An S3 key has at most 1,024 bytes."""

_TEXT_PER_VALUE: Final = 4
"""How many times longer than a value a text of ours may be: policies are given more room than callers."""

FLAGS: Final = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
"""No markup in `text`, no previews. `link_names` is never sent: with it, `@here` in a value would notify everyone."""

SEPARATOR: Final = " · "

_NEW_LINE: Final = ('{"type":"text","text":"\\n"}',)
_EMPTY_VALUE: Final = "\N{EN DASH}"
_END: Final = "," + json.dumps(FLAGS, separators=(",", ":"))[1:]

_Run: TypeAlias = "tuple[str | Value, ...]"
"""JSON or text, with gaps in it."""


def payload(content: Content, links: Sequence[Link], words: Words) -> bytes:
    """The payload for an incoming webhook, of a content that is for one message only: its values are their own names."""
    parts = (part for line in _lines(content) for part in line)
    values = {part.name: part.name for part in parts if isinstance(part, Value)}
    return Layout(content).filled(values, button_block(links, words.links))


class Layout:
    """A content in Slack's shape, with gaps for the values of events."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._templates: dict[int, _Template] = {}
        """By the length to which values are cut: all but the first are hardly ever needed."""

    def filled(self, values: Mapping[str, str], buttons: str) -> bytes:
        """The payload as JSON in UTF-8, with every value made visible, and cut as far as is needed to fit.

        `values` are by the names of the gaps, `buttons` is the JSON of the block of buttons, after a comma, or empty.
        """
        text = blocks = None
        for max_length in _VALUE_MAX_LENGTHS:
            template = self._template(max_length)
            shown = [visible(values[gap.name], limit) for gap, limit in zip(template.gaps, template.limits, strict=True)]
            if text is None or not _fits(text):
                text = entities(_interleaved(template.text, shown))
            if blocks is None or not _fits(blocks):
                blocks = f"{_interleaved(template.blocks, [quoted(value or _EMPTY_VALUE) for value in shown])}{buttons}]"
            if _fits(text) and _fits(blocks):
                break
        return f'{{"text":"{quoted(text or "")}","blocks":{blocks}{_END}'.encode()

    def _template(self, max_length: int) -> _Template:
        if max_length not in self._templates:
            self._templates[max_length] = _template(self._content, max_length)
        return self._templates[max_length]


def _fits(text: str) -> bool:
    return len(text.encode()) <= BLOCKS_MAX_BYTES


# --- a template: what stands around the gaps ----------------------------------------------------------------------------------


class _Template(NamedTuple):
    """A content whose values are cut to one length: its gaps, the limit of each, and the text and the blocks around them.

    The blocks are JSON, without their closing bracket.
    """

    gaps: tuple[Value, ...]
    limits: tuple[int, ...]
    text: tuple[str, ...]
    blocks: tuple[str, ...]


def _template(content: Content, max_length: int) -> _Template:
    gaps = tuple(part for line in _lines(content) for part in line if isinstance(part, Value))
    limits = (min(gap.max_length, max_length if gap.style is Style.CODE else _TEXT_PER_VALUE * max_length) for gap in gaps)
    return _Template(gaps, tuple(limits), _around(_text(content, max_length)), _around(_blocks(content, max_length)))


def _lines(content: Content) -> tuple[tuple[Part, ...], ...]:
    """All lines that may have gaps, in order."""
    return ((content.title,), content.lead, *content.lines)


def _around(run: Iterable[str | Value]) -> tuple[str, ...]:
    """What stands before, between and after the gaps of a run."""
    texts = [""]
    for part in run:
        if isinstance(part, str):
            texts[-1] += part
        else:
            texts.append("")
    return tuple(texts)


def _interleaved(around: Sequence[str], values: Sequence[str]) -> str:
    """The texts around the gaps with the values in the gaps."""
    parts = [""] * (2 * len(around) - 1)
    parts[::2] = around
    parts[1::2] = values
    return "".join(parts)


def _cut(text: str, max_length: int) -> str:
    """A text of ours or of the policies, where values are cut to `max_length`."""
    return harmless(text, _TEXT_PER_VALUE * max_length)


def _text(content: Content, max_length: int) -> Iterator[str | Value]:
    """The fallback text: every line of the message, one below the other."""
    yield "".join(f":{mark}: " for mark in content.marks)
    for number, line in enumerate(line for line in _lines(content) if line):
        yield "\n" if number else ""
        yield from (part if isinstance(part, Value) else _cut(part.text, max_length) for part in line)
    yield from (f"\n{_cut(note, max_length)}" for note in content.notes)
    yield "\n" + SEPARATOR.join(_cut(part, max_length) for part in content.footer)


# --- the blocks -----------------------------------------------------------------------------------------------------------


def _blocks(content: Content, max_length: int) -> Iterator[str | Value]:
    head = [*_emoji(content.marks), _element(content.title, max_length)]
    lead = [_element(part, max_length) for part in content.lead]
    yield "["
    yield from _section([head, lead] if lead else [head])
    for lines in (
        [[_element(part, max_length) for part in line] for line in content.lines],
        [[*_emoji(("warning",)), _element(Piece(note), max_length)] for note in content.notes],
    ):
        if lines:
            yield ","
            yield from _section(lines)
    footer = ",".join(plain_text(_cut(part, max_length)) for part in content.footer)
    yield f',{{"type":"context","elements":[{footer}]}}'


def _section(lines: Sequence[Sequence[_Run]]) -> Iterator[str | Value]:
    """Lines that stand one below the other."""
    yield '{"type":"rich_text","elements":[{"type":"rich_text_section","elements":['
    elements = [element for number, line in enumerate(lines) for element in ((_NEW_LINE, *line) if number else line)]
    for number, element in enumerate(elements):
        yield "," if number else ""
        yield from element
    yield "]}]}"


def _element(part: Part, max_length: int) -> _Run:
    text = part if isinstance(part, Value) else quoted(_cut(part.text, max_length) or _EMPTY_VALUE)
    style = "" if part.style is Style.PLAIN else f',"style":{{"{part.style.value}":true}}'
    return '{"type":"text","text":"', text, f'"{style}}}'


def _emoji(names: Sequence[str]) -> list[_Run]:
    return [(f'{{"type":"emoji","name":"{quoted(name)}"}},{{"type":"text","text":" "}}',) for name in names]
