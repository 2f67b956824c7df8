"""Real and published records, where they are at hand: each is decided, masked and told within Slack's limits."""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from builders import NOW, SHIPPED
from payload_files import rows
from slack_limits import violations

from engine.model import Deployment, Detail, Event, Request, Selection, Selects, Severity
from engine.pipeline.booking import PendingNotification
from engine.pipeline.decide import decide
from engine.pipeline.decode import decode_stream
from engine.pipeline.posting import compose
from engine.pipeline.select import passed_over
from engine.pipeline.setting import Setting
from engine.policy.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model import PolicySet


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return load(SHIPPED)


def events(corpus: Path) -> dict[str, list[Event]]:
    """The events of each file of records."""
    found = {}
    for row in rows(corpus / "MANIFEST.tsv"):
        with (corpus / row["file"]).open("rb") as stream:
            found[row["file"]] = [one for one in decode_stream(stream, row["file"]) if isinstance(one, Event)]
    return found


def test_every_record_is_decided_and_told_within_slacks_limits(corpus: Path, policies: PolicySet) -> None:
    setting = Setting(policies, Deployment())
    told = 0
    for event in (one for found in events(corpus).values() for one in found):
        decision = decide(event, policies, NOW)
        assert decision.verdict.failures == ()
        assert decision.verdict.requests or decision.verdict.mutes
        for request in decision.verdict.requests:
            (message,) = compose(policies.channels[request.channel], [PendingNotification(0, event, decision, request)], setting)
            assert list(violations(message.payload)) == []
            assert not shows_address(str(message.payload), event)
            told += 1
    assert told > 3_000


@pytest.mark.parametrize("name", ["standard", "strict", "minimal"])
def test_at_no_level_does_a_message_show_an_account_or_an_address(corpus: Path, policies: PolicySet, name: str) -> None:
    """One in three records, at each level, with every field and link that it leaves."""
    level = next(level for level in policies.levels if level.name == name)
    setting = Setting(policies, Deployment("us-east-1", "/aws/lambda/trailbell"))
    channel = policies.channels["s3-watch"]
    for event in [one for found in events(corpus).values() for one in found][::3]:
        decision = decide(event, policies, NOW)
        request = Request("s3-watch", level, Severity.WARNING, "p", "r", detail=Detail.FULL)
        (message,) = compose(channel, [PendingNotification(0, event, decision, request)], setting)
        assert violations(message.payload) == []
        text = json.dumps(message.payload, ensure_ascii=False)
        assert not shows_address(text, event)
        identity = event.record.get("userIdentity")
        account = identity.get("accountId") if isinstance(identity, dict) else None
        assert not (isinstance(account, str) and account.isdecimal() and account in text)


def shows_address(text: str, event: Event) -> bool:
    """Whether the caller's address, where it is one, stands in a text (its network may, and an address may be its network's)."""
    source = str(event.record.get("sourceIPAddress"))
    try:
        network = ipaddress.ip_network(f"{source}/{24 if ipaddress.ip_address(source).version == 4 else 64}", strict=False)
    except ValueError:
        return False
    return source in text.replace(str(network), "")


def test_the_s3_data_events_of_the_manifest_are_selected_but_for_those_of_another_category(corpus: Path) -> None:
    """The manifest counts S3 object calls by their name; network activity and management events bear such names too."""
    listed = {row["file"]: int(row["s3_data_events"]) for row in rows(corpus / "MANIFEST.tsv")}
    found = events(corpus)
    selected = {
        file: sum(passed_over(one, Selection(Selects.S3_DATA)) is None for one in records) for file, records in found.items()
    }
    missing = {file: listed[file] - selected[file] for file in listed if listed[file] != selected[file]}
    assert missing.pop("records/awsdocs-s3-userguide.jsonl") == -1  # an event of Outposts
    assert list(missing) == ["records/panther-analysis.jsonl"]
    others = Counter(
        one.record.get("eventCategory")
        for one in found["records/panther-analysis.jsonl"]
        if one.record.get("eventName") == "GetObject" and one.record.get("eventSource") == "s3.amazonaws.com"
    )
    assert missing["records/panther-analysis.jsonl"] == others["NetworkActivity"] + others["Management"]
