"""Parts of strings are found together as they are found one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.matching.parts import Parts

texts = st.text(alphabet="abc", min_size=1, max_size=7)


@given(st.lists(texts, max_size=60), st.text(alphabet="abcd", max_size=40))
def test_every_text_that_stands_in_a_value_is_found(some: list[str], value: str) -> None:
    parts = Parts()
    for number, text in enumerate(some):
        parts.enter(text, number)
    assert {number for number, text in enumerate(some) if text in value} == set(parts.hits(value))


@pytest.mark.parametrize("begin", ["tool-{:04}/", "{:04}-tool/"])
def test_few_beginnings_and_many_are_found_alike(begin: str) -> None:
    parts = Parts()
    for number in range(1_000):
        parts.enter(begin.format(number), number)
    value = f"x {begin.format(77)} and {begin.format(999)} then {begin.format(77)}"
    assert sorted(set(parts.hits(value))) == [77, 999]


def test_what_is_entered_later_is_found_too() -> None:
    parts = Parts()
    parts.enter("one", 1)
    assert parts.hits("one two") == [1]
    parts.enter("two", 2)
    assert sorted(parts.hits("one two")) == [1, 2]


@pytest.mark.parametrize("texts", [["a" * (4 + 4 * n) + "b" for n in range(200)], [f"{n:03}" + "a" * n for n in range(200)]])
def test_a_value_that_begins_like_all_of_them_everywhere_is_asked_text_by_text(texts: list[str]) -> None:
    parts = Parts()
    for number, text in enumerate(texts):
        parts.enter(text, number)
    for value in ("a" * 8_000, "a" * 500 + "b", "000111222" * 300, "007aaaaaaa"):
        assert sorted(set(parts.hits(value))) == [number for number, text in enumerate(texts) if text in value]
