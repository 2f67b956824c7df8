"""What the answers to two questions about one text have to do with each other, where that is seen at a glance.

The search finds the same by itself, one pair at a time; with hundreds of globs about one field that takes long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.prove.questions import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.prove.circuit import Clause, Literal
    from engine.prove.fields import TextField
    from engine.prove.questions import Question

_MOST_TEXTS: Final = 8
_MOST_PAIRS: Final = 400_000


def lemmas(fresh: Sequence[Question], known: Sequence[Question]) -> Iterator[Clause]:
    """Clauses about each pair of questions of one field, of which one at least is `fresh`."""
    if len(fresh) * (len(fresh) // 2 + len(known)) > _MOST_PAIRS:
        return
    for place, one in enumerate(fresh):
        for other in (*known, *fresh[:place]):
            yield from _of_pair(one, other)


def of_equals(literal: Literal, one: TextField, other: TextField) -> Iterator[Clause]:
    """Where two fields have the same value, they answer the same questions alike."""
    pairs = [(one.null, other.null), (one.other, other.other)]
    pairs += [(one.questions[key].variable, other.questions[key].variable) for key in one.questions if key in other.questions]
    for first, second in pairs:
        yield from ([-literal, -first, second], [-literal, first, -second])


def _of_pair(one: Question, other: Question) -> Iterator[Clause]:
    if one.texts is not None and len(one.texts) <= _MOST_TEXTS:
        yield from _of_texts(one, one.texts, other)
    if other.texts is not None and len(other.texts) <= _MOST_TEXTS:
        yield from _of_texts(other, other.texts, one)
    elif one.texts is None and not (one.begins.startswith(other.begins) or other.begins.startswith(one.begins)):
        yield [-one.variable, -other.variable]


def _of_texts(finite: Question, texts: frozenset[str], other: Question) -> Iterator[Clause]:
    """What a yes to a question that only few texts answer so says about another one."""
    answers = {ask(other, text) for text in texts}
    if len(answers) == 1:
        yield [-finite.variable, other.variable if answers.pop() else -other.variable]
