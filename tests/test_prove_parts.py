"""What the prover says of one field by itself: of texts and patterns, of source addresses, of times. Each is a law."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from builders import NOW
from expressions import EXAMPLES
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import windows

from engine.errors import ExpressionError, HardPatternError
from engine.matching import check
from engine.matching.formula import formula_of
from engine.matching.regexes import regex_test
from engine.pipeline.decide.windows import within
from engine.policy.fact_layout import FACT_TYPES
from engine.prove import addresses
from engine.prove.automata import Automaton, contains_text
from engine.prove.patterns import regex_pattern
from engine.prove.questions import TextFinder, Wanted, ask, text_question
from engine.prove.times import critical_times

if TYPE_CHECKING:
    from engine.matching.formula import Atom

# --- patterns ---------------------------------------------------------------------------------------------------------------

LETTERS = "aAbkKsS1_ -.\n\u212a\u017f\u00e9\u65e5\u0663\ufffd"
"""Letters that patterns tell apart, among them those that are equal to k and s where case does not count."""
characters = st.sampled_from(LETTERS)
PIECES = (
    *("a", "k", "s", "A", "K", "S", "1", "_", "-", "\u212a", "\u00e9", "\u65e5", ".", r"\.", r"\n", r"\x6b", r"\x{212a}"),
    *(r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\A", r"\z", "^", "$", r"\pL", r"\Qa.\E", r"\C"),
    *("[a-k]", "[^a-k]", "[[:alpha:]]", "[^[:word:]]", "[[:^digit:]]", r"[\w-]", "[]a]", "[^]a]", r"[a\-k]", r"[^\d]", "[K-k]"),
    *("(?i)", "(?-i)", "(?s)", "(?m)", "(?U)", "(?i:k)", "(?s:.)", "(?P<n>a)", "(?:s)", "()", "(|a)"),
    *("{", "}", "]", "{,2}", "a{2}", "a{1,2}", "a{1,}", "k{0}", "a{\u0663}", "a*?", "a+?", "a??", "\ufffd"),
)
pieces = st.sampled_from(PIECES)
patterns = st.recursive(
    pieces,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({})".format, inner),
        st.builds("(?i:{})".format, inner),
        st.builds("{}|{}".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1}"])),
    ),
    max_leaves=6,
)


@given(patterns, st.lists(st.text(characters, max_size=5), min_size=20, max_size=20))
@settings(max_examples=EXAMPLES)
def test_a_pattern_that_is_read_matches_what_the_engine_matches(pattern: str, some: list[str]) -> None:
    try:
        test = regex_test(pattern)
    except ExpressionError:
        assume(condition=False)
        raise
    try:
        language = Automaton(regex_pattern(pattern), search=True)
    except HardPatternError:
        return  # nothing is claimed of it
    for text in ("", *some):
        assert contains_text(language, text) == test(text), text


kinds = st.one_of(
    st.tuples(st.sampled_from(["is", "prefix", "suffix", "contains"]), st.text(characters, max_size=3)),
    st.tuples(st.just("glob"), st.text(st.sampled_from("a*?k\u212a"), max_size=4)),
    st.tuples(st.just("regex"), patterns),
    st.tuples(st.just("in"), st.frozensets(st.text(characters, max_size=2), min_size=1, max_size=3)),
    st.tuples(st.just("cidr"), st.sampled_from(["10.0.0.0/8", "::/0"])),
)


@given(st.lists(st.tuples(kinds, st.booleans()), min_size=1, max_size=4), st.lists(st.text(characters, max_size=4), max_size=30))
@settings(max_examples=EXAMPLES)
def test_where_no_text_is_said_to_give_some_answers_none_does(asked: list[Any], some: list[str]) -> None:
    wanted = []
    for number, ((kind, value), answer) in enumerate(asked, start=1):
        try:
            question = text_question(number, kind, value)
        except ExpressionError:
            assume(condition=False)
            raise
        assert question is not None
        wanted.append(Wanted(question, answer, (number,)))
    found = TextFinder().find(wanted, ("a",))
    if isinstance(found, str):
        assert all(ask(entry.question, found) is entry.answer for entry in wanted)
    elif found.certain:
        of = [entry for entry in wanted if set(entry.because) <= set(found.literals)]
        for text in ("", "\ud800", "a\udfff", *some):
            assert not all(ask(entry.question, text) is entry.answer for entry in of), text


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("^\\pL+$", "syntax at character"),
        ("(?m)^a$", "syntax at character"),
        ("(?i)\u00e9", "letters beyond ASCII"),
        ("a\\Bb", "syntax at character"),
        ("^([a-z]{1,30}[0-9]{1,30}[a-z]{1,30}){1,30}x$", "too large"),
    ],
)
def test_a_pattern_that_is_not_read_is_said_to_be_hard(pattern: str, why: str) -> None:
    regex_test(pattern)
    with pytest.raises(HardPatternError, match=why):
        Automaton(regex_pattern(pattern), search=True)


def test_the_kelvin_sign_is_a_k_where_case_does_not_count() -> None:
    language = Automaton(regex_pattern("^(?i)ks$"), search=True)
    assert contains_text(language, "\u212a\u017f")
    assert regex_test("^(?i)ks$")("\u212a\u017f")


# --- addresses --------------------------------------------------------------------------------------------------------------

SOURCES = (
    *("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.9", "10.0.0.254", "10.0.0.255", "10.0.1.0", "9.255.255.255"),
    *("::ffff:10.0.0.2", "::FFFF:10.0.0.2", "::1", "::2", "fe80::1%eth0", "2001:db8::1", "2001:db8::2", "203.0.113.9", "", "x"),
    *("s3.amazonaws.com", "sts.amazonaws.com", "AWS Internal", "s3.amazonaws.com.", "-", "0.0.0.0", "255.255.255.255"),  # noqa: S104
    *("010.0.0.1", " 10.0.0.1", "10.0.0.1/32"),
)
of_source = st.one_of(
    st.builds(
        "cidr({}, '{}')".format,
        st.sampled_from(["source.ip", "sourceIPAddress"]),
        st.sampled_from(["10.0.0.0/30", "10.0.0.0/31", "10.0.0.0/24", "10.0.0.1", "::/0", "0.0.0.0/0", "2001:db8::/126", "::1"]),
    ),
    st.builds("{} == '{}'".format, st.sampled_from(["source.ip", "sourceIPAddress"]), st.sampled_from(SOURCES)),
    st.builds("source.kind == '{}'".format, st.sampled_from(["ipv4", "ipv6", "service", "none"])),
    st.sampled_from(["source.private", "sourceIPAddress", "source.ip", "source.private == `false`", "source.ip == `null`"]),
    st.lists(st.sampled_from(SOURCES), min_size=2, max_size=6).map(
        lambda texts: f"contains([{', '.join(repr(text) for text in texts)}], source.ip)"
    ),
)
some_sources = st.one_of(
    st.none(),
    st.sampled_from(SOURCES),
    st.integers(0, 300).map(lambda number: f"10.0.{number // 256}.{number % 256}"),
    st.ip_addresses().map(str),
)


def atoms_of(part: Any) -> list[Atom]:
    parts = getattr(part, "parts", None) or ([part.part] if hasattr(part, "part") else None)
    return [part] if parts is None else list(chain.from_iterable(map(atoms_of, parts)))


@given(st.lists(of_source, min_size=1, max_size=7), st.lists(some_sources, min_size=20, max_size=40))
@settings(max_examples=EXAMPLES)
def test_each_combination_of_answers_about_a_source_is_given_by_a_candidate(said: list[str], some: list[str | None]) -> None:
    atoms = frozenset(chain.from_iterable(atoms_of(formula_of([check(one)], FACT_TYPES)) for one in said))
    assume(atoms and addresses.is_complete(atoms))
    tried = [answers for _, answers in addresses.candidates(atoms)]
    for value in some:
        assert {atom: addresses.result_of(atom, value) for atom in atoms} in tried, value


# --- times ------------------------------------------------------------------------------------------------------------------


def moments(first: date, last: date) -> st.SearchStrategy[datetime]:
    return st.integers(0, 86_400 * (last - first).days).map(
        lambda seconds: datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(seconds=seconds)
    )


ever = moments(date(2007, 1, 2), date(2098, 12, 31))
zoned = st.builds(lambda window, zone: window._replace(timezone=ZoneInfo(zone)), windows, st.sampled_from(
    ["Africa/Casablanca", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Gaza", "Pacific/Apia"]
))  # fmt: skip


@given(
    st.lists(windows | zoned, min_size=1, max_size=3),
    st.lists(ever, max_size=2),
    st.lists(ever | moments(date(2026, 10, 20), date(2026, 11, 10)), min_size=9, max_size=9),
)
def test_each_combination_of_answers_about_a_time_is_given_by_a_critical_one(
    hours: list[Any], ends: list[datetime], some: list[datetime]
) -> None:
    def answers(time: datetime) -> tuple[bool, ...]:
        return (*(within((window,), time) for window in hours), *(time >= end for end in ends))

    given_by = set(map(answers, critical_times((*((window,) for window in hours), *((end,) for end in ends)))))
    for time in (*some, NOW, *ends, *(end - timedelta(seconds=1) for end in ends)):
        assert answers(time) in given_by, time
