"""Texts in an expression that go over the end of a line: YAML puts a space there, which is then a part of the text."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from engine.lint.comparisons import LITERAL
from engine.matching.tree import walk
from engine.model import Finding, FindingSeverity
from engine.policy.edits import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.lint.conditions import Condition
    from engine.policy.source import Source, YamlNode

BROKEN: Final = "TB217"


def broken_texts(source: Source, node: YamlNode, condition: Condition) -> Iterator[Finding]:
    """A finding for each literal text of an expression with the end of a line in it."""
    if "\n" not in source.text[slice(*node.span)].strip():
        return
    for part in walk(condition.tree):
        if part.kind == "literal" and isinstance(part.value, str) and any(map(str.isspace, part.value)):
            start = part.offset or 0
            there = LITERAL.match(condition.text, start)
            if there is not None and _is_broken(source, node, there[0], start):
                what = "this text goes over the end of a line, which is a space in it"
                instead = "write it on one line, or make two tests of it, joined by ||"
                where = inside(source, node, start, len(there[0]))
                yield Finding(BROKEN, where, what, instead, FindingSeverity.WARNING)


def _is_broken(source: Source, node: YamlNode, literal: str, start: int) -> bool:
    """Whether the characters around some space of a literal stand on different lines of the file."""
    ends = (start, start + len(literal) - 1)
    first, last = (inside(source, node, place).line for place in ends)
    if first == last:
        return False
    words = [start + place for place, char in enumerate(literal) if not char.isspace()]
    gaps = ((before, after) for before, after in pairwise(words) if after > before + 1)
    return any(inside(source, node, before).line != inside(source, node, after).line for before, after in gaps)
