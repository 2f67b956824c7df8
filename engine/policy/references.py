"""Checks across files that a schema cannot make: names must exist, be unique, and not contradict each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.model import INHERITED_OPERATORS, OPEN, OPERATOR_RANK, UNKNOWN, Field, Finding, Operator
from engine.policy import codes
from engine.policy.definitions import SECTIONS
from engine.policy.expression_references import expression_findings
from engine.policy.guarantee_references import WORDS, guarantee_findings
from engine.policy.levels import with_inherited
from engine.policy.scopes import bucket_scope
from engine.policy.shape import suggestion
from engine.policy.texts import text_findings
from engine.policy.times import time_findings, zone_findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.matching.checks import Trees
    from engine.model import Location
    from engine.policy.source import Key, Source, YamlNode

STANDARD: Final = "standard"
ONCE: Final = ("actors", "masking", "audit", "events", "default", "extends", "account_names")


@dataclass(frozen=True, slots=True)
class _Names:
    """Every name that a reference may mean; `accounts` are the aliases, None where others may stand in a file that is not read.

    `unsure`: the kinds of which a name is defined twice. One of the two may be a slip, so a missing name is not reported then.
    """

    channels: frozenset[str]
    levels: frozenset[str]
    accounts: frozenset[str] | None
    unsure: frozenset[str]

    def lacks(self, kind: str, name: object) -> bool:
        """Whether there is certainly no such `channel` or `level`."""
        return kind not in self.unsure and name not in (self.channels if kind == "channel" else self.levels)


def reference_findings(sources: Sequence[Source], trees: Trees, *, complete: bool = True) -> Iterator[Finding]:
    """Everything wrong with the references of files whose shape is right, as they take effect.

    An expression that can never work is found when it is looked up in `trees`. `complete`: these are all files of the set, so
    that what none of them defines is missing.
    """
    own, base = ([source.root for source in sources if source.root is not None and source.base is it] for it in (False, True))
    roots = [*base, *own]
    channels = [str(node.value) for node in _all(roots, "channels", "name")]
    levels = [OPEN, *(str(node.value) for node in _all(roots, "masking", "level"))]
    unsure = frozenset(
        kind for kind, names in (("channel", channels), ("level", levels)) if not complete or len(set(names)) < len(names)
    )
    accounts = frozenset(str(node.value) for root in roots for node in _parts(root, "account_names"))
    names = _Names(frozenset(channels), frozenset(levels), accounts if complete else None, unsure)
    yield from _repeated_names(roots)
    yield from _repeated_sections(own)
    yield from _repeated_sections(base)
    if complete:
        yield from _default(own)
    for source in sources:
        if source.root is not None:
            yield from _file(source, source.root, names)
            yield from expression_findings(source, source.root, trees, complete=complete)
            yield from time_findings(source.root, trees.definitions.lists, complete=complete)


def _all(roots: Iterable[YamlNode], section: str, key: str) -> Iterator[YamlNode]:
    for root in roots:
        for part in _parts(root, section):
            node = part.at(key)
            if node is not None:
                yield node


def _parts(root: YamlNode, *path: Key) -> Iterator[YamlNode]:
    node = root.at(*path)
    return node.items() if node is not None else iter(())


# --- what may stand only once ----------------------------------------------------------------------------------------------


def _repeated_names(roots: Sequence[YamlNode]) -> Iterator[Finding]:
    yield from _repeated((root.children["name"] for root in roots if "name" in root.children), "policy")
    yield from _repeated(_all(roots, "channels", "name"), "channel")
    yield from _repeated(_all(roots, "actors", "class"), "class")
    yield from _repeated(_all(roots, "masking", "level"), "level")
    yield from _repeated((node for root in roots for node in _parts(root, "account_names")), "alias")
    yield from _repeated(
        (node for root in roots for actor in _parts(root, "actors") for node in _all([actor], "evidence", "id")), "evidence"
    )
    for section, kind in SECTIONS.items():
        yield from _repeated_keys([root.children[section] for root in roots if section in root.children], kind)
    for root in roots:
        yield from _repeated(_all([root], "routes", "id"), "route")
        yield from _repeated(_all([root], "silences", "id"), "silence")
        yield from _repeated(_all([root], "guarantees", "id"), "guarantee")


def _repeated_sections(roots: Sequence[YamlNode]) -> Iterator[Finding]:
    for section in ONCE:
        holders = [root for root in roots if section in root.keys]
        for root in holders[1:]:
            where = holders[0].keys[section]
            instead = f"keep one; the other is at {where}"
            yield Finding(codes.TWICE, root.keys[section], f"{section} may stand in one file only", instead)


def _repeated(nodes: Iterable[YamlNode], kind: str) -> Iterator[Finding]:
    first: dict[str, YamlNode] = {}
    for node in nodes:
        before = first.setdefault(str(node.value), node)
        if before is not node:
            yield Finding(
                codes.TWICE, node.where, f"duplicate {kind} {node.value}", f"rename one; the other is at {before.where}"
            )


def _repeated_keys(nodes: Iterable[YamlNode], kind: str) -> Iterator[Finding]:
    first: dict[str, Location] = {}
    for node in nodes:
        for name, where in node.keys.items():
            before = first.setdefault(name, where)
            if before is not where:
                yield Finding(codes.TWICE, where, f"duplicate {kind} {name}", f"rename one; the other is at {before}")


def _default(roots: Sequence[YamlNode]) -> Iterator[Finding]:
    if roots and not any("default" in root.keys for root in roots):
        where = next(iter(roots[0].keys.values()), roots[0].where)
        instead = "add to one file: default: {notify: [CHANNEL], masking: standard}"
        yield Finding(codes.DEFAULT, where, "no file says where events go that no policy decided", instead)


# --- one file --------------------------------------------------------------------------------------------------------------


def _file(source: Source, root: YamlNode, names: _Names) -> Iterator[Finding]:
    yield from _level(root.at("masking_floor"), names)
    yield from _level(root.at("audit", "masking"), names)
    if not source.base:  # the set's own default takes the place of the base's
        yield from _level(root.at("default", "masking"), names)
        yield from _channels(root.at("default", "notify"), names)
    yield from _accounts(root, names)
    yield from _buckets(root)
    for route in _parts(root, "routes"):
        yield from _route(source, route, names)
    for silence in _parts(root, "silences"):
        yield from _channels(silence.at("channels"), names)
    for guarantee in _parts(root, "guarantees"):
        yield from _guarantee(guarantee, names)
    for actor in _parts(root, "actors"):
        yield from _actor(source, actor)
    yield from _masking(root)
    for channel in _parts(root, "channels"):
        yield from _channel(channel, names)


def _level(node: YamlNode | None, names: _Names) -> Iterator[Finding]:
    if node is not None and names.lacks("level", node.value):
        yield Finding(
            codes.NO_SUCH,
            node.where,
            f"there is no masking level {node.value}",
            suggestion(str(node.value), sorted(names.levels)),
        )


def _accounts(root: YamlNode, names: _Names) -> Iterator[Finding]:
    for account in _parts(root, "accounts"):
        alias = str(account.value)
        if names.accounts is not None and not alias.isdecimal() and alias not in names.accounts:
            instead = suggestion(alias, sorted(names.accounts)) if names.accounts else "name it in account_names"
            yield Finding(codes.NO_SUCH, account.where, f"there is no account {alias}", instead)


def _buckets(root: YamlNode) -> Iterator[Finding]:
    """A scope of exclusions alone."""
    node = root.at("buckets")
    if node is not None and not bucket_scope(node.value).patterns:
        instead = 'add what they are excluded from, such as "*"'
        yield Finding(codes.WRONG_VALUE, root.keys["buckets"], "this scope has nothing but exclusions", instead)


def _channels(node: YamlNode | None, names: _Names) -> Iterator[Finding]:
    seen: set[str] = set()
    for channel in node.items() if node is not None else ():
        if names.lacks("channel", channel.value):
            yield Finding(
                codes.NO_SUCH,
                channel.where,
                f"there is no channel {channel.value}",
                suggestion(str(channel.value), sorted(names.channels)),
            )
        elif channel.value in seen:
            yield Finding(codes.TWICE, channel.where, f"duplicate channel {channel.value}", "keep one of them")
        seen.add(str(channel.value))


def _route(source: Source, route: YamlNode, names: _Names) -> Iterator[Finding]:
    keys, where = route.keys, route.children["id"].where
    if "notify" not in keys and "mute" not in keys:
        yield Finding(
            codes.NOTIFY_OR_MUTE, where, "the route neither notifies nor mutes", "add notify: [CHANNEL], or mute: REASON"
        )
    if "notify" in keys and "mute" in keys:
        yield Finding(codes.NOTIFY_OR_MUTE, keys["mute"], "a route cannot both notify and mute", "make two routes of it")
    if "mute" in keys:
        yield from _mute(route)
    elif "everyone" in keys:
        yield Finding(codes.UNKNOWN_KEY, keys["everyone"], "everyone has no meaning in a route that notifies", "delete it")
    yield from _channels(route.at("notify"), names)
    yield from _level(route.at("masking"), names)
    yield from text_findings(source, route.at("title"))


def _mute(route: YamlNode) -> Iterator[Finding]:
    if route.at("continue") is not None and route.children["continue"].value is True:
        yield Finding(
            codes.NOTIFY_OR_MUTE, route.keys["continue"], "a mute ends its policy, so it cannot continue", "delete continue"
        )
    if "when" not in route.keys:
        yield Finding(codes.MISSING_KEY, route.keys["mute"], "a mute without when would mute everything", "add when: EXPRESSION")
    for key in ("masking", "severity", "title", "runbook"):
        if key in route.keys:
            yield Finding(codes.UNKNOWN_KEY, route.keys[key], f"{key} has no meaning in a route that mutes", "delete it")


def _guarantee(guarantee: YamlNode, names: _Names) -> Iterator[Finding]:
    yield from guarantee_findings(guarantee)
    for word in WORDS:
        yield from _channels(guarantee.at(word, "reaches"), names)
        yield from _channels(guarantee.at(word, "except"), names)
        yield from _level(guarantee.at(word, "shown_below"), names)


def _actor(source: Source, actor: YamlNode) -> Iterator[Finding]:
    name = actor.children["class"]
    yield from text_findings(source, actor.at("title"))
    if name.value == UNKNOWN:
        for key in ("evidence", "never_mute"):
            if key in actor.keys:
                yield Finding(
                    codes.CLASS, actor.keys[key], f"the class unknown can have no {key}: it is what nothing else is", "delete it"
                )
        kind = actor.at("kind")
        if kind is not None and kind.value != UNKNOWN:
            yield Finding(codes.CLASS, kind.where, "the class unknown is of the kind unknown", "delete kind")
        return
    for key in ("kind", "evidence"):
        if key not in actor.keys:
            yield Finding(codes.MISSING_KEY, name.where, f"the class {name.value} has no {key}", f"add {key}")
    for evidence in _parts(actor, "evidence"):
        yield from text_findings(source, evidence.at("says"))


# --- masking ---------------------------------------------------------------------------------------------------------------


def operators_of(level: YamlNode) -> dict[Field, Operator]:
    """The operators of a level that are spelled right, with those of fields that need not be listed."""
    values: Mapping[str, Any] = level.children["fields"].value
    known = {field.value for field in Field}, {operator.value for operator in Operator}
    return with_inherited(
        {Field(name): Operator(value) for name, value in values.items() if name in known[0] and value in known[1]}
    )


def _masking(root: YamlNode) -> Iterator[Finding]:
    before: YamlNode | None = None
    for level in _parts(root, "masking"):
        if level.children["level"].value == OPEN:
            yield Finding(codes.TWICE, level.children["level"].where, "the level open is built in", "name it otherwise")
        operators = operators_of(level)
        if operators.get(Field.ACCESS_KEY) is Operator.KEEP and operators.get(Field.ACCOUNT) is not Operator.KEEP:
            where = level.children["fields"].children["access_key"].where
            what = "the access key shows the account, which this level hides"
            yield Finding(codes.KEY_SHOWS_ACCOUNT, where, what, "write access_key: last4, or account: keep")
        if before is not None:
            yield from _weaker(before, level)
        before = level


def _weaker(before: YamlNode, level: YamlNode) -> Iterator[Finding]:
    """A field that an earlier, less strict level masks more. Not listed is dropped."""
    earlier, later = operators_of(before), operators_of(level)
    for field, operator in later.items():
        was = earlier.get(field, Operator.DROP)
        if OPERATOR_RANK[operator] < OPERATOR_RANK[was]:
            fields = level.children["fields"].children
            where = fields[field.value if field.value in fields else INHERITED_OPERATORS[field].value].where
            what = f"{field.value} is weaker here than in the level {before.children['level'].value} before it ({was.value})"
            yield Finding(codes.LEVEL_ORDER, where, what, "order levels from least strict to strictest")


# --- channels --------------------------------------------------------------------------------------------------------------


def _channel(channel: YamlNode, names: _Names) -> Iterator[Finding]:
    name = channel.children["name"]
    floor = channel.at("masking_floor")
    yield from _level(floor, names)
    if floor is None and names.lacks("level", STANDARD):
        yield Finding(
            codes.NO_SUCH,
            name.where,
            "the channel's floor is the level standard, which no file defines",
            "add masking_floor, or define standard",
        )
    yield from _destination(channel)
    yield from _folding(channel)
    yield from zone_findings(channel.at("timezone"))
    yield from _fallback(channel, names)


def _destination(channel: YamlNode) -> Iterator[Finding]:
    webhook, topic = channel.at("webhook"), channel.at("sns")
    if webhook is None and topic is None:
        where = channel.children["name"].where
        yield Finding(
            codes.WEBHOOK, where, "the channel has no destination", "add webhook: {env: SLACK_WEBHOOK_URL}, or sns: TOPIC_ARN"
        )
        return
    if webhook is not None and topic is not None:
        yield Finding(codes.WEBHOOK, channel.keys["sns"], "a channel has either webhook or sns", "make two channels of it")
    if webhook is not None:
        kinds = [key for key in ("env", "secret", "parameter") if key in webhook.keys]
        if len(kinds) != 1 or ("key" in webhook.keys and kinds != ["secret"]):
            instead = "write one of env, secret (with or without key) and parameter"
            yield Finding(codes.WEBHOOK, webhook.where, "a webhook is one reference", instead)
    elif "mention" in channel.keys:
        yield Finding(codes.UNKNOWN_KEY, channel.keys["mention"], "mention has no meaning in a channel with sns", "delete it")


def _folding(channel: YamlNode) -> Iterator[Finding]:
    if "digest" in channel.keys and "incident" in channel.keys:
        what = "a channel has either digest or incident"
        yield Finding(
            codes.DIGEST_OR_INCIDENT, channel.keys["digest"], what, "delete digest: an incident folds across batches, too"
        )


def _fallback(channel: YamlNode, names: _Names) -> Iterator[Finding]:
    fallback = channel.at("fallback")
    if fallback is None:
        if "fallback_after" in channel.keys:
            what = "fallback_after has no meaning without fallback"
            yield Finding(codes.UNKNOWN_KEY, channel.keys["fallback_after"], what, "add fallback: CHANNEL, or delete it")
    elif fallback.value == channel.children["name"].value:
        yield Finding(codes.NO_SUCH, fallback.where, "a channel cannot be its own fallback", "name another channel")
    elif names.lacks("channel", fallback.value):
        yield Finding(
            codes.NO_SUCH,
            fallback.where,
            f"there is no channel {fallback.value}",
            suggestion(str(fallback.value), sorted(names.channels)),
        )
