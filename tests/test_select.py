"""Which events are looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import event
from hypothesis import given
from hypothesis import strategies as st

from engine.bulk.deciding import selected
from engine.model import Event, Selection, Selects
from engine.pipeline.select import NOT_NAMED, NOT_S3_DATA, OWN_READ, S3_SOURCES, is_s3_data, passed_over

if TYPE_CHECKING:
    from pathlib import Path

S3 = Selection()
LOG_FILE = {"bucketName": "logs", "key": "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01/x_CloudTrail_y.json.gz"}
OWN = {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/trailbell/trailbell"}


FIELDS = ("eventCategory", "managementEvent", "eventName")
SELECTIONS = [Selection(select, names) for select in Selects for names in (None, frozenset({"GetObject"}), frozenset[str]())]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"eventCategory": "Management"}, NOT_S3_DATA),
        ({"eventCategory": "NetworkActivity"}, NOT_S3_DATA),
        ({"eventCategory": "Insight"}, NOT_S3_DATA),
        ({"eventSource": "dynamodb.amazonaws.com"}, NOT_S3_DATA),
        ({"eventSource": ["s3.amazonaws.com"]}, NOT_S3_DATA),
        *(({"eventSource": source}, None) for source in S3_SOURCES),
        *(({"eventSource": source, "eventCategory": "Management"}, NOT_S3_DATA) for source in S3_SOURCES),
        ({"eventCategory": None}, None),
        ({"eventCategory": None, "managementEvent": True}, NOT_S3_DATA),
        ({"eventCategory": None, "managementEvent": "True"}, NOT_S3_DATA),
        ({"eventCategory": None, "managementEvent": None}, None),
        ({"eventCategory": None, "managementEvent": None, "eventName": "PutBucketPolicy"}, NOT_S3_DATA),
        ({"eventCategory": None, "managementEvent": None, "eventName": ["GetObject"]}, None),
        ({"eventName": {}}, None),
    ],
)
def test_s3_data_events_are_looked_at(changes: dict[str, Any], why: str | None) -> None:
    assert passed_over(event(**changes), S3) == why


ODD = st.sampled_from(
    [
        "Data",
        "s3.amazonaws.com",
        "s3express.amazonaws.com",
        "GetObject",
        "PutBucketPolicy",
        "false",
        "True",
        True,
        False,
        0,
        1,
        None,
        [],
        {},
    ]
)


@given(st.lists(st.fixed_dictionaries({"eventSource": ODD}, optional=dict.fromkeys(FIELDS, ODD))), st.sampled_from(SELECTIONS))
def test_many_records_are_selected_as_each_is(records: list[dict[str, Any]], selection: Selection) -> None:
    assert selected(records, selection) == [record for record in records if passed_over(Event(record, "test"), selection) is None]


def test_all_looks_at_everything() -> None:
    assert passed_over(event(eventSource="ec2.amazonaws.com", eventCategory="Management"), Selection(Selects.ALL)) is None


def test_names_narrow_the_selection() -> None:
    only = Selection(names=frozenset({"PutObject"}))
    assert passed_over(event(), only) == NOT_NAMED
    assert passed_over(event(eventName="PutObject"), only) is None


def test_trailbells_own_reads_of_log_files_are_passed_over() -> None:
    assert passed_over(event(userIdentity=OWN, requestParameters=LOG_FILE), S3, "trailbell") == OWN_READ


@pytest.mark.parametrize("role", ["trailbell", *(f"arn:aws:iam::111122223333:role/{path}trailbell" for path in ("", "ops/"))])
def test_the_role_of_the_same_name_in_another_account_is_looked_at(role: str) -> None:
    foreign = {**OWN, "arn": OWN["arn"].replace("111122223333", "999999999999")}
    assert passed_over(event(userIdentity=OWN, requestParameters=LOG_FILE), S3, role) == OWN_READ
    assert passed_over(event(userIdentity=foreign, requestParameters=LOG_FILE), S3, role) is None


def test_a_user_whose_path_looks_like_its_role_is_looked_at() -> None:
    user = {**OWN, "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/:assumed-role/trailbell/mallory"}
    assert passed_over(event(userIdentity=user, requestParameters=LOG_FILE), S3, "trailbell") is None


def test_a_role_named_by_its_arn_is_of_that_account_wherever_it_is_recorded() -> None:
    own = event(userIdentity=OWN, requestParameters=LOG_FILE, recipientAccountId="999999999999")
    assert passed_over(own, S3, "arn:aws:iam::111122223333:role/trailbell") == OWN_READ
    assert passed_over(own, S3, "trailbell") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"userIdentity": OWN},
        {"userIdentity": OWN, "requestParameters": LOG_FILE, "eventName": "DeleteObject"},
        {"requestParameters": LOG_FILE},
    ],
)
def test_whatever_else_its_role_does_is_looked_at(changes: dict[str, Any]) -> None:
    assert passed_over(event(**changes), S3, "trailbell") is None


def test_the_corpus_holds_the_s3_data_events_that_its_manifest_counts(corpus: Path) -> None:
    """The manifest also counts nine `GetObject` records whose category says no, but not the one of Outposts."""
    counted, category_says_no = 0, 0
    for path in sorted((corpus / "records").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            counted += is_s3_data(one)
            named = one.get("eventSource") == "s3.amazonaws.com" and one.get("eventName") == "GetObject"
            category_says_no += named and one.get("eventCategory") in {"NetworkActivity", "Management"}
    assert (counted, category_says_no) == (52, 9)
