"""`trailbell build`: the zip that Lambda runs, with the policy set in it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from engine.cli.options import commit_of, open_policies, policies_option
from engine.cli.packages import LEFT_OUT, MACHINES, copy_policies, install
from engine.cli.terminal import show
from engine.policy.load import read_set
from engine.policy.prepared import CODE, NAME, prepare
from engine.resources import package_folder, resource
from engine.workbench.bundle import LIMIT, bundle

RUNTIMES: Final = ("3.11", "3.12", "3.13", "3.14")
_NOT_IN_LAMBDA: Final = ("__pycache__", "assets", "bulk", "cli", "prove", "spark", "workbench")
"""Parts of the package `engine` that the Lambda does not need."""


@click.command(short_help="Build the zip for Lambda.")
@policies_option
@click.option("--output", default="dist/trailbell.zip", show_default=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--architecture", type=click.Choice(sorted(MACHINES)), default="arm64", show_default=True)
@click.option(
    "--runtime", type=click.Choice(RUNTIMES), default="3.13", show_default=True, help="The Python version of the Lambda."
)
def build(policies_path: Path, output: Path, architecture: str, runtime: str) -> None:
    """Build the zip for Lambda: the engine, its hash-pinned dependencies, the policy set, byte code.

    The build is reproducible: the same content gives the same bytes. A policy set that does not load is not built.
    """
    if policies_path.is_file():
        raise click.UsageError(f"{policies_path} is one file; name the folder that holds the policy set")
    policies = open_policies(policies_path)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder)
        install(task, architecture, runtime, "requirements/lambda.txt")
        _copy(policies_path, task)
        prepared = prepare(read_set(task / "policies"), task / "policies", commit_of(policies_path))
        (task / NAME).write_text(prepared.content, encoding="utf-8")
        (task / CODE).write_text(prepared.code, encoding="utf-8")
        compiled = _compile(task, runtime)
        content = bundle({path.relative_to(task).as_posix(): path.read_bytes() for path in _files(task, compiled=compiled)})
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    show(f"{output}: {len(content) / 1e6:.1f} MB for python{runtime} on {architecture}, sha256 {digest}")
    show(f"policy set {policies.revision}")
    if not compiled:
        show(f"no byte code in it, so cold starts are slower: python{runtime} is not installed on this machine", err=True)
    if len(content) > LIMIT:
        raise click.ClickException(f"{output} is over {LIMIT / 1e6:.0f} MB, more than Lambda takes directly")


def _copy(policies_path: Path, task: Path) -> None:
    shutil.copy(resource("lambda_entry.py"), task)
    shutil.copytree(package_folder(), task / "engine", ignore=shutil.ignore_patterns(*_NOT_IN_LAMBDA))
    shutil.copytree(resource("schemas"), task / "schemas")
    copy_policies(policies_path, task, "policies")


def _compile(task: Path, runtime: str) -> bool:
    """Compile byte code next to each module, with the runtime's own Python version. Return whether that worked."""
    same_version = sys.version_info[:2] == tuple(map(int, runtime.split(".")))
    python = sys.executable if same_version else shutil.which(f"python{runtime}")
    if python is None:
        return False
    mode = ("--invalidation-mode", "unchecked-hash")
    command = (python, "-m", "compileall", "-q", "-s", str(task), "-p", "/var/task", *mode, str(task))
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  no shell, fixed words


def _files(task: Path, *, compiled: bool) -> list[Path]:
    left_out = LEFT_OUT - {"__pycache__"} if compiled else LEFT_OUT
    return [path for path in task.rglob("*") if path.is_file() and not left_out & set(path.relative_to(task).parts)]
