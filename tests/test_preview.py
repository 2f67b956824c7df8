"""A message on a terminal is what the channel would see, and the terminal obeys nothing in it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import DEPLOYED, VALUES, decision, masked, request, tokyo

from engine.cli.preview import preview, safe
from engine.model import Deployment, Failure, Field, LocalizedText, MatcherKind, Severity
from engine.pipeline.render import plain, render

TEXTS = st.text(st.integers(0, 0x10FFFF).map(chr), max_size=80) | st.text(st.sampled_from("a \n\x1b[31m\u202e資料"), max_size=200)
SGR = re.compile(r"\x1b\[[0-9]+m")


def message(changes: dict[Field, str | None] | None = None, deployment: Deployment = DEPLOYED, **asked: Any) -> dict[str, Any]:
    """A payload for a channel in Tokyo."""
    return dict(render(masked(changes), decision(**asked.pop("decided", {})), request(**asked), tokyo(), deployment).payload)


def section(*elements: Any) -> dict[str, Any]:
    """A payload of one rich-text section."""
    return {"blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}]}


def test_a_message_reads_as_in_the_channel() -> None:
    chosen = (Field.TIME, Field.EVENT, Field.BUCKET, Field.KEY, Field.SOURCE_IP, Field.CLASS, Field.NAME, Field.ERROR_CODE)
    made = render(
        masked({Field.ERROR_CODE: "AccessDenied"}, denied=True),
        decision(failures=(Failure(MatcherKind.ROUTE, "payments", "people", "why"),)),
        request(
            severity=Severity.CRITICAL,
            title=LocalizedText("Denied: {event} on {bucket}"),
            runbook="https://wiki.example.com/denied",
        ),
        tokyo(fields=chosen),
        Deployment(),
    )
    assert preview(made.payload).split("\n") == [
        "┃ 🚨 👤 Denied: GetObject on payments-prod",
        "┃ Denied AccessDenied · analyst@example.com (human) · GetObject · payments-prod/2026/11/ledger.csv ·",
        "┃ from 203.0.113.0/24",
        "┃",
        "┃ Time: 2026-11-01 09:30:00 JST (Sun)",
        "┃ Event: GetObject",
        "┃ Bucket: payments-prod",
        "┃ Key: 2026/11/ledger.csv",
        "┃ Source IP: 203.0.113.0/24",
        "┃ Class: human \N{EN DASH} the role is one of Identity Center (AWS vouches for it)",
        "┃ Name: analyst@example.com",
        "┃ Error: AccessDenied",
        "┃",
        "┃ ⚠ Matchers that failed (1): route payments/people",
        "┃ Asked for by payments/people  ·  Severity: critical  ·  Masking: standard  ·  Policies:",
        "┃ sha256:0123456789ab",
        "┃ [ Runbook ] https://wiki.example.com/denied",
    ]


def test_addresses_stay_whole() -> None:
    shown = preview(message(), 40)
    assert re.search(r"^┃ \[ Audit record \] https://\S+logs-insights\S+$", shown, re.MULTILINE)


def test_an_emoji_without_a_picture_here_is_shown_by_its_name() -> None:
    shown = preview(section({"type": "emoji", "name": "社章"}, {"type": "emoji", "name": "robot_face"}))
    assert shown == "┃ :社章:🤖"


def test_a_plain_message_reads_as_its_text() -> None:
    made = plain(render(masked({Field.KEY: "<a> & b"}), decision(), request(), tokyo(fields=(Field.KEY,)), Deployment()))
    assert preview(made.payload).split("\n")[1:3] == ["┃ Allowed · <a> & b", "┃ Key: <a> & b"]


def test_other_blocks_read_too() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Title"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "words"}, "fields": [{"type": "plain_text", "text": "field"}]},
        {"type": "divider"},
    ]
    assert preview({"blocks": blocks}) == "┃ Title\n┃\n┃ words\n┃ field\n┃\n┃ ────────"


def test_colour_makes_titles_bold_and_values_stand_out() -> None:
    shown = preview(message(), colour=True)
    assert "\x1b[1mGetObject by a person\x1b[0m" in shown
    assert "\x1b[36mpayments-prod\x1b[0m" in shown
    assert SGR.sub("", shown) == preview(message())


def test_what_masquerades_is_shown() -> None:
    shown = preview(message({Field.KEY: "\x1b]0;owned\x07\x1b[2Ja\u202eb\rc"}))
    assert "Key: \\e]0;owned\\u{7}\\e[2Ja\\u{202e}b\\rc" in shown


@pytest.mark.parametrize(("text", "shown"), [("a\tb", "a\\tb"), ("\x9b31m", "\\u{9b}31m"), ("資料  x", "資料  x")])
def test_text_is_safe_for_a_terminal(text: str, shown: str) -> None:
    assert safe(text) == shown


def unsafe(shown: str) -> set[str]:
    """What a terminal would obey or hide, line ends apart."""
    return {char for char in shown if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


@given(st.dictionaries(st.sampled_from(Field), TEXTS), st.booleans())
def test_a_terminal_obeys_nothing_of_an_event(changes: dict[Field, str | None], colour: bool) -> None:  # noqa: FBT001  drawn
    assert unsafe(SGR.sub("", preview(message(changes), colour=colour))) == set()


@given(TEXTS)
def test_a_terminal_obeys_nothing_of_any_payload(text: str) -> None:
    link = {"type": "button", "text": {"type": "plain_text", "text": text}, "url": f"https://{text}", "action_id": "x"}
    payload = {
        "blocks": [
            *section({"type": "text", "text": text}, {"type": "emoji", "name": text}, {"type": "link", "url": text})["blocks"],
            {"type": "context", "elements": [{"type": "plain_text", "text": text}]},
            {"type": "actions", "elements": [link]},
        ]
    }
    assert unsafe(preview(payload)) == set()
    assert unsafe(preview({"text": text})) == set()


@given(st.text(st.sampled_from("a資 bc"), max_size=300), st.integers(20, 60))
def test_lines_are_as_wide_as_asked_and_nothing_is_lost(text: str, width: int) -> None:
    shown = preview(section({"type": "text", "text": text}), width)
    assert all(sum(2 if char == "資" else 1 for char in line) <= width for line in shown.split("\n"))
    assert shown.replace("┃", "").replace("\n", "").replace(" ", "") == text.replace(" ", "")


def test_every_value_of_an_event_is_to_be_seen() -> None:
    shown = re.sub(r"\n┃ ?", " ", preview(message(), 200))
    hidden = {field for field, value in VALUES.items() if value not in shown}
    assert hidden == {Field.TIME}
