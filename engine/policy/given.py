"""What a matcher is given beside the record: where each fact of the policy language stands, and of which types it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.matching.source import Given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model import Document, FactGroups, Record

_GROUPS: Final = (
    ("bucket", "key", "copy.bucket", "copy.key"),
    ("actor.role", "actor.session"),
    ("actor.type", "actor.name", "actor.account", "actor.service"),
    ("source.ip", "source.kind", "source.private"),
    ("access.denied", "access.kind"),
    ("actor.cross_account",),
    ("actor.class", "actor.kind", "actor.evidence", "actor.strength"),
)
"""The facts in the order of `FactGroups`."""

Path: TypeAlias = tuple[str, ...]
"""Names from a record inwards, through a list to each of its objects; what stands at its end is meant whole."""

GROUPS: Final = len(_GROUPS)
TARGET, ROLE, CALLER, SOURCE, ACCESS, CROSSING, CLASSED = range(GROUPS)
"""The places of the groups."""

_PLACES: Final[Mapping[tuple[str, ...], tuple[int, int]]] = {
    tuple(name.split(".")): (group, place) for group, names in enumerate(_GROUPS) for place, name in enumerate(names)
}
_FLAGS: Final = frozenset({("actor", "cross_account"), ("source", "private"), ("access", "denied")})
_ALWAYS: Final = frozenset({("source", "kind"), ("access", "kind"), ("access", "denied")})

KNOWN: Final[Mapping[tuple[str, ...], frozenset[str]]] = {
    path: frozenset({"boolean" if path in _FLAGS else "string"} | (set() if path in _ALWAYS else {"null"})) for path in _PLACES
}
"""The types of each fact, by JMESPath's names."""


def whole(record: Record, facts: FactGroups) -> Document:
    """The record with the facts beside its own names."""
    found: dict[str, Any] = {}
    for path, (group, place) in _PLACES.items():
        there = found
        for name in path[:-1]:
            there = there.setdefault(name, {})
        there[path[-1]] = facts[group][place]
    return {**record, **found}


GIVEN: Final = Given(_PLACES, whole)
