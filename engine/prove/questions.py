"""Questions about one text, and a text that gives the answers that are wanted, or the proof that there is none."""

from __future__ import annotations

from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import ExpressionError, HardPatternError
from engine.matching.globs import glob, glob_test
from engine.matching.networks import cidr_test
from engine.matching.regexes import regex_test
from engine.prove.automata import MOST_STEPS, Automaton, Difference, TextSet, common_text
from engine.prove.patterns import ANY_TEXT, Choice, Sequence, glob_pattern, literal_start, regex_pattern, text_pattern
from engine.prove.samples import around, joined, samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Sequence as SequenceOf

    from engine.policy.scopes import BucketScope
    from engine.prove.patterns import Pattern

_MOST_TRIED: Final = 400
_PAIR_STEPS: Final = 100_000


class Question:
    """One question about a text, with its number in the circuit.

    `test` answers it, by the engine's own functions. `language` are the texts for which it says yes, where that is known
    exactly; it raises `HardPatternError` with the `name` where it is not. `texts`: the only ones for which it says yes, if few.
    """

    def __init__(  # noqa: PLR0913  what is known of a question
        self,
        variable: int,
        test: Callable[[str], bool],
        pattern: Callable[[], Pattern] | None = None,
        *,
        search: bool = False,
        texts: frozenset[str] | None = None,
        name: str = "a question that is asked of values",
    ) -> None:
        self.variable = variable
        self.test = test
        self.texts = texts
        self._name = name
        self._pattern = pattern
        self._search = search

    @cached_property
    def language(self) -> TextSet:
        """The texts for which the answer is yes. Raises `HardPatternError`."""
        if self._pattern is None:
            raise HardPatternError(f"{self._name}, which is not understood")
        return Automaton(self._pattern(), search=self._search)

    @cached_property
    def begins(self) -> str:
        """What each text begins with for which the answer is yes."""
        try:
            return literal_start(self._pattern(), search=self._search) if self._pattern is not None else ""
        except HardPatternError:
            return ""

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """Texts for which the answer may be yes."""
        if self.texts is not None:
            return tuple(sorted(self.texts))
        try:
            return samples(self._pattern()) if self._pattern is not None else ()
        except HardPatternError:
            return ()


def text_question(variable: int, kind: str, value: object) -> Question | None:
    """The question of an atom of this kind (`formula.Atom`) about a text; None for a kind that asks something else."""
    if kind == "in" and isinstance(value, frozenset):
        return finite_question(variable, value)
    if not isinstance(value, str):
        return None
    make = _OF_TEXT.get(kind)
    return make(variable, value) if make is not None else None


_OF_TEXT: Final[Mapping[str, Callable[[int, str], Question]]] = {
    "is": lambda variable, value: finite_question(variable, frozenset({value})),
    "regex": lambda variable, value: Question(variable, regex_test(value), lambda: regex_pattern(value), search=True),
    "cidr": lambda variable, value: Question(variable, cidr_test(value)),
    "glob": lambda variable, value: Question(variable, glob_test(value), lambda: glob_pattern(value)),
    "prefix": lambda variable, value: Question(
        variable, lambda text: text.startswith(value), lambda: Sequence((text_pattern(value), ANY_TEXT))
    ),
    "suffix": lambda variable, value: Question(
        variable, lambda text: text.endswith(value), lambda: Sequence((ANY_TEXT, text_pattern(value)))
    ),
    "contains": lambda variable, value: Question(variable, lambda text: value in text, lambda: text_pattern(value), search=True),
}


def finite_question(variable: int, texts: frozenset[str]) -> Question:
    """Whether a text is one of some."""
    return Question(variable, texts.__contains__, lambda: Choice(tuple(map(text_pattern, sorted(texts)))), texts=texts)


def sample_texts(kind: str, value: object) -> tuple[str, ...]:
    """Texts for which the answer to the question of an atom of this kind may be yes; none where it does not ask about texts."""
    try:
        question = text_question(0, kind, value)
    except ExpressionError:  # a text that is no pattern
        return ()
    return question.samples if question is not None else ()


class ScopeQuestion(Question):
    """Whether a bucket is in a scope: one of its patterns matches it, and none of its exclusions does."""

    def __init__(self, variable: int, scope: BucketScope) -> None:
        def test(text: str) -> bool:
            return _matches(scope.patterns, text) and not _matches(scope.exclusions, text)

        super().__init__(variable, test, lambda: _globs_pattern(scope.patterns))
        self._exclusions = scope.exclusions

    @cached_property
    def language(self) -> TextSet:
        """The texts for which the answer is yes. Raises `HardPatternError`."""
        matched = super().language
        if not self._exclusions:
            return matched
        return Difference(matched, Automaton(_globs_pattern(self._exclusions), search=False))


def _matches(globs: Iterable[str], text: str) -> bool:
    return any(glob(text, pattern) for pattern in globs)


def _globs_pattern(globs: Iterable[str]) -> Pattern:
    patterns = tuple(map(glob_pattern, globs))
    return patterns[0] if len(patterns) == 1 else Choice(patterns)


# --- answers that are wanted of one text ---------------------------------------------------------------------------------


class Conflict(NamedTuple):
    """Literals that cannot all be true.

    `certain`: that is proved; otherwise nothing was found, and `why` says where.
    """

    literals: tuple[int, ...]
    certain: bool
    why: str = ""


def core(wrong: SequenceOf[frozenset[int]]) -> tuple[int, ...]:
    """Few literals of which each of some sets holds one."""
    left = list(wrong)
    chosen: list[int] = []
    while left:
        counts: dict[int, int] = {}
        for literals in left:
            for literal in literals:
                counts[literal] = counts.get(literal, 0) + 1
        if not counts:
            break
        best = max(counts, key=lambda literal: (counts[literal], -abs(literal)))
        chosen.append(best)
        left = [literals for literals in left if best not in literals]
    return tuple(chosen)


class Wanted(NamedTuple):
    """The question and the answer that is wanted of it; `because`: the literals that say so, the question's own by default."""

    question: Question
    answer: bool
    because: tuple[int, ...]


class TextFinder:
    """Finds texts, and remembers what it found: the same questions come again and again."""

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], str | Conflict] = {}
        self._apart: dict[tuple[Question, Question, bool], bool | None] = {}
        self.steps = 0
        """The steps of automata that it took so far."""

    def find(self, wanted: SequenceOf[Wanted], preferred: SequenceOf[str] = ()) -> str | Conflict:
        """A text that gives all answers, one of the `preferred` ones where they do; or the literals that exclude each other."""
        key = (tuple(wanted), tuple(preferred))
        if key not in self._found:
            self._found[key] = self._search(wanted, preferred)
        return self._found[key]

    def _search(self, wanted: SequenceOf[Wanted], preferred: SequenceOf[str]) -> str | Conflict:
        finite = min(
            (entry for entry in wanted if entry.answer and entry.question.texts is not None),
            key=lambda entry: len(entry.question.texts or ()),
            default=None,
        )
        if finite is not None:
            return _among(finite, wanted, preferred)
        yes = [entry for entry in wanted if entry.answer]
        for text in islice(_candidates(yes, preferred), _MOST_TRIED):
            if _fits(text, wanted):
                return text
        return self._pair(yes, wanted) or self._all(wanted)

    def _pair(self, yes: SequenceOf[Wanted], wanted: SequenceOf[Wanted]) -> Conflict | None:
        """Two answers that exclude each other."""
        for entry in yes:
            for other in wanted:
                if entry is not other and self._exclude(entry.question, other.question, answer=other.answer):
                    return Conflict((*entry.because, *other.because), certain=True)
        return None

    def _exclude(self, question: Question, other: Question, *, answer: bool) -> bool:
        """Whether a yes to the one question excludes this answer to the other; False where that is not known."""
        key = (question, other, answer)
        if key not in self._apart:
            try:
                common = self._common([(question.language, True), (other.language, answer)], _PAIR_STEPS)
            except HardPatternError:
                self._apart[key] = None
            else:
                self._apart[key] = common is None
        return self._apart[key] is True

    def _all(self, wanted: SequenceOf[Wanted]) -> str | Conflict:
        because = tuple(dict.fromkeys(literal for entry in wanted for literal in entry.because))
        try:
            text = self._common([(entry.question.language, entry.answer) for entry in wanted], MOST_STEPS)
        except HardPatternError as error:
            return Conflict(because, certain=False, why=str(error))
        if text is not None:
            # Half a character that only JSON can write is one of those that a pattern cannot tell from U+FFFD.
            return text if _fits(text, wanted) else Conflict(because, certain=False, why="a text that the engine reads otherwise")
        return Conflict(self._core(wanted), certain=True)

    def _common(self, wanted: SequenceOf[tuple[TextSet, bool]], most_steps: int) -> str | None:
        """`common_text`, and its steps counted."""
        try:
            found = common_text(wanted, most_steps)
        except HardPatternError:
            self.steps += most_steps
            raise
        self.steps += found.steps
        return found.text

    def _core(self, wanted: SequenceOf[Wanted]) -> tuple[int, ...]:
        """The literals of few answers that exclude each other already."""
        kept = list(wanted)
        for entry in wanted:
            fewer = [other for other in kept if other is not entry]
            try:
                if fewer and self._common([(other.question.language, other.answer) for other in fewer], _PAIR_STEPS) is None:
                    kept = fewer
            except HardPatternError:
                continue
        return tuple(dict.fromkeys(literal for entry in kept for literal in entry.because))


def _fits(text: str, wanted: Iterable[Wanted]) -> bool:
    return all(ask(entry.question, text) is entry.answer for entry in wanted)


def ask(question: Question, text: str) -> bool:
    """The answer to a question."""
    try:
        return question.test(text)
    except ExpressionError:
        return False


def _among(finite: Wanted, wanted: SequenceOf[Wanted], preferred: SequenceOf[str]) -> str | Conflict:
    """One of few texts; or the literals that exclude them all."""
    because = list(finite.because)
    texts = finite.question.samples
    for text in dict.fromkeys([*(text for text in preferred if text in texts), *texts]):
        against = next((entry for entry in wanted if ask(entry.question, text) is not entry.answer), None)
        if against is None:
            return text
        because += against.because
    return Conflict(tuple(dict.fromkeys(because)), certain=True)


def _candidates(yes: SequenceOf[Wanted], preferred: SequenceOf[str]) -> Iterator[str]:
    yield from preferred
    groups = [entry.question.samples for entry in yes]
    if len(groups) == 1:
        yield from around(groups[0])
    elif groups:
        yield from chain.from_iterable(groups)
        yield from joined(groups)
    yield from ("x", "")
