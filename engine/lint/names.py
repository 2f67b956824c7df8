"""What is wrong with a name: no event has such a field, it is no field at all, or `!` is read before its dot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.lint.problems import Problem, offset_of
from engine.matching.spelling import written
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from engine.lint.fields import FieldShape
    from engine.matching.tree import Node

FIELD: Final = "TB202"
BARE: Final = "TB203"
QUOTES: Final = "TB204"
NEGATED: Final = "TB212"

_WORDS: Final = frozenset({"true", "false", "null"})


class Scope(NamedTuple):
    """What a part of an expression reads from: its shape, and the part that gives it, None for the event itself."""

    shape: FieldShape
    node: Node | None

    @property
    def name(self) -> str:
        """What a finding calls it."""
        return "the event" if self.node is None else written(self.node) or "the element"


def negated_name(node: Node, text: str) -> Problem:
    """`!a.b` is `(!a).b` in JMESPath, and so always null."""
    inner = written(node.children[0].children[0])
    name = ".".join([inner, *(str(child.value) for child in node.children[1:] if child.kind == "field")])
    offset = max(0, offset_of(node) - 1)
    length = len(name) + 1
    replacement, what = f"!({name})", "! is read before the dot, so this is always null"
    edit = (offset, offset + length, replacement) if text[offset : offset + length] == f"!{name}" else None
    return Problem(NEGATED, offset, length, what, f"write {replacement}", edit=edit)


def unknown_field(node: Node, scope: Scope, text: str) -> Problem:
    """What to say of a field that its scope does not have, in the text of an expression."""
    name, offset = str(node.value), node.offset or 0
    shape, top = scope.shape, scope.node is None
    if top and name in _WORDS:
        bare = (offset, offset + len(name), f"`{name}`")
        return Problem(BARE, offset, len(name), f"{name} is read as a field name", f"write `{name}`", edit=bare)
    if top and text[offset : offset + 1] == '"':
        end = offset + len(name) + 2
        edit = (offset, end, f"'{name}'") if text[offset:end] == f'"{name}"' and "'" not in name else None
        return Problem(QUOTES, offset, len(name) + 2, "double quotes name a field", f"a string is written '{name}'", edit=edit)
    if "object" not in shape.types:
        what = f"{scope.name} has no fields, so this is always null"
        instead = f"write {scope.name}[].{name}" if shape.types == {"array"} else f"write {scope.name}"
        return Problem(FIELD, offset, len(name), what, instead)
    instead = suggestion(name, shape.fields or ())
    if top and not instead.startswith("did you mean"):
        instead = f"a string is written '{name}'"
    return Problem(FIELD, offset, len(name), f"there is no field {name} in {scope.name}", instead)
