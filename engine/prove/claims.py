"""Two events that differ in nothing but what their caller claims: the second one's fields, values and record.

What is no claim is one field of both events (`policy.provenance` says what is one). A claimed field of the second event has a
field of its own, under a key that begins with `CLAIMS`. So one circuit is about both, and one model gives both records.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from engine.matching.checks import Trees
from engine.matching.formula import Atom, formula_of
from engine.matching.globs import shape
from engine.pipeline.facts import derive_facts, source_of
from engine.policy.fact_layout import FACT_TYPES, TARGET
from engine.policy.provenance import TABLE, Provenance, row_of
from engine.prove.fields import AtomAnswer, Fields, TextField
from engine.prove.paths import CLAIMS, CLASS_FACTS, HEADS, NAME, SESSION, TYPE, USER, head_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from engine.model import Record
    from engine.prove.circuit import Literal
    from engine.prove.fields import Crossing
    from engine.prove.values import Values

    Path = tuple[str, ...]

_PARAMETERS: Final = ("requestParameters",)
_CLAIMED_ADDRESSES: Final = ("source.private", "source.kind == 'none'")
"""Private addresses can be chosen, and lists of addresses are a header of the request. A list is of no kind."""


# --- what is a claim ------------------------------------------------------------------------------------------------------


@cache
def is_shared(path: Path) -> bool:
    """Whether both events have the same value at a path and below it."""
    below = (row for name, row in TABLE.items() if name[: len(path)] == path)
    return path not in CLASS_FACTS and all(
        Provenance.CLAIMED not in (row.provenance, row.otherwise) for row in (row_of(path), *below)
    )


def differ_in_claims_alone(one: Record, other: Record) -> bool:
    """Whether the caller of the first record can have made it the second one by claiming otherwise."""
    if derive_facts(one)[TARGET] != derive_facts(other)[TARGET]:
        return False
    first, second = dict(_leaves(one, ())), dict(_leaves(other, ()))
    return all(_may_differ(path, first, second) for path in _differing(first, second))


def claimed_paths(one: Record, other: Record) -> list[str]:
    """The names of the fields in which two records differ."""
    return [".".join(path) for path in _differing(dict(_leaves(one, ())), dict(_leaves(other, ())))]


def _differing(first: Mapping[Path, Any], second: Mapping[Path, Any]) -> list[Path]:
    return [path for path in dict.fromkeys((*first, *second)) if first.get(path) != second.get(path)]


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401  any JSON value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif value is not None:
        yield path, value


def _may_differ(path: Path, first: Mapping[Path, Any], second: Mapping[Path, Any]) -> bool:
    """Whether a caller can choose another value, of whatever kind, for a field of a record."""
    if path in HEADS:
        texts = first.get(path), second.get(path)
        is_role = first.get(TYPE) == "AssumedRole" and all(isinstance(text, str) for text in texts)
        return is_role and len({head_of(path, str(text)) for text in texts}) == 1
    if path == USER:
        return first.get(TYPE) != "IAMUser"
    if path == ("sourceIPAddress",):
        text = second.get(path)
        return source_of(text)[2] is True or (isinstance(text, str) and "," in text)
    return row_of(path).provenance is Provenance.CLAIMED


# --- the fields -----------------------------------------------------------------------------------------------------------


class OtherClaims(Fields):
    """The fields of a second event, of which the caller claims otherwise. It adds to the circuit and the fields of the first."""

    def __init__(self, first: Fields) -> None:
        super().__init__(first.circuit, first.axioms_of)
        self._first = first
        self.texts, self.equal = first.texts, first.equal
        self.guesses, self.addresses = first.guesses, first.addresses
        self.failures, self.claimed = first.failures, first.claimed
        self.times, self.elsewhere, self.axioms = first.times, first.elsewhere, first.axioms

    def key_of(self, path: Path) -> Path:
        """The key of a path in `texts`."""
        return path if is_shared(path) else (CLAIMS, *path)

    def text(self, path: Path) -> TextField:
        """The field at a path."""
        if is_shared(path):
            return self._first.text(path)
        known = self.texts.get(self.key_of(path))
        return known or self._added(path)

    def _added(self, path: Path) -> TextField:
        first, field = self._first.text(path), super().text(path)
        if path in HEADS:
            self.axioms += [self.circuit.same(first.null, field.null), self.circuit.same(first.other, field.other)]
            self.axioms.append(self.circuit.any_of([self.text(TYPE).equals("AssumedRole"), self._as_first(path)]))
        if path == USER:
            self.axioms.append(self.circuit.any_of([-self.text(TYPE).equals("IAMUser"), self._as_first(path)]))
        return field

    def _field(self, path: Path) -> TextField:
        key = self.key_of(path)
        if path in HEADS:
            return _BehindHead(path, self.circuit, key, self._first.text(path))
        return TextField(path, self.circuit, key)

    def _as_first(self, path: Path) -> Literal:
        """Whether both events have the same value, where it is null or a text."""
        first, field = self._first.text(path), self.texts[self.key_of(path)]
        same = self.circuit.variable(("same", path, field.key))
        self.equal[same] = (path, field.key)
        null = self.circuit.all_of([first.null, field.null])
        text = self.circuit.all_of([first.text, field.text, same])
        return self.circuit.any_of([null, text, self.circuit.all_of([first.other, field.other])])

    def crossing(self) -> Crossing:
        """Whether the caller's account is another one than the bucket's."""
        return self._first.crossing()

    def _variables(self, atom: Atom, about: tuple[object, ...], atoms: dict[int, Atom], *, may_fail: bool) -> AtomAnswer:
        """The answer of an atom as variables of its own, which are noted in `atoms`."""
        if atom.paths and all(map(is_shared, atom.paths)):
            return self._first._variables(atom, about, atoms, may_fail=may_fail)  # noqa: SLF001  the same class
        answer = super()._variables(atom, (CLAIMS, *about), atoms, may_fail=may_fail)
        self.claimed |= {abs(number) for number in self.circuit.variables(answer.yes) | self.circuit.variables(answer.fails)}
        return answer

    def _address(self, atom: Atom) -> AtomAnswer:
        own, first = super()._address(atom), self._first._address(atom)  # noqa: SLF001  the same class
        chosen = self.circuit.any_of(super(OtherClaims, self)._address(claim).yes for claim in _claims_of_address())
        for mine, its in zip(own, first, strict=True):
            self.axioms.append(self.circuit.any_of([chosen, self.circuit.same(mine, its)]))
        return own


class _BehindHead(TextField):
    """A role's ARN or principal id in the second event: a question that the part before the session name answers is shared."""

    def __init__(self, path: Path, circuit: Any, key: Path, first: TextField) -> None:  # noqa: ANN401
        super().__init__(path, circuit, key)
        self._first = first

    def question(self, key: Any, make: Callable[[int], Any]) -> Literal:  # noqa: ANN401  as in the class above
        """The literal of a question about the text; it means nothing where the value is none."""
        if key in self.questions or not self._asks_head(*key[:2]):
            return super().question(key, make)
        literal = self._first.question(key, make)
        self.questions[key] = self._first.questions[key]
        return literal

    def _asks_head(self, kind: object, text: object) -> bool:
        if not isinstance(text, str) or kind not in ("prefix", "glob"):
            return False
        if kind == "glob":
            kind, text = shape(text)
        separator, count = HEADS[self.path]
        found = text.count(separator)
        return kind == "prefix" and (found < count or (found == count and text.endswith(separator)))


@cache
def _claims_of_address() -> tuple[Atom, ...]:
    trees = Trees()
    atoms = [formula_of([trees[expression]], FACT_TYPES) for expression in _CLAIMED_ADDRESSES]
    return tuple(atom for atom in atoms if isinstance(atom, Atom))


# --- values ---------------------------------------------------------------------------------------------------------------


def of_first(values: Values) -> Values:
    """The values of the first event."""
    return values._replace(of_paths={path: value for path, value in values.of_paths.items() if path[0] != CLAIMS})


def of_second(values: Values) -> Values:
    """The values of the second event: its own, and the first one's where nothing is asked of its own."""
    own = {key[1:]: value for key, value in values.of_paths.items() if key[0] == CLAIMS}
    if own.get(_PARAMETERS, ...) is None:  # bucket and key stand there, and are no claims
        del own[_PARAMETERS]
    inherited = of_first(values).of_paths
    behind = (text.removeprefix(head_of(path, text)) for path in HEADS if (text := own.get(path)))
    session = own.get(SESSION) or own.get(NAME) or next(behind, None)
    if session is not None and inherited.get(TYPE, "AssumedRole") == "AssumedRole":
        kept = {path: value for path, value in inherited.items() if path not in (SESSION, NAME)}
        heads = {path: head_of(path, kept[path]) + session for path in HEADS if kept.get(path)}
        inherited = {**kept, **heads, SESSION: session}
    return values._replace(of_paths={**inherited, **own})
