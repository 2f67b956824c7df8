"""`trailbell upgrade`: what the base that is there now decides differently from the one that a set was written for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from engine.cli.options import compiled, write_changed
from engine.cli.terminal import show
from engine.edge.secrets import random_key
from engine.errors import LockError
from engine.model import Deployment, Event
from engine.pipeline.facts import facts
from engine.pipeline.setting import Setting
from engine.policy.bases import base_revision, extends, with_base
from engine.policy.files import lock_path
from engine.policy.load import check, read, read_event, set_folder
from engine.resources import resource
from engine.workbench.casefile import read_cases
from engine.workbench.cases import Arrival, Case
from engine.workbench.lock import lock_text, locked_base, pinned
from engine.workbench.upgrade import differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.policy.bases import Extends
    from engine.policy.source import Source
    from engine.workbench.upgrade import Change

_TESTS: Final = Path("tests/policies")


@click.command(short_help="Show what a newer base decides differently, and take it over.")
@click.argument("path", metavar="[PATH]", default="policies", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--tests",
    "tests_path",
    metavar="DIR",
    type=click.Path(exists=True, path_type=Path),
    help="The policy tests whose events are decided. Default: tests/policies, where it is there.",
)
@click.option(
    "--write", is_flag=True, help="Take the base over: write its revision into the policies, and the base into the lock."
)
def upgrade(path: Path, tests_path: Path | None, *, write: bool) -> None:
    """Show what the base of the policy set in PATH decides differently now from when it was last taken over.

    Decides the events of the policy tests, and Trailbell's sample events, with the base that trailbell.lock holds and with the
    one that is there now. Exit code 0: it is the same base, or it was written; 1: it is another one.
    """
    own = read(path)
    named = extends(own)
    if named is None:
        raise click.ClickException(f"{path}: no file says extends, so there is no base that could be another one")
    new = pinned(with_base(own, set_folder(path)))
    revision, lock = base_revision(new), lock_path(set_folder(path))
    old = _locked(own, lock, named)
    same = bool(old) and base_revision(old) == revision
    if old and not same:
        show(f"{named.name} is {revision} here, and was {base_revision(old)} (in {lock}).", "")
        show(*_compared(old, new, tests_path))
    if not write and same and named.revision == revision:
        show(f"{named.name} is {revision}, as these policies want it.")
    elif not write:
        if not old:
            show(f"{named.name} is {revision} here. There is nothing to compare it with: {_why_nothing(lock, named)}.")
        show(f"Take it over with: trailbell upgrade{'' if path == Path('policies') else f' {path}'} --write")
        raise click.exceptions.Exit(1)
    else:
        compiled(new)
        write_changed({source.path: source for source in own}, {source.path: source for source in new if not source.base})
        lock.write_text(lock_text(new), encoding="utf-8")
        show(f"wrote {revision} into {named.node.where.path}, and the base into {lock}")


def _locked(own: Sequence[Source], lock: Path, named: Extends) -> tuple[Source, ...]:
    """The set with the base that the lock holds; empty where there is no lock, or it holds another base than the set wants."""
    try:
        old = (*own, *locked_base(lock.read_bytes())) if lock.is_file() else ()
    except LockError as error:
        raise click.ClickException(f"{lock}: {error}") from None
    return old if old and named.revision in (None, base_revision(old)) else ()


def _why_nothing(lock: Path, named: Extends) -> str:
    if lock.is_file():
        return f"{lock} holds another base than {named.revision}, which these policies want"
    return f"there is no {lock}"


def _compared(old: Sequence[Source], new: Sequence[Source], tests_path: Path | None) -> Iterator[str]:
    """What both sets decide differently, in lines; or why one of them decides nothing."""
    (before, _), (after, findings) = check(old), check(new)
    if before is None or after is None:
        yield f"These policies do not load with the base that {'is there now:' if after is None else 'the lock holds.'}"
        yield from (finding.line for finding in findings)
        return
    key, cases = random_key(), [*_test_cases(tests_path), *_samples()]
    by_changes: dict[tuple[Change, ...], list[Case]] = {}
    for case, changes in differences(cases, *(Setting(policies, Deployment(), key) for policies in (before, after))):
        by_changes.setdefault(changes, []).append(case)
    for changes, of_cases in by_changes.items():
        yield from (f"{change.what}: {change.before} -> {change.after}" for change in changes)
        yield from (f"    {case.name} ({case.where})" for case in of_cases)
        yield ""
    count = sum(map(len, by_changes.values()))
    yield f"{count} of {len(cases)} events are decided differently."


def _test_cases(path: Path | None) -> Sequence[Case]:
    path = path or (_TESTS if _TESTS.is_dir() else None)
    return read_cases(path)[0] if path is not None else ()


def _samples() -> Iterator[Case]:
    """Trailbell's sample events: callers of every class, and what they do."""
    for file in sorted(resource("tests/events").glob("*.json")):
        record, _ = read_event(file)
        time = facts(Event(record, "")).time or datetime.now(UTC)
        yield Case(file.stem.replace("-", " "), "a sample of Trailbell's", (Arrival(record, time),), {})
