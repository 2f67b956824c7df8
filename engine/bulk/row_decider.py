"""Decides rows: a verdict depends on the answers of the set's atoms alone, so it is looked up by the numbers of the columns.

Combinations of numbers that are new are decided by `IndexedDecider`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from engine.bulk import fields
from engine.bulk.answers import atoms_of, by_path
from engine.bulk.columns import BatchValues
from engine.bulk.rows import attributes
from engine.bulk.set_columns import ColumnsOfSet
from engine.cache import BoundedCache
from engine.model import Selects
from engine.pipeline.select import S3_SOURCES, is_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from engine.bulk.rows import Layout, Row
    from engine.model import Record, Selection, Verdict
    from engine.pipeline.decide.indexed import IndexedDecider

Shown = TypeVar("Shown")

_REMEMBERED: Final = 65_536
"""Combinations of answers that are remembered with their verdict."""


class RowDecider(Generic[Shown]):
    """Decides rows of a layout, and shows each verdict by `shown`, which is called once for most equal verdicts.

    `decided(rows)` raises `RowError` where a row lacks a field that the decision needs. `now` (aware) is the time of events
    that have none.
    """

    def __init__(
        self,
        decider: IndexedDecider,
        layout: Layout,
        record_of: Callable[[Row], Record],
        shown: Callable[[Verdict], Shown],
        now: datetime,
    ) -> None:
        """`record_of` turns a row into its record, as far as that was read."""
        self._decider = decider
        self._names = attributes(layout)
        self._record_of = record_of
        self._shown = shown
        self._now = now
        self._selected = _Selected(decider.policies.selection, layout)
        seldom = fields.seldom_needed(decider.policies)
        single, joint = by_path(atoms_of(decider.policies))
        self._columns = ColumnsOfSet(decider, layout, record_of, seldom, now).columns(dict(single), joint)
        self._known: BoundedCache[tuple[int, ...], Shown] = BoundedCache(_REMEMBERED)

    def selected(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows that the set looks at."""
        return self._selected(rows)

    def decided(self, rows: Sequence[Row]) -> list[Shown]:
        """The shown verdicts of rows that the set looks at."""
        values = BatchValues(self._names, rows)
        keys = list(zip(*[column(values) for column in self._columns], strict=True)) if self._columns else [()] * len(rows)
        found: list[Any] = list(map(self._known.get, keys))
        if None in found:
            for place, shown in enumerate(found):
                if shown is None:
                    key = keys[place]
                    late = self._known.get(key)
                    if late is None:
                        late = self._known[key] = self._shown(self._decider.verdict(self._record_of(rows[place]), self._now))
                    found[place] = late
        return found


class _Selected:
    """Leaves out the rows that a set does not look at. Every row has its source and its category."""

    def __init__(self, selection: Selection, layout: Layout) -> None:
        known = attributes(layout)
        self._kind = attrgetter(known["eventSource",], known["eventCategory",])
        self._kinds = {(source, "Data") for source in S3_SOURCES} if selection.select is Selects.S3_DATA else None
        self._names = selection.names
        self._name = attrgetter(known["eventName",]) if self._names is not None else None

    def __call__(self, rows: Sequence[Row]) -> Sequence[Row]:
        if self._kinds is not None and not self._kinds.issuperset(map(self._kind, rows)):
            rows = [row for row in rows if self._kind(row) in self._kinds]
        if self._names is not None and self._name is not None:
            rows = [row for row in rows if is_named(self._name(row), self._names)]
        return rows
