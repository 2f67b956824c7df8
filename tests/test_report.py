"""The report page of a replay: what it counts, that nothing in it acts or is unmasked, and what a browser makes of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from browser import Page, browser, executable
from builders import NOW, actor, channel, event, events_in, policy_set
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.cli import trailbell
from engine.model import FIELD_OPERATORS, Default, Deployment, Event, Field, Level, Operator, PolicySet
from engine.pipeline.setting import Setting
from engine.policy.load import load
from engine.workbench.replay import Replay
from engine.workbench.report import POINTS_MAX, ReplayTallies, time_lines, week_means
from engine.workbench.report_page import PAGE_MAX, ReportAssets, report_page

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "examples/tour"
EVENTS = events_in(TOUR / "events")
POLICIES = load(TOUR / "policies")
REAL = ReportAssets(*((ROOT / "report" / name).read_text("utf-8") for name in ("report.css", "charts.js", "report.js")))
BARE = ReportAssets("", "", "")

needs_browser = pytest.mark.skipif(
    executable() is None, reason="no Chromium with the fonts Lato, Noto Sans CJK JP and Noto Color Emoji (Debian's packages)"
)


def report(events: list[Event], policies: PolicySet = POLICIES, assets: ReportAssets = BARE) -> str:
    made, tallies = Replay(Setting(policies, Deployment()), NOW), ReplayTallies()
    for received in made.run(events):
        tallies.add(received, policies)
    return report_page(made, tallies, assets)


class PageReader(HTMLParser):
    """The elements of a page, the rows of its tables by title, and its scripts and data."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.blocks: list[tuple[str, str]] = []
        self._title = self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element; a row and a cell begin."""
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in {"h3", "th", "td", "style", "script"} else self._inside
        if tag == "tr" and self._title:
            self.tables[self._title].append([])
        elif tag in {"th", "td"} and self._title:
            self.tables[self._title][-1].append("")
        elif tag in {"style", "script"}:
            self.blocks.append((dict(attrs).get("type") or tag, ""))

    def handle_endtag(self, tag: str) -> None:
        """An element is over."""
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        """Keep what a cell, a title or a script holds."""
        if self._inside == "h3":
            self._title = data
            self.tables[data] = []
        elif self._inside in {"th", "td"} and self._title:
            self.tables[self._title][-1][-1] += data
        elif self._inside in {"style", "script"}:
            kind, text = self.blocks[-1]
            self.blocks[-1] = kind, text + data


def read(html: str) -> PageReader:
    reader = PageReader()
    reader.feed(html)
    return reader


def rows(html: str, title: str) -> list[list[str]]:
    """The rows of a table without its head."""
    return read(html).tables[title][1:]


def data_of(html: str) -> dict[str, Any]:
    (text,) = (text for kind, text in read(html).blocks if kind == "application/json")
    return dict(json.loads(text))


# --- what it counts -----------------------------------------------------------------------------------------------------------


def test_the_tables_say_what_the_replay_counted() -> None:
    made, tallies = Replay(Setting(POLICIES, Deployment()), NOW), ReplayTallies()
    for received in made.run(EVENTS):
        tallies.add(received, POLICIES)
    html = report_page(made, tallies, BARE)
    assert {row[0]: (int(row[1]), int(row[2])) for row in rows(html, "Channels")} == {
        name: (channel.events, channel.messages) for name, channel in made.counts.channels.items()
    }
    assert {row[0]: int(row[2]) for row in rows(html, "Rules that held")} == made.counts.routes + made.counts.silences
    assert {row[0]: int(row[1]) for row in rows(html, "Classes")} == made.counts.classes
    assert [row[0] for row in rows(html, "Rules that never held") if row[1] == "route"] == made.never_held()["routes"]
    assert sum(int(row[1]) for row in rows(html, "Who")) == sum(made.counts.fates.values())
    assert ["mary.major", "8"] in rows(html, "Who")
    assert ["human", "analytics/everyone-else", "analytics-alerts", "7"] in rows(html, "Ways of events")
    assert ["anonymous", "web/visitors", "(muted)", "1"] in rows(html, "Ways of events")
    assert ["unknown", "payments/migration", "(silenced)", "1"] in rows(html, "Ways of events")
    assert data_of(html)["flows"] == [[*row[:3], int(row[3])] for row in rows(html, "Ways of events")]


def test_a_replay_of_no_event_is_a_page_too() -> None:
    html = report([])
    assert "No event" in html
    assert data_of(html) == {"ways": 0, "flows": []}


hours_of_a_year = st.integers(0, 9_000).map(lambda hour: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour))
by_hours = st.dictionaries(hours_of_a_year, st.integers(1, 5_000), min_size=1, max_size=12)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), by_hours, min_size=1))
def test_a_line_shows_the_busiest_hour_of_each_step(channels: dict[str, dict[datetime, int]]) -> None:
    lines = time_lines(channels)
    for name, counts in channels.items():
        start, step, values = lines[name]
        assert len(values) <= POINTS_MAX
        assert max(values) == max(counts.values())
        for place, value in enumerate(values):
            begin = start + timedelta(hours=place * step)
            inside = [count for hour, count in counts.items() if begin <= hour < begin + timedelta(hours=step)]
            assert value == max(inside, default=0)
    assert len({line[:2] for line in lines.values()}) == 1


@given(by_hours)
def test_a_mean_is_over_every_such_hour_of_the_week(counts: dict[datetime, int]) -> None:
    first, last = min(counts), max(counts) + timedelta(minutes=59)
    every = [first + timedelta(hours=hour) for hour in range((last - first) // timedelta(hours=1) + 1)]
    means = week_means(counts, first, last)
    of_place: dict[int, list[datetime]] = {}
    for hour in every:
        of_place.setdefault(24 * hour.weekday() + hour.hour, []).append(hour)
    for place, mean in enumerate(means):
        such = of_place.get(place, [])
        assert mean == (sum(counts.get(hour, 0) for hour in such) / len(such) if such else 0)


# --- nothing in it acts, nothing is unmasked ----------------------------------------------------------------------------------

HOSTILE = [
    *("</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"'><b onclick=x>", "<!--<script>", "&lt;b&gt;"),
    *("\u2028\u2029", "{a|b}", "]]>", "javascript:alert(1)"),
]
texts = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=40)).filter(str.strip)


def visited(name: str, bucket: str, **changes: Any) -> Event:
    identity = {"type": "IAMUser", "userName": name, "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/u"}
    return event(userIdentity=identity, requestParameters={"bucketName": bucket, "key": "k"}, **changes)


def at_level(operators: dict[Field, Operator]) -> PolicySet:
    level = Level("some", 1, MappingProxyType(operators))
    return policy_set(
        actors=(actor("anyone", "`true`"),),
        channels=MappingProxyType({"ops": channel("ops", level)}),
        default=Default("base", ("ops",), level),
    )


OPEN = at_level(dict.fromkeys(Field, Operator.KEEP))


@given(texts, texts, texts)
def test_what_an_event_holds_is_text_on_the_page(name: str, bucket: str, operation: str) -> None:
    plain = [tag for tag, _ in read(report([visited("x", "example", eventName="Get")], OPEN)).tags]
    page = report([visited(name, bucket, eventName=operation)], OPEN)
    made = read(page)
    assert [tag for tag, _ in made.tags] == plain
    assert not [attributes for _, attributes in made.tags if {"onclick", "onerror", "style", "src"} & attributes.keys()]
    data_of(page)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_ends_a_script_ends_none_in_the_data(text: str) -> None:
    html = report_page(*hostile_replay(text), BARE)
    (data,) = (held for kind, held in read(html).blocks if kind == "application/json")
    assert not {"<", ">", "&", "\u2028", "\u2029"} & set(data)
    assert json.loads(data)["flows"][0][0] == text


def hostile_replay(text: str) -> tuple[Replay, ReplayTallies]:
    """A class of a name that no policy may have."""
    policies = policy_set(actors=(actor(text, "`true`"),))
    made, tallies = Replay(Setting(policies, Deployment()), NOW), ReplayTallies()
    for received in made.run([event()]):
        tallies.add(received, policies)
    return made, tallies


levels = st.fixed_dictionaries({field: st.sampled_from(sorted(FIELD_OPERATORS[field])) for field in Field})
secrets = st.from_regex(r"[a-z]{6}[0-9]{6}", fullmatch=True)


@given(levels, secrets, secrets)
def test_the_page_shows_no_more_than_the_level_of_the_messages(operators: dict[Field, Operator], name: str, bucket: str) -> None:
    assume(name != bucket)
    html = report([visited(name, bucket, sourceIPAddress="203.0.113.77", errorMessage=f"{name} {bucket}")], at_level(operators))
    for secret, field in ((name, Field.NAME), (bucket, Field.BUCKET)):
        assert operators[field] is Operator.KEEP or secret not in html
    assert "203.0.113.77" not in html
    assert "111122223333" not in html


def test_what_the_level_keeps_is_on_the_page() -> None:
    html = report([visited("nobody-else", "a-bucket")], OPEN)
    assert rows(html, "Who") == [["nobody-else", "1"]]
    assert rows(html, "Buckets") == [["a-bucket", "1"]]


def test_the_page_asks_for_nothing_and_a_policy_forbids_it_to() -> None:
    html = report(EVENTS, assets=REAL)
    made = read(html)
    assert {"img", "link", "iframe", "object", "embed", "form", "video"} & {tag for tag, _ in made.tags} == set()
    assert not [attributes for _, attributes in made.tags if {"src", "srcset", "style", "onclick"} & attributes.keys()]
    links = {str(attributes["href"]) for tag, attributes in made.tags if tag == "a"}
    assert {link.removeprefix("#") for link in links} <= {str(attributes.get("id")) for _, attributes in made.tags}
    (policy,) = [str(attributes["content"]) for _, attributes in made.tags if attributes.get("http-equiv")]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    acting = [text for kind, text in made.blocks if kind != "application/json"]
    assert acting == [REAL.style, REAL.charts, REAL.script]
    for text in acting:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy


def test_a_page_is_at_most_a_megabyte() -> None:
    made, tallies = hostile_replay("class")
    for number in range(3_000):
        name = f"{number:04}" + "&'<\"" * 100
        tallies.flows.update({tuple.__new__(type(next(iter(tallies.flows))), (name, name, name)): 1})
        for counts in (
            *tallies.fields.values(),
            made.counts.classes,
            made.counts.evidence,
            made.counts.routes,
            made.counts.silences,
            made.counts.passed_over,
        ):
            counts[name] += 1
    html = report_page(made, tallies, REAL)
    assert 700_000 < len(html.encode()) <= PAGE_MAX
    assert re.search(r"the first \d+ of 3,00\d rows", html)


def test_what_is_counted_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.workbench.report.NAMES_MAX", 3)
    names = [f"name{number}" for number in range(6)] * 2
    html = report([visited(name, "b", eventID=f"{number}") for number, name in enumerate(names)], OPEN)
    assert dict(rows(html, "Who")) == {"name0": "2", "name1": "2", "name2": "2", "(others)": "6"}


# --- the command and its parts ------------------------------------------------------------------------------------------------


def test_the_command_writes_the_page_beside_what_it_prints(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    words = ["replay", str(TOUR / "events"), "--policies", str(TOUR / "policies")]
    plain = CliRunner().invoke(trailbell, words)
    done = CliRunner().invoke(trailbell, [*words, "--report", str(out)])
    assert done.exit_code == 0, done.output
    assert done.stdout == plain.stdout
    assert rows(out.read_text("utf-8"), "Channels") == rows(report(EVENTS), "Channels")


@pytest.mark.long
def test_the_charts_are_what_npm_makes_of_the_pinned_packages(tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no npm")
    for name in ("package.json", "package-lock.json", "build.mjs", "charts.entry.js"):
        shutil.copy(ROOT / "report" / name, tmp_path)
    words = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, timeout=300)  # noqa: S603
    subprocess.run([node, "build.mjs", "."], cwd=tmp_path, check=True, capture_output=True, timeout=120)  # noqa: S603
    for name in ("charts.js", "LICENSE", "NOTICE"):
        assert (tmp_path / name).read_bytes() == (ROOT / "report" / name).read_bytes(), f"{name}: make charts"


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("front", ["text", "faint", "link"])
@pytest.mark.parametrize("back", ["back", "panel"])
def test_text_stands_out_enough(theme: int, front: str, back: str) -> None:
    """At least 4.5 to 1. Source: https://www.w3.org/TR/WCAG22/#contrast-minimum."""
    one, other = (luminance(re.findall(rf"--{name}: (#\w{{6}})", REAL.style)[theme]) for name in (front, back))
    assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 4.5


def test_a_table_says_what_its_cells_are() -> None:
    tags = read(report(EVENTS)).tags
    assert all(attributes.get("scope") in {"col", "row"} for tag, attributes in tags if tag == "th")
    inputs = [attributes for tag, attributes in tags if tag == "input" and attributes["type"] == "search"]
    tables = [attributes for tag, attributes in tags if tag == "table" and attributes.get("aria-labelledby")]
    assert len(inputs) == len(tables) > 8
    assert len({attributes["aria-label"] for attributes in inputs}) == len(inputs)
    identities = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    charts = [attributes for _, attributes in tags if attributes.get("class") == "chart"]
    assert len(charts) == 3
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in charts)


# --- in a browser -------------------------------------------------------------------------------------------------------------


def shown_rows(page: Page, title: str) -> list[list[str]]:
    script = f"""[...[...document.querySelectorAll('.table')].find(t => t.querySelector('h3').textContent === {title!r})
      .querySelectorAll('tbody tr')].filter(r => r.offsetHeight).map(r => [...r.cells].map(c => c.textContent))"""
    return list(page.evaluate(script))


@needs_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_draws_the_page_and_asks_for_nothing(width: int, dark: bool) -> None:  # noqa: FBT001
    with browser() as chromium:
        page = chromium.open(report(EVENTS, assets=REAL), width, dark=dark)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        colours = "new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
        drawn = f"[...document.querySelectorAll('.chart')].map(e => [...e.querySelectorAll('canvas')].some(c => {colours} > 20))"
        assert page.evaluate(drawn) == [True, True, True]
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert back == ("rgb(23, 25, 29)" if dark else "rgb(255, 255, 255)")
        page.evaluate("for (const name of ['rate', 'of']) document.getElementById(name).dispatchEvent(new Event('change'))")
        assert [url for url in page.requested if not url.startswith("file:")] == []
        assert page.complaints == []


@needs_browser
def test_a_browser_sorts_and_filters_tables() -> None:
    with browser() as chromium:
        page = chromium.open(report(EVENTS, assets=REAL), 1280)
        part = "[...document.querySelectorAll('.table')].find(t => t.querySelector('h3').textContent === 'Classes')"
        rows_before = shown_rows(page, "Classes")
        page.evaluate(f"{part}.querySelectorAll('th button')[0].click()")
        assert shown_rows(page, "Classes") == sorted(rows_before)
        assert page.evaluate(f"{part}.querySelector('th').getAttribute('aria-sort')") == "ascending"
        page.evaluate(f"{part}.querySelectorAll('th button')[1].click()")
        counts = [int(count) for _, count in shown_rows(page, "Classes")]
        assert counts == sorted(counts, reverse=True)
        page.evaluate(f"{part}.querySelectorAll('th button')[1].click()")
        assert [int(count) for _, count in shown_rows(page, "Classes")] == sorted(counts)
        page.evaluate(f"i = {part}.querySelector('input'); i.value = 'ROBOT ecs'; i.dispatchEvent(new Event('input'))")
        assert shown_rows(page, "Classes") == [["ecs-robot", "1"]]
        assert page.evaluate(f"{part}.querySelector('.count').textContent") == f"1 of {len(counts)} rows"
        page.evaluate("i.value = ''; i.dispatchEvent(new Event('input'))")
        assert len(shown_rows(page, "Classes")) == len(counts)
        assert page.complaints == []


@needs_browser
def test_a_browser_refuses_what_the_page_may_not_do() -> None:
    with browser() as chromium:
        page = chromium.open(report(EVENTS, assets=REAL), 1280)
        page.evaluate("document.body.append(Object.assign(new Image(), {src: 'https://example.com/x.png'}))")
        page.evaluate("s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)")
        assert page.evaluate("window.ran") is None
        refused = [text for text in page.complaints if "Content Security Policy" in text]
        assert len(refused) == 2
