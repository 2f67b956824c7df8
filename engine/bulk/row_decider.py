"""A program asked of rows: one function, written for the set and the layout, that selects and decides many of them.

It is made of this module's own templates, of what `engine.matching` writes, and of numbered constants. It finds what `Program`
finds; whatever was not met before, and whatever fails, it leaves to that.
"""

from __future__ import annotations

from textwrap import indent
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar

from engine.bulk import fields
from engine.bulk.candidates import candidate_lines, candidates_by_values
from engine.bulk.rows import RowError, read_bound, read_by
from engine.errors import MatcherError
from engine.matching.checks import check
from engine.matching.generate import first, known, new_writer, predicate_source
from engine.matching.link import link
from engine.matching.residual import residual
from engine.matching.source import Given, Source, reads_whole
from engine.model import Selects
from engine.pipeline.decide.plain import within
from engine.pipeline.decide.program import MOST_KEPT
from engine.pipeline.facts import ROLES, UNCLASSED, access_of, caller_of, issued_role, source_of, time_in
from engine.pipeline.facts.target import POINT_ALIASES, crossing_of, needs_resources, scope_by, target_of
from engine.pipeline.select import S3_SOURCES, is_named
from engine.policy.given import ACCESS, CALLER, CLASSED, CROSSING, GIVEN, ROLE, SOURCE, TARGET
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
    from engine.pipeline.decide.program import Hushing, Program, Rule, Scope
    from engine.policy.given import Path

    _Holds = Callable[[Row, FactGroups], bool]

Shown = TypeVar("Shown")

_FUNCTION: Final = """\
def made({constants}):
    def decided(rows, now):
        names, found = [], []
        for d in rows:
{selected}
            try:
{lines}
                shown = kept(h) or {missed}(e, h, d, now)
            except {error}:
                shown = {failed}(d, now)
            names.append({id})
            found.append(shown)
        return names, found
    return decided
"""

_PLAIN: Final = """\
(b, k, None, None) if {source} is None and (b := {bucket}).__class__ is str and b and b[:4] != 'arn:' \
and not b.endswith({aliases}) and (k := {key}).__class__ is {kind} else {otherwise}"""
"""What `target_of` finds by bucket and key of a request that copies nothing, and nearly always names both."""

_ASKED: Final = """\
h, z = None, -1
for n in c:
    p, holds, ends, mutes, during = {rules}[n]
    if p == z{untimely}: continue
    if holds is None or holds(d, f):
        if h is None: h = n
        elif h.__class__ is int: h = [h, n]
        else: h.append(n)
        if ends and not (mutes and loud): z = p
if h.__class__ is list: h = (*h,)
"""
"""As `program.held` asks them. `h` are the numbers of those that hold: a tuple, but nearly always one, which needs none."""

_UNTIMELY: Final = " or (during is not None and not {within}(during, t))"

_SILENCED: Final = """if {scope}.hushes:
    r = () if h is None else (h,) if h.__class__ is int else h
    h = h, {silenced}({hushing}, {scope}, r, (d, f, t))
"""


_ROLE: Final = """\
a = {arn}
x, _, y = a.rpartition('/') if a.__class__ is str else ('', '', '')
x = {roles}[x]
g{group} = (x, y or None) if x is not None else {issued}
"""
"""What `facts.assumed_role` finds, without a call; else whether a role called that no ARN names."""


def _too_little() -> NoReturn:
    raise RowError("a row does not name its bucket, or its role")


def _target_by_names(bucket: object, key: object, outposts_key: object, source: object) -> tuple[str | None, ...]:
    """What `target_of` finds without the resources, for a row that does not have them."""
    if needs_resources(bucket, source):
        _too_little()
    return target_of(bucket, key, outposts_key, source, None)


def _no_role(actor_type: object, issuer_type: object) -> tuple[None, None]:
    """The facts of a role where none called, for a row that says no more of it. Both values as `facts.issued_role` takes them."""
    if actor_type == "AssumedRole" or issuer_type == "Role":
        _too_little()
    return None, None


class RowDecider(Generic[Shown]):
    """Decides rows of a layout. Of each verdict it gives what `shown` makes of it, once for all that are alike.

    `decided(rows, now)` gives, of the rows that the set selects, the ids as they were recorded, and what is shown of the
    verdicts. It raises `RowError` where a row says too little.
    """

    def __init__(
        self, program: Program, layout: Layout, record_of: Callable[[Row], Record], shown: Callable[[Verdict], Shown]
    ) -> None:
        """`record_of` makes of a row the record that it stands for, as far as it was read."""
        self._program = program
        self._seldom = fields.seldom_needed(program.policies)
        self._record_of = record_of
        self._shown = shown
        self._row = read_by(layout)
        self._binding, self._bound = read_bound(layout)
        self._local = {**self._bound, **{path: f"g{group}[{place}]" for path, (group, place) in GIVEN.places.items()}}
        self._given = Given(GIVEN.places, lambda row, facts: GIVEN.whole(record_of(row), facts))
        self._kept: list[dict[object, Shown]] = [{} for _ in program.classes]
        self._count = 0
        self._made: dict[object, _Holds] = {}
        self._alike: dict[Rule, Rule] = {}
        self._rules = [
            rule if rule[1] is None else self._asking(number, self._late(number)) for number, rule in enumerate(program.rules)
        ]
        self._own = {policy: self._candidates(index) for policy, index in program.own.items()}
        self._hushing = {policy: self._asking_silences(one) for policy, one in program.hushing.items()}
        self.decided: Callable[[Sequence[Row], datetime], tuple[list[object], list[Shown]]] = self._written()

    # --- what the function asks ----------------------------------------------------------------------------------------------

    def _missed(self, evidence: int, rules: object, row: Row, now: datetime) -> Shown:
        shown = self._failed(row, now)
        if self._count >= MOST_KEPT:
            self._count = 0
            for kept in self._kept:
                kept.clear()
        self._count += 1
        self._kept[evidence][rules] = shown
        return shown

    def _failed(self, row: Row, now: datetime) -> Shown:
        return self._shown(self._program.weighed(self._record_of(row), now))

    def _late(self, number: int) -> _Holds:
        """What asks a rule, written when it is first asked: most rules of a large set never are."""

        def holds(row: Row, facts: FactGroups) -> bool:
            certain = self._program.certain.get(number)
            made = self._matcher(self._program.expressions(number), certain)
            rule = self._asking(number, made)
            # One for all that are alike stays in the processor's cache.
            self._rules[number] = self._alike.setdefault(rule, rule)
            return made(row, facts)

        return holds

    def _asking(self, number: int, holds: _Holds) -> Rule:
        """A rule with what asks it of rows."""
        policy, _, ends, mutes, during = self._program.rules[number]
        return policy, holds, ends, mutes, during

    def _matcher(self, expressions: Iterable[str], certain: Equality | None = None) -> _Holds:
        """What asks a matcher of rows for which an equality is `certain`; the same for all that ask the same."""
        trees = [check(one) for one in expressions]
        source = predicate_source(trees if certain is None else residual(trees, certain), self._given, self._row)
        same = repr(source)
        if same not in self._made:
            self._made[same] = link(source, self._given, often=True)
        return self._made[same]

    def _candidates(self, index: Index) -> Callable[[Row, FactGroups], Sequence[int]]:
        """What finds the candidates of an index."""
        if not index.paths:
            return lambda _, __: index.always
        writer = new_writer()
        codes = known(GIVEN, self._row)
        values = link(writer.source("".join(f"{codes.get(path, 'None')}, " for path in index.paths), "d, f"))
        return lambda row, facts: candidates_by_values(index, values(row, facts))

    def _with_own(self, scope: Scope, found: Sequence[int], row: Row, facts: FactGroups) -> Sequence[int]:
        """Candidates with those of the policies that have a scope of their own."""
        return [*found, *(number for policy in scope.own for number in self._own[policy](row, facts))]

    def _asking_silences(self, hushing: Hushing) -> Hushing:
        """Silences with what asks them of rows."""
        holds = {number: self._matcher(silence.matcher.expressions) for number, silence in hushing.silences.items()}
        return hushing._replace(candidates=self._candidates(hushing.found_by), holds=holds)

    # --- the function --------------------------------------------------------------------------------------------------------

    def _written(self) -> Callable[[Sequence[Row], datetime], tuple[list[object], list[Shown]]]:
        writer = new_writer()
        name = writer.constant
        selected = _selecting(self._program.policies.selection, lambda field: self._code((field,)), name)
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
        """What leads to the evidence `e` that holds for the row `d`, and to `h`: the rules that hold, the scope, the silences."""
        program, name = self._program, writer.constant
        yield from self._binding
        groups = self._groups(name)
        yield from (code if group == ROLE else f"g{group} = {code}" for group, code in groups.items())
        made = ", ".join(f"g{group}" if group in groups else "None" for group in range(CLASSED))
        if self._whole_evidence():
            yield f"f = ({made}, {name(UNCLASSED)})"
        yield from self._evidence(writer)
        classes = [(*of_class, kept.get) for of_class, kept in zip(program.classes, self._kept, strict=True)]
        yield f"g{CLASSED}, loud, kept = {name(classes)}[e]"
        yield f"f = ({made}, g{CLASSED})"
        if program.timed:
            yield f"t = {name(time_in)}({self._code(fields.TIME)}) or now"
        yield from candidate_lines(program.everywhere, writer, lambda path: self._local.get(path, "None"))
        scope = name(program.unscoped)
        if program.scoped:
            scope = "s"
            asked = f"g{TARGET}, {self._code(fields.RESOURCES)}, {self._code(fields.RECIPIENT)}"
            yield f"s = {name(program.scope)}(*{name(scope_by)}({asked}))"
            yield f"c = {name(self._with_own)}(s, c, d, f) if s.own else c"
        untimely = _UNTIMELY.format(within=name(within)) if program.timed else ""
        yield _ASKED.format(rules=name(self._rules), untimely=untimely)
        if program.hushing:
            yield _SILENCED.format(scope=scope, silenced=name(program.silenced), hushing=name(self._hushing))
        if program.scoped:
            yield "h = s.number, h"

    def _whole_evidence(self) -> bool:
        """Whether evidence looks at the facts as a whole."""
        matchers = (evidence.matcher for actor in self._program.policies.actors for evidence in actor.evidence)
        return any(reads_whole(path, GIVEN) for matcher in matchers for path in matcher.reads)

    def _groups(self, name: Callable[[object], str]) -> dict[int, str]:
        """How the groups of facts that are read are made."""

        def of(function: Callable[..., object], paths: Sequence[Path], *more: str) -> str:
            return f"{name(function)}({', '.join([*map(self._code, paths), *more])})"

        role = f"g{ROLE}" if ROLE in self._program.reads else "(None, None)"
        told = self._seldom.isdisjoint(fields.OF_ISSUED)
        issued = of(issued_role, fields.OF_ISSUED) if told else of(_no_role, fields.NO_ROLE)
        called = ", ".join(map(self._code, fields.OF_CALLER))
        made = {
            TARGET: self._target(name, of),
            ROLE: _ROLE.format(arn=self._code(fields.ARN), roles=name(ROLES), group=ROLE, issued=issued),
            CALLER: f"{name(caller_of)}(({called}), {role})",
            SOURCE: of(source_of, fields.OF_SOURCE),
            ACCESS: of(access_of, fields.OF_ACCESS),
            CROSSING: of(crossing_of, fields.OF_CROSSING),
        }
        return {group: code for group, code in made.items() if group in self._program.reads}

    def _target(self, name: Callable[[object], str], of: Callable[[Callable[..., object], Sequence[Path]], str]) -> str:
        """How bucket, key and copy's source are found: mostly by the request; else by the resources, where rows have them."""
        bucket, key, _, source, _ = map(self._code, fields.OF_TARGET)
        few = any(path[:1] == fields.RESOURCES for path in self._seldom)
        otherwise = of(_target_by_names, fields.OF_TARGET[:-1]) if few else of(target_of, fields.OF_TARGET)
        if bucket == "None":
            return otherwise
        kind = "None.__class__" if key == "None" else "str and k"
        return _PLAIN.format(source=source, bucket=bucket, aliases=name(POINT_ALIASES), key=key, kind=kind, otherwise=otherwise)

    def _evidence(self, writer: Writer) -> Iterator[str]:
        """Which evidence is the first that holds, as `e`."""
        trees = [[check(one) for one in expressions] for expressions in self._program.evidence]
        unclassed = {path: "None" for path, (group, _) in GIVEN.places.items() if group == CLASSED}
        codes = {**self._local, **unclassed}
        yield f"e = {first(writer, trees[:MOST_AT_ONCE], self._given, codes)}"
        for start in range(MOST_AT_ONCE, len(trees), MOST_AT_ONCE):
            several = trees[start : start + MOST_AT_ONCE]
            yield f"e = ({first(writer, several, self._given, codes, start)}) if e < 0 else e"

    def _code(self, path: Path) -> str:
        """By which code the function reads a path; nothing is below what is read as it is."""
        return self._bound.get(path, "None")


def _selecting(selection: Selection, code: Callable[[str], str], name: Callable[[object], str]) -> str:
    """Code for whether a row, which says of what category it is, is selected; empty where every one is.

    `code` says by which code a field of the row is read, `name` how a value is called there.
    """
    asked = []
    if selection.select is Selects.S3_DATA:
        asked += [f"{code('eventSource')} in {name(S3_SOURCES)}", f"{code('eventCategory')} == {name('Data')}"]
    if selection.names is not None:
        asked.append(f"{name(is_named)}({code('eventName')}, {name(selection.names)})")
    return " and ".join(asked)


def _linked(text: str, constants: Sequence[Constant], given: Given) -> Callable[..., Any]:
    """The function that the text of one `def` returns when it is called with the constants. Its patterns are compiled at once."""
    whole = compile(text, "<rules>", "exec")
    code = next(one for one in whole.co_consts if isinstance(one, CodeType))
    return link(Source("", tuple(constants)), given, code, often=True)
