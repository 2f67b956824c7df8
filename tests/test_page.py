"""The page of messages: what it shows is what would be posted, nothing in it acts, and it asks nothing of any other place."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browser import browser, executable
from builders import SHIPPED
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from messages import lines
from sample_messages import SAMPLES

from engine.cli import trailbell
from engine.workbench.page import MESSAGES_MAX, STYLE, ShownMessage, page

ROOT = Path(__file__).parent.parent
EVENTS = ROOT / "tests/events"
TEXTS = st.text(st.integers(0, 0x10FFFF).filter(lambda code: not 0xD800 <= code < 0xE000).map(chr), max_size=60)

needs_browser = pytest.mark.skipif(
    executable() is None, reason="no Chromium with the fonts Lato, Noto Sans CJK JP and Noto Color Emoji (Debian's packages)"
)


class Reader(HTMLParser):
    """The text and the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def shown(payload: dict[str, Any], channel: str = "watch") -> str:
    return page([ShownMessage(channel, payload)], "Messages")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_line_of_a_message_stands_on_the_page(name: str) -> None:
    made = SAMPLES[name]()
    text = "".join(read(shown(made.payload)).text)
    for line in lines(made):
        assert re.sub(r"(?<!\S):[a-z_]+: ?", "", line) in text


@given(TEXTS, TEXTS)
def test_text_is_never_markup(text: str, channel: str) -> None:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}, {"type": "emoji", "name": text}]}
    link = {"type": "rich_text_section", "elements": [{"type": "link", "text": text, "url": f"https://x/{text}"}]}
    payload = {
        "text": text,
        "blocks": [
            {"type": "rich_text", "elements": [section, link, {"type": "rich_text_list", "elements": [section]}]},
            {"type": "context", "elements": [{"type": "plain_text", "text": text}]},
        ],
    }
    plain = {"text": "", "blocks": [{"type": "rich_text", "elements": [{**section, "elements": []}]}]}
    tags = {tag for tag, _ in read(shown(payload, channel)).tags}
    assert tags <= {tag for tag, _ in read(shown(plain)).tags} | {"br", "a", "ul", "li", "p"}
    links = [attributes["href"] for tag, attributes in read(shown(payload, channel)).tags if tag == "a"]
    assert all(str(href).startswith("https://x/") for href in links)


def test_the_page_has_nothing_that_is_fetched_and_a_policy_that_forbids_it() -> None:
    html = page([ShownMessage("watch", made().payload) for made in SAMPLES.values()], "Messages")
    tags = read(html).tags
    assert {tag for tag, _ in tags} & {"script", "img", "link", "iframe", "object", "embed", "form", "video"} == set()
    assert not [attributes for _, attributes in tags if {"src", "srcset", "style", "onclick", "onload"} & attributes.keys()]
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    (policy,) = [attributes["content"] for tag, attributes in tags if attributes.get("http-equiv")]
    assert str(policy).startswith("default-src 'none'; style-src 'sha256-")


def test_a_page_holds_so_many_messages_and_says_how_many_it_leaves_out(tmp_path: Path) -> None:
    record = (EVENTS / "human-identity-center.json").read_text("utf-8").replace("\n", " ")
    records = "\n".join(record.replace('"eventID": "', f'"eventID": "{number:04}') for number in range(MESSAGES_MAX + 2))
    (tmp_path / "many.jsonl").write_text(records, encoding="utf-8")
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "p.yaml").write_text(
        "version: 1\nname: p\nowner: team\ndefault: {notify: [watch], masking: standard}\n"
        "channels: [{name: watch, webhook: {env: SLACK_WEBHOOK_URL}}]\nmasking: [{level: standard, fields: {event: keep}}]\n",
        encoding="utf-8",
    )
    out = tmp_path / "page.html"
    result = CliRunner().invoke(trailbell, ["run", str(tmp_path / "many.jsonl"), "--policies", str(policies), "--html", str(out)])
    assert result.exit_code == 0, result.output
    html = out.read_text("utf-8")
    assert html.count("<article>") == MESSAGES_MAX
    assert f"{MESSAGES_MAX} messages; nothing was posted. 2 more are not on this page." in html


@pytest.mark.parametrize("command", ["run", "explain"])
def test_a_command_writes_the_page_of_the_payloads_that_it_made(command: str, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    words = [command, str(EVENTS / "denied.json"), "--policies", str(SHIPPED), "--html", str(out), "--region", "eu-west-1"]
    result = CliRunner().invoke(trailbell, words)
    assert result.exit_code == 0, result.output
    html = out.read_text("utf-8")
    assert "<b>Denied:</b> <b>analyst@example.com</b> reading <b>example-reports</b>" in html
    assert 'href="https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#' in html


@needs_browser
@pytest.mark.parametrize("width", [360, 640, 1200])
def test_a_browser_shows_the_page_without_asking_for_anything_else(width: int) -> None:
    html = page([ShownMessage("watch", made().payload) for made in SAMPLES.values()], "Messages")
    with browser() as chromium:
        shown_page = chromium.open(html, width)
        assert [url for url in shown_page.requested if not url.startswith("file:")] == []
        assert shown_page.evaluate("document.documentElement.scrollWidth") <= width
        light = shown_page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert light == "rgb(255, 255, 255)"
        shown_page.evaluate("document.getElementById('dark').click()")
        assert shown_page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(26, 29, 33)"
        shown_page.evaluate("document.getElementById('phone').click()")
        assert shown_page.evaluate("document.querySelector('main').getBoundingClientRect().width") <= 360


@needs_browser
def test_a_browser_in_the_dark_shows_the_page_dark() -> None:
    with browser() as chromium:
        shown_page = chromium.open(shown(SAMPLES["person"]().payload), 640, dark=True)
        assert shown_page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(26, 29, 33)"


def test_a_page_shows_mentions_and_what_a_topic_gets() -> None:
    element = {"type": "rich_text_section", "elements": [{"type": "usergroup", "usergroup_id": "S012"}]}
    slack = {"text": "x", "blocks": [{"type": "rich_text", "elements": [element]}]}
    topic = {"Subject": "[info] <a>", "Message": "b<i>\nc", "MessageAttributes": {}}
    shown = page([ShownMessage("watch", slack), ShownMessage("pager", topic)], "title")
    assert "<b>@S012</b>" in shown
    assert "[info] &lt;a&gt;" in shown
    assert "<p>b&lt;i&gt;<br>c</p>" in shown
