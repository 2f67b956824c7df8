"""Boolean formulas as a circuit of shared gates: numbers for literals, as SAT solvers take them.

A literal is a number, its negation the negative number. `TRUE` is 1, `FALSE` is -1. A gate is the conjunction of literals; a
disjunction is the negation of one. Equal gates are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

Literal: TypeAlias = int
Clause: TypeAlias = "list[int]"

TRUE: Final = 1
FALSE: Final = -1


class Circuit:
    """A set of gates over variables, each of which has a key."""

    def __init__(self) -> None:
        self._count = 1
        self._variables: dict[Hashable, int] = {}
        self._gates: dict[tuple[int, ...], int] = {}
        self.parts: dict[int, tuple[int, ...]] = {}
        """The literals of each gate."""

    @property
    def size(self) -> int:
        """The largest number in use."""
        return self._count

    def _next(self) -> int:
        self._count += 1
        return self._count

    def variable(self, key: Hashable) -> Literal:
        """The variable of a key."""
        if key not in self._variables:
            self._variables[key] = self._next()
        return self._variables[key]

    def all_of(self, literals: Iterable[Literal]) -> Literal:
        """A literal that is true where all of some literals are."""
        unique: set[int] = set()
        for literal in literals:
            if literal == FALSE or -literal in unique:
                return FALSE
            if literal != TRUE:
                unique.add(literal)
        if len(unique) <= 1:
            return unique.pop() if unique else TRUE
        parts = tuple(sorted(unique))
        if parts not in self._gates:
            self._gates[parts] = gate = self._next()
            self.parts[gate] = parts
        return self._gates[parts]

    def any_of(self, literals: Iterable[Literal]) -> Literal:
        """A literal that is true where one of some literals is."""
        return -self.all_of(-literal for literal in literals)

    def same(self, one: Literal, other: Literal) -> Literal:
        """A literal that is true where both have the same value."""
        return self.any_of([self.all_of([one, other]), self.all_of([-one, -other])])

    def below(self, literal: Literal) -> Iterator[int]:
        """The gates and variables that a literal depends on, and itself."""
        known: set[int] = set()
        pending = [abs(literal)]
        while pending:
            number = pending.pop()
            if number in known:
                continue
            known.add(number)
            yield number
            pending.extend(abs(part) for part in self.parts.get(number, ()))

    def variables(self, literal: Literal) -> frozenset[int]:
        """The variables that a literal depends on."""
        return frozenset(number for number in self.below(literal) if number not in self.parts and number != TRUE)

    def clauses(self, gate: int) -> Iterator[Clause]:
        """What a gate means, as clauses; none for a variable."""
        parts = self.parts.get(gate)
        if parts is None:
            return
        yield from ([-gate, part] for part in parts)
        yield [gate, *(-part for part in parts)]

    def reasons(self, literal: Literal, model: Sequence[bool], reasons: dict[int, bool]) -> None:
        """Adds to `reasons` variables that suffice for a literal to be true, with their values in a model in which it is.

        Where one of several does, one that is among them already is taken, else a variable rather than a gate.
        """
        pending = [literal]
        while pending:
            wanted = pending.pop()
            number = abs(wanted)
            if number == TRUE or number in reasons:
                continue
            parts = self.parts.get(number)
            reasons[number] = wanted > 0
            if parts is None:
                continue
            if wanted > 0:
                pending += parts
            else:
                wrong = [-part for part in parts if model[abs(part)] is not (part > 0)]
                pending.append(min(wrong, key=lambda part: self._effort(part, reasons)))

    def _effort(self, literal: Literal, reasons: Mapping[int, bool]) -> tuple[int, int]:
        number = abs(literal)
        if number in reasons:
            return 0, 0
        if number not in self.parts:
            return (1, 0) if literal < 0 else (2, 0)
        return 3, len(self.parts[number]) if literal > 0 else 1

    def value(self, literal: Literal, of_variable: Callable[[int], bool]) -> bool:
        """The value of a literal by the values of the variables."""
        values: dict[int, bool] = {TRUE: True}
        pending = [abs(literal)]
        while pending:
            number = pending[-1]
            if number in values:
                pending.pop()
                continue
            parts = self.parts.get(number)
            if parts is None:
                values[number] = of_variable(number)
                continue
            missing = [abs(part) for part in parts if abs(part) not in values]
            if missing:
                pending += missing
            else:
                values[number] = all(values[abs(part)] is (part > 0) for part in parts)
        return values[abs(literal)] is (literal > 0)
