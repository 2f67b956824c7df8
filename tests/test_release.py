"""What a release is made of, and which release is refused, by the scripts that the workflow runs."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import yaml
from commands import SEARCHED, clone_of_checkout, output, run

ROOT = Path(__file__).parent.parent
TOOLS = Path(sys.executable).parent
REPOSITORY = "https://github.com/example/trailbell"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that is ready to be released as 1.2.3, with its `dist/`."""
    folder = tmp_path_factory.mktemp("checkout")
    clone_of_checkout(folder)
    version, project, changelog = (folder / name for name in ("engine/__init__.py", "pyproject.toml", "CHANGELOG.md"))
    version.write_text(re.sub(r'__version__ = ".*"', '__version__ = "1.2.3"', version.read_text("utf-8")), "utf-8")
    urls = f'[project.urls]\nRepository = "{REPOSITORY}"\n\n[project.scripts]'
    project.write_text(project.read_text("utf-8").replace("[project.scripts]", urls), "utf-8")
    changelog.write_text(
        changelog.read_text("utf-8").replace("## [Unreleased]", "## [Unreleased]\n\n## [1.2.3] - 2027-01-31"), "utf-8"
    )
    lists = tmp_path_factory.mktemp("lists")
    output([sys.executable, "-m", "venv", lists], folder)
    output([lists / "bin/python", "-m", "pip", "install", "--require-hashes", "-r", ROOT / "requirements/release.txt"], folder)
    output([sys.executable, "-m", "hatchling", "build"], folder)
    output([folder / ".ci/release", TOOLS, lists / "bin", "dist"], folder, PATH=f"{TOOLS}:{SEARCHED}")
    return folder


def refusal(checkout: Path, tag: str = "v1.2.3", repository: str = REPOSITORY) -> str:
    """What the check says of a tag; empty where it says that all is well."""
    done = run([checkout / ".ci/check-release", tag, repository, "dist"], checkout, PATH=f"{TOOLS}:{SEARCHED}")
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stderr


def pinned(name: str) -> set[tuple[str, str]]:
    """Names and versions of a requirement file."""
    return set(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", (ROOT / f"requirements/{name}.txt").read_text("utf-8"), re.MULTILINE))


@pytest.mark.long
def test_a_release_holds_packages_zips_lists_of_what_they_hold_and_checksums(checkout: Path) -> None:
    dist = checkout / "dist"
    wheel = "trailbell-1.2.3-py3-none-any.whl"
    lists = {f"{wheel}.cdx.json": "runtime", "trailbell-1.2.3-zip.cdx.json": "lambda"}
    zips = {"trailbell-1.2.3-arm64.zip", "trailbell-1.2.3-x86_64.zip"}
    assert {path.name for path in dist.iterdir()} == {wheel, "trailbell-1.2.3.tar.gz", "SHA256SUMS", *zips, *lists}
    for name, requirements in lists.items():
        listed = json.loads((dist / name).read_text("utf-8"))
        assert (listed["metadata"]["component"]["name"], listed["metadata"]["component"]["version"]) == ("trailbell", "1.2.3")
        assert {(one["name"], one["version"]) for one in listed["components"]} == pinned(requirements)


@pytest.mark.long
def test_a_release_that_is_what_its_tag_says_passes(checkout: Path) -> None:
    assert refusal(checkout) == ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("1.2.3", "a tag is v and the version"),
        ("v1.2.4", "engine/__init__.py says another version"),
        ("v1.3.0.dev0", "a version for development"),
    ],
)
def test_a_tag_that_is_not_the_version_is_refused(checkout: Path, tag: str, said: str) -> None:
    assert said in refusal(checkout, tag)


@pytest.mark.long
def test_a_package_that_names_another_repository_is_refused(checkout: Path) -> None:
    assert "under [project.urls]" in refusal(checkout, repository="https://github.com/example/fork")


@pytest.mark.long
def test_a_changelog_without_the_dated_section_is_refused(checkout: Path) -> None:
    changelog = checkout / "CHANGELOG.md"
    text = changelog.read_text("utf-8")
    changelog.write_text(text.replace("## [1.2.3] - 2027-01-31", "## [1.2.3]"), "utf-8")
    assert "no section ## [1.2.3] with a date" in refusal(checkout)
    changelog.write_text(text, "utf-8")


@pytest.mark.long
def test_a_file_that_is_not_the_one_of_the_checksums_is_refused(checkout: Path) -> None:
    target = checkout / "dist/trailbell-1.2.3-arm64.zip"
    content = target.read_bytes()
    target.write_bytes(content + b"\n")
    assert "trailbell-1.2.3-arm64.zip" in run([checkout / ".ci/check-release", "v1.2.3", REPOSITORY, "dist"], checkout).stdout
    assert refusal(checkout) != ""
    target.write_bytes(content)


def test_the_version_between_releases_is_one_for_development_or_has_its_section() -> None:
    (version,) = re.findall(r'__version__ = "(.+)"', (ROOT / "engine/__init__.py").read_text("utf-8"))
    assert version.endswith(".dev0") or f"## [{version}] - " in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.name)
def test_an_issue_template_is_one_that_github_takes(path: Path) -> None:
    """The syntax: https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests."""
    form = yaml.safe_load(path.read_text("utf-8"))
    if path.stem == "config":
        assert form == {"blank_issues_enabled": False}
        return
    assert form.keys() == {"name", "description", "labels", "body"}
    named = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert len(named) == len(set(named)) > 0
    for part in form["body"]:
        assert part["type"] in {"markdown", "textarea", "input"}
        assert part["attributes"].keys() <= ({"value"} if part["type"] == "markdown" else {"label", "description", "render"})
