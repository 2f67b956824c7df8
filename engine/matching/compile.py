"""Expressions to Python functions: parsed, checked, written as source, and linked with their constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.matching.checks import check
from engine.matching.generate import expression_source, predicate_source
from engine.matching.link import link
from engine.matching.source import NO_FACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.matching.tree import Node
    from engine.model import Document


def compile_expression(expression: str) -> Callable[[object], object]:
    """An expression as a function from a document to what it finds there: JMESPath's exact meaning.

    Raises `ExpressionError` for an expression that can never work; the function raises `MatcherError`.
    """
    return compile_tree(check(expression))


def compile_tree(tree: Node) -> Callable[[object], object]:
    """The same of a checked syntax tree, or of a part of one."""
    return link(expression_source(tree))


def search(expression: str, document: object) -> object:
    """What an expression finds in a document. Raises `ExpressionError` and `MatcherError`."""
    return compile_expression(expression)(document)


def compile_predicate(expressions: Sequence[str]) -> Callable[[Document], bool]:
    """Whether every expression, in order, gives exactly true for a document; what follows one that does not is not evaluated.

    Raises `ExpressionError` for the first expression that can never work; the predicate raises `MatcherError`.
    """
    return predicate([check(expression) for expression in expressions])


def predicate(trees: Sequence[Node]) -> Callable[[Document], bool]:
    """The same of checked syntax trees."""
    holds = link(predicate_source(trees, NO_FACTS), NO_FACTS)
    return lambda document: holds(document, ())
