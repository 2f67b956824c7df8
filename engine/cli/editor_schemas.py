"""The schemas in a team's repository, where editors find them by the first line of each policy file."""

from __future__ import annotations

import json
import os.path
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.policy.source import Source

FOLDER: Final = ".trailbell"
_NAMES: Final = ("policy.schema.json", "policy-test.schema.json")
_MODELINE: Final = re.compile(r"\ufeff?# yaml-language-server: \$schema=(\S+)")


def write_schemas(repository: Path) -> Path:
    """Write this version's schemas into a repository, over those of another version; the folder that holds them."""
    folder = repository / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name in _NAMES:
        (folder / name).write_bytes(resource(f"schemas/v1/{name}").read_bytes())
    return folder


def outdated_schemas(sources: Iterable[Source]) -> list[Path]:
    """The schemas of another version that the first lines of files name."""
    modelines = ((source.path, _MODELINE.match(source.text)) for source in sources)
    named = {Path(os.path.normpath(Path(path).parent / modeline[1])) for path, modeline in modelines if modeline is not None}
    return sorted(path for path in named if path.parent.name == FOLDER and path.name in _NAMES and _is_outdated(path))


def _is_outdated(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_bytes()) != json.loads(resource(f"schemas/v1/{path.name}").read_bytes()))
    except (OSError, ValueError):
        return True
