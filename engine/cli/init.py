"""`trailbell init`: a repository for a team's own policies, which works as it is written."""

from __future__ import annotations

import json
import re
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from engine.cli.editor_schemas import FOLDER, write_schemas
from engine.cli.terminal import show
from engine.policy.bases import with_base
from engine.policy.files import SHIPPED_BASE, base_files, policy_files
from engine.policy.source import parse_source
from engine.resources import package_folder, resource
from engine.workbench.lock import lock_text, pinned

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXAMPLE: Final = ("policies", "tests")
"""Folders of the example, which is written as a whole or not at all: a part of it could change what a set decides."""

_MAIN: Final = "policies/channels.yaml"
"""The file of the example that extends the base."""

_HOME: Final = "https://github.com/OWNER_OF_TRAILBELL/trailbell"
_ACTION: Final = "OWNER_OF_TRAILBELL/trailbell@COMMIT_OF_TRAILBELL"
_COMMIT: Final = "COMMIT_OF_TRAILBELL"
"""What stands in the templates for Trailbell's repository and its commit. No account of GitHub's can have an underscore."""

_GITHUB: Final = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
_SCHEMA: Final = re.compile(r"\$schema=\S+")
_WORD: Final = re.compile(r"[\w.:/@+~-]+")


class TrailbellSource(NamedTuple):
    """Where a Trailbell comes from: its repository, and a commit or tag of it."""

    url: str
    commit: str


@click.command("init", short_help="Write a repository for your own policies.")
@click.argument("folder", metavar="[FOLDER]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--source",
    metavar="URL@COMMIT",
    help="Trailbell's repository, for pre-commit and the workflows. Default: where this Trailbell was installed from.",
)
@click.option("--schemas", is_flag=True, help="Instead: write the schemas for editors anew, after an upgrade of Trailbell.")
@click.option("--deploy", is_flag=True, help="Instead: write deploy/, the CloudFormation templates and the Terraform module.")
@click.option(
    "--base", is_flag=True, help="Instead: write base/, the files of trailbell/base, to read or to make a base of your own."
)
def init(folder: Path, source: str | None, *, schemas: bool, deploy: bool, base: bool) -> None:
    """Write a repository for a team's own policies into FOLDER (default: here).

    It extends the base that comes with Trailbell, and has an example of a team's file with its tests, settings, workflows and
    a configuration of pre-commit. lint, test, explain and build work in it at once. A file that is there is kept as it is.
    """
    if schemas + deploy + base > 1:
        raise click.UsageError("give one of --schemas, --deploy and --base")
    origin = _given(source) if source is not None else _installed_from()
    try:
        if not (deploy or base):
            show(f"wrote {write_schemas(folder)}/")
        if schemas:
            return
        files = dict(_deployment() if deploy else _base()) if deploy or base else _with_lock(dict(_repository(folder, origin)))
        new = [name for name, content in files.items() if _write_new(folder / name, content)]
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    for name in files:
        if name in new:
            show(f"wrote {folder / name}")
        else:
            show(f"kept {folder / name}, which was there; for the new one, move yours away and run this again", err=True)
    if not (deploy or base):
        show(*_next_steps(folder, {name: files[name] for name in new}, origin))


# --- what is written ---------------------------------------------------------------------------------------------------


def _repository(folder: Path, origin: TrailbellSource | None) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file, but for the schemas."""
    templates = package_folder() / "init"
    has_policies = bool(policy_files(folder / "policies"))
    if has_policies:
        show(f"{folder / 'policies'} holds policies, so the example of a team's file and its tests are left out", err=True)
    for path in sorted(path for path in templates.rglob("*") if path.is_file()):
        name = path.relative_to(templates)
        if not (has_policies and name.parts[0] in _EXAMPLE):
            yield name.as_posix(), _with_source(path.read_text(encoding="utf-8"), origin).encode()


def _with_lock(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with the base at the revision that it has here, and with the lock that holds it for the next upgrade."""
    if _MAIN not in files:
        return files
    sources = pinned(with_base([parse_source(files[_MAIN], _MAIN)], Path("policies")))
    return files | {_MAIN: sources[0].text.encode(), "trailbell.lock": lock_text(sources).encode()}


def _deployment() -> Iterator[tuple[str, bytes]]:
    templates = resource("deploy")
    for path in sorted(path for path in templates.rglob("*") if path.is_file()):
        yield f"deploy/{path.relative_to(templates).as_posix()}", path.read_bytes()


def _base() -> Iterator[tuple[str, bytes]]:
    for name, path in base_files(SHIPPED_BASE, Path()).items():
        text = _SCHEMA.sub(f"$schema=../{FOLDER}/policy.schema.json", path.read_text(encoding="utf-8"), count=1)
        yield f"base/{name.rpartition('/')[2]}", text.encode()


def _write_new(path: Path, content: bytes) -> bool:
    """Write a file where there is none, and say whether it was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _next_steps(folder: Path, written: dict[str, bytes], origin: TrailbellSource | None) -> Iterator[str]:
    yield ""
    yield "Next:"
    if folder != Path():
        yield f"  cd {shlex.quote(str(folder))}"
    yield "  trailbell lint"
    yield "  trailbell test"
    if "tests/events/person-reads-payments.json" in written:
        yield "  trailbell explain tests/events/person-reads-payments.json"
        yield "Then make policies/payments.yaml and policies/channels.yaml your own; README.md says how to go on."
    unnamed = [name for name, content in written.items() if b"OWNER_OF_TRAILBELL" in content]
    if unnamed:
        yield ""
        what = "a repository that is not known here" if origin is None else f"GitHub, and {origin.url} is not there"
        yield f"Not finished: these files fetch Trailbell from {what}. Write its address and commit in place of"
        yield f"{_ACTION.partition('@')[0]} and {_COMMIT} in:"
        yield from (f"  {name}" for name in unnamed)


# --- where Trailbell comes from ----------------------------------------------------------------------------------------


def _given(text: str) -> TrailbellSource:
    url, at, commit = text.rpartition("@")
    if not (at and _WORD.fullmatch(url) and _WORD.fullmatch(commit)):
        raise click.UsageError("--source is a repository and a commit, such as https://github.com/OWNER/trailbell@v1.0.0")
    return TrailbellSource(url, commit)


def _installed_from() -> TrailbellSource | None:
    """The repository and commit that pip, pipx or uv installed this package from; else those that a release names.

    Source of direct_url.json: https://packaging.python.org/en/latest/specifications/direct-url/
    """
    try:
        package = distribution("trailbell")
    except PackageNotFoundError:
        return None
    direct = json.loads(package.read_text("direct_url.json") or "{}")
    if "vcs_info" in direct:
        return TrailbellSource(direct["url"], direct["vcs_info"]["commit_id"])
    links = dict(line.split(", ", 1) for line in package.metadata.get_all("Project-URL", ()))
    return TrailbellSource(links["Repository"], f"v{package.version}") if "Repository" in links else None


def _with_source(text: str, origin: TrailbellSource | None) -> str:
    """A template's text with the repository and commit in it, as far as they are known.

    A workflow's action can be on GitHub alone, so with another repository the name that stands for it is kept there.
    """
    if origin is None:
        return text
    github = _GITHUB.fullmatch(origin.url)
    action = f"{github[1]}@{origin.commit}" if github else _ACTION
    parts = text.split(_ACTION)
    return action.join(part.replace(_HOME, origin.url).replace(_COMMIT, origin.commit) for part in parts)
