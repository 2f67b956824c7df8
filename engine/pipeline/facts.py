"""The facts: what Trailbell derives from a record, under the names of the policy language.

Every shape here was seen in real records; a field of another type than CloudTrail's counts as absent, so that this never raises.
Source: CloudTrail record contents, https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from engine.cache import BoundedCache
from engine.model import Facts
from engine.policy.given import whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model import ActorClass, Document, Event, Evidence, Record

    _Text = str | None
    _Target = tuple[_Text, _Text, _Text, _Text]
    _Role = tuple[_Text, _Text]
    _Caller = tuple[_Text, _Text, _Text, bool, _Text]
    _Source = tuple[_Text, str, bool]
    _Scope = tuple[tuple[str, ...], _Text]
    _Json = Any

_NOTHING: Final[Mapping[str, Any]] = {}

_DENIED: Final = frozenset(
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
_KINDS: Final = (("delete", _DELETES), ("list", _LISTS), ("read", _READS), ("write", _WRITES))

_SERVICE_HOST: Final = re.compile(
    r"[a-z0-9][a-z0-9.-]{0,100}\.(?:amazonaws\.com(?:\.cn)?|aws\.internal|amazon\.com|api\.aws)", re.ASCII
)

_LONGEST_TIME: Final = 40
_LONGEST_NAME: Final = 40
_LONGEST_ADDRESS: Final = 256
LONGEST_HEAD: Final = 256
MOST_ROLES: Final = 4_096
"""How many ARNs are kept without their last part, and characters of each. A role's name has at most 64."""

_ARN_PARTS: Final = 6
_EARLIEST: Final = 1970
_LATEST: Final = 9999

_PRIVATE: Final = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"),
    *("fc00::/7", "::1/128", "fe80::/10"),
)
"""RFC 1918, RFC 4193, loopback and link-local. `ipaddress.is_private` also counts documentation and benchmark ranges."""


def facts(event: Event) -> Facts:
    """All facts of an event. Never raises, whatever the record holds."""
    record = event.record
    found = role_of(record)
    return Facts._make((time_of(record), *target(record), *found, *caller(record, found), *source(record), *access(record)))


def groups(record: Record) -> tuple[_Target, _Role, _Caller, _Source, tuple[bool, str]]:
    """All groups of facts of a record."""
    found = role_of(record)
    return target(record), found, caller(record, found), source(record), access(record)


def document(record: Record, found: Facts, actor: ActorClass | None = None, evidence: Evidence | None = None) -> Document:
    """What a matcher sees: the record with the facts beside its own names. Without `actor`: while actors are being classified."""
    groups = (
        (found.bucket, found.key, found.copy_bucket, found.copy_key),
        (found.role, found.session),
        (found.actor_type, found.actor_name, found.account, found.cross_account, found.service),
        (found.source_ip, found.source_kind, found.source_private),
        (found.denied, found.access_kind),
        classed(actor, evidence),
    )
    return whole(record, groups)


UNCLASSED: Final = (None, None, None)
"""The group of the actor's class while actors are being classified."""


def classed(actor: ActorClass | None, evidence: Evidence | None) -> tuple[str | None, str | None, str | None]:
    """Class, kind and evidence."""
    return UNCLASSED if actor is None else (actor.name, actor.kind.value, evidence and evidence.id)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


@lru_cache(maxsize=4096)
def _parsed_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not _EARLIEST <= time.year < _LATEST:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def time_of(record: Record) -> datetime | None:
    """What `time_in` finds in a record."""
    return time_in(record.get("eventTime"))


def time_in(value: _Json) -> datetime | None:
    """An event's time, aware. Years in which no event can lie count as none: zone arithmetic overflows at the calendar's ends."""
    return _parsed_time(value) if isinstance(value, str) and len(value) <= _LONGEST_TIME else None


# --- what is touched ---------------------------------------------------------------------------------------------------


def target(record: Record) -> _Target:
    """What `target_of` finds in a record."""
    parameters = record.get("requestParameters")
    if parameters.__class__ is not dict:
        parameters = _NOTHING
    found = parameters.get
    return target_of(found("bucketName"), found("key"), found("x-amz-copy-source"), record.get("resources"))


def target_of(bucket: _Json, key: _Json, copied: _Json, resources: _Json) -> _Target:
    """Bucket and key, and those of a copy's source.

    From the request, else (an access point asked for by its ARN, too) from the ARNs of the resources.
    """
    key = (key or None) if key.__class__ is str else None
    if bucket.__class__ is not str or not bucket or bucket.startswith("arn:"):
        bucket, key = _from_arns(_text(bucket), key, _arns(resources))
    return (bucket, key, None, None) if copied is None else (bucket, key, *_copy_source(copied))


def _arns(entries: _Json) -> Sequence[str]:
    """The ARNs of `resources`, those that are objects (`ARN`) and those that are lists (`ARNPrefix`)."""
    if entries.__class__ is not list:
        return ()
    arns = [entry.get("ARN") or entry.get("ARNPrefix") for entry in entries if entry.__class__ is dict]
    return [arn for arn in arns if arn.__class__ is str]


def _from_arns(bucket: str | None, key: str | None, arns: Sequence[str]) -> tuple[str | None, str | None]:
    """Bucket and key where the request names no bucket, or only an access point."""
    for arn in arns:
        found, name = _split_arn(arn)
        if found is not None and name is not None:
            return found, name
    found = next((found for found, _ in map(_split_arn, arns) if found is not None), None)
    return found or (bucket and _access_point(bucket)), key


def _split_arn(arn: str) -> tuple[str | None, str | None]:
    """Bucket and key of an S3 ARN (`arn:aws:s3:::bucket/key`); both None for any other, an access point's among them."""
    parts = arn.split(":", 5)
    if len(parts) != _ARN_PARTS or parts[2] != "s3" or parts[3] or parts[4]:
        return None, None
    bucket, slash, key = parts[5].partition("/")
    return bucket or None, key if slash and key else None


def _access_point(arn: str) -> str:
    """The name in an access point's ARN: `arn:aws:s3:region:account:accesspoint/name` -> `name`."""
    return arn.rsplit(":", 1)[-1].removeprefix("accesspoint").strip("/:") or arn


def _copy_source(value: object) -> tuple[str | None, str | None]:
    """Bucket and key of `x-amz-copy-source`: `/bucket/key?versionId=…`, its slash perhaps encoded.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (x-amz-copy-source). The key stays as recorded.
    """
    if not isinstance(value, str):
        return None, None
    source = value.removeprefix("/").split("?versionId=", 1)[0]
    if source.startswith("arn:"):
        point, _, key = source.partition("/object/")
        return _access_point(point), key or None
    if "/" not in source and "%2f" in source.lower():
        from urllib.parse import unquote  # noqa: PLC0415  2 ms, and seldom

        source = unquote(source).removeprefix("/")
    bucket, _, key = source.partition("/")
    return bucket or None, key or None


def scope_of(record: Record, found: _Target) -> _Scope:
    """What `scope_by` finds in a record."""
    return scope_by(found, record.get("resources"), record.get("recipientAccountId"))


def scope_by(found: _Target, resources: _Json, recipient: _Json) -> _Scope:
    """What a policy's scope is asked about: every bucket that a record names, each once, and the account that received it.

    Nearly always the ARNs name the bucket of the request and nothing else.
    """
    bucket, _, copy_bucket, _ = found
    buckets = {} if bucket is None else {bucket: None}
    if copy_bucket is not None:
        buckets[copy_bucket] = None
    same = "" if bucket is None or "/" in bucket else f"arn:aws:s3:::{bucket}"
    inside = f"{same}/"
    for arn in _arns(resources):
        if same and (arn == same or arn.startswith(inside)):
            continue
        name = _split_arn(arn)[0]
        if name is not None:
            buckets[name] = None
    return tuple(buckets), _text(recipient)


# --- who ---------------------------------------------------------------------------------------------------------------


def role_of(record: Record) -> _Role:
    """Role name without its path, and session name: from the assumed role's ARN, else from the issuer and the principal id."""
    identity = record.get("userIdentity")
    if identity.__class__ is not dict:
        return None, None
    found = assumed_role(identity.get("arn"))
    if found is not None:
        return found
    issuer = _mapping(_mapping(identity.get("sessionContext")).get("sessionIssuer")).get
    return issued_role(identity.get("type"), identity.get("principalId"), issuer("type"), issuer("arn"), issuer("userName"))


def assumed_role(arn: _Json) -> _Role | None:
    """Role and session of an assumed role's ARN; None for anything else."""
    if arn.__class__ is not str:
        return None
    head, _, session = arn.rpartition("/")
    role = ROLES[head]
    return None if role is None else (role, session or None)


class _Roles(BoundedCache[str, "_Text"]):
    """The role in an assumed role's ARN without its session, which many sessions share; None in anything else."""

    def __missing__(self, head: str) -> _Text:
        _, assumed, role = head.partition(":assumed-role/")
        found = role.rpartition("/")[2] if assumed and role else None
        if len(head) <= LONGEST_HEAD:
            self[head] = found
        return found


ROLES: Final = _Roles(MOST_ROLES)


def issued_role(actor_type: _Json, principal: _Json, issuer_type: _Json, issuer_arn: _Json, issuer_name: _Json) -> _Role:
    """The same where no ARN tells them; None where no role called."""
    if actor_type != "AssumedRole" and issuer_type != "Role":
        return None, None
    session = _text(principal.partition(":")[2]) if isinstance(principal, str) else None  # of `AROA…:session`
    if isinstance(issuer_arn, str) and ":role/" in issuer_arn:
        return issuer_arn.rsplit("/", 1)[-1] or None, session
    return _text(issuer_name), session


def caller(record: Record, found: _Role) -> _Caller:
    """What `caller_of` finds in a record whose role and session were found."""
    identity = record.get("userIdentity")
    named = (identity if identity.__class__ is dict else _NOTHING).get
    called = (named("type"), named("arn"), named("userName"), named("accountId"), named("invokedBy"))
    return caller_of(called, record.get("recipientAccountId"), found)


def caller_of(called: tuple[_Json, _Json, _Json, _Json, _Json], recipient: _Json, found: _Role) -> _Caller:
    """Type, name, account, whether that is not the recipient's, and the service on whose behalf.

    `called`: of the identity its `type`, `arn`, `userName`, `accountId` and `invokedBy`.
    """
    actor_type, arn, name, account, service = called
    actor_type = (actor_type or None) if actor_type.__class__ is str else None
    account = (account or None) if account.__class__ is str else None
    service = (service or None) if service.__class__ is str else None
    name = (name or None) if name.__class__ is str else None
    if name is None and actor_type == "IAMUser" and isinstance(arn, str) and ":user/" in arn:
        name = arn.rsplit("/", 1)[-1] or None
    cross_account = account != recipient and account is not None and _text(recipient) is not None
    return actor_type, name or found[1] or service, account, cross_account, service


# --- from where, and how -------------------------------------------------------------------------------------------------


def source(record: Record) -> _Source:
    """What `source_of` finds in a record."""
    return source_of(record.get("sourceIPAddress"))


def source_of(value: _Json) -> _Source:
    """The address as recorded (None where there is none), its kind, and whether it is private. Mapped IPv6 counts as its IPv4."""
    return _parsed_source(value) if isinstance(value, str) and len(value) <= _LONGEST_ADDRESS else (None, "none", False)


@lru_cache(maxsize=8192)
def _parsed_source(text: str) -> _Source:
    from ipaddress import ip_address  # noqa: PLC0415  2 ms, which a set that asks for no address does without

    try:
        address = ip_address(text)
    except ValueError:
        return None, ("service" if _SERVICE_HOST.fullmatch(text) else "none"), False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return text, f"ipv{mapped.version}", any(mapped in network for network in _private() if network.version == mapped.version)


@cache
def _private() -> tuple[Any, ...]:
    from ipaddress import ip_network  # noqa: PLC0415  as above

    return tuple(map(ip_network, _PRIVATE))


def access(record: Record) -> tuple[bool, str]:
    """What `access_of` finds in a record."""
    return access_of(record.get("errorCode"), record.get("eventName"))


def access_of(code: _Json, name: _Json) -> tuple[bool, str]:
    """Whether the access was denied, and its kind."""
    return code is not None and _denied(code), _access_kind(name[:_LONGEST_NAME]) if name.__class__ is str else "other"


def _denied(code: object) -> bool:
    return isinstance(code, str) and code.removeprefix("Client.") in _DENIED


@lru_cache(maxsize=1024)
def _access_kind(name: str) -> str:
    """`read`, `write`, `delete`, `list` or `other`, by the event's name."""
    return next((kind for kind, prefixes in _KINDS if name.startswith(prefixes)), "other")
