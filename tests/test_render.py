"""A message says who did what to which object, from where and why it is shown; and nothing in it acts."""

from __future__ import annotations

import json
from datetime import UTC, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import STANDARD, STRICT
from messages import DEPLOYED, EVENT_ID, HUMAN, TOKYO, UNKNOWN, VALUES, decision, masked, request, tokyo
from slack_limits import violations

from engine.model import (
    ActorClass,
    Channel,
    Deployment,
    Failure,
    Field,
    Kind,
    Language,
    Level,
    LocalizedText,
    MaskedEvent,
    MatcherKind,
    Message,
    Operator,
    Severity,
    Strength,
)
from engine.pipeline.render import LAYOUTS_SIZE, Layouts, plain, render
from engine.pipeline.render.labels import WORDS
from engine.pipeline.render.times import local_time


def message(event: MaskedEvent | None = None, channel: Channel | None = None, **asked: Any) -> Message:
    """A message for the channel `watch` about `VALUES`, or about another event."""
    return render(event or masked(), decision(), request(**asked), channel or tokyo(), DEPLOYED)


def lines(made: Message) -> list[str]:
    return str(made.payload["text"]).split("\n")


def pieces(made: Message) -> list[dict[str, Any]]:
    """Every piece of rich text."""
    return [
        piece
        for block in made.payload["blocks"]
        if block["type"] == "rich_text"
        for section in block["elements"]
        for piece in section["elements"]
    ]


def shown(made: Message) -> list[str]:
    """The lines of rich text as they read."""
    blocks = [block["elements"][0]["elements"] for block in made.payload["blocks"] if block["type"] == "rich_text"]
    read = ("".join(piece.get("text", f":{piece.get('name')}:") for piece in block) for block in blocks)
    return [line for block in read for line in block.split("\n")]


def footer(made: Message) -> list[str]:
    (context,) = [block for block in made.payload["blocks"] if block["type"] == "context"]
    return [element["text"] for element in context["elements"]]


def buttons(made: Message) -> dict[str, str]:
    found = [block["elements"] for block in made.payload["blocks"] if block["type"] == "actions"]
    return {button["text"]["text"]: button["url"] for elements in found for button in elements}


# --- what a first response needs ----------------------------------------------------------------


def test_a_message_says_everything_in_this_order() -> None:
    assert lines(message())[:9] == [
        ":large_orange_square: :bust_in_silhouette: GetObject by a person",
        "Allowed · analyst@example.com (human) · GetObject · payments-prod/2026/11/ledger.csv · from 203.0.113.0/24",
        "Time: 2026-11-01 09:30:00 JST (Sun)",
        "Event: GetObject",
        "Bucket: payments-prod",
        "Key: 2026/11/ledger.csv",
        "Region: ap-northeast-1",
        "Source IP: 203.0.113.0/24",
        "User agent: [aws-cli/2.15.0 Python/3.11.6 Darwin/23.1.0]",
    ]
    assert lines(message())[9] == "Class: human \N{EN DASH} the role is one of Identity Center (AWS vouches for it)"
    assert lines(message())[-1] == (
        "Asked for by payments/people · Severity: warning · Masking: standard · Policies: sha256:0123456789ab"
    )


def test_the_fallback_text_says_what_the_blocks_say() -> None:
    made = message(masked({Field.ERROR_CODE: "AccessDenied"}), fallback_for="s3-watch")
    assert lines(made)[:-1] == [line.removeprefix(":warning: ") for line in shown(made)]
    assert lines(made)[-1].split(" · ") == footer(made)


def test_values_look_like_code_and_labels_are_bold() -> None:
    styled = {piece["text"]: piece.get("style") for piece in pieces(message()) if piece["type"] == "text"}
    assert styled["GetObject by a person"] == {"bold": True}
    assert styled["Bucket: "] == {"bold": True}
    assert styled["payments-prod"] == {"code": True}
    assert {style and tuple(style) for text, style in styled.items() if text in VALUES.values()} == {("code",)}


@pytest.mark.parametrize(
    ("code", "denied", "outcome"),
    [(None, False, "Allowed · "), ("AccessDenied", True, "Denied AccessDenied · "), ("NoSuchKey", False, "Failed NoSuchKey · ")],
)
def test_the_lead_says_how_the_call_ended(code: str | None, denied: bool, outcome: str) -> None:  # noqa: FBT001  a row
    made = render(masked({Field.ERROR_CODE: code}, denied=denied), decision(), request(), tokyo(), DEPLOYED)
    assert lines(made)[1].startswith(outcome)


def test_a_level_that_hides_the_error_code_says_nothing_of_how_the_call_ended() -> None:
    made = render(masked(level=STRICT, denied=True), decision(), request(STRICT), tokyo(), DEPLOYED)
    assert lines(made)[1] == "(hidden) · GetObject · payments-prod · from (hidden)"


def test_a_copy_says_from_where_and_to_where() -> None:
    copied = masked({Field.EVENT: "CopyObject", Field.COPY_SOURCE: "ledger/a.csv", Field.BUCKET: "elsewhere", Field.KEY: "b.csv"})
    assert " · ledger/a.csv → elsewhere/b.csv · " in lines(message(copied))[1]


@pytest.mark.parametrize(
    ("strength", "worth"),
    [(Strength.ATTESTED, "AWS vouches for it"), (Strength.CLAIMED, "claimed: the caller could have chosen it")],
)
def test_a_class_says_why_and_what_that_is_worth(strength: Strength, worth: str) -> None:
    actor = HUMAN._replace(evidence=(HUMAN.evidence[0]._replace(strength=strength),))
    made = render(masked(), decision(actor), request(), tokyo(), DEPLOYED)
    assert f"Class: human \N{EN DASH} the role is one of Identity Center ({worth})" in lines(made)


def test_an_unknown_caller_says_that_no_evidence_held() -> None:
    made = render(masked({Field.CLASS: "unknown", Field.EVIDENCE: None}), decision(UNKNOWN), request(), tokyo(), DEPLOYED)
    assert "Class: unknown \N{EN DASH} no class has evidence for this caller" in lines(made)


def test_failed_matchers_are_named_without_what_they_met() -> None:
    failures = tuple(Failure(MatcherKind.ROUTE, "payments", f"r{n}", "secret reason") for n in range(10))
    made = render(masked(), decision(failures=failures), request(), tokyo(), DEPLOYED)
    note = next(line for line in lines(made) if line.startswith("Matchers that failed"))
    names = ", ".join(f"route payments/r{n}" for n in range(8))
    assert note == f"Matchers that failed (10): {names}, 2 more"
    assert "secret reason" not in json.dumps(made.payload)


def test_a_fallback_channel_is_told_whose_place_it_takes() -> None:
    assert "Sent here because the channel s3-watch is gone" in lines(message(fallback_for="s3-watch"))


def test_missing_hash_keys_are_counted() -> None:
    assert footer(message(masked(hash_missing=2)))[-1] == "Hidden for want of a hash key: 2"


@pytest.mark.parametrize(
    ("severity", "mark"),
    [
        (Severity.INFO, "large_blue_square"),
        (Severity.WARNING, "large_orange_square"),
        (Severity.CRITICAL, "rotating_light"),
    ],
)
def test_the_severity_is_seen_first(severity: Severity, mark: str) -> None:
    made = message(severity=severity)
    assert pieces(made)[0] == {"type": "emoji", "name": mark}
    assert f"Severity: {severity}" in footer(made)


@pytest.mark.parametrize(
    ("emoji", "kind", "mark"),
    [
        (":robot_face:", Kind.PERSON, "robot_face"),
        (":wave::skin-tone-2:", Kind.PERSON, "wave::skin-tone-2"),
        (":社章:", Kind.PERSON, "社章"),
        (None, Kind.ROBOT, "robot_face"),
        (None, Kind.SERVICE, "gear"),
        (":not one: :two:", Kind.UNKNOWN, "grey_question"),
        ("<!here>", Kind.PERSON, "bust_in_silhouette"),
    ],
)
def test_a_class_has_its_own_emoji_or_that_of_its_kind(emoji: str | None, kind: Kind, mark: str) -> None:
    made = render(masked(), decision(ActorClass("human", kind, emoji=emoji)), request(), tokyo(), DEPLOYED)
    assert pieces(made)[2] == {"type": "emoji", "name": mark}


def test_a_level_that_hides_the_class_shows_neither_its_emoji_nor_its_title() -> None:
    made = render(masked(level=STRICT), decision(), request(STRICT), tokyo(), DEPLOYED)
    assert lines(made)[0] == ":large_orange_square: GetObject on payments-prod"
    assert "human" not in json.dumps(made.payload)
    assert "Identity Center" not in json.dumps(made.payload)


# --- titles ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "title", "shown_title"),
    [
        ({}, "A person read {bucket}", "A person read payments-prod"),
        ({}, "{key} at {time}", "2026/11/ledger.csv at 2026-11-01 09:30:00 JST (Sun)"),
        ({Field.ERROR_CODE: None}, "{event}: {error_code}", "GetObject: \N{EN DASH}"),
        ({}, "{nothing} {} {event.x} {EVENT} {{event}}", "{nothing} {} {event.x} {EVENT} {GetObject}"),
        ({Field.KEY: "{bucket}"}, "{key}", "{bucket}"),
        ({Field.KEY: "a\nb"}, "{key}", "a\\nb"),
        ({Field.KEY: "k" * 200}, "{key}", f"{'k' * 100}… (+100)"),
        ({}, "t" * 400, f"{'t' * 300}… (+100)"),
        ({}, "100% of {bucket}, %s", "100% of payments-prod, %s"),
        ({Field.BUCKET: "b ", Field.KEY: " k"}, "{bucket}{key}", "b\\u{20}\\u{20}k"),
    ],
)
def test_a_title_is_filled_with_masked_values(changes: dict[Field, str | None], title: str, shown_title: str) -> None:
    assert (
        lines(message(masked(changes), title=LocalizedText(title)))[0]
        == f":large_orange_square: :bust_in_silhouette: {shown_title}"
    )


@pytest.mark.parametrize(("key", "shown"), [("k" * 200, f"{'k' * 100}… (+100)"), ("a\nb", "a\\nb"), ("a//b", "a//b")])
def test_so_is_one_with_values_that_the_channel_does_not_show(key: str, shown: str) -> None:
    made = message(masked({Field.KEY: key}), tokyo(fields=(Field.TIME,)), title=LocalizedText("read: {key}"))
    assert lines(made)[0].endswith(f"read: {shown}")


def test_a_title_says_hidden_where_the_level_drops_a_field() -> None:
    assert lines(message(masked(level=STRICT), title=LocalizedText("{event} by {name}")))[0].endswith("GetObject by (hidden)")


def test_a_title_says_hidden_where_there_is_no_hash_key() -> None:
    level = Level("hashed", 1, {**STANDARD.operators, Field.NAME: Operator.HASH})
    values: dict[Field, str] = {field: value for field, value in VALUES.items() if field is not Field.NAME}
    assert lines(message(MaskedEvent(level, values, 1), title=LocalizedText("{name}")))[0].endswith("(hidden)")
    assert lines(message(MaskedEvent(level, values, 0), title=LocalizedText("{name}")))[0].endswith("\N{EN DASH}")


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "GetObject on payments-prod"),
        ({Field.BUCKET: None}, "GetObject"),
        ({Field.EVENT: None}, "CloudTrail event"),
    ],
)
def test_without_titles_there_is_one(changes: dict[Field, str | None], title: str) -> None:
    made = render(masked(changes), decision(HUMAN._replace(title=None)), request(), tokyo(), DEPLOYED)
    assert lines(made)[0].endswith(f": {title}")


# --- channels ----------------------------------------------------------------


def test_a_channel_chooses_fields_and_their_order() -> None:
    made = message(channel=tokyo(fields=(Field.KEY, Field.TIME, Field.ERROR_CODE)))
    assert lines(made)[1:-1] == ["Allowed · 2026/11/ledger.csv", "Key: 2026/11/ledger.csv", "Time: 2026-11-01 09:30:00 JST (Sun)"]


def test_without_a_choice_the_fields_stand_in_the_models_order() -> None:
    labels = [line.partition(": ")[0] for line in lines(message())[2:-1]]
    assert labels == [WORDS[Language.EN].fields[field] for field in Field if field in VALUES]


def test_where_only_the_evidence_is_shown_it_says_why() -> None:
    made = message(channel=tokyo(fields=(Field.EVIDENCE,)))
    assert "Evidence: identity-center-role \N{EN DASH} the role is one of Identity Center (AWS vouches for it)" in lines(made)


def test_a_japanese_channel_has_japanese_words() -> None:
    made = message(channel=tokyo(language=Language.JA), runbook="https://wiki.example.com/x")
    assert lines(made)[1:6] == [
        "許可 · analyst@example.com (human) · GetObject · payments-prod/2026/11/ledger.csv · 送信元 203.0.113.0/24",
        "時刻: 2026-11-01 09:30:00 JST (日)",
        "イベント: GetObject",
        "バケット: payments-prod",
        "キー: 2026/11/ledger.csv",
    ]
    assert list(buttons(made)) == ["CloudTrail で呼び出し元を見る", "監査記録", "手順書"]


@pytest.mark.parametrize("language", Language)
def test_every_language_has_every_word(language: Language) -> None:
    words = WORDS[language]
    assert set(words.fields) == set(Field)
    assert len(words.weekdays) == 7
    assert set(words.matchers) == set(MatcherKind)
    assert set(words.severities) == set(Severity)
    assert set(words.strengths) == set(Strength)


@pytest.mark.parametrize(
    ("time", "zone", "local"),
    [
        ("2026-11-01T00:30:00Z", TOKYO, "2026-11-01 09:30:00 JST (Sun)"),
        ("2026-11-01T00:30:00Z", UTC, "2026-11-01 00:30:00 UTC (Sun)"),
        ("2026-07-01T00:30:00Z", ZoneInfo("America/New_York"), "2026-06-30 20:30:00 EDT (Tue)"),
        ("2026-11-01T00:30:00Z", ZoneInfo("Asia/Dubai"), "2026-11-01 04:30:00 UTC+04:00 (Sun)"),
        ("2026-11-01T00:30:00+01:00", timezone(timedelta(hours=-3)), "2026-10-31 20:30:00 UTC-03:00 (Sat)"),
        ("2026-11-01T00:30:00", TOKYO, "2026-11-01 09:30:00 JST (Sun)"),
        ("yesterday\n", TOKYO, "yesterday\\n"),
        ("0001-01-01T00:00:00Z", ZoneInfo("America/New_York"), "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", TOKYO, "9999-12-31T23:59:59Z"),
        ("2026-W44-7T00:30:00Z", UTC, "2026-11-01 00:30:00 UTC (Sun)"),
        ("2026-11-01T00:30:61Z", UTC, "2026-11-01T00:30:61Z"),
        ("2026-11-01T00:30:00.5Z", UTC, "2026-11-01 00:30:00 UTC (Sun)"),
        ("20261101T003000Z", UTC, "2026-11-01 00:30:00 UTC (Sun)"),
        ("2026-11-01 00:30:00Z", UTC, "2026-11-01 00:30:00 UTC (Sun)"),
    ],
)
def test_times_are_the_channels(time: str, zone: Any, local: str) -> None:
    channel = tokyo(fields=(Field.TIME,))._replace(timezone=zone)
    assert f"Time: {local}" in lines(message(masked({Field.TIME: time}), channel))


@pytest.mark.parametrize(
    "time",
    [
        *("2026-06-30T00:00:Z\0Z", "2026-06-30T00:Z\0:00Z", "2026-06-30T00:Z\0:Z\0Z", "2026-06-30T0Z:00:00Z"),
        *(
            "2026-06-30T00:00:00Z\0",
            "2026-06-30T00:00:00Z0",
            "2026-06-30T00:00:+0Z",
            "2026-06-30T00:00:\u0660\u0660Z",
            "2026-06-30T:::::::Z",
        ),
    ],
)
def test_a_time_in_utc_is_shown_as_it_is_read_whatever_stands_in_it(time: str) -> None:
    words = WORDS[Language.EN]
    assert local_time(time, UTC, words) == local_time(time, ZoneInfo("UTC"), words)


OTHER = HUMAN.evidence[0]._replace(id="other", says=LocalizedText("something else"))
NAMED_OTHERWISE = Level("else", 1, STANDARD.operators)
ROBOT = HUMAN._replace(name="robot", emoji=":robot_face:")
FAILED = Failure(MatcherKind.ROUTE, "payments", "r", "why")


@pytest.mark.parametrize(
    ("changes", "decided", "requested", "channel_parts"),
    [
        ({Field.MFA: None}, {}, {}, {}),
        ({Field.ERROR_CODE: "AccessDenied"}, {"denied": True}, {}, {}),
        ({}, {"hash_missing": 2}, {}, {}),
        ({}, {"actor": ROBOT}, {}, {}),
        ({}, {"evidence": OTHER}, {}, {}),
        ({}, {"evidence": None}, {}, {}),
        ({}, {"failures": (FAILED,)}, {}, {}),
        ({}, {}, {"severity": Severity.CRITICAL}, {}),
        ({}, {}, {"routes": ("payments/other",)}, {}),
        ({}, {}, {"routes": (), "route": "other"}, {}),
        ({}, {}, {"fallback_for": "gone"}, {}),
        ({}, {}, {"title": LocalizedText("{bucket} was read")}, {}),
        ({}, {}, {"level": NAMED_OTHERWISE}, {}),
        ({}, {}, {}, {"language": Language.JA}),
        ({}, {}, {}, {"fields": (Field.KEY,)}),
    ],
)
def test_the_layout_of_one_event_is_not_used_for_an_event_that_differs_in_one_thing(
    changes: dict[Field, str | None], decided: dict[str, Any], requested: dict[str, Any], channel_parts: dict[str, Any]
) -> None:
    parts = decided.copy()
    denied, hash_missing = parts.pop("denied", False), parts.pop("hash_missing", 0)
    level = requested.get("level", STANDARD)
    event = masked(changes, level, hash_missing, denied=denied)
    channel = tokyo(**channel_parts)._replace(name="other") if channel_parts else tokyo()
    given = (event, decision(**parts), request(**{"level": level, **requested}), channel, DEPLOYED)
    usual = (masked(), decision(), request(), tokyo(), DEPLOYED)
    alone, layouts = render(*given), Layouts(LAYOUTS_SIZE)
    assert render(*usual, layouts=layouts) != alone
    assert render(*given, layouts=layouts) == alone


def test_a_layout_is_filled_anew_for_each_event() -> None:
    layouts = Layouts(LAYOUTS_SIZE)
    for key in ("a.csv", "b.csv", "é  <x>", "k" * 5000):
        event = masked({Field.KEY: key})
        made = render(event, decision(), request(), tokyo(), DEPLOYED, layouts=layouts)
        assert made == render(event, decision(), request(), tokyo(), DEPLOYED)
    assert len(layouts) == 1


# --- buttons ----------------------------------------------------------------


def test_the_buttons_lead_to_the_event_the_audit_record_and_the_runbook() -> None:
    made = message(masked({Field.EVENT: "PutBucketPolicy"}), runbook="https://wiki.example.com/x")
    assert list(buttons(made)) == ["Event in CloudTrail", "Audit record", "Runbook"]
    assert buttons(made)["Runbook"] == "https://wiki.example.com/x"
    assert EVENT_ID in buttons(made)["Audit record"]


def test_on_the_command_line_only_the_runbook_has_a_button() -> None:
    made = render(masked(), decision(), request(runbook="https://wiki.example.com/x"), tokyo(), Deployment())
    assert list(buttons(made)) == ["Runbook"]
    assert buttons(render(masked(), decision(), request(), tokyo(), Deployment())) == {}


# --- nothing acts ----------------------------------------------------------------


def test_event_text_is_never_markup() -> None:
    attack = "<!channel> *b* <https://evil.example|x>\n> :tada: @here\u202e"
    made = message(masked(dict.fromkeys(Field, attack)))
    assert not [line for line in lines(made) if line.startswith((">", "*"))]
    assert "<" not in made.payload["text"]
    assert "://evil" not in made.payload["text"]
    assert '"mrkdwn"' not in json.dumps(made.payload["blocks"])
    assert {piece["type"] for piece in pieces(made)} == {"text", "emoji"}
    assert {piece["name"] for piece in pieces(made) if piece["type"] == "emoji"} == {"large_orange_square", "bust_in_silhouette"}


def test_a_message_rings_nobody_and_unfurls_nothing() -> None:
    assert {key: value for key, value in message().payload.items() if key not in ("text", "blocks")} == {
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def test_texts_of_ours_are_not_searched_for_emoji() -> None:
    blocks = message(runbook="https://wiki.example.com/x").payload["blocks"]
    texts = [element for block in blocks if block["type"] == "context" for element in block["elements"]]
    texts += [button["text"] for block in blocks if block["type"] == "actions" for button in block["elements"]]
    assert {(text["type"], text["emoji"]) for text in texts} == {("plain_text", False)}


def test_long_values_are_cut_and_say_so() -> None:
    made = message(masked({Field.USER_AGENT: "u" * 5000, Field.KEY: "k" * 5000}))
    assert f"User agent: {'u' * 300}… (+4,700)" in lines(made)
    assert f"Key: {'k' * 1024}… (+3,976)" in lines(made)


def test_where_the_message_is_full_a_cut_value_still_says_how_much_is_left_out() -> None:
    every_but_the_key = tokyo(fields=tuple(field for field in Field if field is not Field.KEY))
    made = message(masked(dict.fromkeys(Field, "\N{GRINNING FACE}" * 5000)), every_but_the_key)
    values = [piece["text"].partition("… (+") for piece in pieces(made) if piece.get("style") == {"code": True}]
    assert {len(kept) + int(left_out.strip(")").replace(",", "")) for kept, _, left_out in values} == {5000}
    assert max(len(kept) for kept, _, _ in values) < 100


def test_a_key_of_the_greatest_length_is_shown_whole() -> None:
    assert f"Key: {'k' * 1024}" in lines(message(masked({Field.KEY: "k" * 1024})))


# --- the plain version ----------------------------------------------------------------


def test_the_plain_version_has_the_text_and_the_addresses_and_no_blocks() -> None:
    made = message(runbook="https://wiki.example.com/x?a=b&c=d")._replace(events=(3,))
    without = plain(made)
    assert (without.channel, without.events) == (made.channel, (3,))
    assert set(without.payload) == {"text", "mrkdwn", "unfurl_links", "unfurl_media"}
    assert without.payload["text"].startswith(made.payload["text"] + "\n")
    assert without.payload["text"].endswith("\nRunbook: https://wiki.example.com/x?a=b&amp;c=d")
    assert violations(without.payload) == []
    assert plain(without) == without
