"""Who called, by the name that one would page or revoke, as far as a level shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model import Field, Kind, Operator
from engine.pipeline.render.escape import visible
from engine.pipeline.render.parts import ELLIPSIS, Part, Style, own, shortened, value

if TYPE_CHECKING:
    from engine.model import ActorClass, MaskedEvent
    from engine.pipeline.render.words import Words

WHO_MAX_LENGTH: Final = 48
"""Characters of a name. IAM's roles have at most 64."""

_NOTE_MAX_LENGTH: Final = 64
_SESSION_MAX_LENGTH: Final = 24
_SORT_MAX_LENGTH: Final = 32
_STARS: Final = "***"
_ROOT: Final = "Root"
_OF_AN_ACCOUNT: Final = "AWSAccount"
_SERVICE: Final = "AWSService"

_IDENTITY_CENTER: Final = re.compile(r"AWSReservedSSO_(.+)_[0-9a-f]{16}", re.ASCII)
"""A role of IAM Identity Center: the permission set, between a prefix and a suffix that say nothing to a reader.
Source: https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html"""

_MACHINE_SESSION: Final = re.compile(r"(?:i-|.*-)?[0-9a-f-]{8,}", re.ASCII)
"""Sessions that end as task, instance and pod ids do."""

_ANONYMOUS: Final = frozenset({"anonymous", "anonymous_principal"})


_NOTHING: Final = Part("")


class Caller(NamedTuple):
    """Who called: the name, what sort of caller it is (may be empty), and which fields these two show.

    `keys`: somebody used the keys of that name, nobody knows who. `in_own_words`: the name is none of the event's.
    """

    name: Part
    note: Part
    shown: frozenset[Field]
    keys: bool = False
    in_own_words: bool = False


def caller_of(masked: MaskedEvent, actor: ActorClass | None, words: Words, title: str | None) -> Caller:
    """The caller of a masked event. `actor` None: its class is hidden; `title`: that of the class in the reader's language."""
    sort = _sort(actor, title)
    return (
        _without_a_name(masked, words)
        or _of_keys(masked, actor)
        or _named_caller(masked, actor.kind if actor is not None else None, sort, words)
        or Caller(
            own(sort or words.someone, Style.BOLD if sort else Style.PLAIN), _NOTHING, frozenset({Field.CLASS}), in_own_words=True
        )
    )


def _without_a_name(masked: MaskedEvent, words: Words) -> Caller | None:
    """The root user, nobody who signed the request, or another account of which no more is known."""
    actor_type = masked.values.get(Field.ACTOR_TYPE)
    if actor_type == _ROOT:
        note = _note(words, _account_note(masked, words))
        return Caller(own(words.root, Style.BOLD), note, frozenset({Field.ACTOR_TYPE}), in_own_words=True)
    if masked.values.get(Field.ACCOUNT, "").lower() in _ANONYMOUS:
        shown = frozenset({Field.ACTOR_TYPE, Field.ACCOUNT, Field.NAME})
        return Caller(own(words.anonymous), _NOTHING, shown, in_own_words=True)
    if actor_type == _OF_AN_ACCOUNT and not (role_name(masked) or readable(masked, Field.NAME)):
        name = own(_account_name(masked, words), Style.BOLD)
        return Caller(name, _NOTHING, frozenset({Field.ACCOUNT, Field.ACTOR_TYPE}), in_own_words=True)
    return None


def _of_keys(masked: MaskedEvent, actor: ActorClass | None) -> Caller | None:
    """Whose keys were used, where the class says that it was not by the one whom they belong to."""
    if actor is None or not actor.never_mute or actor.kind is not Kind.UNKNOWN:
        return None
    role, name = role_name(masked), readable(masked, Field.NAME)
    shown = frozenset({Field.ROLE if role else Field.NAME})
    return Caller(_named(role or name), _NOTHING, shown, keys=True) if role or name else None


def _named_caller(masked: MaskedEvent, kind: Kind | None, sort: str, words: Words) -> Caller | None:
    """A person by the name, anybody else by the role, and who has neither of these by what there is."""
    role, name = role_name(masked), readable(masked, Field.NAME)
    account = _account_note(masked, words)
    if name and (kind is Kind.PERSON or not role):
        is_plain = kind is Kind.PERSON or masked.values.get(Field.ACTOR_TYPE) == _SERVICE
        shown = frozenset({Field.NAME, Field.SESSION} if kind is Kind.PERSON else {Field.NAME})
        return Caller(_named(name), _note(words, "" if is_plain else sort, account), shown)
    if role:
        session = readable(masked, Field.SESSION)
        note = _note(words, " ".join(filter(None, (sort, _session(session, role)))), account)
        shown = frozenset({Field.ROLE, *((Field.SESSION, Field.NAME) if session == role else ())})
        return Caller(_named(role), note, shown)
    return None


def role_name(masked: MaskedEvent) -> str:
    """The role as a reader knows it: of a role of Identity Center its permission set. Empty where the level hides it."""
    role = readable(masked, Field.ROLE)
    permission_set = _IDENTITY_CENTER.fullmatch(role)
    return permission_set[1] if permission_set else role


def readable(masked: MaskedEvent, field: Field) -> str:
    """A value with an ellipsis for the asterisks of the operator `mask`; empty where there is none."""
    text = masked.values.get(field, "")
    return text.replace(_STARS, ELLIPSIS) if masked.level.operators.get(field) is Operator.MASK else text


def account_alias(masked: MaskedEvent) -> str:
    """The alias of the caller's account where the level masks its id; empty where it has none."""
    account = masked.values.get(Field.ACCOUNT, "")
    masks = masked.level.operators.get(Field.ACCOUNT) is Operator.MASK
    return account if masks and account in masked.level.account_names.values() else ""


def _sort(actor: ActorClass | None, title: str | None) -> str:
    """What a caller of the class is called: its title, or its name where the title is a sentence with placeholders."""
    if actor is None:
        return ""
    return title if title and "{" not in title and len(title) <= _SORT_MAX_LENGTH else actor.name


def _session(session: str, role: str) -> str:
    if not session or session == role:
        return ""
    if _MACHINE_SESSION.fullmatch(session):
        return ELLIPSIS + session[-6:]
    return shortened(session, _SESSION_MAX_LENGTH)


def _account_name(masked: MaskedEvent, words: Words) -> str:
    account = masked.values.get(Field.ACCOUNT, "")
    if not account.strip("*"):
        return words.another_account
    is_account = account.isdecimal() or bool(account_alias(masked)) or ":" in account
    return words.named_account.format(name=account) if is_account else account


def _account_note(masked: MaskedEvent, words: Words) -> str:
    return _account_name(masked, words) if masked.foreign else ""


def _named(text: str) -> Part:
    return value(text, WHO_MAX_LENGTH, Style.BOLD)


def _note(words: Words, *texts: str) -> Part:
    """What stands in brackets behind a name."""
    note = words.comma.join(text for text in texts if text)
    if not note:
        return Part(words.no_brackets)
    return Part(words.in_brackets.format(text=visible(shortened(note, _NOTE_MAX_LENGTH), 2 * _NOTE_MAX_LENGTH)))
