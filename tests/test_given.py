"""A matcher over a record and facts answers as it does over the document that has both."""

from __future__ import annotations

from typing import Any

from expressions import EXAMPLES, answered, expressions, objects, values
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.matching import check, compile_predicate
from engine.matching.generate import first_source, predicate_source
from engine.matching.link import link
from engine.matching.source import Given, reads_whole
from engine.policy.matchers import in_turn

GIVEN = Given(
    {("a",): (0, 0), ("b", "c"): (0, 1), ("b", "d e"): (1, 0)},
    lambda record, facts: {**record, "a": facts[0][0], "b": {"c": facts[0][1], "d e": facts[1][0]}},
)
facts = st.tuples(st.tuples(values, values), st.tuples(values))
SLOW = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def can_be_compiled(parts: list[str]) -> bool:
    try:
        for part in parts:
            check(part)
    except ExpressionError:
        return False
    return True


@SLOW
@given(st.lists(expressions, min_size=1, max_size=3), objects, facts)
def test_a_matcher_over_facts_answers_as_over_the_document(parts: list[str], record: dict[str, Any], found: Any) -> None:
    assume(can_be_compiled(parts))
    holds = link(predicate_source([check(part) for part in parts], GIVEN), GIVEN)
    expected = answered(compile_predicate(parts), GIVEN.whole(record, found))
    assert expected == answered(lambda document: holds(document, found), record)


@SLOW
@given(st.lists(st.lists(expressions, min_size=1, max_size=2), max_size=5), objects, facts)
def test_the_first_of_several_is_the_first_that_holds(several: list[list[str]], record: dict[str, Any], found: Any) -> None:
    assume(all(map(can_be_compiled, several)))
    document = GIVEN.whole(record, found)
    expected = ("value", "-1")
    for place, parts in enumerate(several):
        kind, answer = answered(compile_predicate(parts), document)
        if kind != "value" or answer == "True":
            expected = ("value", str(place)) if kind == "value" else (kind, answer)
            break
    first = link(first_source([[check(part) for part in parts] for parts in several], GIVEN), GIVEN)
    assert expected == answered(lambda one: first(one, found), record)


LEADS = ["type == 'x'", "'x' == type", "type == 'y'", "type == `true`", "kind == 'x'"]
TAILS = [
    *("regex(text, '^x')", "!regex(text, '^x')", "glob(text, 'x?z*')", "regex(text, '^x') && more", "more || regex(text, 'z$')"),
    *("length(more) > `1`", "type == 'x'", "more", "regex(more, '^x') || `true`", "`true`"),
]
PARTS = st.builds(
    lambda lead, tails: " && ".join([lead, *tails]), st.sampled_from(LEADS), st.lists(st.sampled_from(TAILS), max_size=2)
)
SIMPLE = st.sampled_from(["x", "y", "xyz", "", None, True, ["x", "y"]])


@given(
    st.lists(st.tuples(PARTS, st.lists(st.sampled_from(TAILS), max_size=1)).map(lambda one: [one[0], *one[1]]), max_size=8),
    st.fixed_dictionaries({"type": st.sampled_from(["x", "y", True]), "kind": SIMPLE, "text": SIMPLE, "more": SIMPLE}),
)
def test_what_several_in_a_row_begin_with_is_asked_once_and_changes_no_answer(
    several: list[list[str]], record: dict[str, Any]
) -> None:
    nothing = Given({}, lambda one, _: one)
    one_by_one = [link(predicate_source([check(part) for part in parts], nothing), nothing) for parts in several]
    first = link(first_source([[check(part) for part in parts] for parts in several], nothing), nothing)
    expected = answered(lambda one: next((place for place, holds in enumerate(one_by_one) if holds(one, ())), -1), record)
    assert expected == answered(lambda one: first(one, ()), record)


def test_parts_of_a_first_are_asked_in_turn() -> None:
    first = in_turn([lambda record, _: record["one"], lambda record, _: record["other"]])
    assert [first({"one": one, "other": other}, ()) for one, other in ((3, 5), (-1, 5), (-1, -1))] == [3, 64 + 5, -1]
    assert in_turn([])({}, ()) == -1


def test_a_whole_document_is_made_only_where_it_is_read() -> None:
    assert [reads_whole(path, GIVEN) for path in ((), ("b",), ("b", "x"))] == [True, True, True]
    assert [reads_whole(path, GIVEN) for path in (("a",), ("a", "x"), ("b", "c"), ("x",), ("x", "b"))] == [False] * 5
