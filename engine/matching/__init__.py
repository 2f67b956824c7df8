"""JMESPath to fast predicates; knows nothing of AWS.

What this package offers is imported when it is first named: a start that has a prepared policy set needs only a part of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.matching.anchors import choices
    from engine.matching.checks import check
    from engine.matching.compile import compile_expression, compile_predicate, compile_tree, search
    from engine.matching.functions import FUNCTIONS, Function
    from engine.matching.globs import glob
    from engine.matching.index import Globs, Index
    from engine.matching.limits import MAX_DEPTH, MAX_EXPRESSION, MAX_NODES, MAX_PATTERN, MAX_REGEX_MEMORY
    from engine.matching.tree import Node, conjuncts, field_path, parse, walk
    from engine.matching.types import never_fails, reads

__all__ = [
    "FUNCTIONS",
    "MAX_DEPTH",
    "MAX_EXPRESSION",
    "MAX_NODES",
    "MAX_PATTERN",
    "MAX_REGEX_MEMORY",
    "Function",
    "Globs",
    "Index",
    "Node",
    "check",
    "choices",
    "compile_expression",
    "compile_predicate",
    "compile_tree",
    "conjuncts",
    "field_path",
    "glob",
    "never_fails",
    "parse",
    "reads",
    "search",
    "walk",
]

_HOMES: Final[Mapping[str, tuple[str, ...]]] = {
    "anchors": ("choices",),
    "checks": ("check",),
    "compile": ("compile_expression", "compile_predicate", "compile_tree", "search"),
    "functions": ("FUNCTIONS", "Function"),
    "globs": ("glob",),
    "index": ("Globs", "Index"),
    "limits": ("MAX_DEPTH", "MAX_EXPRESSION", "MAX_NODES", "MAX_PATTERN", "MAX_REGEX_MEMORY"),
    "tree": ("Node", "conjuncts", "field_path", "parse", "walk"),
    "types": ("never_fails", "reads"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"engine.matching.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
