"""Columns: for each row of a batch, a number for the answers that a policy set gets from some of the row's fields.

A column looks at all rows of a batch at once. What it found for a combination of values is remembered; only a combination that is
new is looked at in Python.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Protocol

from engine.bulk import fields
from engine.bulk.answers import LONGEST, Answer, AnswerNumbers, PathAnswers, answer_of
from engine.bulk.rows import attributes
from engine.cache import BoundedCache
from engine.matching.formula import evaluate
from engine.matching.types import members_read
from engine.pipeline.facts import NO_CLASS, ROLES, derive_facts
from engine.pipeline.facts.target import names_bucket
from engine.policy.fact_layout import FACTS, GROUPS, meet, with_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.bulk.rows import Layout, Row
    from engine.matching.formula import Atom
    from engine.model import Record
    from engine.policy.fact_layout import Path

_REMEMBERED: Final = 16_384
"""Combinations of values of a column that are remembered with their number."""

_LEAST_USE: Final = 2
"""Remembering texts pays where each is asked for so many times."""

_FIRST_WAIT: Final = 64
_LAST_WAIT: Final = 4_096
"""Batches for which texts are not remembered after that did not pay."""

_PLAIN: Final = frozenset({str, type(None)})
"""Types of values that are equal only where they are the same to every expression: `1 == True == 1.0`."""

_ARN_OF_S3: Final = "arn:aws:s3:::"
_OF_ROLE: Final = ":assumed-role/"


class BatchValues:
    """The values of a batch of rows, path by path; each is read once, for all columns."""

    def __init__(self, names: Mapping[Path, str], rows: Sequence[Row]) -> None:
        """`names`: the layout's `attributes`."""
        self.rows = rows
        self._layout = names
        self._known: dict[str, Sequence[Any]] = {}
        self._reduced: Sequence[Any] | None = None
        self._split: tuple[Sequence[Any], ...] | None = None

    def of(self, path: Path) -> Sequence[Any]:
        """The values on a path; None on one that the layout does not lead to."""
        names = self._layout.get(path)
        return self.at(names) if names is not None else [None] * len(self.rows)

    def at(self, names: str) -> Sequence[Any]:
        """The values to which the names of attributes lead, joined by dots."""
        known = self._known.get(names)
        if known is None:
            owner, _, last = names.rpartition(".")
            get: Any = attrgetter(last)
            owners = self.at(owner) if owner else self.rows
            try:
                known = list(map(get, owners))
            except AttributeError:  # there is no object
                known = [None if one is None else get(one) for one in owners]
            self._known[names] = known
        return known

    def keys_of(self, path: Path) -> Sequence[Any]:
        """The values on a path, as far as facts depend on them, and hashable."""
        if path != fields.RESOURCES or path not in self._layout:
            return self.of(path)
        if self._reduced is None:
            buckets = self.of(fields.OF_TARGET[0])
            self._reduced = [_resources(*pair) for pair in zip(self.of(path), buckets, strict=True)]
        return self._reduced

    def split_arns(self) -> tuple[Sequence[Any], ...]:
        """The callers' ARNs in three: before the session of an assumed role, the slash, the session; others whole, "", None."""
        if self._split is None:
            arns = self.of(fields.ARN)
            parts = [arn.rpartition("/") if arn.__class__ is str and _OF_ROLE in arn else (arn, "", None) for arn in arns]
            self._split = tuple(zip(*parts, strict=True)) if parts else ((), (), ())
        return self._split


class Column(Protocol):
    """Numbers for the rows of a batch. Raises `RowError` where a row lacks a field that a fact is made of."""

    def __call__(self, values: BatchValues) -> Sequence[int]:
        """A number for each row."""


class _TextNumbers:
    """Numbers of texts and nulls. They are remembered, unless most texts come only once: then not for a while.

    `numbers` gives those of texts that are not remembered.
    """

    def __init__(self, numbers: Callable[[Sequence[str]], Sequence[int]], of_null: int) -> None:
        self._numbers = numbers
        self._of_null = of_null
        self._known: dict[str | None, int] = {None: of_null}
        self._asked = self._waits = 0
        self._wait = _FIRST_WAIT

    def of(self, some: Sequence[str | None]) -> Sequence[int]:
        if self._waits:
            self._waits -= 1
            return self._new(some)
        found: list[Any] = list(map(self._known.get, some))
        self._asked += len(found)
        if None in found:
            places = [place for place, number in enumerate(found) if number is None]
            new = [some[place] for place in places]
            numbers = self._new(new)
            for place, number in zip(places, numbers, strict=True):
                found[place] = number
            self._remember(new, numbers)
        return found

    def _new(self, some: Sequence[str | None]) -> Sequence[int]:
        if None not in some:
            return self._numbers(some)  # type: ignore[arg-type]  # it has no null
        found = iter(self._numbers([text for text in some if text is not None]))
        return [self._of_null if text is None else next(found) for text in some]

    def _remember(self, some: Sequence[str | None], numbers: Sequence[int]) -> None:
        if len(self._known) + len(some) > _REMEMBERED:
            if self._asked < _LEAST_USE * len(self._known):
                self._waits, self._wait = self._wait, min(2 * self._wait, _LAST_WAIT)
            self._asked = 0
            self._known = {None: self._of_null}
        pairs = zip(some, numbers, strict=True)
        self._known.update((text, number) for text, number in pairs if text is not None and len(text) <= LONGEST)


class FieldColumn:
    """The answers about one field."""

    def __init__(self, path: Path, answers: PathAnswers) -> None:
        self._path = path
        self._number = answers.number
        self._texts = _TextNumbers(answers.of_texts, answers.number(None))

    def __call__(self, values: BatchValues) -> Sequence[int]:
        """See `Column`."""
        here = values.of(self._path)
        return self._texts.of(here) if _PLAIN.issuperset(map(type, here)) else list(map(self._number, here))


class SessionColumn:
    """The answers about the sessions in the ARNs of assumed roles, as facts that are made of them: most are new."""

    def __init__(self, answers: Sequence[PathAnswers], numbers: AnswerNumbers) -> None:
        self._answers = answers
        self._all = numbers
        self._none = numbers[None]
        self._texts = _TextNumbers(self._numbers, self._none)

    def __call__(self, values: BatchValues) -> Sequence[int]:
        """See `Column`."""
        return self._texts.of(values.split_arns()[2])

    def _numbers(self, sessions: Sequence[str]) -> Sequence[int]:
        each = [made.of_texts(sessions) for made in self._answers]
        found = each[0] if len(each) == 1 else list(map(self._all.__getitem__, zip(*each, strict=True)))
        return [number if text else self._none for text, number in zip(sessions, found, strict=True)] if "" in sessions else found


class SharedColumn:
    """The answers about several fields with few values each."""

    def __init__(self, answers: Mapping[Path, PathAnswers], numbers: AnswerNumbers) -> None:
        self._paths = list(answers)
        self._each = [made.number for made in answers.values()]
        self._numbers = numbers
        self._known: BoundedCache[object, int] = BoundedCache(_REMEMBERED)

    def __call__(self, values: BatchValues) -> Sequence[int]:
        """See `Column`."""
        keys = list(zip(*map(values.of, self._paths), strict=True))
        if not _are_plain(keys):
            return [self._number(key) for key in keys]
        found: list[Any] = list(map(self._known.get, keys))
        if None in found:
            for place, number in enumerate(found):
                if number is None:
                    key = keys[place]
                    found[place] = self._known[key] = self._number(key)
        return found

    def _number(self, key: tuple[Any, ...]) -> int:
        return self._numbers[tuple(number(value) for number, value in zip(self._each, key, strict=True))]


class DerivedColumn:
    """What depends on several fields: `number` says it of their values, in the order of `paths`.

    Values that are no texts are alike to it, as they are to facts, so that equal ones may be confused.
    """

    def __init__(self, paths: Sequence[Path], layout: Mapping[Path, str], number: Callable[[Sequence[Any]], int]) -> None:
        """`layout`: its `attributes`."""
        self._paths = paths
        self._read = [path for path in dict.fromkeys(paths) if path in layout]
        self._number = number
        self._known: BoundedCache[object, int] = BoundedCache(_REMEMBERED)

    def __call__(self, values: BatchValues) -> Sequence[int]:
        """See `Column`."""
        keys = list(zip(*self._keys(values), strict=True)) if self._read else [()] * len(values.rows)
        found: list[Any] = list(map(self._known.get, keys))
        if None in found:
            known, columns = self._known, list(map(values.of, self._paths))
            for place, number in enumerate(found):
                if number is None:
                    key = keys[place]
                    late = known.get(key)
                    if late is None:
                        late = self._number([column[place] for column in columns])
                        if self._lasts(key):
                            known[key] = late
                    found[place] = late
        return found

    def _keys(self, values: BatchValues) -> Iterable[Sequence[Any]]:
        """What the number depends on, field by field."""
        return map(values.keys_of, self._read)

    def _lasts(self, _key: tuple[Any, ...]) -> bool:
        """Whether rows with equal keys have equal numbers."""
        return True


class CallerColumn(DerivedColumn):
    """What depends on the caller beside the session of an assumed role, which has a column of its own.

    `issued` are paths that matter only where no ARN names a role.
    """

    def __init__(
        self, called: Sequence[Path], issued: Sequence[Path], layout: Mapping[Path, str], number: Callable[[Sequence[Any]], int]
    ) -> None:
        super().__init__([*called, *issued], layout, number)
        self._layout = layout
        self._called = [path for path in called if path in layout and path != fields.ARN]
        self._issued = issued

    def _keys(self, values: BatchValues) -> Iterable[Sequence[Any]]:
        heads, slashes, _ = values.split_arns()
        others = BatchValues(self._layout, [row for row, slash in zip(values.rows, slashes, strict=True) if not slash])
        issued = zip(*(others.of(path) for path in self._issued), strict=True)
        return heads, [None if slash else next(issued) for slash in slashes], *map(values.of, self._called)

    def _lasts(self, key: tuple[Any, ...]) -> bool:
        return key[1] is not None or ROLES[key[0]] is not None


def _resources(listed: Any, bucket: Any) -> object:  # noqa: ANN401  JSON values
    """What facts and scopes depend on of `resources`: mostly the names of buckets."""
    if listed.__class__ is not list:
        return None
    by_bucket = names_bucket(bucket)
    return tuple([_resource(entry, by_bucket=by_bucket) for entry in listed])


def _resource(entry: Any, *, by_bucket: bool) -> object:  # noqa: ANN401  a JSON value
    """An element of `resources`. Where the request names its bucket, the key in an ARN of S3 says nothing."""
    if entry.__class__ is not dict:
        return None
    arn, prefix, account = entry.get("ARN"), entry.get("ARNPrefix"), entry.get("accountId")
    if by_bucket and arn.__class__ is str and arn.startswith(_ARN_OF_S3):
        arn = arn.partition("/")[0]
    return arn, prefix, account


class GroupAnswers:
    """The answers of an atom that compares facts of one group."""

    def __init__(self, asked: Atom) -> None:
        self._atom = asked
        places = [FACTS.places[path] for path in sorted(asked.paths)]
        self._group = places[0][0]
        self._places = [place for _, place in places]
        self._known: BoundedCache[object, Answer] = BoundedCache(_REMEMBERED)

    def __call__(self, facts: Sequence[Any]) -> Answer:
        """The answer for these facts of the group."""
        key = tuple([facts[place] for place in self._places])
        known = self._known.get(key)
        if known is None:
            groups = [tuple(facts) if group == self._group else NO_CLASS for group in range(GROUPS)]
            known = self._known[key] = answer_of(evaluate(self._atom, with_facts({}, groups)))
        return known


class JointColumn:
    """The answers of an atom that reads several paths, or an object: asked of the record, under each class of the actor."""

    def __init__(
        self,
        layout: Layout,
        asked: Atom,
        record_of: Callable[[Row], Record],
        classes: Sequence[tuple[Any, ...]],
        numbers: AnswerNumbers,
    ) -> None:
        self._atom = asked
        self._record_of = record_of
        wanted = members_read(asked.node)
        classed = any(meet(path, ("actor", name)) for path in wanted for name in ("class", "kind", "evidence", "strength"))
        self._classes = list(dict.fromkeys(classes)) if classed else classes[:1]
        heads = {path[0] for path in FACTS.places}
        behind = {path for path in wanted if path[0] not in heads}
        for fact, made in fields.FIELDS.items():
            behind |= made if any(path[0] in heads and meet(fact, path) for path in wanted) else frozenset()
        known = attributes(layout)
        self._names = [names for path, names in known.items() if any(meet(path, one) for one in behind)]
        self._objects = list(dict.fromkeys(names.rpartition(".")[0] for names in self._names if "." in names))
        self._numbers = numbers
        self._known: BoundedCache[object, int] = BoundedCache(_REMEMBERED)

    def __call__(self, values: BatchValues) -> Sequence[int]:
        """See `Column`."""
        present = [["" if one is None else None for one in values.at(names)] for names in self._objects]
        keys: list[Any] = list(zip(*map(values.at, self._names), *present, strict=True))
        keys = keys if _are_plain(keys) else list(map(_distinct, keys))
        found: list[Any] = list(map(self._known.get, keys)) if keys else [self._number((), row) for row in values.rows]
        if None in found:
            for place, number in enumerate(found):
                if number is None:
                    found[place] = self._number(keys[place], values.rows[place])
        return found

    def _number(self, key: object, row: Row) -> int:
        known = self._known.get(key)
        if known is None:
            record = self._record_of(row)
            groups = derive_facts(record)
            documents = [with_facts(record, (*groups, of_class)) for of_class in self._classes]
            answers = tuple(answer_of(evaluate(self._atom, document)) for document in documents)
            known = self._known[key] = self._numbers[self._atom, answers]
        return known


def _are_plain(values: Sequence[tuple[Any, ...]]) -> bool:
    """Whether these tuples hold nothing but texts and nulls."""
    try:
        different = set(values)
    except TypeError:  # there are lists
        return False
    return all(_PLAIN.issuperset(map(type, each)) for each in different)


def _distinct(value: Any) -> object:  # noqa: ANN401  a JSON value, or several
    """What equal values have in common, where true is not 1."""
    if value.__class__ is str or value is None:
        return value
    if value.__class__ in (tuple, list):
        return tuple(map(_distinct, value))
    if value.__class__ is dict:
        return tuple((name, _distinct(inner)) for name, inner in value.items())
    return value.__class__, value
