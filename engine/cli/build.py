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
from engine.policy.load import read
from engine.policy.prepared import CODE, NAME, prepare
from engine.workbench.bundle import LIMIT, bundle

RUNTIMES: Final = ("3.11", "3.12", "3.13", "3.14")
MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
PLATFORMS: Final = ("manylinux2014", "manylinux_2_26", "manylinux_2_28")
"""What runs on Lambda: python3.12 and newer have glibc 2.34 (Amazon Linux 2023), python3.11 2.26 (Amazon Linux 2).

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""
ROOT: Final = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final = ROOT / "requirements" / "lambda.txt"
_LEFT_OUT: Final = ("__pycache__", "direct_url.json", "RECORD", "INSTALLER", "REQUESTED", "tests", "bin")


@click.command(short_help="Make the zip for Lambda.")
@policies_option
@click.option("--output", default="dist/trailbell.zip", show_default=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--architecture", type=click.Choice(sorted(MACHINES)), default="arm64", show_default=True)
@click.option("--runtime", type=click.Choice(RUNTIMES), default="3.13", show_default=True, help="The Lambda's Python.")
def build(policies_path: Path, output: Path, architecture: str, runtime: str) -> None:
    """Make the zip for Lambda: the engine, its hash-pinned dependencies, the policy set, byte code.

    The same content gives the same bits. A policy set that does not load is not built.
    """
    if policies_path.is_file():
        raise click.UsageError(f"{policies_path} is one file; name the folder that holds the policy set")
    policies = open_policies(policies_path)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder)
        _install(task, architecture, runtime)
        _copy(policies_path, task)
        prepared = prepare(read(task / "policies"), task / "policies", commit_of(policies_path))
        (task / NAME).write_text(prepared.content, encoding="utf-8")
        (task / CODE).write_text(prepared.code, encoding="utf-8")
        compiled = _compile(task, runtime)
        content = bundle({path.relative_to(task).as_posix(): path.read_bytes() for path in _files(task, compiled=compiled)})
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    click.echo(f"{output}: {len(content) / 1e6:.1f} MB for python{runtime} on {architecture}, sha256 {digest}")
    click.echo(f"policy set {policies.revision}")
    if not compiled:
        click.echo(f"without byte code, so the first start is slower: python{runtime} is not on this machine", err=True)
    if len(content) > LIMIT:
        raise click.ClickException(f"{output} is over {LIMIT / 1e6:.0f} MB, more than Lambda takes directly")


def _install(task: Path, architecture: str, runtime: str) -> None:
    """The dependencies, exactly those that are pinned, for the runtime and not for this machine."""
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps")
    platforms = (word for name in PLATFORMS for word in ("--platform", f"{name}_{MACHINES[architecture]}"))
    target = ("--target", str(task), "--only-binary", ":all:", *platforms)
    version = ("--python-version", runtime, "--implementation", "cp", "--no-compile", "--requirement", str(REQUIREMENTS))
    done = subprocess.run((*command, *target, *version), check=False, capture_output=True, text=True)  # noqa: S603  no shell, fixed words
    if done.returncode:
        raise click.ClickException(f"the dependencies could not be installed:\n{done.stderr.strip()}")


def _copy(policies_path: Path, task: Path) -> None:
    shutil.copy(ROOT / "lambda_entry.py", task)
    shutil.copytree(ROOT / "engine", task / "engine", ignore=shutil.ignore_patterns("__pycache__", "bulk", "cli", "workbench"))
    shutil.copytree(ROOT / "schemas", task / "schemas")
    shutil.copytree(policies_path, task / "policies")


def _compile(task: Path, runtime: str) -> bool:
    """Byte code beside each module, never checked against its source; by the runtime's own minor version or not at all."""
    own = sys.version_info[:2] == tuple(map(int, runtime.split(".")))
    python = sys.executable if own else shutil.which(f"python{runtime}")
    if python is None:
        return False
    mode = ("--invalidation-mode", "unchecked-hash")
    command = (python, "-m", "compileall", "-q", "-s", str(task), "-p", "/var/task", *mode, str(task))
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  no shell, fixed words


def _files(task: Path, *, compiled: bool) -> list[Path]:
    left_out = [word for word in _LEFT_OUT if not (compiled and word == "__pycache__")]
    return [path for path in task.rglob("*") if path.is_file() and not set(left_out) & set(path.relative_to(task).parts)]
