"""Whether the expressions of a file can work: by themselves, and with the lists and conditions that they use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import (
    BrokenConditionError,
    CircularConditionError,
    DeepConditionError,
    ExpressionError,
    UndefinedNameError,
)
from engine.model import Finding
from engine.policy import codes
from engine.policy.edits import inside
from engine.policy.expression_nodes import expression_nodes
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.matching.checks import Trees
    from engine.policy.source import Source, YamlNode


def expression_findings(source: Source, root: YamlNode, trees: Trees, *, complete: bool) -> Iterator[Finding]:
    """Expressions of a file that can never work, or that use what is not defined; conditions that use themselves.

    `complete`: `trees` has the definitions of all files of the set.
    """
    for expression in expression_nodes(root):
        yield from _expression(source, expression, trees, complete=complete)
    yield from _circles(root, trees)


def _expression(source: Source, expression: YamlNode, trees: Trees, *, complete: bool) -> Iterator[Finding]:
    try:
        trees[expression.value]
    except BrokenConditionError:
        return  # the condition has a finding of its own
    except UndefinedNameError as error:
        if not complete:
            return
        where = inside(source, expression, error.offset or 0, len(error.name) + 2)
        instead = suggestion(error.name, error.known) if error.known else f"define it under {error.section} in one of the files"
        yield Finding(codes.NO_SUCH, where, error.what, instead)
    except ExpressionError as error:
        where = expression.where if error.offset is None else inside(source, expression, error.offset)
        yield Finding(codes.EXPRESSION, where, error.what, _split(source, expression) or error.instead)


def _split(source: Source, expression: YamlNode) -> str:
    """What to say of a part of an expression that a comma within brackets or braces split; empty for a whole one."""
    start, end = expression.span
    raw = source.text[start:end]
    part = expression.value.count("(") != expression.value.count(")")
    cut = source.text[end:].lstrip().startswith((",", "]")) or source.text[:start].rstrip().endswith(",")
    return "quote the expression: a comma within [ ] or { } ends a value" if part and cut and raw == expression.value else ""


def _circles(root: YamlNode, trees: Trees) -> Iterator[Finding]:
    """Conditions that use themselves, by way of others, or too many others in a row."""
    section = root.at("conditions")
    for name, where in section.keys.items() if section is not None else ():
        try:
            trees.condition(name)
        except CircularConditionError as error:
            if name == min(error.names):
                yield Finding(codes.EXPRESSION, where, error.what, "let one of them do without the others")
        except DeepConditionError as error:
            yield Finding(codes.EXPRESSION, where, error.what, "write out what one of them says")
        except ExpressionError:
            continue  # its expressions have a finding
