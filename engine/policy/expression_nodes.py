"""Where the expressions of a policy file stand."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.policy.source import YamlNode


def expression_nodes(root: YamlNode) -> Iterator[YamlNode]:
    """Every expression of a file whose shape is right: those of routes, silences, evidence, guarantees and conditions."""
    return chain.from_iterable(matchers(root))


def matchers(root: YamlNode) -> Iterator[tuple[YamlNode, ...]]:
    """The same by matcher: the expressions that must hold together."""
    evidence = (sign for actor in _parts(root, "actors") for sign in _parts(actor, "evidence"))
    for rule in (*_parts(root, "routes"), *_parts(root, "silences"), *evidence, *_parts(root, "guarantees")):
        yield expressions_of(rule.at("when"))
    for condition in _parts(root, "conditions"):
        yield expressions_of(condition)


def expressions_of(when: YamlNode | None) -> tuple[YamlNode, ...]:
    """The expressions of a `when` or of a condition, all of which must be true; none where there is no `when`."""
    if when is None:
        return ()
    return tuple(when.items()) if isinstance(when.value, list) else (when,)


def _parts(node: YamlNode, section: str) -> Iterator[YamlNode]:
    inner = node.at(section)
    return inner.items() if inner is not None else iter(())
