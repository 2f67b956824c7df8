"""Parts of strings: which of many texts stand in a value, without looking for each.

Where few of them begin differently, those that begin alike are looked for together. Otherwise each is found by the rarest of its
pieces of four characters.
"""

from __future__ import annotations

from typing import Final

_GRAM: Final = 4
"""Characters by which a text is looked up."""

_PLACES_A_LOOK: Final = 2
"""Places of a value that are looked up in the time in which one text is asked."""

_FEW: Final = 24
"""Beginnings that are looked for one after the other."""


class Parts:
    """Texts with their numbers; `hits` gives the numbers of those that stand in a value."""

    def __init__(self) -> None:
        self._texts: list[tuple[str, int]] = []
        self._heads: list[tuple[str, dict[int, dict[str, list[int]]]]] | None = None
        self._grams: dict[str, list[tuple[str, int, int]]] = {}
        self._short: list[tuple[str, int]] = []

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return bool(self._texts)

    def enter(self, text: str, number: int) -> None:
        """Enter a text, which is not empty."""
        self._texts.append((text, number))
        self._heads = None

    def hits(self, value: str) -> list[int]:
        """The numbers of the texts that stand in a value, in no order.

        After as many looks as asking each text would take, each is asked: a value cannot make this slow.
        """
        if self._heads is None:
            self._heads = self._by_head()
        found = self._with_heads(value, self._heads) if self._heads else self._with_grams(value)
        return [number for text, number in self._texts if text in value] if found is None else found

    def _with_heads(self, value: str, heads: list[tuple[str, dict[int, dict[str, list[int]]]]]) -> list[int] | None:
        found: list[int] = []
        looks = 0
        for head, lengths in heads:
            place = value.find(head)
            while place >= 0:
                looks += len(lengths)
                if looks > len(self._texts):
                    return None
                for length, texts in lengths.items():
                    found += texts.get(value[place : place + length], ())
                place = value.find(head, place + 1)
        return found

    def _with_grams(self, value: str) -> list[int] | None:
        looks = len(value) // _PLACES_A_LOOK
        found = [number for text, number in self._short if text in value]
        for place in range(len(value) - _GRAM + 1 if looks <= len(self._texts) else 0):
            for text, before, number in self._grams.get(value[place : place + _GRAM], ()):
                looks += 1
                if place >= before and value.startswith(text, place - before):
                    found.append(number)
            if looks > len(self._texts):
                return None
        return found if looks <= len(self._texts) else None

    def _by_head(self) -> list[tuple[str, dict[int, dict[str, list[int]]]]]:
        """The texts by what they begin with; none where that is too many, and they are entered by a piece instead."""
        groups: dict[str, list[tuple[str, int]]] = {}
        for text, number in self._texts:
            groups.setdefault(text[:_GRAM], []).append((text, number))
        self._grams, self._short = {}, []
        if len(groups) > _FEW:
            for text, number in self._texts:
                self._enter_gram(text, number)
            return []
        return [(_beginning([text for text, _ in group]), _by_length(group)) for group in groups.values()]

    def _enter_gram(self, text: str, number: int) -> None:
        if len(text) < _GRAM:
            self._short.append((text, number))
            return
        places = range(len(text) - _GRAM + 1)
        rarest = min(places, key=lambda place: len(self._grams.get(text[place : place + _GRAM], ())))
        self._grams.setdefault(text[rarest : rarest + _GRAM], []).append((text, rarest, number))


def _beginning(texts: list[str]) -> str:
    """What all of some texts begin with."""
    first, last = min(texts), max(texts)
    alike = next((place for place, character in enumerate(first) if last[place] != character), len(first))
    return first[:alike]


def _by_length(group: list[tuple[str, int]]) -> dict[int, dict[str, list[int]]]:
    found: dict[int, dict[str, list[int]]] = {}
    for text, number in group:
        found.setdefault(len(text), {}).setdefault(text, []).append(number)
    return found
