"""A message on a terminal is what the channel would see, and the terminal obeys nothing in it."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from messages import DEPLOYED, decision, masked, request, tokyo

from engine.cli.preview import preview
from engine.model import Deployment, Failure, Field, MatcherKind, Severity
from engine.pipeline.render import plain, render

TEXTS = st.text(st.integers(0, 0x10FFFF).map(chr), max_size=80) | st.text(st.sampled_from("a \n\x1b[31m\u202e資料"), max_size=200)
CODES = re.compile(r"\x1b\[[0-9]+m|\x1b\]8;;[!-~]*\x1b\\")
"""What the preview itself tells a terminal: looks and links."""


def message(changes: dict[Field, str | None] | None = None, deployment: Deployment = DEPLOYED, **asked: Any) -> dict[str, Any]:
    """A payload for a channel in Tokyo."""
    return dict(render(masked(changes), decision(**asked.pop("decided", {})), request(**asked), tokyo(), deployment).payload)


def section(*elements: Any) -> dict[str, Any]:
    """A payload of one rich-text section."""
    return {"blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}]}


def test_a_message_reads_as_in_the_channel() -> None:
    made = render(
        masked({Field.ERROR_CODE: "AccessDenied"})._replace(denied=True),
        decision(failures=(Failure(MatcherKind.ROUTE, "payments", "people", "why"),)),
        request(severity=Severity.CRITICAL, runbook="https://wiki.example.com/denied"),
        tokyo(fields=(Field.REQUEST_ID,)),
        Deployment(),
    )
    assert preview(made.payload, 80).split("\n") == [
        "┃ 🚨 Denied: analyst@example.com reading payments-prod",
        "┃ 2026/11/ledger.csv · aws-cli on macOS · 203.0.113.0/24",
        "┃ Person: signed in through IAM Identity Center (attested) · role Analyst",
        "┃ Request ID: C3D13FE58DE4C810",
        "┃ Matchers that failed (1): route payments/people",
        "┃ Runbook · What else",
        "┃ GetObject · AccessDenied · Sun 1 Nov 09:30:00 JST · payments/people · masked:",
        "┃ standard · 0123456789ab",
    ]


def test_on_a_terminal_with_colour_links_can_be_opened() -> None:
    shown = preview(message(runbook="https://wiki.example.com/x"), 40, colour=True)
    assert "\x1b]8;;https://wiki.example.com/x\x1b\\\x1b[4mRunbook\x1b[0m\x1b]8;;\x1b\\" in shown
    assert "https://" not in preview(message(runbook="https://wiki.example.com/x"), 40)


def test_a_list_has_bullets() -> None:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": "a\nb"}]}
    listed = {"type": "rich_text_list", "style": "bullet", "elements": [section, section]}
    assert preview({"blocks": [{"type": "rich_text", "elements": [listed]}]}) == "┃   • a\n┃     b\n┃   • a\n┃     b"


def test_an_emoji_without_a_picture_here_is_shown_by_its_name() -> None:
    shown = preview(section({"type": "emoji", "name": "社章"}, {"type": "emoji", "name": "robot_face"}))
    assert shown == "┃ :社章:🤖"


def test_a_plain_message_reads_as_its_text() -> None:
    made = plain(render(masked({Field.KEY: "<a> & b"}), decision(), request(), tokyo(), Deployment()))
    assert preview(made.payload, 200).split("\n")[1] == "┃ <a> & b · 18 kB · aws-cli on macOS · 203.0.113.0/24"


def test_a_block_that_no_message_has_is_named() -> None:
    assert preview({"blocks": [{"type": "divider"}]}) == "┃ (divider)"


def test_colour_makes_who_bold_and_keys_stand_out() -> None:
    shown = preview(message(), colour=True)
    assert "\x1b[1manalyst@example.com\x1b[0m" in shown
    assert "\x1b[36m2026/11/ledger.csv\x1b[0m" in shown
    assert CODES.sub("", shown) == preview(message())


def test_what_masquerades_is_shown() -> None:
    shown = preview(message({Field.KEY: "\x1b]0;owned\x07\x1b[2Ja\u202eb\rc"}))
    assert "\\e]0;owned\\u{7}\\e[2Ja\\u{202e}b\\rc" in shown


def unsafe(shown: str) -> set[str]:
    """What a terminal would obey or hide, line ends apart."""
    return {char for char in shown if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


@given(st.dictionaries(st.sampled_from(Field), TEXTS), st.booleans())
def test_a_terminal_obeys_nothing_of_an_event(changes: dict[Field, str | None], colour: bool) -> None:  # noqa: FBT001  drawn
    assert unsafe(CODES.sub("", preview(message(changes), colour=colour))) == set()


@given(TEXTS)
def test_a_terminal_obeys_nothing_of_any_payload(text: str) -> None:
    payload = {
        "blocks": [
            *section(
                {"type": "text", "text": text},
                {"type": "emoji", "name": text},
                {"type": "link", "url": text},
                {"type": "link", "url": f"https://{text}", "text": text},
            )["blocks"],
            {"type": "context", "elements": [{"type": "plain_text", "text": text}]},
        ]
    }
    assert unsafe(preview(payload)) == set()
    assert unsafe(CODES.sub("", preview(payload, colour=True))) == set()
    assert unsafe(preview({"text": text})) == set()


@given(st.text(st.sampled_from("a資 bc"), max_size=300), st.integers(20, 60))
def test_lines_are_as_wide_as_asked_and_nothing_is_lost(text: str, width: int) -> None:
    shown = preview(section({"type": "text", "text": text}), width)
    assert all(sum(2 if char == "資" else 1 for char in line) <= width for line in shown.split("\n"))
    assert shown.replace("┃", "").replace("\n", "").replace(" ", "") == text.replace(" ", "")


def test_a_mention_is_shown_as_slack_knows_it() -> None:
    element = {
        "type": "rich_text_section",
        "elements": [{"type": "broadcast", "range": "here"}, {"type": "user", "user_id": "U012"}],
    }
    assert preview({"text": "x", "blocks": [{"type": "rich_text", "elements": [element]}]}) == "┃ @here@U012"


def test_a_message_for_a_topic_is_shown_as_its_subject_and_text() -> None:
    assert preview({"Subject": "[info] a", "Message": "\u26a0\ufe0f b\nc\u202e"}) == "┃ [info] a\n┃ ⚠ b\n┃ c\\u{202e}"
