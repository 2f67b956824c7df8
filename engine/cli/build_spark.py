"""`trailbell build-spark`: what a Spark cluster needs, in one archive."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Final

import click

from engine.cli.options import open_policies, policies_option
from engine.cli.packages import LEFT_OUT, MACHINES, copy_policies, install
from engine.cli.policy_sets import folder_at
from engine.cli.terminal import show
from engine.resources import package_folder, resource
from engine.workbench.bundle import bundle

PYTHON: Final = "3.11"
"""The Python of AWS Glue 5.0 and, beside 3.9, of EMR from 7.1 on.

Source: https://docs.aws.amazon.com/glue/latest/dg/release-notes.html and
https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-release-app-versions-7.x.html
"""
ARCHIVE: Final = "trailbell.zip"
PROGRAM: Final = "trailbell_spark.py"
BASE: Final = "base"


@click.command(short_help="Build what a Spark cluster needs.")
@policies_option
@click.option(
    "--base",
    "base_place",
    metavar="PLACE",
    help="Another set for `trailbell diff base/policies policies`: a folder or a git revision.",
)
@click.option("--output", default="dist/spark", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--architecture", type=click.Choice(sorted(MACHINES)), default="x86_64", show_default=True)
def build_spark(policies_path: Path, base_place: str | None, output: Path, architecture: str) -> None:
    """Build what `--engine spark` needs on a cluster: an archive and the program that is started beside it.

    The archive holds the engine, its hash-pinned packages for Python 3.11, and the policy set, as the folder `policies`. The same
    content gives the same bytes. A policy set that does not load is not built. docs/spark.md has what to type for EMR Serverless
    and AWS Glue.
    """
    open_policies(policies_path)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder)
        if base_place is not None:
            with folder_at(base_place, policies_path) as base:
                open_policies(base)
                copy_policies(base, task / BASE, "policies")
        install(task, architecture, PYTHON, "requirements/cluster.txt")
        shutil.copytree(package_folder(), task / "engine", ignore=shutil.ignore_patterns("__pycache__", "assets"))
        shutil.copytree(resource("schemas"), task / "schemas")
        copy_policies(policies_path, task, "policies")
        left_out = LEFT_OUT | {"include"}
        files = [path for path in task.rglob("*") if path.is_file() and not left_out & set(path.relative_to(task).parts)]
        content = bundle({path.relative_to(task).as_posix(): path.read_bytes() for path in files})
    output.mkdir(parents=True, exist_ok=True)
    (output / ARCHIVE).write_bytes(content)
    shutil.copy(resource("spark_entry.py"), output / PROGRAM)
    digest = hashlib.sha256(content).hexdigest()
    show(f"{output / ARCHIVE}: {len(content) / 1e6:.1f} MB for python{PYTHON} on {architecture}, sha256 {digest}")
    show(f"{output / PROGRAM}: the program to start beside it")
