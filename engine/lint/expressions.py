"""What is wrong with an expression that compiles: it cannot mean what it says, or fails on real events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import TooManyWaysError
from engine.lint.comparisons import CONSTANT, Expected, written_either_way
from engine.lint.fields import S3_EVENT
from engine.lint.problems import Problem, offset_of
from engine.lint.typing_pass import TypingPass
from engine.matching import never_fails, walk
from engine.matching.formula import And, AtomFailure, Not, Or, atoms
from engine.matching.relations import left_of
from engine.matching.spelling import written
from engine.matching.tree import field_path
from engine.matching.ways import Budget, always, failures, never

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.lint.conditions import Condition
    from engine.lint.fields import EventShape
    from engine.matching.formula import Formula
    from engine.matching.ways import Way

MAY_FAIL: Final = "TB210"

_LENIENT: Final = frozenset({"glob", "regex", "cidr", "lower", "not_null", "type", "to_string", "to_array", "to_number"})
"""Functions that take null."""

_MOST_STEPS: Final = 20_000
"""Steps that may be taken to find out what an expression can do."""


class Events(NamedTuple):
    """The events that a set looks at: what they have, and those of their names that are looked at, None for all."""

    event: EventShape
    selected: frozenset[str] | None = None


def rule_problems(conditions: Sequence[Condition], events: Events) -> Iterator[tuple[int, Problem]]:
    """Everything wrong with the conditions of a rule, which must all hold: each with the number of its condition."""
    sound = True
    for number, condition in enumerate(conditions):
        for problem in _expression_problems(condition, events):
            sound = False
            yield number, problem
    if sound and len(conditions) > 1:
        parts = [(number, part) for number, condition in enumerate(conditions) for part in _conjuncts(condition.formula)]
        decisive = _decisive(And, [part for _, part in parts])
        if decisive is not None:
            place, problem = decisive
            yield parts[place][0], problem


def _expression_problems(condition: Condition, events: Events) -> list[Problem]:
    """Everything wrong with an expression, in the order of its text; one problem for each place."""
    expected = Expected(condition.text, events.event, events.selected, written_either_way(condition.tree))
    typing_pass = TypingPass(expected)
    typing_pass.judge(condition.tree)
    settled = list(_settled(condition.formula))
    typed = [problem for problem in typing_pass.problems if not (settled and problem.warns)]
    problems = [*typed, *settled] or list(_may_fail(condition.formula))
    seen: dict[int, Problem] = {}
    for problem in sorted(problems, key=lambda problem: (problem.offset, problem.warns, problem.code)):
        seen.setdefault(problem.offset, problem)
    return list(seen.values())


def _conjuncts(part: Formula) -> tuple[Formula, ...]:
    return part.parts if isinstance(part, And) else (part,)


# --- what never or always holds -----------------------------------------------------------------------------------------


def _settled(part: Formula) -> Iterator[Problem]:
    """Conditions that never hold together, such as `a == 'x' && a == 'y'`, and such of which one always holds."""
    if isinstance(part, Not):
        yield from _settled(part.part)
    elif isinstance(part, And | Or):
        inner = [problem for each in part.parts for problem in _settled(each)]
        decisive = None if inner else _decisive(part.__class__, part.parts)
        yield from inner or ([] if decisive is None else [decisive[1]])


def _decisive(join: type[And | Or], parts: Sequence[Formula]) -> tuple[int, Problem] | None:
    """The first part that, together with those before it that read the same fields, decides the whole: which, and the problem."""
    read = [{path for atom in atoms(each) for path in atom.paths} for each in parts]
    times = Counter(path for paths in read for path in paths)
    related = [place for place, paths in enumerate(read) if any(times[path] > 1 for path in paths)]
    claim = never if join is And else always
    budget = Budget(_MOST_STEPS)

    def decided(places: Sequence[int]) -> bool:
        return claim(join(tuple(parts[place] for place in places)), budget)

    if not related or not decided(related) or any(decided([place]) for place in related):
        return None
    for count in range(2, len(related) + 1):
        if decided(related[:count]):
            before, last = [parts[place] for place in related[: count - 1]], related[count - 1]
            return last, _constant(before, parts[last], never=join is And)
    return None


def _constant(before: Sequence[Formula], part: Formula, *, never: bool) -> Problem:
    """What to say of a part that never holds with those before it, or always does where they do not."""
    atom = next(atoms(part))
    name = ".".join(min(atom.paths, default=("it",)))
    values = [other for each in before for other in atoms(each) if other.path == atom.path and other.kind == atom.kind == "is"]
    if values and never:
        what, instead = f"this never holds: {name} would be two different values at once", "join them with || instead of &&"
    elif values:
        what, instead = f"this always holds: {name} is never both values at once", "join them with && instead of ||"
    elif never:
        what, instead = f"this never holds: no {name} meets this and the condition before it", "delete one of them, or use ||"
    else:
        what, instead = f"this always holds: every {name} meets this or the condition before it", "delete one of them, or use &&"
    return Problem(CONSTANT, offset_of(atom.node), len(name), what, instead)


# --- failing and being absent --------------------------------------------------------------------------------------------------


def _may_fail(part: Formula) -> Iterator[Problem]:
    """Calls that fail for a field that is absent, unless what stands before them says that it is there."""
    if not any(atom.may_fail for atom in atoms(part)):
        return
    try:
        for way in failures(part, Budget(_MOST_STEPS)):
            yield from _failing_calls(way)
    except TooManyWaysError:
        return


def _failing_calls(way: Way) -> Iterator[Problem]:
    """The calls in the atom that fails, of which the first argument may be null."""
    for node in walk(way.end.atom.node) if isinstance(way.end, AtomFailure) else ():
        if node.kind != "function_expression" or node.value in _LENIENT or never_fails(node):
            continue
        path = field_path(node.children[0])
        shape = S3_EVENT.paths.get(path) if path else None
        if path is None or shape is None or shape.always or len(shape.types) > 1:
            continue
        if "null" in left_of(way.results, path).types:
            name = written(node.children[0])
            what = f"{node.value}() fails where {name} is absent, and a matcher that fails does not hold"
            instead = f"put {name} != `null` && before it, or use glob() or regex(), which take null"
            yield Problem(MAY_FAIL, node.offset or 0, len(node.value), what, instead, warns=True)
