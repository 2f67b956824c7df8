"""The workflows that watch over policies: what an attacker could use, what would not run, what is not pinned."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from actionlint import linted, needs_actionlint
from builders import SHIPPED
from click.testing import CliRunner

from engine.cli import trailbell
from engine.edge.published import ALGORITHM, METADATA
from engine.policy.load import read_set
from engine.policy.published import unpack

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_zizmor_finds_nothing() -> None:
    tool = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("zizmor is not installed: make dev installs it")
    done = subprocess.run(  # noqa: S603  our own
        [tool, "--offline", "--no-progress", "--format=json", ROOT],
        capture_output=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


@needs_actionlint
def test_actionlint_finds_nothing() -> None:
    assert WORKFLOWS
    assert linted(*WORKFLOWS) == []


@needs_actionlint
def test_actionlint_would_find_something(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on:", "run-on:"), encoding="utf-8")
    assert any("run-on" in line for line in linted(broken))


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.name)
def test_every_action_of_others_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: *(\S+)", path.read_text("utf-8"))
    assert used
    assert [one for one in used if one != "./" and not re.search(r"@[0-9a-f]{40}$", one)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_may_do_anything_by_default(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in workflow["jobs"].values())


def jobs_with_rights() -> list[tuple[str, dict[str, Any]]]:
    """Jobs that may do more than read the code: those that AWS knows, and those that sign and make a release."""
    files = [(path.name, yaml.safe_load(path.read_text("utf-8"))["jobs"]) for path in WORKFLOWS]
    return [(file, job) for file, jobs in files for job in jobs.values() if "write" in job["permissions"].values()]


def test_nothing_is_installed_or_built_where_something_can_be_written() -> None:
    """Neither the project's own code nor a dependency runs there: the command line of AWS or GitHub, and GitHub's actions."""
    assert [file for file, _ in jobs_with_rights()] == ["deploy.yml", "publish.yml", "release.yml", "release.yml"]
    for file, job in jobs_with_rights():
        assert "needs" in job, file
        used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
        assert used[0] == "actions/download-artifact", file
        assert used[1:] == ["actions/attest-build-provenance"] * ("attestations" in job["permissions"]), file
        assert not re.search(
            r"\b(make|pip|python|npm|trailbell build|trailbell publish)\b", " ".join(step.get("run", "") for step in job["steps"])
        )


def test_what_the_workflow_signs_and_stores_is_what_trailbell_looks_for(tmp_path: Path) -> None:
    """As `S3Store.publish` does: these bytes, this algorithm, this name in the metadata."""
    text = (ROOT / ".github/workflows/publish.yml").read_text("utf-8")
    assert f"--signing-algorithm {ALGORITHM} " in text
    assert f'{{\\"{METADATA}\\":' in text
    policies, packed = SHIPPED, tmp_path / "set.json"
    told = CliRunner().invoke(trailbell, ["publish", str(policies), "--pack", str(packed)])
    assert told.exit_code == 0
    sources, _ = unpack(packed.read_bytes())
    assert [one.text for one in sources] == [one.text for one in read_set(policies)]


@pytest.mark.parametrize("given", [[], ["--to", "s3://b/k"], ["--key", "k"], ["--pack", "x", "--key", "k"]])
def test_a_set_is_signed_and_stored_or_packed(given: list[str]) -> None:
    told = CliRunner().invoke(trailbell, ["publish", str(SHIPPED), *given])
    assert (told.exit_code, "--pack alone" in told.output) == (2, True)


def test_every_python_that_the_package_names_is_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if re.search(r":: 3\.\d+$", one)]
    (job,) = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text("utf-8"))["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"
