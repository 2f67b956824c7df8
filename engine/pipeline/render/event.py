"""What a message about one event says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import CLIENT_ON, OPEN, Detail, Field, Kind
from engine.pipeline.render.actions import Action, action_of, source_bucket
from engine.pipeline.render.amounts import exact_size, readable_size
from engine.pipeline.render.callers import account_alias, caller_of, readable, role_name
from engine.pipeline.render.changes import mute_links
from engine.pipeline.render.escape import visible
from engine.pipeline.render.languages import WORDS
from engine.pipeline.render.layout import Content, FieldLine
from engine.pipeline.render.links import event_links, runbook_links
from engine.pipeline.render.marks import mark_of
from engine.pipeline.render.parts import Part, Sentence, Style, joined, own, shortened, shortened_key, value
from engine.pipeline.render.phrases import (
    BUCKET_MAX_LENGTH,
    CLIENT_MAX_LENGTH,
    NAME_MAX_LENGTH,
    client_text,
    filled,
    first_line,
    footer,
    notes,
    shows,
    titled_line,
    where_used,
)
from engine.pipeline.render.times import full_time, local_time
from engine.pipeline.render.words import CallOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import ActorClass, Channel, Decision, Deployment, Evidence, Language, MaskedEvent, Request
    from engine.pipeline.render.callers import Caller
    from engine.pipeline.render.targets import Link
    from engine.pipeline.render.words import Words

KEY_MAX_LENGTH: Final = 56
"""Characters of an object key in the second line; the whole key stands in the audit record."""

_SAYS_MAX_LENGTH: Final = 300
_IAM_USER: Final = "IAMUser"
_NETWORK_MAX_LENGTH: Final = 48

_FIELD_MAX_LENGTH: Final = 300
_LONG_FIELDS: Final = frozenset({Field.KEY, Field.COPY_SOURCE, Field.ERROR_MESSAGE})
"""Fields of which more is shown below the two lines. An S3 key has at most 1,024 bytes."""


class Counted(NamedTuple):
    """The counts of an incident when one of its events triggers an alert: how many events have followed since, and the total.

    `repeated`: the channel may have been told this before. `networks`: from how many networks all of them came, where the level
    shows any.
    """

    more: int
    total: int
    repeated: bool = False
    networks: int = 1


class Subject(NamedTuple):
    """A masked event with what was decided about it: what the first line of a message is made of.

    `actor` and `evidence` None: hidden, or there is none. `title`: what a caller of the class is called. `outcome`: how the call
    ended. `action`: what was done.
    """

    masked: MaskedEvent
    actor: ActorClass | None
    evidence: Evidence | None
    language: Language
    words: Words
    title: str | None
    caller: Caller
    outcome: CallOutcome
    action: Action


def subject_of(masked: MaskedEvent, decision: Decision, language: Language) -> Subject:
    """What the channel's readers may know of the event."""
    verdict = decision.verdict
    actor = verdict.actor if Field.CLASS in masked.values else None
    evidence = verdict.evidence if shows(masked.level, Field.EVIDENCE) else None
    return subject_shown(masked, actor, evidence, language)


def subject_shown(masked: MaskedEvent, actor: ActorClass | None, evidence: Evidence | None, language: Language) -> Subject:
    """A subject of which the class and the evidence may be shown as they are given."""
    words = WORDS[language]
    title = actor.title.in_language(language) if actor is not None and actor.title else None
    caller = caller_of(masked, actor, words, title)
    return Subject(masked, actor, evidence, language, words, title, caller, _outcome(masked), action_of(masked))


def _outcome(masked: MaskedEvent) -> CallOutcome:
    if not shows(masked.level, Field.ERROR_CODE):
        return CallOutcome.UNKNOWN
    if Field.ERROR_CODE not in masked.values:
        return CallOutcome.DONE
    return CallOutcome.DENIED if masked.denied else CallOutcome.FAILED


def event_content(  # noqa: PLR0913  the values that flow, each of its own type
    masked: MaskedEvent,
    decision: Decision,
    request: Request,
    channel: Channel,
    deployment: Deployment,
    *,
    counted: Counted | None = None,
) -> Content:
    """The content of a message about one event; of the event itself only what `masked` has."""
    subject = subject_of(masked, decision, channel.language)
    words, caller, verdict = subject.words, subject.caller, decision.verdict
    details = tuple(_details(subject, caller))
    in_details = frozenset(field for field, parts in details if field in _SHORTENED or _whole(masked, field, parts))
    return Content(
        mark=mark_of(request.severity, subject.actor),
        headline=_headline(subject, request),
        details=joined([parts for _, parts in details]),
        explanation=explanation(subject),
        fields=tuple(_fields(subject, request, channel, in_details | caller.shown | _ELSEWHERE)),
        notes=(*_counted(counted, words), *notes(verdict.failures, request.fallback_for, masked.hash_missing, words)),
        links=tuple(_links(masked, decision, request, deployment)),
        footer=tuple(_footer(subject, request, channel, verdict.revision)),
        mentions=channel.mention.get(request.severity, ()),
        severity=request.severity,
        actor_class=subject.actor.name if subject.actor is not None else None,
    )


def _counted(counted: Counted | None, words: Words) -> Iterator[str]:
    if counted is not None and counted.more:
        text = words.like_it if counted.more + 1 == counted.total else words.more_like_it  # the first has no message before it
        more = text.format(more=f"{counted.more:,}", total=f"{counted.total:,}")
        yield f"{more} · {words.networks.format(count=f'{counted.networks:,}')}" if counted.networks > 1 else more
    if counted is not None and counted.repeated:
        yield words.may_repeat


# --- the two lines --------------------------------------------------------------------------------------------------------


def _headline(subject: Subject, request: Request) -> Sentence:
    if request.title is not None:
        bucket = bucket_part(subject)
        return titled_line(
            subject.caller,
            request.title.in_language(subject.language),
            subject.masked,
            bucket=bucket,
            outcome=subject.outcome,
            language=subject.language,
        )
    return sentence_of(subject)


def sentence_of(subject: Subject) -> Sentence:
    """Who did what and where, in words of ours."""
    words = subject.words
    return first_line(subject.caller, words.actions[subject.action], slots_of(subject), subject.outcome, words)


def slots_of(subject: Subject) -> dict[str, Part]:
    """What fills the slots of an action: where, from where, and which event; and in which client keys were used."""
    masked, words = subject.masked, subject.words
    client = masked.values.get(Field.CLIENT)
    return {
        "bucket": bucket_part(subject),
        "source": value(source_bucket(masked) or words.a_bucket, BUCKET_MAX_LENGTH, Style.BOLD),
        "event": value(masked.values.get(Field.EVENT, ""), NAME_MAX_LENGTH),
        **({"where": where_used(client, words)} if client else {}),
    }


def bucket_part(subject: Subject) -> Part:
    """The bucket, or that it is one where the level hides it."""
    bucket = readable(subject.masked, Field.BUCKET)
    return value(bucket, BUCKET_MAX_LENGTH, Style.BOLD) if bucket else own(subject.words.a_bucket)


_ELSEWHERE: Final = frozenset({Field.EVENT, Field.BUCKET, Field.TIME, Field.ERROR_CODE})
"""Fields that stand in the first line or the footer."""

_MOVES_OBJECTS: Final = frozenset({Action.READ, Action.WRITE})
"""What transfers an object: the bytes of a list, or of a refusal, say nothing to a reader."""

_SHORTENED: Final = frozenset({Field.SIZE, Field.CLIENT})
"""Fields that the second line says as well as they can be said, though in other words."""


def _whole(masked: MaskedEvent, field: Field, parts: tuple[Part, ...]) -> bool:
    """Whether the parts show a field's whole value."""
    return masked.values.get(field) in [part.text for part in parts]


def _details(subject: Subject, caller: Caller) -> Iterator[tuple[Field, tuple[Part, ...]]]:
    """The second line, by field: what a responder asks next. The object, how much, with what, from where."""
    masked, words = subject.masked, subject.words
    if key := _key(subject):
        yield Field.KEY, key
    if Field.SIZE in masked.values and subject.outcome is CallOutcome.DONE and subject.action in _MOVES_OBJECTS:
        size = masked.values[Field.SIZE]
        shown = exact_size(size, words.bytes) if masked.level.name == OPEN else readable_size(size, words.bytes)
        yield Field.SIZE, (own(shown),)
    if client := _client(subject, caller):
        yield Field.CLIENT, client
    if network := _network(subject, caller):
        yield Field.SOURCE_IP, network
    alias = account_alias(masked)
    if alias and not masked.foreign:
        yield Field.ACCOUNT, (value(alias, NAME_MAX_LENGTH),)
    by_key = caller.keys or masked.values.get(Field.ACTOR_TYPE) == _IAM_USER
    if by_key and Field.ACCESS_KEY in masked.values:
        yield Field.ACCESS_KEY, (own(words.access_key.format(end=visible(masked.values[Field.ACCESS_KEY], 40))),)
    if masked.values.get(Field.ACTOR_TYPE) == _IAM_USER and masked.values.get(Field.MFA) == "true":
        yield Field.MFA, (own(words.with_mfa),)


def _key(subject: Subject) -> tuple[Part, ...]:
    """The object's key, of a copy the source's where that differs; that there is none where several were deleted."""
    masked = subject.masked
    if subject.action is Action.DELETE_SEVERAL:
        return (own(subject.words.keys_not_recorded),)
    key = readable(masked, Field.KEY)
    source = readable(masked, Field.COPY_SOURCE).partition("/")[2]
    half = KEY_MAX_LENGTH // 2
    if source and key and source != key:
        return _key_part(source, half), Part(" → "), _key_part(key, half)
    return (_key_part(key or source, KEY_MAX_LENGTH),) if key or source else ()


def _key_part(key: str, max_length: int) -> Part:
    return value(shortened_key(key, max_length), max_length, Style.CODE)


def _client(subject: Subject, caller: Caller) -> tuple[Part, ...]:
    """The client; where the first line says on which platform it is, the program alone."""
    client = subject.masked.values.get(Field.CLIENT)
    if client is None or _is_service(subject.masked):
        return ()
    if caller.keys:
        program, on, _ = client.partition(CLIENT_ON)
        return (value(program, CLIENT_MAX_LENGTH),) if on else ()
    return (value(client_text(client, subject.words), CLIENT_MAX_LENGTH),)


def _network(subject: Subject, caller: Caller) -> tuple[Part, ...]:
    source = subject.masked.values.get(Field.SOURCE_IP)
    if source is None or source == caller.name.text:
        return ()
    return (value(source, _NETWORK_MAX_LENGTH),)


def _is_service(masked: MaskedEvent) -> bool:
    """Whether the call came from an AWS service, whose agent says nothing more than that."""
    return masked.values.get(Field.SOURCE_IP, "").endswith((".amazonaws.com", "AWS Internal"))


# --- why this caller is of its class --------------------------------------------------------------------------------------


def explanation(subject: Subject) -> str:
    """Of which class the caller is, by which evidence, and how much that is worth; empty where the level hides it."""
    masked, words, actor = subject.masked, subject.words, subject.actor
    if actor is None and subject.evidence is None:
        return ""
    title = filled(subject.title, masked, words) if subject.title else actor.name if actor else ""
    if not shows(masked.level, Field.EVIDENCE):
        return shortened(title, _SAYS_MAX_LENGTH)
    says, worth = words.no_evidence, ""
    if subject.evidence is not None:
        says = filled(subject.evidence.says.in_language(subject.language), masked, words)
        never = [words.never_muted] if actor is not None and actor.never_mute else []
        worth = words.in_brackets.format(text=words.comma.join([words.strengths[subject.evidence.strength], *never]))
    reason = words.because.format(title=title, says=says) if title else says
    return shortened(reason, _SAYS_MAX_LENGTH) + worth + _permission_set(subject)


def _permission_set(subject: Subject) -> str:
    """The role that a person took, which the first line does not say."""
    if subject.actor is None or subject.actor.kind is not Kind.PERSON or Field.ROLE in subject.caller.shown:
        return ""
    role = role_name(subject.masked)
    if not role.strip("*"):
        return ""
    return " · " + subject.words.role.format(role=shortened(role, NAME_MAX_LENGTH))


# --- fields, links, footer ------------------------------------------------------------------------------------------------


def _fields(subject: Subject, request: Request, channel: Channel, shown: frozenset[Field]) -> Iterator[FieldLine]:
    """A line for each field that the channel chose, or for every one where a route asked for it, but for what stands above."""
    masked, words = subject.masked, subject.words
    chosen = channel.fields or (tuple(Field) if request.detail is Detail.FULL else ())
    for field in chosen:
        text = masked.values.get(field)
        if text is None or field in shown:
            continue
        if field is Field.TIME:
            text = full_time(text, channel.timezone, words)
        if field is Field.SIZE:
            text = exact_size(text, words.bytes)
        if field is Field.CLIENT:
            text = client_text(text, words)
        yield FieldLine(words.fields[field], text, 1024 if field in _LONG_FIELDS else _FIELD_MAX_LENGTH)


def _links(masked: MaskedEvent, decision: Decision, request: Request, deployment: Deployment) -> Iterator[Link]:
    yield from runbook_links(request.runbook)
    yield from event_links(masked, deployment)
    yield from mute_links(masked, decision, deployment)


def _footer(subject: Subject, request: Request, channel: Channel, revision: str) -> Iterator[str]:
    masked, words = subject.masked, subject.words
    values = masked.values
    if Field.EVENT in values and subject.action is not Action.OTHER:
        yield visible(values[Field.EVENT], NAME_MAX_LENGTH)
    if Field.ERROR_CODE in values:
        yield visible(values[Field.ERROR_CODE], NAME_MAX_LENGTH)
    if Field.TIME in values:
        yield visible(local_time(values[Field.TIME], channel.timezone, words), NAME_MAX_LENGTH)
    yield from footer(routes_of(request), masked.level, channel, revision, words)


def routes_of(request: Request) -> tuple[str, ...]:
    """Every route that asked for the message, as `policy/route`."""
    return request.routes or (f"{request.policy}/{request.route}",)
