"""What makes a policy set quieter than the one before it: for whoever reads that the policies changed.

Quieter is: a mute or a silence is new, or holds for more; what makes mutes void is gone; fewer events are looked at; a route that
notifies, or one of its channels, is gone, it holds for something else, is less severe, or another one ends the asking before it;
more is decided in place of the default; a channel posts to another place, lost its fallback, or folds other events together.
So wherever a channel heard of an event and does not any more, something is named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import SEVERITY_RANK, Selects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.model import ActorClass, Definitions, Evidence, Matcher, Policy, PolicySet, Route, Silence

ADDED: Final = "+"
GONE: Final = "-"
CHANGED: Final = "~"

_CLASS_FACTS: Final = frozenset({"class", "kind", "evidence", "strength"})
"""Facts of the caller that the set's own evidence decides."""


class QuieterChange(NamedTuple):
    """One change that makes a set quieter: `mark` is `+`, `-` or `~`, `rule` what it is about, `detail` how."""

    mark: str
    rule: str
    detail: str


def quieter_changes(before: PolicySet, after: PolicySet) -> tuple[QuieterChange, ...]:
    """What makes `after` quieter than `before`, the mutes and silences first; empty where nothing does."""
    return (
        *_mutes(before, after),
        *_silences(before, after),
        *_classes(before, after),
        *_selection(before, after),
        *_routes(before, after),
        *_defaults_place(before, after),
        *_channels(before, after),
    )


# --- mutes and silences -------------------------------------------------------------------------------------------------------


def _mutes(before: PolicySet, after: PolicySet) -> Iterator[QuieterChange]:
    known = {name: (policy, route) for name, policy, route in _all_routes(before) if route.mute is not None}
    for name, policy, route in _all_routes(after):
        if route.mute is None:
            continue
        rule, text = f"mute {name}", f"{_when(route.matcher)} ({route.mute})"
        if name not in known:
            yield QuieterChange(ADDED, rule, text)
            continue
        old_policy, old = known[name]
        if lost := _redefined(old.matcher, route.matcher, before, after):
            yield QuieterChange(CHANGED, rule, lost)
        elif _holds_for(policy, route) != _holds_for(old_policy, old):
            yield QuieterChange(CHANGED, rule, _from_to(_scoped(old_policy, old.matcher), _scoped(policy, route.matcher)))
        elif set(_ids_before(policy, route)) < set(_ids_before(old_policy, old)) or _opens(old_policy, policy, route):
            yield QuieterChange(CHANGED, rule, "it is asked before routes that stood before it")


def _silences(before: PolicySet, after: PolicySet) -> Iterator[QuieterChange]:
    known = {name: (policy, silence) for name, policy, silence in _all_silences(before)}
    for name, policy, silence in _all_silences(after):
        rule, until = f"silence {name}", f"until {silence.until:%Y-%m-%d %H:%M}"
        if name not in known:
            yield QuieterChange(ADDED, rule, f"{_when(silence.matcher)} {until} ({silence.reason})")
            continue
        old_policy, old = known[name]
        if silence.until > old.until:
            yield QuieterChange(CHANGED, rule, _from_to(f"until {old.until:%Y-%m-%d %H:%M}", until))
        if old.start is not None and (silence.start is None or silence.start < old.start):
            yield QuieterChange(CHANGED, rule, _from_to(_start(old), _start(silence)))
        if lost := _redefined(old.matcher, silence.matcher, before, after):
            yield QuieterChange(CHANGED, rule, lost)
        elif _silences_for(policy, silence) != _silences_for(old_policy, old):
            yield QuieterChange(CHANGED, rule, _from_to(_scoped(old_policy, old.matcher), _scoped(policy, silence.matcher)))


def _start(silence: Silence) -> str:
    return "since ever" if silence.start is None else f"from {silence.start:%Y-%m-%d %H:%M}"


def _ids_before(policy: Policy, route: Route) -> Sequence[str]:
    """The routes that are asked before this one and end the asking where they hold."""
    place = next((number for number, other in enumerate(policy.routes) if other.id == route.id), len(policy.routes))
    return [other.id for other in policy.routes[:place] if not other.continues]


def _opens(old_policy: Policy, policy: Policy, mute: Route) -> bool:
    """Whether a route before the mute goes on to it now and did not."""
    ended = {route.id for route in old_policy.routes if not route.continues}
    places = [route.id for route in policy.routes]
    earlier = policy.routes[: places.index(mute.id)]
    return any(route.continues and route.id in ended for route in earlier)


def _holds_for(policy: Policy, route: Route) -> object:
    return *_notifies_for(policy, route), frozenset(route.void_for)


def _silences_for(policy: Policy, silence: Silence) -> object:
    scope = policy.buckets, policy.exclusions, policy.accounts, silence.channels
    return *scope, silence.matcher.expressions, frozenset(silence.void_for)


# --- who is taken for what, and which events are looked at --------------------------------------------------------------------


def _classes(before: PolicySet, after: PolicySet) -> Iterator[QuieterChange]:
    new = {actor.name: actor for actor in after.actors}
    for actor in before.actors:
        if not actor.never_mute:
            continue
        if actor.name not in new or not new[actor.name].never_mute:
            yield QuieterChange(GONE, f"never_mute {actor.name}", "mutes and silences hold for this class now")
    for name, old, evidence in _evidence_changed(before, after):
        mark = ADDED if old is None else GONE if evidence is None else CHANGED
        yield QuieterChange(mark, f"evidence {name}", _from_to(*(_when(sign.matcher) for sign in (old, evidence) if sign)))
    if after.unknown.never_mute < before.unknown.never_mute:
        yield QuieterChange(GONE, f"never_mute {after.unknown.name}", "mutes and silences hold for this class now")


def _evidence_changed(before: PolicySet, after: PolicySet) -> Iterator[tuple[str, Evidence | None, Evidence | None]]:
    """Evidence that is not as it was, where that can make something quieter.

    That of a class with `never_mute`, and any where a rule goes by what evidence decides.
    """
    by_class = any(map(_reads_class, (*_quieter_matchers(after), *_notifying_matchers(before))))
    old, new = _signs(before), _signs(after)
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key), new.get(key)
        redefined = was and now and _redefined(was[1].matcher, now[1].matcher, before, after)
        if (redefined or _sign(was) != _sign(now)) and (by_class or (was is not None and was[0].never_mute)):
            yield "/".join(key), was[1] if was else None, now[1] if now else None


def _signs(policies: PolicySet) -> Mapping[tuple[str, str], tuple[ActorClass, Evidence]]:
    return {(actor.name, sign.id): (actor, sign) for actor, sign in policies.evidence}


def _sign(evidence: tuple[ActorClass, Evidence] | None) -> object:
    return None if evidence is None else (evidence[0].kind, evidence[1].strength, evidence[1].matcher.expressions)


def _quieter_matchers(policies: PolicySet) -> Iterator[Matcher]:
    mutes = (route.matcher for _, _, route in _all_routes(policies) if route.mute is not None)
    yield from (matcher for matcher in mutes if matcher is not None)
    yield from (silence.matcher for _, _, silence in _all_silences(policies))


def _notifying_matchers(policies: PolicySet) -> Iterator[Matcher]:
    yield from (route.matcher for _, _, route in _all_routes(policies) if route.mute is None and route.matcher is not None)


def _reads_class(matcher: Matcher) -> bool:
    return any(path[:1] == ("actor",) and (len(path) == 1 or path[1] in _CLASS_FACTS) for path in matcher.reads)


def _selection(before: PolicySet, after: PolicySet) -> Iterator[QuieterChange]:
    old, new = before.selection, after.selection
    if old.select is Selects.ALL and new.select is not Selects.ALL:
        yield QuieterChange(CHANGED, "events", _from_to(f"select {old.select.value}", f"select {new.select.value}"))
    if new.names is not None and (old.names is None or old.names - new.names):
        lost = "every other name" if old.names is None else ", ".join(sorted(old.names - new.names))
        yield QuieterChange(GONE, "events", lost)


# --- routes and channels ------------------------------------------------------------------------------------------------------


def _routes(before: PolicySet, after: PolicySet) -> Iterator[QuieterChange]:
    new = {name: (policy, route) for name, policy, route in _all_routes(after) if route.mute is None}
    for name, policy, route in _all_routes(before):
        if route.mute is not None:
            continue
        rule = f"route {name}"
        if name not in new:
            yield QuieterChange(GONE, rule, f"{_when(route.matcher)} → {_hashed(route.notify)}")
            continue
        new_policy, now = new[name]
        if lost := [channel for channel in route.notify if channel not in now.notify]:
            yield QuieterChange(CHANGED, rule, f"not to {_hashed(lost)} any more")
        if redefined := _redefined(route.matcher, now.matcher, before, after):
            yield QuieterChange(CHANGED, rule, redefined)
        elif _notifies_for(policy, route) != _notifies_for(new_policy, now):
            yield QuieterChange(CHANGED, rule, _from_to(_scoped(policy, route.matcher), _scoped(new_policy, now.matcher)))
        if earlier := sorted(
            set(_ids_before(new_policy, now)) - set(_ids_before(policy, route)) - _new_mutes(policy, new_policy)
        ):
            yield QuieterChange(CHANGED, rule, f"asked only where {', '.join(earlier)} did not hold")
        if SEVERITY_RANK[now.severity] < SEVERITY_RANK[route.severity]:
            yield QuieterChange(CHANGED, rule, _from_to(f"severity {route.severity}", f"severity {now.severity}"))


def _new_mutes(old: Policy, new: Policy) -> set[str]:
    """Mutes that are named as such already."""
    return {route.id for route in new.routes if route.mute is not None} - {
        route.id for route in old.routes if route.mute is not None
    }


def _defaults_place(before: PolicySet, after: PolicySet) -> Iterator[QuieterChange]:
    """Files by whose routes the default's channels hear of less: what such a file decides does not go to the default."""
    known = {policy.name: policy for policy in before.policies}
    for policy in after.policies:
        old = known.get(policy.name)
        if not (policy.anchored or policy.holds_default):
            continue
        replaces = old is not None and (old.anchored, old.holds_default) == (policy.anchored, policy.holds_default)
        if old is not None and replaces and _scope(old) == _scope(policy) and any(map(_always_holds, old.routes)):
            continue
        had = {(route.id, _notifies_for(old, route)) for route in old.routes} if old is not None and replaces else set()
        new = [route for route in policy.routes if route.mute is None and (route.id, _notifies_for(policy, route)) not in had]
        if any(channel not in route.notify for route in new for channel in before.default.notify):
            where = ", ".join(policy.buckets or ()) or "every bucket"
            yield QuieterChange(
                ADDED if old is None else CHANGED, f"file {policy.name}", f"decides more in place of the default, for {where}"
            )


def _always_holds(route: Route) -> bool:
    return route.matcher is None and not route.during


def _scope(policy: Policy) -> object:
    return policy.buckets, policy.exclusions, policy.accounts


def _channels(before: PolicySet, after: PolicySet) -> Iterator[QuieterChange]:
    if lost := [name for name in before.default.notify if name not in after.default.notify]:
        yield QuieterChange(CHANGED, "default", f"not to {_hashed(lost)} any more")
    for name, channel in before.channels.items():
        if name in after.channels and after.channels[name].webhook != channel.webhook:
            yield QuieterChange(CHANGED, f"channel {name}", "it has another webhook")
        now = after.channels.get(name, channel)
        if channel.fallback is not None and now.fallback is None:
            yield QuieterChange(CHANGED, f"channel {name}", "it has no fallback any more")
        if (now.digest or now.incident) and (now.digest, now.incident) != (channel.digest, channel.incident):
            yield QuieterChange(CHANGED, f"channel {name}", "it folds other events together")


def _notifies_for(policy: Policy, route: Route) -> tuple[object, ...]:
    return policy.buckets, policy.exclusions, policy.accounts, _expressions(route.matcher), route.during


# --- lists and conditions -----------------------------------------------------------------------------------------------------

_LITERAL: Final = re.compile(r"""(['"])([a-z0-9-]+)\1""")
"""What may be the name of a list or a condition in an expression. No expression is parsed here: the Lambda has no parser."""


def _redefined(old: Matcher | None, new: Matcher | None, before: PolicySet, after: PolicySet) -> str:
    """Which lists and conditions, used by a matcher that is written as before, are others now; empty where none is."""
    if _expressions(old) != _expressions(new):
        return ""
    was, now = _used(_expressions(old), before.definitions), _used(_expressions(new), after.definitions)
    changed = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
    return f"{_when(new)}, with another {', '.join(changed)}" if changed else ""


def _used(expressions: Sequence[str], definitions: Definitions) -> dict[str, object]:
    """The lists and conditions whose names stand in expressions, and in the conditions that these use."""
    used: dict[str, object] = {}
    pending = list(expressions)
    while pending:
        text = pending.pop()
        for _, name in _LITERAL.findall(text) if "in_list" in text or "holds" in text else ():
            if name in definitions.lists:
                used[f"list {name}"] = definitions.lists[name]
            if name in definitions.conditions and f"condition {name}" not in used:
                used[f"condition {name}"] = definitions.conditions[name]
                pending += definitions.conditions[name]
    return used


# --- as text ------------------------------------------------------------------------------------------------------------------


def _all_routes(policies: PolicySet) -> Iterator[tuple[str, Policy, Route]]:
    return ((f"{policy.name}/{route.id}", policy, route) for policy in policies.policies for route in policy.routes)


def _all_silences(policies: PolicySet) -> Iterator[tuple[str, Policy, Silence]]:
    return ((f"{policy.name}/{silence.id}", policy, silence) for policy in policies.policies for silence in policy.silences)


def _expressions(matcher: Matcher | None) -> Sequence[str]:
    return matcher.expressions if matcher is not None else ()


def _when(matcher: Matcher | None) -> str:
    return " && ".join(_expressions(matcher)) or "always"


def _scoped(policy: Policy, matcher: Matcher | None) -> str:
    patterns = (*(policy.buckets or ()), *(f"!{pattern}" for pattern in policy.exclusions))
    buckets = f" in {', '.join(patterns)}" if patterns else ""
    return f"{_when(matcher)}{buckets}"


def _from_to(*texts: str) -> str:
    """What was and what is; where these look the same, the change is in hours, accounts or what makes the rule void."""
    different = dict.fromkeys(texts)
    return " ⇒ ".join(different) if len(different) > 1 or len(texts) == 1 else f"{texts[0]}, under other conditions"


def _hashed(channels: Iterable[str]) -> str:
    return ", ".join(f"#{name}" for name in channels)
