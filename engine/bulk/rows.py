"""Rows: records of which only some paths were read. A row is a struct whose attributes are numbered by the layout of those paths.

Nested objects become structs too, so no name of a policy becomes a name in Python. A record with something else where an object
is expected has no row; it is read otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.errors import TrailbellError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.policy.fact_layout import Path

LISTS: Final = frozenset({"resources"})
"""Fields that are lists of objects: they stay lists of dictionaries."""

Row: TypeAlias = Any
"""An object of the struct type made for a layout."""

Layout: TypeAlias = "dict[str, Layout]"
"""The members of an object by name, in the order of their attributes; a member without members is a value read whole."""


class RowError(TrailbellError):
    """A row lacks a field that a decision needs: more of its record has to be read."""


def layout(paths: Iterable[Path]) -> Layout:
    """The layout of records of which these paths are read. A path below another one is read with that."""
    wanted = frozenset(paths)
    root: Layout = {}
    for path in sorted(wanted):
        here = root
        if not any(path[:length] in wanted for length in range(1, len(path))):
            for name in path:
                here = here.setdefault(name, {})
    return root


def attribute(index: int) -> str:
    """The name of an object's attribute with this number."""
    return f"f{index}"


def attribute_of(root: Layout, name: str) -> str:
    """The name of the attribute that a field of a record has in its row."""
    return attribute(list(root).index(name))


def attributes(root: Layout) -> dict[Path, str]:
    """The attributes that lead to each path at which a layout reads a value, joined by dots. No path leads into a list."""
    return dict(_attributes(root, (), ""))


def _attributes(members: Layout, path: Path, before: str) -> Iterator[tuple[Path, str]]:
    for place, (name, inner) in enumerate(members.items()):
        here, names = (*path, name), f"{before}{attribute(place)}"
        if not inner or (not path and name in LISTS):
            yield here, names
        else:
            yield from _attributes(inner, here, f"{names}.")
