"""Commands of other programs, run as on a machine of a person who has nothing of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent
SEARCHED = "/usr/bin:/bin"


def run(command: Sequence[str | Path], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a folder, with nothing of the environment but how packages are found."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_")) or name == "HOME"}
    variables = {**kept, "PATH": SEARCHED, "GIT_CONFIG_GLOBAL": os.devnull, **environment}
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)  # noqa: S603  no shell


def output(command: Sequence[str | Path], cwd: Path, **environment: str) -> str:
    """What a command prints; it has to succeed."""
    done = run(command, cwd, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commit_all(folder: Path) -> str:
    """Make a folder a git repository, if it is none, and commit everything in it; the commit."""
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com")
    output([*git, "init", "--quiet"], folder)
    output([*git, "add", "--all"], folder)
    output([*git, "commit", "--quiet", "--message", "all"], folder)
    return output([*git, "rev-parse", "HEAD"], folder).strip()


def clone_of_checkout(folder: Path) -> str:
    """Copy the files of this checkout into a repository of their own, as they are, committed or not; the commit."""
    for name in output(["git", "ls-files", "--cached", "--others", "--exclude-standard"], ROOT).splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return commit_all(folder)
