"""Whether some event makes a literal true: a SAT solver proposes, fields refuse, and the engine itself confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import repr_only
from engine.prove.circuit import FALSE, TRUE
from engine.prove.paths import ACCOUNT, BUCKET, KEY, RECIPIENT, ROLE, SESSION, TYPE
from engine.prove.questions import Conflict
from engine.prove.records import answers_of, record_of
from engine.prove.times import USUAL
from engine.prove.values import ValueFinder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from engine.model import Document, Record
    from engine.prove.circuit import Literal
    from engine.prove.fields import Fields
    from engine.prove.values import Values

MOST_ROUNDS: Final = 2_000
"""Proposals of the solver that are looked at for one literal."""
_MOST_DOUBTS: Final = 100
"""Records that turn out otherwise than proposed, for one literal."""


_USUALLY_THERE: Final = frozenset({ACCOUNT, BUCKET, KEY, RECIPIENT, ROLE, SESSION, TYPE, ("userAgent",), ("eventName",)})
"""Fields that have a value in nearly every record: one without it is proposed last."""


@repr_only("time")
class Witness(NamedTuple):
    """A record that makes a literal true, which was confirmed, and its time."""

    record: Record
    time: datetime


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
        self._axioms: dict[int, frozenset[int]] = {}
        """The axioms that are known to the solver, each with the variables in it."""
        self._doubts = 0

    def witness(self, literal: Literal, confirm: Callable[[Record, datetime], Document | None]) -> Witness | Unknown | None:
        """An event that makes a literal true; None where there is none; or why it is not known.

        `confirm` returns None where a record does what the literal says, else what the matchers see of it.
        """
        if literal == FALSE:
            return None
        doubt = self._fields.circuit.variable(("doubt", self._doubts))
        self._doubts += 1
        cone = self._add(literal)
        why: dict[str, None] = {}
        doubts = 0
        for _ in range(MOST_ROUNDS):
            if not self._solver.solve(assumptions=[literal, doubt]):
                return Unknown(tuple(why)) if why else None
            model = self._model(literal, cone)
            found = self._finder.conflicts_or_values(model)
            if isinstance(found, list):
                for conflict in found:
                    self._refuse(conflict, doubt, why)
                continue
            record = record_of(found)
            seen = confirm(record, found.time)
            if seen is None:
                return _smallest(found, confirm)
            doubts += 1
            conflict = self._otherwise(model, answers_of(self._fields, seen, found.time))
            if not conflict.literals or doubts > _MOST_DOUBTS:
                return Unknown((*why, conflict.why or "events that turn out otherwise"))
            self._refuse(conflict, doubt, why)
        return Unknown((*why, f"more than {MOST_ROUNDS} combinations"))

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
        absent = {field.null for path, field in self._fields.texts.items() if path not in _USUALLY_THERE}
        self._solver.set_phases([number if number in absent else -number for number in variables])
        return cone

    def _widen(self, cone: set[int]) -> None:
        """Adds what is true of the fields in a cone, and of those that this brings in."""
        circuit = self._fields.circuit
        left = {axiom: circuit.variables(axiom) for axiom in self._fields.axioms if axiom != TRUE}
        while more := [axiom for axiom, variables in left.items() if not cone.isdisjoint(variables)]:
            for axiom in more:
                cone |= left[axiom] | set(circuit.below(axiom))
                if axiom not in self._axioms:
                    self._axioms[axiom] = left[axiom]
                    self._solver.add_clause([axiom])
                del left[axiom]

    def _model(self, literal: Literal, cone: set[int]) -> dict[int, bool]:
        """The variables that suffice for a literal, and for what is true of the fields among them, with their values."""
        found = self._solver.get_model()
        model = {number: number <= len(found) and found[number - 1] > 0 for number in cone}
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
            paths = sorted(".".join(path) or "the whole event" for path in atom.paths)
            return [" with ".join(paths)]
        return [".".join(path) for path, field in self._fields.texts.items() if number in _numbers(field)]


def _smallest(values: Values, confirm: Callable[[Record, datetime], Document | None]) -> Witness:
    """A record with as few values out of the ordinary as will do."""
    for ordinary in ({"elsewhere": ()}, {"crossed": False}, {"time": USUAL}):
        fewer = values._replace(**ordinary)
        if fewer != values and confirm(record_of(fewer), fewer.time) is None:
            values = fewer
    for path in list(values.of_paths):
        fewer = values._replace(of_paths={other: value for other, value in values.of_paths.items() if other != path})
        if confirm(record_of(fewer), fewer.time) is None:
            values = fewer
    return Witness(record_of(values), values.time)


def _numbers(field: Any) -> set[int]:  # noqa: ANN401
    of_other = {number for answers in field.of_other for number in (answers.yes, answers.fails)}
    return {field.null, field.other, *(question.variable for question in field.questions.values()), *of_other}
