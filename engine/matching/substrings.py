"""Which of many texts a value contains, without looking for each.

Each text is found by the rarest of its pieces of four characters; a shorter one is looked for by itself.
"""

from __future__ import annotations

from typing import Final

_PIECE: Final = 4
"""Characters by which a text is looked up."""

_LOOKUPS_PER_SEARCH: Final = 2
"""Pieces that are looked up in the time in which one text is searched for."""


class SubstringIndex:
    """Texts with their numbers; `hits` returns the numbers of those that a value contains."""

    def __init__(self) -> None:
        self._texts: list[tuple[str, int]] = []
        self._short: list[tuple[str, int]] = []
        self._by_piece: dict[str, list[tuple[str, int, int]]] = {}

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return bool(self._texts)

    def enter(self, text: str, number: int) -> None:
        """Enter a text, which is not empty."""
        self._texts.append((text, number))
        if len(text) < _PIECE:
            self._short.append((text, number))
            return
        starts = range(len(text) - _PIECE + 1)
        rarest = min(starts, key=lambda start: len(self._by_piece.get(text[start : start + _PIECE], ())))
        self._by_piece.setdefault(text[rarest : rarest + _PIECE], []).append((text, rarest, number))

    def hits(self, value: str) -> list[int]:
        """The numbers of the texts that a value contains, in no order, some perhaps twice.

        No value makes this slow: after as much work as searching for each text takes, each is searched for.
        """
        left = len(self._texts) - len(value) // _LOOKUPS_PER_SEARCH
        numbers = [number for text, number in self._short if text in value] if left >= 0 else []
        for place in range(len(value) - _PIECE + 1 if left >= 0 else 0):
            for text, start, number in self._by_piece.get(value[place : place + _PIECE], ()):
                left -= 1
                if place >= start and value.startswith(text, place - start):
                    numbers.append(number)
            if left < 0:
                break
        return numbers if left >= 0 else [number for text, number in self._texts if text in value]
