"""A text that arrives in pieces, taken as much at a time as is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from engine.errors import DamagedError, FetchError

if TYPE_CHECKING:
    from collections.abc import Iterator

Piece = TypeVar("Piece", str, bytes)


class Pieces(Generic[Piece]):
    """The pieces not taken yet. `ended`: no more will come; `fault`: because the text is damaged or cannot be fetched."""

    def __init__(self, pieces: Iterator[Piece]) -> None:
        self.ended = False
        self.fault: DamagedError | FetchError | None = None
        self._pieces: Iterator[Piece] = pieces

    def take(self, size: int) -> list[Piece]:
        """Pieces of at least this size together, less where the text ends."""
        taken: list[Piece] = []
        try:
            while size > 0:
                taken.append(next(self._pieces))
                size -= len(taken[-1])
        except StopIteration:
            self.ended = True
        except (DamagedError, FetchError) as fault:
            self.ended, self.fault = True, fault
        return taken

    def rest(self) -> Iterator[Piece]:
        """The other pieces. Raises where the text ends too early."""
        if not self.ended:
            yield from self._pieces
        if self.fault is not None:
            raise self.fault
