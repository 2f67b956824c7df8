"""The phrases that messages about one event and about several share: marks, titles, notes, footers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from engine.model import Field, Kind, Operator, Severity
from engine.pipeline.render.escape import visible
from engine.pipeline.render.layout import SEPARATOR, Piece, Style

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.model import ActorClass, Failure, Level, MaskedEvent
    from engine.pipeline.render.labels import Words
    from engine.pipeline.render.layout import Part

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

LONGEST_TITLE: Final = 2 * LONGEST_WORDS
"""Characters of a title that says, too, how many are left out."""

LONGEST_TITLE_VALUE: Final = 100
"""Characters of a value in a title."""

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


def filled(template: str, values: Mapping[str, str], masked: MaskedEvent, words: Words) -> str:
    """A title with its placeholders, which are field names, filled by masked values as they are shown. Other braces stay."""
    title = [
        part
        if field is None
        else visible(values[field], LONGEST_TITLE_VALUE)
        if field in values
        else absent(field, masked.level, masked.hash_missing, words)
        for part, field in _parts(template)
    ]
    return visible("".join(title), LONGEST_WORDS)


@lru_cache(maxsize=1_024)
def _parts(template: str) -> tuple[tuple[str, Field | None], ...]:
    """What a template of a policy is made of: texts, and placeholders with the field that each means."""
    return tuple(
        (f"{{{part}}}" if place % 2 else part, _FIELDS.get(part) if place % 2 else None)
        for place, part in enumerate(_PLACEHOLDER.split(template))
    )


def labelled(label: str, words: Words, *parts: Part) -> tuple[Part, ...]:
    """A line: a bold label and what follows it."""
    return Piece(label + words.colon, Style.BOLD), *parts


def joined(groups: Sequence[Sequence[Part]]) -> tuple[Part, ...]:
    """The groups of one line, with a dot between them."""
    return tuple(part for place, group in enumerate(groups) for part in ((Piece(SEPARATOR), *group) if place else group))


def listed(names: Sequence[str], words: Words) -> str:
    """The first few names, and how many more there are."""
    more = [words.more.format(count=len(names) - _MOST_NAMES)] if len(names) > _MOST_NAMES else []
    return words.comma.join([*(visible(name, LONGEST_TITLE_VALUE) for name in names[:_MOST_NAMES]), *more])


def notes(failures: Sequence[Failure], fallback_for: str | None, words: Words) -> Iterator[str]:
    """What a reader must know beside the event: whose place this channel takes, and which matchers failed."""
    if fallback_for is not None:
        yield words.fallback.format(channel=visible(fallback_for, LONGEST_TITLE_VALUE))
    if failures:
        names = [f"{words.matchers[failure.kind]} {failure.policy}/{failure.id}" for failure in failures]
        yield words.failures.format(count=len(failures), matchers=listed(names, words))


def footer(routes: Sequence[str], level: Level, severity: Severity, revision: str, words: Words) -> tuple[str, ...]:
    """Why this message is here, and from which policies."""
    return (
        words.asked_by.format(routes=listed(routes, words)),
        words.severity.format(severity=words.severities[severity]),
        words.masking.format(level=visible(level.name, LONGEST_TITLE_VALUE)),
        words.revision.format(revision=visible(revision, LONGEST_TITLE_VALUE)),
    )


def no_key(missing: int, words: Words) -> tuple[str, ...]:
    """That fields are hidden because there is no hash key."""
    return (words.no_key.format(count=missing),) if missing else ()


def outcome(words: Words, *, failed: bool, denied: bool) -> str:
    """How the call ended; `failed`: with an error code."""
    if not failed:
        return words.allowed
    return words.denied if denied else words.failed
