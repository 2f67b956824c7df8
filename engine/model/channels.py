"""Channels: where messages go, and how many of them become one."""

from collections.abc import Mapping
from datetime import tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from engine.model.masking import Field, Level
from engine.model.vocabulary import Language, Severity


class WebhookRef(NamedTuple):
    """Where a channel's messages go: exactly one of these is set.

    A webhook URL is kept in an environment variable, a secret (with the key in it) or a parameter; `sns` is the ARN of a topic.
    The port `webhook` resolves either to an address (a URL or the ARN), and the port `post` takes both.
    """

    env: str | None = None
    secret: str | None = None
    key: str | None = None
    parameter: str | None = None
    sns: str | None = None


class DigestRule(NamedTuple):
    """More than `after` messages alike in the fields `by` within one batch become one summary."""

    after: int
    by: tuple[Field, ...]


class IncidentKey(StrEnum):
    """What events of one incident can have in common beside message fields: who called, and by which way."""

    ACTOR = "actor"
    ACCESS = "access"


class IncidentRule(NamedTuple):
    """Events alike in `by` that arrive within `window` seconds of the first are one incident; the first `after` alert singly."""

    by: tuple[Field | IncidentKey, ...] = (IncidentKey.ACTOR, Field.BUCKET, IncidentKey.ACCESS)
    window: float = 900.0
    after: int = 1


class Channel(NamedTuple):
    """A named destination.

    A channel has `digest` or `incident` or neither. After `fallback_after` seconds in which a message could not be delivered, the
    fallback gets it as well (None: only where the channel is gone). `mention` says by severity whom an alert mentions: `here`,
    `channel`, `user:U…` or `subteam:S…`.
    """

    name: str
    webhook: WebhookRef
    masking_floor: Level
    timezone: tzinfo
    language: Language = Language.EN
    digest: DigestRule | None = None
    fallback: str | None = None
    fields: tuple[Field, ...] | None = None
    incident: IncidentRule | None = None
    fallback_after: float | None = None
    mention: Mapping[Severity, tuple[str, ...]] = MappingProxyType({})
