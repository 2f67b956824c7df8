"""The cache that every bounded lookup uses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.cache import BoundedCache


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 9), st.integers()), max_size=60))
def test_a_cache_never_exceeds_its_size_and_never_returns_another_value(size: int, entries: list[tuple[int, int]]) -> None:
    cache: BoundedCache[int, int] = BoundedCache(size)
    written: dict[int, int] = {}
    for key, value in entries:
        cache[key] = written[key] = value
        assert cache[key] == value
        assert len(cache) <= size
        assert all(written[known] == cache[known] for known in cache)


def test_a_new_entry_in_a_full_cache_removes_all_others_and_a_known_one_removes_none() -> None:
    cache: BoundedCache[str, int] = BoundedCache(2)
    cache["a"], cache["b"] = 1, 2
    cache["a"] = 3
    assert cache == {"a": 3, "b": 2}
    cache["c"] = 4
    assert cache == {"c": 4}
