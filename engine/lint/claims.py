"""What a set that loads still leaves to others: a service that acts for anyone, a route that the caller can choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import Finding, FindingSeverity
from engine.policy.mending import where, written_out
from engine.policy.pins import ACTOR_FACTS, SERVICES, branch_pins, spelled_out, texts
from engine.policy.quieter import QuieterRules, parts, quieter_rules
from engine.policy.strength import only_claims

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.matching.checks import Trees
    from engine.policy.pins import Branch, EvidenceBranches
    from engine.policy.source import Source, YamlNode

SERVICE: Final = "TB424"
CHOSEN: Final = "TB425"

_SOURCE_ACCOUNT: Final = ("userIdentity", "inScopeOf", "sourceAccount")


def claims_findings(sources: Sequence[Source], trees: Trees) -> Iterator[Finding]:
    """A note for each quieter rule of such a service, and a warning for each such route, of files that load."""
    roots = [source.root for source in sources if source.root is not None]
    rules = QuieterRules([root.value for root in roots], trees)
    for root in roots:
        for word, rule in quieter_rules(root):
            yield from _service(rule, rules, word)
        routes = list(parts(root, "routes"))
        for route in routes[:-1]:
            if "notify" in route.keys and route.value.get("continue") is not True:
                yield from _chosen(route, rules)


def _service(rule: YamlNode, rules: QuieterRules, word: str) -> Iterator[Finding]:
    for branch in rules.branches(rule.value):
        for _, spelled in spelled_out(branch, rules.actors):
            pinned = branch_pins(spelled)
            if pinned and all(atom.path in SERVICES for atom in pinned) and not _names_account(spelled):
                what = f"a service of AWS may act for anyone{where(branch)}, and this {word} does not say for whom"
                instead = "where CloudTrail records it, also test userIdentity.inScopeOf.sourceAccount == '…'"
                yield Finding(SERVICE, rule.keys["when"], what, instead, FindingSeverity.NOTE)
                return


def _names_account(branch: Branch) -> bool:
    return any(atom.path == _SOURCE_ACCOUNT and texts(atom) is not None for atom in branch)


def _chosen(route: YamlNode, rules: QuieterRules) -> Iterator[Finding]:
    for branch in rules.branches(route.value):
        if all(map(_is_chosen, spelled_out(branch, rules.actors))):
            what = f"the caller may choose {written_out(branch)}, and then no route below this one is asked"
            instead = "add continue: true, or also test who calls"
            yield Finding(CHOSEN, route.keys["when"], what, instead, FindingSeverity.WARNING)
            return


def _is_chosen(spelled: tuple[EvidenceBranches | None, Branch]) -> bool:
    """Whether a branch, spelled out, tests nothing but claims. A claim that nothing can mute makes an event louder."""
    actor, branch = spelled
    tested = frozenset(atom for atom in branch if atom.path not in ACTOR_FACTS)
    return (actor is None or not actor.never_mute) and only_claims(tested)
