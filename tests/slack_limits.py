"""What Slack would refuse in a payload, or do with it that no message of ours wants.

Sources: the pages of each block, element and object under https://docs.slack.dev/reference/block-kit, and what Slack was seen to
refuse without saying so there: empty text anywhere in rich text, and blocks that are too long in sum.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from engine.pipeline.render.layout import BLOCKS_MAX_BYTES, FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOST_TEXT: Final = 40_000
"""Characters of the top-level `text`; Slack cuts what is longer."""

_KEYS: Final = {"text", "blocks", *FLAGS}
_MARKUP: Final = re.compile(r"<|>|&(?!amp;|lt;|gt;)")
_EMOJI: Final = re.compile(r"[\w+'-]+(?:::skin-tone-[2-6])?")
_HTTPS: Final = re.compile(r"https://[^\s<>]+")
_STYLES: Final = {"bold", "italic", "strike", "code"}
_RICH: Final = {"rich_text_section", "rich_text_quote", "rich_text_preformatted"}
_MENTIONS: Final = {"user", "usergroup", "channel", "broadcast", "team"}


def violations(payload: Mapping[str, Any]) -> list[str]:
    """One line for each thing wrong, `blocks[0].text: what`, without the text itself; empty where Slack takes the payload."""
    try:
        json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as refused:
        return [f"payload: not JSON in UTF-8 ({type(refused).__name__})"]
    return [*_top(payload), *(_blocks(payload["blocks"]) if "blocks" in payload else ())]


def _top(payload: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{key}: not a key of our messages" for key in payload if key not in _KEYS)
    yield from (f"{key}: must be {wanted}" for key, wanted in FLAGS.items() if payload.get(key) is not wanted)
    text = payload.get("text")
    yield from _string("text", text, MOST_TEXT)
    if isinstance(text, str) and _MARKUP.search(text):
        yield "text: has `<`, `>` or `&` that is not an entity"


def _blocks(blocks: object) -> Iterator[str]:
    yield from _list("blocks", blocks, 50)
    if not isinstance(blocks, list):
        return
    size = len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")).encode())
    if size > BLOCKS_MAX_BYTES:
        yield f"blocks: {size:,} bytes, at most {BLOCKS_MAX_BYTES:,}"
    for place, block in enumerate(blocks):
        where = f"blocks[{place}]"
        check = _CHECKS.get(block.get("type")) if isinstance(block, dict) else None
        yield from check(where, block) if check else [f"{where}: no block of a type that we know"]
    yield from _unique("block_id", [block.get("block_id") for block in blocks if isinstance(block, dict)])


def _unique(name: str, values: list[str | None]) -> Iterator[str]:
    named = [value for value in values if value is not None]
    yield from (f"{name}: longer than 255 characters" for value in named if len(value) > 255)
    if len(set(named)) < len(named):
        yield f"{name}: the same twice"


# --- the blocks -----------------------------------------------------------------------------------------------------------


def _section(where: str, block: Mapping[str, Any]) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield f"{where}: neither text nor fields"
    if "text" in block:
        yield from _text_object(f"{where}.text", block["text"], 3000)
    if "fields" in block:
        yield from _each(f"{where}.fields", block["fields"], 10, lambda at, field: _text_object(at, field, 2000))


def _header(where: str, block: Mapping[str, Any]) -> Iterator[str]:
    yield from _text_object(f"{where}.text", block.get("text"), 150, plain=True)


def _divider(_where: str, _block: Mapping[str, Any]) -> Iterator[str]:
    return iter(())


def _image(where: str, block: Mapping[str, Any]) -> Iterator[str]:
    yield from _address(f"{where}.image_url", block.get("image_url"))
    yield from _string(f"{where}.alt_text", block.get("alt_text"), 2000)
    if "title" in block:
        yield from _text_object(f"{where}.title", block["title"], 2000, plain=True)


def _context(where: str, block: Mapping[str, Any]) -> Iterator[str]:
    def element(at: str, one: Mapping[str, Any]) -> Iterator[str]:
        return _image(at, one) if one.get("type") == "image" else _text_object(at, one, 3000)

    yield from _each(f"{where}.elements", block.get("elements"), 10, element)


def _actions(where: str, block: Mapping[str, Any]) -> Iterator[str]:
    yield from _each(f"{where}.elements", block.get("elements"), 25, _button)
    elements = block.get("elements")
    if isinstance(elements, list):
        yield from _unique(f"{where}.action_id", [one.get("action_id") for one in elements if isinstance(one, dict)])


def _button(where: str, button: Mapping[str, Any]) -> Iterator[str]:
    if button.get("type") != "button":
        yield f"{where}: not a button"
    yield from _text_object(f"{where}.text", button.get("text"), 75, plain=True)
    yield from _address(f"{where}.url", button.get("url"))
    yield from _string(f"{where}.action_id", button.get("action_id"), 255)
    if "value" in button:
        yield from _string(f"{where}.value", button["value"], 2000)
    if button.get("style") not in (None, "primary", "danger"):
        yield f"{where}.style: neither primary nor danger"


def _rich_text(where: str, block: Mapping[str, Any]) -> Iterator[str]:
    yield from _each(f"{where}.elements", block.get("elements"), 50, _rich_element)


_CHECKS: Final[Mapping[object, Callable[[str, Mapping[str, Any]], Iterator[str]]]] = {
    "rich_text": _rich_text,
    "section": _section,
    "header": _header,
    "divider": _divider,
    "image": _image,
    "context": _context,
    "actions": _actions,
}


# --- rich text ----------------------------------------------------------------------------------------------------------


def _rich_element(where: str, element: Mapping[str, Any]) -> Iterator[str]:
    if element.get("type") == "rich_text_list":
        if element.get("style") not in ("bullet", "ordered"):
            yield f"{where}.style: neither bullet nor ordered"
        yield from _each(f"{where}.elements", element.get("elements"), None, _rich_element)
    elif element.get("type") in _RICH:
        yield from _each(f"{where}.elements", element.get("elements"), None, _inline)
    else:
        yield f"{where}: no rich text of a type that we know"


def _inline(where: str, element: Mapping[str, Any]) -> Iterator[str]:
    kind = element.get("type")
    if kind in _MENTIONS:
        yield f"{where}: a mention, which rings someone"
    elif kind == "text":
        yield from _string(f"{where}.text", element.get("text"), None)
    elif kind == "emoji":
        if not _EMOJI.fullmatch(str(element.get("name", ""))):
            yield f"{where}.name: not an emoji's name"
    elif kind == "link":
        yield from _address(f"{where}.url", element.get("url"))
    else:
        yield f"{where}: no element of a type that we know"
    style = element.get("style", {})
    if not (isinstance(style, dict) and set(style) <= _STYLES and all(isinstance(on, bool) for on in style.values())):
        yield f"{where}.style: not of {', '.join(sorted(_STYLES))}"


# --- what they are made of ------------------------------------------------------------------------------------------------


def _text_object(where: str, text: object, most: int, *, plain: bool = False) -> Iterator[str]:
    """https://docs.slack.dev/reference/block-kit/composition-objects/text-object."""
    if not isinstance(text, dict) or text.get("type") not in ("plain_text", "mrkdwn"):
        yield f"{where}: not a text object"
        return
    if plain and text["type"] != "plain_text":
        yield f"{where}: must be plain_text"
    if text["type"] == "mrkdwn" and "emoji" in text:
        yield f"{where}.emoji: only for plain_text"
    yield from _string(f"{where}.text", text.get("text"), most)


def _string(where: str, text: object, most: int | None) -> Iterator[str]:
    if not isinstance(text, str) or not text:
        yield f"{where}: no text"
    elif most is not None and len(text) > most:
        yield f"{where}: {len(text):,} characters, at most {most:,}"


def _address(where: str, url: object) -> Iterator[str]:
    yield from _string(where, url, 3000)
    if isinstance(url, str) and not _HTTPS.fullmatch(url):
        yield f"{where}: not an https address"


def _list(where: str, items: object, most: int | None) -> Iterator[str]:
    if not isinstance(items, list) or not items:
        yield f"{where}: empty"
    elif most is not None and len(items) > most:
        yield f"{where}: {len(items)} items, at most {most}"


def _each(where: str, items: object, most: int | None, check: Callable[[str, Mapping[str, Any]], Iterator[str]]) -> Iterator[str]:
    yield from _list(where, items, most)
    for place, item in enumerate(items if isinstance(items, list) else ()):
        yield from check(f"{where}[{place}]", item) if isinstance(item, dict) else [f"{where}[{place}]: not an object"]
