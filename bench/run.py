"""`make bench`: measure, print the ratios beside their targets, write docs/speed.json and draw docs/speed.svg.

Each part has a process of its own, so that none meets what another left in caches and memory. `--quick` takes fewer routes and
leaves the files in docs/ alone; names of parts measure only these.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench import deciding, linting, proving, start, whole
from bench.curve import curve
from bench.report import Part, as_json, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DOCS = Path("docs")
SIZES = (10, 100, 1_000, 10_000)
QUICK = SIZES[:3]
PARTS = ("usual", "awkward", "single", "files", "message", "linting", "proving", "start", "cold")


def measured(part: str, sizes: Sequence[int]) -> Part:
    """One part of the suite, measured in this process."""
    with TemporaryDirectory() as made:
        return _parts(Path(made), sizes)[part]()


def _parts(folder: Path, sizes: Sequence[int]) -> dict[str, Callable[[], Part]]:
    return {
        "usual": lambda: deciding.usual(folder, sizes),
        "awkward": lambda: deciding.awkward(folder),
        "single": deciding.single,
        "files": lambda: whole.log_files(folder, (10, 1_000)),
        "message": whole.message,
        "linting": linting.linting,
        "proving": proving.proving,
        "start": lambda: start.start(folder),
        "cold": lambda: start.cold(folder),
    }


def main(arguments: Sequence[str]) -> None:
    """Measure the parts that are named, or all."""
    quick = "--quick" in arguments
    names = [name for name in PARTS if name in arguments] or PARTS
    parts: dict[str, Part] = {}
    for name in names:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            parts[name] = alone.submit(measured, name, QUICK if quick else SIZES).result()
        print("\n".join(parts[name].skipped), file=sys.stderr, end="\n" if parts[name].skipped else "")
    print("\n".join(table(row for part in parts.values() for row in part.rows)))
    if not quick and len(parts) == len(PARTS):
        (DOCS / "speed.json").write_text(json.dumps(as_json(parts), indent=2) + "\n")
        lines = parts["usual"].figures["microseconds"]
        (DOCS / "speed.svg").write_text(curve("Deciding one event", lines, {deciding.OURS}))


if __name__ == "__main__":
    main(sys.argv[1:])
