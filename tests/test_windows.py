"""When rules hold and of which buckets: windows with dates and exceptions, silences with a start, exclusions from a scope."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW, event, policy, policy_set, route
from hypothesis import given
from hypothesis import strategies as st
from strategies import windows

from engine.lint import lint
from engine.lint.registry import BASE, HEADER
from engine.model import FindingSeverity, Window
from engine.pipeline.decide import decide, decide_reference
from engine.pipeline.decide.windows import within
from engine.pipeline.render.notice import muted_notice
from engine.policy.dates import day_ranges
from engine.policy.load import check
from engine.policy.source import parse_source
from engine.workbench.windows import span_text, windows_text

if TYPE_CHECKING:
    from engine.model import PolicySet

TOKYO = ZoneInfo("Asia/Tokyo")
HOLIDAYS = "lists:\n  holidays: ['2027-01-01', '2026-12-29..2026-12-31']\n"


def found(body: str) -> list[str]:
    sources = [parse_source(BASE.encode(), "base.yaml"), parse_source((HEADER + body).encode(), "example.yaml")]
    return [finding.line for finding in check(sources)[1]]


def loaded(body: str) -> PolicySet:
    sources = [parse_source(BASE.encode(), "base.yaml"), parse_source((HEADER + body).encode(), "example.yaml")]
    policies, findings = check(sources)
    assert policies is not None, findings
    return policies


def during(written: str) -> str:
    return f"routes:\n  - id: r\n    when: access.denied\n    notify: [watch]\n    during: {written}\n"


def holds(written: str, local: str, more: str = "") -> bool:
    """Whether a route's windows contain a time of Tokyo."""
    (made,) = next(policy for policy in loaded(more + during(written)).policies if policy.routes).routes
    return within(made.during, datetime.fromisoformat(local).replace(tzinfo=TOKYO).astimezone(UTC))


# --- windows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "local", "inside"),
    [
        ("{timezone: Asia/Tokyo}", "2026-12-24T00:00", True),
        ("{days: [thu], timezone: Asia/Tokyo}", "2026-12-24T00:00", True),
        ("{days: [thu], timezone: Asia/Tokyo}", "2026-12-24T23:59", True),
        ("{days: [thu], timezone: Asia/Tokyo}", "2026-12-25T00:00", False),
        ("{dates: '2026-12-24', timezone: Asia/Tokyo}", "2026-12-24T12:00", True),
        ("{dates: ['2026-12-29..2027-01-03'], timezone: Asia/Tokyo}", "2027-01-03T23:59", True),
        ("{dates: ['2026-12-29..2027-01-03'], timezone: Asia/Tokyo}", "2027-01-04T00:00", False),
        ("{dates: ['2026-12-29..2027-01-03'], timezone: Asia/Tokyo}", "2026-12-28T23:59", False),
        ("{dates: holidays, timezone: Asia/Tokyo}", "2026-12-30T09:00", True),
        ("{dates: [holidays, '2026-12-24'], timezone: Asia/Tokyo}", "2026-12-24T09:00", True),
        ("{days: [mon-fri], hours: '09:00-18:00', timezone: Asia/Tokyo, except: holidays}", "2027-01-01T09:00", False),
        ("{days: [mon-fri], hours: '09:00-18:00', timezone: Asia/Tokyo, except: holidays}", "2027-01-04T09:00", True),
        ("{days: [mon-fri], hours: '20:00-07:00', timezone: Asia/Tokyo, except: ['2026-12-24']}", "2026-12-25T06:59", False),
        ("{days: [mon-fri], hours: '20:00-07:00', timezone: Asia/Tokyo, except: ['2026-12-24']}", "2026-12-24T06:59", True),
        ("{dates: ['2026-12-24'], hours: '20:00-07:00', timezone: Asia/Tokyo}", "2026-12-25T06:59", True),
        ("{dates: ['2026-12-24'], hours: '20:00-07:00', timezone: Asia/Tokyo}", "2026-12-24T06:59", False),
        ("[{days: [sat-sun], timezone: Asia/Tokyo}, {dates: holidays, timezone: Asia/Tokyo}]", "2026-12-30T09:00", True),
        ("[{days: [sat-sun], timezone: Asia/Tokyo}, {dates: holidays, timezone: Asia/Tokyo}]", "2026-12-26T09:00", True),
        ("[{days: [sat-sun], timezone: Asia/Tokyo}, {dates: holidays, timezone: Asia/Tokyo}]", "2026-12-28T09:00", False),
    ],
)
def test_days_dates_and_exceptions_mean_the_day_on_which_a_window_starts(
    window: str,
    local: str,
    inside: bool,  # noqa: FBT001  the expected answer
) -> None:
    assert holds(window, local, HOLIDAYS if "holidays" in window else "") is inside


def one_by_one(window: Window, time: datetime) -> bool:
    """The same in another way: every start of the window around the time is looked at."""
    local = time.astimezone(window.timezone).replace(tzinfo=None)
    for back in (0, 1):
        day = local.date() - timedelta(days=back)
        number = day.toordinal()
        dates = window.dates is None or any(first <= number <= last for first, last in window.dates)
        excepted = any(first <= number <= last for first, last in window.exceptions)
        if day.weekday() not in window.days or not dates or excepted:
            continue
        start = datetime(day.year, day.month, day.day) + timedelta(minutes=window.start)  # noqa: DTZ001  a clock on the wall
        end = start + timedelta(minutes=(window.end - window.start) % 1440 or 1440)
        if start <= local < end:
            return True
    return False


@given(windows.filter(lambda window: window.start != window.end), st.integers(0, 20 * 24 * 60))
def test_a_window_contains_what_lies_between_one_of_its_starts_and_its_end(window: Window, minutes: int) -> None:
    time = datetime(2026, 10, 20, tzinfo=UTC) + timedelta(minutes=minutes)
    assert within([window], time) is one_by_one(window, time)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), max_size=8))
def test_ranges_of_days_are_in_order_and_apart(spans: list[tuple[int, int]]) -> None:
    first = date(2026, 12, 1)
    texts = [f"{first + timedelta(days=start)}..{first + timedelta(days=start + length)}" for start, length in spans]
    made = day_ranges(texts, {})
    assert all(left[1] + 1 < right[0] for left, right in pairwise(made))
    days = {first.toordinal() + day for start, length in spans for day in range(start, start + length + 1)}
    assert {day for start, end in made for day in range(start, end + 1)} == days


@pytest.mark.parametrize(
    ("window", "line"),
    [
        (
            "{dates: ['2026-02-30'], timezone: UTC}",
            "'2026-02-30' is no date; such as 2026-12-24, ",
        ),
        ("{dates: ['2027-01-03..2026-12-29'], timezone: UTC}", "'2027-01-03..2026-12-29' is no date; "),
        ("{dates: holiday, timezone: UTC}", "'holiday' is neither a date nor a list; did you mean holidays? [TB301]"),
        ("{except: [robots], timezone: UTC}", "the list robots is no list of dates: it has 'glue'; "),
        ("{dates: holidays, days: [mon], timezone: UTC}", "a window has days of the week, or dates; make two windows of it"),
        ("{hours: '07:00-07:00', timezone: UTC}", "these hours are none: they end as they start; leave hours out"),
        ("{dates: ['2026-12-24'], timezone: Nowhere}", "there is no time zone 'Nowhere'"),
        ("[{hours: '07:00-08:00'}]", "timezone is missing"),
    ],
)
def test_a_window_that_means_nothing_is_refused(window: str, line: str) -> None:
    body = "lists: {holidays: ['2027-01-01'], robots: [glue]}\n" + during(window)
    (told,) = found(body)
    assert told.partition(": ")[2].startswith(line)


def test_windows_are_written_as_a_policy_would() -> None:
    body = HOLIDAYS + during(
        "[{days: [mon-wed, fri], hours: '20:00-07:00', timezone: Asia/Tokyo, except: holidays},"
        " {dates: ['2026-12-24'], timezone: UTC}]"
    )
    (made,) = next(policy for policy in loaded(body).policies if policy.routes).routes
    assert windows_text(made.during) == "mon-wed,fri 20:00-07:00 Asia/Tokyo, except 2026-12-29..2027-01-01; or 2026-12-24 UTC"


# --- silences ----------------------------------------------------------------------------------------------------------


def silence(start: str = "", until: str = "2026-11-20T00:00:00Z") -> str:
    begins = f"from: {start}, " if start else ""
    when = "\"actor.role == 'mover'\""
    return (
        "routes: [{id: all, notify: [watch]}]\n"
        f"silences:\n  - {{id: s, when: {when}, {begins}until: {until}, reason: a move}}\n"
    )


ROLE = {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/mover/s", "accountId": "111122223333"}


@pytest.mark.parametrize(
    ("time", "silent"),
    [
        ("2026-11-09T23:59:59Z", False),
        ("2026-11-10T00:00:00Z", True),
        ("2026-11-19T23:59:59Z", True),
        ("2026-11-20T00:00:00Z", False),
    ],
)
def test_a_silence_holds_from_its_start_to_before_its_end(time: str, silent: bool) -> None:  # noqa: FBT001
    policies = loaded(silence("'2026-11-10T09:00:00+09:00'"))
    one = event(userIdentity=ROLE, eventTime=time, recipientAccountId="111122223333")
    verdict = decide(one, policies, NOW).verdict
    assert verdict == decide_reference(one, policies, NOW).verdict
    assert bool(verdict.silences) is silent


@pytest.mark.parametrize(
    ("start", "line"),
    [
        ("2026-11-10", "example.yaml:6:50: the time has no zone; write 2026-11-10T00:00:00Z [TB311]"),
        ("soon", "example.yaml:6:50: 'soon' is not a time; such as 2027-01-31T00:00:00Z [TB311]"),
        (
            "2026-11-20T09:00:00+09:00",
            "example.yaml:6:50: the silence ends before it begins; write a from",
        ),
    ],
)
def test_a_start_that_means_nothing_is_refused(start: str, line: str) -> None:
    (told,) = found(silence(f"'{start}'"))
    assert told.startswith(line)


def warned(body: str) -> list[str]:
    sources = [parse_source(BASE.encode(), "base.yaml"), parse_source((HEADER + body).encode(), "example.yaml")]
    findings = lint(sources, datetime(2026, 11, 1, tzinfo=UTC))
    return [finding.line.partition(": ")[2] for finding in findings if finding.severity is not FindingSeverity.NOTE]


def test_the_length_of_a_silence_counts_from_its_start() -> None:
    assert warned(silence("2027-06-01T00:00:00Z", "2027-06-20T00:00:00Z")) == []
    (line,) = warned(silence("2026-06-01T00:00:00Z", "2026-11-20T00:00:00Z"))
    assert line.startswith("this silence lasts 172 days; 90 are the most")


def test_a_silence_that_begins_later_covers_none_that_holds_already() -> None:
    two = "silences:\n" + "".join(
        f"  - {{id: {name}, when: \"actor.role == 'mover'\", {begins}until: 2026-11-20T00:00:00Z, reason: a move}}\n"
        for name, begins in (("later", "from: 2026-11-10T00:00:00Z, "), ("now", ""))
    )
    assert warned("routes: [{id: all, notify: [watch]}]\n" + two) == []
    swapped = two.replace("from: 2026-11-10T00:00:00Z, ", "").replace(
        "id: now, when", "id: now, from: 2026-11-10T00:00:00Z, when"
    )
    assert [line for line in warned("routes: [{id: all, notify: [watch]}]\n" + swapped) if "TB402" in line]


def test_the_daily_notice_says_nothing_of_a_silence_that_has_not_begun() -> None:
    def told(now: datetime) -> str:
        policies = loaded(silence("2026-11-10T00:00:00Z"))
        return muted_notice({}, policies, policies.channels["watch"], now.date(), now).body.decode()

    assert "example/s" not in told(datetime(2026, 11, 9, tzinfo=UTC))
    assert "example/s" in told(datetime(2026, 11, 12, tzinfo=UTC))


def test_the_end_of_a_silence_is_told_in_utc() -> None:
    (made,) = next(policy for policy in loaded(silence("", "2026-11-20T09:00:00+09:00")).policies if policy.silences).silences
    assert span_text(made) == "until 2026-11-20T00:00:00+00:00"


# --- exclusions --------------------------------------------------------------------------------------------------------


def scoped(buckets: str) -> PolicySet:
    return loaded(f"buckets: {buckets}\nroutes: [{{id: all, notify: [watch]}}]\n")


def of(bucket: str, **changes: Any) -> Any:
    return event(requestParameters={"bucketName": bucket, "key": "k", **changes}, resources=[])


@pytest.mark.parametrize(
    ("buckets", "bucket", "inside"),
    [
        ('["payments-*", "!payments-sandbox-*"]', "payments-prod", True),
        ('["payments-*", "!payments-sandbox-*"]', "payments-sandbox-1", False),
        ('["!payments-sandbox-*", "payments-*"]', "payments-sandbox-1", False),
        ('["payments-*", "payments-sandbox-1", "!payments-sandbox-*"]', "payments-sandbox-1", False),
        ('["*", "!x-*"]', "y-1", True),
        ('["*", "!x-*"]', "x-1", False),
    ],
)
def test_a_bucket_counts_if_a_pattern_matches_it_and_no_exclusion_does(
    buckets: str,
    bucket: str,
    inside: bool,  # noqa: FBT001  the expected answer
) -> None:
    policies = scoped(buckets)
    verdict = decide(of(bucket), policies, NOW).verdict
    assert bool(verdict.routes) is inside
    assert verdict == decide_reference(of(bucket), policies, NOW).verdict


def test_of_a_copy_each_bucket_counts_for_itself() -> None:
    policies = scoped('["payments-*", "!payments-sandbox-*"]')
    copied = of("payments-sandbox-1", **{"x-amz-copy-source": "payments-prod/k"})
    verdict = decide(copied, policies, NOW).verdict
    assert verdict.routes == ("example/all",)
    assert verdict.defaulted  # nobody owns the bucket that is written
    assert not decide(of("payments-dev", **{"x-amz-copy-source": "payments-prod/k"}), policies, NOW).verdict.defaulted


def test_exclusions_do_not_make_a_scope_that_takes_the_default() -> None:
    assert decide(of("abc"), scoped('["*", "!x-very-long"]'), NOW).verdict.defaulted
    assert not decide(of("payments-prod"), scoped('["payments-*", "!x"]'), NOW).verdict.defaulted


def test_a_scope_of_exclusions_alone_is_refused() -> None:
    (line,) = found('buckets: ["!payments-sandbox-*"]\nroutes: [{id: all, notify: [watch]}]\n')
    assert line.startswith("example.yaml:4:1: this scope has nothing but exclusions; add what they are excluded from")


def test_an_exclusion_bounds_no_rule_of_everyone() -> None:
    everyone = "routes:\n  - {id: r, when: \"access.kind == 'read'\", everyone: true, mute: public}\n"
    assert found('buckets: ["payments-*", "!x"]\n' + everyone) == []
    (line,) = found('buckets: ["*", "!payments-sandbox"]\n' + everyone)
    assert "this mute is of everyone, in every bucket" in line


def test_an_exclusion_that_can_be_no_bucket_is_found() -> None:
    assert any("no bucket has such a name as 'Payments-*'" in line for line in warned('buckets: ["abc-*", "!Payments-*"]\n'))


def test_windows_and_exclusions_are_decided_alike_with_an_index_and_without() -> None:
    noon = Window(frozenset(range(7)), 0, 720, UTC, exceptions=((NOW.toordinal(), NOW.toordinal()),))
    policies = policy_set(
        policy("p", route("r", during=(noon,)), buckets=("payments-*",), exclusions=("*-dev",)),
        policy("q", route("s", during=(noon._replace(exceptions=()), noon)), buckets=("payments-*",)),
    )
    for bucket in ("payments-prod", "payments-dev"):
        for time in ("2026-11-01T03:00:00Z", "2026-11-02T03:00:00Z"):
            one = event(requestParameters={"bucketName": bucket}, eventTime=time)
            assert decide(one, policies, NOW) == decide_reference(one, policies, NOW)
