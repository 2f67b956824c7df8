"""Whether the times of a file mean something: time zones, the windows of routes, the ends of silences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.model import Finding
from engine.policy import codes
from engine.policy.dates import day_range
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.policy.source import YamlNode

    Lists = Mapping[str, frozenset[str]]


def time_findings(root: YamlNode, lists: Lists, *, complete: bool) -> Iterator[Finding]:
    """What is wrong with the windows of routes and guarantees and the times of silences in a file.

    `lists` are those of the set; `complete`: all of them are known.
    """
    for rule in (*_parts(root, "routes"), *_parts(root, "guarantees")):
        for window in windows_of(rule):
            yield from _window(window)
            for day in (*days_of(window, "dates"), *days_of(window, "except")):
                yield from _day(day, lists, complete=complete)
    for silence in _parts(root, "silences"):
        yield from _silence(silence)


def _parts(root: YamlNode, section: str) -> Iterator[YamlNode]:
    node = root.at(section)
    return node.items() if node is not None else iter(())


def zone_findings(node: YamlNode | None) -> Iterator[Finding]:
    """A time zone that does not exist."""
    if node is None:
        return
    try:
        ZoneInfo(str(node.value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        what = f"there is no time zone {str(node.value)!r}"
        yield Finding(codes.TIME, node.where, what, "write an IANA name such as Asia/Tokyo or UTC")


# --- windows -----------------------------------------------------------------------------------------------------------


def windows_of(rule: YamlNode) -> Iterator[YamlNode]:
    """The windows of the `during` of a route or a guarantee."""
    node = rule.at("during")
    if node is not None:
        yield from node.items() if isinstance(node.value, list) else (node,)


def _window(window: YamlNode) -> Iterator[Finding]:
    yield from zone_findings(window.at("timezone"))
    hours = window.at("hours")
    if hours is not None:
        start, end = str(hours.value).split("-")
        if start == end:
            what = "these hours are none: they end as they start"
            yield Finding(codes.WINDOW, hours.where, what, "leave hours out for the whole day")
    if "days" in window.keys and "dates" in window.keys:
        what = "a window has days of the week, or dates"
        yield Finding(codes.WINDOW, window.keys["dates"], what, "make two windows of it: a list, of which one has to hold")


def days_of(window: YamlNode, key: str) -> Iterator[YamlNode]:
    """What the key `dates` or `except` of a window holds: days, ranges of days, and names of lists."""
    node = window.at(key)
    if node is not None:
        yield from node.items() if isinstance(node.value, list) else (node,)


def _day(node: YamlNode, lists: Lists, *, complete: bool) -> Iterator[Finding]:
    text = str(node.value)
    try:
        named = day_range(text) is None
    except ValueError:
        yield Finding(codes.TIME, node.where, f"'{text}' is no date", "such as 2026-12-24, or 2026-12-29..2027-01-03")
        return
    if not named:
        return
    if text not in lists:
        if complete:
            what = f"'{text}' is neither a date nor a list"
            instead = suggestion(text, sorted(lists)) if lists else "such as 2026-12-24, or 2026-12-29..2027-01-03"
            yield Finding(codes.NO_SUCH, node.where, what, instead)
        return
    wrong = next((entry for entry in sorted(lists[text]) if not _is_date(entry)), None)
    if wrong is not None:
        what = f"the list {text} is no list of dates: it has '{wrong}'"
        yield Finding(codes.TIME, node.where, what, "its entries are like 2026-12-24, or 2026-12-29..2027-01-03")


def _is_date(text: str) -> bool:
    try:
        return day_range(text) is not None
    except ValueError:
        return False


# --- silences ----------------------------------------------------------------------------------------------------------


def _silence(silence: YamlNode) -> Iterator[Finding]:
    times: dict[str, datetime] = {}
    for key in ("from", "until"):
        node = silence.at(key)
        if node is None:
            continue
        try:
            time = datetime.fromisoformat(str(node.value))
            if time.tzinfo is not None:
                times[key] = time.astimezone(UTC)
        except (ValueError, OverflowError):
            yield Finding(codes.TIME, node.where, f"{str(node.value)!r} is not a time", "such as 2027-01-31T00:00:00Z")
        else:
            if time.tzinfo is None:
                yield Finding(codes.TIME, node.where, "the time has no zone", f"write {_with_zone(str(node.value))}")
    if len(times) == 2 and times["from"] >= times["until"]:  # noqa: PLR2004  both of them
        what = "the silence ends before it begins"
        yield Finding(codes.TIME, silence.children["from"].where, what, "write a from that is before until")


def _with_zone(text: str) -> str:
    return f"{text}Z" if "T" in text else f"{text}T00:00:00Z"
