"""No expression makes more of an event than a machine can hold, however short its text is."""

from __future__ import annotations

import json
import time

import pytest
from expressions import EXAMPLES, answered, expressions, objects
from hypothesis import given, settings

from engine.errors import ExpressionError
from engine.matching import check, compile_expression
from engine.matching.growth import size_of

OFTEN = 40


@pytest.mark.parametrize(
    "expression",
    [
        "to_string(@" + " | [@, @]" * OFTEN + ") == 'x'",
        "@" + " | [@, @][]" * OFTEN,
        "@" + " | {a: @, b: @}" * OFTEN,
        "a" + " | join('', [@, @])" * OFTEN,
        "a" + ".[@, @]" * 20,
        "length(map(&[@, @, @, @], [@, @, @, @] | [] | [@, @, @, @] | [] | [@, @, @, @] | []))",
        "@" + " | to_string([@])" * OFTEN,
        "join(userAgent, keys(@))",
        "[" + ", ".join(["@"] * 100) + "]",
        "resources[]" + ".[`[1, 1, 1, 1, 1, 1, 1, 1]`][]" * 8,
        "resources[*].[[`[1, 1, 1, 1, 1, 1, 1, 1]`, `[1, 1, 1, 1, 1, 1, 1, 1]`]" + "[]" * 3 + "]" + " | [].[@, @, @, @][]" * 5,
        "a[?to_string(@" + " | [@, @]" * OFTEN + ") == 'x']",
        "!(@" + " | [@, @]" * OFTEN + ")",
        "sort_by(a, &to_string(@" + " | [@, @]" * OFTEN + "))",
        "@" + " | merge(@, {a: @, b: @})" * OFTEN,
    ],
)
def test_an_expression_that_copies_the_event_over_and_over_is_refused_at_once(expression: str) -> None:
    begun = time.process_time()
    with pytest.raises(ExpressionError, match="can become more than 64 times as large as the event"):
        check(expression)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "expression",
    [
        "to_string(requestParameters.[" + ", ".join(f'"x-amz-{number}"' for number in range(200)) + "]) == 'x'",
        "length(resources[?type == 'AWS::S3::Object'].ARN | []) > `1`",
        "contains(map(&to_string(@), values(requestParameters)), 'x')",
        "join(', ', sort(keys(requestParameters))) == 'a, b'",
        "a" + " | @" * 100,
        "lower(to_string(requestParameters)) == 'x'",
        "merge(requestParameters, responseElements).x",
        "[userAgent, errorMessage, sourceIPAddress, eventName][] | [0]",
    ],
)
def test_an_expression_that_looks_at_the_event_from_many_sides_is_not(expression: str) -> None:
    check(expression)


@settings(max_examples=EXAMPLES)
@given(expressions, objects)
def test_what_an_expression_finds_is_never_larger_than_was_computed(expression: str, document: dict[str, object]) -> None:
    tree = check(expression)
    kind, _ = answered(compile_expression(expression), document)
    if kind == "value":
        size = size_of(tree)
        found = compile_expression(expression)(document)
        assert found is None or len(json.dumps(found)) <= size.per * len(json.dumps(document)) + size.fixed
