"""Questions about a part of a text, such as the role in an ARN, as questions about the whole."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from engine.prove.automata import Segment
from engine.prove.questions import Question

if TYPE_CHECKING:
    from engine.prove.automata import TextSet


class SegmentQuestion(Question):
    """A question about the part of a text at a place, where a separator sets its parts apart; no where there is no such part."""

    def __init__(self, inner: Question, separator: str, place: int) -> None:
        def test(text: str) -> bool:
            parts = text.split(separator)
            return place < len(parts) and inner.test(parts[place])

        super().__init__(inner.variable, test)
        self._inner = inner
        self._separator = separator
        self._place = place

    @cached_property
    def language(self) -> TextSet:
        """The texts for which the answer is yes. Raises `HardPatternError`."""
        return Segment(self._inner.language, self._separator, self._place)
