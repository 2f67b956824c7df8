"""Which of CloudTrail's fields a policy set needs: those its matchers name, and those its facts and scopes are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.matching.checks import Trees
from engine.matching.types import members_read
from engine.model import Selects
from engine.pipeline.decide.reads import matchers, paths_read
from engine.pipeline.decide.reference import has_scope
from engine.pipeline.decide.void import paths_of
from engine.pipeline.facts.target import COPY_SOURCE
from engine.policy.fact_layout import meet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import PolicySet
    from engine.policy.fact_layout import Path

ALWAYS: Final = frozenset({("eventID",), ("eventSource",), ("eventCategory",)})
"""The fields of an event's id, and those by which today's records are selected."""

_IDENTITY: Final = "userIdentity"
_ISSUER: Final = (_IDENTITY, "sessionContext", "sessionIssuer")

TIME: Final = ("eventTime",)
RESOURCES: Final = ("resources",)
RECIPIENT: Final = ("recipientAccountId",)

NAME: Final = ("eventName",)

OF_TARGET: Final = (*(("requestParameters", name) for name in ("bucketName", "key", "Key", COPY_SOURCE)), RESOURCES, NAME)
ARN: Final = (_IDENTITY, "arn")
OF_ISSUED: Final = ((_IDENTITY, "type"), (_IDENTITY, "principalId"), *((*_ISSUER, name) for name in ("type", "arn", "userName")))
OF_CALLER: Final = tuple((_IDENTITY, name) for name in ("type", "arn", "userName", "accountId", "invokedBy"))
OF_SOURCE: Final = (("sourceIPAddress",),)
OF_ACCESS: Final = (("errorCode",), NAME)
OF_CROSSING: Final = (OF_CALLER[0], OF_CALLER[3], OF_TARGET[3], RESOURCES, RECIPIENT, NAME)
"""The arguments of the functions of `facts` with these names, in order."""

_ARNS: Final = frozenset({(*RESOURCES, "ARN"), (*RESOURCES, "ARNPrefix")})
_BUCKET: Final = _ARNS | {OF_TARGET[0], OF_TARGET[3], NAME}
"""What a bucket depends on: the resources may name either bucket of a copy, or both."""
_SOURCE: Final = frozenset(OF_SOURCE)
_ROLE: Final = frozenset({ARN, *OF_ISSUED})
NO_ROLE: Final = (OF_ISSUED[0], OF_ISSUED[2])
"""The fields that say whether the caller is a role, where no ARN names one."""

_ISSUED: Final = frozenset(OF_ISSUED) - {*NO_ROLE}
_NAME: Final = frozenset({NAME})
_NOTHING: Final = frozenset[tuple[str, ...]]()

FIELDS: Final[Mapping[Path, frozenset[Path]]] = {
    ("bucket",): _BUCKET,
    ("key",): _BUCKET | {*OF_TARGET[1:3]},
    ("copy", "bucket"): _BUCKET,
    ("copy", "key"): _BUCKET,
    ("actor", "type"): frozenset({(_IDENTITY, "type")}),
    ("actor", "name"): _ROLE | {(_IDENTITY, "userName"), (_IDENTITY, "invokedBy")},
    ("actor", "role"): _ROLE,
    ("actor", "session"): _ROLE,
    ("actor", "account"): frozenset({(_IDENTITY, "accountId")}),
    ("actor", "cross_account"): _ARNS | {(*RESOURCES, "accountId"), *OF_CROSSING} - {RESOURCES},
    ("actor", "service"): frozenset({(_IDENTITY, "invokedBy")}),
    ("actor", "class"): _NOTHING,
    ("actor", "kind"): _NOTHING,
    ("actor", "evidence"): _NOTHING,
    ("actor", "strength"): _NOTHING,
    ("source", "ip"): _SOURCE,
    ("source", "kind"): _SOURCE,
    ("source", "private"): _SOURCE,
    ("access", "denied"): frozenset({("errorCode",)}),
    ("access", "kind"): _NAME,
}
"""The fields that each fact is derived from; of a list, those of its objects."""

_CROSSES: Final = ("actor", "cross_account")
_HEADS: Final = frozenset(path[0] for path in FIELDS)


def needed(policies: PolicySet) -> frozenset[Path] | None:
    """The paths that decisions by a set read; None: a matcher reads the document as a whole."""
    paths = _paths_read(policies)
    if () in paths:
        return None
    fields = {path for path in paths if path[0] not in _HEADS}
    facts = (behind for fact, behind in FIELDS.items() if any(meet(fact, path) for path in paths))
    named = _NAME if policies.selection.names is not None else _NOTHING
    return ALWAYS.union(fields, *facts, named, _of_scopes(policies))


def _paths_read(policies: PolicySet) -> frozenset[Path]:
    """What matchers read: of an object that is not read by names alone, only the members that they choose, if they do."""
    paths = paths_read(policies)
    objects = {path[:length] for path in paths for length in range(1, len(path))} & paths
    if not objects:
        return paths
    trees = Trees(policies.definitions)
    chosen = (
        members_read(trees[expression])
        for matcher in matchers(policies)
        if not matcher.reads.isdisjoint(objects)
        for expression in matcher.expressions
    )
    others = (matcher.reads for matcher in matchers(policies) if matcher.reads.isdisjoint(objects))
    return paths_of(policies).union(*chosen, *others)


def seldom_needed(policies: PolicySet) -> frozenset[Path]:
    """Those needed paths that only facts read, and only in few records.

    That is of records whose request names no bucket but an access point, or none (in a set that looks at other than data events,
    and in one whose policies have scopes, these are not few), and of those of a role that their ARN does not name.
    """
    paths, all_needed = _paths_read(policies), needed(policies) or _NOTHING
    often = policies.selection.select is not Selects.S3_DATA or any(map(has_scope, policies.policies))
    read_often = often or any(path == OF_TARGET[0][:1] or path[:1] == RESOURCES or meet(path, _CROSSES) for path in paths)
    of_bucket = _NOTHING if read_often else _ARNS
    of_role = _NOTHING if any(meet(field, path) for field in _ISSUED for path in paths) else _ISSUED
    return (of_bucket | of_role) & all_needed


def _of_scopes(policies: PolicySet) -> frozenset[Path]:
    """The paths that scopes, recurring hours and the ends of silences read."""
    read = _NOTHING
    for policy in policies.policies:
        read |= _BUCKET if policy.buckets is not None else _NOTHING
        read |= {RECIPIENT} if policy.accounts is not None else _NOTHING
        read |= {TIME} if policy.silences or any(route.during for route in policy.routes) else _NOTHING
    return read
