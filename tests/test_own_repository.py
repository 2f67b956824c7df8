"""A team's own repository: what a stranger does with the package, what pre-commit and the action do with the repository."""

from __future__ import annotations

import json
import platform
import re
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from commands import SEARCHED, clone_of_checkout, commit_all, output, run
from runtime_api import Lambda
from stub_slack import StubSlack

from engine.cli import trailbell

ROOT = Path(__file__).parent.parent
TOOLS = Path(sys.executable).parent
RUNTIME = f"{sys.version_info[0]}.{sys.version_info[1]}"
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
PATIENCE = 120
"""Seconds that a stranger's way from an empty folder to a message in Slack may take, the installation aside."""

pytestmark = pytest.mark.long


def edit(path: Path, old: str, new: str) -> int:
    """One edit of a file; its line."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.skipif(MACHINE is None or sys.platform != "linux", reason="the zip holds Linux wheels of Lambda's two architectures")
def test_a_stranger_gets_from_an_empty_folder_to_a_message_in_slack(installed: Path, tmp_path: Path) -> None:
    started, command, shop = time.monotonic(), installed / "trailbell", tmp_path / "shop"
    assert "trailbell lint" in output([command, "init", "shop"], tmp_path)
    edit(shop / "policies/channels.yaml", "{secret: trailbell/slack, key: payments-alerts}", "{env: SLACK_WEBHOOK_PAYMENTS}")
    output([command, "lint", "--fail-level", "note"], shop)
    assert "6 of 6 passed" in output([command, "test", "--full-coverage"], shop)
    assert "payments-alerts" in output([command, "explain", "tests/events/person-reads-payments.json"], shop)
    output([command, "build", "--runtime", RUNTIME, "--architecture", str(MACHINE)], shop)
    with zipfile.ZipFile(shop / "dist/trailbell.zip") as archive:
        archive.extractall(tmp_path / "task")
    record = json.loads((shop / "tests/events/person-reads-payments.json").read_text("utf-8"))
    with StubSlack() as slack:
        environment = {"SLACK_WEBHOOK_PAYMENTS": slack.url("services/T/B/X"), "TRAILBELL_WEBHOOK_HOSTS": slack.host}
        with Lambda(environment, tmp_path / "task") as function:
            invoked = function.invoke({"detail-type": "AWS API Call via CloudTrail", "detail": record})
        assert invoked.error is None
        (message,) = slack.taken
    assert " touched payments-prod" in message["text"]
    assert time.monotonic() - started < PATIENCE


# --- pre-commit ---------------------------------------------------------------------------------------------------------------


def test_pre_commit_passes_in_it_and_fails_on_the_line_of_a_mistake(tmp_path: Path) -> None:
    tool = TOOLS / "pre-commit"
    if not tool.exists():
        pytest.skip("pre-commit is not installed: make dev installs it")
    clone, shop = tmp_path / "trailbell", tmp_path / "shop"
    commit = clone_of_checkout(clone)
    assert CliRunner().invoke(trailbell, ["init", str(shop), "--source", f"{clone}@{commit}"]).exit_code == 0
    commit_all(shop)
    hooks = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "PATH": f"{TOOLS}:{SEARCHED}"}
    printed = output([tool, "run", "--all-files"], shop, **hooks)
    assert re.findall(r"^(trailbell \w+)\.+(\w+)$", printed, re.MULTILINE) == [
        ("trailbell lint", "Passed"),
        ("trailbell test", "Passed"),
    ]
    line = edit(shop / "policies/payments.yaml", "when: actor.kind == 'person'", "when: actor.kind == 'peson'")
    failed = run([tool, "run", "--all-files"], shop, **hooks)
    assert failed.returncode == 1
    assert re.search(rf"^policies/payments\.yaml:{line}:\d+: error\[TB301\]", failed.stdout, re.MULTILINE), failed.stdout
    edit(shop / "policies/payments.yaml", "when: actor.kind == 'peson'", "when: actor.kind == 'person'")
    with (shop / "policies/payments.yaml").open("a", encoding="utf-8") as file:
        file.write("\nguarantees:\n  - {id: quiet, when: actor.kind == 'person', never: rings}\n")
    assert "an event breaks the guarantee quiet" in run([tool, "run", "--all-files"], shop, **hooks).stdout
    edit(shop / "policies/payments.yaml", "never: rings}", "always: rings}")

    # Other folders and a severity, by args alone.
    (shop / "policies").rename(shop / "set")
    (shop / "tests/policies").rename(shop / "tests/cases")
    configuration = shop / ".pre-commit-config.yaml"
    edit(
        configuration,
        "- id: trailbell-lint",
        "- id: trailbell-lint\n        args: [set, --tests, tests/cases, --fail-level, note]",
    )
    edit(configuration, "- id: trailbell-test", "- id: trailbell-test\n        args: [tests/cases, --policies, set]")
    configuration.write_text(configuration.read_text("utf-8").replace("args:", "files: ^(set|tests)/\n        args:"), "utf-8")
    edit(shop / "trailbell.toml", 'tests = "tests/policies" ', 'tests = "tests/cases" ')
    commit_all(shop)
    assert output([tool, "run", "--all-files"], shop, **hooks).count("Passed") == 2


def test_an_installation_from_a_git_repository_knows_where_it_comes_from(tmp_path: Path) -> None:
    uv, clone, home = TOOLS / "uv", tmp_path / "trailbell", tmp_path / "home"
    if not uv.exists():
        pytest.skip("uv is not installed: make dev installs it")
    commit = clone_of_checkout(clone)
    output([uv, "venv", "--python", sys.executable, home], tmp_path)
    output([uv, "pip", "install", "--python", home / "bin/python", f"git+file://{clone}"], tmp_path)
    printed = output([home / "bin/trailbell", "init", "shop"], tmp_path)
    (repository,) = yaml.safe_load((tmp_path / "shop/.pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert (repository["repo"], repository["rev"]) == (f"file://{clone}", commit)
    assert f"GitHub, and file://{clone} is not there" in printed


# --- the action ---------------------------------------------------------------------------------------------------------------


class Runner:
    """As much of GitHub's runner as the steps of our composite action notice."""

    def __init__(self, checkout: Path, temporary: Path) -> None:
        self._action = yaml.safe_load((checkout / "action.yml").read_text("utf-8"))
        self._values = {"github.action_path": str(checkout), "runner.temp": str(temporary)}
        self._file = temporary / "output"
        self._outputs: dict[str, dict[str, str]] = {}

    def run(self, repository: Path, **inputs: str) -> tuple[str, bool]:
        """Run the steps in a repository: what was printed, and whether all of them succeeded."""
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= self._action["inputs"].keys()
        defaults = {name: str(declared["default"]) for name, declared in self._action["inputs"].items()}
        values = self._values | {f"inputs.{name}": value for name, value in (defaults | given).items()}
        values |= {f"steps.{step}.outputs.{name}": text for step, texts in self._outputs.items() for name, text in texts.items()}
        printed = ""
        for step in self._action["runs"]["steps"]:
            if "run" not in step or not self._holds(step.get("if"), values):
                continue
            if "id" in step and step["id"] in self._outputs:
                continue  # in the job's second use of the action it would do the same again
            assert step["shell"] == "bash"
            self._file.write_text("", "utf-8")
            environment = {name: self._evaluated(text, values) for name, text in step["env"].items()}
            done = run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                repository,
                **environment,
                PATH=f"{TOOLS}:{SEARCHED}",
                GITHUB_ACTIONS="true",
                GITHUB_OUTPUT=str(self._file),
            )
            printed += done.stdout + done.stderr
            if done.returncode:
                return printed, False
            if "id" in step:
                self._outputs[step["id"]] = dict(line.split("=", 1) for line in self._file.read_text("utf-8").splitlines())
                values |= {f"steps.{step['id']}.outputs.{name}": text for name, text in self._outputs[step["id"]].items()}
        self.command = self._evaluated(self._action["outputs"]["command"]["value"], values)
        return printed, True

    def _evaluated(self, text: str, values: dict[str, str]) -> str:
        """A text with its expressions evaluated: a name, or `NAME == 'text' && 'text' || 'text'`."""

        def value(found: re.Match[str]) -> str:
            chosen = re.fullmatch(r"(\S+) == '(.*)' && '(.*)' \|\| '(.*)'", found[1])
            if chosen is None:
                return values[found[1]]
            return chosen[3] if values[chosen[1]] == chosen[2] and chosen[3] else chosen[4]

        return re.sub(r"\$\{\{ (.+?) \}\}", value, text)

    def _holds(self, condition: str | None, values: dict[str, str]) -> bool:
        if condition is None:
            return True
        name, _, text = condition.partition(" != ")
        return values[name] != text.strip("'")


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner that has checked the action out, and no other user of it."""
    folder = tmp_path_factory.mktemp("runner")
    (folder / "temp").mkdir()
    clone_of_checkout(folder / "action")
    return Runner(folder / "action", folder / "temp")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository as init writes it."""
    assert CliRunner().invoke(trailbell, ["init", str(tmp_path / "shop")]).exit_code == 0
    return tmp_path / "shop"


def files(folder: Path) -> dict[str, Any]:
    """Every file under a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_action_passes_in_it_and_leaves_nothing_there(runner: Runner, shop: Path) -> None:
    before = files(shop)
    printed, succeeded = runner.run(shop, coverage="true")
    assert succeeded, printed
    assert "6 of 6 passed" in printed
    assert files(shop) == before
    assert output([runner.command, "--version"], shop).startswith("trailbell, version")


def test_the_action_marks_the_line_of_a_mistake(runner: Runner, shop: Path) -> None:
    line = edit(shop / "policies/payments.yaml", "notify: [payments-alerts]\n    title", "notify: [payment-alerts]\n    title")
    printed, succeeded = runner.run(shop)
    assert not succeeded
    assert re.search(rf"^::error file=policies/payments\.yaml,line={line},", printed, re.MULTILINE), printed


def test_the_action_demands_coverage_only_where_it_is_asked_to(runner: Runner, shop: Path) -> None:
    cases = shop / "tests/policies/payments.yaml"
    text = cases.read_text("utf-8")
    cases.write_text(text[: text.index("  - name: the nightly job reads")], "utf-8")
    assert runner.run(shop)[1]
    printed, succeeded = runner.run(shop, coverage="true")
    assert not succeeded
    assert "never seen to hold: route payments/nightly-job" in printed


def test_the_action_fails_on_the_severity_that_is_asked_for_and_takes_other_folders(runner: Runner, shop: Path) -> None:
    (shop / "policies").rename(shop / "set")
    channel = "  - name: unused\n    webhook: {env: SLACK_WEBHOOK_UNUSED}\n"
    edit(shop / "set/channels.yaml", "channels:\n", f"channels:\n{channel}")
    printed, succeeded = runner.run(shop, policies="set", tests="")
    assert succeeded
    assert "::warning file=set/channels.yaml," in printed
    assert not runner.run(shop, policies="set", tests="", fail_level="warning")[1]
