# ruff: noqa: E501  a finding is one line, as it is printed
"""Channels as policies write them: where they go, what is folded, who takes over, whom they mention."""

from __future__ import annotations

import pytest

from engine.model import Channel, Field, IncidentKey, IncidentRule, Severity, WebhookRef
from engine.policy.load import check
from engine.policy.source import parse_source

SET = """\
version: 1
name: main
owner: security
masking: [{level: standard, fields: {time: keep}}]
default: {notify: [x, ops], masking: standard}
channels:
  - {name: ops, webhook: {env: SLACK_WEBHOOK_OPS}}
  - {name: x, %s}
"""
WEBHOOK = "webhook: {env: SLACK_WEBHOOK_X}"
TOPIC = "arn:aws:sns:ap-northeast-1:111122223333:trailbell-critical"


def checked(channel: str) -> tuple[Channel | None, list[str]]:
    """The channel `x` with these keys, and what is wrong with the file, without the place's path."""
    policies, findings = check([parse_source((SET % channel).encode(), "p.yaml")])
    return policies.channels["x"] if policies else None, [finding.line.removeprefix("p.yaml:8:") for finding in findings]


def sound(channel: str) -> Channel:
    compiled, findings = checked(channel)
    assert findings == []
    assert compiled is not None
    return compiled


def test_a_channel_without_incident_and_digest_is_told_each_event() -> None:
    channel = sound(WEBHOOK)
    assert (channel.incident, channel.digest, channel.fallback_after, dict(channel.mention)) == (None, None, None, {})


def test_an_incident_without_keys_is_what_one_actor_does_in_one_way_to_one_bucket_within_fifteen_minutes() -> None:
    by = (IncidentKey.ACTOR, Field.BUCKET, IncidentKey.ACCESS)
    assert sound(WEBHOOK + ", incident: {}").incident == IncidentRule(by, 900.0, 1)


def test_an_incident_is_as_it_is_written() -> None:
    written = WEBHOOK + ", incident: {by: [role, access, error_code], window: 2h, after: 3}"
    assert sound(written).incident == IncidentRule((Field.ROLE, IncidentKey.ACCESS, Field.ERROR_CODE), 7200.0, 3)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1m", 60), ("15m", 900), ("100m", 6_000), ("1440m", 86_400), ("1h", 3_600), ("24h", 86_400)]
)
def test_a_time_is_of_whole_minutes_or_hours(text: str, seconds: int) -> None:
    incident = sound(f"{WEBHOOK}, incident: {{window: {text}}}, fallback: ops, fallback_after: {text}")
    assert incident.incident is not None
    assert (incident.incident.window, incident.fallback_after) == (seconds, seconds)


@pytest.mark.parametrize("text", ["0m", "30s", "1441m", "25h", "1d", "15", "m", "1.5h", "15 m", "2000m", "01m"])
def test_a_time_that_is_none_or_beyond_a_day_is_refused(text: str) -> None:
    _, (finding,) = checked(f'{WEBHOOK}, incident: {{window: "{text}"}}')
    assert finding == f"67: window: {text!r} has the wrong form; such as 15m or 2h: from 1m to 24h [TB114]"


def test_a_topic_takes_the_place_of_a_webhook() -> None:
    assert sound(f"sns: {TOPIC}, incident: {{}}").webhook == WebhookRef(sns=TOPIC)


def test_whom_to_mention_is_by_severity() -> None:
    channel = sound(WEBHOOK + ', mention: {critical: [here, "subteam:S0123456789"], warning: ["user:U0123456789"]}')
    assert channel.mention == {
        Severity.CRITICAL: ("here", "subteam:S0123456789"),
        Severity.WARNING: ("user:U0123456789",),
    }


@pytest.mark.parametrize(
    ("channel", "findings"),
    [
        (
            WEBHOOK + ", digest: {after: 5, by: [name]}, incident: {}",
            [
                "48: a channel has either digest or incident; delete digest: an incident folds across batches, too [TB316]",
            ],
        ),
        (
            "masking_floor: standard",
            ["12: the channel has no destination; add webhook: {env: SLACK_WEBHOOK_URL}, or sns: TOPIC_ARN [TB309]"],
        ),
        (f"{WEBHOOK}, sns: {TOPIC}", ["48: a channel has either webhook or sns; make two channels of it [TB309]"]),
        (
            f"sns: {TOPIC}.fifo",
            [
                f"20: sns: '{TOPIC}.f…' has the wrong form; such as arn:aws:sns:ap-northeast-1:111122223333:trailbell-critical [TB114]"
            ],
        ),
        (
            f"sns: {TOPIC}, mention: {{critical: [here]}}",
            ["80: mention has no meaning in a channel with sns; delete it [TB111]"],
        ),
        (
            WEBHOOK + ", mention: {critical: [everyone]}",
            [
                "69: critical: 'everyone' has the wrong form; such as here, channel, user:U0123456789 or subteam:S0123456789 [TB114]"
            ],
        ),
        (
            WEBHOOK + ", mention: {urgent: [here]}",
            ["58: there is no key 'urgent' here; there is: info, warning, critical [TB111]"],
        ),
        (
            WEBHOOK + ", fallback_after: 5m",
            ["48: fallback_after has no meaning without fallback; add fallback: CHANNEL, or delete it [TB111]"],
        ),
        (
            WEBHOOK + ", incident: {by: [actr]}",
            [
                "64: by: 'actr' (text) is not one of the allowed values; did you mean actor? [TB114]",
            ],
        ),
        (WEBHOOK + ", incident: {after: 0}", ["66: after: this is too small; write at least 1 [TB114]"]),
    ],
)
def test_what_a_channel_cannot_be_is_said_at_its_place(channel: str, findings: list[str]) -> None:
    assert checked(channel)[1] == findings


def test_a_channel_of_an_app_is_not_read_by_this_engine() -> None:
    _, (finding,) = checked("app: {token: {env: SLACK_TOKEN_X}, channel: C0123456789}")
    assert finding.startswith("15: there is no key 'app' here; there is: name, webhook, sns,")
