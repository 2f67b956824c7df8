"""The command line as its users have it: what is printed, and the exit code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import SHIPPED, record
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from engine.bulk import reading
from engine.cli import COMMANDS, NEEDS, main, trailbell
from engine.pipeline.decide.indexed import IndexedDecider

if TYPE_CHECKING:
    from click.testing import Result

ROOT = Path(__file__).parent.parent

POLICIES = """
version: 1
name: payments
owner: team-payments
buckets: ["payments-*"]
masking:
  - level: standard
    fields: {time: keep, event: keep, bucket: keep, key: keep, source_ip: network, name: keep, access_key: last4, account: mask}
channels:
  - name: payments-alerts
    webhook: {env: SLACK_WEBHOOK_URL}
default: {notify: [payments-alerts], masking: standard}
routes:
  - id: nightly
    when: actor.role == 'nightly'
    mute: reconciliation, PAY-1
  - id: reads
    when: access.kind == 'read'
    notify: [payments-alerts]
    title: "{name} read {bucket}"
"""

CASES = """
version: 1
tests:
  - name: an analyst reads
    now: 2026-11-01T00:00:00Z
    event: {event}
    expect:
      class: unknown
      channels: {{payments-alerts: {level}}}
      routes: [payments/reads]
      never: ["203.0.113.7"]
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a policy set, an event and nothing else; the working directory."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "payments.yaml").write_text(POLICIES, encoding="utf-8")
    (tmp_path / "event.json").write_text(json.dumps(record()), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "SLACK_WEBHOOK_URL", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def ran(*words: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(trailbell, words, input=stdin)


# --- decide ----------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("house")
def test_decide_prints_one_decision_an_event_under_its_schema() -> None:
    got = ran("decide", "event.json")
    schema = json.loads((ROOT / "schemas/v1/decision.schema.json").read_text(encoding="utf-8"))
    decision = json.loads(got.stdout)
    Draft202012Validator(schema).validate(decision)
    assert (got.exit_code, decision["channels"], decision["routes"]) == (0, {"payments-alerts": "standard"}, ["payments/reads"])


@pytest.mark.usefixtures("house")
def test_decide_reads_standard_input() -> None:
    lines = "\n".join(json.dumps(record(eventID=f"e{number}")) for number in range(3))
    got = ran("decide", "-", stdin=lines)
    assert [json.loads(line)["event_id"] for line in got.stdout.splitlines()] == ["e0", "e1", "e2"]


@pytest.mark.usefixtures("house")
def test_what_cannot_be_read_is_said_and_its_neighbours_are_decided() -> None:
    got = ran("decide", "-", stdin=json.dumps(record()) + "\n{broken\n" + json.dumps(record(eventID="next")))
    assert got.exit_code == 1
    assert len(got.stdout.splitlines()) == 2
    assert "standard input" in got.stderr


def test_decide_reads_folders_in_path_order(house: Path) -> None:
    (house / "events").mkdir()
    for name in ("b", "a"):
        (house / "events" / f"{name}.json").write_text(json.dumps(record(eventID=name)), encoding="utf-8")
    assert [json.loads(line)["event_id"] for line in ran("decide", "events").stdout.splitlines()] == ["a", "b"]


@pytest.mark.usefixtures("house")
def test_select_all_overrides_the_selection() -> None:
    other = json.dumps(record(eventSource="ec2.amazonaws.com"))
    assert ran("decide", "-", stdin=other).stdout == ""
    assert len(ran("decide", "-", "--select", "all", stdin=other).stdout.splitlines()) == 1


@pytest.mark.usefixtures("house")
def test_a_time_without_a_zone_is_wrong_usage() -> None:
    got = ran("decide", "event.json", "--now", "2026-11-01T00:00:00")
    assert got.exit_code == 2
    assert "2026-11-01T00:00:00Z" in got.stderr


@pytest.mark.usefixtures("house")
def test_an_input_that_is_not_there_is_wrong_usage() -> None:
    assert ran("decide", "nowhere.json").exit_code == 2


def test_several_processes_decide_as_one_does(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FEW", 0)
    monkeypatch.setattr(reading, "LARGE", 10_000)
    records = [record(eventID=f"e{number}", readOnly=number % 3, eventName=f"Get{number % 5}Object") for number in range(900)]
    (house / "log.json").write_text(json.dumps({"Records": records}), encoding="utf-8")
    (house / "lines.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n{oops\n", encoding="utf-8")
    one, several = (ran("decide", "log.json", "lines.jsonl", "event.json", "--jobs", jobs) for jobs in "13")
    assert (several.stdout, several.stderr, several.exit_code) == (one.stdout, one.stderr, 1)
    assert [json.loads(line)["event_id"] for line in one.stdout.splitlines()][:901] == [*(f"e{n}" for n in range(900)), "e0"]


@pytest.mark.usefixtures("house")
def test_a_fault_in_another_process_exits_3_without_event_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("203.0.113.7")

    monkeypatch.setattr(reading, "FEW", 0)
    monkeypatch.setattr(IndexedDecider, "evaluate", broken)
    monkeypatch.setattr(sys, "argv", ["trailbell", "decide", "event.json", "--jobs", "2"])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr().err
    assert stopped.value.code == 3
    assert "RuntimeError in" in said
    assert "203.0.113.7" not in said


# --- run -------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("house")
def test_run_shows_the_message_and_a_summary_and_posts_nothing() -> None:
    got = ran("run", "event.json")
    assert got.exit_code == 0
    assert "#payments-alerts" in got.stdout
    assert "203.0.113.0/24" in got.stdout
    assert "203.0.113.7" not in got.stdout
    assert "received" in got.stdout
    assert "--post" in got.stdout


def test_run_writes_the_audit_records_where_it_is_told(house: Path) -> None:
    ran("run", "event.json", "--audit", "audit.jsonl")
    schema = json.loads((ROOT / "schemas/v1/audit.schema.json").read_text(encoding="utf-8"))
    records = [json.loads(line) for line in (house / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    for one in records:
        Draft202012Validator(schema).validate(one)
    assert [one["type"] for one in records] == ["decision"]


@pytest.mark.usefixtures("house")
def test_run_post_without_a_webhook_fails_and_names_the_variable() -> None:
    got = ran("run", "event.json", "--post", "--audit", "-")
    assert got.exit_code == 1
    assert "failed" in got.stdout


@pytest.mark.usefixtures("house")
def test_run_says_why_something_was_passed_over() -> None:
    own = {"detail-type": "Object Created", "source": "aws.s3", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}}
    got = ran("run", "-", stdin=f"{json.dumps(own)}\n{json.dumps(record(eventSource='kms.amazonaws.com'))}\n")
    assert "an event of S3's own, not CloudTrail's record of a call        1" in got.stdout
    assert "not an S3 data event" in got.stdout


@pytest.mark.usefixtures("house")
def test_run_takes_many_records_in_batches_and_sums_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["engine.cli.run"], "BATCH_SIZE", 4)
    lines = "\n".join(json.dumps(record(eventID=f"e{number // 2}")) for number in range(10)) + "\n{oops\n"
    got = ran("run", "-", stdin=lines)
    counts = dict(line.split() for line in got.stdout.splitlines() if len(line.split()) == 2)
    assert (counts["received"], counts["duplicate"], counts["unreadable"]) == ("11", "5", "1")
    assert got.exit_code == 1


# --- explain ---------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("house")
def test_explain_as_json_has_facts_trace_decision_and_messages() -> None:
    got = ran("explain", "event.json", "--format", "json")
    told = json.loads(got.stdout)
    assert set(told) == {"facts", "trace", "decision", "messages", "alike"}
    assert [(line["id"], line["answer"]) for line in told["trace"]] == [("nightly", "not held"), ("reads", "held")]
    assert set(told["messages"]) == {"payments-alerts"}
    assert told["facts"]["source"] == {"ip": "203.0.113.0/24", "kind": "ipv4", "private": False}
    assert told["facts"]["actor"]["session"] is None


@pytest.mark.usefixtures("house")
def test_explain_shows_nothing_that_the_level_hides() -> None:
    for form in ("text", "json"):
        got = ran("explain", "event.json", "--format", form)
        assert got.exit_code == 0
        assert "203.0.113.7" not in got.stdout
        assert "ASIAIOSFODNN7EXAMPLE" not in got.stdout
        assert "111122223333" not in got.stdout


@pytest.mark.usefixtures("house")
def test_reveal_is_refused_away_from_a_terminal() -> None:
    got = ran("explain", "event.json", "--reveal")
    assert got.exit_code == 2
    assert "203.0.113.7" not in got.output


@pytest.mark.usefixtures("house")
def test_explain_asks_which_event_of_several() -> None:
    lines = "\n".join(json.dumps(record(eventID=f"e{number}")) for number in range(3))
    assert ran("explain", "-", stdin=lines).exit_code == 2
    assert '"e1"' in ran("explain", "-", "--number", "2", "--format", "json", stdin=lines).stdout
    assert ran("explain", "-", "--number", "4", stdin=lines).exit_code == 2


# --- lint ------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("house")
def test_lint_of_a_sound_set_exits_0() -> None:
    assert ran("lint").exit_code == 0


def test_lint_says_where_what_and_what_instead(house: Path) -> None:
    path = house / "policies" / "payments.yaml"
    path.write_text(
        POLICIES.replace("notify: [payments-alerts]\n    title", "notify: [payments-alert]\n    title"), encoding="utf-8"
    )
    got = ran("lint", "policies")
    assert got.exit_code == 1
    assert "policies/payments.yaml:19:14" in got.stdout
    assert "payments-alerts" in got.stdout


def test_a_broken_set_ends_every_command_with_its_findings(house: Path) -> None:
    (house / "policies" / "payments.yaml").write_text("version: 1\nname: [", encoding="utf-8")
    for command in (("decide", "event.json"), ("run", "event.json"), ("explain", "event.json")):
        got = ran(*command)
        assert got.exit_code == 1
        assert "policies/payments.yaml:" in got.stderr


# --- test ------------------------------------------------------------------------------------------------------------------


def test_a_case_that_holds_passes_and_one_that_does_not_shows_both_sides(house: Path) -> None:
    (house / "cases.yaml").write_text(CASES.format(event="event.json", level="standard"), encoding="utf-8")
    assert ran("test", "cases.yaml").exit_code == 0
    (house / "cases.yaml").write_text(CASES.format(event="event.json", level="open"), encoding="utf-8")
    got = ran("test", "cases.yaml")
    assert got.exit_code == 1
    assert '{"payments-alerts": "open"}' in got.stdout
    assert '{"payments-alerts": "standard"}' in got.stdout


def test_zero_tests_is_a_failure(house: Path) -> None:
    (house / "empty").mkdir()
    assert ran("test", "empty").exit_code == 1


def test_coverage_says_what_was_never_seen(house: Path) -> None:
    (house / "cases.yaml").write_text(CASES.format(event="event.json", level="standard"), encoding="utf-8")
    got = ran("test", "cases.yaml", "--full-coverage")
    assert got.exit_code == 1
    assert "never seen to hold: route payments/nightly" in got.stdout


# --- the rest --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str) -> None:
    got = ran("completion", shell)
    assert got.exit_code == 0
    assert "_TRAILBELL_COMPLETE" in got.stdout


@pytest.mark.parametrize("command", ["run", "decide", "explain", "fields", "lint", "test", "build", "completion"])
def test_every_command_says_what_it_does(command: str) -> None:
    got = ran(command, "--help")
    assert got.exit_code == 0
    assert len(got.stdout.splitlines()) > 4


def test_python_m_engine_is_trailbell(house: Path) -> None:
    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-m", "engine", "decide", str(house / "event.json")],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        cwd=house,
    )
    assert json.loads(done.stdout)["class"] == "unknown"


def test_a_fault_of_our_own_exits_3_without_event_text(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("203.0.113.7")

    monkeypatch.setattr(IndexedDecider, "evaluate", broken)
    monkeypatch.setattr(sys, "argv", ["trailbell", "decide", str(house / "event.json")])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr().err
    assert stopped.value.code == 3
    assert "RuntimeError" in said
    assert "203.0.113.7" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
def test_a_full_disk_is_named_and_no_fault_of_ours(house: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "engine", "decide", str(house / "event.json"), "--policies", str(house / "policies")]
        done = subprocess.run(  # noqa: S603  our own interpreter
            command, check=False, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert (done.returncode, done.stderr) == (1, "trailbell: No space left on device\n")


def test_no_summary_of_a_command_is_cut() -> None:
    told = CliRunner().invoke(trailbell, ["--help"], terminal_width=80).output.partition("Commands:")[2]
    assert len(told.split()) > 30
    assert all(line.endswith(".") and not line.endswith("...") for line in told.strip().splitlines())


@pytest.mark.parametrize(
    ("wrong", "meant"), [("decid", "'decide'"), ("send_test", "'send-test'"), ("preview.x", None), ("", None)]
)
def test_a_command_that_is_not_there_is_refused_with_what_may_be_meant(wrong: str, meant: str | None) -> None:
    done = CliRunner().invoke(trailbell, [wrong])
    assert done.exit_code == 2
    assert f"No such command '{wrong}'." in done.output
    assert ("Did you mean" in done.output) == (meant is not None)
    assert meant is None or meant in done.output


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_imports_no_other(name: str) -> None:
    asked = f"from engine.cli import trailbell; trailbell.get_command(None, {name!r}); import sys; print(*sys.modules)"
    command = [sys.executable, "-c", asked]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603  our own
    loaded = {one.removeprefix("engine.cli.").replace("_", "-") for one in done.stdout.split() if one.startswith("engine.cli.")}
    assert loaded & set(COMMANDS) == {name}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_shows_the_marks_that_form_it(name: str) -> None:
    assert "\\b" not in CliRunner().invoke(trailbell, [name, "--help"]).output


def test_each_line_that_completes_a_shell_stands_alone() -> None:
    lines = CliRunner().invoke(trailbell, ["completion", "--help"]).output.splitlines()
    assert sum(line.strip().startswith(("bash:", "zsh:", "fish:")) for line in lines) == 3


WITHOUT_BOTO3 = """
import sys
sys.modules |= {"boto3": None, "botocore": None}
from engine.cli import main
main()
"""


@pytest.mark.parametrize(
    "words", [["doctor"], ["publish", "--to", "s3://bucket/key", "--key", "key"], ["send-test", "--channel", "s3-watch"]]
)
def test_a_command_that_needs_boto3_names_the_extra_that_brings_it(words: list[str], tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "policies")
    channels = tmp_path / "policies/channels.yaml"
    in_secret = "webhook: {secret: trailbell/slack, key: s3-watch}"
    channels.write_text(channels.read_text("utf-8").replace("webhook: {env: SLACK_WEBHOOK_URL}", in_secret), "utf-8")
    command = [sys.executable, "-c", WITHOUT_BOTO3, *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)  # noqa: S603  our own
    assert (done.returncode, done.stdout) == (1, "")
    needed = NEEDS.format("boto3", "aws")
    assert done.stderr == f"Error: {needed}\n"
    assert "trailbell[aws]" in needed
    assert "trailbell[aws]" in CliRunner().invoke(trailbell, ["doctor", "--help"]).output


BROKEN = """
import sys
from pathlib import Path
from engine.cli import main, run
def broken(*_, **__):
    Path({missing!r}).read_text()
run.open_policies = broken
main()
"""


@pytest.mark.parametrize("ours", [True, False])
def test_an_internal_error_names_trailbells_own_line_and_what_it_lacks_of_its_own(tmp_path: Path, *, ours: bool) -> None:
    missing = ROOT / "engine/absent.yaml" if ours else tmp_path / "AKIAIOSFODNN7EXAMPLE.json"
    command = [sys.executable, "-c", BROKEN.format(missing=str(missing)), "run", str(ROOT / "tests/events/ecs-task.json")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)  # noqa: S603  our own
    assert done.returncode == 3
    what = f"FileNotFoundError ({missing} is missing)" if ours else "FileNotFoundError"
    assert re.fullmatch(rf"trailbell: internal error: {re.escape(what)} in {ROOT}/engine/cli/\w+\.py:\d+\n", done.stderr)


def test_a_file_of_trailbells_own_that_is_missing_is_named(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "engine", tmp_path / "engine")
    command = [sys.executable, "-c", "from engine.cli import main; main()", "lint", str(SHIPPED)]
    done = subprocess.run(  # noqa: S603  our own
        command, check=False, capture_output=True, text=True, cwd=tmp_path, env={"PATH": "", "PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode == 3
    assert f"lacks schemas/v1/policy.schema.json (expected at {tmp_path}/schemas/v1/policy.schema.json)" in done.stderr
