"""Published policy sets in a versioned bucket of S3, signed with a key of KMS that never leaves it.

The signature is in the object's own metadata, so that both change at once. Sources:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html, https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from engine.edge.circuit_breaker import CircuitBreaker, is_unanswered
from engine.edge.secrets import quick_client
from engine.errors import PublishedSetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALGORITHM: Final = "ECDSA_SHA_256"
METADATA: Final = "trailbell-signature"
SHADOW_SUFFIX: Final = ".shadow"
"""Of the object beside the set that holds the shadow set."""
STATE_SUFFIX: Final = ".state"
"""Of the object beside the set that holds which version was valid last, and which was rejected last."""

_SET_MAX_BYTES: Final = 16_777_217
_STATE_MAX_BYTES: Final = 4_096
_ABSENT: Final = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})
"""S3's error codes for a missing object; without permission to list the bucket, access is denied."""


class S3Store:
    """One set's place, `s3://bucket/key`; its fragment `#version` pins it. Gives what `make` builds of a stored copy's parts.

    `place` is the address without the fragment.
    """

    def __init__(
        self,
        url: str,
        key_id: str,
        make: Callable[[bytes, bytes, str], Any],
        client: Callable[[str], Any] = quick_client,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or not parts.path.strip("/"):
            raise PublishedSetError("write the place of a published set as s3://bucket/key")
        self._at = {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
        self._version = parts.fragment or None
        self.place = f"s3://{self._at['Bucket']}/{self._at['Key']}"
        self.pinned = self._version is not None
        self._key_id = key_id
        self._make = make
        self._client = client
        self._breaker = CircuitBreaker(elapsed)
        self._clients: dict[str, Any] = {}

    def newest(self, known: str | None) -> Any:  # noqa: ANN401  what `make` makes
        """The newest set, or the pinned one; None where it is the `known` version."""
        if self._version is not None:
            return None if known == self._version else self.stored(self._version)
        with self._errors_of("the newest policy set"):
            version = self._aws("s3").head_object(**self._at).get("VersionId")
        return None if version is not None and version == known else self._read("the newest policy set", {})

    def stored(self, version: str) -> Any:  # noqa: ANN401
        """The set of one version."""
        return self._read(f"the policy set of version {version}", {"VersionId": version})

    def signed(self, copy: Any) -> bool:  # noqa: ANN401
        """Whether KMS says that the signature is the key's own."""
        digest = hashlib.sha256(copy.content).digest()
        if not copy.signature:
            return False
        try:
            with self._errors_of("the signature"):
                answer = self._aws("kms").verify(
                    KeyId=self._key_id,
                    Message=digest,
                    MessageType="DIGEST",
                    Signature=copy.signature,
                    SigningAlgorithm=ALGORITHM,
                )
        except _InvalidSignatureError:
            return False
        return bool(answer["SignatureValid"])

    def kept(self) -> tuple[str | None, str | None]:
        """The versions that were valid last and rejected last."""
        kept: dict[str, Any] = {}
        with self._errors_of("what is kept beside the policy set", absent_is_none=True):
            kept = json.loads(self._aws("s3").get_object(**self._beside())["Body"].read(_STATE_MAX_BYTES))
        if not isinstance(kept, dict):
            raise PublishedSetError("what is kept beside the policy set is no JSON object")
        good, refused = kept.get("good"), kept.get("refused")
        return good if isinstance(good, str) else None, refused if isinstance(refused, str) else None

    def keep(self, good: str | None, refused: str | None) -> None:
        """Store them for functions that start later."""
        content = json.dumps({"good": good, "refused": refused}).encode()
        with self._errors_of("what is kept beside the policy set", "be written"):
            self._aws("s3").put_object(**self._beside(), Body=content, ContentType="application/json")

    def publish(self, content: bytes) -> str:
        """Sign a set that was packed for this place and store it; returns its version."""
        with self._errors_of("the policy set", "be published"):
            digest = hashlib.sha256(content).digest()
            answer = self._aws("kms").sign(KeyId=self._key_id, Message=digest, MessageType="DIGEST", SigningAlgorithm=ALGORITHM)
            signature = base64.b64encode(answer["Signature"]).decode()
            stored = self._aws("s3").put_object(
                **self._at, Body=content, ContentType="application/json", Metadata={METADATA: signature}
            )
        if "VersionId" not in stored:
            raise PublishedSetError(f"the bucket {self._at['Bucket']} keeps no versions: turn versioning on")
        return str(stored["VersionId"])

    def _read(self, what: str, how: dict[str, str]) -> Any:  # noqa: ANN401
        with self._errors_of(what):
            answer = self._aws("s3").get_object(**self._at, **how)
            content = answer["Body"].read(_SET_MAX_BYTES)
        version = answer.get("VersionId")
        if version is None:
            raise PublishedSetError("the bucket of the policy sets keeps no versions: turn versioning on")
        try:
            signature = base64.b64decode(answer["Metadata"].get(METADATA, ""), validate=True)
        except binascii.Error:
            signature = b""
        return self._make(content, signature, version)

    @contextmanager
    def _errors_of(self, what: str, verb: str = "be read", *, absent_is_none: bool = False) -> Iterator[None]:
        """Turns AWS's errors into `PublishedSetError`; a missing object may be no error."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

        away = self._breaker.error("AWS")
        if away is not None:
            raise PublishedSetError(f"{what} cannot {verb} ({away})", passing=True)
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "error"))
            if code == "KMSInvalidSignatureException":
                raise _InvalidSignatureError from None
            if not (absent_is_none and code in _ABSENT):
                raise PublishedSetError(f"{what} cannot {verb} ({code})", passing=True) from None
        except (BotoCoreError, OSError, ValueError, KeyError, TypeError) as error:
            if is_unanswered(error):
                self._breaker.trip("AWS", type(error).__name__)
            raise PublishedSetError(f"{what} cannot {verb} ({type(error).__name__})", passing=True) from None

    def _beside(self) -> dict[str, str]:
        return {**self._at, "Key": self._at["Key"] + STATE_SUFFIX}

    def _aws(self, service: str) -> Any:  # noqa: ANN401  boto3 clients have no types
        if service not in self._clients:
            self._clients[service] = self._client(service)
        return self._clients[service]


class ShadowStore(S3Store):
    """The place of a shadow set, beside that of the active one: decided and recorded by functions, and not posted.

    Its address is another one, so a set that is signed for it counts nowhere else. Nothing is kept beside it: a function that
    starts without a shadow set loses nothing.
    """

    def __init__(self, url: str, key_id: str, make: Callable[[bytes, bytes, str], Any], *more: Any) -> None:  # noqa: ANN401
        super().__init__(f"{url.partition('#')[0]}{SHADOW_SUFFIX}", key_id, make, *more)

    def newest(self, known: str | None) -> Any:  # noqa: ANN401  what `make` makes
        """The newest shadow set; None where it is the `known` version, or there is none."""
        with self._errors_of("the shadow set", absent_is_none=True):
            version = self._aws("s3").head_object(**self._at).get("VersionId")
            return None if version == known else self._read("the shadow set", {})

    def kept(self) -> tuple[str | None, str | None]:
        """Nothing."""
        return None, None

    def keep(self, good: str | None, refused: str | None) -> None:
        """Keep nothing."""


def caller(client: Callable[[str], Any] = quick_client) -> str | None:
    """The ARN of whoever's credentials these are, as STS says; None where it does not say. Needs no permission."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

    try:
        return str(client("sts").get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError, KeyError):
        return None


class _InvalidSignatureError(Exception):
    """KMS says that a signature is not the key's."""
