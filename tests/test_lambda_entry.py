"""The function under AWS's own runtime client, with AWS over HTTP and a Slack that misbehaves."""

from __future__ import annotations

import gzip
import io
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest
from builders import record
from lambda_world import POLICIES, bridged, client, read_of, sqs, world
from outbox_world import TABLE
from simulated_dynamodb import SimulatedDynamoDB

if TYPE_CHECKING:
    from pathlib import Path

    from runtime_api import Lambda
    from stub_slack import StubSlack


def put_secrets(aws: str, slack: StubSlack, token: str = "token-s") -> None:  # noqa: S107  a made-up one
    secrets, parameters = client(aws, "secretsmanager"), client(aws, "ssm")
    text = json.dumps({"watch": slack.url(f"secret/{token}")})
    try:
        secrets.create_secret(Name="trailbell/slack", SecretString=text)
    except secrets.exceptions.ResourceExistsException:
        secrets.put_secret_value(SecretId="trailbell/slack", SecretString=text)
    parameters.put_parameter(
        Name="/trailbell/slack/watch", Value=slack.url("parameter/token-p"), Type="SecureString", Overwrite=True
    )


def holds_no_secret(function: Lambda) -> bool:
    return not any(word in function.output for word in ("token-", "127.0.0.1"))


def test_events_reach_the_channels_of_all_three_sorts_of_webhook(aws: str, tmp_path: Path) -> None:
    with world(aws, tmp_path) as here:
        put_secrets(aws, here.slack)
        for number, kind in enumerate(("other", "secret", "parameter")):
            assert here.function.invoke(bridged(read_of(f"{kind}/x.csv", number))).error is None
        assert {path for path, _ in here.slack.posts} == {"env/token-e", "secret/token-s", "parameter/token-p"}
        assert here.slack.refused == []
        payload = here.slack.of("env/token-e")[0]
        assert "203.0.113.0/24" in payload["text"]
        assert "203.0.113.7" not in json.dumps(payload)
        assert [line["event"]["sourceIPAddress"] for line in here.function.of("decision")] == ["203.0.113.7"] * 3
        assert all(line.startswith("{") for line in here.function.output.splitlines())
        by_event = {line["decision"]["event_id"]: line["invocation"] for line in here.function.of("decision")}
        assert len(set(by_event.values())) == 3
        assert all(line["invocation"] == by_event[line["event_ids"][0]] for line in here.function.of("delivery"))
        assert holds_no_secret(here.function)


def test_a_batch_answers_with_its_failed_items(aws: str, tmp_path: Path) -> None:
    with world(aws, tmp_path) as here:
        bodies = [json.dumps(bridged(read_of("a.csv", 1))), "{not json", json.dumps(bridged(read_of("job/a.csv", 2)))]
        assert here.function.invoke(sqs(*bodies)).answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
        here.slack.script("env/token-e", "500")
        down = here.function.invoke(sqs(json.dumps(bridged(read_of("a.csv", 3)))))
        assert down.answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
        received = [line for line in here.function.lines() if "Received" in line]
        assert [(line["Received"], line["Muted"], line["Unreadable"], line["Failed"]) for line in received] == [
            (3, 1, 1, 0),
            (1, 0, 0, 1),
        ]
        assert {line["Function"] for line in received} == {"trailbell"}
        assert holds_no_secret(here.function)


def test_what_was_invoked_directly_and_not_delivered_is_an_error_so_that_it_comes_again(aws: str, tmp_path: Path) -> None:
    with world(aws, tmp_path) as here:
        here.slack.script("env/token-e", "200-without-ok")
        assert here.function.invoke(bridged(read_of("a.csv"))).error["errorType"] == "UndeliveredError"
        assert "a.csv" not in json.dumps(here.function.invoke(bridged(read_of("a.csv"))).error)


def test_a_log_file_named_by_a_notification_is_fetched_and_read(aws: str, tmp_path: Path) -> None:
    key = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01/111122223333_CloudTrail_eu-west-1_20261101T0000Z_a.json.gz"
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket="trail-logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    content = {"Records": [read_of("a.csv", 1), read_of("job/b.csv", 2), record(eventSource="ec2.amazonaws.com")]}
    s3.upload_fileobj(io.BytesIO(gzip.compress(json.dumps(content).encode())), "trail-logs", key)
    notice = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "trail-logs"}, "object": {"key": key}},
    }
    with world(aws, tmp_path) as here:
        answered = here.function.invoke(sqs(json.dumps({"Records": [notice]})))
        assert answered.answer == {"batchItemFailures": []}
        assert len(here.slack.posts) == 1
        missing = {**notice, "s3": {"bucket": {"name": "trail-logs"}, "object": {"key": key.replace("_a.", "_b.")}}}
        again = here.function.invoke(sqs(json.dumps({"Records": [missing]})))
        assert again.answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_a_log_file_that_is_too_long_goes_on_where_it_stopped(aws: str, tmp_path: Path) -> None:
    key = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01/111122223333_CloudTrail_eu-west-1_20261101T0000Z_l.json.gz"
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket="long-logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    content = {"Records": [read_of(f"{number}.csv", number) for number in range(6)]}
    s3.upload_fileobj(io.BytesIO(gzip.compress(json.dumps(content).encode())), "long-logs", key)
    notice = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "long-logs"}, "object": {"key": key}}}
    payload = sqs(json.dumps({"Records": [notice]}))
    client(aws, "dynamodb").create_table(TableName="long-deliveries", **TABLE)
    with world(aws, tmp_path, TRAILBELL_DELIVERY_TABLE="long-deliveries") as here:
        here.function.timeout = 17.0  # too little for more than one record
        for _ in range(2):
            assert here.function.invoke(payload).answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
        here.function.timeout = 60.0
        assert here.function.invoke(payload).answer == {"batchItemFailures": []}
        decided = [line["decision"]["event_id"] for line in here.function.of("decision")]
        assert len(decided) == len(set(decided)) == 6
        assert [line["HandedBack"] for line in here.function.lines() if "HandedBack" in line] == [1, 1, 0]


@pytest.mark.parametrize("word", ["403", "404", "410"])
def test_a_webhook_that_slack_refuses_is_read_anew(aws: str, tmp_path: Path, word: str) -> None:
    with world(aws, tmp_path) as here:
        put_secrets(aws, here.slack, "token-old")
        assert here.function.invoke(bridged(read_of("secret/a.csv", 1))).error is None
        here.slack.script("secret/token-old", word)
        put_secrets(aws, here.slack, "token-new")
        assert here.function.invoke(bridged(read_of("secret/b.csv", 2))).error is None
        assert [path for path, _ in here.slack.posts] == ["secret/token-old", "secret/token-old", "secret/token-new"]


def test_a_channel_that_is_gone_is_heard_on_its_fallback(aws: str, tmp_path: Path) -> None:
    with world(aws, tmp_path) as here:
        put_secrets(aws, here.slack)
        here.slack.script("env/token-e", "410")
        assert here.function.invoke(bridged(read_of("a.csv"))).error is None
        assert [path for path, _ in here.slack.posts] == ["env/token-e", "parameter/token-p"]
        assert "by-env" in json.dumps(here.slack.of("parameter/token-p")[0]["blocks"])
        assert here.function.invoke(bridged(read_of("b.csv", 2))).error is None
        assert len(here.slack.of("parameter/token-p")) == 2
        assert len(here.slack.of("env/token-e")) == 1, "what is gone is not hammered, in later invocations either"


def test_what_was_delivered_is_remembered_in_the_table_and_mutes_are_told(aws: str, tmp_path: Path) -> None:
    client(aws, "dynamodb").create_table(TableName="lambda-deliveries", **TABLE)
    with world(aws, tmp_path, TRAILBELL_DELIVERY_TABLE="lambda-deliveries", TRAILBELL_MUTED_CHANNEL="by-env") as here:
        for _ in range(2):
            assert here.function.invoke(bridged(read_of("a.csv", 1))).error is None
        assert len(here.slack.posts) == 1
        assert here.function.invoke(bridged(read_of("job/a.csv", 2))).error is None
        assert here.function.invoke({"trailbell": "muted"}).error is None
        assert "muted" in here.slack.posts[-1][1]["text"]
        assert here.slack.refused == []
        held = client(aws, "dynamodb").scan(TableName="lambda-deliveries")["Items"]
        kinds = {item["id"]["S"].partition(":")[0] for item in held}
        assert kinds == {"event-1#by-env", "window", "pace", "drain", "channels", "muted"}


def test_the_function_tells_of_itself_and_posts_nothing(aws: str, tmp_path: Path) -> None:
    client(aws, "dynamodb").create_table(TableName="self-test", **TABLE)
    policies = f"{POLICIES}buckets: [payments-prod, ledger]\n".replace("trailbell/slack", "trailbell/nowhere")
    with world(aws, tmp_path, policies, TRAILBELL_DELIVERY_TABLE="self-test", TRAILBELL_EXPECTED_BUCKETS="ledger") as here:
        assert here.function.invoke(bridged(read_of("a.csv"))).error is None
        posted = len(here.slack.posts)
        answer = here.function.invoke({"trailbell": "self-test"}).answer
        assert len(here.slack.posts) == posted
        assert answer["webhooks"]["by-env"] == ""
        assert "cannot be read" in answer["webhooks"]["by-secret"]
        assert answer["table"] == ""
        assert abs(answer["buckets"]["payments-prod"] - time.time()) < 60
        assert set(answer["buckets"]) == {"payments-prod"}, "no bucket that neither policies nor settings name"
        (told,) = here.function.of("self_test")
        assert told["problems"] == 2
        assert holds_no_secret(here.function)
        for _ in range(2):
            assert here.function.invoke({"trailbell": "drain"}).error is None
        silences = [line for line in here.function.lines() if "HoursSinceEvent" in line]
        assert [line["bucket"] for line in silences] == ["ledger", "ledger"]
        assert silences[1]["HoursSinceEvent"] < 0.1


def test_the_probe_reads_its_object_and_its_event_is_counted_and_not_sent(aws: str, tmp_path: Path) -> None:
    role, s3 = "arn:aws:iam::123456789012:role/trailbell-probe", client(aws, "s3")
    s3.create_bucket(Bucket="probed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with world(aws, tmp_path, TRAILBELL_PROBE="s3://probed/trailbell/probe", TRAILBELL_PROBE_ROLE=role) as here:
        assert here.function.invoke({"trailbell": "probe"}).answer == {"problem": "GetObject: NoSuchKey"}
        s3.put_object(Bucket="probed", Key="trailbell/probe", Body=b"")
        assert here.function.invoke({"trailbell": "probe"}).answer == {"problem": ""}
        assert [line["reason"] for line in here.function.lines() if "ProbeReadFailed" in line] == ["GetObject: NoSuchKey"]
        identity = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": role}}}
        parameters = {"bucketName": "probed", "key": "trailbell/probe"}
        read = record(userIdentity=identity, requestParameters=parameters)
        assert here.function.invoke(sqs(json.dumps(bridged(read)))).answer == {"batchItemFailures": []}
        assert here.slack.posts == []
        assert [line["Probed"] for line in here.function.lines() if "ProbeMinutes" in line] == [1]
        assert holds_no_secret(here.function)


def test_what_was_booked_is_sent_by_whoever_drains_next(aws: str, tmp_path: Path) -> None:
    client(aws, "dynamodb").create_table(TableName="hung-channel", **TABLE)
    with world(aws, tmp_path, TRAILBELL_DELIVERY_TABLE="hung-channel") as here:
        here.slack.script("env/token-e", "hang", "ok")
        answered = here.function.invoke(sqs(json.dumps(bridged(read_of("a.csv")))))
        assert answered.answer == {"batchItemFailures": []}, "what is in the outbox needs no receive of its own"
        assert len(here.slack.posts) == 1
        time.sleep(2.1)
        assert here.function.invoke({"trailbell": "drain"}).error is None
        again = here.slack.posts[-1][1]
        assert len(here.slack.posts) == 2
        assert "may be a repeat" in json.dumps(again)
        assert here.function.invoke({"trailbell": "drain"}).error is None
        assert len(here.slack.posts) == 2


def test_a_retry_has_the_request_id_of_the_first_try_and_is_booked_all_the_same(tmp_path: Path) -> None:
    with SimulatedDynamoDB() as table:
        client(table.url, "dynamodb").create_table(TableName="deliveries", **TABLE)
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            with world(table.url, folder, TRAILBELL_DELIVERY_TABLE="deliveries") as here:
                assert here.function.invoke(bridged(read_of(f"{number}.csv", number))).error is None
                assert {line["invocation"] for line in here.function.of("delivery")} == {"request-1"}
                assert len(here.slack.posts) == 1


def test_without_the_index_an_invocation_sends_its_own(aws: str, tmp_path: Path) -> None:
    client(aws, "dynamodb").create_table(
        TableName="no-index",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with world(aws, tmp_path, TRAILBELL_DELIVERY_TABLE="no-index") as here:
        for number, key in enumerate(("a.csv", "b.csv")):
            assert here.function.invoke(bridged(read_of(key, number))).error is None
        assert len(here.slack.posts) == 2


def test_a_table_that_hangs_costs_one_message_and_hands_the_batch_back(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        hung = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with world(hung, tmp_path, TRAILBELL_DELIVERY_TABLE="deliveries") as here:
            here.function.timeout = 14.0
            bodies = [json.dumps(bridged(read_of(key, number))) for number, key in enumerate(("a.csv", "b.csv", "job/a.csv"))]
            began = time.monotonic()
            failed = [{"itemIdentifier": "m0"}, {"itemIdentifier": "m1"}]
            assert here.function.invoke(sqs(*bodies)).answer == {"batchItemFailures": failed}
            assert time.monotonic() - began < here.function.timeout
            (told,) = here.slack.posts
            assert "2" in told[1]["text"]
            assert here.function.invoke(sqs(*bodies)).answer == {"batchItemFailures": failed}
            assert len(here.slack.posts) == 1, "once a minute"


def test_a_policy_set_that_does_not_load_stops_the_start_and_says_where(aws: str, tmp_path: Path) -> None:
    with world(aws, tmp_path, POLICIES.replace("notify: [by-env]", "notify: [nobody]")) as here:
        failed = here.function.invoke(bridged(read_of("a.csv")))
        assert failed.error["errorType"].endswith("PolicySetError")
        assert "base.yaml:12:20:" in failed.error["errorMessage"]
        assert "nobody" in failed.error["errorMessage"]


def test_a_hanging_slack_does_not_hold_the_function_beyond_its_time(aws: str, tmp_path: Path) -> None:
    with world(aws, tmp_path) as here:
        here.function.timeout = 6.0
        here.slack.script("env/token-e", "hang")
        answered = here.function.invoke(sqs(json.dumps(bridged(read_of("a.csv")))))
        assert answered.answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
