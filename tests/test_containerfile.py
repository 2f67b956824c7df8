"""The Containerfile: what it copies is there, and its commands give a working `trailbell`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine import __version__

ROOT = Path(__file__).parent.parent
FILE = ROOT / "Containerfile"
TOOLS = Path(sys.executable).parent


def instructions() -> list[tuple[str, str]]:
    """Every instruction with its words, in order; continued lines are joined."""
    text = re.sub(r"^#.*\n", "", FILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(name, words.strip()) for name, _, words in (line.partition(" ") for line in text.splitlines() if line.strip())]


def test_hadolint_finds_nothing() -> None:
    tool = TOOLS / "hadolint"
    if not tool.exists():
        pytest.skip("hadolint is not installed: make dev installs it")
    done = subprocess.run([tool, FILE], capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert (done.returncode, done.stdout) == (0, "")


def test_it_does_not_run_as_root() -> None:
    assert [words for name, words in instructions() if name == "USER"][-1].split(":")[0] not in {"0", "root"}


@pytest.mark.long
def test_its_commands_install_trailbell_from_what_it_copies(tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "trailbell"
    source.mkdir()
    tools = tmp_path / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True)  # noqa: S603  our own interpreter
    for name, words in instructions():
        if name == "COPY" and not words.startswith("--from"):
            *names, target = words.split()
            for path in map(ROOT.__truediv__, names):
                place = source / target
                if path.is_dir():
                    shutil.copytree(path, place)
                else:
                    place.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, place)
        elif name == "RUN":
            command = ["/bin/sh", "-e", "-c", words.replace("/opt/trailbell", str(home))]
            done = subprocess.run(  # noqa: S603  our own file
                command, cwd=source, env={"PATH": f"{tools}/bin:/usr/bin:/bin"}, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    subprocess.run([home / "bin/python", "-c", "import boto3, pysat"], check=True)  # noqa: S603  both extras
    printed = subprocess.run([home / "bin/trailbell", "--version"], capture_output=True, text=True, check=True, cwd=tmp_path)  # noqa: S603
    assert printed.stdout == f"trailbell, version {__version__}\n"
    subprocess.run([home / "bin/python", "-c", "import boto3"], check=True, cwd=tmp_path)  # noqa: S603  the extra is there
