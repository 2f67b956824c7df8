"""A policy set prepared ahead: its checked content as JSON, so that a start parses no YAML and validates nothing.

It holds data only. It stands for the files whose SHA-256 it names: where one differs, is missing or is new, it is refused.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine import __version__
from engine.policy.compile import compile_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import PolicySet
    from engine.policy.source import Source

NAME: Final = "prepared.json"
SUFFIXES: Final = (".yaml", ".yml")


def prepare(sources: Sequence[Source], directory: Path, commit: str | None) -> str:
    """The prepared set of sources that passed all load checks, as JSON text; paths are those below `directory`."""
    files = [
        {
            "path": Path(source.path).relative_to(directory).as_posix(),
            "sha256": _digest(Path(source.path)),
            "content": source.root.value,
        }
        for source in sources
        if source.root is not None
    ]
    return json.dumps({"engine": __version__, "commit": commit, "files": files}, sort_keys=True)


def load_prepared(directory: Path, prepared: Path) -> PolicySet | None:
    """The set that was prepared of a folder's files; None where there is none, or it stands for other files or another engine."""
    try:
        content = json.loads(prepared.read_bytes())
    except (OSError, ValueError):
        return None
    files = {directory / one["path"]: one for one in content["files"]}
    found = sorted((path for path in directory.rglob("*") if path.suffix in SUFFIXES and path.is_file()), key=Path.as_posix)
    if content["engine"] != __version__ or set(found) != set(files):
        return None
    if any(_digest(path) != files[path]["sha256"] for path in found):
        return None
    parts: list[tuple[str, Any]] = [(path.as_posix(), files[path]["content"]) for path in found]
    return compile_set(parts, content["commit"])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
