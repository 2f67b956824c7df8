"""The cost of a decision over the number of routes, as an SVG: both axes logarithmic, a line an engine, its name at its end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

WIDTH: Final = 860
HEIGHT: Final = 480
LEFT: Final = 70
RIGHT: Final = WIDTH - 270
TOP: Final = 48
BOTTOM: Final = HEIGHT - 54
LABEL: Final = 17
COLOURS: Final = ("#0b6e4f", "#b3261e", "#4a5568", "#8a5a00", "#5b3fa0", "#0a6ebd", "#9c2780", "#6b7280")
MICROSECONDS: Final = 1000


@dataclass(frozen=True, slots=True)
class _Scale:
    """Routes and microseconds to places: the first and last of each, as powers of ten."""

    routes: tuple[float, float]
    cost: tuple[float, float]

    def x(self, routes: float) -> float:
        """From the left."""
        first, last = self.routes
        return LEFT + (math.log10(routes) - first) / ((last - first) or 1) * (RIGHT - LEFT)

    def y(self, cost: float) -> float:
        """From the top."""
        first, last = self.cost
        return BOTTOM - (math.log10(cost) - first) / ((last - first) or 1) * (BOTTOM - TOP)


def curve(title: str, lines: Mapping[str, Mapping[int, float]], ours: Collection[str]) -> str:
    """`lines`: name -> routes -> microseconds an event. Those of `ours` are drawn thick."""
    routes = sorted({count for points in lines.values() for count in points})
    costs = [cost for points in lines.values() for cost in points.values()]
    scale = _Scale(
        (math.log10(routes[0]), math.log10(routes[-1])), (math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs))))
    )
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label={quoteattr(title)}'
    font = 'font-family="system-ui, sans-serif" font-size="12" fill="#1f2933"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
            *_axes(scale, routes),
            *_lines(scale, lines, ours),
            "</svg>\n",
        ]
    )


def _axes(scale: _Scale, routes: Sequence[int]) -> Iterator[str]:
    first, last = map(int, scale.cost)
    for power in range(first, last + 1):
        y = scale.y(10**power)
        yield f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e3e7eb"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_cost(10**power)}</text>'
    for count in routes:
        yield f'<text x="{scale.x(count):.1f}" y="{BOTTOM + 20}" text-anchor="middle">{count:,}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">routes</text>'


def _lines(scale: _Scale, lines: Mapping[str, Mapping[int, float]], ours: Collection[str]) -> Iterator[str]:
    labels = _apart({name: scale.y(points[max(points)]) for name, points in lines.items()})
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        width, weight = (3.0, 600) if name in ours else (1.5, 400)
        path = " ".join(f"{scale.x(count):.1f},{scale.y(cost):.1f}" for count, cost in sorted(points.items()))
        end, cost = scale.x(max(points)), points[max(points)]
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'
        yield f'<circle cx="{end:.1f}" cy="{scale.y(cost):.1f}" r="3" fill="{colour}"/>'
        label = f"{escape(name)}: {_cost(float(f'{cost:.2g}'))}"
        yield f'<text x="{RIGHT + 12}" y="{labels[name] + 4:.1f}" fill="{colour}" font-weight="{weight}">{label}</text>'


def _cost(microseconds: float) -> str:
    """`10 µs`, `1 ms`."""
    return f"{microseconds / MICROSECONDS:g} ms" if microseconds >= MICROSECONDS else f"{microseconds:g} µs"


def _apart(heights: Mapping[str, float]) -> dict[str, float]:
    """Heights of labels, moved down where two would lie on each other."""
    placed: dict[str, float] = {}
    last = -math.inf
    for name, y in sorted(heights.items(), key=lambda item: item[1]):
        last = max(y, last + LABEL)
        placed[name] = last
    return placed
