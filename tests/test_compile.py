"""A compiled expression means what JMESPath says it means; a matcher holds only for exactly true."""

from __future__ import annotations

import sys
from collections import OrderedDict
from types import MappingProxyType

import pytest
from expressions import EXAMPLES, answered, expressions, judged, objects, values
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jmespath import exceptions
from jmespath.parser import Parser

from engine.errors import ExpressionError, MatcherError, MatcherTypeError, MatcherValueError
from engine.matching import MAX_DEPTH, compile_expression, compile_predicate, parse, search


def is_jmespath(expression: str) -> bool:
    try:
        Parser().parse(expression)
    except exceptions.JMESPathError:
        return False
    return True


def parses(expression: str) -> bool:
    try:
        parse(expression)
    except ExpressionError:
        return False
    return True


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expressions, st.one_of(objects, values))
def test_a_compiled_expression_answers_as_jmespath_does(expression: str, document: object) -> None:
    assume(is_jmespath(expression))
    assert judged(expression, document) == answered(compile_expression(expression), document)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(expressions, max_size=3), objects)
def test_a_predicate_holds_where_each_expression_in_order_is_exactly_true(parts: list[str], document: dict[str, object]) -> None:
    assume(all(map(is_jmespath, parts)))
    expected = ("value", "True")
    for part in parts:
        expected = judged(part, document)
        if expected != ("value", "True"):
            break
    if expected[0] == "value" and expected[1] != "True":
        expected = ("value", "False")
    assert expected == answered(compile_predicate(parts), document)


def test_a_predicate_stops_at_the_first_expression_that_is_not_true() -> None:
    assert compile_predicate(["a == 'b'", "starts_with(c, 'd')"])({"a": "x", "c": None}) is False
    assert compile_predicate([])({}) is True
    assert compile_predicate(["a"])({"a": "true"}) is False
    assert compile_predicate(["a", "a == `true`"])({"a": True}) is True


@pytest.mark.parametrize(
    ("expression", "error", "says"),
    [
        ("starts_with(key, 'a')", MatcherTypeError, "starts_with() takes string, not number"),
        ("contains(key, 'a')", MatcherTypeError, "contains() takes array or string, not number"),
        ("glob(key, 'a*')", MatcherTypeError, "glob() takes string or null, not number"),
        ("lower(key)", MatcherTypeError, "lower() takes string or null, not number"),
        ("key > 'a'", MatcherTypeError, "a string and a number have no order"),
        ("sum(keys)", MatcherTypeError, "sum() takes array-number, not array"),
        ("sort_by([@], &keys)", MatcherTypeError, "sort_by() takes keys that are number, not array"),
        ("min_by([{a: `1`}, {a: 'x'}], &a)", MatcherTypeError, "min_by() does not take these types together"),
        ("keys[::0]", MatcherValueError, "the step of a slice is zero"),
        ("floor(endless)", MatcherValueError, "floor() cannot use a value that it was given"),
        ("regex(pattern, pattern)", MatcherValueError, "regex() cannot use a value that it was given"),
        ("glob(pattern, long)", MatcherValueError, "glob() cannot use a value that it was given"),
        ("cidr(pattern, pattern)", MatcherValueError, "cidr() cannot use a value that it was given"),
    ],
)
def test_an_error_names_types_and_never_a_value(expression: str, error: type[MatcherError], says: str) -> None:
    document = {"key": 4242, "keys": ["4242"], "endless": float("inf"), "pattern": "(4242", "long": "4242" * 1000}
    with pytest.raises(error) as caught:
        search(expression, document)
    assert says == str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_expressions_of_one_shape_share_their_code_and_none_of_it_is_policy_text() -> None:
    one = compile_predicate(["bucket == 'ledger' && actor.role == 'auditor'"])
    other = compile_predicate(["userAgent == 'x' && source.ip == 'y'"])
    code = one.__code__
    assert code is other.__code__
    assert not {"bucket", "ledger", "actor", "role", "auditor"} & {*code.co_consts, *code.co_names, *code.co_varnames}


@pytest.mark.parametrize(
    "name", ["__class__", "__builtins__", "import os", 'k0"); print("', "lambda d: d", "'", "\n", "{0}", "{}"]
)
def test_names_and_literals_of_a_policy_are_never_code(name: str) -> None:
    quoted = '"' + name.replace('"', '\\"').replace("\n", "\\n") + '"'
    document = {name: {name: name}}
    assert search(f"{quoted}.{quoted}", document) == name
    assert search(f"{{{quoted}: {quoted}.{quoted}}}", document) == document[name]
    assert search(f"contains({quoted}.{quoted}, '" + name.replace("'", "\\'") + "')", document) is True


def test_the_deepest_and_the_longest_expressions_compile() -> None:
    shapes = [("[", "]"), ("(!", ")"), ("length(", ")"), ("", "[*].b"), ("{a: ", "}"), ("(a && ", ")"), ("(", " | a)")]
    for opening, closing in shapes:
        levels = next(levels for levels in range(MAX_DEPTH, 0, -1) if parses(opening * levels + "a" + closing * levels))
        assert levels >= MAX_DEPTH // 2 - 1
        assert callable(compile_expression(opening * levels + "a" + closing * levels))
    for joint in (" && ", " || ", " | "):
        assert callable(compile_predicate([joint.join(f"a{place} == 'b'" for place in range(900))]))
        assert search(joint.join(["@"] * 2_000), {"a": 0}) == {"a": 0}
    assert compile_predicate([" || ".join(f"a == '{place}'" for place in range(900))])({"a": "899"}) is True


def test_values_that_nest_too_deep_to_compare_are_not_equal() -> None:
    left: list[object] = []
    right: list[object] = []
    for _ in range(sys.getrecursionlimit() * 2):
        left, right = [left], [right]
    assert search("a == b", {"a": left, "b": right}) is False
    assert search("a != b", {"a": left, "b": right}) is True
    with pytest.raises(MatcherValueError):
        search("contains(a, b)", {"a": [left], "b": right})
    with pytest.raises(MatcherValueError):
        search("to_string(a)", {"a": left})


def test_any_mapping_is_an_object_to_read_from() -> None:
    for make in (MappingProxyType, OrderedDict):
        document = make({"a": make({"b": "c"})})
        assert search("a.b", document) == "c"
        assert compile_predicate(["a.b == 'c'"])(document) is True


@pytest.mark.parametrize("expression", ["a ==", "nonsense(a)", "regex(a, '(')", ""])
def test_what_can_never_work_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        compile_predicate(["a == 'b'", expression])
