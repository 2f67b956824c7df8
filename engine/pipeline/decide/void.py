"""What makes mutes and silences void for an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import VoidReason
from engine.policy.fact_layout import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model import FactGroups, PolicySet

CROSS_ACCOUNT: Final = ("actor", "cross_account")
BUCKET: Final = ("bucket",)
COPY_BUCKET: Final = ("copy", "bucket")

_READS: Final[Mapping[VoidReason, frozenset[tuple[str, ...]]]] = {
    VoidReason.ACCOUNT: frozenset({CROSS_ACCOUNT}),
    VoidReason.BUCKET: frozenset({BUCKET, COPY_BUCKET}),
}
"""The facts that reasons hang on."""

_ACCOUNTS, _BUCKETS, _SOURCES = (FACTS.places[path] for path in (CROSS_ACCOUNT, BUCKET, COPY_BUCKET))


def void_reasons(facts: FactGroups, *, never_mute: bool, failed: bool) -> tuple[VoidReason, ...]:
    """All that makes quieter rules void for an event: a rule is void for the first of these that is among its `void_for`.

    A rule that is not allowed is void for every event.
    """
    holds = {
        VoidReason.NOT_ALLOWED: True,
        VoidReason.NEVER_MUTE: never_mute,
        VoidReason.FAILURE: failed,
        VoidReason.ACCOUNT: of_another_account(facts),
        VoidReason.BUCKET: of_another_bucket(facts),
    }
    return tuple(reason for reason, applies in holds.items() if applies)


def of_another_account(facts: FactGroups) -> bool:
    """Whether the caller is of another account than the bucket's, or may be."""
    group, place = _ACCOUNTS
    return facts[group][place] is not False


def of_another_bucket(facts: FactGroups) -> bool:
    """Whether an event is a copy out of another bucket than the one that is written."""
    source = facts[_SOURCES[0]][_SOURCES[1]]
    return source is not None and source != facts[_BUCKETS[0]][_BUCKETS[1]]


# --- as bits, for rules that are evaluated for every event -------------------------------------------------------------------

BITS: Final[Mapping[VoidReason, int]] = {reason: 1 << number for number, reason in enumerate(VoidReason)}


def bits_of(reasons: Iterable[VoidReason]) -> int:
    """Reasons as the bits of a number."""
    return sum(BITS[reason] for reason in set(reasons))


def limit_bits(reasons: frozenset[VoidReason], facts: FactGroups) -> int:
    """Which of these reasons hold for an event, as bits; only those that hang on facts are looked at."""
    account = VoidReason.ACCOUNT in reasons and of_another_account(facts)
    bucket = VoidReason.BUCKET in reasons and of_another_bucket(facts)
    return account * BITS[VoidReason.ACCOUNT] | bucket * BITS[VoidReason.BUCKET]


def limits(policies: PolicySet) -> frozenset[VoidReason]:
    """The reasons for which some quieter rule of a set is void, among those that hang on facts."""
    routes = (route.void_for for policy in policies.policies for route in policy.routes if route.mute is not None)
    silences = (silence.void_for for policy in policies.policies for silence in policy.silences)
    return frozenset[VoidReason]().union(*routes, *silences) & _READS.keys()


def paths_of(policies: PolicySet) -> frozenset[tuple[str, ...]]:
    """The facts that `limits` are read of."""
    return frozenset[tuple[str, ...]]().union(*(_READS[reason] for reason in limits(policies)))
