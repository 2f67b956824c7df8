"""Rows: records of which only some paths were read, each a value at a fixed place; how they are laid out, and read by code.

What has members in some path is an object whose attributes are numbered, so that no name of a policy becomes a name of Python.
What is no object where one is expected is in no row: such a record is read otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine.errors import TrailbellError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.policy.fact_layout import Path

LISTS: Final = frozenset({"resources"})
"""Fields of a record that are lists of objects: they stay lists of dictionaries."""

Row: TypeAlias = Any
"""A row: an object of a type that was made for its layout."""

Layout: TypeAlias = "dict[str, Layout]"
"""The members of an object by name, in the order of their attributes; one without members is a value, read as it is."""


class RowError(TrailbellError):
    """A row lacks a field that a decision needs: more of its record has to be read."""


def layout(paths: Iterable[Path]) -> Layout:
    """The layout of records of which these paths are read; what begins with another path is read with that."""
    wanted = frozenset(paths)
    root: Layout = {}
    for path in sorted(wanted):
        here = root
        if not any(path[:length] in wanted for length in range(1, len(path))):
            for name in path:
                here = here.setdefault(name, {})
    return root


def attribute(place: int) -> str:
    """The name of the attribute at a place of an object."""
    return f"f{place}"


def attribute_of(root: Layout, name: str) -> str:
    """The name of the attribute that a field of a record has in its row."""
    return attribute(list(root).index(name))


def read_by(root: Layout) -> dict[Path, str]:
    """By which code each path of a layout is read from the row `d`. No path leads to a value inside a list."""
    return dict(_codes(root, (), ("d",)))


def read_bound(root: Layout) -> tuple[list[str], dict[Path, str]]:
    """The same where lines of code, which come first, give the row's objects names: each is then read from the row once."""
    lines: list[str] = []
    codes = read_by(root)
    for place, (name, inner) in enumerate(root.items()):
        if inner and name not in LISTS:
            lines.append(f"o{place:d} = d.{attribute(place)}")
            codes |= _codes(inner, (name,), ("d", f"o{place:d}"))
    return lines, codes


def _codes(members: Layout, path: Path, owners: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """`owners`: the codes of the row, of its object, … in which the members are."""
    for place, (name, inner) in enumerate(members.items()):
        here, code = (*path, name), f"{owners[-1]}.{attribute(place)}"
        listed = not path and name in LISTS
        if listed or not inner:
            there = " and ".join(f"{owner} is not None" for owner in owners[1:])
            yield here, f"({code} if {there} else None)" if path else code
        if inner:
            yield from ((one, "None" if listed else found) for one, found in _codes(inner, here, (*owners, code)))
