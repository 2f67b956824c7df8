"""Pages that are followed to the letter: their YAML is written, their commands run, and what these print is compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

FENCED: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_PLACE: Final = re.compile(r'# (?P<file>\S+\.yaml)(?:, (?:above "(?P<above>.+)"|at the end))?')
_VARIES: Final = re.compile(r"sha256:[0-9a-f]{12}")
"""What is another one with each change of the base."""
_FAILS: Final = "   # exit code 1"
_LEFT_OUT: Final = "…"
PATIENCE: Final = 120


def write(block: str, root: Path) -> None:
    """Write a block of YAML: its first line names the file, and where in it the rest belongs."""
    first, _, body = block.partition("\n")
    place = _PLACE.fullmatch(first)
    assert place, first
    path = root / place["file"]
    if place["above"]:
        before, line, after = path.read_text("utf-8").partition(f"\n{place['above']}\n")
        assert line, first
        path.write_text(f"{before}\n{body}{line[1:]}{after}", "utf-8")
    else:
        assert path.exists() == first.endswith("at the end"), first
        path.write_text((path.read_text("utf-8") if path.exists() else "") + body, "utf-8")


def follow(page: Path, folder: Path, root: str) -> None:
    """Do what a page says, from its first block to its last: blocks of YAML below `root`, commands of `console` blocks.

    A command prints just the lines below it, where there are any; a line of … stands for some. It succeeds, unless
    `# exit code 1` stands behind it.
    """
    here = folder
    for language, block in FENCED.findall(page.read_text("utf-8")):
        if language == "yaml":
            write(block, folder / root)
        elif language == "console":
            for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                line, _, expected = command.partition("\n")
                here = _typed(line, here, expected)


def _typed(line: str, here: Path, expected: str) -> Path:
    """Run a line as a shell does; the folder it ends in."""
    fails, line = line.endswith(_FAILS), line.removesuffix(_FAILS)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = f"{line}\ncode=$?; pwd >&3; exit $code"
    place = here / ".typed"
    done = subprocess.run(  # noqa: S603  what the page says
        ["/bin/bash", "-c", f"exec 3>'{place}'; {{ {script}\n}} 2>&1"],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    end = Path(place.read_text("utf-8").strip())
    place.unlink()
    assert done.returncode == int(fails), f"{line}\n{done.stdout}"
    assert _pattern(expected).fullmatch(done.stdout), f"$ {line}\n{done.stdout}"
    return end


def _pattern(expected: str) -> re.Pattern[str]:
    if not expected.strip():
        return re.compile("(?:.*\n)*")
    lines = _VARIES.sub(f"sha256:{_LEFT_OUT}", expected).splitlines()
    parts = ("(?:.*\n)*" if line.strip() == _LEFT_OUT else re.escape(line).replace(_LEFT_OUT, ".*") + "\n" for line in lines)
    return re.compile("".join(parts))
