"""JMESPath to fast predicates; knows nothing of AWS."""

from engine.matching.anchors import choices
from engine.matching.check import check
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
