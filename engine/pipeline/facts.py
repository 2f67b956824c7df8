"""The facts: what Trailbell derives from a record, under the names of the policy language.

Every shape here was seen in real records; a field of another type than CloudTrail's counts as absent, so that this never raises.
Source: CloudTrail record contents, https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from engine.model import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import ActorClass, Document, Event, Evidence, Record

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
_LONGEST_ADDRESS: Final = 256
_ARN_PARTS: Final = 6
_EARLIEST: Final = 1970
_LATEST: Final = 9999

_PRIVATE: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "::1/128",
        "fe80::/10",
    )
)
"""RFC 1918, RFC 4193, loopback and link-local. `ipaddress.is_private` also counts documentation and benchmark ranges."""


def facts(event: Event) -> Facts:
    """All facts of an event. Never raises, whatever the record holds."""
    record = event.record
    identity = _mapping(record.get("userIdentity"))
    issuer = _mapping(_mapping(identity.get("sessionContext")).get("sessionIssuer"))
    parameters = _mapping(record.get("requestParameters"))
    resources = _resources(record.get("resources"))
    bucket, key = _target(parameters, resources)
    copy_bucket, copy_key = _copy_source(parameters.get("x-amz-copy-source"))
    role, session = _role_and_session(identity, issuer)
    actor_type, service = _text(identity.get("type")), _text(identity.get("invokedBy"))
    account, recipient = _text(identity.get("accountId")), _text(record.get("recipientAccountId"))
    source_ip, source_kind, source_private = _source(record.get("sourceIPAddress"))
    return Facts(
        time=_time(record.get("eventTime")),
        bucket=bucket,
        key=key,
        copy_bucket=copy_bucket,
        copy_key=copy_key,
        buckets=_buckets(bucket, copy_bucket, resources),
        actor_type=actor_type,
        actor_name=_text(identity.get("userName")) or _user_of(identity, actor_type) or session or service,
        role=role,
        session=session,
        account=account,
        cross_account=account is not None and recipient is not None and account != recipient,
        service=service,
        source_ip=source_ip,
        source_kind=source_kind,
        source_private=source_private,
        denied=_denied(record.get("errorCode")),
        access_kind=_access_kind(_text(record.get("eventName")) or ""),
        recipient=recipient,
    )


def document(record: Record, found: Facts, actor: ActorClass | None = None, evidence: Evidence | None = None) -> Document:
    """What a matcher sees: the record with the facts beside its own names. Without `actor`: while actors are being classified."""
    return {
        **record,
        "bucket": found.bucket,
        "key": found.key,
        "copy": {"bucket": found.copy_bucket, "key": found.copy_key},
        "actor": {
            "class": actor and actor.name,
            "kind": actor and actor.kind.value,
            "evidence": evidence and evidence.id,
            "type": found.actor_type,
            "name": found.actor_name,
            "role": found.role,
            "session": found.session,
            "account": found.account,
            "cross_account": found.cross_account,
            "service": found.service,
        },
        "source": {"ip": found.source_ip, "kind": found.source_kind, "private": found.source_private},
        "access": {"denied": found.denied, "kind": found.access_kind},
    }


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


def _time(value: object) -> datetime | None:
    """An event's time, aware. Years in which no event can lie count as none: zone arithmetic overflows at the calendar's ends."""
    return _parsed_time(value) if isinstance(value, str) and len(value) <= _LONGEST_TIME else None


# --- what is touched ---------------------------------------------------------------------------------------------------


def _resources(value: object) -> tuple[str, ...]:
    """The ARNs of `resources`, those that are objects (`ARN`) and those that are lists (`ARNPrefix`)."""
    if not isinstance(value, list):
        return ()
    arns = ((entry.get("ARN") or entry.get("ARNPrefix")) for entry in value if isinstance(entry, dict))
    return tuple(arn for arn in arns if isinstance(arn, str))


def _target(parameters: Mapping[str, Any], arns: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Bucket and key, from the request, else (an access point asked for by its ARN, too) from the ARNs of the resources."""
    bucket, key = _text(parameters.get("bucketName")), _text(parameters.get("key"))
    if bucket is not None and not bucket.startswith("arn:"):
        return bucket, key
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
        source = unquote(source).removeprefix("/")
    bucket, _, key = source.partition("/")
    return bucket or None, key or None


def _buckets(bucket: str | None, copy_bucket: str | None, arns: tuple[str, ...]) -> tuple[str, ...]:
    """Every bucket that a scope is asked about, each once."""
    named = (bucket, copy_bucket, *(_split_arn(arn)[0] for arn in arns))
    return tuple(dict.fromkeys(name for name in named if name is not None))


# --- who ---------------------------------------------------------------------------------------------------------------


def _role_and_session(identity: Mapping[str, Any], issuer: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Role name without its path, and session name: from the assumed role's ARN, else from the issuer and the principal id."""
    arn = identity.get("arn")
    if isinstance(arn, str) and ":assumed-role/" in arn:
        role, _, session = arn.split(":assumed-role/", 1)[1].rpartition("/")
        if role:
            return role.rsplit("/", 1)[-1], session or None
    if identity.get("type") == "AssumedRole" or issuer.get("type") == "Role":
        return _issuer_role(issuer), _session_of_principal(identity.get("principalId"))
    return None, None


def _issuer_role(issuer: Mapping[str, Any]) -> str | None:
    arn = issuer.get("arn")
    if isinstance(arn, str) and ":role/" in arn:
        return arn.rsplit("/", 1)[-1] or None
    return _text(issuer.get("userName"))


def _session_of_principal(principal: object) -> str | None:
    """The session name in `AROA…:session`."""
    return _text(principal.partition(":")[2]) if isinstance(principal, str) else None


def _user_of(identity: Mapping[str, Any], actor_type: str | None) -> str | None:
    """An IAM user's name, from its ARN where `userName` is missing."""
    arn = identity.get("arn")
    if actor_type == "IAMUser" and isinstance(arn, str) and ":user/" in arn:
        return arn.rsplit("/", 1)[-1] or None
    return None


# --- from where, and how -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8192)
def _parsed_source(text: str) -> tuple[str | None, str, bool]:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None, ("service" if _SERVICE_HOST.fullmatch(text) else "none"), False
    mapped = getattr(address, "ipv4_mapped", None) or address
    private = any(mapped in network for network in _PRIVATE if network.version == mapped.version)
    return text, f"ipv{mapped.version}", private


def _source(value: object) -> tuple[str | None, str, bool]:
    """The address as recorded (None where there is none), its kind, and whether it is private. Mapped IPv6 counts as its IPv4."""
    return _parsed_source(value) if isinstance(value, str) and len(value) <= _LONGEST_ADDRESS else (None, "none", False)


def _denied(code: object) -> bool:
    return isinstance(code, str) and code.removeprefix("Client.") in _DENIED


@lru_cache(maxsize=1024)
def _access_kind(name: str) -> str:
    """`read`, `write`, `delete`, `list` or `other`, by the event's name."""
    return next((kind for kind, prefixes in _KINDS if name.startswith(prefixes)), "other")
