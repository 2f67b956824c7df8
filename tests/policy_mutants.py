"""Policies with one line less, or a weaker one: what somebody might delete or loosen, one change at a time.

`python tests/policy_mutants.py [FILE]` prints those of the shipped base that neither lint nor its policy tests notice.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import yaml
from builders import ROOT, SHIPPED, SHIPPED_TESTS

from engine.edge.secrets import random_key
from engine.lint import lint
from engine.matching.checks import check as checked_tree
from engine.matching.spelling import written
from engine.model import Deployment, Event
from engine.pipeline.decide import decide
from engine.pipeline.setting import Setting
from engine.policy.load import check, read_set
from engine.policy.source import parse_source
from engine.workbench.casefile import read_cases
from engine.workbench.cases import check as check_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from engine.matching.tree import Node
    from engine.model import PolicySet, Verdict
    from engine.policy.source import Source
    from engine.workbench.cases import Case

NOW: Final = datetime(2026, 11, 24, tzinfo=UTC)
DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
WORDS: Final = frozenset({"version", "name", "owner", "description", "emoji", "title", "says", "guarantees"})
"""Keys that decide nothing: what a reader sees of a class, what a file says of itself, and what is proved of the whole set."""
WEAKER: Final = {
    ("never_mute", "true"): "false",
    ("event", "true"): "false",
    ("strength", "claimed"): "attested",
    ("strength", "attested"): "claimed",
    ("severity", "critical"): "info",
    ("kind", "unknown"): "robot",
    ("kind", "person"): "robot",
    ("kind", "robot"): "person",
    ("kind", "service"): "robot",
    ("masking", "standard"): "open",
    ("masking", "open"): "standard",
    ("select", "s3-data"): "all",
    **{("fields", way): "keep" for way in ("mask", "last4", "network", "hash", "drop")},
    ("fields", "keep"): "drop",
}
"""By the key and the value that stands there, what somebody might write instead."""


SETS: Final = (
    (SHIPPED, SHIPPED_TESTS),
    (ROOT / "tests/base/levels/policies", ROOT / "tests/base/levels/tests"),
)
"""The sets that have the shipped base, with their policy tests; the second shows each level of `masking.yaml`."""


class Mutant(NamedTuple):
    """A file with one change, which `name` tells."""

    name: str
    text: str


# --- the changes ---------------------------------------------------------------------------------------------------------


def mutants(source: Source, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[Mutant]:
    """Every mutant of a policy file whose name is wanted."""
    root = yaml.compose(source.text)
    seen: set[int] = set()

    def visit(node: yaml.Node, path: str, key: str) -> Iterator[Mutant]:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield from scalar(node, path, key)
            return
        for place, entry in enumerate(list(node.value)):
            name = entry[0].value if isinstance(entry, tuple) else _name(entry, place)
            if name in WORDS and key not in {"fields", "by"}:
                continue
            node.value.remove(entry)
            if wanted(f"{path}/{name}: deleted"):
                yield Mutant(f"{path}/{name}: deleted", yaml.serialize(root, Dumper=DUMPER))
            node.value.insert(place, entry)
            child = entry[1] if isinstance(entry, tuple) else entry
            inherited = key if isinstance(node, yaml.SequenceNode) or key == "fields" else name
            yield from visit(child, f"{path}/{name}", inherited)

    def scalar(node: yaml.ScalarNode, path: str, key: str) -> Iterator[Mutant]:
        own = node.value
        changes = expression_mutants(own) if key == "when" else _weaker(key, own)
        for name, text in changes:
            if wanted(f"{path}: {name}"):
                node.value = text
                yield Mutant(f"{path}: {name}", yaml.serialize(root, Dumper=DUMPER))
                node.value = own

    assert root is not None
    yield from visit(root, source.path.rpartition("/")[2], "")


def _name(node: yaml.Node, place: int) -> str:
    """What an entry of a list is called: its id, its class, its level, or itself."""
    if isinstance(node, yaml.ScalarNode):
        return str(place) if len(node.value) > 30 else node.value
    names = {name.value: value.value for name, value in node.value}
    return next(str(names[key]) for key in ("id", "class", "level", "name") if key in names)


def _weaker(key: str, value: str) -> Iterator[tuple[str, str]]:
    if (key, value) in WEAKER:
        yield f"{value} -> {WEAKER[key, value]}", WEAKER[key, value]


def expression_mutants(expression: str) -> Iterator[tuple[str, str]]:
    """An expression with a part of a chain or a list left out, a negation gone, or a pattern that matches more or less."""
    for name, tree in _tree_mutants(checked_tree(expression)):
        yield name, written(tree)


def _tree_mutants(node: Node) -> Iterator[tuple[str, Node]]:
    if node.kind in {"and_expression", "or_expression", "multi_select_list"} and len(node.children) > 1:
        for place, child in enumerate(node.children):
            rest = (*node.children[:place], *node.children[place + 1 :])
            shorter = rest[0] if len(rest) == 1 and node.kind != "multi_select_list" else node._replace(children=rest)
            yield f"without {written(child)}", shorter
    if node.kind == "not_expression":
        yield f"without ! before {written(node.children[0])}", node.children[0]
    if node.kind == "function_expression" and node.value == "regex":
        field, pattern = node.children
        for name, text in pattern_mutants(pattern.value):
            yield f"{written(field)} {name}", node._replace(children=(field, pattern._replace(value=text)))
    for place, child in enumerate(node.children):
        for name, changed in _tree_mutants(child):
            yield name, node._replace(children=(*node.children[:place], changed, *node.children[place + 1 :]))


def pattern_mutants(pattern: str) -> Iterator[tuple[str, str]]:
    """A pattern without one of its anchors, or without one of its alternatives."""
    tokens = re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]|.", pattern, re.DOTALL)
    for place, token in enumerate(tokens):
        if token in {"^", "$"}:
            yield f"without {token} at {place} of {pattern[:40]}", "".join((*tokens[:place], *tokens[place + 1 :]))
    for start, end in _alternatives(tokens):
        gone = "".join(tokens[start:end])
        cut = (
            (*tokens[: start - 1], *tokens[end:]) if start and tokens[start - 1] == "|" else (*tokens[:start], *tokens[end + 1 :])
        )
        if gone not in {"^", "$"}:
            yield f"without the alternative {gone}", "".join(cut)


def _alternatives(tokens: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where each alternative begins and ends, at every depth."""
    opened: list[tuple[int, list[int]]] = [(0, [])]
    for place, token in enumerate((*tokens, ")")):
        if token == "(":
            opened.append((place + 1, []))
        elif token == "|":
            opened[-1][1].append(place)
        elif token == ")":
            start, bars = opened.pop()
            if bars:
                yield from zip((start, *(bar + 1 for bar in bars)), (*bars, place), strict=True)


# --- who notices ---------------------------------------------------------------------------------------------------------


class Watch:
    """Sets on the shipped base, their policy tests and what these decide: whether a change of the base is noticed."""

    def __init__(self) -> None:
        self._sets = [_Tested(policies, tests) for policies, tests in SETS]
        self.base = [source for source in self._sets[0].sources if source.base]

    def noticed(self, path: str, text: str) -> bool:
        """Whether loading, a policy test or lint says anything about a set whose base has this text in this file."""
        changed, sets = replace(parse_source(text.encode(), path), base=True), self._sets
        return any(tested.noticed(changed) for tested in (sets if path.endswith("/masking.yaml") else sets[:1]))

    def unnoticed(self, source: Source) -> Iterator[Mutant]:
        """The mutants of a file that nothing notices."""
        return (mutant for mutant in mutants(source) if not self.noticed(source.path, mutant.text))


class _Tested:
    """One set with its policy tests."""

    def __init__(self, policies_folder: Path, tests_folder: Path) -> None:
        self.sources = read_set(policies_folder)
        self._cases = read_cases(tests_folder)[0]
        self._findings = len(lint(self.sources, NOW))
        self._key = random_key()
        policies, _ = check(self.sources)
        assert policies is not None
        assert self._cases
        self._decided = [_decisions(case, policies) for case in self._cases]

    def noticed(self, changed: Source) -> bool:
        sources = [changed if source.path == changed.path else source for source in self.sources]
        policies, findings = check(sources)
        if policies is None or findings:
            return True
        setting = Setting(policies, Deployment(), self._key)
        decided = zip(self._cases, self._decided, strict=True)
        suspects = [case for case, before in decided if _decisions(case, policies) != before]
        return not all(check_case(case, setting).passed for case in suspects) or len(lint(sources, NOW)) > self._findings


def _decisions(case: Case, policies: PolicySet) -> list[Verdict]:
    decided = (decide(Event(arrival.record, case.where), policies, arrival.now) for arrival in case.arrivals)
    return [decision.verdict._replace(revision="") for decision in decided]


if __name__ == "__main__":
    watch = Watch()
    for file in watch.base:
        if file.path.endswith(sys.argv[1] if len(sys.argv) > 1 else ".yaml"):
            print(f"{file.path}: {len(list(mutants(file)))} mutants")  # noqa: T201  what it is for
            for unseen in watch.unnoticed(file):
                print(f"  {unseen.name}", flush=True)  # noqa: T201
