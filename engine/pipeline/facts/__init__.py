"""The facts: what Trailbell derives from a record, under the names of the policy language.

Every shape here was seen in real records; a field of another type than CloudTrail's counts as absent, so that this never raises.
Source: CloudTrail record contents, https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from engine.cache import BoundedCache
from engine.model import Facts
from engine.pipeline.facts.target import COPY_SOURCE, crossing_of, target_of
from engine.pipeline.facts.values import members
from engine.pipeline.facts.values import text as text_or_none
from engine.policy.fact_layout import CLASSED, with_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model import ActorClass, Document, Event, Evidence, Record
    from engine.pipeline.facts.target import Crossing, Target

    _Text = str | None
    _Role = tuple[_Text, _Text]
    _Caller = tuple[_Text, _Text, _Text, _Text]
    _Source = tuple[_Text, str, bool | None]
    _Json = Any

DENIED_CODES: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "UnauthorizedAccess",
        "UnauthorizedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "NotAuthorized",
        "NotAuthorizedException",
        "VpceAccessDenied",
        "ForbiddenException",
        "Forbidden",
        "AllAccessDisabled",
        "AccountProblem",
        "InvalidAccessException",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
    }
)
"""Error codes that mean "you may not": S3's, EC2's and those seen in records; `Client.` may stand before them."""

_DELETES: Final = ("Delete", "Abort")
_LISTS: Final = ("List", "HeadBucket")
_READS: Final = ("Get", "Head", "Select", "Describe", "Lookup", "Download")
_WRITES: Final = ("Put", "Copy", "Create", "Post", "Upload", "Complete", "Restore", "Write", "Update", "Rename", "Replicate")
ACCESS_KINDS: Final = (("delete", _DELETES), ("list", _LISTS), ("read", _READS), ("write", _WRITES))
"""Each kind of access, and how the names of its events begin; the first that fits holds. What fits none is `other`."""

_SERVICE_HOST: Final = re.compile(
    r"[a-z0-9][a-z0-9.-]{0,100}\.(?:amazonaws\.com(?:\.cn)?|aws\.internal|amazon\.com|api\.aws)", re.ASCII
)

_LONGEST_TIME: Final = 40
_LONGEST_NAME: Final = 40
_LONGEST_ADDRESS: Final = 256
LONGEST_HEAD: Final = 256
MOST_ROLES: Final = 4_096
"""How many ARNs are kept without their last part, and characters of each. A role's name has at most 64."""

_EARLIEST: Final = 1970
_LATEST: Final = 9999

PRIVATE_NETWORKS: Final = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"),
    *("fc00::/7", "::1/128", "fe80::/10"),
)
"""RFC 1918, RFC 4193, loopback and link-local. `ipaddress.is_private` also counts documentation and benchmark ranges."""


def facts(event: Event) -> Facts:
    """All facts of an event. Never raises, whatever the record holds."""
    return Facts._make((time_of(event.record.get("eventTime")), *chain.from_iterable(derive_facts(event.record))))


EVERY_GROUP: Final = (True,) * CLASSED
"""`wanted` of `derive_facts` for all groups."""


def derive_facts(
    record: Record, wanted: Sequence[bool] = EVERY_GROUP
) -> tuple[Target, _Role, _Caller, _Source, tuple[bool, str], Crossing]:
    """The groups of facts of a record in the order of `fact_layout`, without the actor's class. Never raises.

    A group that is not `wanted` is None; the caller's name is a role's session only if the role is wanted, too.
    """
    of_target, of_role, of_caller, of_source, of_access, of_crossing = wanted
    target = role = caller = source = access = crossing = None
    read = record.get
    request, identity = members(read("requestParameters")), members(read("userIdentity"))
    if of_target:
        target = target_of(
            request("bucketName"), request("key"), request("Key"), request(COPY_SOURCE), read("resources"), read("eventName")
        )
    if of_role:
        role = _role(identity)
    if of_caller:
        called = (identity("type"), identity("arn"), identity("userName"), identity("accountId"), identity("invokedBy"))
        caller = caller_of(called, role or (None, None))
    if of_source:
        source = source_of(read("sourceIPAddress"))
    if of_access:
        access = access_of(read("errorCode"), read("eventName"))
    if of_crossing:
        accounts = identity("accountId"), request(COPY_SOURCE), read("resources"), read("recipientAccountId"), read("eventName")
        crossing = crossing_of(identity("type"), *accounts)
    return target, role, caller, source, access, crossing  # type: ignore[return-value]  # nobody reads a group that is not wanted


def document(record: Record, facts: Facts, actor: ActorClass | None = None, evidence: Evidence | None = None) -> Document:
    """The document that expressions read: the record with the facts beside its own fields.

    Without `actor` it is what evidence reads, while the actor's class is not known yet.
    """
    groups = (
        (facts.bucket, facts.key, facts.copy_bucket, facts.copy_key),
        (facts.role, facts.session),
        (facts.actor_type, facts.actor_name, facts.account, facts.service),
        (facts.source_ip, facts.source_kind, facts.source_private),
        (facts.denied, facts.access_kind),
        (facts.cross_account,),
        class_facts(actor, evidence),
    )
    return with_facts(record, groups)


NO_CLASS: Final = (None, None, None, None)
"""The facts of the actor's class while it is not known yet."""


def class_facts(actor: ActorClass | None, evidence: Evidence | None) -> tuple[_Text, _Text, _Text, _Text]:
    """The facts of the actor's class: its name and kind, the id and the strength of the evidence."""
    if actor is None:
        return NO_CLASS
    return (actor.name, actor.kind.value, *((evidence.id, evidence.strength.value) if evidence else (None, None)))


@lru_cache(maxsize=4096)
def _parsed_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not _EARLIEST <= time.year < _LATEST:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def time_of(value: _Json) -> datetime | None:
    """An event's time, aware; None where there is none.

    A year in which no event can lie counts as none: arithmetic with time zones overflows at the calendar's ends.
    """
    return _parsed_time(value) if isinstance(value, str) and len(value) <= _LONGEST_TIME else None


# --- the caller ---------------------------------------------------------------------------------------------------------------


def _role(identity: Callable[[str], Any]) -> _Role:
    """Role name without its path, and session name: from the assumed role's ARN, else from the issuer and the principal id."""
    role = assumed_role(identity("arn"))
    if role is not None:
        return role
    issuer = members(members(identity("sessionContext"))("sessionIssuer"))
    return issued_role(identity("type"), identity("principalId"), issuer("type"), issuer("arn"), issuer("userName"))


def assumed_role(arn: _Json) -> _Role | None:
    """Role and session of an assumed role's ARN; None for anything else."""
    if arn.__class__ is not str:
        return None
    head, _, session = arn.rpartition("/")
    role = ROLES[head]
    return None if role is None else (role, session or None)


_COLONS: Final = 5
"""Of an ARN, before its resource."""


class _Roles(BoundedCache[str, "_Text"]):
    """By an ARN without its session, which many sessions share: the role in it; None where it is no assumed role's."""

    def __missing__(self, head: str) -> _Text:
        # The path of an IAM user may hold any words, these as well: only where the resource begins with them is it a role's.
        kind, _, role = head.split(":", _COLONS)[-1].partition("/")
        name = role.rpartition("/")[2] if kind == "assumed-role" and role else None
        if len(head) <= LONGEST_HEAD:
            self[head] = name
        return name


ROLES: Final = _Roles(MOST_ROLES)


def issued_role(actor_type: _Json, principal: _Json, issuer_type: _Json, issuer_arn: _Json, issuer_name: _Json) -> _Role:
    """Role and session where no ARN names them; None where the caller is not a role."""
    if actor_type != "AssumedRole" and issuer_type != "Role":
        return None, None
    session = text_or_none(principal.partition(":")[2]) if isinstance(principal, str) else None  # of `AROA…:session`
    if isinstance(issuer_arn, str) and ":role/" in issuer_arn:
        return issuer_arn.rsplit("/", 1)[-1] or None, session
    return text_or_none(issuer_name), session


USERS: Final = {"IAMUser": ":user/", "FederatedUser": ":federated-user/"}
"""Identities whose ARN ends in the user's name, and what stands there before it and its path."""


def caller_of(identity: tuple[_Json, _Json, _Json, _Json, _Json], role: _Role) -> _Caller:
    """Type, name and account of the caller, and the service that called on its behalf.

    `identity`: of `userIdentity` its `type`, `arn`, `userName`, `accountId` and `invokedBy`.
    """
    actor_type, arn, name, account, service = identity
    actor_type = (actor_type or None) if actor_type.__class__ is str else None
    account = (account or None) if account.__class__ is str else None
    service = (service or None) if service.__class__ is str else None
    name = (name or None) if name.__class__ is str else None
    if name is None and actor_type in USERS and isinstance(arn, str) and USERS[actor_type] in arn:
        name = arn.rsplit("/", 1)[-1] or None
    return actor_type, name or role[1] or service, account, service


# --- from where, and how -------------------------------------------------------------------------------------------------


def source_of(value: _Json) -> _Source:
    """The address as recorded (None where there is none), its kind, and whether it is private.

    Mapped IPv6 counts as its IPv4. Of what is no single address, whether it is private is unknown (None).
    """
    return _parsed_source(value) if isinstance(value, str) and len(value) <= _LONGEST_ADDRESS else (None, "none", None)


@lru_cache(maxsize=8192)
def _parsed_source(text: str) -> _Source:
    from ipaddress import ip_address  # noqa: PLC0415  2 ms, which a set that asks for no address does without

    try:
        address = ip_address(text)
    except ValueError:
        return None, ("service" if _SERVICE_HOST.fullmatch(text) else "none"), None
    mapped = getattr(address, "ipv4_mapped", None) or address
    return text, f"ipv{mapped.version}", any(mapped in network for network in _private() if network.version == mapped.version)


@cache
def _private() -> tuple[Any, ...]:
    from ipaddress import ip_network  # noqa: PLC0415  as above

    return tuple(map(ip_network, PRIVATE_NETWORKS))


def access_of(code: _Json, name: _Json) -> tuple[bool, str]:
    """Whether the access was denied, and its kind."""
    return code is not None and _denied(code), _access_kind(name[:_LONGEST_NAME]) if name.__class__ is str else "other"


def _denied(code: object) -> bool:
    return isinstance(code, str) and code.removeprefix("Client.") in DENIED_CODES


@lru_cache(maxsize=1024)
def _access_kind(name: str) -> str:
    """`read`, `write`, `delete`, `list` or `other`, by the event's name."""
    return next((kind for kind, prefixes in ACCESS_KINDS if name.startswith(prefixes)), "other")
