"""Which fields of a record a policy set reads: those that its matchers name, and those behind the facts that it uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.matching import parse, reads
from engine.pipeline.decode.place import EACH, Path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engine.model import Matcher, PolicySet

ALWAYS: Final = frozenset({("eventID",), ("eventName",), ("eventSource",), ("eventCategory",), ("managementEvent",)})
"""What tells an event's id, and whether it is selected."""

_IDENTITY: Final = "userIdentity"
_ISSUER: Final = (_IDENTITY, "sessionContext", "sessionIssuer")
_RESOURCES: Final = frozenset({("resources", EACH, "ARN"), ("resources", EACH, "ARNPrefix")})
_BUCKET: Final = frozenset({("requestParameters", "bucketName")}) | _RESOURCES
_COPY: Final = frozenset({("requestParameters", "x-amz-copy-source")})
_RECIPIENT: Final = frozenset({("recipientAccountId",)})
_TIME: Final = frozenset({("eventTime",)})
_ROLE: Final = frozenset(
    {
        *((_IDENTITY, name) for name in ("arn", "type", "principalId")),
        *((*_ISSUER, name) for name in ("type", "arn", "userName")),
    }
)

FACTS: Final[Mapping[str, Mapping[str, frozenset[Path]]]] = {
    "bucket": {"": _BUCKET},
    "key": {"": _BUCKET | {("requestParameters", "key")}},
    "copy": {"bucket": _COPY, "key": _COPY},
    "actor": {
        "class": frozenset(),
        "kind": frozenset(),
        "evidence": frozenset(),
        "type": frozenset({(_IDENTITY, "type")}),
        "name": _ROLE | {(_IDENTITY, "userName"), (_IDENTITY, "invokedBy")},
        "role": _ROLE,
        "session": _ROLE,
        "account": frozenset({(_IDENTITY, "accountId")}),
        "cross_account": _RECIPIENT | {(_IDENTITY, "accountId")},
        "service": frozenset({(_IDENTITY, "invokedBy")}),
    },
    "source": {name: frozenset({("sourceIPAddress",)}) for name in ("ip", "kind", "private")},
    "access": {"denied": frozenset({("errorCode",)}), "kind": frozenset({("eventName",)})},
}
"""The fields behind each fact, by its names."""


def needed(policies: PolicySet) -> frozenset[Path] | None:
    """The paths that decisions of a set read; None: a matcher looks at the document as a whole."""
    named = {path for matcher in _matchers(policies) for one in matcher.expressions for path in reads(parse(one))}
    if () in named:
        return None
    fields = {_without_each(path) for path in named if path[0] not in FACTS}
    behind = {path for fact in named if fact[0] in FACTS for path in _behind(fact)}
    return ALWAYS | fields | behind | _of_scopes(policies)


def _without_each(path: Path) -> Path:
    """A path as `Typed` reads it: where a field is called as every element of a list is here, what holds it is read whole."""
    return path[: path.index(EACH)] if EACH in path else path


def _behind(fact: Path) -> Iterable[Path]:
    """The fields behind a fact, or behind all of a group of them."""
    parts = FACTS[fact[0]]
    known = parts.get("") or (parts.get(fact[1], frozenset()) if len(fact) > 1 else None)
    return known if known is not None else frozenset[Path]().union(*parts.values())


def _matchers(policies: PolicySet) -> Iterator[Matcher]:
    for actor in policies.actors:
        yield from (evidence.matcher for evidence in actor.evidence)
    for policy in policies.policies:
        yield from (route.matcher for route in policy.routes if route.matcher is not None)
        yield from (silence.matcher for silence in policy.silences)


def _of_scopes(policies: PolicySet) -> frozenset[Path]:
    """What scopes, recurring hours and the ends of silences read."""
    found = frozenset[Path]()
    for policy in policies.policies:
        found |= _BUCKET | _COPY if policy.buckets is not None else frozenset()
        found |= _RECIPIENT if policy.accounts is not None else frozenset()
        found |= _TIME if policy.silences or any(route.during for route in policy.routes) else frozenset()
    return found
