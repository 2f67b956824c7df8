"""`trailbell mint`: fixtures and policy tests out of real events."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import yaml

from engine.cli.inputs import InputReader, paths_argument
from engine.cli.options import Timestamp, open_policies, policies_option
from engine.cli.terminal import show
from engine.edge.secrets import random_key
from engine.model import Deployment, Event
from engine.pipeline.facts import facts
from engine.pipeline.select import passed_over
from engine.pipeline.setting import Setting
from engine.workbench.mint import Mint, Minted, MintError, minted, of_each_decision, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_EVENTS: Final = 200
"""A policy test is for a person to read."""

TESTS: Final = "minted.yaml"
_PLAIN: Final = re.compile(r"[^a-z0-9]+")


@click.command(short_help="Make fixtures and policy tests out of real events.")
@paths_argument
@policies_option
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help=f"The folder to write to: a JSON file for each event, and {TESTS} with the policy tests.",
)
@click.option(
    "--sample",
    is_flag=True,
    help="Take the first event of each different decision, to see by few what a change does.",
)
@click.option("--now", type=Timestamp(), help="Timestamp assumed for events that have none (default: now).")
def mint(inputs: Sequence[str], policies_path: Path, folder: Path, sample: bool, now: datetime | None) -> None:  # noqa: FBT001  click's
    """Make fixtures and policy tests out of real events, so that they can be committed.

    Account ids, addresses, access keys, names, buckets, object keys and sessions are replaced, each by the same in all files.
    Words that the policies name are kept. Each fixture is decided, and its message laid out, as its event is; where a field has
    to be kept for that, it is named. An event that cannot be made a fixture is reported, and makes the exit code 1.
    """
    policies = open_policies(policies_path)
    tests = folder / TESTS
    if tests.exists():
        raise click.ClickException(f"{tests} exists: name another folder, or remove it")
    reader = InputReader(inputs)
    setting, time = Setting(policies, Deployment(), random_key()), now or datetime.now(UTC)
    selected = (event for event in reader.events() if passed_over(event, policies.selection) is None)
    events = _few(of_each_decision(selected, policies, time) if sample else selected)
    fixtures, failed = _fixtures(events, setting, time)
    if not fixtures:
        raise click.ClickException("there is no event to make a fixture of")
    folder.mkdir(parents=True, exist_ok=True)
    cases = [_write(fixture, number, folder, time) for number, fixture in enumerate(fixtures, 1)]
    tests.write_text(yaml.safe_dump({"version": 1, "tests": cases}, sort_keys=False, allow_unicode=True, width=120), "utf-8")
    show(f"{len(fixtures)} fixture{'' if len(fixtures) == 1 else 's'} in {folder}, with their policy tests in {tests}")
    for name in sorted({name for fixture in fixtures for name in fixture.kept}):
        show(f"kept as it is, since the policies decide by it: {name}")
    if reader.unread or failed:
        raise click.exceptions.Exit(1)


def _few(events: Iterable[Event]) -> list[Event]:
    """The events; more than a person reads are refused."""
    few = list(islice(events, MOST_EVENTS + 1))
    if len(few) > MOST_EVENTS:
        raise click.UsageError(f"more than {MOST_EVENTS} events; choose those that a test should show, or let --sample choose")
    return few


def _fixtures(events: Sequence[Event], setting: Setting, time: datetime) -> tuple[list[Minted], bool]:
    """The fixtures, and whether an event could not be made one."""
    minter, failed, usable = Mint(words_of(setting.policies)), False, []
    for event in events:
        try:
            minted(event, setting, minter, time)
        except MintError as error:
            failed = True
            show(f"{event.where}: {error}", err=True)
        else:
            usable.append(event)
    # Once more: what an event made the minter keep is kept in those before it as well.
    return [minted(event, setting, minter, time) for event in usable], failed


def _write(fixture: Minted, number: int, folder: Path, time: datetime) -> dict[str, Any]:
    """Write a fixture; its policy test."""
    words = " ".join(_words(fixture))
    path = folder / f"{number:03}-{_PLAIN.sub('-', words.lower()).strip('-')[:80]}.json"
    path.write_text(json.dumps(fixture.record, indent=2) + "\n", "utf-8")
    timed = facts(Event(fixture.record, "")).time is not None
    return {
        "name": f"{number}: {words}",
        "event": path.name,
        **({} if timed else {"now": time.isoformat()}),
        "expect": fixture.expect,
    }


def _words(fixture: Minted) -> Iterator[str]:
    yield str(fixture.expect["class"])
    name = fixture.record.get("eventName")
    if isinstance(name, str) and re.fullmatch("[A-Za-z0-9]{1,60}", name):
        yield name
    yield "muted" if not fixture.expect["channels"] else "to " + ", ".join(fixture.expect["channels"])
