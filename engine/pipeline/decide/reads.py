"""What of a record a policy set reads: which groups of facts, and which of CloudTrail's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.matching.source import reads_whole
from engine.pipeline.facts import READ_BY_GROUP, READ_BY_SCOPE, TIME
from engine.pipeline.select import READ_BY_SELECTION
from engine.policy.given import GIVEN, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Matcher, PolicySet

    Path = tuple[str, ...]

_HEADS: Final = frozenset(path[0] for path in GIVEN.places)
_EVENT_ID: Final = ("eventID",)


def groups_read(policies: PolicySet) -> frozenset[int]:
    """The groups of facts that scopes and matchers read."""
    paths = _paths(policies)
    if any(reads_whole(path, GIVEN) for path in paths):
        return frozenset(READ_BY_GROUP)
    found = {group for path, (group, _) in GIVEN.places.items() if any(one[: len(path)] == path for one in paths)}
    return frozenset(found | ({TARGET} if _scoped(policies) else set()))


def fields_read(policies: PolicySet) -> frozenset[Path] | None:
    """The fields of a record without which it might be selected or decided differently; None: all of them.

    A field is named by its path; what is in it counts as read, too. In a list, the fields of each of its objects.
    """
    paths = _paths(policies)
    if () in paths:
        return None
    facts = (READ_BY_GROUP.get(group, frozenset()) for group in groups_read(policies))
    named = frozenset(path for path in paths if path[0] not in _HEADS)
    timed = any(policy.silences or any(route.during for route in policy.routes) for policy in policies.policies)
    others = (READ_BY_SCOPE if _scoped(policies) else (), [TIME] if timed else ())
    return named.union({_EVENT_ID}, READ_BY_SELECTION, *facts, *others)


def _scoped(policies: PolicySet) -> bool:
    return any(policy.buckets is not None or policy.accounts is not None for policy in policies.policies)


def _paths(policies: PolicySet) -> frozenset[Path]:
    """Every path that a matcher reads; the empty one is the document as a whole."""
    return frozenset[tuple[str, ...]]().union(*{matcher.reads for matcher in _matchers(policies)})


def _matchers(policies: PolicySet) -> Iterator[Matcher]:
    for actor in policies.actors:
        yield from (evidence.matcher for evidence in actor.evidence)
    for policy in policies.policies:
        yield from (route.matcher for route in policy.routes if route.matcher is not None)
        yield from (silence.matcher for silence in policy.silences)
