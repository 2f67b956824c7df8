"""Globs: `*` is any run of characters, `/` included, `?` exactly one; case-sensitive, and the whole value must match."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from engine.errors import ExpressionError
from engine.matching.limits import MAX_PATTERN
from engine.model import IndexKey

if TYPE_CHECKING:
    from collections.abc import Callable

    Test: TypeAlias = Callable[[str], bool]

_CACHED: Final = 256
_WILD: Final = re.compile(r"[*?]")


class Shape(NamedTuple):
    """What a glob says plainly: its kind (`equals`, `prefix`, `suffix` or, for the rest, `pattern`) and the literal text.

    For a `pattern`, the text is what every match starts with; it may be empty.
    """

    kind: str
    text: str


def shape(pattern: str) -> Shape:
    """The shape of a glob."""
    literal = _WILD.split(pattern, maxsplit=1)[0]
    if literal == pattern:
        return Shape("equals", pattern)
    if pattern == f"{literal}*":
        return Shape("prefix", literal)
    if pattern[0] == "*" and not _WILD.search(pattern, 1):
        return Shape("suffix", pattern[1:])
    return Shape("pattern", literal)


def glob_key(path: tuple[str, ...], pattern: str) -> IndexKey | None:
    """The index key of a glob: the whole of a plain one, the literal start or the longest literal piece of another."""
    kind, text = shape(pattern)
    if kind == "pattern":
        kind, text = ("prefix", text) if text else ("contains", max(re.split(r"[*?]", pattern), key=len))
    if not text and kind != "equals":
        return None
    return IndexKey(kind, path, text, "unless_null")


def check_glob(pattern: str) -> None:
    """Raises `ExpressionError` for a glob that is too long; any other text is a glob."""
    if len(pattern) > MAX_PATTERN:
        raise ExpressionError(f"the glob is longer than {MAX_PATTERN} characters")


def glob_test(pattern: str) -> Test:
    """The test of one glob. It does not backtrack, whatever the text."""
    check_glob(pattern)
    kind, text = shape(pattern)
    if kind == "equals":
        return text.__eq__
    if kind == "prefix":
        return lambda value: value.startswith(text)
    if kind == "suffix":
        return lambda value: value.endswith(text)
    match = re.compile(_regex(pattern), re.DOTALL).fullmatch
    return lambda value: match(value) is not None


def _regex(pattern: str) -> str:
    """Each inner piece is taken at its first place and kept (an atomic group): for a glob, no later place can serve better."""
    first, *inner = [
        "".join("." if character == "?" else re.escape(character) for character in piece) for piece in pattern.split("*")
    ]
    if not inner:
        return first
    return first + "".join(f"(?>.*?{piece})" for piece in inner[:-1] if piece) + f".*{inner[-1]}"


cached_glob = lru_cache(_CACHED)(glob_test)
"""`glob_test`, remembered: for patterns that only an event brings."""


def glob(value: str | None, pattern: str) -> bool:
    """Whether a value matches a glob; False for None. Raises `ExpressionError` for a glob that is too long."""
    return value is not None and cached_glob(pattern)(value)
