"""What an event touches: bucket and key, the source of a copy, the buckets of a policy's scope, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.pipeline.facts.values import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model import Record

    _Text = str | None
    Target = tuple[_Text, _Text, _Text, _Text]
    Scope = tuple[tuple[str, ...], tuple[str, ...], _Text]
    Crossing = tuple[bool | None]
    _Json = Any

_ARN_PARTS: Final = 6

COPY_SOURCE: Final = "x-amz-copy-source"
COPIES: Final = frozenset({"CopyObject", "UploadPartCopy"})
"""The calls that copy. Where their source cannot be read, `UNREAD` stands for its bucket."""

UNREAD: Final = "?"
"""The bucket of a copy's source that cannot be read: another one than any other. No bucket's name has this character."""

POINT_ALIASES: Final = ("-s3alias", "--ol-s3", "--xa-s3")
"""How the aliases of access points end: S3's, those of Object Lambda, and those of directory buckets."""


def target_of(bucket: _Json, key: _Json, outposts_key: _Json, source: _Json, resources: _Json, name: _Json) -> Target:  # noqa: PLR0913, PLR0917
    """Bucket and key of a request, and those of the source that it copies.

    `key` is called `Key` where the bucket is on Outposts. `source` is the header `x-amz-copy-source`, `name` the event's.
    Where the request names an access point, or no bucket, the bucket is the first one of `resources` that is not the source.
    """
    key = (key or None) if key.__class__ is str else text(outposts_key)
    if not copies(source, name):
        return (bucket, key, None, None) if names_bucket(bucket) else (*_from_resources(bucket, key, resources, None), None, None)
    copied, copied_key = _copy_source(source)
    by_point = not names_bucket(copied)
    if not names_bucket(bucket):
        bucket, key = _from_resources(bucket, key, resources, None if by_point else copied)
    if by_point:
        others = (other for other, _ in _named(resources) if other != bucket)
        copied = next(others, None) or _unresolved(copied, bucket)
    return bucket, key, copied, copied_key


def names_bucket(name: _Json) -> bool:
    """Whether this is the name of a bucket: not an ARN, and not the alias of an access point, which S3 takes in its place.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
    """
    return name.__class__ is str and name != "" and name[:4] != "arn:" and not name.endswith(POINT_ALIASES)


def copies(source: _Json, name: _Json) -> bool:
    """Whether a request copies: it has the header of a source, or its name says so."""
    return source is not None or (name.__class__ is str and name in COPIES)


def needs_resources(bucket: _Json, source: _Json) -> bool:
    """Whether `target_of` looks at the resources: the request names an access point or no bucket, or copies from a point."""
    return not names_bucket(bucket) or (source is not None and not names_bucket(_copy_source(source)[0]))


def _arns(entries: _Json) -> Sequence[str]:
    """The ARNs of `resources`, those that are objects (`ARN`) and those that are lists (`ARNPrefix`)."""
    if entries.__class__ is not list:
        return ()
    arns = [entry.get("ARN") or entry.get("ARNPrefix") for entry in entries if entry.__class__ is dict]
    return [arn for arn in arns if arn.__class__ is str]


def _named(resources: _Json) -> Iterator[tuple[str, str | None]]:
    """Bucket and key of each resource that names a bucket."""
    for bucket, key in map(split_arn, _arns(resources)):
        if bucket is not None:
            yield bucket, key


def _from_resources(bucket: _Json, key: str | None, resources: _Json, source: str | None) -> tuple[str | None, str | None]:
    """Bucket and key where the request names no bucket, or an access point. `source`: the bucket that is copied from."""
    named = [resource for resource in _named(resources) if resource[0] != source]
    if not named:
        return text(bucket) or _object_lambda_point(resources), key
    first = named[0][0]
    return first, key or next((inner for name, inner in named if name == first and inner), None)


def split_arn(arn: str) -> tuple[str | None, str | None]:
    """Bucket and key of an ARN of S3; both None for any other, an access point's among them.

    `arn:aws:s3:::bucket/key`; `arn:aws:s3express:region:account:bucket/name/key` (a directory bucket, or a table bucket under
    `s3tables`, whose tables count as no key); `arn:aws:s3-outposts:region:account:outpost/id/bucket/name/object/key`.
    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html and the pages of its kin.
    """
    parts = arn.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS:
        return None, None
    service, resource = parts[2], parts[5]
    if service == "s3":
        bucket, _, key = ("", "", "") if parts[3] or parts[4] else resource.partition("/")
    elif service in ("s3express", "s3tables") and resource.startswith("bucket/"):
        bucket, _, key = resource.removeprefix("bucket/").partition("/")
        key = "" if service == "s3tables" else key
    elif service == "s3-outposts" and "/bucket/" in resource:
        bucket, _, key = resource.partition("/bucket/")[2].partition("/")
        key = key.removeprefix("object/")
    else:
        return None, None
    return bucket or None, (key or None) if bucket else None


def _object_lambda_point(resources: _Json) -> str | None:
    """The access point of a request to Object Lambda, which names no bucket: its own name stands in for that."""
    return next((_point_name(arn) for arn in _arns(resources) if arn.split(":", 3)[2:3] == ["s3-object-lambda"]), None)


def _point_name(point: str) -> str:
    """The name of an access point: of its ARN, `arn:aws:s3:region:account:accesspoint/name`, the last part; or its alias."""
    return point.rsplit(":", 1)[-1].removeprefix("accesspoint").strip("/:") or point


def _unresolved(point: str, bucket: _Json) -> str:
    """What stands for a source that `resources` does not name: the access point's name.

    Its owner chooses that name. Where it is the target's, the point as recorded stands there: the copy must not look like one
    within a bucket.
    """
    name = _point_name(point)
    return point if name == bucket else name


def _copy_source(header: object) -> tuple[str, str | None]:
    """Bucket, or access point as recorded, and key of `x-amz-copy-source`, as S3 reads it; `UNREAD` where there is no bucket.

    It says `bucket/key?versionId=…`, with or without a slash before it, percent-encoded by its sender, who may encode any
    character; a `+` stands for itself. More slashes before it are dropped as well: no bucket's name is empty.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (x-amz-copy-source)
    """
    if not isinstance(header, str):
        return UNREAD, None
    source = header.split("?versionId=", 1)[0]
    if "%" in source:
        from urllib.parse import unquote  # noqa: PLC0415  2 ms, and seldom

        source = unquote(source)
    source = source.lstrip("/")
    if source.startswith("arn:"):
        bucket, key = split_arn(source)
        if bucket is None:
            bucket, _, key = source.partition("/object/")
    else:
        bucket, _, key = source.partition("/")
    return bucket or UNREAD, key or None


def record_scope(record: Record, target: Target) -> Scope:
    """`scope_of` for a record with these facts of its target."""
    return scope_of(target, record.get("resources"), record.get("recipientAccountId"))


def scope_of(target: Target, resources: _Json, recipient: _Json) -> Scope:
    """What scopes depend on: bucket and copy's source, every bucket that the record names, and the account that received it.

    Each bucket is named once. Nearly always the ARNs name the bucket of the request and nothing else.
    """
    bucket, _, copy_bucket, _ = target
    buckets = {} if bucket is None else {bucket: None}
    if copy_bucket is not None:
        buckets[copy_bucket] = None
    touched = tuple(buckets)
    same = "" if bucket is None or "/" in bucket else f"arn:aws:s3:::{bucket}"
    inside = f"{same}/"
    for arn in _arns(resources):
        if same and (arn == same or arn.startswith(inside)):
            continue
        name = split_arn(arn)[0]
        if name is not None:
            buckets[name] = None
    return touched, tuple(buckets), text(recipient)


# --- whose it is -------------------------------------------------------------------------------------------------------


def crossing_of(actor_type: _Json, account: _Json, source: _Json, resources: _Json, recipient: _Json, name: _Json) -> Crossing:  # noqa: PLR0913, PLR0917
    """Whether the caller's account is another than that of a bucket of `resources`; None where one of the two is unknown.

    Of a copy (`source` is its header, `name` the event's), whose other bucket may stand nowhere, and where `resources` names no
    owner, the account is compared with the recipient's, too. S3 sends a copy of the event to the requester's account as well as
    to the owner's, so the recipient alone tells at most that it is another one. A service calls for no account.
    """
    if actor_type == "AWSService":
        return (False,)
    owners = _owners(resources)
    compared = {*owners, text(recipient)} if copies(source, name) or not owners else owners
    caller = text(account)
    if caller is None:
        return (None,)
    if any(owner not in (None, caller) for owner in compared):
        return (True,)
    return (None if None in compared or not owners else False,)


def _owners(resources: _Json) -> set[str | None]:
    """The accounts of the buckets that `resources` names."""
    entries = resources if resources.__class__ is list else ()
    named = ((text(entry.get("accountId")), entry.get("ARN")) for entry in entries if entry.__class__ is dict)
    return {owner for owner, arn in named if owner is not None and isinstance(arn, str) and split_arn(arn)[0] is not None}
