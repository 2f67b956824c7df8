"""The ways of a formula are exclusive and complete, and what is claimed of formulas is true of every document."""

from __future__ import annotations

from typing import Any

import pytest
from expressions import EXAMPLES, conditions, objects, trees_of
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from engine.errors import MatcherError, TooManyWaysError
from engine.matching import check, compile_predicate
from engine.matching.formula import AtomFailure, Formula, evaluate, formula_of, settle
from engine.matching.relations import document_with
from engine.matching.ways import Budget, Way, always, failures, implied, never, ways

SLOW = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STEPS = 20_000

# --- conditions of which many say something about the same field -----------------------------------------------------------

fields = st.sampled_from(["a", "a", "b", "c.d"])
letters = st.text("ab", min_size=0, max_size=3)
globs = st.text("ab*?", min_size=0, max_size=4)
networks = st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.0.2.0/24", "2001:db8::/32"])
regexes = st.sampled_from(["^a", "^ab+", "b$", "a.b", "^(a|b)$", ""])
scalars = st.sampled_from(["'a'", "'ab'", "'10.1.2.3'", "`null`", "`true`", "`false`", "`0`", "`1`", "`1.0`"])
questions = st.one_of(
    st.builds("{} {} {}".format, fields, st.sampled_from(["==", "!="]), scalars),
    st.builds("{}({}, '{}')".format, st.sampled_from(["starts_with", "ends_with", "contains"]), fields, letters),
    st.builds("glob({}, '{}')".format, fields, globs),
    st.builds("regex({}, '{}')".format, fields, regexes),
    st.builds("cidr({}, '{}')".format, fields, networks),
    st.builds("contains(['{}', '{}'], {})".format, letters, letters, fields),
    st.builds("{} == {}".format, fields, fields),
    st.builds("length({}) {} `1`".format, fields, st.sampled_from([">", "=="])),
    st.builds("lower({}) == 'a'".format, fields),
    fields,
)
joined = st.recursive(
    questions,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=5,
)
values = st.one_of(
    st.text("ab", max_size=4),
    st.sampled_from(["10.1.2.3", "10.200.0.1", "192.0.2.7", "::ffff:10.1.2.3", "2001:db8::1"]),
    st.sampled_from([None, True, False, 0, 1, 1.0, 2, "", [], ["a"], ["ab", 1], {}, {"a": 1}]),
)
documents = st.builds(lambda a, b, d: {"a": a, "b": b, "c": {"d": d}}, values, values, values)


def formula(*parts: str) -> Formula:
    return formula_of([check(part) for part in parts])


def result(part: str, document: dict[str, Any]) -> bool | None:
    """What an expression gives as a predicate; None where it fails."""
    try:
        return compile_predicate([part])(document)
    except MatcherError:
        return None


def takes(document: dict[str, Any], way: Way) -> bool:
    """Whether a document gives the results of a way."""
    return all(same(evaluate(atom, document), result) for atom, result in way.results.items())


def same(one: object, other: object) -> bool:
    return one is other or (isinstance(one, AtomFailure) and isinstance(other, AtomFailure) and one.atom == other.atom)


def all_ways(part: Formula) -> list[Way]:
    try:
        return list(ways(part, Budget(STEPS)))
    except TooManyWaysError:
        assume(condition=False)
        raise


@SLOW
@given(st.one_of(conditions, joined), objects, st.lists(documents, max_size=5))
@example("(a || b) == 'x' && a", {"a": "x"}, [])
@example("a == b && a == `1` && b == `true`", {"a": 1, "b": True}, [])
@example("a == `1` && to_string(a) == '1.0'", {"a": 1.0}, [])
def test_a_document_takes_exactly_one_way_and_ends_as_it_says(
    part: str, first: dict[str, Any], more: list[dict[str, Any]]
) -> None:
    whole = formula_of(trees_of([part]))
    found = all_ways(whole)
    for document in (first, *more):
        (taken,) = (way for way in found if takes(document, way))
        assert same(settle(whole, lambda atom, document=document: evaluate(atom, document)), taken.end)  # type: ignore[misc]


@SLOW
@given(joined, joined, st.lists(documents, min_size=10, max_size=30))
@example("glob(a, 'a*b')", "glob(a, '*b') && starts_with(a, 'a')", [])
@example("a == 'a' && b == 'a'", "a == b", [])
@example("a == `1`", "length(a) > `1`", [{"a": 1}, {"a": 1.0}])
def test_what_is_implied_holds_wherever_the_premise_does(premise: str, conclusion: str, seen: list[dict[str, Any]]) -> None:
    for left, right in (
        (premise, conclusion),
        (f"{premise} && {conclusion}", conclusion),
        (premise, f"{premise} || {conclusion}"),
    ):
        if implied(formula(left), formula(right), Budget(STEPS)):
            for document in seen:
                assert result(left, document) is not True or result(right, document) is True


@SLOW
@given(joined, joined, st.lists(documents, min_size=10, max_size=30))
@example("a == 'a'", "a == 'b'", [])
def test_what_never_or_always_holds_does_so(one: str, other: str, seen: list[dict[str, Any]]) -> None:
    for part in (one, f"{one} && {other}", f"{one} || {other}", f"!({one}) || {one}"):
        whole = formula(part)
        of_seen = {result(part, document) for document in seen}
        assert not (never(whole, Budget(STEPS)) and True in of_seen)
        assert not (always(whole, Budget(STEPS)) and of_seen - {True})


@SLOW
@given(joined, st.lists(documents, min_size=10, max_size=30))
def test_each_failure_is_among_the_ways_that_may_fail(part: str, seen: list[dict[str, Any]]) -> None:
    whole = formula(part)
    try:
        found = {way.end.atom for way in failures(whole, Budget(STEPS)) if isinstance(way.end, AtomFailure)}
    except TooManyWaysError:
        assume(condition=False)
    for document in seen:
        end = settle(whole, lambda atom, document=document: evaluate(atom, document))  # type: ignore[misc]
        assert not isinstance(end, AtomFailure) or end.atom in found


@pytest.mark.parametrize(
    "part",
    [
        "a == 'x' && a == 'y'",
        "a == 'x' && glob(a, 'y*')",
        "contains(['x', 'y'], a) && a == `null`",
        "starts_with(a, 'x') && starts_with(a, 'y')",
        "ends_with(a, 'x') && glob(a, '*y')",
        "regex(a, '^x') && starts_with(a, 'y')",
        "glob(a, 'ab*') && !glob(a, 'a*')",
        "cidr(a, '10.1.0.0/16') && !cidr(a, '10.0.0.0/8')",
        "cidr(a, '10.0.0.0/8') && cidr(a, '192.0.2.0/24')",
        "a == 'x' && length(a) > `1`",
        "a == 'x' && b == 'y' && a == b",
        "glob(a, 'x') && a != 'x'",
        "a == `true` && a == 'true'",
        "a && !a",
        "starts_with(a, '') && !glob(a, '*')",
        "`1` == `2`",
        "length('abc') > `3` && a",
    ],
)
def test_what_can_never_hold(part: str) -> None:
    assert never(formula(part), Budget(STEPS))
    assert always(formula(f"!({part})"), Budget(STEPS)) or any(failures(formula(part), Budget(STEPS)))


@pytest.mark.parametrize(
    ("part", "documents"),
    [
        ("starts_with(a, 'x') && ends_with(a, 'y')", [{"a": "xy"}]),
        ("glob(a, 'a?') && glob(a, '*b')", [{"a": "ab"}]),
        ("contains(a, 'x') && !glob(b, 'x')", [{"a": ["x"]}]),
        ("cidr(a, '10.0.0.0/8') && cidr(a, '10.1.2.3')", [{"a": "::ffff:10.1.2.3"}]),
        ("regex(a, '^ab') && !starts_with(a, 'abc')", [{"a": "ab"}]),
        ("starts_with(a, 'a') && !regex(a, '^a.b')", [{"a": "ac"}]),
        ("a == `1` && to_string(a) == '1.0'", [{"a": 1.0}]),
        ("a && a != `true`", [{"a": 0}]),
        ("a == b && a == c.d", [{}]),
    ],
)
def test_what_can_hold_is_not_said_never_to(part: str, documents: list[dict[str, Any]]) -> None:
    assert not never(formula(part), Budget(STEPS))
    assert any(result(part, document) for document in documents)


def test_a_spent_budget_claims_nothing() -> None:
    hard = " && ".join(f"(a == '{number}' || b{number} == 'x')" for number in range(30))
    for claim in (never, always):
        assert not claim(formula(f"({hard}) && `false`"), Budget(1_000))
    assert not implied(formula(hard), formula("`true`"), Budget(1_000))
    with pytest.raises(TooManyWaysError):
        list(ways(formula(hard), Budget(1_000)))


def test_a_long_chain_is_walked_without_recursion() -> None:
    chain = " && ".join(f"f{number} == 'x'" for number in range(800))
    assert len(all_ways_within(formula(chain), 2_000_000)) == 801


def all_ways_within(part: Formula, steps: int) -> list[Way]:
    return list(ways(part, Budget(steps)))


def test_a_document_is_made_of_paths() -> None:
    assert document_with({("a", "b"): 1, ("a", "c"): None, ("d",): "x"}) == {"a": {"b": 1, "c": None}, "d": "x"}
