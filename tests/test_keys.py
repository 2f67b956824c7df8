"""Where no key of a set answers yes, the expressions are not true, and they do not fail either."""

from __future__ import annotations

from typing import Any

import pytest
from expressions import EXAMPLES, conditions, objects, trees_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.matching import check, compile_predicate, index_keys
from engine.matching.formula import formula_of
from engine.matching.index import PathIndex
from engine.model import AnyOf, IndexKey


def answers_yes(keys: AnyOf, document: dict[str, Any]) -> bool:
    """Whether one of some keys answers yes, as an index finds it."""
    for key in keys:
        value: Any = document
        for name in key.path:
            value = value.get(name) if isinstance(value, dict) else None
        values = PathIndex()
        values.enter(0, key)
        if values.hits(value):
            return True
    return False


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(conditions, min_size=1, max_size=3), objects)
@example(["a && b == 'x'"], {"a": 1})
@example(["contains(['a', 'ab'], a) || starts_with(b, 'x')"], {"b": None})
@example(["a == `1`", "a"], {"a": True})
def test_expressions_of_which_no_key_answers_yes_are_false(parts: list[str], document: dict[str, Any]) -> None:
    for keys in index_keys(formula_of(trees_of(parts))):
        assert answers_yes(keys, document) or compile_predicate(parts)(document) is False


def equals(value: Any, path: str = "a") -> IndexKey:
    return IndexKey("equals", (path,), value)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a == 'x' && b", [{equals("x")}, {equals(value=True, path="b")}]),
        ("contains(['x', 'y'], a)", [{equals("x"), equals("y")}]),
        ("a == 'x' || starts_with(b, 'y')", [{equals("x"), IndexKey("prefix", ("b",), "y", "always")}]),
        ("starts_with(b, 'y') && a == 'x'", [{IndexKey("prefix", ("b",), "y", "always")}]),
        ("glob(b, 'y*') && a != 'x'", [{IndexKey("prefix", ("b",), "y", "unless_null")}]),
        ("regex(b, '^y+z') && glob(a, '*')", [{IndexKey("prefix", ("b",), "y", "unless_null")}]),
        ("length(c) > `1` && a == 'x'", []),
        ("!(a == 'x')", []),
        ("a == 'x' || b != 'y'", []),
        ("glob(a || b, 'x')", [
            {IndexKey("truthy", ("a",)), IndexKey("equals", ("b",), "x", "unless_null")},
            {IndexKey("equals", ("a",), "x", "unless_null"), IndexKey("equals", ("b",), "x", "unless_null")},
        ]),
    ],
)  # fmt: skip
def test_the_keys_of_an_expression(expression: str, expected: list[set[IndexKey]]) -> None:
    assert list(index_keys(formula_of([check(expression)]))) == expected


def test_few_keys_are_kept_of_many_alternatives() -> None:
    wide = " && ".join(f"(a == '{number}' || b == '{number}')" for number in range(20))
    assert len(index_keys(formula_of([check(f"({wide}) || ({wide})")]))) == 1
    assert len(index_keys(formula_of([check(wide)]))) == 8
