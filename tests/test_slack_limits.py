"""The validator knows what Slack refuses: each rule is broken once, and nothing else is found."""

from __future__ import annotations

from typing import Any

import pytest
from slack_limits import violations


def text(words: str = "x", **parts: Any) -> dict[str, Any]:
    return {"type": "plain_text", "text": words, **parts}


def rich(*elements: Any) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def button(**parts: Any) -> dict[str, Any]:
    return {"type": "button", "text": text(), "url": "https://example.com", "action_id": "a", **parts}


def actions(*buttons: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(buttons)}


def context(*elements: Any) -> dict[str, Any]:
    return {"type": "context", "elements": list(elements)}


def payload(*blocks: Any, **parts: Any) -> dict[str, Any]:
    return {
        "text": "x",
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        **({"blocks": list(blocks)} if blocks else {}),
        **parts,
    }


WORD = {"type": "text", "text": "x"}
IMAGE = {"type": "image", "image_url": "https://example.com/x.png", "alt_text": "x"}

TAKEN = [
    payload(),
    payload(text="&amp; &lt; &gt;"),
    payload(rich(WORD, {"type": "emoji", "name": "wave::skin-tone-2"}, {"type": "link", "url": "https://example.com"})),
    payload(rich({**WORD, "style": {"bold": True, "code": False}})),
    payload({"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [WORD]}]}),
    payload(
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_list", "style": "bullet", "elements": rich(WORD)["elements"]}],
        }
    ),
    payload({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}),
    payload({"type": "section", "fields": [text("x" * 2000)]}),
    payload({"type": "header", "text": text("x" * 150)}, {"type": "divider"}, IMAGE, context(text(), IMAGE)),
    payload(actions(button(), button(action_id="b", style="danger", value="v"))),
    payload(*[rich(WORD)] * 50),
]

REFUSED = [
    (payload(text=""), "text: no text"),
    (payload(text=None), "text: no text"),
    (payload(text="x" * 40_001), "text: 40,001 characters, at most 40,000"),
    (payload(text="<!channel>"), "text: has `<`, `>` or `&` that is not an entity"),
    (payload(text="a & b"), "text: has `<`, `>` or `&` that is not an entity"),
    (payload(text="&nbsp;"), "text: has `<`, `>` or `&` that is not an entity"),
    (payload(mrkdwn=True), "mrkdwn: must be False"),
    (payload(unfurl_links=None), "unfurl_links: must be False"),
    (payload(unfurl_media=0), "unfurl_media: must be False"),
    (payload(link_names=True), "link_names: not a key of our messages"),
    (payload(parse="full"), "parse: not a key of our messages"),
    (payload(text="\ud800"), "payload: not JSON in UTF-8 (UnicodeEncodeError)"),
    (payload(blocks={1}), "payload: not JSON in UTF-8 (TypeError)"),
    (payload(blocks=[float("nan")]), "payload: not JSON in UTF-8 (ValueError)"),
    (payload(blocks=[]), "blocks: empty"),
    (payload(blocks="x"), "blocks: empty"),
    (payload(*[rich(WORD)] * 51), "blocks: 51 items, at most 50"),
    (payload(rich({"type": "text", "text": "x" * 12_000})), "blocks: 12,103 bytes, at most 12,000"),
    (payload("x"), "blocks[0]: no block of a type that we know"),
    (payload({"type": "video"}), "blocks[0]: no block of a type that we know"),
    (payload({**rich(WORD), "block_id": "b"}, {**rich(WORD), "block_id": "b"}), "block_id: the same twice"),
    (payload({**rich(WORD), "block_id": "b" * 256}), "block_id: longer than 255 characters"),
    (payload({"type": "rich_text", "elements": []}), "blocks[0].elements: empty"),
    (payload({"type": "rich_text", "elements": ["x"]}), "blocks[0].elements[0]: not an object"),
    (payload({"type": "rich_text", "elements": [WORD]}), "blocks[0].elements[0]: no rich text of a type that we know"),
    (payload(rich()), "blocks[0].elements[0].elements: empty"),
    (payload(rich({"type": "text", "text": ""})), "blocks[0].elements[0].elements[0].text: no text"),
    (
        payload(rich({**WORD, "style": {"blink": True}})),
        "blocks[0].elements[0].elements[0].style: not of bold, code, italic, strike",
    ),
    (payload(rich({**WORD, "style": {"bold": 1}})), "blocks[0].elements[0].elements[0].style: not of bold, code, italic, strike"),
    (payload(rich({"type": "emoji", "name": ":x:"})), "blocks[0].elements[0].elements[0].name: not an emoji's name"),
    (payload(rich({"type": "broadcast", "range": "here"})), "blocks[0].elements[0].elements[0]: a mention, which rings someone"),
    (payload(rich({"type": "user", "user_id": "U1"})), "blocks[0].elements[0].elements[0]: a mention, which rings someone"),
    (payload(rich({"type": "sound"})), "blocks[0].elements[0].elements[0]: no element of a type that we know"),
    (payload(rich({"type": "link", "url": "http://x"})), "blocks[0].elements[0].elements[0].url: not an https address"),
    (
        payload({"type": "rich_text", "elements": [{"type": "rich_text_list", "elements": rich(WORD)["elements"]}]}),
        "blocks[0].elements[0].style: neither bullet nor ordered",
    ),
    (payload({"type": "section"}), "blocks[0]: neither text nor fields"),
    (payload({"type": "section", "text": "x"}), "blocks[0].text: not a text object"),
    (payload({"type": "section", "text": text("x" * 3001)}), "blocks[0].text.text: 3,001 characters, at most 3,000"),
    (payload({"type": "section", "text": text("")}), "blocks[0].text.text: no text"),
    (payload({"type": "section", "fields": []}), "blocks[0].fields: empty"),
    (payload({"type": "section", "fields": [text()] * 11}), "blocks[0].fields: 11 items, at most 10"),
    (payload({"type": "section", "fields": [text("x" * 2001)]}), "blocks[0].fields[0].text: 2,001 characters, at most 2,000"),
    (
        payload({"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": False}}),
        "blocks[0].text.emoji: only for plain_text",
    ),
    (payload({"type": "header", "text": text("x" * 151)}), "blocks[0].text.text: 151 characters, at most 150"),
    (payload({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}), "blocks[0].text: must be plain_text"),
    (payload({**IMAGE, "alt_text": ""}), "blocks[0].alt_text: no text"),
    (payload({**IMAGE, "image_url": "x"}), "blocks[0].image_url: not an https address"),
    (payload(context()), "blocks[0].elements: empty"),
    (payload(context(*[text()] * 11)), "blocks[0].elements: 11 items, at most 10"),
    (payload(context(button())), "blocks[0].elements[0]: not a text object"),
    (payload(actions()), "blocks[0].elements: empty"),
    (payload(actions(*[button(action_id=str(n)) for n in range(26)])), "blocks[0].elements: 26 items, at most 25"),
    (payload(actions(button(), button())), "blocks[0].action_id: the same twice"),
    (payload(actions(button(text=text("x" * 76)))), "blocks[0].elements[0].text.text: 76 characters, at most 75"),
    (payload(actions(button(url=f"https://{'x' * 2993}"))), "blocks[0].elements[0].url: 3,001 characters, at most 3,000"),
    (payload(actions(button(url="javascript:1"))), "blocks[0].elements[0].url: not an https address"),
    (payload(actions(button(style="loud"))), "blocks[0].elements[0].style: neither primary nor danger"),
    (payload(actions(button(value="x" * 2001))), "blocks[0].elements[0].value: 2,001 characters, at most 2,000"),
    (payload(actions(button(type="checkboxes"))), "blocks[0].elements[0]: not a button"),
]


@pytest.mark.parametrize("taken", TAKEN)
def test_what_slack_takes_has_no_violation(taken: dict[str, Any]) -> None:
    assert violations(taken) == []


@pytest.mark.parametrize(("refused", "found"), REFUSED, ids=[found for _, found in REFUSED])
def test_what_slack_refuses_is_found_and_said_where(refused: dict[str, Any], found: str) -> None:
    assert violations(refused) == [found]
