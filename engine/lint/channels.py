"""What is wrong with channels that load: what is never folded, which destination stands twice, who hears while Slack is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import Edit, Field, Finding, FindingSeverity, IncidentRule, Severity
from engine.policy.durations import seconds_of
from engine.policy.positions import line_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.policy.source import Source, YamlNode

NEVER_FOLDS: Final = "TB414"
SAME_DESTINATION: Final = "TB415"
NO_FALLBACK: Final = "TB416"
NO_TABLE: Final = "TB417"
CIRCLE: Final = "TB429"

_UNLIKE: Final = (Field.TIME, Field.KEY, Field.EVENT_ID, Field.REQUEST_ID)
"""Fields that have another value in each event, or in nearly each."""

_FALLBACK_AFTER: Final = "fallback_after: 5m"


def channel_findings(sources: Sequence[Source], *, has_table: bool) -> Iterator[Finding]:
    """Everything about the channels of a set whose files load. `has_table`: the function has a table of deliveries."""
    channels = [(source, channel) for source in sources for channel in _parts(source, "channels")]
    critical = {
        name
        for source in sources
        for route in _parts(source, "routes")
        if route.value.get("severity") == Severity.CRITICAL
        for name in route.value.get("notify", ())
    }
    for source, channel in channels:
        yield from _never_folds(channel)
        if len(channels) > 1 and channel.value["name"] in critical and "fallback_after" not in channel.keys:
            yield _without_fallback(source, channel)
        if "incident" in channel.keys and not has_table:
            what, instead = "without the table of deliveries an incident is one batch", "deploy with DeliveryTable=yes"
            yield Finding(NO_TABLE, channel.keys["incident"], what, instead, FindingSeverity.NOTE)
    yield from _same_destination([channel for _, channel in channels])
    yield from _circles([channel for _, channel in channels])


def _parts(source: Source, section: str) -> Iterator[YamlNode]:
    node = source.root.at(section) if source.root is not None else None
    return node.items() if node is not None else iter(())


def _never_folds(channel: YamlNode) -> Iterator[Finding]:
    for section in ("digest", "incident"):
        by = channel.at(section, "by")
        for field in by.items() if by is not None else ():
            if field.value in _UNLIKE:
                what = f"{field.value} is another one in nearly every event, so none are alike"
                yield Finding(NEVER_FOLDS, field.where, what, f"delete it from {section}.by", FindingSeverity.WARNING)
    after = channel.at("incident", "after")
    if after is not None and "webhook" in channel.keys:
        window = channel.value["incident"].get("window")
        seconds = seconds_of(window) if window is not None else int(IncidentRule().window)
        if after.value >= seconds:
            what = f"{after.value} single messages take the whole window: Slack takes one a second from a webhook"
            yield Finding(NEVER_FOLDS, after.where, what, "write a smaller number, such as 3", FindingSeverity.WARNING)


def _same_destination(channels: Sequence[YamlNode]) -> Iterator[Finding]:
    first: dict[str, YamlNode] = {}
    for channel in channels:
        destination = channel.children["sns" if "sns" in channel.keys else "webhook"]
        before = first.setdefault(repr(sorted(destination.value.items()) if destination.children else destination.value), channel)
        if before is not channel:
            what = f"this is the destination of {before.value['name']}, too: an event for both is posted twice"
            yield Finding(SAME_DESTINATION, destination.where, what, "make one channel of them", FindingSeverity.WARNING)


def _circles(channels: Sequence[YamlNode]) -> Iterator[Finding]:
    """Fallbacks of Slack channels that lead back to where they started, in a set that has a topic to end at."""
    following = {channel.value["name"]: channel.value.get("fallback") for channel in channels}
    topics = [channel.value["name"] for channel in channels if "sns" in channel.keys]
    told: set[str] = set()
    for channel in channels:
        name = channel.value["name"]
        way = [name]
        while (after := following.get(way[-1])) is not None and after not in way:
            way.append(after)
        if after == name and topics and told.isdisjoint(way) and not set(topics) & set(way):
            told.update(way)
            what = f"the fallbacks go in a circle: {', '.join([*way, name])}; while Slack is away, nobody hears"
            instead = f"let one of them fall back to {topics[0]}, which is no Slack channel"
            yield Finding(CIRCLE, channel.children["fallback"].where, what, instead, FindingSeverity.NOTE)


def _without_fallback(source: Source, channel: YamlNode) -> Finding:
    where, name = channel.children["name"].where, channel.value["name"]
    what = f"critical messages for {name} reach nobody while Slack is away"
    if "fallback" not in channel.keys:
        instead = f"name a fallback, best a topic (sns), and add {_FALLBACK_AFTER}"
        return Finding(NO_FALLBACK, where, what, instead, FindingSeverity.NOTE)
    return Finding(
        NO_FALLBACK, where, what, f"add {_FALLBACK_AFTER}", FindingSeverity.NOTE, _with_fallback_after(source, channel)
    )


def _with_fallback_after(source: Source, channel: YamlNode) -> tuple[Edit, ...]:
    """The delay behind the fallback: on a line of its own, or on the same where keys share a line."""
    key, end = channel.keys["fallback"], channel.children["fallback"].span[1]
    indent = line_text(source.text, key.line)[: key.column - 1]
    if indent.strip():
        return (Edit(end, end, f", {_FALLBACK_AFTER}"),) if "{" in indent else ()
    line_end = "\r\n" if "\r\n" in source.text else "\n"
    stop = source.text.find(line_end, end)
    stop = len(source.text) if stop < 0 else stop
    return (Edit(stop, stop, f"{line_end}{indent}{_FALLBACK_AFTER}"),)
