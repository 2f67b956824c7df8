"""A formula gives the result of its expressions, failures included, and each atom depends on its path alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import SHIPPED
from expressions import EXAMPLES, conditions, objects, trees_of, values
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import MatcherError
from engine.matching import check, compile_predicate
from engine.matching.formula import (
    FALSE,
    TRUE,
    And,
    Atom,
    AtomFailure,
    Formula,
    Not,
    Or,
    Result,
    atoms,
    evaluate,
    formula_of,
    settle,
)
from engine.model import Event
from engine.pipeline.facts import document, facts
from engine.policy.fact_layout import FACT_TYPES
from engine.policy.load import load

ROOT = Path(__file__).parent.parent
RECORDS = [json.loads(path.read_text()) for path in sorted((ROOT / "tests/events").glob("*.json"))]
SLOW = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def result(predicate: Any, value: dict[str, Any]) -> tuple[str, str]:
    """What a predicate returns, or the class and the text of its failure."""
    try:
        return "returns", str(predicate(value))
    except MatcherError as error:
        return type(error).__name__, str(error)


def settled(part: Formula, value: dict[str, Any]) -> tuple[str, str]:
    """The result of a formula, in the same form."""
    found = settle(part, lambda atom: evaluate(atom, value))
    if isinstance(found, AtomFailure):
        return type(found.error).__name__, str(found.error)
    return "returns", str(found)


def alone(atom: Atom, value: dict[str, Any]) -> dict[str, Any]:
    """The document that has nothing but the paths of an atom."""
    if () in atom.paths:
        return value
    made: dict[str, Any] = {}
    for path in sorted(atom.paths):
        if any(path[:length] in atom.paths for length in range(len(path))):
            continue  # it is in the value of a shorter one
        inner, here = value, made
        for name in path[:-1]:
            inner = inner.get(name) if isinstance(inner, dict) else None  # type: ignore[assignment]  # any JSON value
            here = here.setdefault(name, {})
        here[path[-1]] = inner.get(path[-1]) if isinstance(inner, dict) else None
    return made


@SLOW
@given(st.lists(conditions, max_size=3), objects)
@example(["(a || b) == 'x' && c"], {"a": "x", "c": True})
@example(["'text' || `true`"], {})
@example(["a || starts_with(b, 'x')"], {"a": 1})
@example(["a == `1`", "a == `true`"], {"a": 1})
def test_the_result_of_a_formula_is_that_of_its_expressions(parts: list[str], value: dict[str, Any]) -> None:
    trees = trees_of(parts)
    assert settled(formula_of(trees), value) == result(compile_predicate(parts), value)


@SLOW
@given(conditions, objects)
def test_an_atom_depends_on_its_path_alone(part: str, value: dict[str, Any]) -> None:
    for atom in atoms(formula_of(trees_of([part]))):
        # A failure names types and functions; where it comes from the atom's path, it is the same one.
        assert repr(evaluate(atom, value)) == repr(evaluate(atom, alone(atom, value)))


@SLOW
@given(conditions, objects)
def test_an_atom_that_is_said_never_to_fail_does_not(part: str, value: dict[str, Any]) -> None:
    for atom in atoms(formula_of(trees_of([part]))):
        assert atom.may_fail or isinstance(evaluate(atom, value), bool)


@SLOW
@given(conditions, objects, st.lists(st.booleans(), max_size=8))
def test_what_is_not_known_is_evaluated_next(part: str, value: dict[str, Any], hidden: list[bool]) -> None:
    whole = formula_of(trees_of([part]))
    known = {atom: evaluate(atom, value) for atom, hides in zip(dict.fromkeys(atoms(whole)), hidden, strict=False) if not hides}
    found = settle(whole, known.get)
    while isinstance(found, Atom):
        assert found not in known
        known[found] = evaluate(found, value)
        found = settle(whole, known.get)
    assert settled(whole, value)[1] == str(found.error if isinstance(found, AtomFailure) else found)


@pytest.fixture(scope="module")
def shipped() -> list[tuple[str, ...]]:
    """The expressions of each matcher of the shipped set and the tour."""
    sets = [load(SHIPPED), load(ROOT / "examples/tour/policies")]
    rules = [rule for policies in sets for policy in policies.policies for rule in (*policy.routes, *policy.silences)]
    evidence = [evidence for policies in sets for actor in policies.actors for evidence in actor.evidence]
    return sorted({rule.matcher.expressions for rule in (*rules, *evidence) if rule.matcher})


@settings(max_examples=40)
@given(
    st.data(),
    st.sampled_from(RECORDS),
    st.lists(st.tuples(st.sampled_from([(), ("userIdentity",), ("requestParameters",)]), values), max_size=3),
)
def test_shipped_matchers_and_their_formulas_agree_on_damaged_records(
    shipped: list[tuple[str, ...]], data: st.DataObject, record: dict[str, Any], damages: list[tuple[tuple[str, ...], Any]]
) -> None:
    damaged = json.loads(json.dumps(record))
    for path, broken in damages:
        inner = damaged
        for name in path:
            inner = inner[name] if isinstance(inner.get(name), dict) else inner
        inner[data.draw(st.sampled_from(sorted(inner)))] = broken
    seen = document(damaged, facts(Event(damaged, "test")))
    for parts in shipped:
        whole = formula_of([check(part) for part in parts], FACT_TYPES)
        assert settled(whole, seen) == result(compile_predicate(parts), seen)
        for atom in atoms(whole):
            assert repr(evaluate(atom, seen)) == repr(evaluate(atom, alone(atom, seen)))


def spelled(part: Formula) -> object:
    """A formula as plain tuples."""
    if isinstance(part, Atom):
        return (part.kind, ".".join(part.path or ()), part.value) if part.kind != "other" else ("other", len(part.paths))
    if isinstance(part, Not):
        return "not", spelled(part.part)
    return "and" if isinstance(part, And) else "or", *map(spelled, part.parts)


A = ("truthy", "a", None)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a == 'x'", ("is", "a", "x")),
        ("'x' != a.b", ("not", ("is", "a.b", "x"))),
        ("a", ("true", "a", None)),
        ("a && b", ("and", A, ("true", "b", None))),
        ("a == `true`", ("true", "a", None)),
        ("!(a == `false`)", ("not", ("false", "a", None))),
        ("contains(['x'], a)", ("is", "a", "x")),
        ("contains(['x', 'y'], a)", ("in", "a", frozenset("xy"))),
        ("contains(`[1, true]`, a)", ("other", 1)),
        ("contains(a, 'x')", ("contains", "a", "x")),
        ("starts_with(a, 'x') && (`true` && ends_with(a, 'y'))", ("and", ("prefix", "a", "x"), ("suffix", "a", "y"))),
        ("glob(a, 'x*') || regex(a, 'x')", ("or", ("glob", "a", "x*"), ("regex", "a", "x"))),
        ("cidr(a, '::1')", ("cidr", "a", "::1")),
        ("glob(a || b, 'x')", ("or", ("and", A, ("glob", "a", "x")), ("and", ("not", A), ("glob", "b", "x")))),
        ("a == b", ("other", 2)),
        ("length(@) > `1`", ("other", 1)),
        ("length(a) > `1` && `false` && b", ("and", ("other", 1), ("or",))),
        ("`true`", ("and",)),
        ("'text' || `true`", ("or",)),
        ("starts_with(a || 'none', 'x')", ("or", ("and", A, ("prefix", "a", "x")), ("and", ("not", A), ("or",)))),
        ("glob('xy', 'x*') && a", ("true", "a", None)),
        ("starts_with(`1`, 'x') || a", ("or", ("other", 0), ("true", "a", None))),
    ],
)  # fmt: skip
def test_what_a_formula_looks_like(expression: str, expected: object) -> None:
    assert spelled(formula_of([check(expression)])) == expected


def test_what_is_known_of_types_makes_a_true_value_exactly_true() -> None:
    known = {("denied",): frozenset({"boolean"})}
    whole = formula_of([check("denied && b || a")], known)
    assert spelled(formula_of([check("denied && a")], known)) == ("and", ("true", "denied", None), ("true", "a", None))
    assert spelled(whole) != spelled(formula_of([check("denied && b || a")]))


def test_equal_questions_are_one_atom_wherever_they_stand() -> None:
    first, second, third, fourth = atoms(formula_of([check("a == `1` && ('x' == b) && b == 'x' && a == `true`")]))
    assert second == third
    assert second.node.offset != third.node.offset or second.node != third.node
    assert first != fourth
    assert TRUE != FALSE
    assert And((first,)) != Or((first,))


def test_a_long_chain_stays_one_atom_where_each_link_would_be_written_once_more_for_all_before_it() -> None:
    (atom,) = atoms(formula_of([check(" || ".join(f"a{number}" for number in range(1_500)))]))
    assert len(atom.paths) == 1_500
    whole = formula_of([check(" || ".join(f"a{number} == 'x'" for number in range(400)))])
    assert len(list(atoms(whole))) == 400
    assert settle(whole, lambda atom: atom.path == ("a399",)) is True


def test_results_are_never_taken_for_one_another() -> None:
    (atom,) = atoms(formula_of([check("starts_with(a, 'x')")]))
    found: Result = evaluate(atom, {"a": 1})
    assert isinstance(found, AtomFailure)
    assert settle(Not(atom), lambda _: found) is found
