# ruff: noqa: E501  a finding is one line, as it is printed
"""Channels as policies write them: where they go, what is folded, who takes over, whom they mention."""

from __future__ import annotations

import pytest
from builders import NOW

from engine.lint import lint
from engine.lint.settings import DEFAULTS, Settings, settings_of
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


# --- what loads, and may not be meant ---------------------------------------------------------------------------------------


def linted(channel: str, rest: str = "", settings: Settings = DEFAULTS) -> list[str]:
    """What lint says of a set in which a route asks the channel `x`, without the places."""
    route = "routes: [{id: r, when: access.denied, notify: [x], severity: critical}]\n"
    sources = [parse_source((SET % channel + rest + route).encode(), "p.yaml")]
    return [finding.line.partition(": ")[2] for finding in lint(sources, NOW, settings=settings)]


SOUND = f"sns: {TOPIC}, fallback: ops, fallback_after: 5m"


@pytest.mark.parametrize("section", ["incident: {by: [%s]}", "digest: {after: 1, by: [%s]}"])
@pytest.mark.parametrize("field", ["time", "key", "event_id", "request_id"])
def test_events_are_never_alike_in_what_each_has_for_itself(section: str, field: str) -> None:
    name = section.partition(":")[0]
    what = f"{field} is another one in nearly every event, so none are alike; delete it from {name}.by [TB414]"
    assert linted(f"{SOUND}, {section % field}") == [what]
    assert linted(f"{SOUND}, {section % 'name, bucket'}") == []


@pytest.mark.parametrize(
    ("incident", "folds"),
    [("window: 1m, after: 59", True), ("window: 1m, after: 60", False), ("after: 899", True), ("after: 900", False)],
)
def test_as_many_single_messages_as_a_webhook_takes_in_the_window_leave_nothing_to_count(incident: str, folds: bool) -> None:  # noqa: FBT001
    webhook = SOUND.replace(f"sns: {TOPIC}", WEBHOOK)
    assert [line[-7:] for line in linted(f"{webhook}, incident: {{{incident}}}")] == ([] if folds else ["[TB414]"])
    assert linted(f"{SOUND}, incident: {{{incident}}}") == []


def test_one_topic_of_two_channels_is_found() -> None:
    said = linted(SOUND, f"  - {{name: pager, sns: {TOPIC}}}\n")
    twice = "this is the destination of x, too: an event for both is posted twice; make one channel of them [TB415]"
    assert said == ["nothing asks for the channel pager; delete it, or notify it [TB401]", twice]


def test_a_set_with_one_channel_has_no_fallback_to_name() -> None:
    text = SET.replace("  - {name: ops, webhook: {env: SLACK_WEBHOOK_OPS}}\n", "").replace("[x, ops]", "[x]") % WEBHOOK
    route = "routes: [{id: r, when: access.denied, notify: [x], severity: critical}]\n"
    assert lint([parse_source((text + route).encode(), "p.yaml")], NOW) == ()


def test_an_incident_without_a_table_is_noted_where_the_settings_say_so() -> None:
    without = settings_of("[lint]\ndelivery-table = false")
    note = "without the table of deliveries an incident is one batch; deploy with DeliveryTable=yes [TB417]"
    assert linted(f"{SOUND}, incident: {{}}", settings=without) == [note]
    assert linted(f"{SOUND}, incident: {{}}") == []
    assert linted(f"{SOUND}, digest: {{after: 5, by: [name]}}", settings=without) == []
