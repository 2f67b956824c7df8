"""Which files a policy set is made of, and where its base is."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import Final

from engine.resources import package_folder

SUFFIXES: Final = (".yaml", ".yml")

SHIPPED_BASE: Final = "trailbell/base"
"""The name of the base that this engine brings along."""


def policy_files(directory: Path) -> list[Path]:
    """Every policy file under a folder, in path order; none where there is no such folder."""
    return sorted((path for path in directory.rglob("*") if path.suffix in SUFFIXES and path.is_file()), key=Path.as_posix)


def base_folder(name: str, directory: Path) -> Path:
    """The folder of a base's files. `directory` is the folder of the set that extends it; other bases lie beside that."""
    if name == SHIPPED_BASE:
        return package_folder() / "base"
    return Path(os.path.normpath(directory / ".." / name))


def base_files(name: str, directory: Path) -> dict[str, Path]:
    """The files of a base in path order, by the paths that findings and decisions call them: `trailbell/base/watch.yaml`."""
    folder = base_folder(name, directory)
    return {f"{name}/{path.relative_to(folder).as_posix()}": path for path in policy_files(folder)}


def lock_path(directory: Path) -> Path:
    """Where the lock of a set is, which holds the base that it was last seen to extend: beside the folder of its policies."""
    return Path(os.path.normpath(directory / ".." / "trailbell.lock"))
