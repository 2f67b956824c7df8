"""`trailbell init`: what it writes works at once, and nothing that is there is lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from actionlint import linted, needs_actionlint
from click.testing import CliRunner, Result

from engine.cli import trailbell
from engine.policy.load import load

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "engine/init"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = f"https://github.com/example/trailbell@{COMMIT}"

BASE = ROOT / "engine/base"


def run(*words: str | Path) -> Result:
    """A command in the folder that is the current one."""
    return CliRunner().invoke(trailbell, [str(word) for word in words])


def files(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository as init writes it, which is the current folder."""
    assert run("init", tmp_path / "shop", "--source", SOURCE).exit_code == 0
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


# --- it works at once ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shop")
def test_lint_finds_nothing_in_it_not_even_a_note() -> None:
    done = run("lint", "--fail-level", "note")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no findings" in done.stderr


@pytest.mark.usefixtures("shop")
def test_its_policy_tests_pass_and_cover_every_rule() -> None:
    done = run("test", "--full-coverage")
    assert done.exit_code == 0, done.output
    assert "6 of 6 passed" in done.output


def test_each_of_its_events_can_be_explained(shop: Path) -> None:
    events = sorted((shop / "tests/events").glob("*.json"))
    assert len(events) == 3
    for path in events:
        assert "Rules that held" in run("explain", path.relative_to(shop)).output


def test_it_extends_the_base_that_comes_with_trailbell(shop: Path) -> None:
    assert "extends: {base: trailbell/base, revision: sha256:" in (shop / "policies/channels.yaml").read_text("utf-8")
    assert CliRunner().invoke(trailbell, ["upgrade", str(shop / "policies")]).exit_code == 0
    policies = load(shop / "policies")
    assert {"credential-misuse", "human", "ecs-robot"} <= {actor.name for actor in policies.actors}


@pytest.mark.usefixtures("shop")
def test_every_command_of_its_readme_is_there() -> None:
    text = Path("README.md").read_text("utf-8")
    (block,) = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    named = [line.partition("#")[0].split() for line in block.splitlines()]
    assert [words[1] for words in named] == ["lint", "test", "explain", "build"]
    assert all(run(*words[1:]).exit_code == 0 for words in named if words[1] != "build")
    assert all(Path(name).exists() for name in re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))


def test_what_is_printed_names_each_file_and_what_to_do_next(tmp_path: Path) -> None:
    done = run("init", tmp_path / "shop", "--source", SOURCE)
    wrote = set(re.findall(rf"^wrote {re.escape(str(tmp_path / 'shop'))}/(.*)$", done.stdout, re.MULTILINE))
    assert {name for name in files(tmp_path / "shop") if not name.startswith(".trailbell/")} | {".trailbell/"} == wrote
    assert f"  cd {tmp_path / 'shop'}\n  trailbell lint\n" in done.stdout
    assert done.stderr == ""


# --- nothing is lost ----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_kept_and_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("ours\n", "utf-8")
    done = run("init", tmp_path)
    assert done.exit_code == 0
    assert (tmp_path / "README.md").read_text("utf-8") == "ours\n"
    assert f"kept {tmp_path / 'README.md'}, which was there; for the new one, move yours away" in done.stderr
    assert (tmp_path / "policies/payments.yaml").is_file()


def test_a_second_run_changes_nothing(shop: Path) -> None:
    before = files(shop)
    assert run("init").exit_code == 0
    assert files(shop) == before


def test_an_example_is_not_put_beside_policies_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/ours.yaml").write_text("version: 1\n", "utf-8")
    done = run("init", tmp_path)
    assert "holds policies, so the example" in done.stderr
    assert [path.name for path in (tmp_path / "policies").iterdir()] == ["ours.yaml"]
    assert not (tmp_path / "tests").exists()
    assert (tmp_path / "trailbell.toml").is_file()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "policies").write_text("a file\n", "utf-8")
    done = run("init", tmp_path)
    assert (done.exit_code, done.stderr) == (1, f"Error: {tmp_path / 'policies'}: File exists\n")


# --- after an upgrade ---------------------------------------------------------------------------------------------------------


def test_lint_says_where_a_schema_is_of_another_version_and_init_renews_it(shop: Path) -> None:
    schema = shop / ".trailbell/policy.schema.json"
    schema.write_text("{}\n", "utf-8")
    assert ".trailbell/policy.schema.json: not the schema of this Trailbell" in run("lint").stderr
    edited = shop / "policies/payments.yaml"
    edited.unlink()
    assert run("init", "--schemas").exit_code == 0
    assert schema.read_bytes() == (ROOT / "schemas/v1/policy.schema.json").read_bytes()
    assert "not the schema" not in run("lint").stderr
    assert not edited.exists()


def test_the_templates_of_a_deployment_are_written_when_asked_for(shop: Path) -> None:
    before = files(shop)
    assert run("init", "--deploy").exit_code == 0
    assert {name: text for name, text in files(shop).items() if name not in before} == {
        f"deploy/{name}": text for name, text in files(ROOT / "deploy").items()
    }
    assert run("init", "--deploy", "--schemas").exit_code == 2


def test_the_base_is_written_to_be_read_or_to_be_extended_in_place_of_it(shop: Path) -> None:
    before = load(shop / "policies")
    assert run("init", "--base").exit_code == 0
    written, shipped = ({name: text.partition(b"\n") for name, text in files(folder).items()} for folder in (shop / "base", BASE))
    assert {name: text[2] for name, text in written.items()} == {name: text[2] for name, text in shipped.items()}
    assert {text[0] for text in written.values()} == {b"# yaml-language-server: $schema=../.trailbell/policy.schema.json"}
    channels = shop / "policies/channels.yaml"
    channels.write_text(re.sub(r"extends: .*", "extends: base", channels.read_text("utf-8")), "utf-8")
    assert run("lint", "--fail-level", "warning").exit_code == 0
    extended = load(shop / "policies")
    assert [policy.path for policy in extended.policies[2:]] == [f"base/{name}" for name in sorted(written)]
    assert repr(extended.actors) == repr(before.actors)


# --- where Trailbell comes from -----------------------------------------------------------------------------------------------


def test_pre_commit_and_the_workflows_name_the_source(shop: Path) -> None:
    (repository,) = yaml.safe_load((shop / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert (repository["repo"], repository["rev"]) == ("https://github.com/example/trailbell", COMMIT)
    for path in (shop / ".github/workflows").glob("*.yml"):
        assert f"uses: example/trailbell@{COMMIT}\n" in path.read_text("utf-8")
    assert not [name for name, text in files(shop).items() if b"OF_TRAILBELL" in text]


def test_a_source_that_is_not_on_github_is_for_pre_commit_alone(tmp_path: Path) -> None:
    done = run("init", tmp_path, "--source", "https://git.example.com/trailbell@v1")
    assert "fetch Trailbell from GitHub, and https://git.example.com/trailbell is not there" in done.stdout
    assert "repo: https://git.example.com/trailbell\n    rev: v1\n" in (tmp_path / ".pre-commit-config.yaml").read_text("utf-8")
    assert "OWNER_OF_TRAILBELL/trailbell@" in (tmp_path / ".github/workflows/policies.yml").read_text("utf-8")


@pytest.mark.parametrize("text", ["https://github.com/example/trailbell", "x@", "@y", "https://x/a b@c", 'https://x/"@c'])
def test_a_source_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    done = run("init", tmp_path / "new", "--source", text)
    assert done.exit_code == 2
    assert "--source is a repository and a commit" in done.stderr
    assert not (tmp_path / "new").exists()


# --- the templates ------------------------------------------------------------------------------------------------------------


@needs_actionlint
def test_actionlint_finds_nothing_in_its_workflows(shop: Path) -> None:
    assert linted(*sorted((shop / ".github/workflows").glob("*.yml"))) == []


def test_zizmor_finds_nothing_in_its_workflows(shop: Path) -> None:
    tool = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("zizmor is not installed: make dev installs it")
    command = [tool, "--offline", "--no-progress", "--format=json", shop]
    done = subprocess.run(command, capture_output=True, check=False, env={"PATH": "/usr/bin:/bin"})  # noqa: S603  our own
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_its_deployment_is_the_one_of_this_repository() -> None:
    own, theirs = (
        yaml.safe_load((folder / ".github/workflows/deploy.yml").read_text("utf-8"))["jobs"] for folder in (ROOT, TEMPLATES)
    )
    assert theirs["deploy"] == own["deploy"]
    named = {step.get("name"): step for step in own["build"]["steps"]}
    assert [step for step in theirs["build"]["steps"] if step.get("name")] == [named["Build"]]


def test_a_workflow_gives_the_action_inputs_that_it_has() -> None:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
    for path in [*(ROOT / ".github/workflows").glob("*.yml"), *(TEMPLATES / ".github/workflows").glob("*.yml")]:
        jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
        for step in (step for job in jobs for step in job["steps"]):
            if step.get("uses", "").startswith(("./", "OWNER_OF_TRAILBELL/")):
                assert step.get("with", {}).keys() <= inputs.keys()


def test_its_gitignore_leaves_out_what_the_commands_make(shop: Path) -> None:
    git = shutil.which("git")
    assert git is not None
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}
    made = ["dist/trailbell.zip", ".venv/bin/trailbell"]
    for words in (["init", "--quiet"], ["check-ignore", *made]):
        done = subprocess.run([git, *words], cwd=shop, check=True, capture_output=True, text=True, env=environment)  # noqa: S603
    assert done.stdout.split() == made
