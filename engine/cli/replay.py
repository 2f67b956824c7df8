"""`trailbell replay`: who would have heard what of events of the past."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from engine.cli.inputs import InputReader, paths_argument
from engine.cli.options import Timestamp, compiled, policies_option
from engine.cli.spark import SPARK, engine_option, files_for_spark, spark_session
from engine.cli.terminal import heading, show, show_json
from engine.edge.secrets import random_key
from engine.errors import ExpressionError, InputError
from engine.model import Deployment, Field
from engine.pipeline.effect import effect_of
from engine.pipeline.setting import Setting
from engine.policy.load import read_set
from engine.resources import resource
from engine.workbench.event_filter import EventFilter
from engine.workbench.policy_diff import shown
from engine.workbench.replay import SLACK_PER_MINUTE, Replay, as_json, ranked
from engine.workbench.report import ReplayTallies
from engine.workbench.report_page import ReportAssets, report_page

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Sequence

    from engine.model import Event, PolicySet, Verdict
    from engine.policy.source import Source
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
@engine_option
@click.option("--out", metavar="FOLDER", help="With --engine spark: write every decision to this new folder, as Parquet.")
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
    engine: str,
    out: str | None,
    *,
    listed: bool,
) -> None:
    """Replay events of the past: who would have heard what, how many messages that makes, and which rules never held.

    INPUT is what `trailbell decide` takes. Nothing is sent. Messages are counted as the function would post them, incidents and
    digests included. Values are masked as the policies say. The exit code is 1 if something could not be read.
    """
    if engine == SPARK and listed:
        raise click.UsageError("--list is for the local engine; with --engine spark, --out has every decision")
    if engine != SPARK and out:
        raise click.UsageError("--out needs --engine spark; trailbell decide prints every decision")
    policy_files = read_set(policies_path)
    made = Replay(Setting(compiled(policy_files), Deployment(), random_key()), now or datetime.now(UTC))
    wanted = EventFilter(where, bucket, role, event_id, since, until)
    try:
        is_wanted = wanted.test(made.setting.policies, made.now)
    except ExpressionError as error:
        raise click.UsageError(f"--where: {error}") from None
    tallies = None if report_path is None else ReplayTallies()
    try:
        if engine == SPARK:
            unread = _replay_on_spark(inputs, policy_files, made, tallies, wanted, out)
        else:
            reader = InputReader(inputs)
            events = (event for event in reader.events() if is_wanted(event))
            _replay_here(events, made, tallies, listed=listed and form == "text")
            unread = reader.unread
    except InputError as error:
        raise click.ClickException(str(error)) from None
    if report_path is not None and tallies is not None:
        report_path.write_text(report_page(made, tallies, _report_assets()), encoding="utf-8")
        show(f"{report_path}: a page for a browser", err=True)
    if form == "json":
        show_json(as_json(made))
    else:
        show(*_lines(made))
    if unread:
        raise click.exceptions.Exit(1)


def _replay_here(events: Iterable[Event], made: Replay, tallies: ReplayTallies | None, *, listed: bool) -> None:
    for received in made.run(events):
        if listed and received.event is not None and received.decision is not None:
            show(_event_line(received.event, received.decision.verdict, made.setting.policies))
        if tallies is not None:
            tallies.add(received, made.setting.policies)


def _replay_on_spark(  # noqa: PLR0913, PLR0917  what a job is made of
    inputs: Sequence[str],
    policy_files: Sequence[Source],
    made: Replay,
    tallies: ReplayTallies | None,
    wanted: EventFilter,
    out: str | None,
) -> bool:
    """Replay on Spark; whether something could not be read."""
    from engine.spark import jobs, tasks  # noqa: PLC0415  an extra

    plan = tasks.ReplayPlan(tasks.packed(policy_files), made.now, wanted, tallies is not None, out is not None)
    files = files_for_spark(inputs)
    with spark_session() as spark:
        errors = jobs.replay(spark, files, plan, made, tallies, out)
    for error in errors:
        show(error, err=True)
    return bool(errors)


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
        for name, channel in sorted(counts.channels.items(), key=lambda item: (-item[1].messages, item[0])):
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
    most = ranked(counts)
    width = max(len(name) for name, _ in most[:_MOST_LISTED])
    yield from (f"  {name:<{width}}  {count:>9,}" for name, count in most[:_MOST_LISTED])
    if len(most) > _MOST_LISTED:
        yield f"  {len(most) - _MOST_LISTED:,} more"
