"""The laws of the typing pass: a part gives nothing that its shape leaves out, and what is called never or always is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from event_documents import conditions, documents, operands, related, tests
from expressions import EXAMPLES
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError, MatcherError
from engine.lint.comparisons import Expected
from engine.lint.conditions import Conditions
from engine.lint.expressions import Events, rule_problems
from engine.lint.fields import S3_EVENT
from engine.lint.names import Scope
from engine.lint.typing_pass import Purpose, TypingPass
from engine.matching import check
from engine.matching.checks import Trees
from engine.matching.compile import search
from engine.matching.types import type_of

if TYPE_CHECKING:
    from engine.lint.problems import Problem

EVENTS = Events(S3_EVENT)
SEVERAL = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], deadline=None
)


def sound(expression: str) -> bool:
    try:
        check(expression)
    except ExpressionError:
        return False
    return True


def result(expression: str, document: object) -> Any:
    try:
        return search(expression, document)
    except MatcherError:
        return MatcherError


def problems(*expressions: str) -> list[Problem]:
    known = Conditions(Trees())
    return [problem for _, problem in rule_problems([known.condition(each) for each in expressions], EVENTS)]


@SEVERAL
@given(st.one_of(operands, tests, conditions).filter(sound), documents)
def test_a_part_gives_nothing_that_its_shape_leaves_out(expression: str, document: object) -> None:
    typing_pass = TypingPass(Expected(expression, S3_EVENT))
    shape = typing_pass.shape(check(expression), Scope(S3_EVENT.shape, None), Purpose.VALUE)
    value = result(expression, document)
    if value is MatcherError:
        return
    if value is None:
        assert not shape.always
    else:
        assert type_of(value) in shape.types
    if isinstance(value, str) and shape.values is not None:
        assert value in shape.values
    if isinstance(value, list) and shape.elements is not None and shape.types == {"array"}:
        assert all(each is None or type_of(each) in shape.elements.types for each in value)
        assert not shape.elements.always or None not in value
    if shape.constant:
        assert value == result(expression, {})


@SEVERAL
@given(tests.filter(sound), st.lists(documents, min_size=1, max_size=4))
@example("actor.type == lower(actor.type)", [{"actor": {}}])
@example("actor.type != lower(actor.type)", [{"actor": {}}])
def test_what_is_said_of_a_test_by_itself_is_so(expression: str, several: list[object]) -> None:
    said = " ".join(problem.what for problem in problems(expression))
    values = [result(expression, document) for document in several]
    if "never holds" in said or "never matches" in said or said.startswith("no "):
        assert True not in values
    if "always holds" in said:
        assert all(value is True or value is MatcherError for value in values)


@SEVERAL
@given(related, st.lists(documents, min_size=1, max_size=3), st.booleans())
def test_conditions_that_never_or_always_hold_together_do_so(expressions: list[str], several: list[object], joined: bool) -> None:  # noqa: FBT001
    whole = f"({') || ('.join(expressions)})" if joined else f"({') && ('.join(expressions)})"
    said = [problem.what for problem in problems(*([whole] if joined else expressions)) if problem.code == "TB208"]
    values = [result(whole, document) for document in several]
    if len(said) == 1 and said[0].startswith("this never holds"):
        assert True not in values
    if len(said) == 1 and said[0].startswith("this always holds"):
        assert values == [True] * len(values)


@SEVERAL
@given(st.one_of(conditions, st.text("abct.=!&|()'`[]*? {}:,@-", max_size=30)).filter(sound))
def test_no_sound_expression_breaks_the_pass(expression: str) -> None:
    problems(expression)
