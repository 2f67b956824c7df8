"""A newer base: it is refused where another one is wanted, what it decides differently is shown, and it is taken over."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from builders import ROOT, SHIPPED_BASE
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from engine.cli import trailbell
from engine.errors import LockError
from engine.policy.bases import base_revision, extends
from engine.policy.edits import edited
from engine.policy.load import read_set
from engine.policy.source import parse_source
from engine.workbench.lock import locked_base, pin

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """\
version: 1
name: main   # a comment
owner: platform

extends: trailbell/base
channels: [{name: s3-watch, webhook: {env: SLACK_WEBHOOK_URL}}]
default: {notify: [s3-watch], masking: standard}
"""
TEST = """\
version: 1
tests:
  - name: the root user reads a report
    event: human.json
    expect: {class: human}
"""
SAMPLES = len(list((ROOT / "tests/events").glob("*.json")))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team's repository, whose base was taken over."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "tests/policies").mkdir(parents=True)
    (tmp_path / "policies/main.yaml").write_text(MAIN, "utf-8")
    (tmp_path / "tests/policies/t.yaml").write_text(TEST, "utf-8")
    (tmp_path / "tests/policies/human.json").write_bytes((ROOT / "tests/events/human-root.json").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert ran("upgrade", "--write")[0] == 0
    return tmp_path


def ran(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(trailbell, words)
    return done.exit_code, done.output


def written_for(home: Path, file: str, old: str, new: str) -> str:
    """Make the repository one of an engine whose base had other words in a file; the revision of that base."""
    lock, policy = home / "trailbell.lock", home / "policies/main.yaml"
    content = json.loads(lock.read_text("utf-8"))
    lines = content["files"][f"trailbell/base/{file}.yaml"]
    content["files"][f"trailbell/base/{file}.yaml"] = [line.replace(old, new) for line in lines]
    lock.write_text(json.dumps(content), "utf-8")
    revision = base_revision(locked_base(lock.read_bytes()))
    text = policy.read_text("utf-8")
    policy.write_text(text.replace(base_revision(read_set(home / "policies")), revision), "utf-8")
    return revision


def test_a_base_that_is_taken_over_is_pinned_and_kept_and_nothing_is_left_to_do(home: Path) -> None:
    revision = base_revision(read_set(home / "policies"))
    policy = (home / "policies/main.yaml").read_text("utf-8")
    assert policy == MAIN.replace("trailbell/base", f"{{base: trailbell/base, revision: {revision}}}")
    kept = {source.path.rpartition("/")[2]: source.text for source in locked_base((home / "trailbell.lock").read_bytes())}
    assert kept == {path.name: path.read_text("utf-8") for path in SHIPPED_BASE.glob("*.yaml")}
    assert ran("upgrade") == (0, f"trailbell/base is {revision}, as these policies want it.\n")
    assert ran("lint")[0] == 0


def test_with_another_base_lint_and_test_fail_and_name_the_command_that_shows_the_difference(home: Path) -> None:
    old = written_for(home, "watch", "actor.class == 'anonymous'", "actor.class == 'nobody'")
    for command in ("lint", "test"):
        code, output = ran(command)
        assert code == 1
        assert "policies/main.yaml:5:43: " in output
        assert f"this set wants {old}" in output
        assert "trailbell upgrade shows what is decided differently" in output


CRITICAL = "channel s3-watch: standard, info -> standard, critical"
MUTED = "channel s3-watch: standard, warning -> -\nwatch/log-delivery: - -> mutes it"


@pytest.mark.parametrize(
    ("change", "shown", "events"),
    [
        (("watch", "severity: critical", "severity: info"), CRITICAL, ["human root", "object made public"]),
        (("watch", "    mute: AWS", "    notify: [s3-watch] # AWS"), MUTED, ["aws service log delivery"]),
        (("actors", "class: human", "class: person"), "class: person -> human", ["human root", "the root user reads a report"]),
        (("masking", "source_ip: network", "source_ip: keep"), "source_ip in s3-watch: keep -> network", ["denied"]),
        (("masking", "source_ip: network", "source_ip: drop"), "source_ip in s3-watch: drop -> network", ["denied"]),
        (("events", "- RestoreObject", "- HeadObject"), "looked at: yes -> no", ["head object"]),
    ],
)
def test_what_a_newer_base_decides_differently_is_shown_and_then_taken_over(
    home: Path, change: tuple[str, str, str], shown: str, events: list[str]
) -> None:
    revision = written_for(home, *change)
    code, output = ran("upgrade")
    assert code == 1
    assert f"and was {revision} (in trailbell.lock)" in output
    assert shown in output
    assert [name for name in events if f"    {name} (" not in output] == []
    assert f" of {SAMPLES + 1} events are decided differently." in output
    assert "203.0.113" not in output
    code, output = ran("upgrade", "--write")
    assert (code, "wrote sha256:" in output) == (0, True)
    assert ran("upgrade")[0] == 0
    assert ran("lint")[0] == 0


def test_nothing_is_decided_differently_where_only_words_are_others(home: Path) -> None:
    written_for(home, "watch", "description: What always rings", "description: What rings")
    assert f"0 of {SAMPLES + 1} events are decided differently." in ran("upgrade")[1]


def test_a_base_with_which_the_set_does_not_load_is_not_taken_over(home: Path) -> None:
    written_for(home, "masking", "level: strict", "level: tight")
    policy = home / "policies/main.yaml"
    policy.write_text(policy.read_text("utf-8") + "masking_floor: tight\n", "utf-8")
    before = policy.read_bytes(), (home / "trailbell.lock").read_bytes()
    code, output = ran("upgrade")
    assert code == 1
    assert "These policies do not load with the base that is there now:\n" in output
    assert "there is no masking level tight" in output
    assert ran("upgrade", "--write")[0] == 1
    assert (policy.read_bytes(), (home / "trailbell.lock").read_bytes()) == before


def test_without_the_old_base_there_is_nothing_to_compare_and_that_is_said(home: Path) -> None:
    written_for(home, "watch", "access.denied", "access.kind == 'other'")
    (home / "trailbell.lock").unlink()
    code, output = ran("upgrade")
    assert (code, "There is nothing to compare it with: there is no trailbell.lock." in output) == (1, True)


def test_a_lock_of_another_base_than_the_set_wants_is_not_compared_with(home: Path) -> None:
    written_for(home, "watch", "access.denied", "access.kind == 'other'")
    policy = home / "policies/main.yaml"
    text = policy.read_text("utf-8")
    policy.write_text(f"{text[: text.index('sha256:')]}sha256:000000000000}}{text[text.index('}') + 1 :]}", "utf-8")
    code, output = ran("upgrade")
    assert (code, "holds another base than sha256:000000000000" in output) == (1, True)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"files": []}', b'{"files": {"a": 1}}', b'{"files": {"a": [1]}}', b"\xff"]
)
def test_what_is_no_lock_is_refused_with_what_to_do(home: Path, content: bytes) -> None:
    (home / "trailbell.lock").write_bytes(content)
    code, output = ran("upgrade")
    assert (code, "is not what trailbell upgrade writes; delete it" in output) == (1, True)


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_no_lock_breaks_its_reader(content: object) -> None:
    for text in (json.dumps(content), json.dumps({"files": content})):
        with suppress(LockError):
            assert all(source.base for source in locked_base(text.encode()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("extends: trailbell/base\n", "extends: {base: trailbell/base, revision: NEW}\n"),
        ("extends: 'trailbell/base'  # why\n", "extends: {base: trailbell/base, revision: NEW}  # why\n"),
        ("extends: {base: trailbell/base}\n", "extends: {base: trailbell/base, revision: NEW}\n"),
        ("extends: {revision: 'OLD', base: company}\n", "extends: {revision: NEW, base: company}\n"),
        ("extends:\n  base: trailbell/base  # why\n", "extends:\n  revision: NEW\n  base: trailbell/base  # why\n"),
        ("extends:\n  base: company\n  revision: OLD # why\n", "extends:\n  base: company\n  revision: NEW # why\n"),
        ("extends:\r\n  base: company\r\n", "extends:\r\n  revision: NEW\r\n  base: company\r\n"),
    ],
)
def test_a_revision_is_written_as_the_file_is_written(before: str, after: str) -> None:
    old, new = "sha256:000000000000", "sha256:0123456789ab"
    source = parse_source(f"version: 1\n{before.replace('OLD', old)}name: a\n".encode(), "a.yaml")
    named = extends([source])
    assert named is not None
    changed = edited(source, pin(source, named, new))
    assert changed.text == f"version: 1\n{after.replace('NEW', new)}name: a\n"
    again = extends([changed])
    assert again is not None
    assert (again.name, again.revision) == (named.name, new)


def test_a_set_without_a_base_has_none_to_take_over(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nname: a\nowner: a\n", "utf-8")
    code, output = ran("upgrade", str(tmp_path))
    assert (code, "no file says extends" in output) == (1, True)
