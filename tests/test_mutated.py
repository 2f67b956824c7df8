"""Payloads as nobody would send them are answered, and none breaks anything. `make chaos` tries a hundred thousand."""

from __future__ import annotations

import pytest
from mutated import handled


@pytest.mark.parametrize("seed", [1, 2])
def test_every_payload_is_answered_and_adds_up(seed: int) -> None:
    ends = handled(2_000, seed)
    assert {name: count for name, count in ends.items() if name.startswith("broken") and count} == {}
    assert ends["delivered"] > 300
    assert ends["unreadable"] > 1_000
