"""The texts that a value contains are found together as they are found one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.matching.substrings import SubstringIndex

texts = st.text(alphabet="abc", min_size=1, max_size=7)


@given(st.lists(texts, max_size=60), st.text(alphabet="abcd", max_size=40))
def test_every_text_that_a_value_contains_is_found(some: list[str], value: str) -> None:
    index = SubstringIndex()
    for number, text in enumerate(some):
        index.enter(text, number)
    assert {number for number, text in enumerate(some) if text in value} == set(index.hits(value))


@pytest.mark.parametrize("begin", ["tool-{:04}/", "{:04}-tool/"])
def test_texts_are_found_wherever_they_differ(begin: str) -> None:
    index = SubstringIndex()
    for number in range(1_000):
        index.enter(begin.format(number), number)
    value = f"x {begin.format(77)} and {begin.format(999)} then {begin.format(77)}"
    assert sorted(set(index.hits(value))) == [77, 999]


def test_what_is_entered_later_is_found_too() -> None:
    index = SubstringIndex()
    index.enter("one", 1)
    assert index.hits("one two") == [1]
    index.enter("two", 2)
    assert sorted(index.hits("one two")) == [1, 2]


@pytest.mark.parametrize("texts", [["a" * (4 + 4 * n) + "b" for n in range(200)], [f"{n:03}" + "a" * n for n in range(200)]])
def test_a_value_full_of_their_pieces_is_searched_for_each_text(texts: list[str]) -> None:
    index = SubstringIndex()
    for number, text in enumerate(texts):
        index.enter(text, number)
    for value in ("a" * 8_000, "a" * 500 + "b", "000111222" * 300, "007aaaaaaa"):
        assert sorted(set(index.hits(value))) == [number for number, text in enumerate(texts) if text in value]
