"""A `repr` that shows no event data and no secret: it stays out of tracebacks."""

from collections.abc import Callable
from typing import TypeVar

_Value = TypeVar("_Value")


def repr_only(*names: str) -> Callable[[type[_Value]], type[_Value]]:
    """A decorator that limits a class's `repr` to these fields: the others hold event data or secrets."""

    def shown(value: object) -> str:
        return f"{type(value).__name__}({', '.join(f'{name}={getattr(value, name)!r}' for name in names)})"

    def named(made: type[_Value]) -> type[_Value]:
        made.__repr__ = shown  # type: ignore[method-assign]  # mypy knows no other way to say so
        return made

    return named
