"""Lists and conditions that nothing uses, and mutes and silences that rest on those of somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.matching import walk
from engine.model import Finding, FindingSeverity
from engine.policy.definitions import SECTIONS
from engine.policy.edits import inside
from engine.policy.expression_nodes import expression_nodes, expressions_of
from engine.policy.quieter import quieter_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.matching import Node as Tree
    from engine.matching.checks import Trees
    from engine.model import Location
    from engine.policy.source import Source, YamlNode

    Name = tuple[str, str]
    """The section (`lists` or `conditions`) and the name in it."""

UNUSED: Final = "TB431"
OF_OTHERS: Final = "TB432"

_CALLS: Final = {"lists": "in_list", "conditions": "holds"}
"""The function that uses the names of a section; a checked tree has nodes of that kind."""
_SECTIONS: Final = {call: section for section, call in _CALLS.items()}


def definition_findings(sources: Sequence[Source], trees: Trees) -> Iterator[Finding]:
    """Everything about the lists and conditions of files that load."""
    files = [(source, source.root) for source in sources if source.root is not None]
    used = {name for _, root in files for name in _used(root, trees)}
    for _, root in files:
        for section, kind in SECTIONS.items():
            defined = root.at(section)
            for name, where in defined.keys.items() if defined is not None else ():
                if (section, name) not in used:
                    use = f"in_list(…, '{name}')" if section == "lists" else f"holds('{name}')"
                    instead = f"delete it, or use it: {use}"
                    yield Finding(UNUSED, where, f"nothing uses the {kind} {name}", instead, FindingSeverity.WARNING)
    owners = dict(_owners(root for _, root in files))
    for source, root in files:
        for word, rule in quieter_rules(root):
            for expression in expressions_of(rule.at("when")):
                for used_name, offset in _once(names_in(trees[expression.value])):
                    if owners[used_name] != root.value["owner"]:
                        where = inside(source, expression, offset, len(_CALLS[used_name[0]]))
                        yield _of_others(where, word, used_name, owners[used_name])


def _owners(roots: Iterable[YamlNode]) -> Iterator[tuple[Name, str]]:
    for root in roots:
        for section in SECTIONS:
            yield from (((section, name), root.value["owner"]) for name in root.value.get(section) or ())


def _once(names: Iterable[tuple[Name, int]]) -> Iterable[tuple[Name, int]]:
    """Each name where it stands first."""
    first: dict[Name, int] = {}
    for name, offset in names:
        first.setdefault(name, offset)
    return first.items()


def _of_others(where: Location, word: str, name: Name, owner: str) -> Finding:
    section, text = name
    what = f"this {word} rests on the {SECTIONS[section]} {text} of {owner}: whoever edits it changes this {word}"
    instead = "let CODEOWNERS ask you about that file, too, or define one of your own"
    return Finding(OF_OTHERS, where, what, instead, FindingSeverity.WARNING)


def _used(root: YamlNode, trees: Trees) -> Iterator[Name]:
    """What the expressions of a file use."""
    for expression in expression_nodes(root):
        yield from (name for name, _ in names_in(trees[expression.value]))


def names_in(tree: Tree) -> Iterator[tuple[Name, int]]:
    """The lists and conditions that an expression uses, also by way of conditions, each with its place in the expression."""
    for node in walk(tree):
        if node.kind in _SECTIONS:
            yield (_SECTIONS[node.kind], node.value.name), node.offset or 0
        if node.kind == "holds":
            for inner in node.value.trees:
                yield from names_in(inner)
