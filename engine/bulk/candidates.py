"""The candidates of an index for rows: as lines of the generated function, and by values that were read already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.matching.index import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from engine.matching.index import Index, PathIndex
    from engine.matching.writer import Writer

_MOST_WRITTEN: Final = 16
"""The most lengths of prefixes that are written out one by one."""


def candidate_lines(index: Index, writer: Writer, code: Callable[[tuple[str, ...]], str]) -> Iterator[str]:
    """Lines of code that leave the candidates of an index in `c`. `code` says by which code a path is read."""
    yield f"c = {writer.constant(index.always)}"
    for path, values in index.paths.items():
        yield from _lookup_lines(values, writer, code(path))


def _lookup_lines(values: PathIndex, writer: Writer, value: str) -> Iterator[str]:
    """Lines that add what hits the value of some code to what `c` names."""
    name = writer.constant
    add = f"if m: c = {name(together)}((c, m)) if c else m"
    yield f"v = {value}"
    if len(values.starts) > _MOST_WRITTEN:
        yield from (f"m = {name(values.hits)}(v)", add)
        return
    yield "if v.__class__ is str:"
    yield from (f"    m = {name(values.equals)}.get(v)", f"    {add}")
    for length, texts in values.starts.items():
        yield from (f"    m = {name(texts)}.get(v[:{length:d}])", f"    {add}")
    if values.rare:
        yield f"    for m in {name(values.rare_hits)}(v): c = {name(together)}((c, m))"
    yield "else:"
    yield from (f"    m = {name(values.hits_of_other)}(v)", f"    {add}")


def candidates_by_values(index: Index, values: Iterable[object]) -> Sequence[int]:
    """The candidates of an index, by the values of its `paths`."""
    several = (index.always, *(path.hits(value) for path, value in zip(index.paths.values(), values, strict=True)))
    nonempty = [numbers for numbers in several if numbers]
    return nonempty[0] if len(nonempty) == 1 else together(nonempty)
