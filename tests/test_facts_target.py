"""Which buckets an event touches, and whose they are: by name, through access points, by the source of a copy."""

from __future__ import annotations

from typing import Any

import pytest
from builders import event, record
from hypothesis import given
from hypothesis import strategies as st

from engine.pipeline.facts import derive_facts, facts
from engine.pipeline.facts.target import COPIES, UNREAD, needs_resources, record_scope, split_arn, target_of
from engine.policy.fact_layout import TARGET

POINT = "arn:aws:s3:eu-west-1:111122223333:accesspoint/readers"
ALIAS = "readers-abcdefghijk1234567890abcdefgh-s3alias"
PAYMENTS = [
    {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::payments-prod/k"},
    {"type": "AWS::S3::Bucket", "accountId": "111122223333", "ARN": "arn:aws:s3:::payments-prod"},
]
OTHER = {"type": "AWS::S3::Bucket", "accountId": "444455556666", "ARN": "arn:aws:s3:::other"}


def found(resources: object = None, **parameters: object) -> tuple[str | None, str | None, str | None, str | None]:
    return derive_facts(record(requestParameters=parameters, resources=resources))[TARGET]


def copied(source: object, resources: object = None, bucket: str = "b") -> tuple[str | None, str | None]:
    return found(resources, **{"bucketName": bucket, "key": "k", "x-amz-copy-source": source})[2:]


# --- bucket and key --------------------------------------------------------------------------------------------------------


def test_bucket_and_key_come_from_the_request_as_recorded() -> None:
    assert found(bucketName="b", key="a%20b+c/\u202e")[:2] == ("b", "a%20b+c/\u202e")


def test_without_request_parameters_they_come_from_the_resources() -> None:
    got = facts(event(requestParameters=None))
    assert (got.bucket, got.key) == ("payments-prod", "2026/11/ledger.csv")


def test_a_list_has_only_a_prefix_in_its_resources() -> None:
    arns = [{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::payments-prod/"}, {"ARN": "arn:aws:s3:::payments-prod"}]
    assert found(arns, bucketName="payments-prod", prefix="x")[:2] == ("payments-prod", None)


@pytest.mark.parametrize("point", [POINT, ALIAS, "readers-abc--ol-s3", "readers--usw2-az1--xa-s3"])
def test_an_access_point_is_its_bucket_where_the_resources_say_so_and_else_as_recorded(point: str) -> None:
    assert found(PAYMENTS, bucketName=point, key="k")[:2] == ("payments-prod", "k")
    assert found([{"ARN": POINT}], bucketName=point, key="k")[:2] == (point, "k")


def test_the_bucket_of_an_access_point_is_not_the_source_that_is_copied() -> None:
    got = found([OTHER, *PAYMENTS], **{"bucketName": ALIAS, "key": "k", "x-amz-copy-source": "other/x"})
    assert got == ("payments-prod", "k", "other", "x")
    assert found([OTHER], **{"bucketName": ALIAS, "key": "k", "x-amz-copy-source": "other/x"})[0] == ALIAS


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:s3:::b/a/b", ("b", "a/b")),
        ("arn:aws-cn:s3:::b", ("b", None)),
        (POINT, (None, None)),
        ("arn:aws:s3express:us-west-2:111122223333:bucket/b--usw2-az1--x-s3/a/b", ("b--usw2-az1--x-s3", "a/b")),
        ("arn:aws:s3express:us-west-2:111122223333:accesspoint/p--usw2-az1--xa-s3", (None, None)),
        ("arn:aws:s3-outposts:us-east-1:111122223333:outpost/op-01ac5d28a6a232904/bucket/b/object/a/b", ("b", "a/b")),
        ("arn:aws:s3-outposts:us-east-1:111122223333:outpost/op-01ac5d28a6a232904/accesspoint/p", (None, None)),
        ("arn:aws:s3tables:us-east-1:111122223333:bucket/b/table/0a1b2c3d", ("b", None)),
        ("arn:aws:sqs:us-east-1:111122223333:bucket/b", (None, None)),
        ("arn:aws:s3:::", (None, None)),
        ("", (None, None)),
    ],
)
def test_the_bucket_in_an_arn(arn: str, expected: tuple[str | None, str | None]) -> None:
    assert split_arn(arn) == expected


def test_a_table_is_read_by_its_key_in_its_table_bucket() -> None:
    arns = [{"type": "AWS::S3Tables::TableBucket", "ARN": "arn:aws:s3tables:us-east-1:111122223333:bucket/lake"}]
    assert found(arns, key="data/0.parquet")[:2] == ("lake", "data/0.parquet")


def test_outposts_write_the_key_with_a_capital() -> None:
    assert found(bucketName="b", Key="a/b")[:2] == ("b", "a/b")


def test_object_lambda_names_its_access_point_alone() -> None:
    arn = "arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/redacted"
    assert found([{"type": "AWS::S3ObjectLambda::AccessPoint", "ARN": arn}], key="k")[:2] == ("redacted", "k")


# --- the source of a copy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("src/k", ("src", "k")),
        ("/src/a/b.txt", ("src", "a/b.txt")),
        ("//src/k", ("src", "k")),
        ("%2Fsrc/k", ("src", "k")),
        ("src/k?versionId=abc", ("src", "k")),
        ("src/k%3FversionId=abc", ("src", "k?versionId=abc")),
        ("src%2Fk%20x", ("src", "k x")),
        ("s%72c/k", ("src", "k")),
        ("src/a%2Fb", ("src", "a/b")),
        ("src/a%252Fb", ("src", "a%2Fb")),
        ("src/a+b", ("src", "a+b")),
        ("src/%E3%81%82", ("src", "\u3042")),
        (f"{POINT}/object/a/b", ("readers", "a/b")),
        (f"{POINT.replace(':', '%3A')}/object/a", ("readers", "a")),
        (f"{ALIAS}/a", (ALIAS, "a")),
        ("arn:aws:s3-outposts:us-east-1:111122223333:outpost/op-1/object/a", ("outpost/op-1", "a")),
        ("arn:aws:s3:::src/k", ("src", "k")),
        (None, (None, None)),
    ],
)
def test_the_source_of_a_copy_is_read_as_s3_reads_it(source: object, expected: tuple[str | None, str | None]) -> None:
    assert copied(source) == expected


@pytest.mark.parametrize("source", ["", "/", "%2F", "?versionId=abc", 7, True, ["src/k"], ["a/k", "b/k"], {"a": "src/k"}])
def test_a_source_that_cannot_be_read_is_another_bucket_than_any(source: object) -> None:
    assert copied(source)[0] == UNREAD


@pytest.mark.parametrize("name", sorted(COPIES))
@pytest.mark.parametrize("header", ["X-Amz-Copy-Source", "X-AMZ-COPY-SOURCE", "x-amz-rename-source", None])
def test_a_copy_without_a_source_that_is_read_is_out_of_another_bucket(name: str, header: str | None) -> None:
    parameters = {"bucketName": "b", "key": "k", **({} if header is None else {header: "src/k"})}
    assert facts(event(eventName=name, requestParameters=parameters)).copy_bucket == UNREAD


@pytest.mark.parametrize("point", [f"{POINT}/object", POINT.replace(":", "%3a") + "/object", ALIAS])
def test_a_source_by_access_point_is_the_bucket_of_the_resources_that_is_not_the_target(point: str) -> None:
    assert copied(f"{point}/k", [OTHER, *PAYMENTS], "other") == ("payments-prod", "k")
    assert copied(f"{point}/k", [OTHER], "other")[0] in {"readers", ALIAS}
    assert found([OTHER, *PAYMENTS], **{"bucketName": ALIAS, "key": "x", "x-amz-copy-source": f"{point}/k"}) == (
        *("other", "x"),
        *("payments-prod", "k"),
    )


@given(st.text(st.characters(exclude_characters="?"), max_size=8), st.data())
def test_however_its_sender_encodes_a_source_it_is_the_same(key: str, data: st.DataObject) -> None:
    def encoded(character: str) -> str:
        octets = "".join(f"%{octet:02X}" for octet in character.encode("utf-8", "replace"))
        return data.draw(st.sampled_from([octets, octets.lower(), *([] if character in "%+?" else [character])]))

    key = key.encode("utf-8", "replace").decode()
    source = "".join(map(encoded, f"payments-prod/{key}"))
    assert copied(source) == ("payments-prod", key or None)


BUCKETS = st.sampled_from(["a", POINT, ALIAS, "", None, 7])
SOURCES = st.sampled_from([None, "", "a/k", "b%2Fk", f"{POINT}/object/k", f"{ALIAS}/k", 7])


@given(BUCKETS, SOURCES, st.lists(st.sampled_from([OTHER, *PAYMENTS]), max_size=3), st.sampled_from(["GetObject", "CopyObject"]))
def test_resources_change_nothing_where_they_are_not_needed(bucket: Any, source: Any, resources: list[Any], name: str) -> None:
    if not needs_resources(bucket, source):
        assert target_of(bucket, "k", None, source, resources, name) == target_of(bucket, "k", None, source, None, name)


# --- scopes ----------------------------------------------------------------------------------------------------------------


def test_a_scope_is_asked_about_every_bucket_once() -> None:
    one = record(
        requestParameters={"bucketName": "to", "key": "k", "x-amz-copy-source": "from/k"},
        resources=[{"ARN": "arn:aws:s3:::to"}, {"ARN": "arn:aws:s3:::to/k"}, {"ARN": "arn:aws:s3:::third/k"}],
    )
    assert record_scope(one, derive_facts(one)[TARGET]) == (("to", "from"), ("to", "from", "third"), "111122223333")


def test_a_bucket_that_only_the_resources_name_is_in_the_scope_whatever_its_name() -> None:
    one = record(requestParameters={"bucketName": None}, resources=[{"ARN": "arn:aws:s3:::None"}, {"ARN": "arn:aws:s3:::None/k"}])
    assert record_scope(one, (None, None, None, None))[:2] == ((), ("None",))
    slashed = record(requestParameters={"bucketName": "a/b"}, resources=[{"ARN": "arn:aws:s3:::a/b"}])
    assert record_scope(slashed, derive_facts(slashed)[TARGET])[:2] == (("a/b",), ("a/b", "a"))


# --- whose they are --------------------------------------------------------------------------------------------------------


def crosses(account: object, resources: object = None, recipient: object = "111122223333", **more: Any) -> bool | None:
    identity = {"type": more.pop("type", "AssumedRole"), "accountId": account}
    return facts(event(userIdentity=identity, resources=resources, recipientAccountId=recipient, **more)).cross_account


COPY = {"requestParameters": {"bucketName": "payments-prod", "key": "k", "x-amz-copy-source": "other/k"}}


@pytest.mark.parametrize(
    ("account", "expected"), [("111122223333", None), ("444455556666", True), (None, None), ("", None), ("anonymous", True)]
)
def test_where_no_owner_is_named_the_recipient_tells_at_most_that_the_caller_is_of_another_account(
    account: str | None, *, expected: bool | None
) -> None:
    """A partner's own trail has a record of what the partner did in a bucket of ours."""
    assert crosses(account) is expected
    assert crosses(account, [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::payments-prod/k"}]) is expected


def test_in_the_callers_own_trail_a_bucket_of_another_account_is_crossed_to() -> None:
    assert crosses("444455556666", PAYMENTS, recipient="444455556666") is True
    assert crosses("111122223333", PAYMENTS, recipient="444455556666") is False
    assert crosses("111122223333", [*PAYMENTS, OTHER]) is True


def test_an_access_points_account_is_not_the_buckets() -> None:
    point = {"type": "AWS::S3::AccessPoint", "accountId": "444455556666", "ARN": POINT}
    assert crosses("111122223333", [*PAYMENTS, point]) is False


def test_of_a_copy_the_recipient_counts_as_well() -> None:
    assert crosses("111122223333", PAYMENTS, recipient="444455556666", **COPY) is True
    assert crosses("111122223333", PAYMENTS, **COPY) is False
    assert crosses("111122223333", PAYMENTS, recipient=None, **COPY) is None
    assert crosses("111122223333", PAYMENTS, recipient="444455556666", eventName="CopyObject") is True
    assert crosses("444455556666", PAYMENTS, recipient=None, **COPY) is True


def test_where_nobody_says_whose_the_bucket_is_it_is_unknown() -> None:
    assert crosses("111122223333", recipient=None) is None


def test_a_service_crosses_no_accounts() -> None:
    assert crosses(None, [OTHER], type="AWSService") is False


def test_an_unknown_access_point_named_like_the_target_is_not_the_target() -> None:
    assert copied(f"{POINT}/object/x", bucket="other")[0] == "readers"
    assert copied(f"{POINT}/object/x", bucket="readers")[0] == POINT
