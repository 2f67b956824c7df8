"""The expressions of the files that are linted, each parsed and taken apart once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.lint.fields import FIELD_TYPES
from engine.matching.formula import conjunction, formula_of

if TYPE_CHECKING:
    from engine.matching.checks import Trees
    from engine.matching.formula import Formula
    from engine.matching.tree import Node as Tree
    from engine.policy.source import YamlNode


class Condition(NamedTuple):
    """One expression: its text, its syntax tree, and its formula, made with the types of an event's fields."""

    text: str
    tree: Tree
    formula: Formula


class Conditions:
    """What was made of expressions so far. One belongs to one run of the linter."""

    def __init__(self, trees: Trees) -> None:
        self.trees = trees
        self._known: dict[str, Condition] = {}

    def condition(self, text: str) -> Condition:
        """The condition of an expression. Raises `ExpressionError` where it can never work."""
        if text not in self._known:
            tree = self.trees[text]
            self._known[text] = Condition(text, tree, formula_of((tree,), FIELD_TYPES))
        return self._known[text]

    def of(self, part: YamlNode) -> tuple[Condition, ...]:
        """The conditions of a route, a silence or a piece of evidence, of which all must hold; none where it has no `when`."""
        when = part.value.get("when")
        texts = [] if when is None else when if isinstance(when, list) else [when]
        return tuple(map(self.condition, texts))


def together(conditions: tuple[Condition, ...]) -> Formula:
    """The formula of conditions that must all hold."""
    return conjunction(condition.formula for condition in conditions)
