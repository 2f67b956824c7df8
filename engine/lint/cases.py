"""What is wrong with policy tests: files that cannot be read, names that do not exist, and rules that no test names."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import UNKNOWN, Finding, FindingSeverity
from engine.policy import codes
from engine.policy.durations import seconds_of
from engine.policy.load import CASES_SCHEMA, arrivals_of, event_path, schema
from engine.policy.shape import shape_findings, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from engine.policy.source import Source, YamlNode

OF_TESTS: Final = "TB6"
"""How the codes of findings start that only policy tests show."""

UNNAMED: Final = "TB601"
NO_SUCH: Final = "TB602"
NEVER_COUNTS: Final = "TB603"


class _NamedRule(NamedTuple):
    """Something that a test may name: what it is, its name there, and where it stands."""

    kind: str
    name: str
    node: YamlNode


_NAMES: Final = {
    "class": ("class",),
    "evidence": ("evidence",),
    "channels": ("channel",),
    "posts": ("channel",),
    "counted": ("channel",),
    "routes": ("route",),
    "mutes": ("route",),
    "silences": ("silence",),
    "void": ("route", "silence"),
    "failures": ("route", "silence"),
}
"""What the keys of `expect` name. (A failure may also be that of a piece of evidence, by its file's name and its id.)"""

DAYS_MAX: Final = 31
"""From the first to the last event of a policy test: longer than any window."""

ARRIVALS_MAX: Final = 10_000
"""Events of one policy test."""

_TESTED: Final = frozenset({"evidence", "route", "silence"})


def case_file_findings(source: Source) -> Iterator[Finding]:
    """What is wrong with one file of policy tests by itself: how it is written, its shape, duplicate names."""
    root = source.root
    findings: Sequence[Finding] = source.findings
    if root is not None and not findings:
        findings = shape_findings(root, schema(CASES_SCHEMA))
    yield from findings
    if root is None or findings:
        return
    lines: dict[str, int] = {}
    for case in _cases(source):
        name = case.value["name"]
        if name in lines:
            where = (case.at("name") or case).where
            what = f"duplicate test {name!r}, first at line {lines[name]}"
            yield Finding(codes.TWICE, where, what, "rename one of them")
        lines.setdefault(name, case.where.line)
        yield from _arrivals(case)


def _arrivals(case: YamlNode) -> Iterator[Finding]:
    """Either one event, or several with their overrides; not more than can be run in a few seconds."""
    where, events = (case.at("name") or case).where, case.at("events")
    if events is None:
        if "event" not in case.keys:
            yield Finding(codes.MISSING_KEY, where, "the test has no event", "add event: FILE, or events: [{event: FILE}]")
        return
    for key in ("event", "override"):
        if key in case.keys:
            instead = "delete it, or move it into events"
            yield Finding(codes.UNKNOWN_KEY, case.keys[key], f"{key} has no meaning beside events", instead)
    first = next(events.items())
    if "after" in first.keys:
        yield Finding(codes.UNKNOWN_KEY, first.keys["after"], "after has no meaning at the first event", "delete it")
    days = sum(seconds_of(arrival.value["after"]) for arrival in events.items() if "after" in arrival.keys) / 86_400
    if days > DAYS_MAX:
        yield Finding(
            codes.WRONG_VALUE, events.where, f"the events take {days:,.0f} days", f"at most {DAYS_MAX} days in one test"
        )
    count = sum(arrival.value.get("repeat", 1) for arrival in events.items())
    if count > ARRIVALS_MAX:
        yield Finding(codes.WRONG_VALUE, events.where, f"{count:,} events are too many", f"at most {ARRIVALS_MAX:,} in one test")


def case_findings(
    sources: Sequence[Source], tests: Sequence[Source], fixtures: Sequence[Source], *, include_base: bool = False
) -> Iterator[Finding]:
    """What is wrong with policy tests beside a set whose files have their shape. `fixtures`: the event files that can be read.

    The rules of a base need no tests of the set that extends it, unless `include_base`.
    """
    broken = [finding for test in tests for finding in case_file_findings(test)]
    yield from broken
    if any(finding.code != codes.TWICE for finding in broken):
        return
    rules = [(rule, source.base and not include_base) for source in sources for rule in _rules(source)]
    known: defaultdict[str, set[str]] = defaultdict(set, {"class": {UNKNOWN}})
    for rule, _ in rules:
        known[rule.kind].add(rule.name)
    there = {fixture.path for fixture in fixtures}
    named: set[tuple[str, str]] = set()
    for test in tests:
        for case in _cases(test):
            for arrival in arrivals_of(case):
                yield from _event(arrival, test.path, there)
            for key, node, name in _named(case):
                named.update((kind, name) for kind in _NAMES[key])
                if key != "failures":
                    yield from _known(key, node, name, known[_NAMES[key][0]])
            yield from _never_counted(case, known["channel"] - known["channel with incidents"])
    for rule, of_base in rules:
        if rule.kind in _TESTED and not of_base and (rule.kind, rule.name) not in named:
            what, instead = f"no policy test names this {rule.kind}", f"write one that expects {rule.name}"
            yield Finding(UNNAMED, rule.node.children["id"].where, what, instead, FindingSeverity.WARNING)


def _cases(test: Source) -> Iterator[YamlNode]:
    cases = test.root.at("tests") if test.root is not None else None
    return cases.items() if cases is not None else iter(())


def _event(case: YamlNode, path: str, there: set[str]) -> Iterator[Finding]:
    event = case.at("event")
    if event is not None and isinstance(event.value, str) and event_path(path, event.value).as_posix() not in there:
        yield Finding(codes.NO_EVENT, event.where, "there is no such event file", "name a JSON file relative to this one")


def _never_counted(case: YamlNode, without: AbstractSet[str]) -> Iterator[Finding]:
    """Counts of channels without incidents. A digest is of one batch, and each event of a test comes in one of its own."""
    counted = case.at("expect", "counted")
    for name, count in counted.children.items() if counted is not None else ():
        if name in without and count.value:
            what, instead = f"{name} has no incident, so none is counted", f"expect posts, or give {name} an incident"
            yield Finding(NEVER_COUNTS, count.where, what, instead)


def _rules(source: Source) -> Iterator[_NamedRule]:
    root = source.root
    if root is None:
        return
    policy = root.value["name"]
    for actor in _of(root, "actors"):
        yield _NamedRule("class", actor.value["class"], actor)
        yield from (_NamedRule("evidence", evidence.value["id"], evidence) for evidence in _of(actor, "evidence"))
    for channel in _of(root, "channels"):
        yield _NamedRule("channel", channel.value["name"], channel)
        if "incident" in channel.keys:
            yield _NamedRule("channel with incidents", channel.value["name"], channel)
    yield from (_NamedRule("route", f"{policy}/{route.value['id']}", route) for route in _of(root, "routes"))
    yield from (_NamedRule("silence", f"{policy}/{silence.value['id']}", silence) for silence in _of(root, "silences"))


def _of(node: YamlNode, section: str) -> Iterator[YamlNode]:
    inner = node.at(section)
    return inner.items() if inner is not None else iter(())


def _named(case: YamlNode) -> Iterator[tuple[str, YamlNode, str]]:
    """Each name that a case expects: under which key, where, and the name."""
    expect = case.at("expect")
    for key in _NAMES:
        node = expect.at(key) if expect is not None else None
        if node is None:
            continue
        if isinstance(node.value, str):
            yield key, node, node.value
        elif isinstance(node.value, dict):
            yield from ((key, child, str(name)) for name, child in node.children.items())
        elif isinstance(node.value, list):
            yield from ((key, child, child.value) for child in node.items())


def _known(key: str, node: YamlNode, name: str, known: set[str]) -> Iterator[Finding]:
    if name not in known:
        yield Finding(NO_SUCH, node.where, f"{key}: the set has no {_NAMES[key][0]} {name}", suggestion(name, sorted(known)))
