"""Which files a policy set is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SUFFIXES: Final = (".yaml", ".yml")


def policy_files(directory: Path) -> list[Path]:
    """Every policy file under a folder, in path order."""
    return sorted((path for path in directory.rglob("*") if path.suffix in SUFFIXES and path.is_file()), key=Path.as_posix)
