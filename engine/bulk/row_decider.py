"""Decides rows by one function that is generated for the policy set and the layout of its rows.

The function consists of this module's own templates, of what `engine.matching` writes, and of numbered constants. It finds the
same key as `IndexedDecider`, which decides each key that is new, and every row on which a matcher fails.
"""

from __future__ import annotations

from textwrap import indent
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar

from engine.bulk import fields
from engine.bulk.candidates import candidate_lines, candidates_by_values
from engine.bulk.rows import RowError, read_bound, read_by
from engine.errors import MatcherError
from engine.matching.checks import Trees
from engine.matching.generate import first, known, new_writer, predicate_source
from engine.matching.link import link
from engine.matching.residual import residual
from engine.matching.source import Generated, Given, reads_whole
from engine.model import Selects, VoidReason
from engine.pipeline.decide.indexed import CACHE_SIZE
from engine.pipeline.decide.void import BITS, BUCKET, COPY_BUCKET, CROSS_ACCOUNT
from engine.pipeline.decide.windows import within
from engine.pipeline.facts import NO_CLASS, ROLES, access_of, caller_of, issued_role, source_of, time_of
from engine.pipeline.facts.target import COPIES, POINT_ALIASES, crossing_of, needs_resources, scope_of, target_of
from engine.pipeline.select import S3_SOURCES, is_named
from engine.policy.fact_layout import ACCESS, CALLER, CLASSED, CROSSING, FACTS, ROLE, SOURCE, TARGET
from engine.policy.matchers import MOST_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from engine.bulk.rows import Layout, Row
    from engine.matching.index import Index
    from engine.matching.residual import Equality
    from engine.matching.source import Constant
    from engine.matching.writer import Writer
    from engine.model import FactGroups, Record, Selection, Verdict
    from engine.pipeline.decide.indexed import IndexedDecider, PolicyScope, PolicySilences, RouteRule
    from engine.policy.fact_layout import Path

    _Holds = Callable[[Row, FactGroups], bool]

Shown = TypeVar("Shown")

_FUNCTION: Final = """\
def made({constants}):
    def decided(rows, now):
        ids, verdicts = [], []
        for d in rows:
{selected}
            try:
{lines}
                shown = kept(h) or {missed}(e, h, d, now)
            except {error}:
                shown = {failed}(d, now)
            ids.append({id})
            verdicts.append(shown)
        return ids, verdicts
    return decided
"""

_PLAIN_BUCKET: Final = """\
(b, k, None, None) if {source} is None and {name} not in {copies} and (b := {bucket}).__class__ is str and b and b[:4] != 'arn:' \
and not b.endswith({aliases}) and (k := {key}).__class__ is {kind} else {otherwise}"""
"""`target_of` for a request that copies nothing and names bucket and key, as nearly all do; `otherwise` for the rest."""

_HELD_ROUTES: Final = """\
h, z = None, -1
for n in c:
    p, holds, ends, void_for, during = {rules}[n]
    if p == z{out_of_hours}: continue
    if holds is None or holds(d, f):
        if h is None: h = n
        elif h.__class__ is int: h = [h, n]
        else: h.append(n)
        if ends and not void_for & voids: z = p
if h.__class__ is list: h = (*h,)
"""
"""`indexed.held_routes`. `h` is the numbers of the routes that hold: None, one number (nearly always), or a tuple."""

_OUT_OF_HOURS: Final = " or (during and not {within}(during, t))"

_HELD_SILENCES: Final = """\
if {scope}.silencing:
    r = () if h is None else (h,) if h.__class__ is int else h
    h = h, {held_silences}({silences}, {scope}, r, (d, f, t))
"""

_ROLE: Final = """\
a = {arn}
x, _, y = a.rpartition('/') if a.__class__ is str else ('', '', '')
x = {roles}[x]
g{group} = (x, y or None) if x is not None else {issued}
"""
"""`facts.assumed_role` without a call; `issued` where the ARN is not an assumed role's."""


def _lacks_a_field() -> NoReturn:
    raise RowError("a row does not name its bucket, or its role")


def _target_by_names(bucket: object, key: object, outposts_key: object, source: object, name: object) -> tuple[str | None, ...]:
    """`target_of` for rows without resources: raises `RowError` where it would read them."""
    if needs_resources(bucket, source):
        _lacks_a_field()
    return target_of(bucket, key, outposts_key, source, None, name)


def _no_role(actor_type: object, issuer_type: object) -> tuple[None, None]:
    """`facts.issued_role` for rows that lack the fields which name a role: raises `RowError` where the caller is a role."""
    if actor_type == "AssumedRole" or issuer_type == "Role":
        _lacks_a_field()
    return None, None


class RowDecider(Generic[Shown]):
    """Decides rows of a layout, and shows each verdict by `shown`, which is called once for equal verdicts.

    `decided(rows, now)` returns two lists for the rows that the set selects: their ids as recorded, and their shown verdicts. It
    raises `RowError` where a row lacks a field that the decision needs.
    """

    def __init__(
        self, decider: IndexedDecider, layout: Layout, record_of: Callable[[Row], Record], shown: Callable[[Verdict], Shown]
    ) -> None:
        """`record_of` turns a row into its record, as far as that was read."""
        self._decider = decider
        self._trees = Trees(decider.policies.definitions)
        self._seldom = fields.seldom_needed(decider.policies)
        self._record_of = record_of
        self._shown = shown
        self._row = read_by(layout)
        self._binding, self._bound = read_bound(layout)
        self._local = {**self._bound, **{path: f"g{group}[{place}]" for path, (group, place) in FACTS.places.items()}}
        self._given = Given(FACTS.places, lambda row, facts: FACTS.whole(record_of(row), facts))
        self._shown_verdicts: list[dict[object, Shown]] = [{} for _ in decider.classes]
        self._count = 0
        self._made: dict[object, _Holds] = {}
        self._alike: dict[RouteRule, RouteRule] = {}
        self._rules = [
            rule if rule[1] is None else self._rule_of_rows(number, self._late(number))
            for number, rule in enumerate(decider.rules)
        ]
        self._own = {policy: self._candidates(index) for policy, index in decider.own.items()}
        self._silences = {policy: self._silences_of_rows(silences) for policy, silences in decider.silences.items()}
        self.decided: Callable[[Sequence[Row], datetime], tuple[list[object], list[Shown]]] = self._generated()

    # --- called by the function ----------------------------------------------------------------------------------------------

    def _missed(self, evidence: int, rules: object, row: Row, now: datetime) -> Shown:
        shown = self._failed(row, now)
        if self._count >= CACHE_SIZE:
            self._count = 0
            for kept in self._shown_verdicts:
                kept.clear()
        self._count += 1
        self._shown_verdicts[evidence][rules] = shown
        return shown

    def _failed(self, row: Row, now: datetime) -> Shown:
        return self._shown(self._decider.evaluate(self._record_of(row), now))

    def _late(self, number: int) -> _Holds:
        """A rule's matcher, generated when the rule is first asked: most rules of a large set never are."""

        def holds(row: Row, facts: FactGroups) -> bool:
            certain = self._decider.certain.get(number)
            made = self._matcher(self._decider.expressions(number), certain)
            rule = self._rule_of_rows(number, made)
            # Equal rules share one tuple, which stays in the processor's cache.
            self._rules[number] = self._alike.setdefault(rule, rule)
            return made(row, facts)

        return holds

    def _rule_of_rows(self, number: int, holds: _Holds) -> RouteRule:
        """The same rule, asked of rows."""
        policy, _, ends, void_for, during = self._decider.rules[number]
        return policy, holds, ends, void_for, during

    def _matcher(self, expressions: Iterable[str], certain: Equality | None = None) -> _Holds:
        """A matcher of rows for which an equality is `certain`; equal matchers share one function."""
        trees = [self._trees[expression] for expression in expressions]
        source = predicate_source(trees if certain is None else residual(trees, certain), self._given, self._row)
        same = (
            source.text,
            tuple((kind, value if isinstance(value, frozenset) else repr(value)) for kind, value in source.constants),
        )
        if same not in self._made:
            self._made[same] = link(source, self._given, often=True)
        return self._made[same]

    def _candidates(self, index: Index) -> Callable[[Row, FactGroups], Sequence[int]]:
        """The function that finds an index's candidates for a row."""
        if not index.paths:
            return lambda _, __: index.always
        writer = new_writer()
        codes = known(FACTS, self._row)
        values = link(writer.source("".join(f"{codes.get(path, 'None')}, " for path in index.paths), "d, f"))
        return lambda row, facts: candidates_by_values(index, values(row, facts))

    def _with_own(self, scope: PolicyScope, candidates: Sequence[int], row: Row, facts: FactGroups) -> Sequence[int]:
        """The candidates, and those of the policies in scope that have a scope of their own."""
        return [*candidates, *(number for policy in scope.own for number in self._own[policy](row, facts))]

    def _silences_of_rows(self, silences: PolicySilences) -> PolicySilences:
        """The same silences, asked of rows."""
        holds = {number: self._matcher(silence.matcher.expressions) for number, silence in silences.silences.items()}
        return silences._replace(candidates=self._candidates(silences.found_by), holds=holds)

    # --- the function --------------------------------------------------------------------------------------------------------

    def _generated(self) -> Callable[[Sequence[Row], datetime], tuple[list[object], list[Shown]]]:
        writer = new_writer()
        name = writer.constant
        selected = _selecting(self._decider.policies.selection, lambda field: self._code((field,)), name)
        filled = {
            "selected": f"            if not ({selected}): continue" if selected else "",
            "lines": indent("\n".join(self._lines(writer)), " " * 16),
            "missed": name(self._missed),
            "error": name(MatcherError),
            "failed": name(self._failed),
            "id": self._code(("eventID",)),
        }
        constants = writer.constants
        text = _FUNCTION.format(constants=", ".join(f"k{place}" for place in range(len(constants))), **filled)
        return _linked(text, constants, self._given)

    def _lines(self, writer: Writer) -> Iterator[str]:
        """The lines that find, for the row `d`, the evidence `e` that holds, and the rest of the key: `h`."""
        decider, name = self._decider, writer.constant
        yield from self._binding
        groups = self._groups(name)
        yield from (code if group == ROLE else f"g{group} = {code}" for group, code in groups.items())
        made = ", ".join(f"g{group}" if group in groups else "None" for group in range(CLASSED))
        if self._whole_evidence():
            yield f"f = ({made}, {name(NO_CLASS)})"
        yield from self._evidence(writer)
        classes = [(*of_class, kept.get) for of_class, kept in zip(decider.classes, self._shown_verdicts, strict=True)]
        yield f"g{CLASSED}, voids, kept = {name(classes)}[e]"
        yield from (f"voids |= {BITS[reason]} * ({self._limit(reason)})" for reason in sorted(decider.limits))
        yield f"f = ({made}, g{CLASSED})"
        if decider.timed:
            yield f"t = {name(time_of)}({self._code(fields.TIME)}) or now"
        yield from candidate_lines(decider.everywhere, writer, lambda path: self._local.get(path, "None"))
        scope = name(decider.unscoped)
        if decider.scoped:
            scope = "s"
            arguments = f"g{TARGET}, {self._code(fields.RESOURCES)}, {self._code(fields.RECIPIENT)}"
            yield f"s = {name(decider.scope)}(*{name(scope_of)}({arguments}))"
            yield f"c = {name(self._with_own)}(s, c, d, f) if s.own else c"
        out_of_hours = _OUT_OF_HOURS.format(within=name(within)) if decider.timed else ""
        yield _HELD_ROUTES.format(rules=name(self._rules), out_of_hours=out_of_hours)
        if decider.silences:
            yield _HELD_SILENCES.format(scope=scope, held_silences=name(decider.held_silences), silences=name(self._silences))
        if decider.limits:
            yield "h = voids, h"
        if decider.scoped:
            yield "h = s.number, h"

    def _limit(self, reason: VoidReason) -> str:
        """Code for `void.limit_bits`, for one reason."""
        if reason is VoidReason.ACCOUNT:
            return f"{self._local[CROSS_ACCOUNT]} is not False"
        source = self._local[COPY_BUCKET]
        return f"{source} is not None and {source} != {self._local[BUCKET]}"

    def _whole_evidence(self) -> bool:
        """Whether evidence reads an object of facts as a whole."""
        matchers = (evidence.matcher for actor in self._decider.policies.actors for evidence in actor.evidence)
        return any(reads_whole(path, FACTS) for matcher in matchers for path in matcher.reads)

    def _groups(self, name: Callable[[object], str]) -> dict[int, str]:
        """Code that derives each group of facts that the set reads."""

        def of(function: Callable[..., object], paths: Sequence[Path], *more: str) -> str:
            return f"{name(function)}({', '.join([*map(self._code, paths), *more])})"

        role = f"g{ROLE}" if ROLE in self._decider.reads else "(None, None)"
        named = self._seldom.isdisjoint(fields.OF_ISSUED)
        issued = of(issued_role, fields.OF_ISSUED) if named else of(_no_role, fields.NO_ROLE)
        called = ", ".join(map(self._code, fields.OF_CALLER))
        made = {
            TARGET: self._target(name, of),
            ROLE: _ROLE.format(arn=self._code(fields.ARN), roles=name(ROLES), group=ROLE, issued=issued),
            CALLER: f"{name(caller_of)}(({called}), {role})",
            SOURCE: of(source_of, fields.OF_SOURCE),
            ACCESS: of(access_of, fields.OF_ACCESS),
            CROSSING: of(crossing_of, fields.OF_CROSSING),
        }
        return {group: code for group, code in made.items() if group in self._decider.reads}

    def _target(self, name: Callable[[object], str], of: Callable[[Callable[..., object], Sequence[Path]], str]) -> str:
        """Code for the facts of the target: mostly from the request, else from the resources, where rows have them."""
        bucket, key, _, source, _, event_name = map(self._code, fields.OF_TARGET)
        lacking = any(path[:1] == fields.RESOURCES for path in self._seldom)
        by_names = [path for path in fields.OF_TARGET if path != fields.RESOURCES]
        otherwise = of(_target_by_names, by_names) if lacking else of(target_of, fields.OF_TARGET)
        if bucket == "None":
            return otherwise
        kind = "None.__class__" if key == "None" else "str and k"
        return _PLAIN_BUCKET.format(
            source=source,
            name=event_name,
            copies=name(COPIES),
            bucket=bucket,
            aliases=name(POINT_ALIASES),
            key=key,
            kind=kind,
            otherwise=otherwise,
        )

    def _evidence(self, writer: Writer) -> Iterator[str]:
        """Lines that find the number `e` of the first evidence that holds, or -1."""
        trees = [[self._trees[expression] for expression in expressions] for expressions in self._decider.evidence]
        no_class = {path: "None" for path, (group, _) in FACTS.places.items() if group == CLASSED}
        codes = {**self._local, **no_class}
        yield f"e = {first(writer, trees[:MOST_AT_ONCE], self._given, codes)}"
        for start in range(MOST_AT_ONCE, len(trees), MOST_AT_ONCE):
            several = trees[start : start + MOST_AT_ONCE]
            yield f"e = ({first(writer, several, self._given, codes, start)}) if e < 0 else e"

    def _code(self, path: Path) -> str:
        """The code that reads a path of the row; `None` for a path below a value that is read whole."""
        return self._bound.get(path, "None")


def _selecting(selection: Selection, code: Callable[[str], str], name: Callable[[object], str]) -> str:
    """Code for whether a row is selected; empty where every one is. A row always has its category.

    `code` gives the code that reads a field of the row, `name` the name of a constant.
    """
    conditions = []
    if selection.select is Selects.S3_DATA:
        conditions += [f"{code('eventSource')} in {name(S3_SOURCES)}", f"{code('eventCategory')} == {name('Data')}"]
    if selection.names is not None:
        conditions.append(f"{name(is_named)}({code('eventName')}, {name(selection.names)})")
    return " and ".join(conditions)


def _linked(text: str, constants: Sequence[Constant], given: Given) -> Callable[..., Any]:
    """The function that the text of one `def` returns when it is called with the constants. Its patterns are compiled at once."""
    whole = compile(text, "<rules>", "exec")
    code = next(constant for constant in whole.co_consts if isinstance(constant, CodeType))
    return link(Generated("", tuple(constants)), given, code, often=True)
