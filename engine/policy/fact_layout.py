"""The facts that matchers read beside the record: where each one stands in `FactGroups`, and its types."""

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
"""Names from a record inwards, through a list to each of its objects; it includes everything below its end."""

GROUPS: Final = len(_GROUPS)
TARGET, ROLE, CALLER, SOURCE, ACCESS, CROSSING, CLASSED = range(GROUPS)
"""The positions of the groups in `FactGroups`."""

_PLACES: Final[Mapping[tuple[str, ...], tuple[int, int]]] = {
    tuple(name.split(".")): (group, place) for group, names in enumerate(_GROUPS) for place, name in enumerate(names)
}
_FLAGS: Final = frozenset({("actor", "cross_account"), ("source", "private"), ("access", "denied")})
_ALWAYS: Final = frozenset({("source", "kind"), ("access", "kind"), ("access", "denied")})

FACT_TYPES: Final[Mapping[tuple[str, ...], frozenset[str]]] = {
    path: frozenset({"boolean" if path in _FLAGS else "string"} | (set() if path in _ALWAYS else {"null"})) for path in _PLACES
}
"""The types that each fact can have, by JMESPath's names."""


def meet(path: Path, other: Path) -> bool:
    """Whether one of two paths leads through the other."""
    return all(left == right for left, right in zip(path, other, strict=False))


def with_facts(record: Record, facts: FactGroups) -> Document:
    """The record with the facts beside its own fields, as expressions read both."""
    added: dict[str, Any] = {}
    for path, (group, place) in _PLACES.items():
        parent = added
        for name in path[:-1]:
            parent = parent.setdefault(name, {})
        parent[path[-1]] = facts[group][place]
    return {**record, **added}


FACTS: Final = Given(_PLACES, with_facts)
