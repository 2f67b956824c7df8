"""The site that `make site` builds from docs/, with the README as its first page. requirements/site.in says why Sphinx.

https://www.sphinx-doc.org/en/master/usage/configuration.html, https://myst-parser.readthedocs.io/en/latest/configuration.html
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).parent
ROOT = DOCS.parent
LINK = re.compile(r"\]\((?!https?:|#|mailto:)(?P<path>[^)#\s]+)(?P<heading>#[^)]*)?\)")
LISTING = "\n```{toctree}\n:hidden:\n:glob:\n*\n```\n"

_project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
_repository = _project.get("urls", {}).get("Repository", "https://github.com/OWNER/trailbell")

project = "Trailbell"
html_title = "Trailbell"
copyright = "the Trailbell contributors"  # noqa: A001  Sphinx's name
extensions = ["myst_parser"]
html_theme = "furo"
html_theme_options = {"source_repository": f"{_repository}/", "source_branch": "main", "source_directory": "docs/"}
html_static_path: list[str] = []
html_copy_source = False
myst_heading_anchors = 4
# Text stands in the examples as it is typed.
smartquotes = False
# A block of YAML may have gaps, and one of JSON an ellipsis.
suppress_warnings = ["misc.highlighting_failure"]


def _site_links(text: str, folder: Path) -> str:
    """A page's text whose links to a folder go to its README, and those to a file outside docs/ to the repository."""

    def site_link(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / link["path"]))
        if target.is_dir() and target.is_relative_to(DOCS):
            target /= "README.md"
        heading = link["heading"] or ""
        if target == ROOT / "README.md":
            return f"](/index.md{heading})"
        if target.is_relative_to(DOCS):
            return f"](/{target.relative_to(DOCS)}{heading})"
        if not target.exists():
            return link[0]
        kind = "tree" if target.is_dir() else "blob"
        return f"]({_repository}/{kind}/main/{target.relative_to(ROOT)}{heading})"

    return LINK.sub(site_link, text)


def _read(_: Sphinx, name: str, source: list[str]) -> None:
    if name == "index":
        source[0] = _site_links((ROOT / "README.md").read_text("utf-8"), ROOT) + source[0]
        return
    source[0] = _site_links(source[0], (DOCS / name).parent)
    if name.endswith("/README"):
        source[0] += LISTING


def setup(app: Sphinx) -> None:
    """Reads each page as the site needs it."""
    app.connect("source-read", _read)
