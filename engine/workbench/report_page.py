"""A replay as one HTML page: charts of messages over time and of the ways of events, and tables that can be sorted and filtered.

The page asks nothing of any other place, and its Content-Security-Policy forbids it to; of scripts and styles it allows only
its own, which it names by their hash. All text is escaped, and all that comes from an event is masked before it gets here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from itertools import starmap
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import Field
from engine.workbench.report import SLACK_PER_HOUR, by_hour, time_lines, week_means

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from engine.workbench.replay import Replay
    from engine.workbench.report import ReplayTallies

PAGE_MAX: Final = 1_000_000
"""Bytes of a page."""

_ROWS: Final = (200, 100, 50, 25, 10, 5)
"""Rows of a table: as many as the page has room for."""

_LINES: Final = 12
"""Channels with a line and a week of their own: those with the most messages."""

_WAYS: Final = 40
_BUSY_HOURS: Final = 100
_TEXT_MAX: Final = 120
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ALL: Final = "all channels"
_FATES: Final = ("notified", "notified by default", "muted", "silenced", "nobody notified")

_POLICY: Final = "default-src 'none'; style-src 'sha256-{style}'; script-src {scripts}; base-uri 'none'; form-action 'none'"

_FOOTER: Final = (
    "<footer>Trailbell replayed events of the past by policies {}; nothing was sent. Names and buckets are masked as the "
    "policies say. This page asks nothing of any other place. Charts by Apache ECharts.</footer>\n"
)


class ReportAssets(NamedTuple):
    """The texts that a page is made of, as they stand in the folder `report`."""

    style: str
    charts: str
    script: str


class ReportTable(NamedTuple):
    """Rows with their column heads; a head that ends in `#` is one of numbers."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str | int, ...]]
    note: str = ""


def report_page(made: Replay, tallies: ReplayTallies, assets: ReportAssets) -> str:
    """The page, of at most `PAGE_MAX` bytes: its tables have as many rows as fit."""
    for rows in _ROWS:
        text = _page(made, tallies, assets, rows)
        if len(text.encode()) <= PAGE_MAX:
            return text
    raise AssertionError("five rows a table fit on every page")


def _page(made: Replay, tallies: ReplayTallies, assets: ReportAssets, rows: int) -> str:
    scripts = " ".join(f"'sha256-{_digest(text)}'" for text in (assets.charts, assets.script))
    hours = _busiest_channels(made)
    data = _data(made, tallies, hours)
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta http-equiv="Content-Security-Policy" content="',
            f'{_POLICY.format(style=_digest(assets.style), scripts=scripts)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>Replay of {made.counts.events:,} events</title>\n<style>{assets.style}</style>\n</head>\n<body>\n",
            *_header(made),
            "<main>\n",
            *_charts(hours, data),
            '<section id="tables"><h2>Tables</h2>\n<div class="tables">\n',
            *(_table(table, rows) for table in _tables(made, tallies, hours)),
            "</div></section>\n</main>\n",
            _FOOTER.format(escape(made.setting.policies.revision[:19])),
            f'<script type="application/json" id="data">{_for_script(data)}</script>\n',
            f"<script>{assets.charts}</script>\n<script>{assets.script}</script>\n</body>\n</html>\n",
        ]
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _for_script(data: object) -> str:
    """JSON that ends no script and starts no comment: what HTML knows is written as escapes, and so is all but ASCII."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# --- what the charts show -----------------------------------------------------------------------------------------------------


def _busiest_channels(made: Replay) -> dict[str, Counter[datetime]]:
    """Messages by hour of each channel that got any, the ones with the most messages first."""
    channels = sorted(made.counts.channels.items(), key=lambda item: (-item[1].messages, item[0]))
    return {name: by_hour(channel) for name, channel in channels if channel.messages}


def _data(made: Replay, tallies: ReplayTallies, hours: Mapping[str, Counter[datetime]]) -> dict[str, Any]:
    shown = dict(list(hours.items())[:_LINES])
    lines = time_lines(shown)
    ways = tallies.flows.most_common()
    data: dict[str, Any] = {"ways": len(ways), "flows": [[*way, count] for way, count in ways[:_WAYS]]}
    if lines and made.counts.first and made.counts.last:
        first = min(made.counts.first, *(min(counts) for counts in hours.values()))
        last = max(made.counts.last, *(max(counts) for counts in hours.values()))
        every = sum(hours.values(), start=type(next(iter(hours.values())))())
        line = next(iter(lines.values()))
        data["time"] = {
            "start": int(line.start.timestamp() * 1000),
            "step": line.step,
            "rate": SLACK_PER_HOUR,
            "channels": {name: line.values for name, line in lines.items()},
        }
        data["week"] = {
            name: [round(mean, 3) for mean in week_means(counts, first, last)] for name, counts in ({_ALL: every} | shown).items()
        }
    return data


def _charts(hours: Mapping[str, Counter[datetime]], data: Mapping[str, Any]) -> Iterator[str]:
    if "time" in data:
        yield from _time_chart(hours, data["time"]["step"])
        yield from _week_chart(data["week"])
    if data["flows"]:
        more = f" The {_WAYS} most frequent ways are drawn." if data["ways"] > _WAYS else ""
        yield (
            '<section><h2 id="ways">From class through route to channel</h2>\n'
            '<p class="faint">Events. One that several routes or channels take is counted for each of them.'
            f"{more} The table <a href='#t-ways-of-events'>Ways of events</a> has the numbers.</p>\n"
            '<div class="chart" id="flow" role="img" aria-label="The ways of events as a Sankey diagram; '
            'the table Ways of events says the same."></div></section>\n'
        )


def _time_chart(hours: Mapping[str, Counter[datetime]], step: int) -> Iterator[str]:
    name, hour, most = max(
        ((name, hour, count) for name, counts in hours.items() for hour, count in counts.items()), key=lambda item: item[2]
    )
    per_point = "" if step == 1 else f" Each point is the busiest hour of {step} hours."
    left_out = f" The {_LINES} channels with the most messages are shown, of {len(hours):,}." if len(hours) > _LINES else ""
    yield (
        '<section><h2 id="over-time">Messages an hour, by channel</h2>\n'
        f'<p class="faint">Times are UTC.{per_point}{left_out}</p>\n'
        f"<p>The busiest hour: {most:,} in {escape(name)} on {hour:%Y-%m-%d at %H:00}, {_share(most)} of what "
        f"Slack takes for one channel ({SLACK_PER_HOUR:,} an hour, one a second).</p>\n"
        f'<div class="choice"><label><input type="checkbox" id="rate"{" checked" if 4 * most >= SLACK_PER_HOUR else ""}> '
        "Show Slack's rate</label></div>\n"
        '<div class="chart" id="time" role="img" aria-label="Messages an hour by channel over time; the tables Channels and '
        'Busiest hours say the same in numbers."></div></section>\n'
    )


def _week_chart(week: Mapping[str, Sequence[float]]) -> Iterator[str]:
    options = "".join(f'<option value="{escape(name)}">{escape(name)}</option>' for name in week)
    heads = "".join(f'<th scope="col" class="number">{hour:02}</th>' for hour in range(24))
    rows = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f'<td class="number">{mean:g}</td>' for mean in week[_ALL][24 * day : 24 * day + 24])
        + "</tr>"
        for day, name in enumerate(_DAYS)
    )
    yield (
        '<section><h2 id="over-week">Hour and weekday</h2>\n<p class="faint">Messages an hour on average, UTC.</p>\n'
        f'<div class="choice"><label>Channel <select id="of">{options}</select></label></div>\n'
        '<div class="chart" id="week" role="img" aria-label="Messages on average by weekday and hour, as a heat map; '
        'the table below has all channels together in numbers."></div>\n'
        f"<details><summary>All channels in numbers</summary><div class='scroll' tabindex='0' role='region' "
        f"aria-label='Messages by weekday and hour'><table class='week'><thead><tr><th scope='col'>UTC</th>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div></details></section>\n"
    )


def _share(count: int) -> str:
    share = 100 * count / SLACK_PER_HOUR
    return "less than 1%" if share < 1 else f"{share:,.0f}%"


# --- text and tables ----------------------------------------------------------------------------------------------------------


def _header(made: Replay) -> Iterator[str]:
    span = (
        f"{made.counts.first:%Y-%m-%d %H:%M} to {made.counts.last:%Y-%m-%d %H:%M} UTC"
        if made.counts.first and made.counts.last
        else "No event"
    )
    cards = {
        "events": made.counts.events,
        "messages": sum(channel.messages for channel in made.counts.channels.values()),
        **dict(sorted(made.counts.fates.items(), key=lambda item: _FATES.index(item[0]))),
        "not looked at": sum(made.counts.passed_over.values()),
    }
    yield f"<header><h1>Who would have heard what</h1>\n<p class='faint'>{span}</p>\n<dl class='cards'>"
    yield from (f"<div><dt>{escape(name)}</dt><dd>{count:,}</dd></div>" for name, count in cards.items())
    yield "</dl>\n<nav aria-label='On this page'><ul>"
    parts = {"over-time": "Over time", "over-week": "Hour and weekday"} if _busiest_channels(made) else {}
    parts |= {"ways": "From class to channel"} if sum(made.counts.fates.values()) else {}
    yield from (f"<li><a href='#{name}'>{text}</a></li>" for name, text in {**parts, "tables": "Tables"}.items())
    yield "</ul></nav></header>\n"


def _tables(made: Replay, tallies: ReplayTallies, hours: Mapping[str, Counter[datetime]]) -> Iterator[ReportTable]:
    yield _channel_table(made, hours)
    busy = sorted(((count, name, hour) for name, counts in hours.items() for hour, count in counts.items()), reverse=True)
    yield ReportTable(
        "Busiest hours",
        ("Hour (UTC)", "Channel", "Messages#", "% of Slack's rate#"),
        [
            (f"{hour:%Y-%m-%d %H:00}", name, count, round(100 * count / SLACK_PER_HOUR))
            for count, name, hour in busy[:_BUSY_HOURS]
        ],
    )
    yield ReportTable(
        "Ways of events", ("Class", "Route", "Channel", "Events#"), [(*way, n) for way, n in tallies.flows.most_common()]
    )
    held = {name: ("route", count) for name, count in made.counts.routes.items()}
    held |= {name: ("silence", count) for name, count in made.counts.silences.items()}
    yield ReportTable(
        "Rules that held",
        ("Rule", "Kind", "Events#"),
        [(name, kind, count) for name, (kind, count) in sorted(held.items(), key=lambda item: -item[1][1])],
        "A mute is a route that notifies nobody.",
    )
    yield ReportTable(
        "Rules that never held",
        ("Rule", "Kind"),
        [(name, kind.removesuffix("s")) for kind, names in made.never_held().items() for name in names],
    )
    yield _counts("Classes", "Class", made.counts.classes)
    yield _counts("Evidence", "Class and evidence", made.counts.evidence)
    yield _counts("Who", "Name", tallies.fields[Field.NAME])
    yield _counts("Buckets", "Bucket", tallies.fields[Field.BUCKET])
    yield _counts("Operations", "Operation", tallies.fields[Field.EVENT])
    yield _counts("Events that were not looked at", "Why", made.counts.passed_over)


def _channel_table(made: Replay, hours: Mapping[str, Counter[datetime]]) -> ReportTable:
    heads = ("Channel", "Events#", "Messages#", "Most in an hour#", "Most in a minute#")
    rows = [
        (
            name,
            channel.events,
            channel.messages,
            max(hours.get(name, {}).values(), default=0),
            (channel.busiest_minute or (0, 0))[1],
        )
        for name, channel in sorted(made.counts.channels.items(), key=lambda item: (-item[1].messages, item[0]))
    ]
    return ReportTable("Channels", heads, rows, "Slack takes 60 messages a minute for a channel; the rest waits.")


def _counts(title: str, head: str, counts: Counter[str]) -> ReportTable:
    return ReportTable(title, (head, "Events#"), counts.most_common())


def _table(table: ReportTable, most: int) -> str:
    if not table.rows:
        return ""
    name, count = table.title, len(table.rows)
    shown = f"{count:,} row{'' if count == 1 else 's'}" if count <= most else f"the first {most:,} of {count:,} rows"
    place = f"t-{name.lower().replace(' ', '-')}"
    numeric = [head.endswith("#") for head in table.heads]
    return "".join(
        [
            f'<div class="table"><div class="head"><h3 id="{place}">{escape(name)}</h3>',
            f'<span class="count" role="status">{shown}</span>',
            f'<label><input type="search" placeholder="Filter" aria-label="Filter {escape(name)}"></label></div>\n',
            f"<p class='faint'>{escape(table.note)}</p>" if table.note else "",
            f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{place}">',
            f'<table aria-labelledby="{place}"><thead><tr>',
            *starmap(_head, zip(table.heads, numeric, strict=True)),
            "</tr></thead><tbody>\n",
            *(_row(row, numeric) for row in table.rows[:most]),
            "</tbody></table></div></div>\n",
        ]
    )


def _head(head: str, numeric: bool) -> str:  # noqa: FBT001  by position, out of zip
    kind = ' class="number"' if numeric else ""
    return f'<th scope="col"{kind}><button type="button">{escape(head.removesuffix("#"))}</button></th>'


def _row(row: tuple[str | int, ...], numeric: Sequence[bool]) -> str:
    cells = [
        f'<td class="number" data-value="{value}">{value:,}</td>'
        if is_number
        else f'<th scope="row">{_clipped(str(value))}</th>'
        if place == 0
        else f"<td>{_clipped(str(value))}</td>"
        for place, (value, is_number) in enumerate(zip(row, numeric, strict=True))
    ]
    return f"<tr>{''.join(cells)}</tr>\n"


def _clipped(text: str) -> str:
    return escape(text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…")
