"""The requirement files: pinned, hashed, without an index, and in step with what asks for them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKED = sorted(FOLDER.glob("*.txt"))
PINNED = re.compile(r"[a-z0-9-]+==[^ ;=]+( ; .+)?( --hash=sha256:[0-9a-f]{64})+")


def lines(path: Path) -> list[str]:
    """Requirements of a file, each on one line, without comments."""
    joined = path.read_text().replace("\\\n", " ")
    bare = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())
    return [re.sub(r"\s+", " ", line) for line in bare if line]


def versions(path: Path) -> dict[str, set[str]]:
    """Which versions a file pins, by canonical name: several where markers choose one."""
    found: dict[str, set[str]] = {}
    for line in lines(path):
        pinned = Requirement(line.partition(" --hash")[0])
        found.setdefault(canonicalize_name(pinned.name), set()).update(one.version for one in pinned.specifier)
    return found


def asked(name: str) -> list[str]:
    """What a requirement file is made from."""
    extras = PROJECT["project"]["optional-dependencies"]
    if name == "runtime" or name in extras:
        return [*PROJECT["project"]["dependencies"], *extras.get(name, ())]
    return [line for line in lines(FOLDER / f"{name}.in") if not line.startswith("-")]


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_every_line_is_one_version_with_hashes(path: Path) -> None:
    assert [line for line in lines(path) if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_what_is_asked_for_is_pinned_to_a_version_that_suits(path: Path) -> None:
    pinned = versions(path)
    wanted = [Requirement(line) for line in asked(path.stem)]
    assert [
        str(one)
        for one in wanted
        if not any(one.specifier.contains(version) for version in pinned.get(canonicalize_name(one.name), ()))
    ] == []


@pytest.mark.parametrize("name", ["lambda", "dev", "bench", "aws", "prove", "release"])
def test_the_runtime_has_the_same_versions_everywhere(name: str) -> None:
    runtime, other = versions(FOLDER / "runtime.txt"), versions(FOLDER / f"{name}.txt")
    assert {one: other[one] for one in other if one in runtime} == {one: runtime[one] for one in other if one in runtime}


def test_the_lambda_holds_the_runtime_without_the_command_line() -> None:
    wanted = {canonicalize_name(Requirement(line).name) for line in asked("runtime")}
    named = {canonicalize_name(Requirement(line).name) for line in asked("lambda")}
    assert named == wanted - {"click", "isal", "msgspec"} | {"typing-extensions"}


def test_what_the_lambda_holds_does_not_depend_on_the_python_that_builds_it() -> None:
    assert [line for line in lines(FOLDER / "lambda.txt") if ";" in line] == []


def test_the_build_is_asked_for_once() -> None:
    assert asked("build") == PROJECT["build-system"]["requires"]


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_no_file_names_an_index(path: Path) -> None:
    assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links", path.read_text()) == []
