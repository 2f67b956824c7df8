"""A table of items with conditional writes: what the outbox needs of DynamoDB, and the same as a dictionary.

Conditions are data, so that both tables decide by the same ones: `any of (all of (tests))`. A test of an attribute that an item
lacks is false, but for `absent`; so it is in DynamoDB.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, NamedTuple, Protocol, TypeAlias

from engine.errors import TrailbellError

Scalar: TypeAlias = str | int | bool
Item: TypeAlias = dict[str, Scalar]

WRITES_MAX: Final = 100
"""Writes of one transaction, and items of one read.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""


class TableBusyError(TrailbellError):
    """A write that met a conflict or was throttled: it was not applied, and may be tried again."""


class TableAwayError(TrailbellError):
    """The table gave no answer: whether a write was applied is not known."""


class IndexAwayError(TrailbellError):
    """The index does not exist (yet), or may not be asked: the table itself may well answer."""


class Attribute(NamedTuple):
    """In a test: the value of another attribute of the same item."""

    name: str


class AttributeTest(NamedTuple):
    """One comparison of an item's attribute: `=`, `<`, `<=`, `>`, `>=`, or `absent`, which needs no value."""

    name: str
    operator: str
    value: Scalar | Attribute = ""


Condition: TypeAlias = tuple[tuple[AttributeTest, ...], ...]
"""Any of these groups, each of which holds where all of its tests do. Empty: no condition."""


class Write(NamedTuple):
    """A change of one item, which is made where it does not exist: attributes to set, to add to and to remove."""

    id: str
    when: Condition = ()
    put: Mapping[str, Scalar] = {}
    add: Mapping[str, int] = {}
    remove: tuple[str, ...] = ()


class Written(NamedTuple):
    """Whether a write was applied; the item after it, or as it stands where the condition failed (empty: there is none)."""

    applied: bool
    item: Item


class ItemStore(Protocol):
    """A table of items by id. Every method raises `TableBusyError` or `TableAwayError`.

    `durable`: what is written outlives the invocation. An item with the attributes `owed` (a partition) and `due` is found by
    `owed`, perhaps a moment late.
    """

    @property
    def durable(self) -> bool:
        """Whether other invocations see what is written."""

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """The items as they stand now, without those that do not exist; at most `WRITES_MAX` ids."""

    def write(self, write: Write) -> Written:
        """Apply one write, if its condition holds."""

    def write_all(self, writes: Sequence[Write], token: str) -> list[Item | None]:
        """Apply all writes or none. Empty where they were applied, else for each write the item that refused it, or None.

        The same writes with the same `token` are applied once, however often they are sent within ten minutes.
        """

    def owed(self, partition: str, until: int, limit: int) -> list[str]:
        """The ids of at most `limit` items of a partition that are due until then, those due first ahead.

        Raises `IndexAwayError` as well.
        """


class MemoryStore:
    """The table as a dictionary, for one invocation without DynamoDB, for the command line, and to compare with.

    `lock` is held while something is written, where several threads write.
    """

    durable = False

    def __init__(self, lock: AbstractContextManager[object] | None = None) -> None:
        self.items: dict[str, Item] = {}
        self._tokens: set[str] = set()
        self._lock = nullcontext() if lock is None else lock

    def read(self, ids: Sequence[str]) -> dict[str, Item]:
        """The items as they stand."""
        return {name: dict(self.items[name]) for name in ids if name in self.items}

    def write(self, write: Write) -> Written:
        """Apply one write, if its condition holds."""
        with self._lock:
            item = self.items.get(write.id, {})
            if not holds(write.when, item):
                return Written(applied=False, item=dict(item))
            return Written(applied=True, item=dict(self._apply(write)))

    def write_all(self, writes: Sequence[Write], token: str) -> list[Item | None]:
        """Apply all writes or none."""
        with self._lock:
            if token in self._tokens:
                return []
            refused = [not holds(write.when, self.items.get(write.id, {})) for write in writes]
            if any(refused):
                return [dict(self.items.get(write.id, {})) if no else None for write, no in zip(writes, refused, strict=True)]
            for write in writes:
                self._apply(write)
            self._tokens.add(token)
            return []

    def owed(self, partition: str, until: int, limit: int) -> list[str]:
        """The ids of the items that are due, those due first ahead."""
        due = [
            (when, name)
            for name, item in list(self.items.items())
            if item.get("owed") == partition and isinstance(when := item.get("due"), int) and when <= until
        ]
        return [name for _, name in sorted(due)[:limit]]

    def forget_rows(self) -> None:
        """Drop everything but the rates: what was not sent is handed back by who called."""
        self.items = {name: item for name, item in self.items.items() if name.startswith("pace:")}
        self._tokens.clear()

    def _apply(self, write: Write) -> Item:
        item = self.items.setdefault(write.id, {"id": write.id})
        item.update(write.put)
        for name, amount in write.add.items():
            item[name] = int(item.get(name, 0)) + amount
        for name in write.remove:
            item.pop(name, None)
        return item


def holds(condition: Condition, item: Mapping[str, Scalar]) -> bool:
    """Whether a condition holds for an item."""
    return not condition or any(all(_test(test, item) for test in group) for group in condition)


def _test(test: AttributeTest, item: Mapping[str, Scalar]) -> bool:
    if test.operator == "absent":
        return test.name not in item
    value, other = item.get(test.name), test.value
    if isinstance(other, Attribute):
        other = item.get(other.name)  # type: ignore[assignment]
    if value is None or other is None or type(value) is not type(other):
        return False
    return {
        "=": value == other,
        "<": value < other,  # type: ignore[operator]
        "<=": value <= other,  # type: ignore[operator]
        ">": value > other,  # type: ignore[operator]
        ">=": value >= other,  # type: ignore[operator]
    }[test.operator]
