"""What a schema cannot say of a guarantee: that it says one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import Finding
from engine.policy import codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.policy.source import YamlNode

WORDS: Final = ("always", "never")
_STATEMENTS: Final = ("reaches", "shown_below", "class_kind", "quieter_by")


def guarantee_findings(guarantee: YamlNode) -> Iterator[Finding]:
    """What is wrong with a guarantee whose shape is right; the names in it are looked up elsewhere."""
    words = [word for word in WORDS if word in guarantee.keys]
    where = guarantee.keys[words[1]] if len(words) > 1 else guarantee.children["id"].where
    if len(words) != 1:
        what = "a guarantee says one of always and never" + (", not both" if words else ", and this one says neither")
        yield Finding(codes.GUARANTEE, where, what, "make two of it" if words else "add always: rings, or never: muted")
        return
    statement = guarantee.children[words[0]]
    if isinstance(statement.value, str):
        return
    statements = [name for name in _STATEMENTS if name in statement.keys]
    if len(statements) != 1:
        what = f"a guarantee says one thing, and this one says {' and '.join(statements) or 'none'}"
        instead = "make two of it" if statements else f"write one of {', '.join(_STATEMENTS)}"
        yield Finding(codes.GUARANTEE, statement.where, what, instead)
    elif "except" in statement.keys and statements != ["shown_below"]:
        yield Finding(codes.GUARANTEE, statement.keys["except"], f"except has no meaning with {statements[0]}", "delete it")
    elif statements == ["quieter_by"] and words == ["always"]:
        what = "nothing is always quieter by a claim"
        yield Finding(codes.GUARANTEE, guarantee.keys["always"], what, "write never: {quieter_by: claimed}")
