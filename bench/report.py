"""What a benchmark run says: rows with their targets, as a table and as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Row:
    """A ratio of two times taken in turns, and what it is to reach: at least `least`, better `good`.

    `faster`: how many times faster than the other we are; otherwise how many times as long as the other we take.
    """

    what: str
    ratio: float
    least: float | None = None
    good: float | None = None
    faster: bool = True

    @property
    def verdict(self) -> str:
        """`good`, `reached` or `missed`; empty where there is no target."""
        if self.least is None or self.good is None:
            return ""
        sign = 1 if self.faster else -1
        if sign * self.ratio >= sign * self.good:
            return "good"
        return "reached" if sign * self.ratio >= sign * self.least else "missed"


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the suite found: rows, figures for the JSON file, and what was left out because it is not installed."""

    rows: tuple[Row, ...]
    figures: Mapping[str, Any]
    skipped: tuple[str, ...] = ()


def table(rows: Iterable[Row]) -> Iterator[str]:
    """The rows for a terminal."""
    yield f"{'ratio':>8}  {'at least':>8}  {'good':>8}            what"
    for row in rows:
        least, good = (f"{'' if row.faster else '<= '}{_times(target)}" if target else "" for target in (row.least, row.good))
        yield f"{_times(row.ratio):>8}  {least:>8}  {good:>8}  {row.verdict:<8}  {row.what}"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.2g}x"


def as_json(parts: Mapping[str, Part]) -> dict[str, Any]:
    """Everything that was found, with the machine that it was found on."""
    return {
        "machine": {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()},
        "rows": [{**asdict(row), "verdict": row.verdict} for part in parts.values() for row in part.rows],
        "figures": {name: dict(part.figures) for name, part in parts.items()},
        "skipped": [line for part in parts.values() for line in part.skipped],
    }
