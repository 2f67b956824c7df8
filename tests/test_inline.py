"""Shortcuts mean exactly what the general way means: every operator and function over every pair of small values."""

from __future__ import annotations

import json
from itertools import product
from typing import Any, Final

import pytest
from expressions import answered, judged

from engine.matching import FUNCTIONS, compile_expression, compile_predicate

VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 2, 0.0, 1.0, -1.5, 10**400, float("inf"), float("nan")),
    *("", "a", "b", "ab", "ba", "1", "x y", "10.1.2.3", "A", "日", "\ud800"),
    *(
        [],
        [0],
        [1, 2.5, -3],
        [True],
        ["a"],
        ["b", "a", "ab"],
        ["a", 1],
        [None],
        [[1], [[2]], 3],
        [float("inf"), 1],
        [10**400, 1.5],
    ),
    *(
        {},
        {"a": 1},
        {"a": True},
        {"b": "a", "a": "b"},
        [{"a": 2}, {"a": 1}, {"a": 1.5, "b": 0}],
        [{"a": "x"}, {"a": ""}],
        [{"a": 1}, {"a": "x"}],
    ),
    *([{"a": None}], [{}, {"a": 1}], ["ab", "cd"], [["a", "b"]], [["a"]]),
)
LITERALS: Final = tuple(value for value in VALUES if value != "\ud800")
OPERATORS: Final = ("==", "!=", "<", "<=", ">", ">=", "&&", "||")


def literal(value: object) -> str:
    return "`" + json.dumps(value).replace("`", "\\`") + "`"


def check(expression: str, document: object) -> None:
    expected = judged(expression, document)
    assert (expression, expected) == (expression, answered(compile_expression(expression), document))
    if isinstance(document, dict):
        holds = expected if expected[0] == "error" else ("value", str(expected[1] == "True"))
        assert (expression, holds) == (expression, answered(compile_predicate([expression]), document))


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_over_every_pair_of_values(operator: str) -> None:
    for left, right in product(VALUES, VALUES):
        check(f"a {operator} b", {"a": left, "b": right})


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_with_a_literal_on_either_side(operator: str) -> None:
    for value, other in product(VALUES, LITERALS):
        check(f"a {operator} {literal(other)}", {"a": value})
        check(f"{literal(other)} {operator} a", {"a": value})


def test_what_is_true_over_every_value() -> None:
    for value in VALUES:
        for expression in (
            "a",
            "!a",
            "!!a",
            "a || `1`",
            "a && `0`",
            "[?a]",
            "a.b",
            "a[0]",
            "a[-1]",
            "a[::-1]",
            "a[]",
            "a.*",
            "a[*].a",
            "a[?a]",
            "*",
        ):
            check(expression, {"a": value})
            check(expression, value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_over_every_value_in_every_place(name: str) -> None:
    parameters = FUNCTIONS[name].parameters
    references = [place for place, types in enumerate(parameters) if "expref" in types]
    if references:
        for value, reference in product(VALUES, ("a", "@", "b", "a.b", "length(@)")):
            check(f"{name}({', '.join(f'&{reference}' if place in references else 'v' for place in range(2))})", {"v": value})
    elif len(parameters) == 1:
        for value in VALUES:
            check(f"{name}(a)", {"a": value})
    elif name == "join":  # whose separator stands there: an event's own could multiply it
        for value, separator in product(VALUES, ("", ", ")):
            check(f"join('{separator}', a)", {"a": value})
    else:
        for left, right in product(VALUES, VALUES):
            check(f"{name}(a, b)", {"a": left, "b": right})


@pytest.mark.parametrize("name", ["contains", "starts_with", "ends_with", "glob", "regex", "cidr", "join"])
def test_functions_with_a_literal_in_either_place(name: str) -> None:
    texts = ("10.0.0.0/8", "2001:db8::1") if name == "cidr" else ("", "a", "a*", "*b", "b?", "*a*", "^a$")
    for value, text in product(VALUES, texts):
        if name != "regex" or text[:1] != "*":
            check(f"{name}(a, '{text}')", {"a": value})
        check(f"{name}('{text}', a)", {"a": value})


@pytest.mark.parametrize(
    "members", ["['a', 'ab']", '`["a", "ab"]`', "`[]`", "['a', `1`]", "`[1, true]`", "[a, 'b']", '`["a", null]`']
)
def test_membership_over_every_value(members: str) -> None:
    for value in VALUES:
        check(f"contains({members}, a)", {"a": value})
        check(f"contains({members}, @)", value)


@pytest.mark.parametrize("name", ["merge", "not_null"])
def test_functions_of_many_arguments(name: str) -> None:
    for left, middle, right in product(VALUES[::2], VALUES[::3], VALUES[::5]):
        check(f"{name}(a, b, c)", {"a": left, "b": middle, "c": right})
        check(f"{name}(a, `{{}}`, abs(c))", {"a": left, "c": right})
