"""Messages about Trailbell itself."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from builders import NOW, channel, policy, policy_set, route, silence
from messages import lines
from slack_limits import violations

from engine.model import Language, PolicySet
from engine.pipeline.render import muted_notice, plain, trial_notice

DAY = date(2026, 10, 31)
RULES = policy(
    "payments",
    route("nightly", "`true`", mute="reconciliation job, PAY-1123"),
    route("idle", "`true`", mute="a job that never ran"),
    route("people"),
    silences=(
        silence("soon", "`true`", NOW + timedelta(days=3), reason="migration"),
        silence("later", "`true`", NOW + timedelta(days=30)),
        silence("ended", "`true`", NOW - timedelta(days=1)),
    ),
)


def told(counts: dict[str, int], policies: PolicySet | None = None, **parts: Any) -> str:
    message = muted_notice(counts, policies or policy_set(RULES), channel("ops", **parts), DAY, NOW)
    assert list(violations(message.payload)) == []
    return "\n".join(lines(message))


def test_the_digest_says_what_was_muted_by_which_rule_how_often_and_why() -> None:
    text = told({"payments/nightly": 1234, "payments/soon": 2})
    assert "What was muted on 2026-10-31 (UTC)" in text
    assert "payments/nightly: 1,234 events: reconciliation job, PAY-1123" in text
    assert text.index("payments/nightly") < text.index("payments/soon: 2 events: migration")


def test_the_digest_says_which_silences_end_soon_which_have_and_what_did_nothing() -> None:
    lines = dict(line.split(": ", 1) for line in told({"payments/nightly": 1}).splitlines() if ": " in line)
    assert lines["Silences that end soon"] == "payments/soon (2026-11-04 12:00 UTC)"
    assert lines["Silences that have ended and can be deleted"] == "payments/ended (2026-10-31 12:00 UTC)"
    assert "payments/idle" in lines["Not used that day"]
    assert "payments/ended" not in lines["Not used that day"]


def test_a_day_without_mutes_says_so() -> None:
    assert "nothing was muted or silenced" in told({}, policy_set())


def test_a_rule_that_is_gone_since_is_counted_all_the_same() -> None:
    assert "old/rule: 7 events" in told({"old/rule": 7})


def test_a_thousand_rules_fit_into_a_message() -> None:
    many = policy("many", *(route(f"r{number}", "`true`", mute="m" * 200) for number in range(1000)))
    text = told({f"many/r{number}": number + 1 for number in range(500)}, policy_set(many))
    assert "and 480 more" in text
    assert "many/r499: 500 events" in text


@pytest.mark.parametrize("language", list(Language))
def test_a_test_message_says_that_it_is_one(language: Language) -> None:
    message = trial_notice(channel("ops")._replace(language=language), "sha256:000000000000")
    assert list(violations(message.payload)) == []
    assert "ops" in message.payload["text"]
    assert message.events == ()
    assert all(line.split(": ")[-1] in plain(message).payload["text"] for line in lines(message)[1:])
