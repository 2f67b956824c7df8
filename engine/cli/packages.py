"""What goes into the archives that are built: pinned packages for AWS's platform, and policy sets."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from engine.cli.terminal import show
from engine.policy.bases import extends
from engine.policy.files import SHIPPED_BASE, base_folder
from engine.policy.load import read
from engine.resources import resource

if TYPE_CHECKING:
    from pathlib import Path

MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
PLATFORMS: Final = ("manylinux_2_28", "manylinux_2_26", "manylinux2014")
"""Wheel platforms that run on Lambda: python3.12 and newer have glibc 2.34 (Amazon Linux 2023), python3.11 2.26 (Amazon Linux 2).

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""
LEFT_OUT: Final = frozenset(
    ("__pycache__", "direct_url.json", "RECORD", "INSTALLER", "REQUESTED", "uv_cache.json", ".lock", "tests", "bin")
)
"""Files and folders of installed packages that no archive needs."""


def install(task: Path, architecture: str, runtime: str, pinned: str) -> None:
    """Install exactly the pinned packages of a requirement file, for AWS's platform and not for this machine's."""
    installer = _installer(architecture)
    if installer is None:
        raise click.ClickException(
            "installing what goes into the archive needs pip or uv, and neither is available; install one of them"
        )
    exact = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--quiet")
    requirements = ("--target", str(task), "--python-version", runtime, "--requirement", str(resource(pinned)))
    completed = subprocess.run((*installer, *exact, *requirements), check=False, capture_output=True, text=True)  # noqa: S603  no shell
    if completed.returncode:
        show(*completed.stderr.strip().splitlines(), err=True)
        raise click.ClickException("the dependencies could not be installed")


def _installer(architecture: str) -> tuple[str, ...] | None:
    """Return the install command of pip, or of uv if this environment has no pip (as with pipx and uvx); None without either.

    Both choose the same wheels, so the zip has the same bytes.
    """
    machine = MACHINES[architecture]
    if find_spec("pip") is not None:
        platforms = (word for name in PLATFORMS for word in ("--platform", f"{name}_{machine}"))
        pip = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile", "--implementation", "cp")
        return (*pip, *platforms)
    uv = (sys.executable, "-m", "uv") if find_spec("uv") is not None else (shutil.which("uv"),)
    if uv[0] is None:
        return None
    return (*uv, "pip", "install", "--python", sys.executable, "--python-platform", f"{machine}-{PLATFORMS[0]}")


def copy_policies(policies_path: Path, task: Path, name: str) -> None:
    """Copy a policy set by this name, and beside it the base that it extends, if that is not the shipped one."""
    shutil.copytree(policies_path, task / name)
    base = extends(read(policies_path))
    if base is not None and base.name != SHIPPED_BASE:
        if (task / base.name).exists() or base.name in LEFT_OUT:
            raise click.ClickException(f"the base {base.name} is named like a part of the zip; rename its folder")
        shutil.copytree(base_folder(base.name, policies_path), task / base.name)
