"""The pictures in `docs/`: the sample messages at two widths, and what `trailbell run --html` writes of the tour.

`make pictures` makes them anew, by Debian's Chromium. `docs/pictures.json` says of which payloads and which style they are, so
that a test finds pictures that are out of date where there is no browser, too.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Final

from browser import browser, executable
from click.testing import CliRunner
from sample_messages import SAMPLES

from engine.cli import trailbell
from engine.workbench.page import STYLE, ShownMessage, page

ROOT: Final = Path(__file__).parent.parent
DOCS: Final = ROOT / "docs"
MANIFEST: Final = DOCS / "pictures.json"

WIDTHS: Final = {640: "messages-640.png", 360: "messages-360.png"}
"""The widths, in CSS pixels, of a desktop's channel and of a phone."""

README_PICTURE: Final = "preview.png"
README_WIDTH: Final = 720
README_EVENTS: Final = ("01", "07")
"""Numbers of the tour's events of which README has a picture."""


def samples_page() -> str:
    """The page of all samples."""
    return page([ShownMessage("s3-watch", made().payload) for made in SAMPLES.values()], "Messages")


def readme_page() -> str:
    """What the command writes of some of the tour's events."""
    events = [str(path) for path in sorted((ROOT / "examples/tour/events").iterdir()) if path.name[:2] in README_EVENTS]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "page.html"
        words = ["run", *events, "--policies", str(ROOT / "examples/tour/policies"), "--html", str(out)]
        assert CliRunner().invoke(trailbell, words).exit_code == 0
        html = out.read_text("utf-8")
    return re.sub(r"Messages of [^<]*", "trailbell run examples/tour/events --html page.html", html)


def manifest() -> dict[str, str]:
    """A digest of everything that a picture shows."""
    shown = {name: json.dumps(made().payload, sort_keys=True) for name, made in SAMPLES.items()}
    shown |= {"style": STYLE, README_PICTURE: readme_page()}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in shown.items()}


def main() -> int:
    """Make the pictures and their manifest."""
    if executable() is None:
        sys.stderr.write(
            "no Chromium with the fonts of the pictures: apt install chromium fonts-lato fonts-noto-cjk fonts-noto-color-emoji\n"
        )
        return 1
    with browser() as chromium:
        for width, name in WIDTHS.items():
            (DOCS / name).write_bytes(chromium.open(samples_page(), width).picture())
        (DOCS / README_PICTURE).write_bytes(chromium.open(readme_page(), README_WIDTH).picture())
    MANIFEST.write_text(json.dumps(manifest(), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
