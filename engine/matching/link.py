"""Generated source, new or prepared, to functions: code is compiled once for each shape, and the constants are put in place.

A start that has a prepared policy set comes in here, and needs neither parser nor generator.
"""

from __future__ import annotations

from functools import lru_cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final

from engine.matching.globs import glob_test
from engine.matching.networks import cidr_test
from engine.matching.regexes import LateSearch, search
from engine.matching.runtime import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.matching.source import Constant, Generated, Given

_SHAPES: Final = 4_096
_NAMESPACE: Final = dict(NAMES)
_KINDS: Final[Mapping[str, Callable[[Any], object]]] = {
    "texts": frozenset,
    "glob": glob_test,
    "regex": LateSearch,
    "cidr": cidr_test,
}
_NOW: Final = {**_KINDS, "regex": search}


def link(
    source: Generated, given: Given | None = None, code: CodeType | None = None, *, often: bool = False
) -> Callable[..., Any]:
    """The function that generated source describes, with its constants in place; of `code`, where that is its code.

    Its patterns are compiled when they are first used, or now, where they are used `often`.
    """
    factory = _factory(source.text) if code is None else FunctionType(code, _NAMESPACE)
    kinds = _NOW if often else _KINDS
    constants = [_made(constant, given, kinds) for constant in source.constants]
    made: Callable[..., Any] = factory(*constants)
    if not often and any(isinstance(constant, LateSearch) for constant in constants):
        for cell in made.__closure__ or ():
            if isinstance(cell.cell_contents, LateSearch):
                cell.cell_contents.cell = cell
    return made


def _made(constant: Constant, given: Given | None, kinds: Mapping[str, Callable[[Any], object]]) -> object:
    if constant.kind == "value":
        return constant.value
    if constant.kind == "whole":
        return given and given.whole
    return kinds[constant.kind](constant.value)


@lru_cache(_SHAPES)
def _factory(text: str) -> Callable[..., Any]:
    """The code of one shape of expression; thousands of routes share a few dozen."""
    factory: Callable[..., Any] = FunctionType(compile(text, "<matcher>", "eval"), _NAMESPACE)()
    return factory
