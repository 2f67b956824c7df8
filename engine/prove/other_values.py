"""Values of a field that are neither null nor a text: one of each sort that matchers tell apart, and what they ask for."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from engine.lint.fields import FIELD_TYPES
from engine.matching.tree import walk
from engine.prove.questions import sample_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.matching.formula import Atom

    Path = tuple[str, ...]

_USUAL: Final[tuple[Any, ...]] = (True, False, 0, 1, 12, 1.5, -1, 4096, [], ["x"], {}, {"x": "y"})
"""Values that are neither null nor text: one of each sort that matchers tell apart."""
_MOST_OBJECTS: Final = 200
_ANY_TYPE: Final = frozenset({"boolean", "number", "array", "object"})
_JSON_TYPES: Final[Mapping[type, str]] = {bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}


def is_flag(path: Path) -> bool:
    """Whether the values of a field are flags, null and texts, and no others."""
    return _types(path) - {"null", "string"} == {"boolean"}


def _types(path: Path) -> frozenset[str]:
    return FIELD_TYPES.get(path, _ANY_TYPE)


def other_values(path: Path, atoms: Sequence[Atom]) -> Iterator[Any]:
    """Values that the field at a path may have, besides texts and null, for atoms about it."""
    literals = [atom.value for atom in atoms if atom.kind == "is" and type(atom.value) in (int, float)]
    tried = (*literals, *_USUAL, *islice(_objects(atoms), _MOST_OBJECTS))
    return (value for value in tried if _JSON_TYPES[type(value)] in _types(path))


def _objects(atoms: Iterable[Atom]) -> Iterator[dict[str, str]]:
    """Objects with one of the names that an atom asks for in an object, and one of the texts that it may look for there."""
    for atom in atoms:
        nodes = list(walk(atom.node))
        names = dict.fromkeys(node.value for node in nodes if node.kind == "field" and node.value not in (atom.path or ()))
        texts = [node.value for node in nodes if node.kind == "literal" and isinstance(node.value, str)]
        samples = [sample for text in texts for kind in ("regex", "is") for sample in sample_texts(kind, text)]
        yield from ({name: sample} for sample in samples for name in names)
