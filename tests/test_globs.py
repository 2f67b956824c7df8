"""A glob matches the whole value, quickly."""

from __future__ import annotations

import re
import time

import pytest
from expressions import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.matching import MAX_PATTERN, glob
from engine.matching.globs import Shape, glob_test, shape

few = st.text(alphabet="ab*?\n.[\\", max_size=8)


@settings(max_examples=EXAMPLES)
@given(few, few)
def test_a_glob_means_what_the_plainest_regular_expression_means(value: str, pattern: str) -> None:
    plain = "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern)
    assert (re.fullmatch(plain, value, re.DOTALL) is not None) is glob(value, pattern)


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        ("payments/2026/a.csv", "payments/*.csv", True),
        ("payments", "pay", False),
        ("Payments", "payments", False),
        ("a", "a*a", False),
        ("aa", "a*a", True),
        ("日本", "??", True),
        ("[ab]", "[ab]", True),
        ("a", "[ab]", False),
        ("\ud800x", "?x", True),
        ("", "*", True),
        (None, "*", False),
    ],
)
def test_globs(value: str | None, pattern: str, *, expected: bool) -> None:
    assert expected is glob(value, pattern)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("ledger", Shape("equals", "ledger")),
        ("payments-*", Shape("prefix", "payments-")),
        ("*-logs", Shape("suffix", "-logs")),
        ("a*b", Shape("pattern", "a")),
        ("a?", Shape("pattern", "a")),
        ("?*", Shape("pattern", "")),
        ("**", Shape("pattern", "")),
        ("*", Shape("prefix", "")),
        ("", Shape("equals", "")),
    ],
)
def test_the_shape_of_a_glob(pattern: str, expected: Shape) -> None:
    assert expected == shape(pattern)


def test_a_hostile_value_does_not_make_a_glob_backtrack() -> None:
    test = glob_test("*" + "a*" * 200 + "b")
    started = time.perf_counter()
    assert test("a" * 5_000) is False
    assert time.perf_counter() - started < 1


def test_a_glob_that_is_too_long_is_refused() -> None:
    with pytest.raises(ExpressionError, match="longer than"):
        glob("a", "*" * (MAX_PATTERN + 1))
