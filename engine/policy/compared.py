"""Names of the set that expressions compare: a class, kind or piece of evidence that does not exist never equals anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.matching.formula import Atom, atoms, evaluate, formula_of
from engine.matching.tree import walk
from engine.matching.types import reads
from engine.model import UNKNOWN, Finding, Kind, Strength
from engine.policy import codes
from engine.policy.edits import inside
from engine.policy.expression_nodes import expression_nodes, expressions_of
from engine.policy.fact_layout import FACT_TYPES
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.matching.checks import Trees
    from engine.policy.source import Source, YamlNode

    Names = Mapping[tuple[str, ...], frozenset[str]]
    """The names that a fact may have."""

_WORDS: Final[Mapping[tuple[str, ...], str]] = {
    ("actor", "class"): "class",
    ("actor", "kind"): "kind",
    ("actor", "evidence"): "evidence",
    ("actor", "strength"): "strength",
}
_PATTERNS: Final = frozenset({"contains", "glob", "prefix", "regex", "suffix"})


def compared_findings(sources: Sequence[Source], trees: Trees) -> Iterator[Finding]:
    """A finding for each class, kind or evidence that a matcher compares and the set does not have, over files that load."""
    actors = [actor for source in sources if source.root for actor in source.root.value.get("actors") or ()]
    names: dict[tuple[str, ...], frozenset[str]] = {
        ("actor", "class"): frozenset({UNKNOWN, *(actor["class"] for actor in actors)}),
        ("actor", "kind"): frozenset(kind.value for kind in Kind),
        ("actor", "evidence"): frozenset(evidence["id"] for actor in actors for evidence in actor.get("evidence") or ()),
        ("actor", "strength"): frozenset(strength.value for strength in Strength),
    }
    for source in sources:
        in_evidence = {expression.where for evidence in _evidence(source) for expression in expressions_of(evidence.at("when"))}
        for expression in expression_nodes(source.root) if source.root else ():
            if expression.where in in_evidence:
                yield from _class_facts(expression, trees)
            else:
                yield from _unknown_names(source, expression, names, trees)


def _parts(node: YamlNode | None, section: str) -> Iterator[YamlNode]:
    inner = node.at(section) if node is not None else None
    return inner.items() if inner is not None else iter(())


def _evidence(source: Source) -> Iterator[YamlNode]:
    return (evidence for actor in _parts(source.root, "actors") for evidence in _parts(actor, "evidence"))


def _unknown_names(source: Source, expression: YamlNode, names: Names, trees: Trees) -> Iterator[Finding]:
    """What stands in a condition that the expression uses is a finding there."""
    if "actor" not in expression.value:
        return  # nothing to look at, and most expressions are such
    for atom in dict.fromkeys(atoms(formula_of([trees[expression.value]], FACT_TYPES))):
        if atom.path is None or atom.path not in names:
            continue
        word, known = _WORDS[atom.path], names[atom.path]
        listed = atom.node.value.name if atom.node.kind == "in_list" else None
        for name in sorted(_texts(atom) - known):
            if (listed or name) not in expression.value:
                continue
            where = inside(source, expression, _offset(atom, name), len("in_list") if listed else len(name) + 2)
            what = f"there is no {word} {name}{f', which the list {listed} has' if listed else ''}"
            yield Finding(codes.NO_SUCH, where, what, suggestion(name, sorted(known)))
        if atom.kind in _PATTERNS and atom.value in expression.value and not any(_matches(atom, name) for name in known):
            where = inside(source, expression, _offset(atom, atom.value), len(atom.value) + 2)
            yield Finding(codes.NO_SUCH, where, f"no {word} matches {atom.value}", f"there is: {', '.join(sorted(known))}")


def _texts(atom: Atom) -> frozenset[str]:
    if atom.kind == "in":
        names: frozenset[str] = atom.value
        return names
    return frozenset({atom.value}) if atom.kind == "is" and isinstance(atom.value, str) else frozenset()


def _matches(atom: Atom, name: str) -> bool:
    return evaluate(atom, {"actor": dict.fromkeys((path[1] for path in _WORDS), name)}) is True


def _offset(atom: Atom, name: str) -> int:
    """Where a name stands in its expression; the list that has it, where one has."""
    if atom.node.kind == "in_list":
        return atom.node.offset or 0
    literals = [node for node in walk(atom.node) if node.kind == "literal"]
    exact = next((node.offset for node in literals if node.value == name), None)
    return next((offset for offset in (exact, *(node.offset for node in literals)) if offset is not None), 0)


def _class_facts(expression: YamlNode, trees: Trees) -> Iterator[Finding]:
    """Evidence that reads what is only known once evidence has decided."""
    for path in sorted(reads(trees[expression.value])):
        if path[:2] in _WORDS:
            what = f"{'.'.join(path[:2])} is null while actors are being classified, so evidence cannot test it"
            yield Finding(codes.CLASS, expression.where, what, "repeat the other test")
