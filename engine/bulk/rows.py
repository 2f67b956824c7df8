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


def read_by(root: Layout) -> dict[Path, str]:
    """The code that reads each path of a layout from the row `d`. No path leads to a value inside a list."""
    return dict(_codes(root, (), ("d",)))


def read_bound(root: Layout) -> tuple[list[str], dict[Path, str]]:
    """Lines that give the row's objects names, and the same code using these: each object is read from the row once."""
    lines: list[str] = []
    codes = read_by(root)
    for place, (name, inner) in enumerate(root.items()):
        if inner and name not in LISTS:
            lines.append(f"o{place:d} = d.{attribute(place)}")
            codes |= _codes(inner, (name,), ("d", f"o{place:d}"))
    return lines, codes


def _codes(members: Layout, path: Path, owners: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """`owners` is the code of the row, of its object and so on down to the one that has the members."""
    for place, (name, inner) in enumerate(members.items()):
        here, code = (*path, name), f"{owners[-1]}.{attribute(place)}"
        listed = not path and name in LISTS
        if listed or not inner:
            present = " and ".join(f"{owner} is not None" for owner in owners[1:])
            yield here, f"({code} if {present} else None)" if path else code
        if inner:
            yield from ((below, "None" if listed else read) for below, read in _codes(inner, here, (*owners, code)))
