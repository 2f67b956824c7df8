"""Policy tests and their events, linted: names that nothing has, rules that no test names, what looks real."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from engine.cli import trailbell
from engine.lint import lint
from engine.lint.registry import BASE, HEADER
from engine.policy.load import read_fixtures
from engine.policy.source import Source, parse_source

if TYPE_CHECKING:
    from engine.model import Finding

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 24, tzinfo=UTC)
POLICY = HEADER + (
    "actors:\n  - class: batch\n    kind: robot\n    evidence:\n"
    "      - {id: batch-role, says: the role of the batch, strength: attested, when: actor.role == 'batch'}\n"
    "routes:\n  - {id: nightly, when: actor.class == 'batch', mute: OPS-1}\n"
    "  - {id: denied, when: access.denied, notify: [watch]}\n"
    "silences:\n  - {id: move, when: actor.role == 'mover', until: 2026-12-31T00:00:00Z, reason: OPS-2}\n"
)
EVENT = "{eventTime: 2026-11-01T00:00:00Z}"


def found(expect: str, fixture: str | None = None, event: str = EVENT) -> list[str]:
    """What is said of a test that expects something, without what is not named by it."""
    sources = [parse_source(BASE.encode(), "base.yaml"), parse_source(POLICY.encode(), "p.yaml")]
    test = parse_source(f"version: 1\ntests:\n  - name: one\n    event: {event}\n    expect: {expect}\n".encode(), "t.yaml")
    fixtures = [] if fixture is None else [Source("e.json", fixture, None)]
    findings: tuple[Finding, ...] = lint(sources, NOW, [test], fixtures)
    return [finding.line for finding in findings]


ALL = "evidence: batch-role, routes: [example/denied], mutes: [example/nightly], silences: [example/move]"


def test_what_every_rule_is_named_by_is_clean() -> None:
    assert found(f"{{{ALL}, class: batch, channels: {{watch: standard}}, failures: []}}") == []


def test_rules_that_no_test_names_are_told_where_they_stand() -> None:
    assert found("{defaulted: true}") == [
        "p.yaml:8:14: no policy test names this evidence; write one that expects batch-role [TB601]",
        "p.yaml:10:10: no policy test names this route; write one that expects example/nightly [TB601]",
        "p.yaml:11:10: no policy test names this route; write one that expects example/denied [TB601]",
        "p.yaml:13:10: no policy test names this silence; write one that expects example/move [TB601]",
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("class: bach", "class: the set has no class bach; did you mean batch?"),
        ("channels: {wach: standard}", "channels: the set has no channel wach; did you mean watch?"),
    ],
)
def test_names_that_nothing_has(more: str, said: str) -> None:
    (line,) = found(f"{{{ALL}, {more}}}")
    assert line.partition(": ")[2] == f"{said} [TB602]"


@pytest.mark.parametrize("key", ["routes", "mutes", "silences"])
def test_a_misspelled_rule_is_told_in_the_test_and_where_it_stands(key: str) -> None:
    wrong = ALL.replace("example/", "exmaple/") if key == "routes" else ALL
    codes = {line.rpartition("[")[2] for line in found(f"{{{wrong}}}")}
    assert codes == ({"TB601]", "TB602]"} if key == "routes" else set())


def test_the_class_unknown_is_always_there() -> None:
    assert found(f"{{{ALL}, class: unknown}}") == []


def test_an_event_file_that_is_not_there() -> None:
    (line,) = found(f"{{{ALL}}}", event="no.json")
    assert line == "t.yaml:4:12: there is no such event file; name a JSON file relative to this one [TB108]"


def test_a_broken_test_file_is_one_finding_and_hides_no_policy() -> None:
    sources = [parse_source(BASE.encode(), "base.yaml"), parse_source((POLICY + "rutes: []\n").encode(), "p.yaml")]
    lines = [finding.code for finding in lint(sources, NOW, [parse_source(b"tests: [", "t.yaml")])]
    assert lines == ["TB111"]
    assert [finding.code for finding in lint(sources[:1], NOW, [parse_source(b"tests: [", "t.yaml")])] == ["TB101"]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("arn:aws:iam::314159265358:role/x", "TB502"),
        ("logs-314159265358", "TB502"),
        ("arn:aws:iam::111122223333:role/x", None),
        ("123456789012", None),
        ("00000000-0000-0000-0000-314159265358", None),
        ("31415926535", None),
        ("9.9.9.9", "TB503"),
        ("2606:4700:4700::1111", "TB503"),
        ("192.0.2.1", None),
        ("198.51.100.7", None),
        ("2001:db8::1", None),
        ("10.1.2.3", None),
        ("Chrome/120.0.0.0", None),
        ("12:30:45", None),
        ("300.1.2.3", None),
        ("ann@corp.example", None),
        ("ann@example.com", None),
        ("ann@mail.example.org", None),
        ("ann@notexample.com", "TB504"),
        ("ann.b+c@trailbell.dev", "TB504"),
        ("xoxb" + "-123456789-abcdef", "TB501"),
    ],
)
def test_what_looks_real_in_an_event(value: str, code: str | None) -> None:
    lines = found(f"{{{ALL}}}", json.dumps({"userAgent": value}))
    assert [line.rpartition("[")[2][:-1] for line in lines] == ([code] if code else [])
    assert all(value not in line for line in lines)


def test_what_stands_often_is_told_once() -> None:
    fixture = json.dumps({"a": "314159265358", "b": "314159265358", "c": "271828182845"}, indent=1)
    lines = found(f"{{{ALL}}}", fixture)
    assert [line.partition(";")[0] for line in lines] == [
        "e.json:2:8: this looks like a real account id (2 times in this file)",
        "e.json:4:8: this looks like a real account id",
    ]


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/base.yaml").write_text(BASE, encoding="utf-8")
    (tmp_path / "policies/p.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "tests/policies").mkdir(parents=True)
    (tmp_path / "e.json").write_text('{"eventTime": "2026-11-01T00:00:00Z", "sourceIPAddress": "9.9.9.9"}', encoding="utf-8")
    test = f"version: 1\ntests:\n  - name: one\n    event: ../../e.json\n    expect: {{{ALL}}}\n"
    (tmp_path / "tests/policies/t.yaml").write_text(test, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(trailbell, ["lint", *words], env={"GITHUB_ACTIONS": ""})
    return done.exit_code, done.stdout, done.stderr


def test_the_tests_beside_policies_are_found(home: Path) -> None:
    code, said, summary = ran()
    assert code == 0
    assert said.startswith("e.json:1:59: warning[TB503]")
    assert summary == "policies: 1 warning in 4 files\n"
    shutil.move(home / "tests", home / "elsewhere")
    assert ran()[1] == ""


def test_other_tests_can_be_named(home: Path) -> None:
    shutil.move(home / "tests/policies", home / "cases")
    (home / "cases/t.yaml").write_text((home / "cases/t.yaml").read_text("utf-8").replace("../../e", "../e"), encoding="utf-8")
    assert "TB503" in ran("policies", "--tests", "cases")[1]
    (home / "trailbell.toml").write_text('[lint]\ntests = "cases"\n', encoding="utf-8")
    assert "TB503" in ran()[1]


def test_a_severity_of_the_team_decides(home: Path) -> None:
    (home / "trailbell.toml").write_text('[lint.severity]\nTB503 = "error"\n', encoding="utf-8")
    code, said, _ = ran()
    assert code == 1
    assert "error[TB503]" in said


def test_the_longest_silence_is_the_teams(home: Path) -> None:
    (home / "own.toml").write_text("[lint]\nlongest-silence-days = 1\n", encoding="utf-8")
    policy = (home / "policies/p.yaml").read_text("utf-8").replace("2026-12-31", "2999-12-31")
    (home / "policies/p.yaml").write_text(policy, encoding="utf-8")
    assert "; 90 are the most" not in ran("--settings", "own.toml")[1]
    assert "days; 1 are the most" in ran("--settings", "own.toml")[1]
    assert "days; 90 are the most" in ran()[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[lint", "this is not TOML"),
        ("[lnt]", "there is no section lnt; did you mean lint?"),
        ("[lint]\ntest = 'x'", "there is no key test; did you mean tests?"),
        ("lint = 1", "lint is a table: [lint]"),
        ("[lint]\ntests = 1", "tests is the path of a folder"),
        ("[lint]\ntests = 'nowhere'", "tests: there is no nowhere"),
        ("[lint]\nlongest-silence-days = 0", "longest-silence-days is a whole number from 1 to 3650"),
        ("[lint]\nlongest-silence-days = true", "longest-silence-days is a whole number"),
        ("[lint]\ndelivery-table = 'no'", "delivery-table is true or false"),
        ("[lint.severity]\nTB999 = 'error'", "there is no finding TB999"),
        ("[lint.severity]\nTB503 = 'off'", "TB503: a severity is one of error, warning, note; what"),
        ("[lint.severity]\nTB101 = 'note'", "TB101 stays an error: a set with it does not load"),
        ("lint = " + "[" * 5_000 + "]" * 5_000, "this is not TOML"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(home: Path, text: str, said: str) -> None:
    (home / "trailbell.toml").write_text(text, encoding="utf-8")
    code, _, told = ran()
    assert code == 2
    assert f"trailbell.toml: {said}" in " ".join(told.split())


def test_fixtures_are_read_once_and_those_too_large_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    (tmp_path / "b.json").write_bytes(b" " * 1_048_577)
    text = "tests:\n" + "".join(f"  - {{event: {name}}}\n" for name in ("a.json", "./a.json", "b.json", "c.json"))
    test = parse_source(text.encode(), (tmp_path / "t.yaml").as_posix())
    assert [source.path for source in read_fixtures([test])] == [(tmp_path / "a.json").as_posix()]
