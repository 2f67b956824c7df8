"""Expressions to Python functions: parsed, checked, written as source, and linked with their constants."""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from engine.matching.check import check
from engine.matching.generate import expression_source, predicate_source
from engine.matching.globs import glob_test
from engine.matching.networks import cidr_test
from engine.matching.regexes import regex_test
from engine.matching.runtime import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.matching.tree import Node
    from engine.matching.writer import Constant, Source
    from engine.model import Document

_SHAPES: Final = 4_096
_NAMESPACE: Final = dict(NAMES)
_TESTS: Final[Mapping[str, Callable[[str], Callable[[str], bool]]]] = {"glob": glob_test, "regex": regex_test, "cidr": cidr_test}


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
    """Whether every expression, in order, gives exactly true for a document; what follows one that does not is not asked.

    Raises `ExpressionError` for the first expression that can never work; the predicate raises `MatcherError`.
    """
    return link(predicate_source([check(expression) for expression in expressions]))


def link(source: Source) -> Callable[[Any], Any]:
    """The function that generated source describes, with its constants in place."""
    made: Callable[[Any], Any] = _factory(source.text)(*map(_made, source.constants))
    return made


def _made(constant: Constant) -> object:
    test = _TESTS.get(constant.kind)
    return test(str(constant.value)) if test else constant.value


@lru_cache(_SHAPES)
def _factory(text: str) -> Callable[..., Any]:
    """The code of one shape of expression; thousands of routes share a few dozen."""
    code = compile(text, "<matcher>", "eval")
    factory: Callable[..., Any] = FunctionType(code, _NAMESPACE)()
    return factory
