"""Files that Trailbell ships beside its modules: schemas, the Lambda's entry and requirements, templates, sample events.

The wheel holds them under `engine/assets/`. A checkout and the Lambda's zip have them beside `engine/`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from engine.errors import MissingResourceError


def package_folder() -> Path:
    """The folder of the package `engine`, in a checkout or where it is installed."""
    return Path(str(files("engine")))


def resource(name: str) -> Path:
    """The path of a file or folder, such as `schemas/v1/policy.schema.json`. Raises `MissingResourceError`."""
    package = package_folder()
    assets = package / "assets"
    path = (assets if assets.is_dir() else package.parent) / name
    if not path.exists():
        raise MissingResourceError(name, path)
    return path
