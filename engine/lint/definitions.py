"""Lists and conditions that nothing uses, and mutes and silences that rest on those of somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.matching import walk
from engine.model import Finding, FindingSeverity
from engine.policy.dates import day_range
from engine.policy.definitions import SECTIONS
from engine.policy.edits import inside
from engine.policy.expression_nodes import expression_nodes, expressions_of
from engine.policy.quieter import parts, quieter_rules
from engine.policy.times import days_of, windows_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

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
    used = {use.name for source, root in files for use in _uses(source, root, trees)}
    owners = dict(_owners(root for _, root in files))
    for source, root in files:
        yield from _unused(root, used)
        for word, rule in quieter_rules(root):
            first = {use.name: use for use in reversed(list(_uses_of_rule(source, rule, trees)))}
            for name, use in first.items():
                if owners[name] != root.value["owner"]:
                    yield _of_others(use, word, owners[name])


class _Use(NamedTuple):
    """A list or a condition, and the place that uses it."""

    name: Name
    where: Location


def _uses(source: Source, root: YamlNode, trees: Trees) -> Iterator[_Use]:
    """What the expressions and the windows of a file use."""
    for expression in expression_nodes(root):
        yield from _uses_of_expression(source, expression, trees)
    for route in parts(root, "routes"):
        yield from _uses_of_windows(route)


def _uses_of_rule(source: Source, rule: YamlNode, trees: Trees) -> Iterator[_Use]:
    for expression in expressions_of(rule.at("when")):
        yield from _uses_of_expression(source, expression, trees)
    yield from _uses_of_windows(rule)


def _uses_of_expression(source: Source, expression: YamlNode, trees: Trees) -> Iterator[_Use]:
    for name, offset in names_in(trees[expression.value]):
        yield _Use(name, inside(source, expression, offset, len(_CALLS[name[0]])))


def _uses_of_windows(rule: YamlNode) -> Iterator[_Use]:
    for window in windows_of(rule):
        for node in (*days_of(window, "dates"), *days_of(window, "except")):
            if day_range(node.value) is None:
                yield _Use(("lists", node.value), node.where)


def names_in(tree: Tree) -> Iterator[tuple[Name, int]]:
    """The lists and conditions that an expression uses, also by way of conditions, each with its place in the expression."""
    for node in walk(tree):
        if node.kind in _SECTIONS:
            yield (_SECTIONS[node.kind], node.value.name), node.offset or 0
        if node.kind == "holds":
            for inner in node.value.trees:
                yield from names_in(inner)


def _unused(root: YamlNode, used: Container[Name]) -> Iterator[Finding]:
    for section, kind in SECTIONS.items():
        defined = root.at(section)
        for name, where in defined.keys.items() if defined is not None else ():
            if (section, name) not in used:
                use = f"in_list(…, '{name}')" if section == "lists" else f"holds('{name}')"
                instead = f"delete it, or use it: {use}"
                yield Finding(UNUSED, where, f"nothing uses the {kind} {name}", instead, FindingSeverity.WARNING)


def _owners(roots: Iterable[YamlNode]) -> Iterator[tuple[Name, str]]:
    for root in roots:
        for section in SECTIONS:
            yield from (((section, name), root.value["owner"]) for name in root.value.get(section) or ())


def _of_others(use: _Use, word: str, owner: str) -> Finding:
    section, name = use.name
    what = f"this {word} rests on the {SECTIONS[section]} {name} of {owner}: whoever edits it changes this {word}"
    instead = "let CODEOWNERS ask you about that file, too, or define one of your own"
    return Finding(OF_OTHERS, use.where, what, instead, FindingSeverity.WARNING)
