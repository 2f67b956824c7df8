"""Of which conditions the linter says that they leave nothing for others: each time that is true of every event."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import MatcherError
from engine.lint.fields import FIELD_TYPES
from engine.lint.shadowing import Shadows, by_class, landmarks, mentioned
from engine.matching import check, compile_predicate
from engine.matching.formula import Formula, formula_of
from engine.matching.ways import Budget, always, implied, never

KINDS = {"bot": "robot", "cron": "robot", "human": "person", "unknown": "unknown"}


def condition(expression: str) -> Formula:
    return by_class(formula_of([check(expression)], FIELD_TYPES), KINDS)


def follows(premise: str, conclusion: str) -> bool:
    return implied(condition(premise), condition(conclusion), Budget(50_000))


def is_candidate(premise: str, conclusion: str) -> bool:
    """Whether the conclusion is among the conditions that are compared with the premise."""
    return not landmarks(condition(conclusion)).isdisjoint(mentioned(condition(premise)))


@pytest.mark.parametrize(
    ("premise", "conclusion"),
    [
        ("bucket == 'a'", "bucket == 'a'"),
        ("bucket == 'a' && readOnly", "readOnly && 'a' == bucket"),
        ("bucket == 'pay-x'", "glob(bucket, 'pay-*')"),
        ("bucket == 'pay-x'", "starts_with(bucket, 'pay')"),
        ("bucket == 'pay-x'", "regex(bucket, '^pay')"),
        ("bucket == 'pay-x'", "bucket != 'other'"),
        ("bucket == 'pay-x'", "!glob(bucket, 'o*')"),
        ("bucket == 'a' || bucket == 'b'", "contains(['a', 'b', 'c'], bucket)"),
        ("contains(['a', 'b'], bucket)", "bucket == 'a' || bucket == 'b'"),
        ('contains(`["a"]`, bucket)', "bucket == 'a'"),
        ("starts_with(key, 'ab')", "glob(key, 'a*')"),
        ("starts_with(key, 'ab')", "contains(key, 'b')"),
        ("glob(key, 'a?c*')", "glob(key, 'a*c*')"),
        ("ends_with(key, '.gz')", "glob(key, '*.gz')"),
        ("starts_with(key, 'ab')", "key != `null`"),
        ("starts_with(key, 'ab')", "key != 'b'"),
        ("actor.class == 'bot'", "actor.kind == 'robot'"),
        ("(actor.class == 'bot' && readOnly) || actor.kind == 'robot'", "actor.kind == 'robot'"),
        ("errorCode == 'AccessDenied'", "errorCode != `null`"),
        ("bucket == 'a' && key == 'b'", "bucket != key"),
        ("readOnly", "readOnly || access.denied"),
        ("readOnly", "`true`"),
    ],
)
def test_what_follows(premise: str, conclusion: str) -> None:
    assert follows(premise, conclusion)
    assert is_candidate(premise, conclusion)


@pytest.mark.parametrize(
    ("premise", "conclusion", "why"),
    [
        ("bucket == 'a'", "bucket == 'b'", "another value"),
        ("glob(key, 'a*')", "starts_with(key, 'ab')", "wider"),
        ("glob(key, 'a*c')", "glob(key, 'a?c')", "longer ones"),
        ("bucket != 'a'", "bucket == 'b'", "anything else"),
        ("bucket == 'a' || readOnly", "bucket == 'a'", "one branch alone"),
        ("bucket == 'a'", "starts_with(key, 'x') || bucket == 'a'", "the first branch fails without a key"),
        ("errorCode && bucket == 'a'", "errorCode", "a text is not exactly true"),
        ("starts_with(key, '*b')", "glob(key, '*b')", "a star in a prefix is a star"),
        ("contains(resources, 'ab')", "contains(resources, 'a')", "members of a list"),
        ("actor.class == 'other'", "actor.kind == 'robot'", "a class of no known kind"),
        ("glob(key, '*')", "key != 'a'", "it may be that one"),
    ],
)
def test_what_does_not_follow(premise: str, conclusion: str, why: str) -> None:
    assert not follows(premise, conclusion), why


VALUES = ("a", "b", "ab", "abc", "b/a", "*a", "", None, 1)
LETTERS = st.text("ab*?", min_size=0, max_size=3)
PATHS = st.sampled_from(["key", "bucket", "actor.class", "actor.kind"])
FLAGS = st.sampled_from(["readOnly", "access.denied"])


def calls(name: str) -> st.SearchStrategy[str]:
    return st.builds("{}({}, '{}')".format, st.just(name), PATHS, LETTERS)


ATOMS = st.one_of(
    st.builds("{} {} '{}'".format, PATHS, st.sampled_from(["==", "!="]), st.sampled_from(["a", "b", "ab", "bot", "robot"])),
    st.builds("{} {} `null`".format, PATHS, st.sampled_from(["==", "!="])),
    st.builds("contains(['{}', '{}'], {})".format, LETTERS, LETTERS, PATHS),
    *map(calls, ("glob", "starts_with", "ends_with", "contains")),
    FLAGS,
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=5,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Events whose fields have the types that CloudTrail gives them, and whose classes have their kinds."""
    name = draw(st.sampled_from(list(KINDS)))
    texts = st.one_of(st.sampled_from(["a", "b", "ab", "bot", "robot", None]), st.text("ab*?", max_size=4))
    return {
        "key": draw(texts),
        "bucket": draw(texts),
        "readOnly": draw(st.sampled_from([True, False, None])),
        "access": {"denied": draw(st.booleans())},
        "actor": {"class": name, "kind": KINDS[name]},
    }


def answer(expression: str, document: dict[str, Any]) -> bool | None:
    try:
        return compile_predicate([expression])(document)
    except MatcherError:
        return None


@given(CONDITIONS, CONDITIONS, st.lists(documents(), min_size=20, max_size=40))
@example("key == 'a'", "starts_with(key, 'a')", [])
def test_what_is_said_to_follow_holds_for_every_event(premise: str, conclusion: str, events: list[dict[str, Any]]) -> None:
    if follows(premise, conclusion):
        settled = never(condition(premise), Budget(50_000)) or always(condition(conclusion), Budget(50_000))
        assert settled or is_candidate(premise, conclusion)
        for event in events:
            if answer(premise, event) is True:
                assert answer(conclusion, event) is True


SMALL = st.lists(
    st.sampled_from(
        [
            "readOnly",
            "!readOnly",
            "access.denied",
            "access.denied == `false`",
            "key == 'a'",
            "key != 'a'",
            "glob(key, 'a*')",
            "!glob(key, 'a*') || readOnly",
            "access.denied != `true` && key != 'a'",
            "actor.kind == 'robot'",
            "actor.kind != 'robot'",
            "starts_with(key, 'b')",
            "bucket == `null`",
        ]
    ),
    min_size=2,
    max_size=5,
    unique=True,
)


def hiding(expressions: list[str]) -> tuple[Any, ...]:
    """Which of some conditions leave nothing for the last of them."""
    shadows, parts = Shadows(KINDS), list(enumerate(expressions))
    found: tuple[Any, ...] = ()
    for part in parts:
        found = shadows.shadowing(part, formula_of([check(part[1])], FIELD_TYPES), lambda _, __: True)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("expressions", "numbers"),
    [
        (["access.denied", "key == 'x'", "access.denied == `false`", "bucket == 'b'"], [0, 2]),
        (["actor.kind == 'person'", "actor.kind != 'person'", "`true`"], [0, 1]),
        (["key == 'a'", "readOnly", "key != 'a' && access.denied", "access.denied"], [0, 2]),
        (["starts_with(key, 'a')", "readOnly != `true`", "readOnly"], []),
        (["readOnly", "access.denied", "bucket == 'b'"], []),
    ],
)
def test_several_conditions_leave_nothing_together(expressions: list[str], numbers: list[int]) -> None:
    assert [number for number, _ in hiding(expressions)] == numbers


@given(SMALL, st.lists(documents(), min_size=20, max_size=40))
def test_what_several_are_said_to_leave_nothing_of_is_so_for_every_event(
    expressions: list[str], events: list[dict[str, Any]]
) -> None:
    found = hiding(expressions)
    for event in events if found else ():
        if answer(expressions[-1], event) is True:
            assert any(answer(expression, event) is True for _, expression in found)
