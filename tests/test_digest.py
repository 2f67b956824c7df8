"""A flood becomes one summary, and no event of it is lost."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from builders import STANDARD, STRICT
from hypothesis import given
from hypothesis import strategies as st
from messages import DEPLOYED, HUMAN, UNKNOWN, decision, lines, linked, masked, request, tokyo
from slack_limits import violations

from engine.model import (
    CallerCounts,
    DigestRule,
    Failure,
    Field,
    Fold,
    Incident,
    KeyGroup,
    Kind,
    Language,
    Level,
    MatcherKind,
    Operator,
    Severity,
    Top,
)
from engine.pipeline.digest import Entry, fold, key_groups
from engine.pipeline.render import render_fold, render_incident, render_summary

if TYPE_CHECKING:
    from collections.abc import Iterable

BY_NAME = DigestRule(3, (Field.NAME, Field.BUCKET))


def entry(place: int, changes: dict[Field, str | None] | None = None, level: Level = STANDARD, **asked: Any) -> Entry:
    """An event at a place of the batch."""
    denied = bool(changes and changes.get(Field.ERROR_CODE) == "AccessDenied")
    facts = asked.pop("facts", {})
    event = masked(changes, level, denied=denied)._replace(caller_ids=ids(changes or {}), **facts)
    return Entry(place, event, decision(asked.pop("actor", HUMAN)), request(level, **asked))


def ids(changes: dict[Field, str | None]) -> tuple[str, ...]:
    """What tells callers apart, by the values that a test gives; the account is unknown to readers in all of them."""
    parts = (Field.ACCOUNT, Field.ROLE, Field.SESSION, Field.NAME)
    return tuple(changes.get(field, "unchanged") or "" for field in parts)


def test_up_to_so_many_like_messages_are_posted_singly() -> None:
    entries = [entry(place) for place in range(3)]
    assert fold(entries, BY_NAME) == (tuple(entries), ())


def test_one_more_makes_a_summary_of_all_of_them() -> None:
    singles, (summary,) = fold([entry(place) for place in range(4)], BY_NAME)
    assert singles == ()
    assert (summary.total, summary.numbers) == (4, (0, 1, 2, 3))


def test_without_a_rule_everything_is_posted_singly() -> None:
    entries = [entry(place) for place in range(99)]
    assert fold(entries, None) == (tuple(entries), ())


def test_a_rule_of_zero_folds_even_one() -> None:
    assert [summary.total for summary in fold([entry(0)], DigestRule(0, (Field.BUCKET,)))[1]] == [1]


def test_like_means_alike_in_every_field_of_the_rule() -> None:
    entries = [entry(place, {Field.NAME: f"n{place % 2}"}) for place in range(8)]
    assert [summary.numbers for summary in fold(entries, BY_NAME)[1]] == [(0, 2, 4, 6), (1, 3, 5, 7)]
    assert [summary.shared.values[Field.NAME] for summary in fold(entries, BY_NAME)[1]] == ["n0", "n1"]


def test_events_that_hide_a_field_are_alike_in_it() -> None:
    _, (summary,) = fold([entry(place, level=STRICT) for place in range(4)], BY_NAME)
    assert summary.shared.values[Field.BUCKET] == "payments-prod"
    assert Field.NAME not in summary.shared.values


def test_what_was_masked_at_one_level_is_not_shown_under_another() -> None:
    entries = [entry(place, level=STRICT if place % 2 else STANDARD) for place in range(8)]
    _, summaries = fold(entries, DigestRule(3, (Field.BUCKET,)))
    assert [(summary.shared.level.name, summary.total) for summary in summaries] == [("standard", 4), ("strict", 4)]
    assert set(summaries[1].shared.values) == {Field.TIME, Field.EVENT, Field.BUCKET}
    assert summaries[1].actor is None


def test_a_summary_is_as_loud_as_the_loudest_and_leads_to_its_runbook() -> None:
    loud = entry(2, severity=Severity.CRITICAL, runbook="https://wiki.example.com/loud", routes=("security/denied",))
    _, (summary,) = fold([entry(0, runbook="https://wiki.example.com/x"), entry(1), loud, entry(3)], BY_NAME)
    assert (summary.severity, summary.runbook) == (Severity.CRITICAL, "https://wiki.example.com/loud")
    assert summary.routes == ("payments/people", "security/denied")


def test_a_summary_spans_the_earliest_to_the_latest_time() -> None:
    times = ["2026-11-01T02:00:00Z", "2026-11-01T00:30:00+09:00", "2026-11-01T01:00:00", "broken"]
    _, (summary,) = fold([entry(place, {Field.TIME: time}) for place, time in enumerate(times)], BY_NAME)
    assert (summary.first, summary.last) == ("2026-11-01T00:30:00+09:00", "2026-11-01T02:00:00Z")


def test_a_hidden_time_is_no_time() -> None:
    level = Level("timeless", 2, MappingProxyType({**STANDARD.operators, Field.TIME: Operator.DROP}))
    _, (summary,) = fold([entry(place, level=level) for place in range(4)], BY_NAME)
    assert (summary.first, summary.last) == (None, None)


def test_a_summary_knows_what_all_have_and_the_most_frequent_of_what_they_do_not() -> None:
    entries = [entry(place, {Field.SOURCE_IP: f"192.0.{min(place, 6)}.0/24"}) for place in range(10)]
    _, (summary,) = fold(entries, BY_NAME)
    assert summary.top[Field.SOURCE_IP] == Top((("192.0.6.0/24", 4), *((f"192.0.{n}.0/24", 1) for n in range(4))), 2)
    assert Field.SOURCE_IP not in summary.shared.values
    assert summary.shared.values[Field.NAME] == "analyst@example.com"


def test_bytes_are_those_of_what_did_not_fail() -> None:
    entries = [entry(place, {Field.SIZE: "100"} | ({Field.ERROR_CODE: "AccessDenied"} if place else {})) for place in range(4)]
    assert fold(entries, BY_NAME)[1][0].size == 100
    assert fold([entry(place, {Field.SIZE: None}) for place in range(4)], BY_NAME)[1][0].size is None


@pytest.mark.parametrize(
    ("keys", "groups", "further"),
    [
        (["a/b/1.csv", "a/b/2.csv"], [("a/b/1.csv", 1), ("a/b/2.csv", 1)], 0),
        ([f"a/b/{n}.csv" for n in range(9)], [("a/b/", 9)], 0),
        ([f"a/{n % 3}/{n}.csv" for n in range(9)], [("a/0/", 3), ("a/1/", 3), ("a/2/", 3)], 0),
        ([f"a/{n}/{n}.csv" for n in range(9)], [("a/", 9)], 0),
        ([f"{n}/x.csv" for n in range(5)] + ["0/y.csv"], [("0/", 2), ("1/", 1), ("2/", 1)], 2),
        ([f"{n}.csv" for n in range(9)], [("", 9)], 0),
        ([], [], 0),
    ],
)
def test_keys_are_grouped_by_the_deepest_folders_of_which_there_are_few(
    keys: list[str], groups: list[tuple[str, int]], further: int
) -> None:
    assert key_groups(counted((key, 10) for key in keys)) == (
        tuple(KeyGroup(prefix, count, 10 * count) for prefix, count in groups),
        further,
    )


def counted(keys: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Events and bytes by key."""
    counts: dict[str, list[int]] = {}
    for key, size in keys:
        events, total = counts.get(key, [0, 0])
        counts[key] = [events + 1, total + size]
    return counts


@given(st.lists(st.tuples(st.text("ab/", max_size=8), st.integers(0, 9)), max_size=40))
def test_no_key_and_no_byte_is_lost_in_groups(keys: list[tuple[str, int]]) -> None:
    groups, further = key_groups(counted(keys))
    assert sum(group.events for group in groups) + further == len(keys)
    if not further:
        assert sum(group.size for group in groups) == sum(size for _, size in keys)


def test_callers_are_told_apart_by_what_they_are_not_by_what_is_shown_of_them() -> None:
    accounts = [f"{place}" * 12 for place in range(8)]
    hidden = {Field.ACCOUNT: "*" * 12, Field.ROLE: None, Field.SESSION: None, Field.NAME: None}
    entries = [entry(place, hidden, facts={"foreign": True}, actor=UNKNOWN) for place in range(8)]
    entries = [
        one._replace(masked=one.masked._replace(caller_ids=(account, "", "", "")))
        for one, account in zip(entries, accounts, strict=True)
    ]
    _, (summary,) = fold(entries, DigestRule(3, (Field.BUCKET,)))
    assert summary.callers == CallerCounts(callers=8, accounts=8)
    assert lines(render_summary(summary, tokyo(), DEPLOYED))[0] == ":warning: 8 accounts read payments-prod 8 times"


def test_a_summary_says_how_many_people_roles_and_objects_there_were() -> None:
    people = [entry(place, {Field.NAME: f"p{place % 3}", Field.KEY: f"2026/{place % 2}.csv"}) for place in range(6)]
    roles = [entry(place, {Field.ROLE: f"r{place % 2}", Field.KEY: "2026/0.csv"}, actor=UNKNOWN) for place in range(6, 10)]
    _, (summary,) = fold([*people, *roles], DigestRule(3, (Field.BUCKET,)))
    first, second, *below = lines(render_summary(summary, tokyo(), DEPLOYED))
    assert first == ":warning: 5 callers read payments-prod 10 times"
    assert second.startswith("2 objects · ")
    assert " · 3 people · 2 roles · " in second
    assert any("2026/0.csv" in line and "7 events" in line for line in below)
    _, (summary,) = fold(people, DigestRule(3, (Field.BUCKET,)))
    first, second, *_ = lines(render_summary(summary, tokyo(), DEPLOYED))
    assert first == ":warning: 3 people read payments-prod 6 times"
    assert "people" not in second


def test_the_denied_are_counted_where_the_error_is_shown() -> None:
    entries = [entry(place, {Field.ERROR_CODE: "AccessDenied"} if place < 2 else {}) for place in range(5)]
    assert [summary.denied for summary in fold(entries, BY_NAME)[1]] == [2]
    hidden = [one._replace(masked=masked(level=STRICT)) for one in entries]
    assert [summary.denied for summary in fold(hidden, BY_NAME)[1]] == [None]


def test_what_failed_without_being_denied_is_counted_apart() -> None:
    entries = [entry(place, {Field.ERROR_CODE: "NoSuchKey"} if place < 2 else {}) for place in range(5)]
    assert [(summary.denied, summary.failed) for summary in fold(entries, BY_NAME)[1]] == [(0, 2)]


def test_a_class_that_all_share_is_the_summarys() -> None:
    rule = DigestRule(1, (Field.BUCKET,))
    assert fold([entry(0), entry(1)], rule)[1][0].actor == HUMAN._replace(evidence=())
    mixed = [entry(0), entry(1, {Field.CLASS: "unknown"})._replace(decision=decision(UNKNOWN))]
    assert fold(mixed, rule)[1][0].actor is None


def test_failed_matchers_are_listed_once() -> None:
    failure = Failure(MatcherKind.ROUTE, "payments", "people", "why")
    entries = [entry(place)._replace(decision=decision(failures=(failure,))) for place in range(4)]
    assert fold(entries, BY_NAME)[1][0].failures == (failure,)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), max_size=60), st.integers(0, 9))
def test_no_event_is_lost_and_none_is_told_twice(drawn: list[tuple[str, str, bool]], after: int) -> None:
    entries = [
        entry(place, {Field.NAME: name, Field.BUCKET: bucket}, STRICT if strict else STANDARD)
        for place, (name, bucket, strict) in enumerate(drawn)
    ]
    singles, summaries = fold(entries, DigestRule(after, (Field.NAME, Field.BUCKET)))
    told = [one.number for one in singles] + [place for summary in summaries for place in summary.numbers]
    assert sorted(told) == list(range(len(entries)))
    assert all(summary.total == len(summary.numbers) > after for summary in summaries)
    assert [one.number for one in singles] == sorted(one.number for one in singles)


# --- how a summary reads --------------------------------------------------------------------------------------------------


def reads(count: int = 7, denied: int = 2, language: Language = Language.EN, level: Level = STANDARD, **asked: Any) -> list[str]:
    """A summary of reads of different keys, the first of them denied."""
    entries = [
        entry(
            place,
            {
                Field.TIME: f"2026-11-01T00:{30 + place}:00Z",
                Field.KEY: f"{2025 if place < denied else 2026}/11/k{place}.csv",
                Field.ERROR_CODE: "AccessDenied" if place < denied else None,
            },
            level,
            **asked,
        )
        for place in range(count)
    ]
    made = render_summary(fold(entries, DigestRule(0, (Field.NAME, Field.BUCKET)))[1][0], tokyo(language=language), DEPLOYED)
    assert violations(made.payload) == []
    assert made.events == tuple(range(count))
    return lines(made)


def test_a_digest_says_who_read_how_much_when_and_what_was_denied() -> None:
    assert reads(runbook="https://wiki.example.com/x") == [
        ":warning: analyst@example.com read 5 objects in payments-prod within 6 min",
        "91 kB · 09:30\N{EN DASH}09:36 JST · aws-cli on macOS · 203.0.113.0/24",
        "2026/11/ 5 objects · 91 kB",
        "2 more were denied, all under 2025/11/",
        "Person: signed in through IAM Identity Center (attested) · role Analyst",
        "Runbook · All 7 records · What else",
        "7 × GetObject, 2 × AccessDenied · Sun 1 Nov · payments/people · masked: standard · 0123456789ab",
    ]


def test_a_japanese_digest_is_japanese() -> None:
    assert reads(language=Language.JA) == [
        ":warning: analyst@example.com が payments-prod のオブジェクト 5 件を読み取り（6 分間）",
        "91 kB · 09:30\N{EN DASH}09:36 JST · aws-cli（macOS） · 203.0.113.0/24",
        "2026/11/ 5 件 · 91 kB",
        "ほかに拒否 2 件、すべて 2025/11/",
        "人：IAM Identity Center でサインイン（AWS が保証） · ロール Analyst",
        "監査記録 7 件 · ほかの操作",
        "7 × GetObject、2 × AccessDenied · 11月1日（日） · payments/people · マスク: standard · 0123456789ab",
    ]


def test_a_digest_of_what_was_denied_begins_with_that() -> None:
    assert reads(denied=7)[0] == ":warning: Denied: analyst@example.com reading 7 objects in payments-prod within 6 min"
    assert reads(denied=7, language=Language.JA)[0] == (
        ":warning: 拒否：analyst@example.com による payments-prod のオブジェクト 7 件の読み取り（6 分間）"
    )


def test_a_digest_at_a_strict_level_shows_what_the_level_shows() -> None:
    assert reads(level=STRICT)[:2] == [
        ":warning: Request: someone reading payments-prod 7 times within 6 min",
        "09:30\N{EN DASH}09:36 JST",
    ]


def test_a_digest_of_several_people_counts_them_and_names_the_most_frequent() -> None:
    names = ["jo@example.com"] * 4 + ["mary@example.com"] * 2 + ["li@example.com", "an@example.com"]
    entries = [entry(place, {Field.NAME: name, Field.SESSION: name, Field.KEY: f"k{place}"}) for place, name in enumerate(names)]
    made = render_summary(fold(entries, DigestRule(3, (Field.BUCKET,)))[1][0], tokyo(), DEPLOYED)
    assert lines(made)[0] == ":warning: 4 people read 8 objects in payments-prod"
    assert lines(made)[2] == "jo@example.com 4, mary@example.com 2, li@example.com 1, 1 more"
    assert "What else" not in linked(made)


def test_a_digest_of_a_role_counts_its_tasks() -> None:
    robot = HUMAN._replace(name="ecs-robot", kind=Kind.ROBOT)
    entries = [
        entry(
            place,
            {Field.CLASS: "ecs-robot", Field.ROLE: "nightly", Field.SESSION: f"{place:032x}", Field.NAME: f"{place:032x}"},
            actor=robot,
        )
        for place in range(5)
    ]
    made = render_summary(fold(entries, DigestRule(3, (Field.BUCKET,)))[1][0], tokyo(), DEPLOYED)
    assert lines(made)[0] == ":warning: nightly (Person) read payments-prod 5 times"
    assert " · 5 tasks · " in lines(made)[1]


def test_a_digest_of_several_events_and_buckets_counts_them() -> None:
    entries = [entry(place, {Field.EVENT: f"Get{place}", Field.BUCKET: f"b{place}"}) for place in range(4)]
    made = render_summary(fold(entries, DigestRule(3, (Field.NAME,)))[1][0], tokyo(), DEPLOYED)
    assert lines(made)[0] == ":warning: analyst@example.com made 4 requests to 4 buckets"


def test_the_evidence_is_a_digests_where_all_have_it() -> None:
    other = HUMAN.evidence[0]._replace(id="other")
    entries = [entry(place, actor=HUMAN if place else HUMAN._replace(evidence=(other,))) for place in range(4)]
    assert fold(entries, BY_NAME)[1][0].evidence is None


# --- incidents and folds --------------------------------------------------------------------------------------------------


def incident(ended: bool, unreported: int = 4, repeated: bool = False, language: Language = Language.EN) -> list[str]:  # noqa: FBT001, FBT002
    entries = [entry(place, {Field.KEY: f"2026/{place}.csv"}) for place in range(7)]
    summary = fold(entries, BY_NAME)[1][0]
    made = render_incident(Incident(summary, unreported, ended, repeated), tokyo(language=language), DEPLOYED)
    assert violations(made.payload) == []
    return lines(made)


def test_an_update_of_an_incident_says_how_far_it_has_got() -> None:
    shown = incident(ended=False)
    assert shown[0] == ":warning: analyst@example.com read 7 objects in payments-prod"
    assert shown[1].startswith("so far · 128 kB · ")
    assert "4 more like it since the last message, 7 in all" in shown


def test_an_incident_that_is_over_says_so_and_that_it_may_be_a_repeat() -> None:
    shown = incident(ended=True, unreported=7, repeated=True, language=Language.JA)
    assert shown[1].startswith("終了 · ")
    assert "この通知は重複している可能性があります" in shown
    assert not [line for line in shown if "前回の通知から" in line]


def folded(language: Language = Language.EN) -> list[str]:
    summaries = [
        fold([entry(place, {Field.BUCKET: f"bucket-{number}", Field.KEY: f"k{place}"}) for place in range(4)], BY_NAME)[1][0]
        for number in range(5)
    ]
    many = Fold(
        incidents=37,
        events=1204,
        first="2026-11-01T00:30:00Z",
        last="2026-11-01T00:42:00Z",
        largest=tuple(summaries),
        severity=Severity.CRITICAL,
        routes=("payments/people", "security/denied"),
        revision="sha256:0123456789ab",
    )
    made = render_fold(many, tokyo(language=language), DEPLOYED)
    assert violations(made.payload) == []
    return lines(made)


def test_a_fold_of_many_incidents_counts_them_and_names_the_largest() -> None:
    assert folded() == [
        ":rotating_light: 37 incidents with 1,204 events within 12 min",
        "09:30\N{EN DASH}09:42 JST",
        *(f"analyst@example.com read 4 objects in bucket-{number}" for number in range(5)),
        "32 more",
        "All 1,204 records",
        "Sun 1 Nov · payments/people, security/denied · 0123456789ab",
    ]


def test_a_japanese_fold_is_japanese() -> None:
    assert folded(Language.JA)[:3] == [
        ":rotating_light: 37 件のインシデント（12 分間のイベント 1,204 件）",
        "09:30\N{EN DASH}09:42 JST",
        "analyst@example.com が bucket-0 のオブジェクト 4 件を読み取り",
    ]
