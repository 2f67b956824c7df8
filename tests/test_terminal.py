"""Whatever a command prints, a terminal obeys nothing of what an event, a policy, a policy test or a stack holds."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import click
import pytest
from builders import NOW, record
from click.testing import CliRunner

from engine.cli import COMMANDS, doctor, main
from engine.lint.formats import FORMATS
from engine.model.stack import AlarmState, ArchiveState, Denial, LiveVersion, ProbeState, SelfTestAnswer, StackState
from engine.resources import package_folder

if TYPE_CHECKING:
    from pathlib import Path

FORGED = "✓ forged"
HOSTILE = f"\x1b]0;owned\x07\x1b[2J\x1b[31m\u202e\u2066\r\n{FORGED}\x9b31m\u2028\x7f\u200b\U000e0041"


def quoted(text: str) -> str:
    """A text in YAML, in ASCII."""
    return '"' + "".join(char if " " <= char <= "~" and char not in '"\\' else f"\\U{ord(char):08x}" for char in text) + '"'


QUOTED = quoted(HOSTILE)
OWN_LOOKS = re.compile(r"\x1b\[[01]m")
"""Bold and plain: what commands tell a terminal themselves."""

POLICIES = f"""
version: 1
name: payments
owner: {QUOTED}
buckets: ["payments-*"]
masking:
  - level: standard
    fields: {{time: keep, event: keep, bucket: keep, key: keep, source_ip: keep, name: keep, user_agent: keep, session: keep}}
channels:
  - name: alerts
    webhook: {{env: SLACK_WEBHOOK_URL}}
default: {{notify: [alerts], masking: standard}}
actors:
  - class: person
    kind: person
    evidence:
      - id: any
        strength: claimed
        when: {quoted(f"userAgent != '{HOSTILE}'")}
        says: {{en: {QUOTED}, ja: {QUOTED}}}
guarantees:
  - {{id: told, when: {quoted(f"userAgent == '{HOSTILE}' || userAgent == 'x'")}, never: rings}}
silences:
  - id: work
    when: actor.type == 'AssumedRole' && actor.role == 'nobody'
    until: 2027-01-31T00:00:00Z
    reason: {QUOTED}
routes:
  - id: job
    when: {quoted(f"actor.role == 'nightly{HOSTILE}'")}
    mute: {QUOTED}
  - id: reads
    when: {quoted(f"actor.role != 'x{HOSTILE}'")}
    notify: [alerts]
    title: "{{name}} read {{key}}"
"""
CASES = f"""
version: 1
tests:
  - name: {QUOTED}
    now: 2026-11-01T00:00:00Z
    event: event.json
    expect: {{class: {QUOTED}, routes: [{QUOTED}], never: [{QUOTED}]}}
"""
BROKEN = f"""
version: 1
name: payments
{QUOTED}: 1
owner: [{QUOTED}]
routes:
  - id: {QUOTED}
    when: {quoted(f"actor.class == '{HOSTILE}' && {HOSTILE}")}
    notify: [{QUOTED}]
"""
ODD_FILE = "odd\x1b[2J\u202e\n✓ forged"
PARTS = (
    *("Rule", "Queue", "DeadLetters", "Function", "Live", "FromQueue"),
    *("ArchiveStream", "EveryMinute", "EveryFiveMinutes", "Deliveries", "Logs", "Role"),
)
STACK = StackState(
    parts=dict.fromkeys(PARTS, HOSTILE),
    arns=dict.fromkeys(PARTS, HOSTILE),
    terraform=False,
    rule_enabled=True,
    rule_buckets=frozenset({HOSTILE}),
    rule_events=frozenset({HOSTILE}),
    rule_targets=frozenset({HOSTILE}),
    trail_prefixes=frozenset({f"arn:aws:s3:::{HOSTILE}/"}),
    trail_errors={HOSTILE: HOSTILE},
    documents={
        name: json.dumps({"Statement": [{"Effect": "Allow", "Principal": HOSTILE, "Action": HOSTILE, "Resource": HOSTILE}]})
        for name in ("Queue", "Function", f"bucket {HOSTILE}")
    },
    keys={HOSTILE: HOSTILE},
    denials=(Denial(HOSTILE, HOSTILE, HOSTILE),),
    function_state=HOSTILE,
    environment=frozenset({HOSTILE}),
    queue_enabled=True,
    waiting=0,
    dead=0,
    oldest=None,
    secrets={HOSTILE: False},
    parameters={HOSTILE: False},
    topics={HOSTILE: False},
    has_table=True,
    table_active=True,
    index_active=True,
    schedule_enabled=True,
    oldest_owed=0,
    owed={HOSTILE: 3},
    retention=1,
    alarms={(HOSTILE, HOSTILE): AlarmState(HOSTILE, enabled=True, actions=(HOSTILE,), rings=True)},
    listeners={HOSTILE: 0},
    set_age=1,
    refused=1,
    last_event=NOW,
    foreign=0,
    answer=SelfTestAnswer(HOSTILE, {HOSTILE: HOSTILE}, HOSTILE, {HOSTILE: 0}, HOSTILE),
    archive=ArchiveState(HOSTILE, active=False, subscribed=False, bucket=HOSTILE, days=0, delivered=0.5),
    live=LiveVersion(HOSTILE, HOSTILE, newest=False),
    probe=ProbeState(enabled=True, minutes=None, failed=1),
    direct=False,
    unread={HOSTILE: HOSTILE, "queue": HOSTILE},
)

SOUND = ("--policies", "policies")
EVENT = "event.json"
RUNS: dict[str, list[tuple[str, ...]]] = {
    "init": [("init", f"shop{ODD_FILE}"), ("init", f"shop{ODD_FILE}"), ("init", "policies/payments.yaml")],
    "run": [("run", "events", *SOUND), ("run", EVENT, "--policies", "broken")],
    "decide": [("decide", "events", *SOUND), ("decide", EVENT, "--policies", "broken")],
    "diff": [
        *(
            ("diff", "policies", "changed", "events", EVENT, "--messages", "9", "--format", form)
            for form in ("text", "json", "markdown")
        ),
        ("diff", f"{HOSTILE}", "policies", EVENT),
        ("diff", "broken", "policies", EVENT),
    ],
    "replay": [
        ("replay", "events", EVENT, *SOUND, "--list"),
        ("replay", EVENT, *SOUND, "--format", "json"),
        ("replay", EVENT, *SOUND, "--where", HOSTILE),
    ],
    "explain": [
        *(("explain", EVENT, *SOUND, *more) for more in ((), ("--full",), ("--format", "json"), ("--html", f"page{ODD_FILE}"))),
        ("explain", "events", *SOUND),
        ("explain", f"events/{ODD_FILE}.json", *SOUND),
    ],
    "why-not": [
        *(("why-not", rule, EVENT, *SOUND) for rule in ("payments/job", "payments/work", "payments/reads", HOSTILE)),
        ("why-not", "payments/job", EVENT, *SOUND, "--format", "json"),
    ],
    "routes": [("routes", *SOUND, *more) for more in ((), ("--tree",), ("--format", "json"), ("--for", f"bucket={HOSTILE}"))],
    "rules": [("rules", *SOUND, "--bucket", HOSTILE, "--format", form) for form in ("text", "json", "template")],
    "mint": [("mint", "events", *SOUND, "--to", f"minted{ODD_FILE}"), ("mint", EVENT, *SOUND, "--to", "minted")],
    "fields": [("fields",), ("fields", "--format", "json")],
    "lint": [
        *(("lint", folder, "--format", form) for form in FORMATS for folder in ("policies", "broken")),
        *(("lint", folder, "--tests", "tests") for folder in ("policies", "broken")),
        *(("lint", folder, "--diff") for folder in ("policies", "broken")),
        ("lint", "policies", "--engine"),
        ("lint", "broken", "--fix"),
    ],
    "prove": [("prove", *SOUND, *more) for more in ((), ("--format", "json"), ("--out", f"proved{ODD_FILE}.yaml"))],
    "test": [("test", folder, *SOUND, "--format", form) for folder in ("tests", "broken") for form in ("text", "json")],
    "upgrade": [("upgrade", folder) for folder in ("policies", "broken", "based")],
    "build": [("build", "--policies", "broken", "--output", "x.zip")],
    "build-spark": [("build-spark", "--policies", "broken"), ("build-spark", *SOUND, "--base", HOSTILE)],
    "publish": [("publish", folder, "--pack", f"set{ODD_FILE}") for folder in ("policies", "broken")],
    "doctor": [("doctor", *SOUND, "--format", form) for form in ("text", "json")],
    "send-test": [("send-test", *SOUND, "--channel", name) for name in ("alerts", HOSTILE)],
    "completion": [("completion", "bash")],
}


def hostile_record() -> dict[str, Any]:
    """A record each of whose texts has something that a terminal would obey or hide."""

    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: spoilt(part) for name, part in value.items()} | {HOSTILE: HOSTILE}
        if isinstance(value, list):
            return [spoilt(part) for part in value]
        return f"{value}{HOSTILE}" if isinstance(value, str) else value

    sound = record()
    kept = {name: sound[name] for name in ("eventID", "eventTime", "eventSource", "eventName", "eventCategory") if name in sound}
    return {**spoilt(sound), **kept}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a set, one that does not load, one with a base, policy tests and events, hostile all of them."""
    for name, content in (
        ("policies/payments.yaml", POLICIES),
        (
            "changed/payments.yaml",
            POLICIES.replace("masking: open", "masking: strict").replace("title:", "severity: critical\n    title:"),
        ),
        ("broken/payments.yaml", BROKEN),
        (f"broken/{ODD_FILE}.yaml", BROKEN),
        ("based/payments.yaml", f"version: 1\nname: payments\nowner: {QUOTED}\nextends: {QUOTED}\n"),
        ("tests/cases.yaml", CASES),
        ("tests/event.json", json.dumps(record())),
        (EVENT, json.dumps(hostile_record())),
        ("events/1.json", json.dumps(hostile_record())),
        ("events/2.json", json.dumps({**record(), HOSTILE: 1})),
        (f"events/{ODD_FILE}.json", f'{{"{HOSTILE}'),
        ("events/4.json", json.dumps({"detail-type": HOSTILE, "source": HOSTILE, "detail": {HOSTILE: HOSTILE}})),
        ("events/5.json", json.dumps({**record(), "eventTime": HOSTILE, "eventName": HOSTILE})),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "SLACK_WEBHOOK_URL", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "read_stack", lambda *_, terraform: STACK._replace(terraform=terraform))
    monkeypatch.setattr(doctor, "need_account", lambda: None)
    return tmp_path


def acted(shown: str) -> set[str]:
    """What a terminal would obey or hide, line ends apart; and a line that somebody else wrote."""
    tags = {char for char in shown if 0xE0000 <= ord(char) <= 0xE0FFF}
    unseen = {char for char in OWN_LOOKS.sub("", shown) if char != "\n" and unicodedata.category(char)[0] in "CZ" and char != " "}
    return tags | unseen | {line for line in shown.split("\n") if line.startswith(FORGED)}


class Main(click.Command):
    """The program as a shell starts it, errors and all."""

    def main(self, args: Any = None, *_: Any, **__: Any) -> None:
        """Run it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["trailbell", *args])
            main()


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("command", RUNS)
def test_a_terminal_obeys_nothing_of_what_a_command_prints(command: str) -> None:
    printed = ""
    for words in RUNS[command]:
        done = CliRunner().invoke(Main("trailbell"), words, color=True)
        assert done.exit_code in {0, 1, 2}, (words, done.output)
        assert acted(done.output) == set(), words
        printed += done.output
    assert ("forged" in printed) is (command not in {"fields", "completion"})


def test_every_command_is_among_them() -> None:
    assert {*RUNS} == {*COMMANDS}


def test_commands_print_in_one_place() -> None:
    folder = package_folder() / "cli"
    printing = {path.name for path in folder.glob("*.py") if re.search(r"click\.(s?echo)|\bprint\(", path.read_text("utf-8"))}
    assert printing - {"terminal.py"} == {"__init__.py", "completion.py", "progress.py", "run.py"}
