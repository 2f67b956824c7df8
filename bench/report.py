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
    """A ratio of two times taken in turns, or milliseconds, and what it is to reach: at least `least`, better `good`.

    `faster`: how many times faster than the other we are, more is better; otherwise less is better. `unit` is `x` or `ms`.
    """

    what: str
    value: float
    least: float | None = None
    good: float | None = None
    faster: bool = True
    unit: str = "x"

    @property
    def verdict(self) -> str:
        """`good`, `reached` or `missed`; empty where there is no target."""
        if self.least is None or self.good is None:
            return ""
        sign = 1 if self.faster else -1
        if sign * self.value >= sign * self.good:
            return "good"
        return "reached" if sign * self.value >= sign * self.least else "missed"


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the suite found: rows, figures for the JSON file, and what was left out because it is not installed."""

    rows: tuple[Row, ...]
    figures: Mapping[str, Any]
    skipped: tuple[str, ...] = ()


def table(rows: Iterable[Row]) -> Iterator[str]:
    """The rows for a terminal."""
    yield f"{'value':>10}  {'at least':>10}  {'good':>10}            what"
    for row in rows:
        sign = "" if row.faster else "<= "
        least, good = (f"{sign}{_shown(target, row.unit)}" if target else "" for target in (row.least, row.good))
        yield f"{_shown(row.value, row.unit):>10}  {least:>10}  {good:>10}  {row.verdict:<8}  {row.what}"


def _shown(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
    return f"{number}{'x' if unit == 'x' else f' {unit}'}"


def as_json(parts: Mapping[str, Part]) -> dict[str, Any]:
    """Everything that was found, with the machine that it was found on."""
    return {
        "machine": {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()},
        "rows": [{**asdict(row), "verdict": row.verdict} for part in parts.values() for row in part.rows],
        "figures": {name: dict(part.figures) for name, part in parts.items()},
        "skipped": [line for part in parts.values() for line in part.skipped],
    }
