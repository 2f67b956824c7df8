"""The files of this repository."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def name(path: Path) -> str:
    """A path from the root, as the tests show it."""
    return path.relative_to(ROOT).as_posix()


@cache
def tracked() -> tuple[Path, ...]:
    """Every text file of the repository."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: the list of its files is not known")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout  # noqa: S603
    files = (ROOT / entry for entry in listed.split("\0") if entry)
    return tuple(path for path in files if path.is_file() and b"\0" not in path.read_bytes())
