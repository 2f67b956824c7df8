"""Event patterns as EventBridge matches them: names also in objects of a list, any value by any test, `$or` as one of many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.matching import glob

if TYPE_CHECKING:
    from collections.abc import Iterator


def values_at(node: object, name: str) -> Iterator[object]:
    if isinstance(node, list):
        for one in node:
            yield from values_at(one, name)
    elif isinstance(node, dict) and name in node:
        yield node[name]


def holds(wanted: object, found: list[object]) -> bool:
    leaves = [leaf for one in found for leaf in (one if isinstance(one, list) else [one])]
    if not isinstance(wanted, dict):
        return wanted in leaves
    ((operator, operand),) = wanted.items()
    if operator == "exists":
        return bool(leaves) == operand
    texts = [leaf for leaf in leaves if isinstance(leaf, str)]
    if operator == "prefix":
        return any(leaf.startswith(operand) for leaf in texts)
    if operator == "suffix":
        return any(leaf.endswith(operand) for leaf in texts)
    if operator == "wildcard":
        return any(glob(leaf, operand) for leaf in texts)
    assert operator == "anything-but"
    return any(leaf != operand for leaf in leaves)


def matches(pattern: dict[str, Any], nodes: list[object]) -> bool:
    return all(
        any(matches(one, nodes) for one in wanted)
        if name == "$or"
        else matches(wanted, list(values_at(nodes, name)))
        if isinstance(wanted, dict)
        else any(holds(one, list(values_at(nodes, name))) for one in wanted)
        for name, wanted in pattern.items()
    )
