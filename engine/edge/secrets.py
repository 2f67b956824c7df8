"""Webhook URLs and the hash key, read from where policies and the environment say. No error text holds a secret."""

from __future__ import annotations

import binascii
import json
import os
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from engine.edge.circuit_breaker import CircuitBreaker, is_unanswered
from engine.edge.threads import MAKING_A_CLIENT
from engine.errors import HashKeyError, WebhookError
from engine.model import HashKey, WebhookRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SLACK: Final = "hooks.slack.com"
HOSTS: Final = "TRAILBELL_WEBHOOK_HOSTS"
HASH_KEY: Final = "TRAILBELL_HASH_KEY_SECRET"
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
KEY_MIN_BYTES: Final = 32
MAX_AGE_SECONDS: Final = 900.0
"""For how long a secret that was read is used."""

_PERMANENT: Final = frozenset(
    {"ResourceNotFoundException", "ParameterNotFound", "InvalidRequestException", "AccessDeniedException"}
)
"""Error codes after which trying again does not help."""


def aws_client(service: str, read_timeout: float = 5.0, **credentials: str) -> Any:  # noqa: ANN401  boto3 clients have no types
    """A boto3 client; boto3 comes with the Lambda's runtime and is imported when first needed.

    Its timeouts are seconds, not boto3's minutes: a service that hangs must not use up the time of the events.
    `credentials` are of another role than the function's, under boto3's names.
    """
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(connect_timeout=2, read_timeout=read_timeout, retries={"mode": "standard", "total_max_attempts": 2})
    with MAKING_A_CLIENT:
        return boto3.client(service, config=config, **credentials)


def quick_client(service: str) -> Any:  # noqa: ANN401  boto3 clients have no types
    """The same for short requests: one that hangs costs four seconds."""
    return aws_client(service, 2.0)


class Secrets:
    """Resolves webhooks and the hash key, each read when first needed and kept for `MAX_AGE_SECONDS`.

    If a service did not answer for one, it is not called for the others for a while.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        client: Callable[[str], Any] = quick_client,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment = environment
        self._client = client
        self._elapsed = elapsed
        self._kept: dict[tuple[str, str], tuple[float, str]] = {}
        self._breaker = CircuitBreaker(elapsed)

    def __repr__(self) -> str:
        """No secret."""
        return "Secrets(…)"

    def webhook(self, ref: WebhookRef, fresh: bool = False) -> str:  # noqa: FBT001, FBT002  the shape that Ports asks for
        """The URL (or topic) that a reference stands for; `fresh` ignores what was read before. Raises `WebhookError`."""
        if ref.sns is not None:
            return ref.sns
        name, text = self._text(ref, fresh=fresh)
        return _checked(text.strip(), name, self._environment.get(HOSTS, ""))

    def hash_key(self) -> HashKey | None:
        """The key of the `hash` operator, None where the environment names none. Raises `HashKeyError`."""
        name = self._environment.get(HASH_KEY)
        if not name:
            return None
        try:
            text = self._read("secret", name, fresh=False)
        except WebhookError as error:
            raise HashKeyError(str(error)) from None
        return _hash_key(text, name)

    def _text(self, ref: WebhookRef, *, fresh: bool) -> tuple[str, str]:
        """The name of the reference in errors, and the text that it stands for."""
        if ref.env is not None:
            name = f"the variable {ref.env}"
            if not self._environment.get(ref.env):
                raise WebhookError(f"{name} is not set")
            return name, self._environment[ref.env]
        if ref.parameter is not None:
            return f"the parameter {ref.parameter}", self._read("parameter", ref.parameter, fresh=fresh)
        name, text = f"the secret {ref.secret}", self._read("secret", ref.secret or "", fresh=fresh)
        return (name, text) if ref.key is None else (f"{name}, key {ref.key}", _member(text, name, ref.key))

    def _read(self, kind: str, name: str, *, fresh: bool) -> str:
        kept = self._kept.get((kind, name))
        if kept is not None and not fresh and self._elapsed() - kept[0] < MAX_AGE_SECONDS:
            return kept[1]
        text = self._fetched(kind, name)
        self._kept[kind, name] = (self._elapsed(), text)
        return text

    def _fetched(self, kind: str, name: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is called

        recent_error = self._breaker.error(kind)
        if recent_error is not None:
            raise WebhookError(f"the {kind} {name} cannot be read ({recent_error})", passing=True)
        try:
            return self._secret(name) if kind == "secret" else self._parameter(name)
        except (BotoCoreError, ClientError, KeyError) as error:
            code = (
                error.response.get("Error", {}).get("Code", "error") if isinstance(error, ClientError) else type(error).__name__
            )
            if is_unanswered(error):
                self._breaker.trip(kind, str(code))
            raise WebhookError(f"the {kind} {name} cannot be read ({code})", passing=code not in _PERMANENT) from None

    def _secret(self, name: str) -> str:
        return str(self._client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])

    def _parameter(self, name: str) -> str:
        return str(self._client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


def _member(text: str, name: str, key: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        raise WebhookError(f"{name} is not JSON, so it has no key {key}") from None
    if not isinstance(value, dict) or not isinstance(value.get(key), str):
        raise WebhookError(f"{name} has no text under the key {key}")
    return str(value[key])


def _checked(url: str, name: str, hosts: str) -> str:
    """The URL, if it may be posted to: https on Slack's host or one that the environment names, http on loopback only."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise WebhookError(f"{name} is not a URL") from None
    named = {entry.strip().lower() for entry in hosts.split(",") if entry.strip()}
    known = (host == SLACK and port in {None, 443}) or host in named or f"{host}:{port}" in named
    if not known:
        raise WebhookError(f"{name} is on a host that is neither {SLACK} nor named in {HOSTS}")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise WebhookError(f"{name} is not https")
    if parts.username is not None or parts.password is not None or any(char.isspace() or not char.isprintable() for char in url):
        raise WebhookError(f"{name} is not a plain URL")
    if parts.path in {"", "/"}:
        raise WebhookError(f"{name} has no path")
    return url


def _hash_key(text: str, name: str) -> HashKey:
    shape = '{"epoch": "1", "key": "<base64 of 32 bytes or more>"}'
    try:
        value = json.loads(text)
        epoch, key = str(value["epoch"]), binascii.a2b_base64(value["key"], strict_mode=True)
    except (ValueError, TypeError, KeyError):
        raise HashKeyError(f"the secret {name} is not of the shape {shape}") from None
    if len(key) < KEY_MIN_BYTES:
        raise HashKeyError(f"the key in the secret {name} has {len(key)} bytes; {KEY_MIN_BYTES} are the least")
    if not epoch.isalnum():
        raise HashKeyError(f"the epoch in the secret {name} may hold letters and digits only")
    return HashKey(epoch, key)


def random_key() -> HashKey:
    """A key for one run of the command line; its epoch `~` says that its pseudonyms cannot be compared with others."""
    return HashKey("~", os.urandom(KEY_MIN_BYTES))
