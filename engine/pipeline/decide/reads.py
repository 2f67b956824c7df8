"""Which groups of facts a policy set reads, and which paths of a record its matchers read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.matching.source import reads_whole
from engine.pipeline.decide.reference import has_scope
from engine.pipeline.decide.void import paths_of
from engine.policy.fact_layout import FACTS, GROUPS, ROLE, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Matcher, PolicySet
    from engine.policy.fact_layout import Path


def groups_read(policies: PolicySet) -> frozenset[int]:
    """The groups of facts that scopes and matchers read, by their position in `FactGroups`."""
    paths = paths_read(policies)
    if any(reads_whole(path, FACTS) for path in paths):
        return frozenset(range(GROUPS))
    groups = {group for fact, (group, _) in FACTS.places.items() if any(path[: len(fact)] == fact for path in paths)}
    if any(path[:2] == ("actor", "name") for path in paths):
        groups.add(ROLE)  # the name may be the session's
    return frozenset(groups | ({TARGET} if any(map(has_scope, policies.policies)) else set()))


def paths_read(policies: PolicySet) -> frozenset[Path]:
    """Every path that a matcher reads, or that makes a quieter rule void; the empty one is the document as a whole."""
    return paths_of(policies).union(*{matcher.reads for matcher in matchers(policies)})


def matchers(policies: PolicySet) -> Iterator[Matcher]:
    """Every matcher of a set."""
    for actor in policies.actors:
        yield from (evidence.matcher for evidence in actor.evidence)
    for policy in policies.policies:
        yield from (route.matcher for route in policy.routes if route.matcher is not None)
        yield from (silence.matcher for silence in policy.silences)
