"""Policy sets by folder or by git revision."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from engine.cli.options import compiled
from engine.policy.load import read_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import PolicySet
    from engine.policy.source import Source

_SUFFIXES: Final = (".yaml", ".yml")


def policies_at(place: str, folder: Path) -> PolicySet:
    """The set of a folder, else of the git revision `REV` (its `folder`) or `REV:FOLDER`.

    If it does not load, its findings are printed and the command exits with 1.
    """
    return compiled(sources_at(place, folder))


def sources_at(place: str, folder: Path) -> tuple[Source, ...]:
    """The same as files."""
    with folder_at(place, folder) as path:
        return read_set(path)


@contextmanager
def folder_at(place: str, folder: Path) -> Iterator[Path]:
    """The same as a folder."""
    if Path(place).is_dir():
        yield Path(place)
        return
    revision, colon, inside = place.partition(":")
    with _checkout(revision) as root:
        path = root / (inside if colon else folder)
        if not path.is_dir():
            raise click.UsageError(
                f"{place}: the revision has no folder {inside if colon else folder}; name it, as in REV:FOLDER"
            )
        yield path


@contextmanager
def _checkout(revision: str) -> Iterator[Path]:
    """The YAML files of a revision of the repository here, in the folder that stands for the working directory."""
    prefix = _git("rev-parse", "--show-prefix").decode().strip()
    commit = (
        _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", missing=revision).decode().strip()
    )
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive.tar"
        _git("archive", "--format=tar", f"--output={archive}", commit, within="--show-toplevel")
        root = Path(folder) / "files"
        with tarfile.open(archive) as tar:
            members = [member for member in tar if member.isdir() or (member.isfile() and member.name.endswith(_SUFFIXES))]
            tar.extractall(root, members, filter="data")
        yield root / prefix


def _git(*words: str, missing: str = "", within: str = "") -> bytes:
    """What git prints. `within`: run it in the folder that `git rev-parse` gives for this option."""
    git = shutil.which("git")
    if git is None:
        raise click.ClickException("a git revision needs git, which is not installed")
    place = _git("rev-parse", within).decode().strip() if within else "."
    done = subprocess.run([git, "-C", place, *words], check=False, capture_output=True)  # noqa: S603  no shell
    if done.returncode != 0:
        what = f"{missing} is neither a folder nor a git revision" if missing else done.stderr.decode(errors="replace").strip()
        raise click.ClickException(what)
    return done.stdout
