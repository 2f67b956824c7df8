"""Whether some event makes a literal true: a SAT solver proposes, fields refuse, and the engine itself confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.matching.spelling import written
from engine.model import repr_only
from engine.prove.circuit import FALSE, TRUE
from engine.prove.claims import of_first, of_second
from engine.prove.lemmas import lemmas, of_equals
from engine.prove.paths import ACCOUNT, BUCKET, COPY_BUCKET, KEY, RECIPIENT, ROLE, SESSION, TYPE
from engine.prove.questions import Conflict
from engine.prove.records import answers_of, record_of
from engine.prove.times import USUAL
from engine.prove.values import ValueFinder, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from engine.model import Document, Record
    from engine.prove.circuit import Clause, Literal
    from engine.prove.fields import Fields
    from engine.prove.questions import Question

    Path = tuple[str, ...]
    Confirm = Callable[[Values], Document | None]

MOST_ROUNDS: Final = 2_000
"""Proposals of the solver that are looked at for one literal."""
_MOST_STEPS: Final = 4_000_000
"""Steps of automata for one literal: some seconds."""
_MOST_CONFLICTS: Final = 200_000
"""Dead ends of the solver at one question: some seconds."""
_MOST_DOUBTS: Final = 100
"""Records that turn out otherwise than proposed, for one literal."""


_USUALLY_THERE: Final = frozenset(
    {ACCOUNT, BUCKET, KEY, RECIPIENT, ROLE, SESSION, TYPE, ("userAgent",), ("eventName",), ("requestParameters",)}
)
"""Fields that have a value in nearly every record: one without it is proposed last."""


@repr_only("time")
class Witness(NamedTuple):
    """A record that makes a literal true, which was confirmed, and its time."""

    record: Record
    time: datetime
    other: Record | None = None
    """The same event, of which the caller claims otherwise, where the literal is about both."""


class Unknown(NamedTuple):
    """That it is not known whether an event makes a literal true, and what is in the way."""

    why: tuple[str, ...]


class Prover:
    """Answers for the literals of one circuit. What it learns serves the next ones."""

    def __init__(self, fields: Fields) -> None:
        from pysat.solvers import Solver  # type: ignore[import-untyped]  # it has none  # noqa: PLC0415  an extra

        self._fields = fields
        self._finder = ValueFinder(fields)
        self._solver: Any = Solver(name="glucose4", bootstrap_with=[[TRUE]])
        self._known: set[int] = {TRUE}
        self._variables: list[tuple[int, frozenset[int]]] = []
        """What is true of the fields, each with the variables in it."""
        self._axioms: dict[int, frozenset[int]] = {}
        """The axioms that are known to the solver, each with the variables in it."""
        self._related: dict[Path, list[Question]] = {}
        """The questions about each field of which the solver knows what they have to do with each other."""
        self._added: set[tuple[int, ...]] = set()
        self._doubts = 0

    @property
    def steps(self) -> int:
        """The steps of automata that it took so far."""
        return self._finder.steps

    def witness(self, literal: Literal, confirm: Callable[[Record, datetime], Document | None]) -> Witness | Unknown | None:
        """An event that makes a literal true; None where there is none; or why it is not known.

        `confirm` returns None where a record does what the literal says, else what the matchers see of it.
        """
        found = self._values_for(literal, lambda values: confirm(record_of(values), values.time))
        return Witness(record_of(found), found.time) if isinstance(found, Values) else found

    def pair(self, literal: Literal, confirm: Callable[[Record, Record, datetime], Document | None]) -> Witness | Unknown | None:
        """As `witness`, for a literal about two events that differ in what their caller claims alone (`claims`)."""

        def confirm_both(values: Values) -> Document | None:
            one, other = self._pair(values)
            return confirm(one, other, values.time)

        found = self._values_for(literal, confirm_both)
        if not isinstance(found, Values):
            return found
        one, other = self._pair(found)
        return Witness(one, found.time, other)

    def _pair(self, values: Values) -> tuple[Record, Record]:
        return record_of(of_first(values)), record_of(of_second(values))

    def _values_for(self, literal: Literal, confirm: Confirm) -> Values | Unknown | None:
        """The values of an event, or two, that make a literal true and are confirmed."""
        if literal == FALSE:
            return None
        doubt = self._fields.circuit.variable(("doubt", self._doubts))
        self._doubts += 1
        cone = self._add(literal)
        why: dict[str, None] = {}
        doubts, first = 0, self._finder.steps
        ordinary = self._ordinary(cone)
        for _ in range(MOST_ROUNDS):
            possible = self._solve([literal, doubt, *ordinary])
            if possible is False and ordinary:
                ordinary = []
                possible = self._solve([literal, doubt])
            if possible is False:
                return Unknown(tuple(why)) if why and not self._is_refuted(literal, cone) else None
            if possible is None or self._finder.steps - first > _MOST_STEPS:
                return Unknown((*why, "a set that would take too long"))
            model = self._model(literal, cone)
            found = self._finder.conflicts_or_values(model)
            if isinstance(found, list):
                for conflict in found:
                    self._refuse(conflict, doubt, why)
                continue
            seen = confirm(found)
            if seen is None:
                return _smallest(found, confirm)
            doubts += 1
            conflict = self._otherwise(model, answers_of(self._fields, seen, found.time))
            if not conflict.literals or doubts > _MOST_DOUBTS:
                return Unknown((*why, conflict.why or "events that turn out otherwise"))
            self._refuse(conflict, doubt, why)
        return Unknown((*why, f"more than {MOST_ROUNDS} combinations"))

    def _is_refuted(self, literal: Literal, cone: set[int]) -> bool:
        """Whether nothing makes a literal true, whatever is doubtful: each proposal is certainly impossible."""
        for _ in range(MOST_ROUNDS):
            possible = self._solve([literal])
            if not possible:
                return possible is False
            found = self._finder.conflicts_or_values(self._model(literal, cone))
            certain = [conflict for conflict in found if conflict.certain] if isinstance(found, list) else []
            if not certain:
                return False
            for conflict in certain:
                self._solver.add_clause([-literal for literal in dict.fromkeys(conflict.literals)])
        return False

    def _ordinary(self, cone: set[int]) -> list[Literal]:
        """What most events have in common: they copy nothing, and name no bucket beside their own."""
        literals = [-literal for literal in self._fields.elsewhere if literal in cone]
        copied = self._fields.texts.get(COPY_BUCKET)
        return [*literals, copied.null] if copied is not None and copied.null in cone else literals

    def _solve(self, literals: list[Literal]) -> bool | None:
        """Whether the solver has answers that make all of some literals true; None where that would take it too long."""
        self._solver.conf_budget(_MOST_CONFLICTS)
        possible: bool | None = self._solver.solve_limited(assumptions=literals)
        return possible

    def _refuse(self, conflict: Conflict, doubt: Literal, why: dict[str, None]) -> None:
        """A combination is not proposed again; one that is not certainly impossible, only for this literal."""
        clause = [-literal for literal in dict.fromkeys(conflict.literals)]
        if not conflict.certain:
            why[conflict.why or "a combination of answers"] = None
            clause.append(-doubt)
        self._solver.add_clause(clause)

    def _add(self, literal: Literal) -> set[int]:
        """The gates and variables that a literal depends on, and what is true of the fields in it, made known to the solver."""
        circuit = self._fields.circuit
        cone = set(circuit.below(literal))
        self._widen(cone)
        fresh = cone - self._known
        self._known |= fresh
        for number in fresh:
            for clause in circuit.clauses(number):
                self._solver.add_clause(clause)
        variables = [number for number in cone if number not in circuit.parts and number != TRUE]
        self._relate(cone)
        absent = {field.null for field in self._fields.texts.values() if field.path not in _USUALLY_THERE}
        self._solver.set_phases([number if number in absent else -number for number in variables])
        return cone

    def _relate(self, cone: set[int]) -> None:
        """Makes known what is seen at a glance of the questions in a cone."""
        for path, field in self._fields.texts.items():
            known = self._related.setdefault(path, [])
            fresh = [question for question in field.questions.values() if question.variable in cone and question not in known]
            for clause in lemmas(fresh, known):
                self._solver.add_clause(clause)
            known += fresh
        for literal, (one, other) in self._fields.equal.items():
            if literal in cone:
                for clause in of_equals(literal, self._fields.texts[one], self._fields.texts[other]):
                    self._add_once(clause)

    def _add_once(self, clause: Clause) -> None:
        if (key := tuple(clause)) not in self._added:
            self._added.add(key)
            self._solver.add_clause(clause)

    def _widen(self, cone: set[int]) -> None:
        """Adds what is true of the fields in a cone, and of those that this brings in."""
        circuit = self._fields.circuit
        for axiom in self._fields.axioms[len(self._variables) :]:
            self._variables.append((axiom, circuit.variables(axiom)))
        left = dict(self._variables)
        while more := [axiom for axiom, variables in left.items() if not cone.isdisjoint(variables)]:
            for axiom in more:
                cone |= left[axiom] | set(circuit.below(axiom))
                if axiom not in self._axioms:
                    self._axioms[axiom] = left[axiom]
                    self._solver.add_clause([axiom])
                del left[axiom]

    def _model(self, literal: Literal, cone: set[int]) -> dict[int, bool]:
        """The variables that suffice for a literal, and for what is true of the fields among them, with their values."""
        model = [False, *(number > 0 for number in self._solver.get_model())]
        model += [False] * (self._fields.circuit.size + 1 - len(model))
        reasons: dict[int, bool] = {}
        self._fields.circuit.reasons(literal, model, reasons)
        left = {axiom: variables for axiom, variables in self._axioms.items() if abs(axiom) in cone}
        while more := [axiom for axiom, variables in left.items() if not reasons.keys().isdisjoint(variables)]:
            for axiom in more:
                self._fields.circuit.reasons(axiom, model, reasons)
                del left[axiom]
        return {number: value for number, value in reasons.items() if number not in self._fields.circuit.parts}

    def _otherwise(self, model: Mapping[int, bool], answers: Mapping[int, bool]) -> Conflict:
        """What a record answers otherwise than it was proposed to."""
        wrong = [number for number, value in model.items() if number in answers and answers[number] is not value]
        names = sorted({name for number in wrong for name in self._names(number)})
        paths = {path for path, field in self._fields.texts.items() if not _numbers(field).isdisjoint(wrong)}
        asked = {number for path in paths for number in _numbers(self._fields.texts[path]) if number in model} | set(wrong)
        return Conflict(tuple(number if model[number] else -number for number in asked), certain=False, why=", ".join(names))

    def _names(self, number: int) -> list[str]:
        """What a variable is about, for the reason of an answer."""
        atom = self._fields.guesses.get(number) or self._fields.addresses.get(number)
        if atom is not None:
            return [f"`{written(atom.node)}`"]
        return [".".join(field.path) for field in self._fields.texts.values() if number in _numbers(field)]


def _smallest(values: Values, confirm: Confirm) -> Values:
    """As few values out of the ordinary as will do."""
    for ordinary in ({"elsewhere": ()}, {"crossed": False}, {"time": USUAL}):
        fewer = values._replace(**ordinary)
        if fewer != values and confirm(fewer) is None:
            values = fewer
    for path in list(values.of_paths):
        fewer = values._replace(of_paths={other: value for other, value in values.of_paths.items() if other != path})
        if confirm(fewer) is None:
            values = fewer
    return values


def _numbers(field: Any) -> set[int]:  # noqa: ANN401
    of_other = {number for answers in field.of_other for number in (answers.yes, answers.fails)}
    return {field.null, field.other, *(question.variable for question in field.questions.values()), *of_other}
