"""Files that Trailbell ships beside its modules: schemas, the Lambda's entry and requirements, templates, sample events.

The wheel holds them under `engine/assets/`. A checkout and the Lambda's zip have them beside `engine/`.
"""

from __future__ import annotations

from pathlib import Path

import engine
from engine.errors import MissingResourceError


def package_folder() -> Path:
    """The folder of the package `engine`, in a checkout, in the Lambda's zip or where it is installed.

    `importlib.resources.files("engine")` is the same folder, but importing it takes a cold start 20 milliseconds.
    """
    return Path(engine.__path__[0])


def resource(name: str) -> Path:
    """The path of a file or folder, such as `schemas/v1/policy.schema.json`. Raises `MissingResourceError`."""
    package = package_folder()
    assets = package / "assets"
    path = (assets if assets.is_dir() else package.parent) / name
    if not path.exists():
        raise MissingResourceError(name, path)
    return path
