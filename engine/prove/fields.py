"""Atoms as literals of a circuit: what each one answers by the kinds of value that its field may have.

The value of a field is null, a text, or something else (`other`: a flag, a number, a list, an object), as CloudTrail's table of
fields allows. Facts are fields of their own, tied to those they are derived from by clauses here and by `values`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.lint.fields import FIELD_TYPES
from engine.matching.formula import AtomFailure, evaluate
from engine.matching.relations import document_with
from engine.matching.spelling import written
from engine.matching.tree import field_path
from engine.pipeline.facts import ACCESS_KINDS, DENIED_CODES
from engine.prove import addresses
from engine.prove.circuit import FALSE, TRUE
from engine.prove.paths import (
    ACCOUNT,
    BUCKET,
    CLASS_FACTS,
    COPY_BUCKET,
    CROSS_ACCOUNT,
    ERROR_CODE,
    EVENT_NAME,
    FACT_TEXTS,
    RECIPIENT,
    SAME_TEXT,
    SOURCE,
    SOURCE_FACTS,
    TYPE,
)
from engine.prove.questions import Question, ScopeQuestion, finite_question, text_question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from engine.matching.formula import Atom, Result
    from engine.policy.scopes import BucketScope
    from engine.prove.circuit import Circuit, Literal
    from engine.prove.times import Edges

    Path = tuple[str, ...]

_WHOLE: Final = frozenset({("actor",), ("copy",), ("source",), ("access",)})
_LISTED: Final = frozenset({"resources", "eventTime"})
"""What records are made with, by other answers: an atom about it is a guess."""
_HEADERS: Final = ("x-", "X-", "response-")
_HEADERS_AS_LISTS: Final = frozenset({"x-amz-acl"})
"""Headers that CloudTrail writes as a list where the call is one of management, such as `PutBucketAcl`."""


class AtomAnswer(NamedTuple):
    """When an atom says yes, and when it fails."""

    yes: Literal
    fails: Literal


class Crossing(NamedTuple):
    """Whether the caller's account is known to be another one than the bucket's, and whether that is not known."""

    yes: Literal
    unknown: Literal


class OtherAnswers(NamedTuple):
    """An atom about a value that is neither null nor a text: the literals of its yes and of its failure for such a value."""

    atom: Atom
    yes: Literal
    fails: Literal


class TextField:
    """A field whose value may be a text: the literals that say what kind of value it has, and the questions about the text."""

    def __init__(self, path: Path, circuit: Circuit, key: Path | None = None) -> None:
        self.path = path
        self.key = key or path
        """The path by which `Fields.texts` has it: another one than its own where the field is of a second event."""
        self._circuit = circuit
        self.null = circuit.variable((self.key, "null"))
        self.other = circuit.variable((self.key, "other"))
        self.questions: dict[object, Question] = {}
        self.of_other: list[OtherAnswers] = []

    @property
    def text(self) -> Literal:
        """Whether the value is a text."""
        return self._circuit.all_of([-self.null, -self.other])

    def question(self, key: object, make: Callable[[int], Question]) -> Literal:
        """The literal of a question about the text; it means nothing where the value is none."""
        if key not in self.questions:
            self.questions[key] = make(self._circuit.variable((self.key, key)))
        return self.questions[key].variable

    def asks(self, kind: str, value: str) -> Literal:
        """The literal of a question of an atom's kind about the text."""
        return self.question((kind, value), _maker(kind, value))

    def equals(self, *texts: str) -> Literal:
        """Whether the value is one of some texts."""
        names = frozenset(texts)
        return self._circuit.all_of([self.text, self.question(("in", names), lambda number: finite_question(number, names))])


class Times(NamedTuple):
    """A question about an event's time: `is_in` says whether a time is among those that it is about."""

    variable: int
    is_in: Callable[[datetime], bool]
    edges: Edges


class Fields:
    """The fields of the events that a circuit is about, made as they are asked of, and what is true of every event.

    `axioms_of` says it of each field.
    """

    def __init__(self, circuit: Circuit, axioms_of: Callable[[Fields, TextField], Iterable[Literal]]) -> None:
        self.circuit = circuit
        self.axioms_of = axioms_of
        self.texts: dict[Path, TextField] = {}
        self.equal: dict[int, tuple[Path, Path]] = {}
        """The literals that two texts are the same, and their paths."""
        self.guesses: dict[int, Atom] = {}
        """Literals of atoms about several fields, or about the document: what they say is not understood."""
        self.addresses: dict[int, Atom] = {}
        """The literals of atoms about the source address."""
        self.failures: set[int] = set()
        """Those of `guesses` and `addresses` that say that an atom fails; the others say that it answers yes."""
        self.claimed: set[int] = set()
        """Those of `guesses` and `addresses` that are about a second event, which `claims.OtherClaims` adds."""
        self.times: dict[Edges, Times] = {}
        self.elsewhere: dict[int, ScopeQuestion] = {}
        """The literals that `resources` names another bucket of a policy's scope, with the question about that bucket."""
        self._crossing: Crossing | None = None
        self.axioms: list[Literal] = []
        """What is true of every event."""

    # --- fields ------------------------------------------------------------------------------------------------------

    def key_of(self, path: Path) -> Path:
        """The key of a path in `texts`."""
        return path

    def text(self, path: Path) -> TextField:
        """The field at a path."""
        key = self.key_of(path)
        field = self.texts.get(key)
        if field is None:
            field = self.texts[key] = self._field(path)
            self.axioms += [self.circuit.any_of([-field.null, -field.other]), *self._kinds(field)]
            self.axioms += self.axioms_of(self, field)
        return field

    def _field(self, path: Path) -> TextField:
        """A new field for a path."""
        return TextField(path, self.circuit)

    def _kinds(self, field: TextField) -> Iterable[Literal]:
        """What the table of fields says of the kinds of value that a field has."""
        path = field.path
        known = None if path in FACT_TEXTS else FIELD_TYPES.get(path)
        if path in FACT_TEXTS or (known is None and _is_header(path)):
            yield -field.other
        elif known is not None:
            if known <= {"string", "null"}:
                yield -field.other
            if "string" not in known:
                yield self.circuit.any_of([field.null, field.other])
            if "null" not in known:
                yield -field.null

    # --- atoms -------------------------------------------------------------------------------------------------------

    def answer(self, atom: Atom) -> AtomAnswer:
        """When an atom says yes and when it fails. Not for atoms about the class alone: those depend on who decided."""
        path = atom.path
        if path is None or path in _WHOLE or path[0] in _LISTED:
            return self._several(atom)
        if path in SAME_TEXT:
            return self._same_text(atom, self.text(SAME_TEXT[path]))
        if path in SOURCE_FACTS or path == SOURCE:
            return self._address(atom)
        values = self._few_values(path)
        return self._of_text(atom, self.text(path)) if values is None else self.by_values(atom, values)

    def _few_values(self, path: Path) -> dict[Any, Literal] | None:
        """The values of a fact that has few, each with the literal that it is this one; None for any other path."""
        if path == CROSS_ACCOUNT:
            crossing = self.crossing()
            neither = self.circuit.all_of([-crossing.yes, -crossing.unknown])
            return {True: crossing.yes, False: neither, None: crossing.unknown}
        if path == ("access", "denied"):
            return {True: self._denied(), False: -self._denied()}
        return self._access_kinds() if path == ("access", "kind") else None

    def _of_text(self, atom: Atom, field: TextField) -> AtomAnswer:
        """An atom about a field: by null, by the text, by any other value."""
        circuit, null = self.circuit, _of_value(atom, None)
        yes, fails = [], []
        if null is True:
            yes.append(field.null)
        elif isinstance(null, AtomFailure):
            fails.append(field.null)
        text = self._question(atom, field)
        yes.append(circuit.all_of([field.text, text.yes]))
        fails.append(circuit.all_of([field.text, text.fails]))
        key = ("other", atom.kind, atom.value, atom.exact)
        other = OtherAnswers(atom, circuit.variable((field.key, key, "yes")), circuit.variable((field.key, key, "fails")))
        if other not in field.of_other:
            field.of_other.append(other)
        yes.append(circuit.all_of([field.other, other.yes, -other.fails]))
        fails.append(circuit.all_of([field.other, other.fails]))
        return AtomAnswer(circuit.any_of(yes), circuit.any_of(fails))

    def _question(self, atom: Atom, field: TextField) -> AtomAnswer:
        """An atom about a text."""
        if atom.kind in ("true", "false") or (atom.kind == "is" and not isinstance(atom.value, str)):
            return AtomAnswer(FALSE, FALSE)
        if atom.kind == "truthy":
            return AtomAnswer(
                -field.question(("in", frozenset({""})), lambda number: finite_question(number, frozenset({""}))), FALSE
            )
        key, make = (atom.kind, atom.value), _maker(atom.kind, atom.value)
        if atom.kind == "is":
            key = ("in", frozenset({atom.value}))
        if atom.kind != "other":
            return AtomAnswer(field.question(key, make), FALSE)
        name = f"`{written(atom.node)}`"
        yes = field.question(
            (*key, atom.exact, "yes"), lambda number: Question(number, lambda text: _of_value(atom, text) is True, name=name)
        )
        if not atom.may_fail:
            return AtomAnswer(yes, FALSE)
        fails = field.question(
            (*key, atom.exact, "fails"),
            lambda number: Question(number, lambda text: isinstance(_of_value(atom, text), AtomFailure), name=name),
        )
        return AtomAnswer(self.circuit.all_of([yes, -fails]), fails)

    def _same_text(self, atom: Atom, field: TextField) -> AtomAnswer:
        """An atom about a fact that is the text of a field, null where that is empty or no text."""
        null = self.circuit.any_of([-field.text, field.equals("")])
        of_null, of_text = _of_value(atom, None), self._question(atom, field)
        yes = [self.circuit.all_of([-null, of_text.yes]), *([null] if of_null is True else [])]
        fails = [self.circuit.all_of([-null, of_text.fails]), *([null] if isinstance(of_null, AtomFailure) else [])]
        return AtomAnswer(self.circuit.any_of(yes), self.circuit.any_of(fails))

    def by_values(self, atom: Atom, values: dict[Any, Literal]) -> AtomAnswer:
        """An atom about what has few values, each with the literal that says that it is this one."""
        results = [(_of_value(atom, value), literal) for value, literal in values.items()]
        return AtomAnswer(
            self.circuit.any_of(literal for result, literal in results if result is True),
            self.circuit.any_of(literal for result, literal in results if isinstance(result, AtomFailure)),
        )

    def _several(self, atom: Atom) -> AtomAnswer:
        """An atom about several fields: whether two texts are the same is understood, anything else is a guess."""
        pair = _compared(atom)
        if pair is not None:
            return AtomAnswer(self.same_texts(*pair), FALSE)
        return self._variables(atom, ("guess", atom.paths), self.guesses, may_fail=atom.may_fail)

    def _variables(self, atom: Atom, about: tuple[object, ...], atoms: dict[int, Atom], *, may_fail: bool) -> AtomAnswer:
        """The answer of an atom as variables of its own, which are noted in `atoms`."""
        key = (*about, atom.kind, atom.value, atom.exact)
        yes = self.circuit.variable((key, "yes"))
        atoms[yes] = atom
        if not may_fail:
            return AtomAnswer(yes, FALSE)
        fails = self.circuit.variable((key, "fails"))
        atoms[fails] = atom
        self.failures.add(fails)
        return AtomAnswer(self.circuit.all_of([yes, -fails]), fails)

    # --- facts of few values -----------------------------------------------------------------------------------------

    def crossing(self) -> Crossing:
        """Whether the caller's account is another one than the bucket's: see `facts.target.crossing_of`."""
        if self._crossing is None:
            variable = self.circuit.variable
            self._crossing = Crossing(variable((CROSS_ACCOUNT, True)), variable((CROSS_ACCOUNT, None)))
            self._tie_accounts(self._crossing)
        return self._crossing

    def _tie_accounts(self, crossing: Crossing) -> None:
        any_of, all_of = self.circuit.any_of, self.circuit.all_of
        service, account, recipient = self.text(TYPE).equals("AWSService"), self.text(ACCOUNT), self.text(RECIPIENT)
        nobody = any_of([-account.text, account.equals("")])
        within = all_of([-service, -crossing.yes, -crossing.unknown, -self.text(COPY_BUCKET).null])
        same = self.same_text(ACCOUNT, RECIPIENT)
        self.axioms += [
            any_of([-crossing.yes, -crossing.unknown]),
            any_of([-service, all_of([-crossing.yes, -crossing.unknown])]),
            any_of([service, -nobody, crossing.unknown]),
            any_of([-crossing.unknown, nobody, -recipient.text, recipient.equals(""), same]),
            any_of([-within, all_of([recipient.text, same])]),
        ]

    def same_texts(self, one: Path, other: Path) -> Literal:
        """Whether two fields have the same value, where each is null or a text."""
        first, second = self.text(one), self.text(other)
        same = self.circuit.all_of([first.text, second.text, self.same_text(one, other)])
        return self.circuit.any_of([self.circuit.all_of([first.null, second.null]), same])

    def same_text(self, one: Path, other: Path) -> Literal:
        """Whether two fields have the same text, where both have one."""
        keys = self.key_of(one), self.key_of(other)
        pair = (min(keys), max(keys))
        literal = self.circuit.variable(("same", *pair))
        self.equal[literal] = pair
        return literal

    def _denied(self) -> Literal:
        field = self.text(ERROR_CODE)
        codes = frozenset(code for name in DENIED_CODES for code in (name, f"Client.{name}"))
        return self.circuit.all_of([field.text, field.question("denied", lambda number: finite_question(number, codes))])

    def _access_kinds(self) -> dict[Any, Literal]:
        """When an event's name is of each kind of access."""
        field = self.text(EVENT_NAME)
        kinds: dict[Any, Literal] = {}
        earlier: list[Literal] = [TRUE]
        for kind, prefixes in ACCESS_KINDS:
            begins = self.circuit.any_of(field.asks("prefix", prefix) for prefix in prefixes)
            kinds[kind] = self.circuit.all_of([field.text, begins, *earlier])
            earlier.append(-begins)
        kinds["other"] = self.circuit.any_of([-field.text, self.circuit.all_of(earlier)])
        return kinds

    def _address(self, atom: Atom) -> AtomAnswer:
        return self._variables(atom, ("address", atom.path), self.addresses, may_fail=addresses.may_fail(atom))

    # --- time and place ----------------------------------------------------------------------------------------------

    def time(self, edges: Edges, is_in: Callable[[datetime], bool]) -> Literal:
        """Whether an event's time is among some, which `edges` tell apart from the others."""
        if edges not in self.times:
            self.times[edges] = Times(self.circuit.variable(("time", edges)), is_in, edges)
        return self.times[edges].variable

    def named_elsewhere(self, scope: BucketScope) -> Literal:
        """Whether `resources` names a bucket of a scope, beside the request's and the copy's."""
        literal = self.circuit.variable(("elsewhere", scope))
        if literal not in self.elsewhere:
            self.elsewhere[literal] = ScopeQuestion(literal, scope)
            self.axioms.append(self.circuit.any_of([-literal, -self.text(BUCKET).null]))
        return literal


def _maker(kind: str, value: Any) -> Callable[[int], Question]:  # noqa: ANN401  a text or a set of texts
    def make(number: int) -> Question:
        question = text_question(number, kind, value)
        assert question is not None, kind  # noqa: S101  every kind that is understood asks of texts
        return question

    return make


def _of_value(atom: Atom, value: Any) -> Result:  # noqa: ANN401  any JSON value
    return evaluate(atom, document_with({atom.path or (): value}))


def _is_header(path: Path) -> bool:
    """Whether this is a header or a parameter of a request that is always a text."""
    is_text = len(path) > 1 and path[1].startswith(_HEADERS) and path[1] not in _HEADERS_AS_LISTS
    return is_text and path[0] == "requestParameters"


def _compared(atom: Atom) -> tuple[Path, Path] | None:
    """The two texts that an atom compares for equality; None where it asks anything else."""
    node = atom.node
    if node.kind != "comparator" or node.value != "eq":
        return None
    one, other = (field_path(child) for child in node.children)
    if one is None or other is None:
        return None
    both = all(path in FACT_TEXTS or (FIELD_TYPES.get(path) or frozenset({"any"})) <= {"string", "null"} for path in (one, other))
    aside = {*CLASS_FACTS, *SOURCE_FACTS, *SAME_TEXT, SOURCE, ("access", "kind")}
    return (min(one, other), max(one, other)) if both and one != other and not aside & {one, other} else None
