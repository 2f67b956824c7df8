"""The phrases that messages about one event and about several share: marks, titles, notes, footers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model import Field, Kind, Operator, Severity
from engine.pipeline.render.escape import visible
from engine.pipeline.render.layout import SEPARATOR, Piece, Style
from engine.pipeline.render.times import local_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from engine.model import ActorClass, Failure, Level, MaskedEvent
    from engine.pipeline.render.labels import Words

_SEVERITY_MARKS: Final = {
    Severity.INFO: "large_blue_square",
    Severity.WARNING: "large_orange_square",
    Severity.CRITICAL: "rotating_light",
}
_KIND_MARKS: Final = {
    Kind.ROBOT: "robot_face",
    Kind.PERSON: "bust_in_silhouette",
    Kind.SERVICE: "gear",
    Kind.UNKNOWN: "grey_question",
}
_EMOJI: Final = re.compile(r":([\w+'-]{1,100}(?:::skin-tone-[2-6])?):")
"""A name as Slack takes it, letters of any script among them."""

_PLACEHOLDER: Final = re.compile(r"\{([a-z0-9_]+)\}")
_FIELDS: Final = {field.value: field for field in Field}

DASH: Final = " \N{EN DASH} "

LONGEST_WORDS: Final = 300
"""Characters of one text of a policy: a title, what an evidence says, a list of routes."""

_LONGEST_TITLE_VALUE: Final = 100
_MOST_NAMES: Final = 8


def marks(severity: Severity, actor: ActorClass | None) -> tuple[str, ...]:
    """The emoji in front of a title: how loud it is, and which class called (None: hidden, or several)."""
    if actor is None:
        return (_SEVERITY_MARKS[severity],)
    own = _EMOJI.fullmatch(actor.emoji or "")
    return _SEVERITY_MARKS[severity], own[1].lower() if own else _KIND_MARKS[actor.kind]


def absent(field: Field, level: Level, hash_missing: int, words: Words) -> str:
    """What stands in place of a value that is not there: whether the level hides it, or the event has none."""
    operator = level.operators.get(field, Operator.DROP)
    hidden = operator is Operator.DROP or (operator is Operator.HASH and hash_missing > 0)
    return words.hidden if hidden else words.not_recorded


def shows(level: Level, field: Field) -> bool:
    """Whether a level leaves anything of a field."""
    return level.operators.get(field, Operator.DROP) is not Operator.DROP


def filled(template: str, masked: MaskedEvent, zone: tzinfo, words: Words) -> str:
    """A title with its placeholders, which are field names, filled by masked values. Other braces stay."""

    def value(found: re.Match[str]) -> str:
        field = _FIELDS.get(found[1])
        if field is None:
            return found[0]
        text = masked.values.get(field)
        if text is None:
            return absent(field, masked.level, masked.hash_missing, words)
        return visible(local_time(text, zone, words) if field is Field.TIME else text, _LONGEST_TITLE_VALUE)

    return visible(_PLACEHOLDER.sub(value, template), LONGEST_WORDS)


def labelled(label: str, words: Words, *pieces: Piece) -> tuple[Piece, ...]:
    """A line: a bold label and what follows it."""
    return Piece(label + words.colon, Style.BOLD), *pieces


def joined(groups: Sequence[Sequence[Piece]]) -> tuple[Piece, ...]:
    """The groups of one line, with a dot between them."""
    return tuple(piece for place, group in enumerate(groups) for piece in ((Piece(SEPARATOR), *group) if place else group))


def listed(names: Sequence[str], words: Words) -> str:
    """The first few names, and how many more there are."""
    more = [words.more.format(count=len(names) - _MOST_NAMES)] if len(names) > _MOST_NAMES else []
    return words.comma.join([*(visible(name, _LONGEST_TITLE_VALUE) for name in names[:_MOST_NAMES]), *more])


def notes(failures: Sequence[Failure], fallback_for: str | None, words: Words) -> Iterator[str]:
    """What a reader must know beside the event: whose place this channel takes, and which matchers failed."""
    if fallback_for is not None:
        yield words.fallback.format(channel=visible(fallback_for, _LONGEST_TITLE_VALUE))
    if failures:
        names = [f"{words.matchers[failure.kind]} {failure.policy}/{failure.id}" for failure in failures]
        yield words.failures.format(count=len(failures), matchers=listed(names, words))


def footer(routes: Sequence[str], level: Level, severity: Severity, revision: str, words: Words) -> tuple[str, ...]:
    """Why this message is here, and from which policies."""
    return (
        words.asked_by.format(routes=listed(routes, words)),
        words.severity.format(severity=words.severities[severity]),
        words.masking.format(level=visible(level.name, _LONGEST_TITLE_VALUE)),
        words.revision.format(revision=visible(revision, _LONGEST_TITLE_VALUE)),
    )


def no_key(missing: int, words: Words) -> tuple[str, ...]:
    """That fields are hidden because there is no hash key."""
    return (words.no_key.format(count=missing),) if missing else ()


def outcome(error_code: str | None, words: Words, *, denied: bool) -> str:
    """How the call ended, by its error code."""
    if error_code is None:
        return words.allowed
    return words.denied if denied else words.failed
