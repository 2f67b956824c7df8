"""What the README tells a reader to type works as it stands.

Every line of a fenced `sh` or `console` block is run in a folder that has the repository's files; a `make` line is only checked
to name a target, since make itself runs the tests. A command that cannot run here (it needs AWS) goes into a `text` block.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from pages import FENCED, follow

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "docs/README.ja.md", ROOT / "docs/commands.md"]
LINK: Final = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PATIENCE = 120


def commands(page: Path) -> list[str]:
    """Every line to type: those of an `sh` block, and those after `$ ` of a `console` block; comments are left out."""
    found: list[str] = []
    for language, block in FENCED.findall(page.read_text(encoding="utf-8")):
        lines = [line for line in block.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
        if language == "sh":
            found += lines
        elif language == "console":
            found += [line[2:] for line in lines if line.startswith("$ ")]
    return found


ALL = list(dict.fromkeys(line for page in PAGES for line in commands(page)))
MAKES = [line for line in ALL if line.startswith("make ")]


@pytest.mark.parametrize("line", [line for line in ALL if line not in MAKES])
def test_a_command_runs(line: str, tmp_path: Path) -> None:
    shell = shutil.which("bash") or shutil.which("sh")
    assert shell is not None
    for entry in (*ROOT.glob("*.py"), *(ROOT / name for name in ("policies", "tests", "examples", "schemas"))):
        if entry.exists():
            (tmp_path / entry.name).symlink_to(entry)
    typed = line.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    done = subprocess.run([shell, "-c", typed], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.parametrize("line", MAKES)
def test_a_make_line_names_a_target(line: str) -> None:
    named = {word for word in line.partition("#")[0].split()[1:] if "=" not in word}
    assert named - TARGETS == set()


def test_the_readme_names_the_two_commands() -> None:
    assert {line.partition("#")[0].strip() for line in MAKES} >= {"make demo", "make test"}


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", list((ROOT / "docs").glob("own-repository*.md")), ids=lambda path: path.name)
def test_whoever_follows_the_page_in_an_empty_folder_sees_what_it_shows(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path, "s3-policies")


@pytest.mark.parametrize("page", ["which-route.md", "mint.md", "guarantees.md", "who-hears-what.md", "replay.md", "inputs.md"])
def test_a_page_about_a_command_shows_what_it_prints_for_the_tour(page: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    follow(ROOT / "docs" / page, tmp_path, ".")
