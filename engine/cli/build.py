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

from engine.cli.options import open_policies, policies_option
from engine.workbench.bundle import LIMIT, bundle

RUNTIME: Final = "3.13"
PLATFORMS: Final = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}
ROOT: Final = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final = ROOT / "requirements" / "lambda.txt"
_LEFT_OUT: Final = ("__pycache__", "direct_url.json", "RECORD", "INSTALLER", "REQUESTED", "tests", "bin")


@click.command()
@policies_option
@click.option("--output", default="dist/trailbell.zip", show_default=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--architecture", type=click.Choice(sorted(PLATFORMS)), default="arm64", show_default=True)
def build(policies_path: Path, output: Path, architecture: str) -> None:
    """Make the zip for Lambda: the engine, its hash-pinned dependencies, the policy set, byte code.

    The same content gives the same bits. A policy set that does not load is not built.
    """
    policies = open_policies(policies_path)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder)
        _install(task, architecture)
        _copy(policies_path, task)
        compiled = _compile(task)
        content = bundle({path.relative_to(task).as_posix(): path.read_bytes() for path in _files(task, compiled=compiled)})
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(content)
    click.echo(f"{output}: {len(content) / 1e6:.1f} MB for {architecture}, sha256 {hashlib.sha256(content).hexdigest()}")
    click.echo(f"policy set {policies.revision}")
    if not compiled:
        click.echo(f"without byte code, so the first start is slower: python{RUNTIME} is not on this machine", err=True)
    if len(content) > LIMIT:
        raise click.ClickException(f"{output} is over {LIMIT / 1e6:.0f} MB, more than Lambda takes directly")


def _install(task: Path, architecture: str) -> None:
    """The dependencies, exactly those that are pinned, for the runtime and not for this machine."""
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps")
    target = ("--target", str(task), "--only-binary", ":all:", "--platform", PLATFORMS[architecture])
    version = ("--python-version", RUNTIME, "--implementation", "cp", "--no-compile", "--requirement", str(REQUIREMENTS))
    done = subprocess.run((*command, *target, *version), check=False, capture_output=True, text=True)  # noqa: S603  no shell, fixed words
    if done.returncode:
        raise click.ClickException(f"the dependencies could not be installed:\n{done.stderr.strip()}")


def _copy(policies_path: Path, task: Path) -> None:
    shutil.copy(ROOT / "lambda_entry.py", task)
    shutil.copytree(ROOT / "engine", task / "engine", ignore=shutil.ignore_patterns("__pycache__", "cli", "workbench", "lint"))
    shutil.copytree(ROOT / "schemas", task / "schemas")
    shutil.copytree(policies_path, task / "policies")


def _compile(task: Path) -> bool:
    """Byte code beside each module, never checked against its source; by the runtime's own minor version or not at all."""
    python = shutil.which(f"python{RUNTIME}") or (
        sys.executable if sys.version_info[:2] == tuple(map(int, RUNTIME.split("."))) else None
    )
    if python is None:
        return False
    command = (
        python,
        "-m",
        "compileall",
        "-q",
        "-s",
        str(task),
        "-p",
        "/var/task",
        "--invalidation-mode",
        "unchecked-hash",
        str(task),
    )
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  no shell, fixed words


def _files(task: Path, *, compiled: bool) -> list[Path]:
    left_out = [word for word in _LEFT_OUT if not (compiled and word == "__pycache__")]
    return [path for path in task.rglob("*") if path.is_file() and not set(left_out) & set(path.relative_to(task).parts)]
