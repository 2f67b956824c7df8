"""A message says in two lines who did what and where; why and where to go on below them; and nothing in it acts."""

from __future__ import annotations

import json
from datetime import UTC, timedelta, timezone
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from builders import OPEN_LEVEL, STANDARD, STRICT
from messages import DEPLOYED, EVENT_ID, HUMAN, TOKYO, UNKNOWN, VALUES, decision, lines, linked, masked, pieces, request, tokyo
from slack_limits import violations

from engine.model import (
    ActorClass,
    Channel,
    Deployment,
    Detail,
    DigestRule,
    Failure,
    Field,
    Incident,
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
from engine.pipeline.digest import Entry, fold
from engine.pipeline.render import Counted, plain, render, render_incident, render_summary
from engine.pipeline.render.actions import Action
from engine.pipeline.render.amounts import exact_size, readable_size, readable_span
from engine.pipeline.render.languages import WORDS
from engine.pipeline.render.parts import shortened_key
from engine.pipeline.render.targets import Target
from engine.pipeline.render.times import full_time, local_time
from engine.pipeline.render.words import CallOutcome

EN, JA = Language.EN, Language.JA
ROLE = "payments-nightly"
TASK = "4d7f0a1b2c3e4f5061728394a5b6c7d8"

ROBOT = ActorClass(
    "ecs-robot", Kind.ROBOT, emoji=":robot_face:", title=LocalizedText("ECS task", "ECS タスク"), evidence=HUMAN.evidence
)
MISUSE = ActorClass(
    "credential-misuse",
    Kind.UNKNOWN,
    title=LocalizedText("Credential misuse", "認証情報の不正使用の疑い"),
    never_mute=True,
    evidence=(HUMAN.evidence[0]._replace(strength=Strength.CLAIMED),),
)
TASK_VALUES: dict[Field, str | None] = {
    Field.CLASS: "ecs-robot",
    Field.NAME: TASK,
    Field.ROLE: ROLE,
    Field.SESSION: TASK,
    Field.CLIENT: "Boto3 on Fargate",
}


def message(  # noqa: PLR0913  what a message is made of
    changes: dict[Field, str | None] | None = None,
    actor: ActorClass = HUMAN,
    level: Level = STANDARD,
    *,
    language: Language = EN,
    fields: tuple[Field, ...] | None = None,
    counted: Counted | None = None,
    facts: dict[str, Any] | None = None,
    **asked: Any,
) -> Message:
    """A message for a channel in Tokyo about `VALUES` with changes; `facts` are those of the masked event."""
    event = masked(changes, level)._replace(**(facts or {}))
    made = render(
        event,
        decision(actor),
        request(level, **asked),
        tokyo(floor=STANDARD, language=language, fields=fields),
        DEPLOYED,
        counted=counted,
    )
    assert violations(made.payload) == []
    return made


def first(made: Message) -> str:
    return lines(made)[0]


def denied(**changes: Any) -> dict[str, Any]:
    return {"changes": {Field.ERROR_CODE: "AccessDenied", **changes.pop("changes", {})}, "facts": {"denied": True}, **changes}


# --- the whole message ----------------------------------------------------------------------------------------------------


def test_a_message_is_two_lines_why_links_and_a_footer() -> None:
    assert lines(message(runbook="https://wiki.example.com/x")) == [
        ":warning: analyst@example.com read payments-prod",
        "2026/11/ledger.csv · 18 kB · aws-cli on macOS · 203.0.113.0/24",
        "Person: signed in through IAM Identity Center (attested) · role Analyst",
        "Runbook · Record · What else",
        "GetObject · Sun 1 Nov 09:30:00 JST · payments/people · 0123456789ab",
    ]


def test_a_japanese_message_is_japanese_throughout() -> None:
    assert lines(message(language=JA, runbook="https://wiki.example.com/x")) == [
        ":warning: analyst@example.com が payments-prod を読み取り",
        "2026/11/ledger.csv · 18 kB · aws-cli（macOS） · 203.0.113.0/24",
        "人：IAM Identity Center でサインイン（AWS が保証） · ロール Analyst",
        "手順書 · 監査記録 · ほかの操作",
        "GetObject · 11月1日（日） 09:30:00 JST · payments/people · 0123456789ab",
    ]


def test_the_text_is_the_two_lines() -> None:
    assert message().payload["text"] == (
        "⚠️ analyst@example.com read payments-prod — 2026/11/ledger.csv · 18 kB · aws-cli on macOS · 203.0.113.0/24"
    )


def test_no_value_stands_twice() -> None:
    shown = "\n".join(lines(message()))
    for field, text in VALUES.items():
        assert shown.count(text) <= 1, field


# --- who ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "changes", "facts", "who"),
    [
        (HUMAN, {}, {}, "analyst@example.com"),
        (ROBOT, TASK_VALUES, {}, "payments-nightly (ECS task …b6c7d8)"),
        (ROBOT, {**TASK_VALUES, Field.SESSION: "i-0123456789abcdef0"}, {}, "payments-nightly (ECS task …bcdef0)"),
        (ROBOT, {**TASK_VALUES, Field.SESSION: "thumbnailer"}, {}, "payments-nightly (ECS task thumbnailer)"),
        (ROBOT, {**TASK_VALUES, Field.SESSION: ROLE, Field.NAME: ROLE}, {}, "payments-nightly (ECS task)"),
        (ROBOT, {**TASK_VALUES, Field.SESSION: None}, {}, "payments-nightly (ECS task)"),
        (ROBOT._replace(title=None), TASK_VALUES, {}, "payments-nightly (ecs-robot …b6c7d8)"),
        (ROBOT._replace(title=LocalizedText("{event} by it")), TASK_VALUES, {}, "payments-nightly (ecs-robot …b6c7d8)"),
        (ROBOT, TASK_VALUES, {"foreign": True}, "payments-nightly (ECS task …b6c7d8, another account)"),
        (HUMAN, {Field.ACTOR_TYPE: "Root", Field.NAME: None, Field.ROLE: None}, {}, "The root user"),
        (HUMAN, {Field.NAME: None, Field.SESSION: None}, {}, "Analyst (Person)"),
        (HUMAN, {Field.NAME: None, Field.SESSION: None, Field.ROLE: None}, {}, "Person"),
        (UNKNOWN, {Field.CLASS: None, Field.NAME: None, Field.SESSION: None, Field.ROLE: None}, {}, "Someone"),
        (UNKNOWN, {Field.ACCOUNT: "anonymous", Field.ACTOR_TYPE: "AWSAccount"}, {}, "Anyone (unsigned request)"),
        (
            UNKNOWN,
            {Field.ACTOR_TYPE: "AWSAccount", Field.NAME: None, Field.ROLE: None, Field.SESSION: None},
            {"foreign": True},
            "Another account",
        ),
        (
            HUMAN._replace(kind=Kind.SERVICE),
            {Field.ACTOR_TYPE: "AWSService", Field.NAME: "cloudtrail.amazonaws.com", Field.ROLE: None, Field.SESSION: None},
            {},
            "cloudtrail.amazonaws.com",
        ),
    ],
)
def test_who_is_the_name_that_one_would_page_or_revoke(
    actor: ActorClass, changes: dict[Field, str | None], facts: dict[str, Any], who: str
) -> None:
    assert first(message(changes, actor, facts=facts)) == f":warning: {who} read payments-prod"


def aliased(**operators: Operator) -> Level:
    changed = {Field(field): operator for field, operator in operators.items()}
    return STANDARD._replace(
        operators=MappingProxyType({**STANDARD.operators, **changed}), account_names={"111122223333": "logistics"}
    )


def test_another_account_is_called_by_its_alias() -> None:
    changes = {
        Field.ACTOR_TYPE: "AWSAccount",
        Field.NAME: None,
        Field.ROLE: None,
        Field.SESSION: None,
        Field.ACCOUNT: "logistics",
    }
    made = message(changes, UNKNOWN, aliased(), facts={"foreign": True})
    assert first(made) == ":warning: Account logistics read payments-prod"


def test_what_stands_for_an_account_and_is_none_is_called_by_its_name() -> None:
    changes = {
        Field.ACTOR_TYPE: "AWSAccount",
        Field.NAME: None,
        Field.ROLE: None,
        Field.SESSION: None,
        Field.ACCOUNT: "CloudFront",
    }
    assert first(message(changes, UNKNOWN)) == ":warning: CloudFront read payments-prod"


def test_the_alias_of_ones_own_account_stands_in_the_second_line() -> None:
    assert lines(message({Field.ACCOUNT: "logistics"}, level=aliased()))[1].endswith(" · 203.0.113.0/24 · logistics")


@pytest.mark.parametrize(
    ("language", "client", "outcome", "shown"),
    [
        (EN, "aws-cli on macOS", None, "Keys of payments-nightly used on macOS: read payments-prod"),
        (EN, "S3 console", None, "Keys of payments-nightly used in S3 console: read payments-prod"),
        (EN, None, None, "Suspected misuse of the keys of payments-nightly: read payments-prod"),
        (EN, "aws-cli on macOS", "AccessDenied", "Denied: keys of payments-nightly used on macOS, reading payments-prod"),
        (JA, "aws-cli on macOS", None, "payments-nightly の認証情報が macOS で使われました：payments-prod を読み取り"),
        (JA, "S3 console", None, "payments-nightly の認証情報が S3 コンソール で使われました：payments-prod を読み取り"),
        (JA, None, None, "payments-nightly の認証情報の不正使用の疑い：payments-prod を読み取り"),
        (
            JA,
            "aws-cli on macOS",
            "AccessDenied",
            "拒否：macOS で使われた payments-nightly の認証情報 による payments-prod の読み取り",
        ),
    ],
)
def test_of_misuse_it_says_whose_keys_were_used_and_where(
    language: Language, client: str | None, outcome: str | None, shown: str
) -> None:
    changes = {**TASK_VALUES, Field.CLASS: "credential-misuse", Field.CLIENT: client, Field.ERROR_CODE: outcome}
    made = message(changes, MISUSE, language=language, facts={"denied": outcome is not None}, severity=Severity.CRITICAL)
    assert first(made) == f":rotating_light: {shown}"
    assert "aws-cli on" not in lines(made)[1]


def test_of_misuse_the_second_line_ends_with_the_keys_last_characters() -> None:
    made = message({**TASK_VALUES, Field.CLASS: "credential-misuse", Field.CLIENT: "aws-cli on macOS"}, MISUSE)
    assert lines(made)[1] == "2026/11/ledger.csv · 18 kB · aws-cli · 203.0.113.0/24 · key ***MPLE"
    assert lines(made)[2].endswith("(claimed, never muted)")


def test_of_an_iam_user_the_second_line_has_the_key_and_the_second_factor() -> None:
    made = message({Field.ACTOR_TYPE: "IAMUser", Field.MFA: "true", Field.ROLE: None})
    assert lines(made)[1].endswith(" · key ***MPLE · with MFA")


# --- what -----------------------------------------------------------------------------------------------------------------

COPY = {Field.EVENT: "CopyObject", Field.KEY: "a/b.csv"}


@pytest.mark.parametrize(
    ("changes", "facts", "said"),
    [
        ({}, {}, "read payments-prod"),
        ({Field.EVENT: "ListObjects"}, {}, "listed payments-prod"),
        ({Field.EVENT: "PutObject"}, {}, "wrote to payments-prod"),
        ({Field.EVENT: "HeadObject"}, {}, "looked up an object in payments-prod"),
        ({**COPY, Field.COPY_SOURCE: "ledger/a/b.csv"}, {}, "copied out of ledger into payments-prod"),
        ({**COPY, Field.COPY_SOURCE: "payments-prod/a/b.csv"}, {}, "copied an object within payments-prod"),
        ({**COPY}, {}, "copied an object within payments-prod"),
        ({Field.EVENT: "DeleteObject"}, {}, "deleted an object in payments-prod"),
        ({Field.EVENT: "DeleteObject"}, {"of_version": True}, "deleted a version for good in payments-prod"),
        ({Field.EVENT: "DeleteObjects", Field.KEY: None}, {}, "deleted several objects in payments-prod"),
        ({Field.EVENT: "PutObjectAcl"}, {}, "changed who may read an object in payments-prod"),
        ({Field.EVENT: "PutObjectAcl"}, {"makes_public": True}, "made an object public in payments-prod"),
        ({Field.EVENT: "PutObject"}, {"makes_public": True}, "made an object public in payments-prod"),
        ({Field.EVENT: "RestoreObject"}, {}, "restored an object in payments-prod"),
        ({Field.EVENT: "PutBucketPolicy"}, {}, "called PutBucketPolicy on payments-prod"),
        ({Field.EVENT: None}, {}, "accessed payments-prod"),
        ({Field.BUCKET: None}, {}, "read a bucket"),
    ],
)
def test_what_was_done_stands_in_words(changes: dict[Field, str | None], facts: dict[str, Any], said: str) -> None:
    assert first(message(changes, facts=facts)) == f":warning: analyst@example.com {said}"


@pytest.mark.parametrize(
    ("code", "is_denied", "language", "shown"),
    [
        ("AccessDenied", True, EN, "Denied: analyst@example.com reading payments-prod"),
        ("NoSuchKey", False, EN, "Failed: analyst@example.com reading payments-prod"),
        ("AccessDenied", True, JA, "拒否：analyst@example.com による payments-prod の読み取り"),
        ("NoSuchKey", False, JA, "失敗：analyst@example.com による payments-prod の読み取り"),
    ],
)
def test_what_was_not_done_begins_with_that(code: str, is_denied: bool, language: Language, shown: str) -> None:  # noqa: FBT001
    made = message({Field.ERROR_CODE: code}, language=language, facts={"denied": is_denied})
    assert first(made) == f":warning: {shown}"
    assert code in lines(made)[-1]
    assert "18 kB" not in lines(made)[1]


def test_a_level_that_hides_the_error_code_does_not_say_that_it_was_done() -> None:
    assert first(message(level=STRICT)) == ":warning: Request: someone reading payments-prod"


def test_a_copy_shows_both_keys_where_they_differ() -> None:
    made = message({**COPY, Field.COPY_SOURCE: "ledger/2026/11/customers.csv"})
    assert lines(made)[1].startswith("2026/11/customers.csv → a/b.csv · ")
    assert lines(message({**COPY, Field.COPY_SOURCE: "ledger/a/b.csv"}))[1].startswith("a/b.csv · ")


def test_where_several_objects_were_deleted_it_says_that_their_keys_are_not_known() -> None:
    assert lines(message({Field.EVENT: "DeleteObjects", Field.KEY: None}))[1].startswith("keys are not recorded · ")


def test_a_services_call_shows_its_host_once_and_no_client() -> None:
    made = message({Field.SOURCE_IP: "athena.amazonaws.com", Field.CLIENT: "AWS"})
    assert lines(made)[1] == "2026/11/ledger.csv · 18 kB · athena.amazonaws.com"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("2026/11/ledger.csv", "2026/11/ledger.csv"),
        (
            "backup/2026/11/01/exports/full/export-full-2026-11-01T0300.parquet",
            "backup/…/full/export-full-2026-11-01T0300.parquet",
        ),
        ("a" * 80 + ".csv", "…" + "a" * 51 + ".csv"),
        ("f" * 40 + "/" + "g" * 40 + ".csv", "…" + "g" * 40 + ".csv"),
    ],
)
def test_a_long_key_keeps_its_first_folder_and_its_end(key: str, shown: str) -> None:
    cut = shortened_key(key, 56)
    assert len(cut) <= 56
    assert cut[-4:] == key[-4:]
    assert cut == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [("0", "0 bytes"), ("999", "999 bytes"), ("1000", "1 kB"), ("18274", "18 kB"), ("999999", "1 MB"), ("1536000", "1.5 MB")],
)
def test_sizes_are_readable_at_a_glance(count: str, shown: str) -> None:
    assert readable_size(count, "bytes") == shown


def test_at_the_level_open_the_size_is_exact() -> None:
    assert exact_size("18274", "bytes") == "18,274 bytes"
    assert "18,274 bytes" in lines(message(level=OPEN_LEVEL))[1]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "1 s"), (59, "59 s"), (119, "119 s"), (840, "14 min"), (7_300, "2 h"), (90_000, "25 h")]
)
def test_spans_are_readable_at_a_glance(seconds: float, shown: str) -> None:
    assert readable_span(timedelta(seconds=seconds), "{count} s", "{count} min", "{count} h") == shown


# --- a route's title ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("read {bucket} at the weekend", "analyst@example.com read payments-prod at the weekend"),
        ("A person read {bucket}", "analyst@example.com: A person read payments-prod"),
        ("Ledger touched", "analyst@example.com on payments-prod: Ledger touched"),
        ("at the weekend", "analyst@example.com on payments-prod: at the weekend"),
        ("{name} read {key}", "analyst@example.com read 2026/11/ledger.csv"),
        ("{no_field} {bucket}", "analyst@example.com: {no_field} payments-prod"),
        ("*{who}* {bucket}", "analyst@example.com: *{who}* payments-prod"),
    ],
)
def test_a_title_takes_the_place_of_the_words_and_never_of_who_and_where(title: str, shown: str) -> None:
    assert first(message(title=LocalizedText(title))) == f":warning: {shown}"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("が週末に {bucket} を読み取り", "analyst@example.com が週末に payments-prod を読み取り"),
        ("{bucket} に人がアクセス", "analyst@example.com ：payments-prod に人がアクセス"),
    ],
)
def test_a_japanese_title_too(title: str, shown: str) -> None:
    made = message(title=LocalizedText("read {bucket}", title), language=JA)
    assert first(made).replace(" ：", "：") == f":warning: {shown}".replace(" ：", "：")


def test_before_a_title_stands_that_it_was_denied() -> None:
    made = message(**denied(title=LocalizedText("A person read {bucket}")))
    assert first(made) == ":warning: Denied: analyst@example.com: A person read payments-prod"


def test_a_title_says_hidden_where_the_level_drops_a_field_or_there_is_no_hash_key() -> None:
    assert first(message(level=STRICT, title=LocalizedText("{event} of {key}"))).endswith("GetObject of (hidden)")
    level = Level("hashed", 1, MappingProxyType({**STANDARD.operators, Field.KEY: Operator.HASH}))
    assert first(message({Field.KEY: None}, level=level, facts={"hash_missing": 1}, title=LocalizedText("{key}"))).endswith(
        "(hidden)"
    )
    assert first(message({Field.KEY: None}, title=LocalizedText("{key}"))).endswith("\N{EN DASH}")


# --- one mark -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "actor", "mark"),
    [
        (Severity.CRITICAL, ROBOT, "rotating_light"),
        (Severity.WARNING, ROBOT, "warning"),
        (Severity.INFO, ROBOT, "robot_face"),
        (Severity.INFO, ROBOT._replace(emoji=":Custom_1:"), "custom_1"),
        (Severity.INFO, ROBOT._replace(emoji="not an emoji"), "robot_face"),
        (Severity.INFO, HUMAN._replace(emoji=None), "bust_in_silhouette"),
        (Severity.INFO, HUMAN._replace(emoji=None, kind=Kind.SERVICE), "gear"),
        (Severity.INFO, UNKNOWN, "grey_question"),
    ],
)
def test_there_is_one_mark_the_severitys_or_the_classs(severity: Severity, actor: ActorClass, mark: str) -> None:
    made = message({Field.CLASS: actor.name}, actor, severity=severity)
    emoji = [piece["name"] for piece in pieces(made) if piece["type"] == "emoji"]
    assert emoji == [mark]


def test_a_level_that_hides_the_class_shows_neither_its_mark_nor_its_title() -> None:
    made = message({Field.CLASS: None}, ROBOT, severity=Severity.INFO)
    assert first(made).startswith(":grey_question: ")
    assert "ECS task" not in "\n".join(lines(made))


# --- why ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strength", "language", "end"),
    [
        (Strength.ATTESTED, EN, "(attested) · role Analyst"),
        (Strength.CLAIMED, EN, "(claimed) · role Analyst"),
        (Strength.ATTESTED, JA, "（AWS が保証） · ロール Analyst"),
        (Strength.CLAIMED, JA, "（呼び出し側が変えられる値で判定） · ロール Analyst"),
    ],
)
def test_a_class_says_why_and_what_that_is_worth(strength: Strength, language: Language, end: str) -> None:
    actor = HUMAN._replace(evidence=(HUMAN.evidence[0]._replace(strength=strength),))
    assert lines(message(actor=actor, language=language))[2].endswith(end)


def test_an_unknown_caller_says_that_no_evidence_held() -> None:
    made = message({Field.CLASS: "unknown", Field.EVIDENCE: None}, UNKNOWN)
    assert lines(made)[2] == "unknown: no class has evidence for this caller"


def test_what_evidence_says_has_masked_values_in_its_placeholders() -> None:
    says = LocalizedText("signed in as {name} from {source_ip}, {mfa}")
    actor = HUMAN._replace(evidence=(HUMAN.evidence[0]._replace(says=says),))
    shown = lines(message({Field.MFA: None}, actor))[2]
    assert "signed in as analyst@example.com from 203.0.113.0/24, \N{EN DASH} (attested)" in shown


# --- masking --------------------------------------------------------------------------------------------------------------


def test_what_a_level_masks_is_cut_with_an_ellipsis() -> None:
    level = Level("strict", 2, MappingProxyType({**STANDARD.operators, Field.NAME: Operator.MASK, Field.KEY: Operator.MASK}))
    made = message({Field.NAME: "a***@example.com", Field.KEY: "2026/***.csv"}, level=level)
    assert lines(made)[:2] == [
        ":warning: a…@example.com read payments-prod",
        "2026/….csv · 18 kB · aws-cli on macOS · 203.0.113.0/24",
    ]


def test_asterisks_of_a_caller_are_the_callers_own() -> None:
    assert lines(message({Field.KEY: "a***b"}))[1].startswith("a***b · ")


def test_a_level_stricter_than_the_channels_floor_is_named() -> None:
    made = render(masked(), decision(), request(), tokyo(floor=OPEN_LEVEL), DEPLOYED)
    assert "masked: standard" in lines(made)[-1]
    assert "masked" not in lines(render(masked(), decision(), request(), tokyo(floor=STANDARD), DEPLOYED))[-1]


# --- fields ---------------------------------------------------------------------------------------------------------------


def test_a_channel_orders_and_cuts_what_stands_below_the_two_lines_and_does_not_empty_them() -> None:
    made = message(fields=(Field.REQUEST_ID, Field.ARN, Field.BUCKET, Field.KEY, Field.TIME))
    assert lines(made)[:2] == lines(message())[:2]
    assert lines(made)[3:5] == [f"Request ID: {VALUES[Field.REQUEST_ID]}", f"ARN: {VALUES[Field.ARN]}"]
    assert lines(made)[5] == "Record · What else"


def test_a_value_that_was_cut_above_is_whole_below() -> None:
    key = "2026/" + "folder/" * 12 + "ledger.csv"
    assert f"Key: {key}" in lines(message({Field.KEY: key}, fields=(Field.KEY,)))


def test_in_full_detail_every_field_is_shown_that_is_not_shown_above() -> None:
    made = message(detail=Detail.FULL)
    labels = [line.partition(": ")[0] for line in lines(made)[3:-2]]
    shown_above = {Field.TIME, Field.EVENT, Field.BUCKET, Field.KEY, Field.SIZE, Field.SOURCE_IP, Field.CLIENT}
    expected = [field for field in Field if field in VALUES and field not in shown_above | {Field.NAME, Field.SESSION}]
    assert labels == [WORDS[EN].fields[field] for field in expected]


def test_long_values_are_cut_and_say_so() -> None:
    made = message({Field.USER_AGENT: "u" * 5000, Field.KEY: "k" * 5000}, fields=(Field.USER_AGENT, Field.KEY))
    assert f"User agent: {'u' * 300}… (+4,700)" in lines(made)
    assert f"Key: {'k' * 1024}… (+3,976)" in lines(made)


# --- times ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "zone", "short", "full"),
    [
        ("2026-11-01T00:30:00Z", TOKYO, "Sun 1 Nov 09:30:00 JST", "2026-11-01 09:30:00 JST (Sun)"),
        ("2026-11-01T00:30:00Z", UTC, "Sun 1 Nov 00:30:00 UTC", "2026-11-01 00:30:00 UTC (Sun)"),
        (
            "2026-07-01T00:30:00Z",
            ZoneInfo("America/New_York"),
            "Tue 30 Jun 20:30:00 EDT",
            "2026-06-30 20:30:00 EDT (Tue)",
        ),
        ("2026-11-01T00:30:00Z", ZoneInfo("Asia/Dubai"), "Sun 1 Nov 04:30:00 UTC+04:00", "2026-11-01 04:30:00 UTC+04:00 (Sun)"),
        (
            "2026-11-01T00:30:00+01:00",
            timezone(timedelta(hours=-3)),
            "Sat 31 Oct 20:30:00 UTC-03:00",
            "2026-10-31 20:30:00 UTC-03:00 (Sat)",
        ),
        ("2026-11-01T00:30:00", TOKYO, "Sun 1 Nov 09:30:00 JST", "2026-11-01 09:30:00 JST (Sun)"),
        ("yesterday", TOKYO, "yesterday", "yesterday"),
        ("0001-01-01T00:00:00Z", ZoneInfo("America/New_York"), "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", TOKYO, "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("2026-11-01T00:30:61Z", UTC, "2026-11-01T00:30:61Z", "2026-11-01T00:30:61Z"),
    ],
)
def test_times_are_the_channels(time: str, zone: Any, short: str, full: str) -> None:
    assert local_time(time, zone, WORDS[EN]) == short
    assert full_time(time, zone, WORDS[EN]) == full


def test_a_japanese_day_is_written_in_japanese() -> None:
    assert local_time("2026-11-01T00:30:00Z", TOKYO, WORDS[JA]) == "11月1日（日） 09:30:00 JST"
    assert full_time("2026-11-01T00:30:00Z", TOKYO, WORDS[JA]) == "2026-11-01 09:30:00 JST（日）"


# --- notes, links, footer -------------------------------------------------------------------------------------------------


def test_a_fallback_failed_matchers_and_missing_keys_are_noted() -> None:
    failures = tuple(Failure(MatcherKind.ROUTE, "payments", f"r{number}", "why") for number in range(6))
    made = render(masked(hash_missing=2), decision(failures=failures), request(fallback_for="gone"), tokyo(language=EN), DEPLOYED)
    assert lines(made)[3:6] == [
        "Sent here because the channel gone is gone",
        "Matchers that failed (6): route payments/r0, route payments/r1, route payments/r2, route payments/r3, 2 more",
        "Hidden, no hash key configured: 2",
    ]


def test_a_ring_of_an_incident_says_how_far_it_has_got() -> None:
    made = message(counted=Counted(499, 1000, repeated=True))
    assert lines(made)[3:5] == ["499 more like it since the last message, 1,000 in all", "this message may be a repeat"]
    assert lines(message(counted=Counted(0, 1))) == lines(message())


def test_the_first_ring_of_an_incident_speaks_of_no_message_before_it() -> None:
    assert lines(message(counted=Counted(6, 7)))[3] == "7 like this so far"


def test_the_links_are_the_runbook_the_record_and_what_else_the_caller_did() -> None:
    made = message(runbook="https://wiki.example.com/x")
    assert list(linked(made)) == ["Runbook", "Record", "What else"]
    assert linked(made)["Runbook"] == "https://wiki.example.com/x"
    assert EVENT_ID in linked(made)["Record"]
    assert not [block for block in made.payload["blocks"] if block["type"] == "actions"]


def test_on_the_command_line_the_region_is_the_events() -> None:
    made = render(masked(), decision(), request(), tokyo(), Deployment(log_group="/aws/lambda/trailbell"))
    assert linked(made) == linked(message())


def test_the_footer_names_every_route_and_the_revision() -> None:
    made = message(routes=("a/b", "c/d"))
    assert lines(made)[-1] == "GetObject · Sun 1 Nov 09:30:00 JST · a/b, c/d · 0123456789ab"


@pytest.mark.parametrize("language", Language)
def test_every_language_has_every_word(language: Language) -> None:
    words = WORDS[language]
    assert set(words.fields) == set(Field)
    assert set(words.actions) == set(Action)
    assert set(words.outcomes) == set(CallOutcome)
    assert set(words.links) == set(Target)
    assert (len(words.weekdays), len(words.months)) == (7, 12)
    assert set(words.matchers) == set(MatcherKind)
    assert set(words.strengths) == set(Strength)


# --- nothing acts ---------------------------------------------------------------------------------------------------------


def test_event_text_is_never_markup() -> None:
    attack = "<!channel> *b* <https://evil.example|x>\n> :tada: @here\u202e"
    made = message(dict.fromkeys(Field, attack), detail=Detail.FULL)
    assert not [line for line in lines(made) if line.startswith((">", "*"))]
    assert "<" not in made.payload["text"]
    assert "://evil" not in made.payload["text"]
    assert '"mrkdwn"' not in json.dumps(made.payload["blocks"])
    assert {piece["type"] for piece in pieces(made)} <= {"text", "emoji", "link"}
    assert {piece["name"] for piece in pieces(made) if piece["type"] == "emoji"} == {"warning"}


def test_a_message_rings_nobody_and_unfurls_nothing() -> None:
    assert {key: value for key, value in message().payload.items() if key not in ("text", "blocks")} == {
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


MENTION = MappingProxyType({Severity.CRITICAL: ("here", "channel", "user:U0123456789", "subteam:S0123456789")})


def mentioning(severity: Severity) -> Message:
    """A message of a severity for a channel that mentions people for what is critical."""
    to = tokyo(floor=STANDARD, mention=MENTION)
    return render(masked(), decision(), request(STANDARD, severity=severity), to, DEPLOYED)


def test_a_message_mentions_whom_its_channel_names_for_its_severity_and_nobody_else() -> None:
    made = mentioning(Severity.CRITICAL)
    assert [piece for piece in pieces(made) if piece["type"] not in {"text", "emoji", "link"}] == [
        {"type": "broadcast", "range": "here"},
        {"type": "broadcast", "range": "channel"},
        {"type": "user", "user_id": "U0123456789"},
        {"type": "usergroup", "usergroup_id": "S0123456789"},
    ]
    assert [line.rpartition(": ")[2] for line in violations(made.payload)] == ["a mention, which rings someone"] * 4
    assert made.payload["text"] == message(severity=Severity.CRITICAL).payload["text"]
    assert "\n<!here> <!channel> <@U0123456789> <!subteam^S0123456789>\n" in plain(made).payload["text"]
    for severity in (Severity.INFO, Severity.WARNING):
        assert mentioning(severity) == message(severity=severity)


def test_a_summary_mentions_nobody() -> None:
    to = tokyo(floor=STANDARD, mention=MENTION)
    entry = Entry(0, masked(), decision(), request(STANDARD, severity=Severity.CRITICAL))
    _, (summary,) = fold([entry, entry._replace(number=1)], DigestRule(0, ()))
    assert summary.severity is Severity.CRITICAL
    for made in (render_summary(summary, to, DEPLOYED), render_incident(Incident(summary, 1), to, DEPLOYED)):
        assert violations(made.payload) == []


def test_texts_of_ours_are_not_searched_for_emoji() -> None:
    blocks = message(runbook="https://wiki.example.com/x").payload["blocks"]
    texts = [element for block in blocks if block["type"] == "context" for element in block["elements"]]
    assert {(text["type"], text["emoji"]) for text in texts} == {("plain_text", False)}


# --- the text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("length", [1, 30, 48, 63])
def test_within_eighty_characters_stand_who_what_and_where(length: int, language: Language) -> None:
    who, bucket = "w" * length, "b" * length
    text = message({Field.NAME: who, Field.SESSION: who, Field.BUCKET: bucket}, language=language).payload["text"]
    head = text[:80]
    assert len(text) <= 180
    assert "w" * min(length, 20) in head
    assert "b" * min(length, 20) in head
    assert (" read " in head) if language is EN else ("を読み取り" in head)


# --- the plain version ----------------------------------------------------------------------------------------------------


def test_the_plain_version_has_the_text_and_the_addresses_and_no_blocks() -> None:
    made = message(runbook="https://wiki.example.com/x?a=b&c=d")._replace(events=(3,))
    without = plain(made)
    assert (without.channel, without.events) == (made.channel, (3,))
    assert set(without.payload) == {"text", "mrkdwn", "unfurl_links", "unfurl_media"}
    text = without.payload["text"].split("\n")
    assert text[0] == "⚠️ analyst@example.com read payments-prod"
    assert text[2:3] == lines(made)[2:3]
    assert "Runbook: https://wiki.example.com/x?a=b&amp;c=d · Record: https://" in text[3]
    assert violations(without.payload) == []
    assert plain(without) == without


def test_a_message_without_a_channels_choice_of_a_masked_event_needs_nothing() -> None:
    made = render(MaskedEvent(STRICT, {}), decision(), request(STRICT), Channel("c", tokyo().webhook, STRICT, UTC), Deployment())
    assert lines(made) == [":warning: Request: someone accessing a bucket", "payments/people · 0123456789ab"]
