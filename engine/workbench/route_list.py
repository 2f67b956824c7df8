"""What a policy set can do with an event: its routes and silences in the order of a decision, for every bucket or for one.

For one bucket, what can never hold is left out: files whose scope has another bucket, and matchers that are false whatever the
rest of the event is. An example, for the bucket `orders`:

    bucket == 'ledger' && actor.kind == 'person'     left out: its first part is false
    !glob(bucket, 'ledger-*') && access.denied       stays: the rest decides
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.matching.formula import And, Atom, Not, evaluate
from engine.pipeline.decide.reference import DEFAULT_ROUTE, has_scope, in_scope
from engine.workbench.parts import formula_in
from engine.workbench.windows import span_text, windows_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.matching.formula import Formula
    from engine.model import Level, Policy, PolicySet, Route, Silence

_BUCKET: Final = ("bucket",)


class ListedRule(NamedTuple):
    """A route, a silence or the default. `does`: notify, mute, silence or default.

    `targets` are channels, each with level and severity (empty for those of a silence). `reason` is that of a mute or a silence;
    `continues`: later routes of the file are evaluated where this one holds.
    `during` is when a route holds, in words; empty for always.
    """

    name: str
    does: str
    when: tuple[str, ...]
    targets: tuple[tuple[str, str, str], ...] = ()
    reason: str = ""
    continues: bool = False
    during: str = ""


class ListedPolicy(NamedTuple):
    """A file with the rules of it that may hold. `buckets` and `accounts` are its scope (None: every one)."""

    name: str
    path: str
    owner: str
    buckets: tuple[str, ...] | None
    accounts: tuple[str, ...] | None
    rules: tuple[ListedRule, ...]


def listed(policies: PolicySet, bucket: str | None = None, account: str | None = None) -> tuple[ListedPolicy, ...]:
    """The files in the order of a decision, each with its rules that may hold for an event on `bucket`, recorded in `account`.

    Where these are None, every bucket and every account counts. The default is the last rule of the file that holds it.
    """
    files = (policy for policy in policies.policies if _may_see(policy, bucket, account))
    return tuple(
        ListedPolicy(
            policy.name,
            policy.path,
            policy.owner,
            written_scope(policy),
            None if policy.accounts is None else tuple(sorted(policy.accounts)),
            tuple(_rules(policy, policies, bucket)),
        )
        for policy in files
    )


def written_scope(policy: Policy) -> tuple[str, ...] | None:
    """The `buckets` scope of a policy as it is written, the exclusions last; None for every bucket."""
    return None if policy.buckets is None else (*policy.buckets, *(f"!{pattern}" for pattern in policy.exclusions))


def _may_see(policy: Policy, bucket: str | None, account: str | None) -> bool:
    """Whether a file's scope takes events on a bucket and in an account; what is None may be anything."""
    narrowed = policy._replace(
        buckets=None if bucket is None else policy.buckets, accounts=None if account is None else policy.accounts
    )
    return not has_scope(narrowed) or in_scope(narrowed, () if bucket is None else (bucket,), account)


def _rules(policy: Policy, policies: PolicySet, bucket: str | None) -> Iterator[ListedRule]:
    for route in policy.routes:
        when = () if route.matcher is None else route.matcher.expressions
        if may_hold(when, bucket, policies):
            yield _route(route, policy, policies, when)
    if policy.name == policies.default.policy:
        default = policies.default
        targets = tuple((name, _level(default.level, name, policy, policies).name, "warning") for name in default.notify)
        yield ListedRule(f"{policy.name}/{DEFAULT_ROUTE}", "default", (), targets, "where no file decides")
    for silence in policy.silences:
        if may_hold(silence.matcher.expressions, bucket, policies):
            yield _silence(silence, policy)


def _route(route: Route, policy: Policy, policies: PolicySet, when: tuple[str, ...]) -> ListedRule:
    levels = ((name, _level(route.level or policies.default.level, name, policy, policies)) for name in route.notify)
    return ListedRule(
        f"{policy.name}/{route.id}",
        "notify" if route.mute is None else "mute",
        when,
        tuple((name, level.name, route.severity.value) for name, level in levels),
        route.mute or "",
        continues=route.continues,
        during=windows_text(route.during),
    )


def _silence(silence: Silence, policy: Policy) -> ListedRule:
    channels = sorted(silence.channels or ())
    until = f"{span_text(silence)}: {silence.reason}"
    return ListedRule(
        f"{policy.name}/{silence.id}", "silence", silence.matcher.expressions, tuple((name, "", "") for name in channels), until
    )


def _level(level: Level, channel: str, policy: Policy, policies: PolicySet) -> Level:
    """The level that readers of a channel get if this route alone asks: the strictest of its own and the floors."""
    floors = [floor for floor in (policies.channels[channel].masking_floor, policy.masking_floor) if floor is not None]
    return max([level, *floors], key=lambda each: each.rank)


# --- which matchers may hold ------------------------------------------------------------------------------------------------


def may_hold(expressions: tuple[str, ...], bucket: str | None, policies: PolicySet) -> bool:
    """Whether a matcher may hold for some event on a bucket; of parts that read anything else, either result is possible."""
    if bucket is None:
        return True
    return _can_be(formula_in(policies, expressions), bucket, wanted=True)


def _can_be(part: Formula, bucket: str, *, wanted: bool) -> bool:
    """Whether a formula can have a result. A part whose evaluation fails has neither."""
    if isinstance(part, Atom):
        return part.path != _BUCKET or evaluate(part, {"bucket": bucket}) is wanted
    if isinstance(part, Not):
        return _can_be(part.part, bucket, wanted=not wanted)
    every = isinstance(part, And) is wanted
    return (all if every else any)(_can_be(each, bucket, wanted=wanted) for each in part.parts)
