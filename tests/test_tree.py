"""An expression is parsed within limits, and every error says where."""

from __future__ import annotations

import pytest
from expressions import EXAMPLES, expressions
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.matching import MAX_DEPTH, MAX_EXPRESSION, MAX_NODES, conjuncts, parse, walk
from engine.matching.tree import field_path, leading_names


@pytest.mark.parametrize(
    ("expression", "says", "offset"),
    [
        ("", "empty", None),
        ("  ", "empty", None),
        ("a ==", "ends too early", 4),
        ("a = 'b'", "`=` is not an operator", 2),
        ("a == 'b", "`'` is opened here and never closed", 5),
        ("a == b c", "`c` is not expected here", 7),
        ("a ^ b", "`^` is not expected here", 2),
        ("a == `b`", "a string is written 'text'", 5),
        ("a.`1`", "not expected", 2),
        ("a[" + "9" * 5_000 + "]", "not JMESPath", None),
        ("a" * (MAX_EXPRESSION + 1), "longer than", MAX_EXPRESSION),
    ],
)
def test_what_does_not_parse_says_what_and_where(expression: str, says: str, offset: int | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(expression)
    assert says in caught.value.what
    assert offset == caught.value.offset


DEEP = MAX_DEPTH + 1


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 5_000 + "a" + ")" * 5_000,
        "!" * 5_000 + "a",
        "map(&" * 500 + "a" + ", b)" * 500,
        "&a || " * 500 + "b",
        "a" + "[*].b" * 500,
        "a" + "[?b]" * 500,
        "a" + "[::2]" * 500,
        "a" + "[]" * 500,
        "a" + ".*" * 500,
        "[" * 500 + "a" + "]" * 500,
        "{a: " * 500 + "b" + "}" * 500,
        "length(" * 500 + "a" + ")" * 500,
        "a" + " == a" * 500,
        ".".join("a" * 500),
        "`" + "[" * 5_000 + "]" * 5_000 + "`",
        "(" * DEEP + "a" + ")" * DEEP,
    ],
)
def test_deep_nesting_is_refused_before_anything_recurses(expression: str) -> None:
    with pytest.raises(ExpressionError, match="nests deeper than 32 levels"):
        parse(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1),
        " || ".join(["!a[*].b"] * 400),
        " && ".join(["a == 'b'"] * 400),
        " | ".join(["a"] * 400),
        "contains(`" + str(list("[{(")).replace("'", '"') * 1 + "`, a)",
        "contains([" + ", ".join(["'[[[((('"] * 400) + "], a)",
        "!a && !b",
    ],
)
def test_long_chains_and_texts_full_of_brackets_are_not_deep(expression: str) -> None:
    assert parse(expression)


def test_an_expression_of_too_many_parts_is_refused() -> None:
    with pytest.raises(ExpressionError, match="more than 4096 parts"):
        parse("||".join(["a"] * (MAX_NODES + 1)))


def test_chains_are_flat_and_in_order() -> None:
    tree = parse("a && (b && c) && (d || e || f) && g")
    assert [node.kind for node in conjuncts(tree)] == ["field", "field", "field", "or_expression", "field"]
    assert tuple(node.value for node in conjuncts(tree)[:3]) == ("a", "b", "c")
    assert (parse("a"),) == conjuncts(parse("a"))


def test_names_and_literals_know_where_they_stand() -> None:
    expression = "contains(a[?b == 'x'].c, \"d\") && {e: `1`}.e"
    found = {str(node.value): node.offset for node in walk(parse(expression)) if node.offset is not None}
    expected = {text: expression.index(at) for text, at in [("contains", "contains"), ("a", "a[?"), ("b", "b =="), ("x", "'x'")]}
    assert expected.items() <= found.items()
    assert expression.index('"d"') == found["d"]
    assert expression.index("`1`") == found["1"]


@settings(max_examples=EXAMPLES)
@given(expressions)
def test_every_offset_points_at_its_name(expression: str) -> None:
    try:
        tree = parse(expression)
    except ExpressionError:
        assume(False)  # noqa: FBT003  hypothesis takes it so
    for node in walk(tree):
        if node.kind in ("field", "function_expression") and node.offset is not None:
            assert expression[node.offset :].startswith((node.value, f'"{node.value}"'))


@given(st.text(alphabet="ab.[]*?|&!=<>(){}@:,'\"`\\ 01-\ud800", max_size=40))
def test_any_text_parses_or_is_refused_with_a_place_inside_it(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        place = error.offset
    else:
        place = None
    assert place is None or 0 <= place <= len(text)


def test_paths_of_fields() -> None:
    assert field_path(parse("a.b")) == ("a", "b")
    assert field_path(parse("a")) == ("a",)
    assert field_path(parse("a.b[0]")) is None
    assert field_path(parse("a.{b: c}")) is None
    assert leading_names(parse("a.{b: c}")) == ("a",)
