"""Events through a queue and two workers to a Slack that misbehaves: nothing is lost."""

from __future__ import annotations

import pytest
from chaos import Chaos


@pytest.mark.long
def test_nothing_is_lost_between_the_queue_and_slack() -> None:
    report = Chaos(300, 7, kills=2, slow_faults=0).run()
    assert report.missing == []
    assert report.holds, report.table()
    assert report.muted > 30
    assert report.duplicates_sent > 50
    assert report.refused == 0
    assert report.strangers == 0
    assert report.sets_refused > 0
