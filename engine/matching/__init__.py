"""JMESPath to fast predicates; knows nothing of AWS."""

from engine.matching.compile import compile_expression, compile_predicate, search
from engine.matching.limits import MAX_DEPTH, MAX_EXPRESSION, MAX_NODES, MAX_PATTERN, MAX_REGEX_MEMORY
from engine.matching.patterns import glob
from engine.matching.tree import Node, conjuncts, parse, walk

__all__ = [
    "MAX_DEPTH",
    "MAX_EXPRESSION",
    "MAX_NODES",
    "MAX_PATTERN",
    "MAX_REGEX_MEMORY",
    "Node",
    "compile_expression",
    "compile_predicate",
    "conjuncts",
    "glob",
    "parse",
    "search",
    "walk",
]
