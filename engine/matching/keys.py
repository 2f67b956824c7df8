"""By what an index can find expressions: tests of single values of which at least one must answer yes.

An `IndexKey` is a plain test of the value at one path. Of an `AnyOf`, a set of keys, at least one must answer yes: where none
does, the expressions are not true, and evaluating them would not fail either. So a key is only taken of a part before which
nothing can fail; and where the part itself would fail, its key answers yes, so that it is evaluated and fails as it should.
"""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING, Final

from engine.matching.formula import And, Atom, Or, atoms
from engine.matching.globs import glob_key
from engine.matching.regexes import required
from engine.model import IndexKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.matching.formula import Formula
    from engine.model import AnyOf

_MOST_KEYS: Final = 8
_MOST_COMBINATIONS: Final = 16
_MOST_EQUALITIES: Final = 16
"""Texts of a list that are keys of their own, beside each other in one table; a longer list is one key."""


def index_keys(part: Formula) -> tuple[AnyOf, ...]:
    """What an index may look a formula up by, each set by itself; empty where it has to be evaluated for every document."""
    return tuple(islice(_keys(part), _MOST_KEYS))


def _keys(part: Formula) -> Iterator[AnyOf]:
    if isinstance(part, Atom):
        keys = _of_atom(part)
        if keys:
            yield keys
    elif isinstance(part, And):
        for conjunct in part.parts:
            yield from _keys(conjunct)
            if any(atom.may_fail for atom in atoms(conjunct)):
                return
    elif isinstance(part, Or):
        yield from _of_any(part.parts)


def _of_any(parts: Sequence[Formula]) -> Iterator[AnyOf]:
    """For alternatives, keys of every one of them together."""
    of_parts = [tuple(_keys(part)) for part in parts]
    combinations = 1
    for keys in of_parts:
        combinations *= len(keys)
    if combinations > _MOST_COMBINATIONS:
        of_parts = [keys[:1] for keys in of_parts]
    for combination in product(*of_parts) if parts else ():
        yield frozenset[IndexKey]().union(*combination)


def _of_atom(atom: Atom) -> AnyOf:
    """The keys of one question; none where it is not understood well enough."""
    path, value = atom.path, atom.value
    key: IndexKey | None = None
    if path is None:
        return frozenset()
    if atom.kind == "in" and len(value) <= _MOST_EQUALITIES:
        return frozenset(IndexKey("equals", path, text) for text in value)
    if atom.kind in ("is", "true", "false"):
        key = IndexKey("equals", path, value if atom.kind == "is" else atom.kind == "true")
    elif atom.kind == "in":
        key = IndexKey("in", path, value)
    elif atom.kind == "truthy":
        key = IndexKey("truthy", path)
    elif atom.kind == "glob":
        key = glob_key(path, value)
    elif atom.kind == "regex":
        kind, text = required(value)
        key = IndexKey(kind, path, text, "unless_null") if text else None
    elif atom.kind in ("prefix", "suffix", "contains") and value:
        key = IndexKey(atom.kind, path, value, "always")
    return frozenset() if key is None else frozenset({key})
