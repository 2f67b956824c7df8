"""The template, created in a simulated AWS: its parts are there, and know of each other."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from templates import for_moto

ACCOUNT = "123456789012"
PARAMETERS = {
    "BucketNames": "payments-prod,ledger",
    "EventNames": "GetObject,PutObject",
    "CodeBucket": "template-code",
    "CodeKey": "trailbell.zip",
    "SecretArns": f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:trailbell/slack-AbCdEf",
    "RoleName": "trailbell-template",
    "PoliciesBucket": "policies",
    "PoliciesSigningKeyArn": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0123",
}


pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS")
"""What moto does not make of a template (queue policies, alarms) is asserted in `test_deploy`."""


class Account:
    """A simulated account with the stack in it."""

    def __init__(self, url: str) -> None:
        self._url = url
        s3 = self.client("s3")
        s3.create_bucket(Bucket="template-code", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket="template-code", Key="trailbell.zip", Body=b"PK")
        self.client("cloudformation").create_stack(
            StackName="trailbell-template",
            TemplateBody=for_moto(),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

    def client(self, service: str) -> Any:
        """A boto3 client."""
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, endpoint_url=self._url, region_name="eu-west-1", **keys)

    def resources(self) -> dict[str, str]:
        """The stack's resources: physical ids by logical id."""
        found = self.client("cloudformation").list_stack_resources(StackName="trailbell-template")["StackResourceSummaries"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found if "LogicalResourceId" in one}


@pytest.fixture(scope="module")
def account(aws: str) -> Account:
    return Account(aws)


def test_all_of_it_is_created(account: Account) -> None:
    assert {"Rule", "Queue", "DeadLetters", "Function", "Role", "Logs", "Deliveries"} <= set(account.resources())


def test_what_is_dead_is_kept_apart(account: Account) -> None:
    url = account.resources()["Queue"]
    attributes = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    redrive = json.loads(attributes["RedrivePolicy"])
    assert int(redrive["maxReceiveCount"]) == 12
    assert "DeadLetters" in redrive["deadLetterTargetArn"]


def test_what_is_owed_is_found_by_the_index_and_sent_each_minute(account: Account) -> None:
    table = account.client("dynamodb").describe_table(TableName=account.resources()["Deliveries"])["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["owed"]
    events, name = account.client("events"), account.resources()["EveryMinute"]
    assert events.describe_rule(Name=name)["ScheduleExpression"] == "rate(1 minute)"
    (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
    assert json.loads(target["Input"]) == {"trailbell": "drain"}


def test_the_function_is_told_where_everything_is(account: Account) -> None:
    found = account.client("lambda").get_function_configuration(FunctionName=account.resources()["Function"])
    variables = found["Environment"]["Variables"]
    assert variables["TRAILBELL_ROLE"] == "arn:aws:iam::123456789012:role/trailbell-template"
    assert variables["TRAILBELL_DELIVERY_TABLE"] == account.resources()["Deliveries"]
    assert variables["TRAILBELL_POLICIES"] == "s3://policies/trailbell/policies.json"
    assert "SLACK_WEBHOOK_URL" not in variables
    assert found["Handler"] == "lambda_entry.handler"


def test_the_rule_leaves_out_trailbells_own_reads_and_feeds_the_queue(account: Account) -> None:
    events = account.client("events")
    (rule,) = [one for one in events.list_rules()["Rules"] if one["Name"] == account.resources()["Rule"]]
    detail = json.loads(rule["EventPattern"])["detail"]
    assert detail["$or"][0] == {"requestParameters": {"bucketName": ["payments-prod", "ledger"]}}
    assert detail["eventName"] == ["GetObject", "PutObject"]
    own = f"arn:aws:iam::{ACCOUNT}:role/trailbell-template"
    assert detail["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == [{"anything-but": own}, {"exists": False}]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"].rpartition(":")[2] == account.resources()["Queue"].rpartition("/")[2]
    assert "DeadLetters" in target["DeadLetterConfig"]["Arn"]
