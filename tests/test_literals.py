"""What every match of a pattern contains: by examples, and as a law over random patterns and texts that they match."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.matching.globs import glob_test
from engine.matching.literals import Run, demanded
from engine.matching.regexes import regex_test


@pytest.mark.parametrize(
    ("pattern", "alternatives"),
    [
        ("^payments-", [[Run("payments-", start=True)]]),
        ("nightly$", [[Run("nightly", end=True)]]),
        ("abc|def", [[Run("abc")], [Run("def")]]),
        ("a(b|c)d", [[Run("abd")], [Run("acd")]]),
        ("prod|", [[Run("prod")], []]),
        ("(abc)?", [[]]),
        ("x(?:yz)+w", [[Run("xyz"), Run("w")]]),
        ("a{2}b{1,3}c", [[Run("aab"), Run("c")]]),
        ("^[0-9a-f]{32}$", [[]]),
        (r"oidc\.eks\.", [[Run("oidc.eks.")]]),
        ("[.]com", [[Run(".com")]]),
        ("(^abc|def$)", [[Run("abc", start=True)], [Run("def", end=True)]]),
        ("(?m)^abc$", [[Run("abc")]]),
        ("a(?i)bc", [[Run("abc")]]),
        ("b{,3}c", [[Run("b{,3}c")]]),
        ("[[:alpha:]]abc", [[]]),
        (r"\Qabc\E", [[]]),
        (r"\x41bc", [[]]),
    ],
)
def test_a_regular_expression_demands(pattern: str, alternatives: list[list[Run]]) -> None:
    assert [list(runs) for runs in demanded("regex", pattern)] == alternatives


@pytest.mark.parametrize(
    ("kind", "value", "runs"),
    [
        ("glob", "payments-*", [Run("payments-", start=True)]),
        ("glob", "*-nightly", [Run("-nightly", end=True)]),
        ("glob", "a?b*c", [Run("a", start=True), Run("b"), Run("c", end=True)]),
        ("glob", "exact", [Run("exact", start=True, end=True)]),
        ("glob", "*", []),
        ("prefix", "abc", [Run("abc", start=True)]),
        ("suffix", "abc", [Run("abc", end=True)]),
        ("contains", "abc", [Run("abc")]),
        ("contains", "", []),
        ("cidr", "192.0.2.0/24", []),
    ],
)
def test_other_patterns_demand(kind: str, value: str, runs: list[Run]) -> None:
    assert demanded(kind, value) == (tuple(runs),)


LITERALS = st.sampled_from(["a", "ab", "abc", "-", "/", ":", r"\.", "[.]", r"\d", "[a-c]", "[^a]", ".", "_", "{", "^", "$"])
COUNTS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{,2}", "+?", "{2,}"])
BOUNDED = st.sampled_from(["", "", "?", "{2}", "{0,2}"])
"""How often a group may stand in a pattern of which Hypothesis makes texts: nested repeats keep Python's `re` busy for ever."""


def patterns(of_groups: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Regular expressions whose groups stand so often."""
    return st.recursive(
        st.builds(str.__add__, LITERALS, COUNTS),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=4).map("".join),
            st.builds("({}|{}){}".format, inner, inner, of_groups),
            st.builds("(?:{}){}".format, inner, of_groups),
            st.builds("{}|{}".format, inner, inner),
        ),
        max_leaves=8,
    )


def meets(text: str, runs: tuple[Run, ...]) -> bool:
    """Whether a text has all runs, in their order, ignoring case."""
    text, place = text.lower(), 0
    for run in runs:
        wanted = run.text.lower()
        if (run.start and not text.startswith(wanted)) or (run.end and not text.endswith(wanted)):
            return False
        found = text.find(wanted, place)
        if found < 0:
            return False
        place = found + len(wanted)
    return True


@given(patterns(COUNTS), st.data())
def test_every_text_that_a_regular_expression_matches_has_the_runs_of_one_alternative(pattern: str, data: st.DataObject) -> None:
    try:
        test = regex_test(pattern)
    except ExpressionError:
        assume(False)  # noqa: FBT003  hypothesis takes it so
    text = data.draw(st.text("abcABC-/:._{}12", max_size=14), label="text")
    assume(test(text))
    assert any(meets(text, runs) for runs in demanded("regex", pattern))


@given(patterns(BOUNDED), st.data())
def test_a_text_made_for_the_pattern_has_them_too(pattern: str, data: st.DataObject) -> None:
    try:
        test = regex_test(pattern)
        text = data.draw(st.from_regex(re.compile(pattern, re.ASCII)), label="text")
    except (ExpressionError, re.error):
        assume(False)  # noqa: FBT003  as above
    assume(test(text))
    assert any(meets(text, runs) for runs in demanded("regex", pattern))


@given(st.text("ab*?", max_size=8), st.data())
def test_every_text_that_a_glob_matches_has_its_runs(pattern: str, data: st.DataObject) -> None:
    wildcards = {"*": st.text("ab", max_size=3), "?": st.sampled_from("ab")}
    text = "".join(data.draw(wildcards[char]) if char in wildcards else char for char in pattern)
    assert glob_test(pattern)(text)
    assert meets(text, demanded("glob", pattern)[0])
