"""The words of messages, in the languages that a channel can ask for. `english` and `japanese` have them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from engine.model import Field, MatcherKind, Strength
from engine.pipeline.render.actions import Action
from engine.pipeline.render.targets import Target


class ActionWords(NamedTuple):
    """One action: as done, and as attempted; and of several objects. Slots: `bucket`, `source`, `event`, `count`."""

    done: str
    attempted: str
    done_to_objects: str = ""
    attempted_on_objects: str = ""


class CallOutcome(StrEnum):
    """How a call ended. `UNKNOWN`: the level hides the error code that says so."""

    DONE = "done"
    DENIED = "denied"
    FAILED = "failed"
    UNKNOWN = "unknown"


class SentenceWords(NamedTuple):
    """How who and what become the first line: of what was done, and, behind the outcome, of what was attempted.

    `{done}` and `{attempted}` are of the action, `{words}` is a route's title. Slots: `who`, `note` (what sort of caller),
    `where` (the client that keys were used in), `bucket`.
    """

    done: str
    attempted: str


class TitleWords(NamedTuple):
    """The first line with a route's title: one that goes on behind who called, one that names the bucket, one that does not."""

    continued: str
    separate: str
    separate_with_bucket: str


class Words(NamedTuple):
    """One language. Names in braces are filled by `str.format`; nothing of an event ever stands in a template."""

    fields: Mapping[Field, str]
    actions: Mapping[Action, ActionWords]
    outcomes: Mapping[CallOutcome, str]
    sentence: SentenceWords
    keys_sentence: SentenceWords
    hidden_keys_sentence: SentenceWords
    titles: TitleWords
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    day: str
    bytes: str
    seconds: str
    minutes: str
    hours: str
    colon: str
    comma: str
    in_brackets: str
    no_brackets: str
    hidden: str
    not_recorded: str
    client: str
    programs: Mapping[str, str]
    on_platform: str
    in_program: str
    # who
    root: str
    anonymous: str
    someone: str
    another_account: str
    named_account: str
    a_bucket: str
    # details
    access_key: str
    with_mfa: str
    keys_not_recorded: str
    strengths: Mapping[Strength, str]
    never_muted: str
    because: str
    no_evidence: str
    role: str
    masked: str
    digest_by: str
    # several events
    times: str
    several_requests: ActionWords
    within: str
    objects: str
    denied_under: str
    denied_count: str
    failed_count: str
    further: str
    people: str
    roles: str
    tasks: str
    accounts: str
    callers: str
    buckets: str
    networks: str
    incidents: str
    incidents_within: str
    incidents_with: str
    events: str
    so_far: str
    ended: str
    more_like_it: str
    like_it: str
    may_repeat: str
    # notes
    matchers: Mapping[MatcherKind, str]
    failures: str
    fallback: str
    no_key: str
    links: Mapping[Target, str]
    all_records: str
