"""Matchers: a `when`, compiled, and the keys by which an index finds it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from engine.model.events import FactGroups, Record
from engine.model.safe_repr import repr_only


class Definitions(NamedTuple):
    """What a policy set defines once and its expressions use by name.

    `lists` are the texts that `in_list(…, 'name')` looks a value up in; `conditions` the expressions, all of which must be true
    for `holds('name')` to be true.
    """

    lists: Mapping[str, frozenset[str]] = MappingProxyType({})
    conditions: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class IndexKey(NamedTuple):
    """A test of the value at a path by which an index can find a matcher: see `engine.matching.keys`.

    `kind`: `equals` (the scalar `value`), `in` (one of the texts in the frozenset `value`), `prefix`, `suffix`, `contains` (a
    part of a text), `truthy` (true as JMESPath sees it, no value). `other` says which values that are not texts count as a yes
    for a test of texts: `never`, `unless_null`, `always`.
    """

    kind: str
    path: tuple[str, ...]
    value: str | float | frozenset[str] | None = None
    other: str = "never"


AnyOf: TypeAlias = frozenset[IndexKey]
"""Keys of which at least one must answer yes for a matcher to hold or fail."""


@repr_only("expressions")
class Matcher(NamedTuple):
    """A compiled `when`: its expressions, in order, and the predicate that says whether all of them are exactly true.

    `holds(record, facts)` raises `MatcherError` where an expression fails. `keys` are by what an index can find it (each set by
    itself), `reads` the paths that the expressions read, as far as their names go (the empty one: the document as a whole).
    """

    expressions: tuple[str, ...]
    holds: Callable[[Record, FactGroups], bool]
    keys: tuple[AnyOf, ...] = ()
    reads: frozenset[tuple[str, ...]] = frozenset()
