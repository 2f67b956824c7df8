"""A replay counts what the function would do: each event once, messages as incidents make them, rules that never held."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, events_in
from click.testing import CliRunner

from engine.cli import trailbell
from engine.model import Deployment, Event
from engine.pipeline.decide import decide
from engine.pipeline.select import passed_over
from engine.pipeline.setting import Setting
from engine.policy.load import load
from engine.workbench.replay import Replay, as_json
from engine.workbench.report import ReplayTallies

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "examples/tour"
EVENTS = events_in(TOUR / "events")
POLICIES = load(TOUR / "policies")


def replayed(events: list[Event]) -> Replay:
    made = Replay(Setting(POLICIES, Deployment()), NOW)
    assert len(list(made.run(events))) == len(events)
    return made


def reads(count: int, **changes: Any) -> list[Event]:
    """Reads of one person, one a minute from noon on."""
    record = EVENTS[0].record
    return [
        Event({**record, "eventID": f"{number:08x}-0000-4000-8000-000000000000", "eventTime": time, **changes}, f"{number}")
        for number in range(count)
        for time in (f"2026-11-01T{12 + number // 60:02}:{number % 60:02}:00Z",)
    ]


def test_every_event_is_counted_as_it_is_decided() -> None:
    made = replayed(EVENTS)
    selected = [event for event in EVENTS if passed_over(event, POLICIES.selection) is None]
    verdicts = [decide(event, POLICIES, NOW).verdict for event in selected]
    assert (made.counts.events, sum(made.counts.passed_over.values())) == (len(EVENTS), len(EVENTS) - len(selected))
    assert made.counts.classes == Counter(verdict.actor.name for verdict in verdicts)
    assert made.counts.routes == Counter(name for verdict in verdicts for name in verdict.routes)
    assert sum(made.counts.fates.values()) == len(selected)
    heard = Counter(request.channel for verdict in verdicts for request in verdict.requests)
    assert {name: channel.events for name, channel in made.counts.channels.items()} == heard


def test_the_order_of_the_files_does_not_matter() -> None:
    assert as_json(replayed(EVENTS[::-1])) == as_json(replayed(EVENTS))


def test_messages_are_those_of_incidents_and_not_of_events() -> None:
    made = replayed(reads(120))
    channel = made.counts.channels["payments-alerts"]
    assert channel.events == 120
    assert 1 < channel.messages <= 24
    assert sum(channel.minutes.values()) == channel.messages


def test_the_same_event_twice_is_one() -> None:
    made = replayed([*reads(1), *reads(1)])
    assert made.counts.channels["payments-alerts"].events == 1
    assert made.counts.passed_over == {"duplicate": 1}


def test_what_never_held_is_named_and_what_held_is_not() -> None:
    never = replayed(EVENTS).never_held()
    assert "payments/denied" in never["routes"]
    assert "payments/people" not in never["routes"]
    assert "payments/nightly-batch" not in never["routes"]
    assert never["silences"] == []
    assert replayed(reads(1)).never_held()["silences"] == ["payments/migration"]


@pytest.mark.parametrize("size", [1, 7])
def test_the_counts_of_parts_add_up_to_those_of_all(size: int) -> None:
    merged, tallies = Replay(Setting(POLICIES, Deployment()), NOW), ReplayTallies()
    heard: list[Event] = []
    for start in range(0, len(EVENTS), size):
        part, part_tallies = Replay(Setting(POLICIES, Deployment()), NOW), ReplayTallies()
        for _, received in part.decide(EVENTS[start : start + size]):
            part_tallies.add(received, POLICIES)
            heard += [received.event] if received.outcome is None and received.event else []
        merged.counts.merge(part.counts)
        tallies.merge(part_tallies)
    whole, whole_tallies = Replay(Setting(POLICIES, Deployment()), NOW), ReplayTallies()
    for received in whole.run(EVENTS):
        whole_tallies.add(received, POLICIES)
    merged.counts.merge_messages(replayed(heard).counts)
    assert as_json(merged) == as_json(whole)
    assert tallies == whole_tallies


def test_no_event_is_no_replay() -> None:
    made = replayed([])
    assert (made.counts.events, made.counts.first, made.counts.channels) == (0, None, {})


# --- the command --------------------------------------------------------------------------------------------------------------


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(trailbell, ["replay", str(TOUR / "events"), "--policies", str(TOUR / "policies"), *words])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 20),
        (("--bucket", "web-assets"), 2),
        (("--role", "payments-nightly"), 3),
        (("--event-id", "none"), 0),
        (("--where", "actor.class == 'human' && access.kind == 'delete'"), 1),
        (("--since", "2026-11-02T13:00:00Z"), 1),
        (("--until", "2026-11-01T17:10:00Z"), 1),
        (("--since", "2026-11-01T17:10:00Z", "--until", "2026-11-02T00:00:00Z", "--bucket", "payments-prod"), 1),
    ],
)
def test_only_the_events_that_are_asked_for_are_replayed(words: tuple[str, ...], count: int) -> None:
    assert json.loads(run(*words, "--format", "json"))["events"] == count


def test_a_list_has_each_event_with_where_it_went_and_shows_no_more_than_the_levels() -> None:
    lines = run("--list", "--bucket", "ledger").splitlines()
    assert lines[0] == "2026-11-02T02:30:00Z  GetObject  ledger  a***@example.com  human  payments-alerts (strict, warning)"
    assert "analyst@example.com" not in "".join(lines)


def test_an_expression_that_is_wrong_or_fails_is_said() -> None:
    assert "--where: " in run("--where", "actor.class ==", code=2)
    assert "--where fails on " in run("--where", "to_number(eventName) > `1` || contains(`1`, 'a')", code=1)


def test_more_than_slack_takes_is_said(tmp_path: Path) -> None:
    record = next(event.record for event in EVENTS if event.record["requestParameters"]["bucketName"] == "example-scratch")
    names = [f"other-{number}" for number in range(70)]
    texts = []
    for name in names:
        changed = json.loads(json.dumps(record).replace("example-scratch", name))
        texts.append(json.dumps({**changed, "eventID": f"{len(texts):08x}-0000-4000-8000-000000000000"}))
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(texts), "utf-8")
    done = CliRunner().invoke(trailbell, ["replay", str(path), "--policies", str(TOUR / "policies")])
    assert re.search(r"ops +70 events +70 messages, most in a minute: 70 at .*; Slack takes 60 a minute", done.output), (
        done.output
    )


def test_what_cannot_be_read_is_said_and_the_rest_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(EVENTS[0].record) + "\n{", "utf-8")
    done = CliRunner().invoke(trailbell, ["replay", str(path), "--policies", str(TOUR / "policies")])
    assert done.exit_code == 1
    assert "\n1 event, 2026-11-02 " in done.output
