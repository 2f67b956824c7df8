"""Compiles JMESPath expressions to fast predicates, and analyses them statically. Knows nothing of AWS.

A worked example, the expression `bucket == 'ledger' && !glob(actor.session, 'ci-*')`:

- `tree.parse` makes its syntax tree, and `checks.check` refuses what can never work, such as a pattern that is none.
- `compile` writes the tree as the source of a Python function (`generate`) and puts the constants in place (`link`). The function
  reads `bucket`, and `actor.session` only where the bucket is `ledger`. It returns true or false, or raises a `MatcherError`.
- `formula` takes it apart into atoms, questions about one field each:
  `And(bucket is 'ledger', Not(actor.session glob 'ci-*'))`. `formula.evaluate` asks one of them, with the same compiler.
- `keys` derives the index keys: `bucket` equals `ledger`. For an event in any other bucket the expression can be neither true
  nor an error, so `index` leaves it out of the candidates.
- `ways` lists how it can end: the bucket is another one, and it is false; the bucket is `ledger` and the session matches, and it
  is false; the session does not, and it is true; or the session is not a text, and it fails. `relations` leaves out what no value
  can do, such as a session that matches `ci-*` and not `c*`.

A name of this package is imported when it is first used: a start with a prepared policy set needs only a few of its modules.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.matching.checks import check
    from engine.matching.compile import compile_expression, compile_predicate, compile_tree, search
    from engine.matching.formula import formula_of
    from engine.matching.functions import FUNCTIONS, Function
    from engine.matching.globs import glob
    from engine.matching.index import GlobIndex, Index
    from engine.matching.keys import index_keys
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
    "GlobIndex",
    "Index",
    "Node",
    "check",
    "compile_expression",
    "compile_predicate",
    "compile_tree",
    "conjuncts",
    "field_path",
    "formula_of",
    "glob",
    "index_keys",
    "never_fails",
    "parse",
    "reads",
    "search",
    "walk",
]

_EXPORTS_BY_MODULE: Final[Mapping[str, tuple[str, ...]]] = {
    "checks": ("check",),
    "compile": ("compile_expression", "compile_predicate", "compile_tree", "search"),
    "formula": ("formula_of",),
    "functions": ("FUNCTIONS", "Function"),
    "globs": ("glob",),
    "index": ("GlobIndex", "Index"),
    "keys": ("index_keys",),
    "limits": ("MAX_DEPTH", "MAX_EXPRESSION", "MAX_NODES", "MAX_PATTERN", "MAX_REGEX_MEMORY"),
    "tree": ("Node", "conjuncts", "field_path", "parse", "walk"),
    "types": ("never_fails", "reads"),
}


def __getattr__(name: str) -> object:
    for module, names in _EXPORTS_BY_MODULE.items():
        if name in names:
            return getattr(import_module(f"engine.matching.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
