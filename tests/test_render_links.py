"""Links lead to the right page of the right console, and take nothing along that is masked."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from builders import STANDARD
from hypothesis import given
from hypothesis import strategies as st
from messages import DEPLOYED, EVENT_ID, masked

from engine.model import Deployment, Field, Level, MaskedEvent, Operator
from engine.pipeline.render import links
from engine.pipeline.render.links import audit_links, event_links, runbook_links
from engine.pipeline.render.targets import Target

MANAGEMENT = {Field.EVENT: "PutBucketPolicy", Field.KEY: None}


def urls(event: MaskedEvent, deployment: Deployment = DEPLOYED) -> dict[Target, str]:
    return {link.target: link.url for link in event_links(event, deployment)}


def with_operators(**operators: Operator) -> Level:
    """`standard` with other operators."""
    changed = {Field(field): operator for field, operator in operators.items()}
    return Level("other", 1, MappingProxyType({**STANDARD.operators, **changed}))


def console_object(url: str) -> Any:
    """What the console reads from an address of Logs Insights: the encoding, the other way round."""
    _, _, detail = unquote(unquote(urlsplit(url).fragment.replace("$", "%"))).partition("?queryDetail=~")
    found, rest = _value(detail)
    assert rest == ""
    return found


def _value(text: str) -> tuple[Any, str]:
    if text.startswith("(~"):
        items, rest = [], text[1:]
        while not rest.startswith(")"):
            item, rest = _value(rest.removeprefix("~"))
            items.append(item)
        return items, rest[1:]
    if text.startswith("("):
        pairs, rest = {}, text[1:]
        while not rest.startswith(")"):
            name, _, rest = rest.removeprefix("~").partition("~")
            pairs[name], rest = _value(rest)
        return pairs, rest[1:]
    scalar = re.match(r"[^~)]*", text)
    assert scalar is not None
    written = scalar.group()
    plain = re.sub(r"(?:\*[0-9a-f]{2})+", lambda found: bytes.fromhex(found.group().replace("*", "")).decode(), written)
    return (plain[1:] if plain.startswith("'") else int(plain)), text[len(written) :]


# --- CloudTrail -----------------------------------------------------------------------------------------------------------


def test_a_management_event_is_looked_up_by_its_id() -> None:
    assert urls(masked(MANAGEMENT))[Target.EVENT] == (
        f"https://ap-northeast-1.console.aws.amazon.com/cloudtrailv2/home?region=ap-northeast-1#/events?EventId={EVENT_ID}"
    )


@pytest.mark.parametrize(
    "name", ["GetObject", "DeleteObjects", "UploadPart", "ListParts", "CompleteMultipartUpload", "HeadBucket"]
)
def test_a_data_event_leads_to_its_caller_because_the_history_does_not_have_it(name: str) -> None:
    found = urls(masked({Field.EVENT: name}))
    assert Target.EVENT not in found
    assert found[Target.ELSE].endswith("#/events?Username=analyst%40example.com")


def test_where_the_name_is_masked_there_is_only_the_audit_record() -> None:
    level = with_operators(name=Operator.HASH)
    assert set(urls(masked(level=level))) == {Target.RECORD}


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "us-east-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("eusc-de-east-1", "eusc-de-east-1.console.amazonaws-eusc.eu"),
    ],
)
def test_each_partition_has_its_own_console(region: str, host: str) -> None:
    found = urls(masked({**MANAGEMENT, Field.REGION: region}), Deployment(region=region, log_group="/x"))
    assert {urlsplit(url).netloc for url in found.values()} == {host}
    assert {parse_qs(urlsplit(url).query)["region"][0] for url in found.values()} == {region}


@pytest.mark.parametrize("region", ["us-iso-east-1", "us-isob-east-1", "nowhere", "us-east-1.evil.example/", "", None])
def test_without_a_public_console_there_is_no_link(region: str | None) -> None:
    assert urls(masked({Field.REGION: None}), Deployment(region=region, log_group="/x")) == {}


def test_an_event_of_another_region_is_looked_up_there_and_its_audit_record_here() -> None:
    found = urls(masked({**MANAGEMENT, Field.REGION: "eu-west-1"}))
    assert urlsplit(found[Target.EVENT]).netloc == "eu-west-1.console.aws.amazon.com"
    assert urlsplit(found[Target.RECORD]).netloc == "ap-northeast-1.console.aws.amazon.com"


@pytest.mark.parametrize("region", ["evil.example/", "us-east-1\n", "us-east-1@evil.example"])
def test_a_region_that_is_none_is_not_put_into_an_address(region: str) -> None:
    found = urls(masked({**MANAGEMENT, Field.REGION: region}))
    assert {urlsplit(url).netloc for url in found.values()} == {"ap-northeast-1.console.aws.amazon.com"}


@pytest.mark.parametrize("length", [33, 1460, 4000])
def test_a_region_longer_than_any_is_not_put_into_an_address(length: int) -> None:
    longest = f"us-{'a' * 27}-1"
    assert longest in urls(masked({Field.REGION: longest}))[Target.ELSE]
    assert urls(masked({Field.REGION: f"us-{'a' * (length - 5)}-1"})) == urls(masked())


def test_no_address_of_the_history_is_longer_than_slack_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    event = masked()
    length = len(urls(event)[Target.ELSE])
    monkeypatch.setattr(links, "URL_MAX_LENGTH", length)
    assert Target.ELSE in urls(event)
    monkeypatch.setattr(links, "URL_MAX_LENGTH", length - 1)
    assert Target.ELSE not in urls(event)


def test_an_event_whose_name_is_hidden_could_be_either_and_is_not_looked_up() -> None:
    assert set(urls(masked(level=with_operators(event=Operator.DROP)))) == {Target.RECORD}


def test_on_the_command_line_the_region_is_the_events() -> None:
    assert urls(masked(), Deployment(log_group="/aws/lambda/trailbell")) == urls(masked())
    assert set(urls(masked(), Deployment())) == {Target.ELSE}
    assert urls(masked({Field.REGION: None}), Deployment(log_group="/aws/lambda/trailbell")) == {}


@pytest.mark.parametrize("operator", [Operator.HASH, Operator.DROP])
def test_a_masked_event_id_stands_in_no_link(operator: Operator) -> None:
    event = MaskedEvent(with_operators(event_id=operator), {Field.EVENT: "PutBucketPolicy", Field.EVENT_ID: EVENT_ID})
    assert urls(event) == {}


@given(st.sampled_from(["GetObject", "PutBucketPolicy"]), st.data())
def test_no_link_holds_what_a_level_masks(name: str, data: st.DataObject) -> None:
    operators = data.draw(st.fixed_dictionaries({field: st.sampled_from(Operator) for field in Field}))
    values = {field: f"canary{field.value.replace('_', '')}canary" for field in Field}
    level = Level("any", 1, {**operators, Field.EVENT: Operator.KEEP})
    event = MaskedEvent(level, {**values, Field.EVENT: name, Field.EVENT_ID: EVENT_ID, Field.REGION: "us-west-2"})
    links = " ".join(urls(event).values()).lower()
    named = {field for field in Field if values[field] in links}
    named |= {Field.EVENT_ID} if EVENT_ID in links else set()
    named |= {Field.REGION} if "us-west-2" in links else set()
    assert {operators[field] for field in named} <= {Operator.KEEP}


@pytest.mark.parametrize("name", ["a b", "x" * 65, "ü", "line\nbreak", "\u202e"])
def test_a_name_that_cannot_be_one_is_not_looked_up(name: str) -> None:
    assert Target.ELSE not in urls(masked({Field.NAME: name}))


def test_a_name_cannot_change_the_address() -> None:
    url = urls(masked({Field.NAME: "x&region=evil#/?<>"}))[Target.ELSE]
    assert urlsplit(url).fragment == "/events?Username=x%26region%3Devil%23%2F%3F%3C%3E"


# --- Logs Insights ----------------------------------------------------------------------------------------------------------


def test_the_audit_record_is_asked_for_by_event_id_from_the_events_time_on() -> None:
    url = urls(masked())[Target.RECORD]
    assert url.startswith(
        "https://ap-northeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-northeast-1"
        "#logsV2:logs-insights$3FqueryDetail$3D$257E$2528end$257E$25272026-11-02T00*3a30*3a00.000Z$257Estart$257E"
    )
    assert console_object(url) == {
        "start": "2026-11-01T00:30:00.000Z",
        "end": "2026-11-02T00:30:00.000Z",
        "timeType": "ABSOLUTE",
        "tz": "UTC",
        "editorString": (f'fields @timestamp, @message\n| filter @message like "{EVENT_ID}"\n| sort @timestamp asc\n| limit 100'),
        "source": ["/aws/lambda/trailbell"],
    }


@pytest.mark.parametrize("time", [None, "not a time", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_without_a_time_the_last_week_is_asked(time: str | None) -> None:
    asked = console_object(urls(masked({Field.TIME: time}))[Target.RECORD])
    assert (asked["start"], asked["end"], asked["timeType"], asked["unit"]) == (-604800, 0, "RELATIVE", "seconds")


def test_a_hidden_time_stands_in_no_link() -> None:
    event = masked(level=with_operators(time=Operator.DROP))
    assert console_object(urls(event)[Target.RECORD])["timeType"] == "RELATIVE"


@given(st.text(st.sampled_from("abcXYZ019/_.#- éあ~()'*$%"), min_size=1, max_size=30))
def test_the_console_reads_back_what_was_written(group: str) -> None:
    (link,) = audit_links(EVENT_ID, (None, None), Deployment("us-east-1", group))
    assert console_object(link.url)["source"] == [group]
    assert re.fullmatch(r"[\w.:/#?=&$*-]+", link.url, re.ASCII)


@pytest.mark.parametrize("event_id", ['x" or 1', "11111111-2222-4333-8444-55555555555", "", "é" * 36])
def test_only_an_event_id_is_put_into_the_query(event_id: str) -> None:
    assert Target.RECORD not in urls(masked({Field.EVENT_ID: event_id}))


def test_without_a_log_group_there_is_no_audit_link() -> None:
    assert set(urls(masked(), Deployment(region="us-east-1"))) == {Target.ELSE}


# --- the runbook ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runbook", "taken"),
    [
        ("https://wiki.example.com/payments?a=b&c=d", True),
        ("http://wiki.example.com/", False),
        ("javascript:alert(1)", False),
        ("https://wiki.example.com/a b", False),
        ("https://wiki.example.com/<x>", False),
        (f"https://wiki.example.com/{'x' * 3000}", False),
        (None, False),
    ],
)
def test_a_runbook_is_an_https_address(runbook: str | None, taken: bool) -> None:  # noqa: FBT001  a row of the table
    assert [link.url for link in runbook_links(runbook)] == ([runbook] if taken else [])
