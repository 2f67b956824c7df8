"""`trailbell.lock`: the base that a policy set was last seen to extend, kept beside the policies to compare the next one with."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.errors import LockError
from engine.model import Edit
from engine.policy.bases import base_revision, extends
from engine.policy.edits import before_line, edited
from engine.policy.positions import line_starts
from engine.policy.published import SET_MAX_BYTES
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.policy.bases import Extends
    from engine.policy.source import Source

_ABOUT: Final = "The base of these policies. `trailbell upgrade` compares the next base with it, and writes it anew."


def lock_text(sources: Sequence[Source]) -> str:
    """The lock of a set: the texts of its base's files, line by line, so that a change of the base can be reviewed."""
    files = {source.path: source.text.split("\n") for source in sources if source.base}
    return json.dumps({"about": _ABOUT, "revision": base_revision(sources), "files": files}, indent=1, ensure_ascii=False) + "\n"


def locked_base(content: bytes) -> tuple[Source, ...]:
    """The base's files in a lock, parsed. Raises `LockError` for what is no lock."""
    try:
        files = json.loads(content[:SET_MAX_BYTES])["files"]
        texts = {str(name): "\n".join(lines) for name, lines in files.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise LockError("it is not what trailbell upgrade writes; delete it, and run trailbell upgrade --write") from None
    return tuple(replace(parse_source(text.encode("utf-8", "replace"), name), base=True) for name, text in texts.items())


def pinned(sources: Sequence[Source]) -> tuple[Source, ...]:
    """A set that extends a base, made to extend it at the revision that it has here, and at no other."""
    extended = extends(sources)
    if extended is None:
        return tuple(sources)
    path, revision = extended.node.where.path, base_revision(sources)
    return tuple(
        edited(source, pin(source, extended, revision)) if source.path == path and not source.base else source
        for source in sources
    )


def pin(source: Source, extended: Extends, revision: str) -> tuple[Edit, ...]:
    """The change of a policy file that makes it extend its base at this revision and at no other."""
    node = extended.node
    pinned, base = node.at("revision"), node.at("base")
    if base is None:
        return (Edit(*node.span, f"{{base: {extended.name}, revision: {revision}}}"),)
    if pinned is not None:
        return (Edit(*pinned.span, revision),)
    if source.text[line_starts(source.text)[node.where.line - 1] + node.where.column - 1] == "{":
        return (Edit(base.span[1], base.span[1], f", revision: {revision}"),)
    key = node.keys["base"]
    return before_line(source, key.line, f"{' ' * (key.column - 1)}revision: {revision}")
