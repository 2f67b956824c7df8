"""A policy set, compiled."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple, TypeAlias

from engine.model.channels import Channel
from engine.model.events import FactGroups, Record
from engine.model.masking import Level
from engine.model.matchers import Definitions, Matcher
from engine.model.safe_repr import repr_only
from engine.model.vocabulary import ALWAYS_VOID_FOR, Detail, Kind, LocalizedText, Selects, Severity, Strength, VoidReason


class Evidence(NamedTuple):
    """A matcher that names an actor class, and what it says to a reader."""

    id: str
    says: LocalizedText
    strength: Strength
    matcher: Matcher


class ActorClass(NamedTuple):
    """A class of actors. `unknown` has no evidence."""

    name: str
    kind: Kind
    emoji: str | None = None
    title: LocalizedText | None = None
    never_mute: bool = False
    evidence: tuple[Evidence, ...] = ()


DayRanges: TypeAlias = tuple[tuple[int, int], ...]
"""Ranges of days, each by its first and its last one as ordinals (`date.toordinal`), in order and apart from each other."""


class Window(NamedTuple):
    """Recurring hours. Minutes count from midnight; half-open; `start > end` runs over midnight and belongs to the start day.

    `days` holds 0 (Monday) to 6 (Sunday); `end` may be 1440. `dates` are the days on which the window may start (None: any day),
    `exceptions` those on which it does not.
    """

    days: frozenset[int]
    start: int
    end: int
    timezone: tzinfo
    dates: DayRanges | None = None
    exceptions: DayRanges = ()


class Route(NamedTuple):
    """A rule of a policy: it notifies channels, or mutes for a reason.

    It holds in one of the windows of `during`; without any, at every time. `void_for` says what makes a mute void.
    """

    id: str
    matcher: Matcher | None
    notify: tuple[str, ...] = ()
    mute: str | None = None
    level: Level | None = None
    severity: Severity = Severity.WARNING
    continues: bool = False
    title: LocalizedText | None = None
    runbook: str | None = None
    during: tuple[Window, ...] = ()
    detail: Detail = Detail.SHORT
    void_for: tuple[VoidReason, ...] = ALWAYS_VOID_FOR


class Silence(NamedTuple):
    """A temporary mute of one file's requests, from `start` (None: since ever) to before `until`.

    `channels` None: every channel the file asks for. `void_for` as in a route.
    """

    id: str
    matcher: Matcher
    until: datetime
    reason: str
    channels: frozenset[str] | None = None
    start: datetime | None = None
    void_for: tuple[VoidReason, ...] = ALWAYS_VOID_FOR


class Policy(NamedTuple):
    """One YAML file. `buckets` and `accounts` are its scope (None: every one), without what a pattern of `exclusions` matches.

    `anchored`: each pattern of `buckets` demands some literal characters, so that it takes the default's place for its buckets.
    `holds_default`: a file with a `default`, the set's own or that of its base, takes it for every bucket.
    """

    name: str
    owner: str
    path: str
    description: str = ""
    buckets: tuple[str, ...] | None = None
    accounts: frozenset[str] | None = None
    exclusions: tuple[str, ...] = ()
    anchored: bool = False
    holds_default: bool = False
    masking_floor: Level | None = None
    routes: tuple[Route, ...] = ()
    silences: tuple[Silence, ...] = ()


class Default(NamedTuple):
    """Where an event goes when no policy decided; `policy` names the file that holds it."""

    policy: str
    notify: tuple[str, ...]
    level: Level


class Selection(NamedTuple):
    """Which events are processed; `names` None: every event name."""

    select: Selects = Selects.S3_DATA
    names: frozenset[str] | None = None


class AuditRule(NamedTuple):
    """How much of an event the audit record holds; `event`: whether it holds the event itself."""

    level: Level
    event: bool = True


@repr_only("revision", "commit", "policies", "actors", "unknown", "levels", "channels", "default", "selection", "audit")
class PolicySet(NamedTuple):
    """All policies, compiled. `revision` is `sha256:` and 12 hex; `commit` the git commit where the build knows one.

    `actors` are in the order of the files, without `unknown`, which stands apart. `evidence` is that of all of them, each with
    its class, in the order in which it is asked; `first(record, facts)` gives the place of the first of it that holds, -1 where
    none does, and raises `MatcherError` where one fails before that. `levels` go from least strict to most, `open` first.
    `policies` are in path order. `definitions` are the lists and conditions of all files.
    """

    revision: str
    commit: str | None
    policies: tuple[Policy, ...]
    actors: tuple[ActorClass, ...]
    unknown: ActorClass
    evidence: tuple[tuple[ActorClass, Evidence], ...]
    levels: tuple[Level, ...]
    channels: Mapping[str, Channel]
    default: Default
    selection: Selection
    audit: AuditRule
    first: Callable[[Record, FactGroups], int]
    definitions: Definitions = Definitions()


class ActivePolicySet(NamedTuple):
    """A valid published policy set. `new`: no function has used this version before.

    `published` is its number as a time, `publisher` who published it in their own words: both are signed, so whoever may sign
    chose them. `before` is the set that was active before it, where a function that starts could read it.
    """

    policies: PolicySet
    version: str
    published: datetime
    publisher: str | None = None
    new: bool = False
    before: PolicySet | None = None


class RejectedPolicySet(NamedTuple):
    """A rejected policy set and the reason: places and codes of findings, never a value. `version` None: no set could be read.

    `new`: no function has rejected this version before.
    """

    reason: str
    version: str | None = None
    new: bool = False
