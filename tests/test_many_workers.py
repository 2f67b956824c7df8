"""What holds for one worker holds for many: a part of the table that `make chaos` prints."""

from __future__ import annotations

from functools import partial

import pytest
from many_workers import half_an_hour, hung, slack_away, slack_away_with_fallback, table_away, tasks, thief, unlike


@pytest.mark.parametrize(
    ("scenario", "workers"),
    [
        (unlike, 2),
        (unlike, 10),
        (tasks, 10),
        (thief, 2),
        (hung, 2),
        (slack_away, 2),
        (slack_away_with_fallback, 2),
        (table_away, 2),
        pytest.param(half_an_hour, 2, marks=pytest.mark.long),
        pytest.param(partial(unlike, events=2_500), 50, marks=pytest.mark.long),
    ],
)
def test_the_bars_hold(scenario: object, workers: int) -> None:
    measured = scenario(workers, 1)  # type: ignore[operator]
    assert not measured.wrong, measured.line()
