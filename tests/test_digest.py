"""A flood becomes one summary, and no event of it is lost."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from builders import STANDARD, STRICT
from hypothesis import given
from hypothesis import strategies as st
from messages import DEPLOYED, EVIDENCE, HUMAN, UNKNOWN, decision, masked, request, tokyo
from slack_limits import violations

from engine.model import DigestRule, Failure, Field, Language, Level, MatcherKind, Operator, Severity, Top, TopActors
from engine.pipeline.digest import Entry, fold
from engine.pipeline.render import render_summary

BY_NAME = DigestRule(3, (Field.NAME, Field.BUCKET))


def entry(place: int, changes: dict[Field, str | None] | None = None, level: Level = STANDARD, **asked: Any) -> Entry:
    """An event at a place of the batch."""
    denied = bool(changes and changes.get(Field.ERROR_CODE) == "AccessDenied")
    return Entry(place, masked(changes, level, denied=denied), decision(), request(level, **asked))


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
    assert [summary.by[Field.NAME] for summary in fold(entries, BY_NAME)[1]] == ["n0", "n1"]


def test_events_that_hide_a_field_are_alike_in_it() -> None:
    _, (summary,) = fold([entry(place, level=STRICT) for place in range(4)], BY_NAME)
    assert dict(summary.by) == {Field.BUCKET: "payments-prod"}


def test_what_was_masked_at_one_level_is_not_shown_under_another() -> None:
    entries = [entry(place, level=STRICT if place % 2 else STANDARD) for place in range(8)]
    _, summaries = fold(entries, DigestRule(3, (Field.BUCKET,)))
    assert [(summary.level.name, summary.total) for summary in summaries] == [("standard", 4), ("strict", 4)]
    assert set(summaries[1].top) == {Field.EVENT}
    assert summaries[1].actors == TopActors(())
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


def test_a_summary_counts_who_and_what() -> None:
    entries = [entry(place, {Field.KEY: f"k{min(place, 6)}", Field.SOURCE_IP: "192.0.2.0/24"}) for place in range(10)]
    _, (summary,) = fold(entries, BY_NAME)
    assert summary.top[Field.KEY] == Top((("k6", 4), ("k0", 1), ("k1", 1), ("k2", 1), ("k3", 1)), 2)
    assert summary.top[Field.SOURCE_IP] == Top((("192.0.2.0/24", 10),))
    assert summary.actors == TopActors((("human", "analyst@example.com", 10),))
    assert Field.ERROR_CODE not in summary.top


def test_the_denied_are_counted_where_the_error_is_shown() -> None:
    entries = [entry(place, {Field.ERROR_CODE: "AccessDenied"} if place < 2 else {}) for place in range(5)]
    assert [summary.denied for summary in fold(entries, BY_NAME)[1]] == [2]
    hidden = [one._replace(masked=masked(level=STRICT)) for one in entries]
    assert [summary.denied for summary in fold(hidden, BY_NAME)[1]] == [None]


def test_a_class_that_all_share_is_the_summarys() -> None:
    rule = DigestRule(1, (Field.BUCKET,))
    assert fold([entry(0), entry(1)], rule)[1][0].actor == HUMAN
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


# --- how a summary reads ----------------------------------------------------------------


def summary_lines(language: Language = Language.EN, level: Level = STANDARD, **parts: Any) -> list[str]:
    """A summary of seven reads of three keys, two of them denied."""
    entries = [
        entry(
            place,
            {
                Field.TIME: f"2026-11-01T00:3{place}:00Z",
                Field.KEY: f"k{place % 3}.csv",
                Field.ERROR_CODE: "AccessDenied" if place < 2 else None,
            },
            level,
        )
        for place in range(7)
    ]
    made = render_summary(fold(entries, BY_NAME)[1][0], tokyo(language=language, **parts), DEPLOYED)
    assert violations(made.payload) == []
    assert made.events == tuple(range(7))
    return str(made.payload["text"]).split("\n")


def test_a_summary_says_how_many_who_what_and_when() -> None:
    assert summary_lines() == [
        ":large_orange_square: :bust_in_silhouette: 7 like events: GetObject on payments-prod",
        "2 of them denied · 2026-11-01 09:30:00 JST (Sun) \N{EN DASH} 2026-11-01 09:36:00 JST (Sun)",
        "Who: analyst@example.com (human)",
        "Bucket: payments-prod",
        "Event: GetObject",
        "Key: k0.csv \N{MULTIPLICATION SIGN}3, k1.csv \N{MULTIPLICATION SIGN}2, k2.csv \N{MULTIPLICATION SIGN}2",
        "Source IP: 203.0.113.0/24",
        "Role: AWSReservedSSO_Analyst_0123456789abcdef",
        "Error: AccessDenied \N{MULTIPLICATION SIGN}2",
        "Asked for by payments/people · Severity: warning · Masking: standard · Policies: sha256:0123456789ab",
    ]


def test_a_summary_reads_japanese_in_a_japanese_channel() -> None:
    assert summary_lines(Language.JA)[:3] == [
        ":large_orange_square: :bust_in_silhouette: 同様のイベント 7 件: payments-prod への GetObject",
        "うち拒否 2 件 · 2026-11-01 09:30:00 JST (日) \N{EN DASH} 2026-11-01 09:36:00 JST (日)",
        "呼び出し元: analyst@example.com (human)",
    ]


def test_a_summary_at_a_strict_level_shows_what_the_level_shows() -> None:
    assert summary_lines(level=STRICT)[:-1] == [
        ":large_orange_square: 7 like events: GetObject on payments-prod",
        "2026-11-01 09:30:00 JST (Sun) \N{EN DASH} 2026-11-01 09:36:00 JST (Sun)",
        "Bucket: payments-prod",
        "Event: GetObject",
    ]


def test_a_summary_shows_the_fields_that_its_channel_chooses_and_those_it_is_folded_by() -> None:
    assert [line.partition(":")[0] for line in summary_lines(fields=(Field.KEY,))[2:-1]] == ["Who", "Bucket", "Key"]


def test_a_summary_says_how_many_values_it_leaves_out() -> None:
    entries = [entry(place, {Field.KEY: f"k{place}"}) for place in range(9)]
    made = render_summary(fold(entries, BY_NAME)[1][0], tokyo(), DEPLOYED)
    assert "Key: " + ", ".join(f"k{n} \N{MULTIPLICATION SIGN}1" for n in range(5)) + ", 4 more" in made.payload["text"]


def test_a_summary_of_several_events_and_buckets_names_none_of_them() -> None:
    entries = [entry(place, {Field.EVENT: f"Get{place}", Field.BUCKET: f"b{place}"}) for place in range(4)]
    made = render_summary(fold(entries, DigestRule(3, (Field.NAME,)))[1][0], tokyo(), DEPLOYED)
    assert made.payload["text"].startswith(":large_orange_square: :bust_in_silhouette: 4 like events: CloudTrail event\n")


def test_the_evidence_of_one_event_is_not_that_of_a_summary() -> None:
    assert EVIDENCE.says.en not in "\n".join(summary_lines())
