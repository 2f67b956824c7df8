"""Decisions: what the policies chose for an event, and why."""

from enum import StrEnum
from typing import NamedTuple

from engine.model.masking import Level
from engine.model.policies import ActorClass, Evidence
from engine.model.vocabulary import Detail, LocalizedText, Severity, VoidReason


class MatcherKind(StrEnum):
    """What kind of rule a matcher belongs to."""

    EVIDENCE = "evidence"
    ROUTE = "route"
    SILENCE = "silence"


class Failure(NamedTuple):
    """A matcher that failed: which one and why, without event data. `policy` is the class's name for evidence."""

    kind: MatcherKind
    policy: str
    id: str
    reason: str


class Suppression(NamedTuple):
    """A mute or a silence that matched: its policy, its id and its reason."""

    policy: str
    id: str
    reason: str


class VoidRule(NamedTuple):
    """A mute or a silence that held and was void: its policy, its id and why."""

    policy: str
    id: str
    reason: VoidReason


class Request(NamedTuple):
    """What all policies together request of one channel. `fallback_for`: the channel that is gone, which it replaces."""

    channel: str
    level: Level
    severity: Severity
    policy: str
    route: str
    title: LocalizedText | None = None
    runbook: str | None = None
    routes: tuple[str, ...] = ()
    fallback_for: str | None = None
    detail: Detail = Detail.SHORT


class Verdict(NamedTuple):
    """Everything that the rules chose: the same for all events that the same rules match.

    `requests` are by channel, in the order of the first request.
    """

    actor: ActorClass
    evidence: Evidence | None
    requests: tuple[Request, ...]
    routes: tuple[str, ...]
    mutes: tuple[Suppression, ...]
    silences: tuple[Suppression, ...]
    defaulted: bool
    failures: tuple[Failure, ...]
    revision: str
    void: tuple[VoidRule, ...] = ()


class Decision(NamedTuple):
    """Everything chosen for one event: its id (None: it has none that is text) and the verdict."""

    event_id: str | None
    verdict: Verdict


class MatchResult(StrEnum):
    """The result of a matcher."""

    HELD = "held"
    NOT_HELD = "not held"
    FAILED = "failed"
    OUT_OF_TIME = "outside its time"


class TraceEntry(NamedTuple):
    """One entry of a trace: a matcher that was evaluated, and its result."""

    kind: MatcherKind
    policy: str
    id: str
    expressions: tuple[str, ...]
    answer: MatchResult
    reason: str = ""
