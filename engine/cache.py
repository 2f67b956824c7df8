"""A dictionary that remembers a bounded number of results."""

from __future__ import annotations

from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class BoundedCache(dict[_Key, _Value]):
    """A dictionary of at most `size` entries. A new entry in a full one first removes all others.

    Callers choose what is looked up, so every cache needs a bound. A lookup is that of `dict`: keeping an order of use would cost
    each hit more than the rare refill does.
    """

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def __setitem__(self, key: _Key, value: _Value) -> None:
        """Remember a value. Only this way of adding one is bounded: `update` and `setdefault` are not to be used."""
        if len(self) >= self.size and key not in self:
            self.clear()
        super().__setitem__(key, value)
