"""The paths of fields and facts that the prover knows by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    Path = tuple[str, ...]

TYPE: Final = ("userIdentity", "type")
ACCOUNT: Final = ("userIdentity", "accountId")
SERVICE: Final = ("userIdentity", "invokedBy")
USER: Final = ("userIdentity", "userName")
ARN: Final = ("userIdentity", "arn")
PRINCIPAL: Final = ("userIdentity", "principalId")
ROLE: Final = ("actor", "role")
SESSION: Final = ("actor", "session")
NAME: Final = ("actor", "name")
CROSS_ACCOUNT: Final = ("actor", "cross_account")
BUCKET: Final = ("bucket",)
KEY: Final = ("key",)
COPY_BUCKET: Final = ("copy", "bucket")
COPY_KEY: Final = ("copy", "key")
COPY_SOURCE: Final = ("requestParameters", "x-amz-copy-source")
BUCKET_NAME: Final = ("requestParameters", "bucketName")
REQUEST_KEY: Final = ("requestParameters", "key")
RECIPIENT: Final = ("recipientAccountId",)
SOURCE: Final = ("sourceIPAddress",)
EVENT_NAME: Final = ("eventName",)
ERROR_CODE: Final = ("errorCode",)
CLASS_FACTS: Final = frozenset({("actor", name) for name in ("class", "kind", "evidence", "strength")})
SOURCE_FACTS: Final = frozenset({("source", name) for name in ("ip", "kind", "private")})

SAME_TEXT: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    ("actor", "type"): TYPE,
    ("actor", "account"): ACCOUNT,
    ("actor", "service"): SERVICE,
}
"""Facts that are the text of a field; null where that is empty."""
CLAIMS: Final = "(claims)"
"""What the keys begin with of fields of a second event, whose caller claims otherwise (`claims`): no name that a record has."""
FACT_TEXTS: Final = frozenset({ROLE, SESSION, NAME, BUCKET, KEY, COPY_BUCKET, COPY_KEY})
"""Facts that are texts of their own, and never empty."""

HEADS: Final[Mapping[Path, tuple[str, int]]] = {ARN: ("/", 2), PRINCIPAL: (":", 1)}
"""Where the part of a role's ARN and principal id ends that AWS wrote: behind so many of these separators. The rest is the
session name."""


def own_path(key: tuple[str, ...]) -> tuple[str, ...]:
    """The path of a field by its key."""
    return key[1:] if key[0] == CLAIMS else key


def head_of(path: Path, text: str) -> str:
    """The part of a role's ARN or principal id that AWS wrote."""
    separator, count = HEADS[path]
    *parts, _ = text.split(separator, count)
    return "".join(part + separator for part in parts) if len(parts) == count else text
