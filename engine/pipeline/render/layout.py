"""A message's content as a Slack payload: Block Kit, and the fallback text that notifications and plain messages show.

A content is laid out once, as a draft with gaps for what events say; a draft is filled once an event. Text of an event stands in
rich-text `text` elements only, which know no markup. Sources: https://docs.slack.dev/reference/block-kit/blocks,
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
"""

from __future__ import annotations

import json
from enum import StrEnum
from functools import lru_cache
from operator import gt, itemgetter
from typing import TYPE_CHECKING, Any, AnyStr, Final, NamedTuple, TypeAlias

from engine.pipeline.render.escape import entities, harmless, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.pipeline.render.labels import Words
    from engine.pipeline.render.links import Link


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
    """A gap in a line for what an event says, which is shown visibly, and cut where it is longer than `most` shown characters.

    `name` says what fills it, or is itself what does, where a content is for one message only.
    """

    name: str
    most: int = 1024
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


MOST_BYTES: Final = 12_000
"""Of the blocks as JSON. Slack documents no sum, but answers `msg_blocks_too_long` from about 13,200 characters on
(https://github.com/slackapi/bolt-js/issues/2509)."""

_LONGEST_VALUES: Final = (1024, 512, 256, 128, 64, 32, 16, 8)
"""Shown characters of one value, tried in order until the message fits. An S3 key has at most 1,024 bytes."""

FLAGS: Final = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
"""No markup in `text`, no previews. `link_names` is never sent: with it, `@here` in a value would ring everyone."""

SEPARATOR: Final = " · "

_NEW_LINE: Final = ('{"type":"text","text":"\\n"}',)
_NOTHING: Final = "\N{EN DASH}"
_AS_JSON: Final = json.JSONEncoder(ensure_ascii=False).encode
_END: Final = "," + json.dumps(FLAGS, separators=(",", ":"))[1:]

_CLOSED: Final = f"]{_END}".encode()

_BREAK: Final = "\n"
"""White space between values while one look is taken at all of them."""

_BREAK_BYTE: Final = _BREAK.encode()

_AS_THEY_ARE: Final = bytes(code for code in range(0x20, 0x7F) if chr(code) not in '&<>"\\') + _BREAK_BYTE
"""Characters that JSON, Slack and a reader's screen take as they are, and the break."""

Picking: TypeAlias = "Callable[[Any], tuple[Any, ...]]"
"""What picks some of some values."""

_Run: TypeAlias = "tuple[str | Value, ...]"
"""JSON or text, with gaps in it."""


def payload(content: Content, links: Sequence[Link], words: Words) -> bytes:
    """The payload for an incoming webhook, of a content that serves one message only."""
    draft = Draft(content)
    return draft.filled(draft.names, made_buttons(links, words))


class Draft:
    """A content that has taken Slack's shape but for its gaps; `names` say in order what fills them, each once.

    `most`: values of these names, too, whether there are gaps for them or not, must be no longer to be shown as they are.
    """

    def __init__(self, content: Content, most: Mapping[str, int] | None = None) -> None:
        self._content = content
        self._form = form = _form(content, _LONGEST_VALUES[0])
        gaps = [gap.name for gap in form.gaps]
        limits = [*zip(gaps, form.limits, strict=True), *(most or {}).items()]
        self.names = tuple(dict.fromkeys(name for name, _ in limits))
        self._limits = [min(limit for name, limit in limits if name == one) for one in self.names]
        self._often = max(map(gaps.count, self.names), default=1)
        self._room = MOST_BYTES + len(_END) - max(len("".join(one).encode()) for one in (form.text, form.blocks))
        self._gaps = picking(list(map(self.names.index, gaps)) * 2)
        *text, last = (_quoted(entities(run)) for run in form.text)
        runs = (*text, f'{last}","blocks":{form.blocks[0]}', *form.blocks[1:])
        self._between = [*_with_gaps([run.encode() for run in ('{"text":"' + runs[0], *runs[1:])], b""), b""]

    def filled(self, values: Sequence[str], buttons: str) -> bytes:
        """The payload for an incoming webhook, as JSON in UTF-8."""
        return self.at_once(values, buttons) or self.with_care(values, buttons)

    def at_once(self, values: Sequence[str], buttons: str) -> bytes | None:
        """The payload, where each value is shown as it is and all of them fit, as nearly always; None where that may not be."""
        together = _BREAK.join(values)
        shown = together.encode("utf-8", "surrogatepass")
        end = f"{buttons}]{_END}".encode() if buttons else _CLOSED
        if len(shown) * self._often + len(end) > self._room or shown.translate(None, _AS_THEY_ARE):
            return None
        texts = shown.split(_BREAK_BYTE)
        words = len(values) + shown.count(b" ")  # unless two blanks or breaks follow each other, or one is at an end
        if len(texts) != len(values) or len(shown.split()) != words or "://" in together:
            return None
        if any(map(gt, map(len, values), self._limits)):
            return None
        parts = self._between.copy()
        parts[1:-1:2] = self._gaps(texts)
        parts[-1] = end
        return b"".join(parts)

    def with_care(self, values: Sequence[str], buttons: str) -> bytes:
        """The payload, each value made visible, and cut so far that it fits."""
        filling = dict(zip(self.names, values, strict=True))

        def shown(longest: int) -> tuple[_Form, list[str]]:
            form = _form(self._content, longest)
            return form, [visible(filling[gap.name], limit) for gap, limit in zip(form.gaps, form.limits, strict=True)]

        def text(longest: int) -> str:
            form, texts = shown(longest)
            return entities("".join(_with_gaps(form.text, "", texts)))

        def blocks(longest: int) -> str:
            form, texts = shown(longest)
            return "".join(_with_gaps(form.blocks, "", [_quoted(one or _NOTHING) for one in texts])) + f"{buttons}]"

        return f'{{"text":"{_quoted(_fitting(text))}","blocks":{_fitting(blocks)}{_END}'.encode()


def picking(keys: Sequence[Any]) -> Picking:
    """What picks these of some values, in this order."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return (lambda values: (values[keys[0]],)) if keys else lambda _: ()


def _fitting(make: Callable[[int], str]) -> str:
    """What was made with the longest values that keep it within `MOST_BYTES`."""
    for longest in _LONGEST_VALUES[:-1]:
        made = make(longest)
        if len(made.encode()) <= MOST_BYTES:
            return made
    return make(_LONGEST_VALUES[-1])


# --- a form: what stands around the gaps ----------------------------------------------------------------------------------


class _Form(NamedTuple):
    """A content at one length of values: its gaps, how much each may hold, and what text and blocks have around them.

    The blocks are JSON, and lack their bracket at the end.
    """

    gaps: tuple[Value, ...]
    limits: tuple[int, ...]
    text: tuple[str, ...]
    blocks: tuple[str, ...]


def _form(content: Content, longest: int) -> _Form:
    gaps = tuple(part for line in ((content.title,), content.lead, *content.lines) for part in line if isinstance(part, Value))
    limits = (min(gap.most, longest if gap.style is Style.CODE else _most_words(longest)) for gap in gaps)
    return _Form(gaps, tuple(limits), _around(_text(content, longest)), _around(_blocks(content, longest)))


def _around(run: Iterable[str | Value]) -> tuple[str, ...]:
    """What stands before, between and after the gaps of a run."""
    texts = [""]
    for part in run:
        if isinstance(part, str):
            texts[-1] += part
        else:
            texts.append("")
    return tuple(texts)


def _with_gaps(around: Sequence[AnyStr], nothing: AnyStr, values: Sequence[AnyStr] = ()) -> list[AnyStr]:
    """What stands around the gaps, and in turns with it the values, or nothing yet."""
    parts = [nothing] * (2 * len(around) - 1)
    parts[::2] = around
    parts[1::2] = values or parts[1::2]
    return parts


def _quoted(text: str) -> str:
    """Text as it stands within quotes in JSON."""
    return _AS_JSON(text)[1:-1]


def _words(text: str, longest: int) -> str:
    return harmless(text, _most_words(longest))


def _most_words(longest: int) -> int:
    """Characters of a text that is not an event's, where its values have `longest`: policies are given more room than callers."""
    return 4 * longest


def _text(content: Content, longest: int) -> Iterator[str | Value]:
    """The fallback text: every line of the message, one below the other."""
    yield "".join(f":{mark}: " for mark in content.marks)
    for place, line in enumerate(((content.title,), *(line for line in (content.lead, *content.lines) if line))):
        yield "\n" if place else ""
        yield from (part if isinstance(part, Value) else _words(part.text, longest) for part in line)
    yield from (f"\n{_words(note, longest)}" for note in content.notes)
    yield "\n" + SEPARATOR.join(_words(part, longest) for part in content.footer)


# --- the blocks -----------------------------------------------------------------------------------------------------------


def _blocks(content: Content, longest: int) -> Iterator[str | Value]:
    head = [*_emoji(content.marks), _element(content.title, longest)]
    lead = [_element(part, longest) for part in content.lead]
    yield "["
    yield from _section([head, lead] if lead else [head])
    for lines in (
        [[_element(part, longest) for part in line] for line in content.lines],
        [[*_emoji(("warning",)), _element(Piece(note), longest)] for note in content.notes],
    ):
        if lines:
            yield ","
            yield from _section(lines)
    footer = ",".join(_plain_text(_words(part, longest)) for part in content.footer)
    yield f',{{"type":"context","elements":[{footer}]}}'


def _section(lines: Sequence[Sequence[_Run]]) -> Iterator[str | Value]:
    """Lines that stand one below the other."""
    yield '{"type":"rich_text","elements":[{"type":"rich_text_section","elements":['
    elements = [element for place, line in enumerate(lines) for element in ((_NEW_LINE, *line) if place else line)]
    for place, element in enumerate(elements):
        yield "," if place else ""
        yield from element
    yield "]}]}"


def _element(part: Part, longest: int) -> _Run:
    text = part if isinstance(part, Value) else _quoted(_words(part.text, longest) or _NOTHING)
    style = "" if part.style is Style.PLAIN else f',"style":{{"{part.style.value}":true}}'
    return '{"type":"text","text":"', text, f'"{style}}}'


def _emoji(names: Sequence[str]) -> list[_Run]:
    return [(f'{{"type":"emoji","name":"{_quoted(name)}"}},{{"type":"text","text":" "}}',) for name in names]


@lru_cache(maxsize=256)
def _plain_text(text: str) -> str:
    return f'{{"type":"plain_text","text":"{_quoted(text)}","emoji":false}}'


def made_buttons(links: Sequence[Link], words: Words) -> str:
    """The block of the buttons, after a comma; nothing where there are none."""
    if not links:
        return ""
    buttons = ",".join(
        f'{{"type":"button","text":{_plain_text(words.links[link.target])},'
        f'"url":"{_quoted(link.url)}","action_id":"{link.target.value}"}}'
        for link in links
    )
    return f',{{"type":"actions","elements":[{buttons}]}}'
