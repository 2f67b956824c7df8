"""Incidents as a policy author sees them: in policy tests, in `run` and in `explain`."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, SHIPPED, record
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from stub_slack import StubSlack

from engine.cli import trailbell
from engine.edge.secrets import random_key
from engine.model import Deployment, DigestRule, Event, Field, IncidentRule
from engine.pipeline.decide import decide
from engine.pipeline.setting import Setting
from engine.pipeline.total import Received
from engine.policy.load import load
from engine.workbench import simulation
from engine.workbench.cases import Arrival, Case, check
from engine.workbench.simulation import PostedMessage, Simulation

if TYPE_CHECKING:
    from click.testing import Result

EVENTS = Path(__file__).parent / "events"
TOUR = Path(__file__).parent.parent / "examples/tour"
ONE_FILE = """version: 1
name: payments
owner: team-payments
masking:
  - level: standard
    fields: {time: keep, event: keep, bucket: keep, key: keep, source_ip: network, name: keep, role: keep, session: keep,
             error_code: keep}
  - level: strict
    fields: {time: keep, event: keep, bucket: keep, error_code: keep}
channels:
  - {name: incidents, webhook: {env: SLACK_WEBHOOK_URL}, incident: {window: 15m}}
  - {name: by-bucket, webhook: {env: SLACK_WEBHOOK_URL}, incident: {by: [bucket], window: 15m}, masking_floor: strict}
  - {name: digests, webhook: {env: SLACK_WEBHOOK_URL}, digest: {after: 2, by: [bucket]}}
  - {name: each, webhook: {env: SLACK_WEBHOOK_URL}}
  - {name: topic, sns: "arn:aws:sns:ap-northeast-1:111122223333:trailbell"}
default: {notify: [incidents, digests, each, topic, by-bucket], masking: standard}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one policy file, which is the current folder."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "payments.yaml").write_text(ONE_FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(trailbell, words, input=stdin)


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


def person(name: str, **changes: Any) -> dict[str, Any]:
    """A read by a person in a session of a shared role."""
    arn = f"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Analyst_0123456789abcdef/{name}"
    return record(userIdentity={"type": "AssumedRole", "arn": arn, "accountId": "111122223333"}, **changes)


def policy_test(shop: Path, events: str, expect: str) -> Result:
    """One policy test of several events, run and linted."""
    (shop / "event.json").write_text(json.dumps(record()), encoding="utf-8")
    text = f"version: 1\ntests:\n  - name: one\n    events: {events}\n    expect: {expect}\n"
    (shop / "cases.yaml").write_text(text, encoding="utf-8")
    return ran("test", "cases.yaml")


# --- what is posted, and what is counted ----------------------------------------------------------------------------------

SHIPPED_SET = load(SHIPPED)
WINDOW = IncidentRule().window
ROLE = json.loads((EVENTS / "ecs-task.json").read_text("utf-8"))

steps = st.lists(
    st.tuples(
        st.sampled_from(["198.51.100.41", "198.51.100.99", "192.0.2.99", "203.0.113.7"]),
        st.sampled_from(["example-reports", "example-ledger"]),
        st.sampled_from([None, "AccessDenied"]),
        st.sampled_from([0, 0, 1, 120, 800, 1_000]),
    ),
    min_size=1,
    max_size=30,
)


def simulated(arrivals: list[tuple[str, str, str | None, int]]) -> tuple[Simulation, list[PostedMessage]]:
    """Reads of one role, by network, bucket and error, so many seconds after each other, in batches of one."""
    posted: list[PostedMessage] = []
    setting, at = Setting(SHIPPED_SET, Deployment(), random_key()), NOW
    made = Simulation(setting, at, posted.append)
    for number, (network, bucket, error, after) in enumerate(arrivals):
        at += timedelta(seconds=after)
        changes = {"requestParameters": {"bucketName": bucket, "key": "k"}, **({"errorCode": error} if error else {})}
        event = Event({**ROLE, "eventID": f"e{number}", "sourceIPAddress": network, **changes}, "a test")
        decision = decide(event, SHIPPED_SET, at)
        made.arrive([Received(0, "a test", None, event=event, decision=decision)], at)
    made.finish()
    return made, posted


@given(steps)
def test_every_event_is_shown_by_itself_or_counted_and_what_is_new_rings_at_once(
    arrivals: list[tuple[str, str, str | None, int]],
) -> None:
    made, posted = simulated(arrivals)
    rings, sums, at = 0, 0, 0.0
    opened: dict[object, float] = {}
    networks: dict[object, set[str]] = {}
    counts: Counter[object] = Counter()
    quiet: dict[object, bool] = {}
    for network, bucket, error, after in arrivals:
        at += after
        alike = bucket, error
        if alike not in opened or at >= opened[alike] + WINDOW:
            sums += quiet.get(alike, False)
            opened[alike], networks[alike], counts[alike] = at, set(), 0
        counts[alike] += 1
        where = network.rpartition(".")[0]
        new = where not in networks[alike] or counts[alike] in {1, 10, 100}
        networks[alike].add(where)
        rings += new
        quiet[alike] = not new
    sums += sum(quiet.values())
    assert made.posts == {"s3-watch": rings + sums}
    assert made.counted == {"s3-watch": len(arrivals) - rings}
    assert len(posted) == rings + sums
    assert [message.at for message in posted] == sorted(message.at for message in posted)


@pytest.mark.long
def test_ten_thousand_events_of_one_role_in_half_an_hour_ring_once_and_at_each_tenfold_and_are_summed_up_once() -> None:
    policies = SHIPPED_SET
    hour = {name: channel._replace(incident=IncidentRule(window=3_600.0)) for name, channel in policies.channels.items()}
    posted: list[PostedMessage] = []
    made = Simulation(Setting(policies._replace(channels=hour), Deployment(), random_key()), NOW, posted.append)
    for number in range(10_003):
        at = NOW + timedelta(milliseconds=180 * number)
        event = Event({**ROLE, "eventID": f"e{number}"}, "a test")
        made.arrive([Received(0, "a test", None, event=event, decision=decide(event, policies, at))], at)
    made.finish()
    seconds = [round((message.at - NOW).total_seconds()) for message in posted]
    assert seconds == [0, 2, 18, 180, 1_800, 3_600]
    assert made.counted == {"s3-watch": 10_003 - 5}
    assert "10,003" in posted[-1].message.payload["text"]


def test_a_flood_rings_at_each_tenfold_and_is_summed_up_when_its_window_ends() -> None:
    made, posted = simulated([("198.51.100.41", "example-reports", None, 0)] * 1_200)
    assert [(message.at - NOW).total_seconds() for message in posted] == [0, 0, 0, 0, WINDOW]
    assert made.counted == {"s3-watch": 1_196}
    assert "1,200" in posted[-1].message.payload["text"]


def test_the_sum_of_an_incident_keeps_class_and_evidence_although_its_row_was_written_in_between() -> None:
    _, posted = simulated([("198.51.100.41", "example-reports", None, 0)] * 3)
    ring, total = (json.dumps(message.message.payload, ensure_ascii=False) for message in posted)
    assert "by the form of its session name" in ring
    assert "by the form of its session name" in total


def test_what_a_digest_sums_up_is_counted_and_in_one_message() -> None:
    rule = DigestRule(2, (Field.BUCKET,))
    digests = {name: channel._replace(incident=None, digest=rule) for name, channel in SHIPPED_SET.channels.items()}
    made = Simulation(Setting(SHIPPED_SET._replace(channels=digests), Deployment(), random_key()), NOW, lambda _: None)
    events = [Event({**ROLE, "eventID": f"e{number}"}, "a test") for number in range(4)]
    for batch in (events[:3], events[3:]):
        made.arrive([Received(0, "a test", None, event=event, decision=decide(event, SHIPPED_SET, NOW)) for event in batch])
    assert (made.posts, made.counted) == ({"s3-watch": 2}, {"s3-watch": 3})


def test_two_channels_of_one_webhook_are_counted_apart(shop: Path) -> None:
    done = policy_test(
        shop, "[{event: event.json, repeat: 3}]", "{posts: {each: 3, incidents: 2, by-bucket: 2, digests: 3, topic: 3}}"
    )
    assert done.exit_code == 0, done.output


# --- policy tests ---------------------------------------------------------------------------------------------------------


def test_posts_and_counted_that_do_not_hold_show_both_sides_and_the_messages(shop: Path) -> None:
    posts = "each: 13, digests: 13, topic: 13, by-bucket: 4"
    events = "[{event: event.json, repeat: 12}, {event: event.json, after: 16m}]"
    done = policy_test(shop, events, f"{{posts: {{incidents: 3, {posts}}}, counted: {{by-bucket: 10, incidents: 1, each: 0}}}}")
    assert done.exit_code == 1
    assert '"incidents": 3' in done.stdout
    assert '"incidents": 4' in done.stdout
    assert '"incidents": 10' in done.stdout
    assert "+00:00:00  incidents  " in done.stdout
    assert "+00:15:00  incidents  " in done.stdout
    assert "+00:16:00  incidents  " in done.stdout
    assert "  each  " not in done.stdout
    assert "203.0.113.7" not in done.stdout


def test_each_event_is_compared_and_named_by_its_place(shop: Path) -> None:
    events = "[{event: event.json}, {event: event.json, override: {errorCode: AccessDenied}}]"
    done = policy_test(shop, events, "{channels: {each: open}}")
    assert "channels of event 1" in done.stdout
    assert "channels of event 2" in done.stdout


def test_no_repeated_event_is_a_duplicate_not_even_one_without_an_id(shop: Path) -> None:
    done = policy_test(
        shop, "[{event: event.json, override: {eventID: null}, repeat: 3}, {event: event.json}]", "{posts: {each: 4}}"
    )
    assert 'each": 4' in json.dumps({"each": 4})
    assert '"each": 4' in done.stdout


def test_the_time_of_a_record_is_not_when_it_arrives(shop: Path) -> None:
    events = "[{event: event.json}, {event: event.json, override: {eventTime: '2026-11-01T20:00:00Z'}}]"
    done = policy_test(shop, events, "{posts: {each: 2}}")
    assert '"incidents": 2' in done.stdout


@pytest.mark.parametrize(
    ("test", "finding"),
    [
        (
            "{name: one, expect: {posts: {each: 1}}}",
            "the test has no event",
        ),
        ("{name: one, events: [], expect: {posts: {}}}", "events"),
        ("{name: one, events: [{event: {}}], event: {}, expect: {posts: {}}}", "event has no meaning beside events"),
        ("{name: one, events: [{event: {}}], override: {}, expect: {posts: {}}}", "override has no meaning beside events"),
        (
            "{name: one, events: [{event: {}, after: 5m}], expect: {posts: {}}}",
            "after has no meaning at the first event",
        ),
        ("{name: one, events: [{event: {}, repeat: 0}], expect: {posts: {}}}", "repeat"),
        ("{name: one, events: [{event: {}}, {event: {}, after: 5d}], expect: {posts: {}}}", "after"),
        (
            "{name: one, events: [{event: {}, repeat: 9999}, {event: {}, repeat: 2}], expect: {posts: {}}}",
            "10,001 events are too many",
        ),
        ("{name: one, events: [{event: {}}, {event: {}, after: 99999h}], expect: {posts: {}}}", "the events take 4,167 days"),
        ("{name: one, event: {}, expect: {posts: {each: -1}}}", "each"),
        ("{name: one, event: {}, expect: {posts: {eech: 1}}}", "did you mean each?"),
        ("{name: one, event: {}, expect: {counted: {each: 1}}}", "each has no incident, so none is counted"),
        ("{name: one, event: {}, expect: {counted: {digests: 1}}}", "digests has no incident, so none is counted"),
        ("{name: one, events: [{event: no.json}], expect: {posts: {}}}", "there is no such event file"),
    ],
)
def test_a_bad_test_is_a_finding_at_its_place(shop: Path, test: str, finding: str) -> None:
    (shop / "cases").mkdir()
    (shop / "cases" / "one.yaml").write_text(f"version: 1\ntests:\n  - {test}\n", encoding="utf-8")
    done = ran("lint", "policies", "--tests", "cases")
    assert done.exit_code == 1
    lines_of_it = done.stdout[done.stdout.index("cases/one.yaml:3:") :].splitlines()[:4]
    assert finding in "\n".join(lines_of_it)


# --- run ------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shop")
def test_run_counts_like_events_over_batches_and_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.cli.run.BATCH_SIZE", 4)
    done = ran("run", "-", stdin=lines(*(person("akua", eventID=f"e{number}") for number in range(9))))
    assert done.exit_code == 0, done.output
    assert done.stdout.count("#incidents\n") == 2  # the first one, and the sum at the end
    assert done.stdout.count("#each\n") == 9
    alike = "AWSReservedSSO_Analyst_0123456789abcdef / akua, payments-prod, read"
    assert f"  incidents, {alike}: 9 events, 1 posted, 8 counted" in done.stdout.splitlines()
    assert "to be delivered  " in done.stdout


@pytest.mark.usefixtures("shop")
def test_run_groups_by_true_values_and_shows_masked_ones() -> None:
    people = [person(name, eventID=f"{name}{number}") for name in ("akua", "mary", "mateo") for number in range(2)]
    done = ran("run", "-", stdin=lines(*people))
    assert "  by-bucket, payments-prod: 6 events, 1 posted, 5 counted" in done.stdout.splitlines()
    assert sum(line.startswith("  incidents, ") and "2 events" in line for line in done.stdout.splitlines()) == 3
    assert "203.0.113.7" not in done.stdout


def test_at_a_strict_level_three_people_stay_three_and_a_sum_counts_them(tmp_path: Path) -> None:
    shutil.copytree(TOUR / "policies", tmp_path / "policies")
    channels = tmp_path / "policies" / "channels.yaml"
    channels.write_text(channels.read_text("utf-8").replace("by: [actor, bucket, access]", "by: [bucket]"), encoding="utf-8")
    denied = json.loads((TOUR / "events/06-person-is-denied-on-the-ledger.json").read_text("utf-8"))
    arn = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Analyst_0123456789abcdef/{}@example.com".format
    people = [{**denied["userIdentity"], "arn": arn(name)} for name in ("akua", "mary", "mateo")]
    reads = [{**denied, "userIdentity": person} for person in people for _ in range(2)]
    posted: list[PostedMessage] = []
    for folder, posts in ((TOUR / "policies", 6), (tmp_path / "policies", 2)):
        policies = load(folder)
        case = Case("one", "here", tuple(Arrival(read, NOW) for read in reads), {"posts": {"payments-alerts": posts}})
        result = check(case, Setting(policies, Deployment(), random_key()))
        assert result.passed, result.comparisons
        posted = list(result.posted)
    text = posted[-1].message.payload["text"]
    assert "3 people reading ledger 6 times" in text
    assert not {"akua", "mary", "mateo"} & set(re.findall(r"\w+", json.dumps([one.message.payload for one in posted])))


@pytest.mark.usefixtures("shop")
def test_run_shows_every_message_of_many_unlike_events_in_their_order() -> None:
    done = ran("run", "-", stdin=lines(*(person(f"p{number:02}", eventID=f"e{number}") for number in range(30))))
    shown = done.stdout.split("#incidents\n")[1:]
    assert [f"p{number:02}" in text for number, text in enumerate(shown)] == [True] * 30
    assert "  30 of one event each" in done.stdout.splitlines()


@pytest.mark.usefixtures("shop")
def test_run_folds_a_digest_and_shows_topics() -> None:
    done = ran("run", "-", stdin=lines(*(person("akua", eventID=f"e{number}") for number in range(4))))
    assert done.stdout.count("#digests\n") == 1
    assert done.stdout.count("#topic\n") == 4


@pytest.mark.usefixtures("shop")
def test_run_forgets_what_it_has_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "ITEMS_MAX", 50)
    monkeypatch.setattr("engine.cli.run.BATCH_SIZE", 10)
    kept: list[int] = []
    arrive = Simulation.arrive

    def arrived(made: Simulation, *given_values: Any) -> Any:
        outcomes = arrive(made, *given_values)
        kept.append(len(made._store.items))
        return outcomes

    monkeypatch.setattr(Simulation, "arrive", arrived)
    done = ran("run", "-", stdin=lines(*(person("akua", eventID=f"e{number}") for number in range(400))))
    assert done.stdout.count("#each\n") == 400
    assert max(kept) < 200


def test_incidents_that_are_over_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "ITEMS_MAX", 20)
    kept: list[int] = []
    arrive = Simulation.arrive
    monkeypatch.setattr(
        Simulation, "arrive", lambda made, *given_values: (arrive(made, *given_values), kept.append(len(made._store.items)))
    )
    reads = [("198.51.100.41", f"bucket-{number}", None, 300) for number in range(120)]
    made, posted = simulated([*reads, ("198.51.100.41", "bucket-119", None, 10)])
    assert max(kept) < 50
    assert len(posted) == 121
    assert made.counted == {"s3-watch": 1}


# --- explain --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shop")
def test_explain_says_what_a_channel_hears_of_together() -> None:
    told = ran("explain", "-", stdin=lines(person("akua"))).stdout.splitlines()
    alike = "actor AWSReservedSSO_Analyst_0123456789abcdef / akua, bucket payments-prod, access read"
    assert f"            incident, 15m, of {alike}: posts the first and what is new, counts the others" in told
    assert "            incident, 15m, of bucket payments-prod: posts the first and what is new, counts the others" in told
    assert "            digest of bucket payments-prod: more than 2 in one batch become one summary" in told
    assert "            posts each event" in told


def test_explain_shows_of_a_likeness_what_the_level_leaves(shop: Path) -> None:
    strict = ONE_FILE.replace("incident: {window: 15m}}", "incident: {window: 15m, after: 3}, masking_floor: strict}")
    (shop / "policies" / "payments.yaml").write_text(strict, encoding="utf-8")
    done = ran("explain", "-", "--format", "json", stdin=lines(person("akua")))
    alike = json.loads(done.stdout)["alike"]
    shared = {"actor": "(hidden)", "bucket": "payments-prod", "access": "read"}
    assert alike["incidents"] == {"kind": "incident", "alike": shared, "after": 3, "window_seconds": 900}
    assert alike["digests"] == {"kind": "digest", "alike": {"bucket": "payments-prod"}, "after": 2}
    assert alike["each"] is None


def test_the_window_of_critical_events_is_a_quarter_of_an_hour_at_most(shop: Path) -> None:
    critical = "routes:\n  - {id: all, notify: [incidents], severity: critical}\n"
    (shop / "policies" / "payments.yaml").write_text(
        ONE_FILE.replace("window: 15m}}", "window: 4h}}") + critical, encoding="utf-8"
    )
    assert "incident, 15m, of actor" in ran("explain", "-", stdin=lines(person("akua"))).stdout


# --- run --post -----------------------------------------------------------------------------------------------------------


def posted_to_slack(shop: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> Result:
    """An event for one channel, posted to a Slack that answers so."""
    one_channel = re.sub("notify: .*, masking", "notify: [each], masking", ONE_FILE)
    (shop / "policies" / "payments.yaml").write_text(one_channel, encoding="utf-8")
    with StubSlack() as slack:
        slack.script("hook", answer)
        monkeypatch.setenv("TRAILBELL_WEBHOOK_HOSTS", slack.host)
        monkeypatch.setenv("SLACK_WEBHOOK_URL", slack.url("hook"))
        return ran("run", "-", "--post", stdin=lines(person("akua")))


def test_run_post_says_why_something_failed(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = posted_to_slack(shop, monkeypatch, "404")
    assert done.exit_code == 1
    told = done.stdout[done.stdout.index("failed attempts") :]
    assert re.search(r"^  each: the webhook or its channel is gone +1$", told, re.MULTILINE), told
    assert "/hook" not in done.output


def test_run_post_says_nothing_of_failures_where_all_was_posted(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = posted_to_slack(shop, monkeypatch, "ok")
    assert done.exit_code == 0
    assert "  each delivered        1" in done.stdout.splitlines()
    assert "failed" not in done.stdout


def test_run_post_says_that_there_was_no_time(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.cli.run.POST_TIMEOUT_SECONDS", 1.0)
    done = posted_to_slack(shop, monkeypatch, "429-long")
    assert "each: of its events, 1 could not be sent within 1 seconds at Slack's rate." in done.stdout.splitlines()
