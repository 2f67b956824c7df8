"""The package: a wheel that holds all that its commands need, installed away from the checkout."""

from __future__ import annotations

import platform
import re
import shutil
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from builders import SHIPPED, SHIPPED_TESTS
from commands import output, run
from stub_slack import StubSlack

from engine import __version__
from engine.cli import COMMANDS

ROOT = Path(__file__).parent.parent
TOOLS = Path(sys.executable).parent
RUNTIME = f"{sys.version_info[0]}.{sys.version_info[1]}"
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "arm64")
BUILD = ("build", "--runtime", RUNTIME, "--architecture", MACHINE)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with policies, policy tests and events, and nothing else."""
    folder = tmp_path_factory.mktemp("repository")
    for source, name in ((SHIPPED, "policies"), (SHIPPED_TESTS, "tests/policies/base"), (ROOT / "tests/events", "tests/events")):
        shutil.copytree(source, folder / name)
    return folder


# --- what is in it ------------------------------------------------------------------------------------------------------------


def test_the_wheel_holds_the_files_of_the_checkout_and_no_others(wheel: Path) -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: the list of its files is not known")
    tracked = output([git, "ls-files", "--cached", "--others", "--exclude-standard"], ROOT).splitlines()
    shipped = (
        "schemas/",
        "deploy/",
        "tests/events/",
        "lambda_entry.py",
        "spark_entry.py",
        "requirements/lambda.txt",
        "requirements/cluster.txt",
    )
    report = ("report.css", "report.js", "charts.js", "LICENSE", "NOTICE")
    expected = {name for name in tracked if name.startswith("engine/")}
    expected |= {f"engine/assets/{name}" for name in tracked if name.startswith(shipped)}
    expected |= {f"engine/assets/report/{name}" for name in report}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith(f"trailbell-{__version__}.dist-info/")}
    assert held == expected


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    hatchling: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "--directory", tmp_path]
    output([*hatchling, "--target", "sdist"], ROOT)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    output([*hatchling, "--target", "wheel"], tmp_path / sdist.name.removesuffix(".tar.gz"))
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_version_stands_in_one_place(wheel: Path, installed: Path, tmp_path: Path) -> None:
    assert wheel.name == f"trailbell-{__version__}-py3-none-any.whl"
    assert output([installed / "trailbell", "--version"], tmp_path) == f"trailbell, version {__version__}\n"


# --- what it does -------------------------------------------------------------------------------------------------------------

EVENT = "tests/events/human-role-cli.json"
LAUNCHED: dict[str, tuple[tuple[str, ...], str]] = {
    "init": (("init", "new"), r"wrote new/policies/payments\.yaml"),
    "run": (("run", EVENT), r"s3-watch"),
    "decide": (("decide", "tests/events"), r'"class": ?"human"'),
    "explain": (("explain", EVENT), r"Rules that held"),
    "diff": (("diff", "policies", "policies", "tests/events"), r"none of [\d,]+ events changes"),
    "replay": (("replay", "tests/events"), r"what became of them"),
    "why-not": (("why-not", "command-line/role-in-a-command-line", EVENT), r"role-in-a-command-line"),
    "routes": (("routes",), r"channels/default"),
    "rules": (("rules", "--bucket", "ledger"), r"rule 1 .* ledger"),
    "mint": (("mint", EVENT, "--to", "minted"), r"1 fixture in minted"),
    "fields": (("fields",), r"userIdentity"),
    "lint": (("lint", "--format", "json"), r"\[\]|findings"),
    "test": (("test", "--full-coverage"), r"\d+ of \d+ passed"),
    "upgrade": (("upgrade", "--write"), r"wrote sha256:\w+ into policies/channels\.yaml, and the base into trailbell\.lock"),
    "build": (BUILD, r"dist/trailbell\.zip: [\d.]+ MB"),
    "build-spark": (("build-spark",), r"dist/spark/trailbell\.zip: [\d.]+ MB"),
    "publish": (("publish", "--pack", "set.json"), r"set\.json: policy set sha256:"),
    "send-test": (("send-test", "--channel", "s3-watch"), r"s3-watch: delivered"),
    "completion": (("completion", "bash"), r"_trailbell_completion"),
}
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "doctor": (("doctor",), "aws"),
    "publish": (("publish", "--to", "s3://bucket/key", "--key", "key"), "aws"),
    "prove": (("prove", "--policies", str(ROOT / "examples/tour/policies")), "prove"),
}
"""What needs an extra, in an environment without it."""


def test_every_command_is_tried() -> None:
    assert LAUNCHED.keys() | REFUSED.keys() == set(COMMANDS)


@pytest.mark.parametrize("name", LAUNCHED)
def test_a_command_of_the_installed_package_does_its_work(name: str, installed: Path, repository: Path) -> None:
    words, expected = LAUNCHED[name]
    with StubSlack() as slack:
        url = slack.url("services/T/B/X")
        printed = output([installed / "trailbell", *words], repository, SLACK_WEBHOOK_URL=url, TRAILBELL_WEBHOOK_HOSTS=slack.host)
        assert len(slack.taken) == (name == "send-test")
    assert re.search(expected, printed), printed


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_an_extra_names_it(name: str, installed: Path, repository: Path) -> None:
    words, extra = REFUSED[name]
    done = run([installed / "trailbell", *words], repository)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"trailbell[{extra}]" in done.stderr


def test_a_code_is_explained_without_the_pages_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    assert output([installed / "trailbell", "lint", "--explain", "TB203"], tmp_path).startswith("# TB203: ")


# --- the zip ------------------------------------------------------------------------------------------------------------------


def test_the_zip_is_the_same_from_the_wheel_and_from_the_checkout(installed: Path, repository: Path, tmp_path: Path) -> None:
    output([installed / "trailbell", *BUILD, "--output", tmp_path / "wheel.zip"], repository)
    output([TOOLS / "trailbell", *BUILD, "--output", tmp_path / "checkout.zip"], repository)
    assert (tmp_path / "wheel.zip").read_bytes() == (tmp_path / "checkout.zip").read_bytes()


def without_pip(wheel: Path, home: Path) -> Path:
    """The `bin` folder of an environment as pipx and uvx make it: the wheel, and no pip."""
    uv = TOOLS / "uv"
    if not uv.exists():
        pytest.skip("uv is not installed: make dev installs it")
    venv.create(home, with_pip=False, symlinks=True)
    requirements = ROOT / "requirements/runtime.txt"
    output([uv, "pip", "install", "--python", home / "bin/python", "--require-hashes", "-r", requirements], ROOT)
    output([uv, "pip", "install", "--python", home / "bin/python", "--no-deps", wheel], ROOT)
    return home / "bin"


def test_where_there_is_no_pip_uv_makes_the_same_zip(wheel: Path, installed: Path, repository: Path, tmp_path: Path) -> None:
    alone = without_pip(wheel, tmp_path / "alone")
    output([installed / "trailbell", *BUILD, "--output", tmp_path / "pip.zip"], repository)
    output([alone / "trailbell", *BUILD, "--output", tmp_path / "uv.zip"], repository, PATH=f"{TOOLS}:/usr/bin:/bin")
    assert (tmp_path / "uv.zip").read_bytes() == (tmp_path / "pip.zip").read_bytes()


def test_where_there_is_neither_pip_nor_uv_build_says_so(wheel: Path, repository: Path, tmp_path: Path) -> None:
    alone = without_pip(wheel, tmp_path / "alone")
    done = run([alone / "trailbell", *BUILD, "--output", tmp_path / "x.zip"], repository, PATH=str(tmp_path))
    assert done.returncode == 1
    why = "installing what goes into the archive needs pip or uv, and neither is available; install one of them"
    assert done.stderr == f"Error: {why}\n"
    assert not (tmp_path / "x.zip").exists()


def test_uvx_runs_it_from_the_wheel(wheel: Path, repository: Path) -> None:
    uvx = TOOLS / "uvx"
    if not uvx.exists():
        pytest.skip("uv is not installed: make dev installs it")
    command: list[str | Path] = [uvx, "--python", sys.executable, "--from", wheel, "trailbell"]
    assert "no findings" in run([*command, "lint"], repository).stderr
    assert "dist/uvx.zip" in output([*command, *BUILD, "--output", "dist/uvx.zip"], repository, PATH=f"{TOOLS}:/usr/bin:/bin")
