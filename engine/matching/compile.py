"""Expressions to callables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jmespath import exceptions
from jmespath.functions import Functions, signature
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter

from engine.errors import (
    ExpressionError,
    MatcherArityError,
    MatcherTypeError,
    MatcherValueError,
    UnknownFunctionError,
)
from engine.matching.patterns import cached_cidr, cached_glob, cached_regex
from engine.matching.tree import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model import Document

_TEXT: Any = {"types": ["string", "null"]}


_STRING: Any = {"types": ["string"]}


class _Own(Functions):
    @signature(_TEXT, _STRING)
    def _func_glob(self, value: str | None, pattern: str) -> bool:
        return value is not None and cached_glob(pattern)(value)

    @signature(_TEXT, _STRING)
    def _func_regex(self, value: str | None, pattern: str) -> bool:
        return value is not None and cached_regex(pattern)(value)

    @signature(_TEXT, _STRING)
    def _func_cidr(self, ip: str | None, network: str) -> bool:
        return ip is not None and cached_cidr(network)(ip)

    @signature(_TEXT)
    def _func_lower(self, value: str | None) -> str | None:
        return None if value is None else value.lower()


_INTERPRETER = TreeInterpreter(Options(custom_functions=_Own()))


def compile_expression(expression: str) -> Callable[[object], object]:
    """An expression as a function of a document. Raises `ExpressionError`; the function raises `MatcherError`."""
    parse(expression)
    tree = Parser().parse(expression).parsed

    def search(document: object) -> Any:  # noqa: ANN401  any JSON value
        try:
            return _INTERPRETER.visit(tree, document)
        except exceptions.JMESPathTypeError as error:
            raise MatcherTypeError(f"{error.function_name}() does not take {error.actual_type}") from None
        except exceptions.UnknownFunctionError:
            raise UnknownFunctionError("there is no such function") from None
        except exceptions.ArityError as error:
            raise MatcherArityError(f"{error.function_name}() takes another number of arguments") from None
        except TypeError:
            raise MatcherTypeError("two values of different types cannot be ordered") from None
        except (ExpressionError, ValueError, OverflowError, RecursionError):
            raise MatcherValueError("a value cannot be used here") from None

    return search


def search(expression: str, document: object) -> object:
    """What an expression finds in a document."""
    return compile_expression(expression)(document)


def compile_predicate(expressions: Sequence[str]) -> Callable[[Document], bool]:
    """Whether every expression, in order, gives exactly true; stops at the first that does not."""
    compiled = [compile_expression(expression) for expression in expressions]
    return lambda document: all(each(document) is True for each in compiled)
