"""What messages about one event and about several have in common: the first line, clients, notes and footers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from engine.model import CLIENT_ON, Field, Language, Operator
from engine.pipeline.render.escape import visible
from engine.pipeline.render.languages import WORDS
from engine.pipeline.render.parts import Part, Sentence, Style, own, sentence, value
from engine.pipeline.render.words import CallOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.model import Channel, Failure, Level, MaskedEvent
    from engine.pipeline.render.callers import Caller
    from engine.pipeline.render.words import ActionWords, Words

BUCKET_MAX_LENGTH: Final = 63
"""Characters of a bucket's name: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

CLIENT_MAX_LENGTH: Final = 48
NAME_MAX_LENGTH: Final = 100
"""Characters of a name that policies give, and of a value in a title."""

_ROUTES_SHOWN: Final = 4
_PLACEHOLDER: Final = re.compile(r"\{([a-z0-9_]+)\}")
_FIELDS: Final = {field.value: field for field in Field}
_WHO_FIELDS: Final = frozenset({Field.NAME, Field.ROLE, Field.SESSION, Field.ARN, Field.PRINCIPAL})

_CONTINUES: Final[Mapping[Language, re.Pattern[str]]] = {
    Language.EN: re.compile(r"[a-z]"),
    Language.JA: re.compile("[がはのにをで]"),
}
"""How a title begins that goes on behind who called: in lower case, or with a particle."""


# --- the first line -------------------------------------------------------------------------------------------------------


def first_line(caller: Caller, action: ActionWords, slots: Mapping[str, Part], outcome: CallOutcome, words: Words) -> Sentence:
    """Who did what and where. `slots`: those of the action, and for keys `where` they were used, where that is shown."""
    forms = words.sentence
    if caller.keys:
        forms = words.keys_sentence if "where" in slots else words.hidden_keys_sentence
    done = outcome is CallOutcome.DONE
    form = forms.done.replace("{done}", action.done) if done else forms.attempted.replace("{attempted}", action.attempted)
    name = caller.name
    if done and caller.in_own_words:
        name = name._replace(text=name.text[:1].upper() + name.text[1:])
    return sentence(words.outcomes[outcome] + form, {**slots, "who": name, "note": caller.note})


def titled_line(  # noqa: PLR0913  what a line is made of
    caller: Caller, text: str, masked: MaskedEvent, *, bucket: Part, outcome: CallOutcome, language: Language
) -> Sentence:
    """The same with a route's title in place of the words; a title that names the caller is not preceded by it."""
    words = WORDS[language]
    names, template, slots = _title(text, masked, words)
    slots |= {"who": caller.name, "note": caller.note, "bucket": bucket}
    form = words.titles.separate if Field.BUCKET in names else words.titles.separate_with_bucket
    if names & _WHO_FIELDS & masked.values.keys():
        form = "{words}"
    elif _CONTINUES[language].match(text) and Field.BUCKET in names:
        form = words.titles.continued
    return sentence(words.outcomes[outcome] + form.replace("{words}", template), slots)


def _title(text: str, masked: MaskedEvent, words: Words) -> tuple[frozenset[Field], str, dict[str, Part]]:
    """The fields that a title names, and the title as a template: its own words are slots, so that nothing in them is markup."""
    slots: dict[str, Part] = {}
    pieces = _pieces(text)
    for number, (piece, field) in enumerate(pieces):
        style = Style.BOLD if field in (Field.BUCKET, Field.NAME, Field.ROLE) else Style.PLAIN
        slots[f"title{number}"] = own(piece) if field is None else _placeholder(field, masked, words, style)
    return frozenset(field for _, field in pieces if field), "".join(f"{{{name}}}" for name in slots), slots


def filled(text: str, masked: MaskedEvent, words: Words) -> str:
    """A text of a policy with its placeholders filled by masked values as they are shown. Other braces stay."""
    return "".join(
        piece if field is None else _placeholder(field, masked, words, Style.PLAIN).text for piece, field in _pieces(text)
    )


def _placeholder(field: Field, masked: MaskedEvent, words: Words, style: Style) -> Part:
    text = masked.values.get(field)
    return own(absent(field, masked.level, masked.hash_missing, words)) if text is None else value(text, NAME_MAX_LENGTH, style)


@lru_cache(maxsize=1_024)
def _pieces(text: str) -> tuple[tuple[str, Field | None], ...]:
    """What a text of a policy is made of: words, and placeholders with the field that each means."""
    return tuple(
        (f"{{{piece}}}" if number % 2 else piece, _FIELDS.get(piece) if number % 2 else None)
        for number, piece in enumerate(_PLACEHOLDER.split(text))
        if piece
    )


def absent(field: Field, level: Level, hash_missing: int, words: Words) -> str:
    """What stands in place of a value that is not there: whether the level hides it, or the event has none."""
    operator = level.operators.get(field, Operator.DROP)
    hidden = operator is Operator.DROP or (operator is Operator.HASH and hash_missing > 0)
    return words.hidden if hidden else words.not_recorded


# --- details --------------------------------------------------------------------------------------------------------------


def shows(level: Level, field: Field) -> bool:
    """Whether a level leaves anything of a field."""
    return level.operators.get(field, Operator.DROP) is not Operator.DROP


def client_text(client: str, words: Words) -> str:
    """A client in the reader's language: `aws-cli on macOS`."""
    program, on, platform = client.partition(CLIENT_ON)
    program = words.programs.get(program, program)
    return words.client.format(program=program, platform=platform) if on else program


def where_used(client: str, words: Words) -> Part:
    """Where keys were used, as the first line says it: the platform, or the program where that is not known."""
    program, on, platform = client.partition(CLIENT_ON)
    program = words.programs.get(program, program)
    text = words.on_platform.format(platform=platform) if on else words.in_program.format(program=program)
    return value(text, CLIENT_MAX_LENGTH, Style.BOLD)


def listed(names: Sequence[str], words: Words) -> str:
    """The first few names, and how many more there are."""
    more = [words.further.format(count=len(names) - _ROUTES_SHOWN)] if len(names) > _ROUTES_SHOWN else []
    return words.comma.join([*(visible(name, NAME_MAX_LENGTH) for name in names[:_ROUTES_SHOWN]), *more])


def notes(failures: Sequence[Failure], fallback_for: str | None, hash_missing: int, words: Words) -> Iterator[str]:
    """What a reader must know beside the event: whose place this channel takes, which matchers failed, what has no hash key."""
    if fallback_for is not None:
        yield words.fallback.format(channel=visible(fallback_for, NAME_MAX_LENGTH))
    if failures:
        names = [f"{words.matchers[failure.kind]} {failure.policy}/{failure.id}" for failure in failures]
        yield words.failures.format(count=len(failures), matchers=listed(names, words))
    if hash_missing:
        yield words.no_key.format(count=hash_missing)


def footer(routes: Sequence[str], level: Level, channel: Channel, revision: str, words: Words) -> Iterator[str]:
    """Which routes asked for it, how it is masked where that is stricter than usual here, and by which policies."""
    yield listed(routes, words)
    if level.rank > channel.masking_floor.rank:
        yield words.masked.format(level=visible(level.name, NAME_MAX_LENGTH))
    yield visible(revision.removeprefix("sha256:"), NAME_MAX_LENGTH)
