"""The paths of fields and facts that the prover knows by name."""

from __future__ import annotations

from typing import Final

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
FACT_TEXTS: Final = frozenset({ROLE, SESSION, NAME, BUCKET, KEY, COPY_BUCKET, COPY_KEY})
"""Facts that are texts of their own, and never empty."""
