"""`trailbell lint`: find mistakes in a policy set."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from engine import __version__
from engine.cli.editor_schemas import outdated_schemas
from engine.cli.options import include_base_option, write_changed
from engine.cli.terminal import PaintedText, show
from engine.lint import lint as lint_set
from engine.lint.fix import diff, fixed
from engine.lint.formats import FORMATS, WIDTH, summary, text
from engine.lint.registry import BY_CODE, CHECKS, INTERNAL, page
from engine.lint.settings import DEFAULTS, Settings, SettingsError, settings_of
from engine.model import Finding, FindingSeverity
from engine.policy.bases import with_base
from engine.policy.load import read, read_fixtures, read_set, set_folder, upgrade_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.lint.fix import Sources
    from engine.policy.source import Source

_SETTINGS: Final = Path("trailbell.toml")
_TESTS: Final = Path("tests/policies")
_RANK: Final = {FindingSeverity.NOTE: 0, FindingSeverity.WARNING: 1, FindingSeverity.ERROR: 2}


@click.command(short_help="Find mistakes in a policy set.")
@click.argument("path", metavar="[PATH]", default="policies", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Default: text, and github within GitHub Actions.")
@click.option(
    "--fail-level",
    type=click.Choice([severity.value for severity in FindingSeverity]),
    default="error",
    show_default=True,
    help="The lowest severity that makes the exit code 1.",
)
@click.option(
    "--tests",
    "tests_path",
    metavar="DIR",
    type=click.Path(exists=True, path_type=Path),
    help="The folder of the policy tests to check with the set. Default: tests/policies if PATH is policies.",
)
@click.option(
    "--settings",
    "settings_path",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with severities, the longest silence and the folder of the tests. Default: trailbell.toml if it exists.",
)
@click.option("--fix", is_flag=True, help="Apply every fix that is the only safe one, then print the remaining findings.")
@click.option(
    "--diff",
    "shows_diff",
    is_flag=True,
    help="Print what --fix would change, without changing files. Exit code 1 if there are changes.",
)
@click.option(
    "--engine",
    "for_engine",
    is_flag=True,
    help="Only list the mutes and silences that this engine makes void where the set is in force, with what would pin each.",
)
@include_base_option
@click.option("--explain", metavar="CODE", help="Print the documentation of a code (`all`: list every code) and exit.")
def lint(  # noqa: PLR0913  one parameter an option
    path: Path,
    form: str | None,
    fail_level: str,
    tests_path: Path | None,
    settings_path: Path | None,
    *,
    fix: bool,
    shows_diff: bool,
    for_engine: bool,
    include_base: bool,
    explain: str | None,
) -> None:
    """Find mistakes in the policy set in PATH (default: policies).

    Exit code 0: no finding of --fail-level or above; 1: findings; 2: wrong usage; 3: an internal error. A comment allows what is
    intended: # trailbell: allow TB406 until 2027-03-01, REASON.
    """
    if explain is not None:
        show(PaintedText(_page(explain)))
        return
    settings = replace(_settings(settings_path), include_base=include_base)
    folder = tests_path or _tests(path, settings)
    sources = read_set(path)
    if for_engine:
        _list_void_rules(path, sources, form)
        return
    linted = _Linted(path, sources, read(folder) if folder is not None else (), settings)
    files = linted.files
    if fix or shows_diff:
        files = _fixed(linted, writes=not shows_diff)
    findings = linted.findings(files)
    _print(form or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"), findings, linted.texts(files))
    for schema in outdated_schemas(files.values()):
        show(
            f"{schema}: not the schema of this Trailbell, so editors may be wrong; `trailbell init --schemas` renews it", err=True
        )
    show(f"{path}: {summary(findings, len(files) + len(linted.fixtures))}", err=True)
    _say_what_is_not_proved(path, sources)
    if any(finding.code == INTERNAL for finding in findings):
        raise click.exceptions.Exit(3)
    if any(_RANK[finding.severity] >= _RANK[FindingSeverity(fail_level)] for finding in findings):
        raise click.exceptions.Exit(1)


class _Linted:
    """A policy set and its tests, as they are on disk."""

    def __init__(self, path: Path, sources: Sequence[Source], tests: Sequence[Source], settings: Settings) -> None:
        self.path = path
        self.fixtures = read_fixtures(tests)
        self._own = [source for source in sources if not source.base]
        self._base = [source for source in sources if source.base]
        self._tests = tests
        self._settings = settings
        self._now = datetime.now(UTC)

    @property
    def files(self) -> Sources:
        """The files that may be fixed, by their path."""
        return {source.path: source for source in (*self._own, *self._tests)}

    def findings(self, files: Sources) -> tuple[Finding, ...]:
        """What is wrong with these files, in place of those on disk."""
        policies, cases = ([files[source.path] for source in group] for group in (self._own, self._tests))
        return lint_set(
            with_base(policies, set_folder(self.path)),
            self._now,
            cases,
            self.fixtures,
            self._settings,
            proofs=_proved_problems,
        )

    def texts(self, files: Sources) -> dict[str, str]:
        """The texts of everything that a finding may be in."""
        return {source.path: source.text for source in (*files.values(), *self.fixtures, *self._base)}


def _fixed(linted: _Linted, *, writes: bool) -> Sources:
    """The files with every fix applied and written to disk; without `writes`, prints the changes and exits."""
    before = linted.files
    files, fixes = fixed(before, linted.findings)
    if not writes:
        show(*diff(before, files))
        raise click.exceptions.Exit(1 if fixes else 0)
    write_changed(before, files)
    show(f"{linted.path}: {fixes} fixed", err=True)
    return files


def _proved_problems(sources: Sequence[Source], found: Sequence[Finding]) -> Iterator[Finding]:
    """What the prover finds."""
    from engine.prove.findings import proved_problems  # noqa: PLC0415  it is large

    yield from proved_problems(sources, found)


def _say_what_is_not_proved(path: Path, sources: Sequence[Source]) -> None:
    """Says that guarantees of the base were not proved of the set; for the set's own there is a finding."""
    from engine.prove.findings import has_solver  # noqa: PLC0415  as above

    of_base = any(source.base and source.root is not None and "guarantees" in source.root.keys for source in sources)
    if of_base and not has_solver():
        show(f"{path}: the base's guarantees are not proved of this set: python-sat is not installed", err=True)


def _list_void_rules(path: Path, sources: Sequence[Source], form: str | None) -> None:
    """What an upgrade to this engine makes void; exit code 1 if anything."""
    findings = upgrade_findings(sources)
    _print(form or "text", findings, {source.path: source.text for source in sources})
    show(f"{path}: {len(findings)} mutes and silences are void under Trailbell {__version__}", err=True)
    if findings:
        raise click.exceptions.Exit(1)


def _settings(path: Path | None) -> Settings:
    path = path or (_SETTINGS if _SETTINGS.is_file() else None)
    try:
        return settings_of(path.read_text(encoding="utf-8")) if path is not None else DEFAULTS
    except (SettingsError, OSError, UnicodeDecodeError) as error:
        problem = str(error) if isinstance(error, SettingsError) else "it cannot be read"
        raise click.UsageError(f"{path}: {problem}") from None


def _tests(path: Path, settings: Settings) -> Path | None:
    """Return the folder of the policy tests, None if it is not known."""
    if settings.tests is not None:
        if not Path(settings.tests).exists():
            raise click.UsageError(f"{_SETTINGS}: tests: there is no {settings.tests}")
        return Path(settings.tests)
    return _TESTS if path == Path("policies") and _TESTS.is_dir() else None


def _print(form: str, findings: Sequence[Finding], texts: dict[str, str]) -> None:
    if form == "text":
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        width = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH
        output = text(findings, texts, colour=colour, width=width)
    else:
        output = FORMATS[form](findings, texts)
    if output:
        show(PaintedText(output))


def _page(code: str) -> str:
    if code == "all":
        return "\n".join(f"{check.code}  {check.what}" for check in CHECKS)
    if code.upper() not in BY_CODE:
        raise click.UsageError(f"there is no finding {code}; --explain all lists them")
    return page(BY_CODE[code.upper()]).rstrip()
