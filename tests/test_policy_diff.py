"""What another policy set changes: exactly the events whose decisions differ, in words that name who hears what."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli import diff_report, trailbell
from engine.cli.diff_report import COMMENT, COMMENT_SIZE, as_json, as_markdown
from engine.edge.secrets import random_key
from engine.model import Event
from engine.pipeline.decide import decide
from engine.pipeline.select import passed_over
from engine.policy.load import check, load, read_set
from engine.policy.source import parse_source
from engine.workbench.policy_diff import ChangeKind, PolicyDiff

if TYPE_CHECKING:
    from engine.model import PolicySet

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "examples/tour"


def records_of(path: Path) -> list[dict[str, Any]]:
    loaded = json.loads(path.read_text("utf-8"))
    return loaded["Records"] if "Records" in loaded else [loaded.get("detail", loaded)]


EVENTS = [Event(record, path.name) for path in sorted((TOUR / "events").glob("*.json")) for record in records_of(path)]


def edited(*edits: tuple[str, str, str]) -> PolicySet:
    """The tour after edits: file, text, other text."""
    files = {source.path: source.text for source in read_set(TOUR / "policies")}
    for name, old, new in edits:
        path = next(path for path in files if path.endswith(name))
        assert files[path].count(old) >= 1
        files[path] = files[path].replace(old, new, 1)
    policies, findings = check([parse_source(text.encode(), path) for path, text in files.items()])
    assert policies is not None, findings
    return policies


def diff_to(after: PolicySet) -> PolicyDiff:
    made = PolicyDiff(load(TOUR / "policies"), after, NOW)
    for event in EVENTS:
        made.add(event)
    return made


NIGHTLY = ("payments.yaml", "    mute: reconciliation job, PAY-1123\n", "    notify: [payments-alerts]\n")
PEOPLE = ("payments.yaml", "notify: [payments-alerts]\n    severity: info", "notify: [payments-alerts]\n    severity: warning")
ENDED = ("payments.yaml", "    until: 2027-01-31T00:00:00Z", "    until: 2026-10-01T00:00:00Z")


@pytest.mark.parametrize(
    ("edit", "kinds"),
    [
        (NIGHTLY, {ChangeKind.LOUDER}),
        (PEOPLE, {ChangeKind.LOUDER}),
        (("payments.yaml", "severity: info", "severity: info\n    masking: strict"), {ChangeKind.MASKED_MORE}),
        (("payments.yaml", "title: touched {bucket}", "title: was in {bucket}"), {ChangeKind.REWORDED}),
        (ENDED, {ChangeKind.LOUDER}),
    ],
)
def test_what_an_edit_changes_is_named(edit: tuple[str, str, str], kinds: set[ChangeKind]) -> None:
    assert diff_to(edited(edit)).counts.kinds().keys() == kinds


def test_a_level_that_hides_less_is_named() -> None:
    strict = edited(("payments.yaml", "severity: info", "severity: info\n    masking: strict"))
    changes = PolicyDiff(strict, load(TOUR / "policies"), NOW)
    for event in EVENTS:
        changes.add(event)
    assert changes.counts.kinds().keys() == {ChangeKind.MASKED_LESS}


def test_the_way_back_is_the_opposite() -> None:
    there, back = edited(NIGHTLY), load(TOUR / "policies")
    changes = PolicyDiff(there, back, NOW)
    for event in EVENTS:
        changes.add(event)
    (group,) = changes.counts.groups()
    assert group.kinds == (ChangeKind.NEWLY_MUTED,)
    assert group.before.text == "payments-alerts (standard, warning)"
    assert group.after.text == "nobody, muted by payments/nightly-batch"
    assert list(group.buckets) == ["payments-prod"]
    assert group.count == 1


def test_a_channel_whose_webhook_is_another_is_told_elsewhere() -> None:
    text = (TOUR / "policies/channels.yaml").read_text("utf-8")
    webhook = re.search(r"name: payments-alerts\n +webhook: (\{.*\})", text)
    assert webhook is not None
    assert ChangeKind.ELSEWHERE in diff_to(edited(("channels.yaml", webhook[1], "{env: SLACK_WEBHOOK_OTHER}"))).counts.kinds()


def test_nothing_changes_from_a_set_to_itself() -> None:
    changes = diff_to(load(TOUR / "policies"))
    assert (changes.counts.events, changes.counts.changed, changes.counts.groups()) == (len(EVENTS), 0, [])


@pytest.mark.parametrize("size", [1, 7])
def test_the_changes_of_parts_add_up_to_those_of_all(size: int) -> None:
    before, after = load(TOUR / "policies"), edited(NIGHTLY, PEOPLE, ENDED)
    merged = PolicyDiff(before, after, NOW)
    for start in range(0, len(EVENTS), size):
        part = PolicyDiff(before, after, NOW)
        for event in EVENTS[start : start + size]:
            part.add(event)
        merged.counts.merge(part.counts)
    assert merged.counts == diff_to(after).counts


# --- brute force ----------------------------------------------------------------------------------------------------------------

ROUTES = ("denied", "copied-out", "nightly-batch", "at-night", "people", "others")
CHANNELS = ("security", "payments-alerts", "web-team")


def seen(event: Event, policies: PolicySet) -> Any:
    """What people notice of a decision, taken from the decision itself."""
    if passed_over(event, policies.selection) is not None:
        return None
    verdict = decide(event, policies, NOW).verdict
    return verdict.actor.name, sorted(
        (one.channel, one.level.name, one.severity, str(one.title), one.runbook, one.detail) for one in verdict.requests
    )


edits = st.lists(
    st.tuples(
        st.sampled_from(ROUTES),
        st.sampled_from(
            [
                "masking: strict",
                "masking: open",
                "severity: critical",
                'during: {hours: "08:00-09:00", timezone: UTC}',
                "title: x",
                "gone",
            ]
        ),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda edit: edit[0],
)


@settings(max_examples=60, deadline=None)
@given(edits)
def test_the_changes_are_those_of_a_comparison_event_by_event(chosen: list[tuple[str, str]]) -> None:
    path = TOUR / "policies/payments.yaml"
    routes, mark, rest = path.read_text("utf-8").partition("\nsilences:\n")
    blocks = re.split(r"(?=^  - id: )", routes, flags=re.MULTILINE)
    made = []
    for block in blocks:
        name = block.partition("- id: ")[2].partition("\n")[0]
        edit = dict(chosen).get(name)
        if edit == "gone":
            continue
        key = (edit or "").partition(":")[0]
        if edit and "mute:" not in block and f"    {key}:" not in block:
            block = f"  - id: {name}\n    {edit}\n" + block.partition("\n")[2]  # noqa: PLW2901  with the edit
        made.append(block)
    files = {source.path: source.text for source in read_set(TOUR / "policies")}
    own = next(name for name in files if name.endswith("payments.yaml"))
    files[own] = "".join([*made, mark, rest])
    after, findings = check([parse_source(text.encode(), name) for name, text in files.items()])
    assert after is not None, findings
    before = load(TOUR / "policies")
    expected = [event.where for event in EVENTS if seen(event, before) != seen(event, after)]
    changes = PolicyDiff(before, after, NOW)
    assert [event.where for event in EVENTS if counted(changes, event)] == expected


def counted(changes: PolicyDiff, event: Event) -> bool:
    before = changes.counts.changed
    changes.add(event)
    return changes.counts.changed > before


# --- the command ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of the tour, one commit, with an edit that is not committed; the working directory."""
    shutil.copytree(TOUR, tmp_path / "tour")
    user = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*user, "commit", "-qm", "a"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)  # noqa: S603, S607  fixed words
    path = tmp_path / "tour/policies/payments.yaml"
    path.write_text(path.read_text("utf-8").replace(NIGHTLY[1], NIGHTLY[2]), "utf-8")
    monkeypatch.chdir(tmp_path / "tour")
    return tmp_path


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(trailbell, ["diff", *words])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("base", ["HEAD", "HEAD:policies", "main"])
def test_a_revision_is_compared_with_the_folder(base: str) -> None:
    text = run(base, "policies", "events")
    assert text.startswith("1 of 20 events change: 1 louder\n")
    assert "before  nobody, muted by payments/nightly-batch" in text
    assert "after   payments-alerts (standard, warning)" in text


@pytest.mark.usefixtures("repository")
def test_what_is_no_set_is_said() -> None:
    assert "nowhere is neither a folder nor a git revision" in run("nowhere", "policies", "events", code=1)
    assert "the revision has no folder elsewhere" in run("HEAD:elsewhere", "policies", "events", code=2)
    assert "--upload-pack is neither" in run("--", "--upload-pack", "policies", "events", code=1)


@pytest.mark.usefixtures("repository")
def test_kinds_that_must_not_happen_fail() -> None:
    run("HEAD", "policies", "events", "--fail-on", "newly-muted,masked-less")
    run("policies", "HEAD", "events", "--fail-on", "quieter")
    run("policies", "HEAD", "events", "--fail-on", "newly-muted,masked-less", code=1)
    assert "'mutes' is none of newly-muted, " in run("policies", "HEAD", "events", "--fail-on", "mutes", code=2)


@pytest.mark.usefixtures("repository")
def test_messages_are_shown_before_and_after() -> None:
    text = run("policies", "HEAD", "events", "--messages", "1")
    assert "#payments-alerts before\n" in text
    assert "#payments-alerts after  no message\n" in text


@pytest.mark.usefixtures("repository")
def test_the_json_has_each_change_with_its_messages() -> None:
    report = json.loads(run("HEAD", "policies", "events", "--format", "json"))
    assert (report["events"], report["changed"], report["kinds"]) == (20, 1, {"louder": 1})
    (change,) = report["changes"]
    assert change["before"]["quieted_by"] == [{"how": "muted", "rule": "payments/nightly-batch"}]
    assert change["messages"]["payments-alerts"]["before"] is None
    assert change["messages"]["payments-alerts"]["after"]["blocks"]


# --- a comment ----------------------------------------------------------------------------------------------------------------


def test_a_comment_shows_nothing_that_the_levels_hide_and_nothing_acts_in_it() -> None:
    record = json.loads(json.dumps(EVENTS[0].record))
    record["requestParameters"]["key"] = "secret/](https://evil.example) @team <img src=x> ``` | **x**"
    record["sourceIPAddress"] = "203.0.113.77"
    changes = PolicyDiff(load(TOUR / "policies"), edited(PEOPLE), NOW)
    changes.add(Event(record, "made-up.json"))
    text = as_markdown(changes, random_key())
    assert text.startswith(f"{COMMENT}\n")
    assert "203.0.113.77" not in text + json.dumps(as_json(changes, random_key()))
    outside = re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "evil" not in outside
    assert "@" not in outside
    assert "<img" not in outside
    assert outside.count("<details>") == outside.count("</details>") == 1


def test_a_comment_names_a_few_of_many_buckets() -> None:
    record = json.dumps(EVENTS[0].record)
    changes = PolicyDiff(load(TOUR / "policies"), edited(PEOPLE), NOW)
    for number in range(3_000):
        changes.add(Event(json.loads(record.replace("payments-prod", f"payments-{number:04}-{'x' * 40}")), "made-up.json"))
    assert changes.counts.changed == 3_000
    text = as_markdown(changes, random_key())
    assert len(text) <= COMMENT_SIZE
    assert "and 997 more" in text


@pytest.mark.parametrize("room", [500, 1_000, 2_000, 4_000])
def test_a_comment_that_is_too_long_says_how_many_changes_are_left_out(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    changes = diff_to(edited(NIGHTLY, PEOPLE, ENDED))
    rows = len(changes.counts.groups())
    assert rows >= 3
    monkeypatch.setattr(diff_report, "COMMENT_SIZE", room)
    text = as_markdown(changes, random_key())
    assert len(text) <= room
    shown = text.count("\n| **")
    assert (f"and {rows - shown:,} more changes" in text) == (shown < rows)
    assert (room < 1_000) == (shown < rows)
