"""What a set does to the base that it extends: findings in the base's files that the set causes, and what replacing loses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from engine.errors import ExpressionError
from engine.lint.conditions import together
from engine.lint.meaning import named_channels
from engine.lint.shadowing import covers
from engine.model import OPEN, Finding, FindingSeverity
from engine.policy.bases import blamed, effective, extends
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.lint.conditions import Conditions
    from engine.policy.source import Source, YamlNode

    Covering = Callable[[YamlNode, YamlNode], bool]

UNHEARD: Final = "TB412"
FEWER_CLASSES: Final = "TB413"


def of_the_set(
    findings: Iterable[Finding], sources: Sequence[Source], look: Callable[[Sequence[Source]], Iterable[Finding]]
) -> Iterator[Finding]:
    """The findings of a set's own files, and those of the base's files that the base would not have without the set.

    The latter are warnings at the place where the set extends it. `look` finds what is wrong with files.
    """
    named, in_base, every = extends(sources), {source.path for source in sources if source.base}, list(findings)
    theirs = [finding for finding in every if finding.where.path in in_base]
    yield from (finding for finding in every if finding.where.path not in in_base)
    if named is not None and theirs:
        alone = set(look(_alone([source for source in sources if source.base])))
        for finding in theirs:
            if finding not in alone:
                yield blamed(finding, named)._replace(severity=FindingSeverity.WARNING)


def _alone(base: Sequence[Source]) -> list[Source]:
    """A base's files as a set, with the channels and the default that they need and do not have."""
    values = [source.root.value for source in base if source.root is not None]
    named = {name for source in base if source.root is not None for name in named_channels(source.root)}
    there = {channel["name"] for value in values for channel in value.get("channels", ())}
    missing = sorted(named - there) or ([] if there else ["channel"])
    added: dict[str, Any] = {
        "version": 1,
        "name": "needed-by-the-base",
        "owner": "nobody",
        "channels": [{"name": name, "webhook": {"env": "SLACK_WEBHOOK_URL"}, "masking_floor": OPEN} for name in missing],
    }
    if not any("default" in value for value in values):
        added["default"] = {"notify": missing or sorted(there), "masking": OPEN}
    if not missing:
        del added["channels"]
    return [*(replace(source, base=False) for source in base), parse_source(json.dumps(added).encode(), "")]


# --- what replacing loses --------------------------------------------------------------------------------------------------


def replacement_findings(sources: Sequence[Source], kinds: Mapping[str, str], conditions: Conditions) -> Iterator[Finding]:
    """What a set loses where it replaces a file of its base. `kinds` holds the kind of each actor class."""
    base = {source.root.value["name"]: source.root for source in sources if source.root is not None and source.base}
    roots = [source.root for source in effective(sources) if source.root is not None]

    def covering(wide: YamlNode, narrow: YamlNode) -> bool:
        try:
            return covers(together(conditions.of(wide)), together(conditions.of(narrow)), kinds)
        except ExpressionError:
            return False  # it uses what the replaced file defined

    for root in roots:
        node = root.at("replaces")
        if node is not None:
            yield from _unheard(node, base[node.value], roots, covering)
            yield from _fewer_classes(node, base[node.value], roots)


def _unheard(node: YamlNode, replaced: YamlNode, roots: Sequence[YamlNode], covering: Covering) -> Iterator[Finding]:
    """The routes of a replaced file that rang where no route of the set does."""
    routes = list(_parts(replaced, "routes"))
    lost = [
        route.value["id"]
        for place, route in enumerate(routes)
        if "notify" in route.value
        and not any(_rings(root, route, routes[:place], covering) for root in roots if _covers(root, replaced))
    ]
    if lost:
        what = f"the base's {node.value} also rings for {', '.join(lost)}, and nothing here does"
        instead = "take over these routes, or allow this with the reason"
        yield Finding(UNHEARD, node.where, what, instead, FindingSeverity.WARNING)


def _covers(root: YamlNode, replaced: YamlNode) -> bool:
    """Whether a file is about every event that a replaced file was about."""
    return all(root.value.get(scope) in (None, replaced.value.get(scope)) for scope in ("buckets", "accounts"))


def _rings(root: YamlNode, route: YamlNode, before: Sequence[YamlNode], covering: Covering) -> bool:
    """Whether a file has a route that rings wherever another one did, with no mute ahead of it that the other one had not."""
    for own in _parts(root, "routes"):
        if "mute" in own.value:
            if not any("mute" in other.value and covering(other, own) for other in before):
                return False
        elif own.value.get("during") in (None, route.value.get("during")) and covering(own, route):
            return True
    return False


def _fewer_classes(node: YamlNode, replaced: YamlNode, roots: Sequence[YamlNode]) -> Iterator[Finding]:
    classes = list(_parts(replaced, "actors"))
    if not classes:
        return
    left = {actor.value["class"] for root in roots for actor in _parts(root, "actors") if actor.value.get("never_mute")}
    lost = [actor.value["class"] for actor in classes if actor.value.get("never_mute") and actor.value["class"] not in left]
    what = "this replaces the base's classes, so what a newer engine knows about callers does not reach this set"
    if lost:
        what += f"; mutes now apply to {', '.join(lost)}, which nothing mutes in the base"
    instead = "add classes beside those of the base, with before or after, or allow this with the reason"
    yield Finding(FEWER_CLASSES, node.where, what, instead, FindingSeverity.WARNING)


def _parts(root: YamlNode, section: str) -> Iterator[YamlNode]:
    node = root.at(section)
    return node.items() if node is not None else iter(())
