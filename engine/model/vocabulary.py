"""The words of the policy language that several of its parts share."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias


class Kind(StrEnum):
    """The kind of actor that a class stands for."""

    ROBOT = "robot"
    PERSON = "person"
    SERVICE = "service"
    UNKNOWN = "unknown"


class Strength(StrEnum):
    """Whether AWS vouches for a piece of evidence, or the caller could have chosen it."""

    ATTESTED = "attested"
    CLAIMED = "claimed"


UNKNOWN: Final = "unknown"
"""The class that always exists and has no evidence."""


class Severity(StrEnum):
    """How loud a message is; `SEVERITY_RANK` orders it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


SEVERITY_RANK: Final[Mapping[Severity, int]] = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class Language(StrEnum):
    """The language of a message's labels."""

    EN = "en"
    JA = "ja"


class LocalizedText(NamedTuple):
    """A text of a policy in the languages that it has; the English one stands in for one that it has not."""

    en: str
    ja: str | None = None

    def in_language(self, language: Language) -> str:
        """The text for a reader of this language."""
        return self.ja if language is Language.JA and self.ja is not None else self.en


class Detail(StrEnum):
    """How much a message shows below its two lines: what its channel chose, or every field."""

    SHORT = "short"
    FULL = "full"


class VoidReason(StrEnum):
    """Why a mute or a silence that holds is void."""

    NOT_ALLOWED = "not allowed"
    NEVER_MUTE = "never_mute"
    FAILURE = "a failure"
    ACCOUNT = "another account"
    BUCKET = "another bucket"


ALWAYS_VOID_FOR: Final = (VoidReason.NEVER_MUTE, VoidReason.FAILURE)
"""What makes every mute and every silence void."""

VoidFor: TypeAlias = Mapping[tuple[str, str, str], tuple[VoidReason, ...]]
"""What makes each mute and silence of a set void, by its policy's name, its section (`routes` or `silences`) and its id."""


class Selects(StrEnum):
    """Which CloudTrail events are processed."""

    S3_DATA = "s3-data"
    ALL = "all"
