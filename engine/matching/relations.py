"""Whether results of atoms can go together: whether one value of a field gives them all.

Three things are looked at, in this order: the types that each result leaves; where only few values are left, every other atom,
which is evaluated for them; and of patterns, whether one is within another or both exclude each other. A yes may only mean that
nothing was found to the contrary; a no is certain.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from itertools import product, takewhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.matching.formula import Atom, AtomFailure, evaluate
from engine.matching.globs import shape
from engine.matching.networks import network_of
from engine.matching.regexes import required
from engine.matching.types import ANY, BOOLEAN, never_fails, type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.matching.formula import Path, Result

    Results = Mapping[Atom, Result]
    Pattern = tuple[object, ...]

_MOST_COMBINATIONS: Final = 64
_MOST_STEPS: Final = 4_096
_MOST_VALUES: Final = 256
"""Values of a field of which each is tried; of a longer list it is only known what other lists and equalities leave of it."""
_CACHED: Final = 4_096

_TEXT: Final = frozenset({"string"})
_NULL: Final = frozenset({"null"})
_NEVER: Final[frozenset[str]] = frozenset()
_OF_AFFIX: Final = (_TEXT, _TEXT, ANY - _TEXT)
_OF_PATTERN: Final = (_TEXT, _TEXT | _NULL, ANY - _TEXT - _NULL)
_TYPES: Final[Mapping[str, tuple[frozenset[str], frozenset[str], frozenset[str]]]] = {
    "cidr": _OF_PATTERN,
    "contains": (_TEXT | {"array"}, _TEXT | {"array"}, ANY - _TEXT - {"array"}),
    "false": (BOOLEAN, ANY, _NEVER),
    "glob": _OF_PATTERN,
    "in": (_TEXT, ANY, _NEVER),
    "other": (ANY, ANY, ANY),
    "prefix": _OF_AFFIX,
    "regex": _OF_PATTERN,
    "suffix": _OF_AFFIX,
    "true": (BOOLEAN, ANY, _NEVER),
    "truthy": (ANY - _NULL, ANY - {"number"}, _NEVER),
}
"""The types of a value for which an atom of this kind says yes, says no, and fails."""


class Left(NamedTuple):
    """What results leave of a field: its types, and its values where these are few (None: they are not).

    Without types, or with an empty tuple of values, no value gives these results.
    """

    types: frozenset[str]
    values: tuple[Any, ...] | None


def consistent(results: Results, latest: Atom) -> bool:
    """Whether some document may give all these results, where it is known that one may without that of the `latest` atom."""
    if latest.path is not None:
        left = left_of(results, latest.path)
        if not left.types or left.values == ():
            return False
    joint = (atom for atom in results if atom.path is None and (atom is latest or not atom.paths.isdisjoint(latest.paths)))
    return all(_joint_is_possible(atom, results) for atom in joint)


def left_of(results: Results, path: Path) -> Left:
    """What the results of the atoms that read one path leave of its value."""
    here = {atom: result for atom, result in results.items() if atom.path == path}
    types = ANY
    for atom, result in here.items():
        types &= atom.known.get(path, ANY) & _types(atom, result)
    if not types or any(isinstance(result, AtomFailure) and _cannot_fail(atom, path, types) for atom, result in here.items()):
        return Left(_NEVER, ())
    values = _few_values(here, types)
    if values is not None and len(values) <= _MOST_VALUES:
        return Left(types, tuple(value for value in values if _gives(value, path, here)))
    return Left(types, () if types == _TEXT and _exclude(here) else None)


def document_with(values: Mapping[Path, Any]) -> dict[str, Any]:
    """The document that has these values at these paths, of which none leads through another, and nothing else."""
    document: dict[str, Any] = {}
    for path, value in values.items():
        inner = document
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    return document


# --- types and values ----------------------------------------------------------------------------------------------------


def _types(atom: Atom, result: Result) -> frozenset[str]:
    if atom.kind == "is":
        of_value = frozenset({type_of(atom.value)})
        return of_value if result is True else ANY - _NULL if atom.value is None else ANY
    yes, no, fails = _TYPES[atom.kind]
    return fails if isinstance(result, AtomFailure) else yes if result else no


def _cannot_fail(atom: Atom, path: Path, types: frozenset[str]) -> bool:
    return never_fails(atom.node, {**atom.known, path: types})


def _few_values(results: Results, types: frozenset[str]) -> tuple[Any, ...] | None:
    """The only values that there may be, or None."""
    for atom, result in results.items():
        if result is True and atom.kind == "is":
            return (atom.value,)
        if result is True and atom.kind == "glob" and shape(atom.value).kind == "equals":
            return (atom.value,)
    listed = [atom.value for atom, result in results.items() if result is True and atom.kind == "in"]
    if listed:
        unlisted = (atom.value for atom, result in results.items() if result is False and atom.kind == "in")
        return tuple(sorted(frozenset.intersection(*listed).difference(*unlisted)))
    if types <= BOOLEAN | _NULL:
        return tuple(value for value in (None, True, False) if type_of(value) in types)
    return None


def _gives(value: Any, path: Path, results: Results) -> bool:  # noqa: ANN401  any JSON value
    """Whether a value gives these results. That of a number is not asked for what is not understood: it may be 1 or 1.0."""
    document = document_with({path: value})
    number = type_of(value) == "number"
    return all(
        _agree(evaluate(atom, document), result) for atom, result in results.items() if not (number and atom.kind == "other")
    )


def _agree(result: Result, other: Result) -> bool:
    return result is other or (isinstance(result, AtomFailure) and isinstance(other, AtomFailure))


def _joint_is_possible(atom: Atom, results: Results) -> bool:
    """Whether an atom that reads several paths may have its result, where each of them has few values."""
    paths = sorted(atom.paths)
    if any(longer[: len(path)] == path for path in paths for longer in paths if longer != path) or () in atom.paths:
        return True
    values = [left_of(results, path).values for path in paths]
    combinations = 1
    for few in values:
        combinations *= _MOST_COMBINATIONS + 1 if few is None else len(few)
    if combinations > _MOST_COMBINATIONS:
        return True
    documents = (document_with(dict(zip(paths, chosen, strict=True))) for chosen in product(*(few or () for few in values)))
    return any(_agree(evaluate(atom, document), results[atom]) for document in documents)


# --- patterns ------------------------------------------------------------------------------------------------------------

_ANY_RUN, _ANY_ONE = object(), object()
"""Of a pattern: any run of characters, and exactly one; every other part is a character."""


def _exclude(results: Results) -> bool:
    """Whether no text gives the results of patterns."""
    held = [atom for atom, result in results.items() if result is True]
    failed = [atom for atom, result in results.items() if result is False]
    wide = [(_ANY_RUN,), *filter(None, map(_requires, held))]
    if any(_within(narrow, pattern) for pattern in filter(None, map(_means, failed)) for narrow in wide):
        return True
    if any(_apart(one, other) for place, one in enumerate(wide) for other in wide[:place]):
        return True
    inside, outside = _networks(held), _networks(failed)
    return any(_is_part(one, other) for one in inside for other in outside) or any(
        not (_is_part(one, other) or _is_part(other, one)) for one in inside for other in inside
    )


def _means(atom: Atom) -> Pattern | None:
    """The pattern that a text matches just where an atom says yes; None where it is no pattern, or a regular expression."""
    return None if atom.kind == "regex" else _pattern(atom.kind, atom.value)


def _requires(atom: Atom) -> Pattern | None:
    """A pattern that every text matches for which an atom says yes."""
    return _pattern(*required(atom.value)) if atom.kind == "regex" else _pattern(atom.kind, atom.value)


@lru_cache(_CACHED)
def _pattern(kind: str, text: Any) -> Pattern | None:  # noqa: ANN401  text, where it is one of these kinds
    if kind == "glob":
        return tuple(_ANY_RUN if character == "*" else _ANY_ONE if character == "?" else character for character in text)
    if kind not in ("prefix", "suffix", "contains"):
        return None
    before = () if kind == "prefix" else (_ANY_RUN,)
    after = () if kind == "suffix" else (_ANY_RUN,)
    return (*before, *text, *after)


def _within(narrow: Pattern, wide: Pattern) -> bool:
    """Whether all that matches one pattern matches another: each run of the narrow one has to fall into one of the wide one."""
    if len(narrow) * len(wide) > _MOST_STEPS:
        return False
    reached = set(_over_runs({0}, wide))
    for step in narrow:
        reached = set(_over_runs({after for at in reached if at < len(wide) for after in _after(step, wide[at], at)}, wide))
    return len(wide) in reached


def _over_runs(places: Iterable[int], pattern: Pattern) -> Iterator[int]:
    """These places in a pattern, and those behind runs, which may be empty."""
    for place in places:
        yield place
        for length in range(1, sum(1 for _ in takewhile(lambda part: part is _ANY_RUN, pattern[place:])) + 1):
            yield place + length


def _after(step: object, part: object, at: int) -> tuple[int, ...]:
    if part is _ANY_RUN:
        return (at,)
    fits = step is not _ANY_RUN and (part is _ANY_ONE or part == step)
    return (at + 1,) if fits else ()


def _apart(one: Pattern, other: Pattern) -> bool:
    """Whether no text matches both, as they start, or end, with different texts."""
    return _start_apart(one, other) or _start_apart(one[::-1], other[::-1])


def _start_apart(one: Sequence[object], other: Sequence[object]) -> bool:
    pairs = takewhile(lambda pair: isinstance(pair[0], str) and isinstance(pair[1], str), zip(one, other, strict=False))
    return any(left != right for left, right in pairs)


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(atoms: Iterable[Atom]) -> list[_Network]:
    return [network_of(atom.value) for atom in atoms if atom.kind == "cidr"]


def _is_part(one: _Network, other: _Network) -> bool:
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]  # of one version
