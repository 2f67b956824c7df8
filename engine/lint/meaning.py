"""What is wrong with a set whose every part is sound: it does not do what its author will expect."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from engine.lint.conditions import together
from engine.lint.shadowing import Shadows
from engine.matching import Node as Tree
from engine.matching import conjuncts, formula_of, index_keys, never_fails, reads
from engine.model import Edit, Field, Finding, FindingSeverity, Location, Operator
from engine.policy.compile import actors_in_order, evidence_rank
from engine.policy.edits import last_line, without_lines
from engine.policy.fact_layout import FACT_TYPES
from engine.policy.positions import line_text
from engine.policy.references import operators_of
from engine.policy.texts import placeholders
from engine.policy.times import windows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import timedelta

    from engine.lint.conditions import Condition, Conditions
    from engine.model import AnyOf
    from engine.policy.source import Source, YamlNode

UNUSED: Final = "TB401"
SHADOWED: Final = "TB402"
NOWHERE: Final = "TB403"
PAST: Final = "TB406"
TOO_LONG: Final = "TB407"
BELOW_FLOOR: Final = "TB408"
TITLE: Final = "TB409"
SCOPE: Final = "TB410"
ORDER: Final = "TB411"
OFFSET: Final = "TB430"

_BUCKET: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-*?")
_LONGEST_BUCKET: Final = 63
_SHORTEST_BUCKET: Final = 3


def set_findings(sources: Sequence[Source], conditions: Conditions) -> Iterator[Finding]:
    """What is to be said of a set as a whole: it loads."""
    roots = [source.root for source in sources if source.root is not None]
    yield from _unused(roots)
    yield from _evidence(roots, conditions)


def meaning_findings(
    sources: Sequence[Source], among: Sequence[Source], conditions: Conditions, now: datetime, longest_silence: timedelta
) -> Iterator[Finding]:
    """What is to be said of the files `among` a set's, each by itself. They load, the others have the shape of a policy."""
    roots = [source.root for source in sources if source.root is not None]
    levels = _levels(roots)
    default = next((root.value["default"].get("masking", "open") for root in roots if "default" in root.value), "open")
    floors = {
        channel["name"]: channel.get("masking_floor", "standard")
        for root in roots
        for channel in root.value.get("channels") or ()
    }
    kinds = kinds_of(sources)
    for source in among:
        if source.root is None:
            continue
        yield from _zones(source.root)
        yield from _scope(source.root)
        yield from _routes(source, source.root, Shadows(kinds), conditions)
        yield from _covered_silences(source.root, Shadows(kinds), conditions)
        yield from _titles(source, source.root, default, levels)
        yield from _floors(source.root, floors, levels)
        for silence in _parts(source.root, "silences"):
            yield from _silence(source, silence, now, longest_silence)


def kinds_of(sources: Iterable[Source]) -> dict[str, str]:
    """The kind of each actor class."""
    roots = (source.root for source in sources if source.root is not None)
    return {actor["class"]: actor["kind"] for root in roots for actor in root.value.get("actors") or () if "kind" in actor}


def _parts(root: YamlNode, section: str) -> Iterator[YamlNode]:
    node = root.at(section)
    return node.items() if node is not None else iter(())


def _warning(code: str, where: Location, what: str, instead: str) -> Finding:
    return Finding(code, where, what, instead, FindingSeverity.WARNING)


# --- channels and levels ----------------------------------------------------------------------------------------------


def _unused(roots: Sequence[YamlNode]) -> Iterator[Finding]:
    used = {name for root in roots for name in named_channels(root)}
    for root in roots:
        for channel in _parts(root, "channels"):
            if channel.value["name"] not in used:
                where = channel.children["name"].where
                yield _warning(UNUSED, where, f"nothing asks for the channel {channel.value['name']}", "delete it, or notify it")


def named_channels(root: YamlNode) -> Iterator[str]:
    """Every channel that a file asks for."""
    yield from root.value.get("default", {}).get("notify", ())
    for route in root.value.get("routes") or ():
        yield from route.get("notify", ())
    for channel in root.value.get("channels") or ():
        if "fallback" in channel:
            yield channel["fallback"]


def _levels(roots: Iterable[YamlNode]) -> dict[str, dict[Field, Operator]]:
    """The levels in order, the least strict first, each with its operators; `open` keeps everything, so it is not there."""
    return {level.value["level"]: operators_of(level) for root in roots for level in _parts(root, "masking")}


def _floors(root: YamlNode, floors: dict[str, str], levels: dict[str, Any]) -> Iterator[Finding]:
    """A route that asks for less than each of its channels allows: what it asks for never happens."""
    order = ["open", *levels]
    for part in (*_parts(root, "routes"), *([root.children["default"]] if "default" in root.children else [])):
        level = part.at("masking")
        notified = part.value.get("notify", ())
        if level is None or not notified or level.value not in order:
            continue
        stricter = [floors[name] for name in notified if name in floors and order.index(floors[name]) > order.index(level.value)]
        if len(stricter) == len(notified):
            what = f"no channel of this route goes below {min(stricter, key=order.index)}, so {level.value} never applies"
            yield _warning(BELOW_FLOOR, level.where, what, "write the level that applies, or lower the channel's masking_floor")


def _titles(source: Source, root: YamlNode, default: str, levels: dict[str, dict[Field, Operator]]) -> Iterator[Finding]:
    for route in _parts(root, "routes"):
        title = route.at("title")
        level = route.value.get("masking", default)
        if title is None or level not in levels:
            continue
        for field, where in placeholders(source, title):
            if field in set(Field) and levels[level].get(Field(field), Operator.DROP) is Operator.DROP:
                what = f"the level {level} drops {field}, so the title will say (hidden)"
                yield _warning(TITLE, where, what, "name a field that the level keeps")


# --- scope and routes -------------------------------------------------------------------------------------------------


def _scope(root: YamlNode) -> Iterator[Finding]:
    for bucket in _parts(root, "buckets"):
        text = bucket.value.removeprefix("!")
        if (
            not set(text) <= _BUCKET
            or len(text) > _LONGEST_BUCKET
            or (len(text) < _SHORTEST_BUCKET and not set("*?") & set(text))
        ):
            what = f"no bucket has such a name as '{text}'"
            instead = "names have 3 to 63 lower-case letters, digits, dots and dashes; * and ? stand for any"
            yield Finding(SCOPE, bucket.where, what, instead)


def _routes(source: Source, root: YamlNode, shadows: Shadows, conditions: Conditions) -> Iterator[Finding]:
    """Routes that an earlier one leaves nothing for, or that continue to nowhere."""
    routes = list(_parts(root, "routes"))
    for place, route in enumerate(routes):
        of_route = conditions.of(route)
        before = shadows.shadowing(route, together(of_route), _decides)
        if before:
            yield _hidden(route, before)
        if route.value.get("continue") is True and place == len(routes) - 1:
            yield _nowhere(source, route.keys["continue"])
        yield from _order(route, of_route)


def _hidden(route: YamlNode, before: Sequence[YamlNode]) -> Finding:
    """A route that earlier ones leave nothing for. Where one of them mutes, that is what is wrong: it takes too much."""
    named = " and ".join(f"{each.value['id']}, at line {each.where.line}," for each in before)
    muting = next((each for each in before if "mute" in each.value), None)
    if muting is not None and len(before) == 1:
        what = f"the mute {muting.value['id']}, at line {muting.where.line}, takes all that this route is about"
        return Finding(SHADOWED, route.children["id"].where, what, "narrow that mute, or put this route before it")
    always = "always does" if len(before) == 1 else "together always do"
    what = f"this route never decides: {named} {always} before it"
    instead = "put it before that route, or delete it" if len(before) == 1 else "put it before them, or delete it"
    return Finding(SHADOWED, route.children["id"].where, what, instead)


def _nowhere(source: Source, where: Location) -> Finding:
    line = line_text(source.text, where.line)
    edits = without_lines(source, where.line, where.line) if line.strip() == "continue: true" else ()
    finding = _warning(NOWHERE, where, "continue leads nowhere: this is the last route", "delete continue")
    return finding._replace(edits=edits)


def _order(route: YamlNode, conditions: Sequence[Condition]) -> Iterator[Finding]:
    """A condition by which an index could find the route, behind one that may fail: such a route is evaluated for every event."""
    parts = [part for condition in conditions for part in conjuncts(condition.tree)]
    if len(parts) <= 1 or _keys(*parts[:1]) or _keys(*parts):
        return
    late = next((part for part in parts if any(map(_is_selective, _keys(part)))), None)
    if late is not None and never_fails(late):
        name = ".".join(min(reads(late)))
        what = f"the test of {name} stands behind one that may fail, so this route is evaluated for every event"
        yield _warning(ORDER, route.children["when"].where, what, f"put the test of {name} first")


def _keys(*parts: Tree) -> Sequence[AnyOf]:
    return index_keys(formula_of(parts, FACT_TYPES))


def _is_selective(keys: AnyOf) -> bool:
    """Whether few events are found by one of these keys."""
    return any(key.kind in ("equals", "prefix") and not isinstance(key.value, bool) for key in keys)


def _decides(before: YamlNode, route: YamlNode) -> bool:
    """Whether an earlier route ends the policy whenever a later one is in time."""
    return before.value.get("continue") is not True and before.value.get("during") in (None, route.value.get("during"))


def _evidence(roots: Sequence[YamlNode], conditions: Conditions) -> Iterator[Finding]:
    """Evidence that is never the first to hold, in the order in which it is asked."""
    shadows = Shadows({})
    actors = {actor.value["class"]: actor for root in roots for actor in _parts(root, "actors")}
    in_order = [actors[content["class"]] for content in actors_in_order([root.value for root in roots])]
    ranked = [(_rank(actor, evidence), evidence) for actor in in_order for evidence in _parts(actor, "evidence")]
    ranks = {evidence.where: rank for rank, evidence in ranked}
    for rank, evidence in sorted(ranked, key=itemgetter(0)):
        before = shadows.shadowing(evidence, together(conditions.of(evidence)), lambda _, __: True)
        if before:
            path, last = evidence.where.path, max(ranks[each.where] for each in before)
            named = " and ".join(
                f"{each.value['id']}, at {f'line {each.where.line}' if each.where.path == path else each.where},"
                for each in before
            )
            always = "always holds" if len(before) == 1 else "one of which always holds"
            what = f"this evidence never decides: {named} {always} before it"
            instead = "put it before that one, or delete it" if last == rank else f"delete it: {_ASKED_BEFORE[last]}"
            yield Finding(SHADOWED, evidence.children["id"].where, what, instead)


_ASKED_BEFORE: Final = (
    "the evidence of classes with never_mute is asked first",
    "attested evidence is asked before claimed evidence",
)
"""Why evidence of each rank but the last is asked before others, wherever it stands."""


def _rank(actor: YamlNode, evidence: YamlNode) -> int:
    return evidence_rank(never_mute=actor.value.get("never_mute", False), strength=evidence.value["strength"])


def _covered_silences(root: YamlNode, shadows: Shadows, conditions: Conditions) -> Iterator[Finding]:
    """Silences that another one makes needless: it is no shorter, and of as many channels."""
    for silence in _parts(root, "silences"):
        before = shadows.shadowing(silence, together(conditions.of(silence)), _outlasts)
        if before:
            named = " and ".join(f"{each.value['id']}, at line {each.where.line}," for each in before)
            what = (
                f"this silence does nothing: {named} {'covers it and is' if len(before) == 1 else 'cover it and are'} no shorter"
            )
            yield Finding(SHADOWED, silence.children["id"].where, what, "delete one of them")


def _outlasts(before: YamlNode, silence: YamlNode) -> bool:
    wide, narrow = before.value.get("channels"), silence.value.get("channels")
    covers = wide is None or (narrow is not None and set(narrow) <= set(wide))
    return covers and _time(before, "from") <= _time(silence, "from") and _time(before, "until") >= _time(silence, "until")


def _time(silence: YamlNode, key: str) -> datetime:
    """When a silence begins (`from`) or ends (`until`); one without `from` holds since ever."""
    written = silence.value.get(key)
    return _EVER if written is None else datetime.fromisoformat(written).astimezone(UTC)


_EVER: Final = datetime.min.replace(tzinfo=UTC)


# --- times ----------------------------------------------------------------------------------------------------------------


def _zones(root: YamlNode) -> Iterator[Finding]:
    """Time zones that are an offset, which summer time does not change."""
    windows = (window for rule in (*_parts(root, "routes"), *_parts(root, "guarantees")) for window in windows_of(rule))
    for node in (part.at("timezone") for part in (*_parts(root, "channels"), *windows)):
        offset = _OFFSET.fullmatch(str(node.value)) if node is not None else None
        if node is not None and offset is not None:
            sign, hours = offset["sign"], offset["hours"]
            behind = (
                f"is {hours} hours {'behind' if sign == '+' else 'ahead of'} UTC, against its sign"
                if sign
                else "has no summer time"
            )
            yield _warning(OFFSET, node.where, f"{node.value} {behind}", "write the place: Asia/Tokyo, America/New_York")


_OFFSET: Final = re.compile(r"Etc/GMT(?P<sign>[+-])(?P<hours>[1-9][0-9]?)|EST|MST|HST")
"""Zones that are named by their offset. POSIX counts it westwards: https://data.iana.org/time-zones/tzdb/etcetera."""


# --- silences ---------------------------------------------------------------------------------------------------------


def _silence(source: Source, silence: YamlNode, now: datetime, longest: timedelta) -> Iterator[Finding]:
    until = _time(silence, "until")
    where = silence.children["until"].where
    if until <= now:
        finding = _warning(PAST, where, f"this silence ended on {until:%Y-%m-%d}", "delete it")
        yield finding._replace(edits=_without_silence(source, silence))
        return
    length, more = (until - _time(silence, "from"), "") if "from" in silence.value else (until - now, "more ")
    if length > longest:
        what = f"this silence lasts {length.days} {more}days; {longest.days} are the most"
        yield _warning(TOO_LONG, where, what, "give it an earlier end, or make a mute of it")


def _without_silence(source: Source, silence: YamlNode) -> tuple[Edit, ...]:
    """The edits that delete a silence which has its lines for itself; with the section, where it is the only one."""
    first, last = silence.where.line, last_line(source, silence)
    opens = line_text(source.text, first)[: silence.where.column - 1].strip() == "-"
    closes = not line_text(source.text, last).partition("}")[2].strip()
    root = source.root
    if root is None or not opens or not closes:
        return ()
    only = len(root.value["silences"]) == 1
    key = root.keys["silences"].line
    return without_lines(source, key if only and line_text(source.text, key).strip() == "silences:" else first, last)
