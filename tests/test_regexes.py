"""A regular expression means what RE2 says, and never takes long."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import pytest
import re2  # type: ignore[import-untyped]  # it has no stubs
from expressions import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.matching import MAX_PATTERN, compile_predicate, regexes
from engine.matching.regexes import LateSearch, RegexSet, check_regex, is_plain, regex_test, required

PIECES = (
    *("a", "b", "-", "/", " ", "\\.", "\\d", "\\w", "\\*", "\\\\", "[ab]", "[^a]", "[a-c-]", "[0-9a-f]", "[a\\-\\d]", "."),
    *(
        "(a|b)",
        "(?:ab|)",
        "(a|b|\\|)",
        "(",
        "|",
        "{",
        "}",
        "{2}",
        "{02}",
        "{0}",
        "{1,02}",
        "{00,2}",
        "{0,2}",
        "{2,}",
        "*",
        "+",
        "?",
        "^",
        "$",
        "[z-a]",
        "(?i)",
        "\\s",
        "é",
    ),
)
patterns = st.tuples(st.sampled_from(["", "^"]), st.lists(st.sampled_from(PIECES), max_size=5), st.sampled_from(["", "$"])).map(
    lambda parts: parts[0] + "".join(parts[1]) + parts[2]
)
subjects = st.text(alphabet="abc0_-/ .*|\\\né٣\v", max_size=6)


@settings(max_examples=EXAMPLES * 4)
@given(patterns, subjects)
def test_every_pattern_means_what_re2_says(pattern: str, text: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        expected = re2.compile(pattern, options).search(text) is not None
    except re2.error:
        with pytest.raises(ExpressionError):
            regex_test(pattern)
        return
    assert expected is regex_test(pattern)(text)
    assert expected is (LateSearch(pattern)(text) is not None)
    kind, literal = required(pattern)
    assert not expected or (text.startswith(literal) if kind == "prefix" else literal in text)


def test_a_pattern_is_compiled_when_it_is_first_asked_and_then_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(regexes, "search", lambda pattern: compiled.append(pattern) or re.compile(pattern).search)
    holds = compile_predicate(["regex(a, '^x') || regex(b, '^y')"])
    compiled.clear()  # each was compiled once to be checked
    assert (holds({"a": "x"}), holds({"a": "x"}), compiled) == (True, True, ["^x"])
    assert (holds({"a": "z", "b": "y"}), compiled) == (True, ["^x", "^y"])
    assert not any(isinstance(cell.cell_contents, LateSearch) for cell in holds.__closure__ or ())


@pytest.mark.parametrize(
    "pattern", ["^[0-9a-f]{32}$", "^i-[0-9a-f]{8,17}$", "exec-env/AWS_ECS_(EC2|FARGATE)", "aws-cli", "^AWSCodeBuild-"]
)
def test_the_patterns_of_policies_need_no_re2(pattern: str) -> None:
    assert is_plain(pattern)


@pytest.mark.parametrize(
    "pattern", ["a+", "^a+b+$", "(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)", "a|b", "(?i)a", "[a-z]{99}" * 3, "\\s", "(a+)"]
)
def test_a_pattern_that_could_backtrack_or_means_something_else_goes_to_re2(pattern: str) -> None:
    assert not is_plain(pattern)


@pytest.mark.parametrize(
    "pattern", ["(", "(?=a)", "\\1", "a{1001}", "((a{99}){99}){99}", "\ud800", "a" * (MAX_PATTERN + 1), "[z-a]"]
)
def test_what_re2_does_not_take_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionError):
        check_regex(pattern)


def test_half_a_surrogate_pair_is_one_character() -> None:
    assert regex_test("^.a|x$")("\ud800a") is True
    assert regex_test("^.a$")("\ud800a") is True


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "^.*.*.*b$", "^a*[ab]{99}c$", "(a|ab)(c|bcd)(d*)x"])
def test_a_hostile_text_does_not_make_a_pattern_slow(pattern: str) -> None:
    test = regex_test(pattern)
    started = time.perf_counter()
    assert test("a" * 50_000 + "!") is False
    assert time.perf_counter() - started < 1


def test_where_the_memory_of_a_set_does_not_suffice_each_is_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    several = RegexSet(["^a+", "b$", "@"])
    assert several.matches("aab") == [0, 1]
    assert several.matches("x@b") == [1, 2]
    monkeypatch.setattr(several, "_set", SimpleNamespace(Match=lambda _: []))
    assert several.matches("aab") == [0, 1]
