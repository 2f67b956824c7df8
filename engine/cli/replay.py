"""`trailbell replay`: who would have heard what of events of the past."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from engine.cli.inputs import InputReader, paths_argument
from engine.cli.options import Timestamp, open_policies, policies_option
from engine.cli.terminal import heading, show, show_json
from engine.edge.secrets import random_key
from engine.errors import ExpressionError, MatcherError
from engine.matching import compile_predicate
from engine.model import Deployment, Field
from engine.pipeline.decide import decider_of
from engine.pipeline.effect import effect_of
from engine.pipeline.facts import document, facts
from engine.pipeline.setting import Setting
from engine.resources import resource
from engine.workbench.policy_diff import shown
from engine.workbench.replay import SLACK_PER_MINUTE, Replay, as_json
from engine.workbench.report import ReplayTallies
from engine.workbench.report_page import ReportAssets, report_page

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Sequence

    from engine.model import Event, PolicySet, Verdict
    from engine.workbench.replay import ChannelReplay

_MOST_LISTED: Final = 15
_LISTED_FIELDS: Final = (Field.TIME, Field.EVENT, Field.BUCKET, Field.NAME)


@click.command(short_help="Show who would have heard what of past events.")
@paths_argument
@policies_option
@click.option("--where", metavar="EXPR", help="Only events for which this matcher holds, such as \"actor.class == 'human'\".")
@click.option("--bucket", help="Only events on this bucket.")
@click.option("--role", help="Only events of this role.")
@click.option("--event-id", help="Only the event with this id.")
@click.option("--since", type=Timestamp(), help="Only events from this time on.")
@click.option("--until", type=Timestamp(), help="Only events before this time.")
@click.option("--list", "listed", is_flag=True, help="List the events, each with where it went, in the order of their times.")
@click.option(
    "--report",
    "report_path",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Also write a page with charts and tables to this file, for a browser.",
)
@click.option("--now", type=Timestamp(), help="Timestamp assumed for events that have none (default: now).")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def replay(  # noqa: PLR0913, PLR0917  one parameter an option
    inputs: Sequence[str],
    policies_path: Path,
    where: str | None,
    bucket: str | None,
    role: str | None,
    event_id: str | None,
    since: datetime | None,
    until: datetime | None,
    report_path: Path | None,
    now: datetime | None,
    form: str,
    *,
    listed: bool,
) -> None:
    """Replay events of the past: who would have heard what, how many messages that makes, and which rules never held.

    INPUT is what `trailbell decide` takes. Nothing is sent. Messages are counted as the function would post them, incidents and
    digests included. Values are masked as the policies say. The exit code is 1 if something could not be read.
    """
    policies = open_policies(policies_path)
    time = now or datetime.now(UTC)
    made = Replay(Setting(policies, Deployment(), random_key()), time)
    tallies = None if report_path is None else ReplayTallies()
    tests = [
        *([_at_time(since, until, time)] if since or until else []),
        *([lambda event: event.record.get("eventID") == event_id] if event_id else []),
        *([lambda event: facts(event).bucket == bucket] if bucket else []),
        *([lambda event: facts(event).role == role] if role else []),
        *([_matching(where, policies, time)] if where else []),
    ]
    reader = InputReader(inputs)
    wanted = (event for event in reader.events() if all(test(event) for test in tests))
    for received in made.run(wanted):
        if listed and form == "text" and received.event is not None and received.decision is not None:
            show(_event_line(received.event, received.decision.verdict, policies))
        if tallies is not None:
            tallies.add(received, policies)
    if report_path is not None and tallies is not None:
        report_path.write_text(report_page(made, tallies, _report_assets()), encoding="utf-8")
        show(f"{report_path}: a page for a browser", err=True)
    if form == "json":
        show_json(as_json(made))
    else:
        show(*_lines(made))
    if reader.unread:
        raise click.exceptions.Exit(1)


def _at_time(since: datetime | None, until: datetime | None, now: datetime) -> Callable[[Event], bool]:
    def is_wanted(event: Event) -> bool:
        time = facts(event).time or now
        return (since is None or time >= since) and (until is None or time < until)

    return is_wanted


def _matching(where: str, policies: PolicySet, now: datetime) -> Callable[[Event], bool]:
    try:
        holds = compile_predicate([where])
    except ExpressionError as error:
        raise click.UsageError(f"--where: {error}") from None

    def is_wanted(event: Event) -> bool:
        verdict = decider_of(policies).verdict(event.record, now)
        try:
            return holds(document(event.record, facts(event), verdict.actor, verdict.evidence))
        except MatcherError as error:
            raise click.ClickException(f"--where fails on {event.where}: {error}") from None

    return is_wanted


def _report_assets() -> ReportAssets:
    return ReportAssets(*(resource(f"report/{name}").read_text("utf-8") for name in ("report.css", "charts.js", "report.js")))


# --- as text ------------------------------------------------------------------------------------------------------------------


def _event_line(event: Event, verdict: Verdict, policies: PolicySet) -> str:
    values = shown(event, verdict, policies).values
    fields = "  ".join(values[name] for name in _LISTED_FIELDS if name in values)
    return f"{fields}  {verdict.actor.name}  {effect_of(verdict).text}"


def _lines(made: Replay) -> Iterator[str]:
    counts = made.counts
    span = f", {counts.first:%Y-%m-%d %H:%M} to {counts.last:%Y-%m-%d %H:%M} UTC" if counts.first and counts.last else ""
    yield f"{counts.events:,} event{'' if counts.events == 1 else 's'}{span}"
    yield from _counts("what became of them", counts.fates + counts.passed_over)
    yield from _counts("classes", counts.classes)
    if counts.channels:
        width = max(map(len, counts.channels))
        yield heading("channels")
        for name, channel in sorted(counts.channels.items(), key=lambda item: -item[1].messages):
            yield f"  {name:<{width}}  {channel.events:>9,} events  {channel.messages:>7,} messages{_busiest(channel)}"
    yield from _counts("rules that held", counts.routes + counts.silences)
    for part, names in made.never_held().items():
        if names:
            yield heading(f"{part} that never held", f"  {', '.join(names)}")


def _busiest(channel: ChannelReplay) -> str:
    busiest = channel.busiest_minute
    if busiest is None:
        return ""
    minute, count = busiest
    more = f"; Slack takes {SLACK_PER_MINUTE} a minute, the rest waits" if count > SLACK_PER_MINUTE else ""
    return f", most in a minute: {count:,} at {minute:%Y-%m-%d %H:%M}{more}"


def _counts(title: str, counts: Counter[str]) -> Iterator[str]:
    if not counts:
        return
    yield heading(title)
    most = counts.most_common()
    width = max(len(name) for name, _ in most[:_MOST_LISTED])
    yield from (f"  {name:<{width}}  {count:>9,}" for name, count in most[:_MOST_LISTED])
    if len(most) > _MOST_LISTED:
        yield f"  {len(most) - _MOST_LISTED:,} more"
