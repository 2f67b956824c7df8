"""Values of an event's fields that give the answers of a model; or literals of the model that no value can give together.

Each field is looked at by itself; fields that hold the same text are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.matching.formula import AtomFailure, evaluate
from engine.matching.relations import document_with
from engine.model import repr_only
from engine.prove import addresses
from engine.prove.other_values import is_flag, other_values
from engine.prove.paths import ACCOUNT, ARN, CLAIMS, HEADS, PRINCIPAL, ROLE, SESSION, SOURCE, TYPE, USER, head_of, own_path
from engine.prove.preferred import preferred_texts
from engine.prove.questions import Conflict, Question, TextFinder, Wanted, core, finite_question, text_question
from engine.prove.segments import SegmentQuestion
from engine.prove.times import critical_times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from engine.matching.formula import Atom, Result
    from engine.prove.fields import Fields, TextField, Times

    Candidate = tuple[str | None, Mapping[Atom, Result]]

    Path = tuple[str, ...]


@repr_only("elsewhere")
class Values(NamedTuple):
    """What a record is made of: values by path (facts among them), buckets that `resources` names besides, and the time."""

    of_paths: Mapping[Path, Any]
    crossed: bool | None
    elsewhere: tuple[str, ...]
    time: datetime


class ConflictFoundError(Exception):
    """Raised within this module alone, to leave the search for values."""

    def __init__(self, conflict: Conflict) -> None:
        super().__init__()
        self.conflict = conflict


class ValueFinder:
    """Finds values for the fields of a circuit, and remembers the texts that it found."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._texts = TextFinder()
        self._segments: dict[tuple[Question, str, int], Question] = {}
        self._only: dict[str, Question] = {}

    @property
    def steps(self) -> int:
        """The steps of automata that it took so far."""
        return self._texts.steps

    def conflicts_or_values(self, model: Mapping[int, bool]) -> list[Conflict] | Values:
        """Values for the answers in a model: the truth of each variable that matters. Where there are none, why not."""
        search = _Search(self, self._fields, model)
        return search.run()

    def segment(self, question: Question, separator: str, place: int) -> Question:
        """A question about one part of a text, as one about the whole."""
        key = (question, separator, place)
        if key not in self._segments:
            self._segments[key] = SegmentQuestion(question, separator, place)
        return self._segments[key]

    def begins(self, text: str) -> Question:
        """Whether a text begins with this one."""
        question = text_question(0, "prefix", text)
        assert question is not None  # noqa: S101  it is of a kind that is about texts
        return question

    def only(self, text: str) -> Question:
        """Whether a text is this one."""
        if text not in self._only:
            self._only[text] = finite_question(0, frozenset({text}))
        return self._only[text]

    def find(self, wanted: Sequence[Wanted], preferred: Sequence[str]) -> str:
        """A text that gives some answers. Raises `ConflictFoundError`."""
        found = self._texts.find(wanted, preferred)
        if isinstance(found, Conflict):
            raise ConflictFoundError(found)
        return found


class _Search:
    """The search for values for one model."""

    def __init__(self, finder: ValueFinder, fields: Fields, model: Mapping[int, bool]) -> None:
        self._finder = finder
        self._fields = fields
        self._model = model
        self._conflicts: list[Conflict] = []
        self._values: dict[Path, Any] = {}
        self._groups: dict[Path, list[Path]] = {}
        self._reasons: dict[Path, tuple[int, ...]] = {}

    def run(self) -> list[Conflict] | Values:
        for path, field in self._fields.texts.items():
            self._kind(path, field)
        self._merge()
        for group in {min(group): group for group in self._groups.values()}.values():
            self._attempt(lambda group=group: self._text_of(group))  # bound at once
        if not self._conflicts:
            self._attempt(self._different)
            self._attempt(self._identity)
        self._addresses()
        time = self._time()
        elsewhere = tuple(self._elsewhere())
        if self._conflicts or time is None:
            return self._conflicts
        return Values(self._values, self._crossed(), elsewhere, time)

    def _attempt(self, step: Any) -> None:  # noqa: ANN401  a step without arguments
        try:
            step()
        except ConflictFoundError as error:
            self._conflicts.append(error.conflict)

    # --- literals ----------------------------------------------------------------------------------------------------

    def _true(self, literal: int) -> bool | None:
        """Whether a literal is true; None where it does not matter."""
        value = self._model.get(abs(literal))
        return None if value is None else value is (literal > 0)

    def _literal(self, variable: int) -> int:
        """The literal of a variable that is true."""
        return variable if self._model[variable] else -variable

    def _known(self, variables: Iterable[int]) -> tuple[int, ...]:
        return tuple(self._literal(variable) for variable in variables if variable in self._model)

    def _matters(self, path: Path) -> bool:
        """Whether the field at a path has to have a value."""
        field = self._fields.texts.get(path)
        return field is not None and any(
            variable in self._model
            for variable in (field.null, field.other, *(question.variable for question in field.questions.values()))
        )

    def _is_text(self, path: Path) -> bool:
        return path in self._groups

    # --- kinds of values ---------------------------------------------------------------------------------------------

    def _kind(self, path: Path, field: TextField) -> None:
        if not self._matters(path):
            return
        if self._true(field.null):
            self._values[path] = None
        elif self._true(field.other):
            self._attempt(lambda: self._other(path, field))
        else:
            self._groups[path] = [path]

    def _other(self, path: Path, field: TextField) -> None:
        """A value that is neither null nor a text."""
        asked = [answers for answers in field.of_other if answers.yes in self._model or answers.fails in self._model]
        wrong: list[frozenset[int]] = []
        for value in other_values(field.path, [answers.atom for answers in asked]):
            against: set[int] = set()
            for answers in asked:
                result = evaluate(answers.atom, document_with({field.path: value}))
                fails = isinstance(result, AtomFailure)
                if answers.fails in self._model and self._true(answers.fails) is not fails:
                    against.add(self._literal(answers.fails))
                elif not fails and answers.yes in self._model and self._true(answers.yes) is not result:
                    against.add(self._literal(answers.yes))
            if not against:
                self._values[path] = value
                return
            wrong.append(frozenset(against))
        because = (*self._known([field.other]), *core(wrong))
        raise ConflictFoundError(Conflict(because, is_flag(field.path), f"values of {'.'.join(field.path)} that are no text"))

    # --- texts that are the same -------------------------------------------------------------------------------------

    def _merge(self) -> None:
        for literal, (one, other) in self._fields.equal.items():
            if self._true(literal) and self._is_text(one) and self._is_text(other):
                self._join(one, other, (literal,))

    def _join(self, one: Path, other: Path, because: tuple[int, ...]) -> None:
        group, more = self._groups[one], self._groups[other]
        reasons = {literal for path in (*group, *more) for literal in self._reasons.get(path, ())} | set(because)
        for path in (one, other):
            field = self._fields.texts[path]
            reasons |= set(self._known([field.null, field.other]))
        if group is not more:
            group += more
        for path in group:
            self._groups[path] = group
            self._reasons[path] = tuple(sorted(reasons))

    # --- texts -------------------------------------------------------------------------------------------------------

    def _wanted(self, group: Sequence[Path]) -> list[Wanted]:
        """The answers that are wanted of the one text of some fields."""
        reasons = self._reasons.get(group[0], ())
        return [
            Wanted(question, self._model[question.variable], (self._literal(question.variable), *reasons))
            for path in sorted(group)
            for question in self._fields.texts[path].questions.values()
            if question.variable in self._model
        ]

    def _text_of(self, group: Sequence[Path]) -> None:
        if any(own_path(key) in HEADS for key in group):
            return  # found last, as they hold the role and the session
        text = self._finder.find(self._wanted(group), preferred_texts(group))
        self._values.update(dict.fromkeys(group, text))

    def _different(self) -> None:
        """Texts that must not be the same."""
        for literal, (one, other) in self._fields.equal.items():
            if self._true(literal) is not False or not (self._is_text(one) and self._is_text(other)):
                continue
            if self._groups[one] is self._groups[other]:
                raise ConflictFoundError(Conflict((-literal, *self._reasons[one]), certain=True))
            if self._values[one] == self._values[other] and not (self._move(one, literal) or self._move(other, literal)):
                because = {
                    reason for path in (one, other) for entry in self._wanted(self._groups[path]) for reason in entry.because
                }
                fixed = self._is_fixed(one) and self._is_fixed(other)
                raise ConflictFoundError(Conflict((-literal, *because), fixed, "two texts that must not be the same"))

    def _move(self, path: Path, literal: int) -> bool:
        """Another text for a field than the one that it has."""
        group = self._groups[path]
        different = Wanted(self._finder.only(self._values[path]), answer=False, because=(-literal,))
        try:
            text = self._finder.find([*self._wanted(group), different], preferred_texts(group))
        except ConflictFoundError:
            return False
        self._values.update(dict.fromkeys(group, text))
        return True

    def _is_fixed(self, path: Path) -> bool:
        """Whether a field's answers leave it no other text."""
        group = self._groups[path]
        try:
            self._finder.find([*self._wanted(group), Wanted(self._finder.only(self._values[path]), answer=False, because=())], ())
        except ConflictFoundError as error:
            return error.conflict.certain
        return False

    # --- ARN and principal id ----------------------------------------------------------------------------------------

    def _identity(self) -> None:
        is_role = self._fields.texts[TYPE].equals("AssumedRole") if TYPE in self._fields.texts else None
        role = is_role is not None and self._fields.circuit.value(is_role, lambda number: self._model.get(number, False))
        if self._is_text(ARN):
            self._arn(role=role)
        if self._is_text(PRINCIPAL):
            self._principal(role=role)
        for path in HEADS:
            key = (CLAIMS, *path)
            if self._is_text(key):
                self._values[key] = self._behind_head(path, key) if role else self._values[path]

    def _parts(self, path: Path, separator: str, place: int) -> list[Wanted]:
        """What is wanted of a role or a session, as a part of a longer text."""
        wanted = self._wanted(self._groups[path]) if self._is_text(path) else []
        return [Wanted(self._finder.segment(entry.question, separator, place), entry.answer, entry.because) for entry in wanted]

    def _arn(self, *, role: bool) -> None:
        wanted = self._wanted(self._groups[ARN])
        account = self._values.get(ACCOUNT) or "111122223333"
        if not role:
            name = self._values.get(USER) or "alice"
            self._values[ARN] = self._finder.find(wanted, [f"arn:aws:iam::{account}:user/{name}", f"arn:aws:iam::{account}:root"])
            return
        names = self._values.get(ROLE) or "app", self._values.get(SESSION) or "app-1"
        wanted += [*self._parts(ROLE, "/", 1), *self._parts(SESSION, "/", 2)]
        arn = self._finder.find(wanted, [f"arn:aws:sts::{account}:assumed-role/{names[0]}/{names[1]}"])
        self._values[ARN] = arn
        _, *parts = arn.split("/")
        for path, text in zip((ROLE, SESSION), parts, strict=False):
            self._values.update(dict.fromkeys(self._groups.get(path, [path]), text))

    def _principal(self, *, role: bool) -> None:
        wanted = self._wanted(self._groups[PRINCIPAL])
        if not role:
            self._values[PRINCIPAL] = self._finder.find(wanted, ["AIDAEXAMPLEEXAMPLEEXA"])
            return
        session = self._values.get(SESSION) or "app-1"
        usual = [f"AROAEXAMPLEEXAMPLEEXA:{session}"]
        self._finder.find(wanted, usual)
        try:
            found = self._finder.find([*wanted, *self._parts(SESSION, ":", 1)], usual)
        except ConflictFoundError as error:  # roles of AWS itself: `111122223333:aws:ec2-instance:i-0123456789abcdef0`
            why = "a principal id that does not name the session"
            raise ConflictFoundError(error.conflict._replace(certain=False, why=why)) from None
        self._values[PRINCIPAL] = found
        if ARN not in self._values or self._values[ARN] is None:
            self._values.update(dict.fromkeys(self._groups.get(SESSION, [SESSION]), found.partition(":")[2]))

    def _behind_head(self, path: Path, key: Path) -> str:
        """The ARN or the principal id of a role whose caller claims another session: what AWS wrote of it stays."""
        separator, place = HEADS[path]
        head = head_of(path, self._values.get(path) or self._usual(path))
        session = self._values.get((CLAIMS, *SESSION)) or self._values.get(SESSION) or "app-1"
        begins = Wanted(self._finder.begins(head), answer=True, because=())
        wanted = [*self._wanted(self._groups[key]), *self._parts((CLAIMS, *SESSION), separator, place), begins]
        try:
            text = self._finder.find(wanted, [head + session])
        except ConflictFoundError as error:
            why = f"{'.'.join(path)} of which a part is claimed"
            raise ConflictFoundError(error.conflict._replace(certain=False, why=why)) from None
        names = self._groups.get((CLAIMS, *SESSION), [(CLAIMS, *SESSION)])
        self._values.update(dict.fromkeys(names, text.removeprefix(head)))
        return text

    def _usual(self, path: Path) -> str:
        """What a record has at this path where nothing is asked of it."""
        if path == PRINCIPAL:
            return "AROAEXAMPLEEXAMPLEEXA:app-1"
        account, role = self._values.get(ACCOUNT) or "111122223333", self._values.get(ROLE) or "app"
        return f"arn:aws:sts::{account}:assumed-role/{role}/app-1"

    # --- the rest ----------------------------------------------------------------------------------------------------

    def _crossed(self) -> bool | None:
        crossing = self._fields.crossing()
        return None if self._true(crossing.unknown) else bool(self._true(crossing.yes))

    def _addresses(self) -> None:
        """A value of `sourceIPAddress`, where anything asks for one, for each event."""
        known, claimed = self._fields.addresses, self._fields.claimed
        asked = {number: atom for number, atom in known.items() if number in self._model}
        candidates = list(addresses.candidates(known.values()))
        for key in (SOURCE, (CLAIMS, *SOURCE)):
            of_event = {number: atom for number, atom in asked.items() if (number in claimed) is (key != SOURCE)}
            if of_event:
                self._address(key, of_event, candidates)
                # The second event has the same address, if that will do.
                candidates.sort(key=lambda candidate: candidate[0] != self._values.get(SOURCE))

    def _address(self, key: Path, asked: Mapping[int, Atom], candidates: Sequence[Candidate]) -> None:
        wrong: list[frozenset[int]] = []
        for value, answers in candidates:
            against = frozenset(
                self._literal(number)
                for number, atom in asked.items()
                if addresses.answer(answers[atom], of_failure=number in self._fields.failures) is not self._model[number]
            )
            if not against:
                self._values[key] = value
                return
            wrong.append(against)
        literals = core(wrong)
        certain = addresses.is_complete(asked[abs(literal)] for literal in literals)
        self._conflicts.append(Conflict(literals, certain, "patterns over addresses"))

    def _time(self) -> datetime | None:
        asked = [question for question in self._fields.times.values() if question.variable in self._model]
        wrong: list[frozenset[int]] = []
        for time in critical_times(tuple(question.edges for question in asked)):
            against = self._against(asked, time)
            if not against:
                return time
            wrong.append(against)
        self._conflicts.append(Conflict(core(wrong), certain=True))
        return None

    def _against(self, questions: Iterable[Times], time: datetime) -> frozenset[int]:
        return frozenset(
            self._literal(question.variable)
            for question in questions
            if question.is_in(time) is not self._model[question.variable]
        )

    def _elsewhere(self) -> Iterator[str]:
        """Buckets that `resources` names besides: one in each scope that is said to be named there, and in no other."""
        asked = [question for literal, question in self._fields.elsewhere.items() if literal in self._model]
        others = [
            Wanted(question, answer=False, because=(-question.variable,))
            for question in asked
            if not self._model[question.variable]
        ]
        for question in asked:
            if self._model[question.variable]:
                try:
                    yield self._finder.find([Wanted(question, answer=True, because=(question.variable,)), *others], ())
                except ConflictFoundError as error:
                    self._conflicts.append(error.conflict)
