"""What generated source is: its text, the constants that stand beside it, and what its function is given beside a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Constant(NamedTuple):
    """A constant of generated source: `value` as it is (`kind` value), or the test made of it (`glob`, `regex`, `cidr`).

    Of the kind `texts` it is the frozenset of texts `value`; of the kind `whole` the function that makes a whole document.
    """

    kind: str
    value: object


class Given(NamedTuple):
    """What a matcher is given beside a record: facts, a tuple of tuples.

    `places` says of paths in which tuple, and where in it, their values stand. `whole(record, facts)` makes the document that has
    both, for the expressions that read it as a whole.
    """

    places: Mapping[tuple[str, ...], tuple[int, int]]
    whole: Callable[[Any, Any], Mapping[str, Any]]


NO_FACTS: Final = Given({}, lambda document, _: document)
"""For matchers over a document, which are given nothing beside it."""


class Generated(NamedTuple):
    """Generated source: the text of a Python expression that takes the constants and gives the function."""

    text: str
    constants: tuple[Constant, ...]


def reads_whole(path: tuple[str, ...], given: Given) -> bool:
    """Whether a path leads to the document as a whole, or to an object of it that is made of facts."""
    heads = {fact[0] for fact in given.places}
    return not path or (path[0] in heads and not any(path[: len(fact)] == fact for fact in given.places))
