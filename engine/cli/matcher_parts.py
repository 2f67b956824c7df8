"""The lines of a matcher's parts, as `explain` and `why-not` print them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.pipeline.render.parts import shortened
from engine.workbench.explain import value_at

if TYPE_CHECKING:
    from engine.workbench.explain import Explanation
    from engine.workbench.parts import PartResult

_MARK: Final = {True: "✓", False: "✗", None: "!"}

MAX_LENGTH: Final = 110
"""Characters of a part of a matcher; `explain --full` shows the whole expression."""


def part_line(part: PartResult, explanation: Explanation) -> str:
    """A part of a matcher with its mark; of one that does not hold also the event's value, as far as the level shows it."""
    value = value_at(explanation.facts, part.path)
    shown = part.holds is False and value is not None
    why = "  its evaluation failed" if part.holds is None else f"  it is {value_text(value)}" if shown else ""
    return f"      {_MARK[part.holds]} {shortened(part.text, MAX_LENGTH)}{why}"


def value_text(value: object) -> str:
    """A value as it stands, without quotes; what is no text, as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
