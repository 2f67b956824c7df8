"""The template in a simulated AWS. What moto makes none of (policies, trail, alarms) is put there by calls.

What moto cannot answer at all, IAM's simulation of a role and an invocation, is answered here: the former from the role's
policies as they are at that moment.
"""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import boto3
import yaml
from templates import for_moto, template

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

NAME = "trailbell"
ACCOUNT = "123456789012"
REGION = "eu-west-1"
ANSWER = {"revision": "abc123", "webhooks": {"watch": ""}, "table": "", "buckets": {"payments-prod": 1_700_000_000}}


class DeployedStack:
    """A stack in which every link works, and calls to take one away."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._made: dict[str, Any] = {}
        self.answer: dict[str, Any] = dict(ANSWER)
        self.key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.topic = boto3.client("sns").create_topic(Name="alarms")["TopicArn"]
        boto3.client("sns").subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:pager")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="code", Key="t.zip", Body=b"PK\x05\x06" + bytes(18))
        wanted = {
            "BucketNames": "payments-prod",
            "CodeBucket": "code",
            "CodeKey": "t.zip",
            "CreateTrail": "yes",
            "ProbeBucket": "payments-prod",
            "KmsKeyArn": self.key,
            "AlarmTopicArn": self.topic,
            "SlackWebhookUrl": "https://hooks.slack.com/services/T/B/x",
        }
        boto3.client("cloudformation").create_stack(
            StackName=NAME,
            TemplateBody=for_moto(),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in wanted.items()],
        )
        found = boto3.client("cloudformation").list_stack_resources(StackName=NAME)["StackResourceSummaries"]
        self.parts = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found if "LogicalResourceId" in one}
        self.words = {**wanted, "AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::StackName": NAME}
        self._complete()

    def client(self, service: str) -> Any:
        """A boto3 client that also answers what moto does not."""
        made = self._made.get(service) or self._made.setdefault(service, boto3.client(service))
        own: dict[str, dict[str, Callable[..., Any]]] = {
            "iam": {"simulate_principal_policy": self._simulated},
            "lambda": {"invoke": self._invoked},
            "cloudformation": {"get_paginator": lambda _: self},
        }
        return AnsweredElsewhere(made, own.get(service, {}))

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803
        """The resources of the stack, as CloudFormation lists them."""
        assert StackName == NAME
        return [{"StackResourceSummaries": [{"LogicalResourceId": k, "PhysicalResourceId": v} for k, v in self.parts.items()]}]

    # --- what moto makes none of ---------------------------------------------------------------------------------------------

    def _complete(self) -> None:
        resources = template()["Resources"]
        for name, part in (("QueuePolicy", "Queue"), ("DeadLettersPolicy", "DeadLetters")):
            document = self._resolved(resources[name]["Properties"]["PolicyDocument"])
            attributes = {"Policy": json.dumps(document)}
            boto3.client("sqs").set_queue_attributes(QueueUrl=self.parts[part], Attributes=attributes)
        functions, function = boto3.client("lambda"), self.parts["Function"]
        alias = functions.create_alias(FunctionName=function, Name="live", FunctionVersion="$LATEST")
        self.parts["Live"] = alias["AliasArn"]
        for part in ("EveryMinute", "EveryFiveMinutes"):
            how = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": self._arn(part)}
            functions.add_permission(FunctionName=function, Qualifier="live", StatementId=part, **how)
        self.put_role_policies()
        document = self._resolved(resources["TrailBucketPolicy"]["Properties"]["PolicyDocument"])
        boto3.client("s3").put_bucket_policy(Bucket=self.parts["TrailBucket"], Policy=json.dumps(document))
        events = {"Sid": "e", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [{**events, "Action": ["kms:Decrypt", "kms:GenerateDataKey"]}]}
        boto3.client("kms").put_key_policy(KeyId=self.key, PolicyName="default", Policy=json.dumps(document))
        trails = boto3.client("cloudtrail")
        trails.create_trail(Name=NAME, S3BucketName=self.parts["TrailBucket"])
        trails.start_logging(Name=NAME)
        selectors = self._resolved(resources["Trail"]["Properties"]["AdvancedEventSelectors"][1:])
        arn = {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::payments-prod/"]}
        objects = {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}
        selectors.append({"Name": "objects", "FieldSelectors": [objects, arn]})
        trails.put_event_selectors(TrailName=NAME, AdvancedEventSelectors=selectors)
        self._put_alarms(resources)
        self._put_metrics()

    def put_role_policies(self) -> None:
        """The inline policies of the role, as the template has them."""
        for name, one in template()["Resources"].items():
            if one["Type"] == "AWS::IAM::RolePolicy" and name in {"MayReadQueue", "MayClaimDeliveries", "MayUseKey", "MayProbe"}:
                properties = self._resolved(one["Properties"])
                boto3.client("iam").put_role_policy(
                    RoleName="trailbell",
                    PolicyName=properties["PolicyName"],
                    PolicyDocument=json.dumps(properties["PolicyDocument"]),
                )

        # CloudFormation's ARN of a log group ends in :*, moto's does not.
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{self.parts['Logs']}:*"
        statement = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": group}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        boto3.client("iam").put_role_policy(RoleName="trailbell", PolicyName="logs", PolicyDocument=document)

    def _put_alarms(self, resources: dict[str, Any]) -> None:
        cloudwatch = boto3.client("cloudwatch")
        for name, one in resources.items():
            if one["Type"] == "AWS::CloudWatch::Alarm" and "MetricName" in one["Properties"]:
                parts = one["Properties"]
                cloudwatch.put_metric_alarm(
                    AlarmName=f"{NAME}-{name}-X",
                    Namespace=parts["Namespace"],
                    MetricName=parts["MetricName"],
                    AlarmDescription=parts["AlarmDescription"],
                    AlarmActions=[self.topic],
                    Period=60,
                    EvaluationPeriods=1,
                    Threshold=0,
                    Statistic="Sum",
                    ComparisonOperator="GreaterThanThreshold",
                )

    def _put_metrics(self) -> None:
        dimensions = [{"Name": "Function", "Value": self.parts["Function"]}]
        common = {"Dimensions": dimensions, "Timestamp": self._now - timedelta(minutes=2)}
        values = {"FromCloudTrail": 1, "OldestOwedSeconds": 0, "ProbeMinutes": 4}
        metrics = [{"MetricName": name, "Value": value, **common} for name, value in values.items()]
        boto3.client("cloudwatch").put_metric_data(Namespace="Trailbell", MetricData=metrics)

    def _resolved(self, value: Any) -> Any:
        """A part of the template with its references replaced."""
        if isinstance(value, list):
            return [self._resolved(one) for one in value if not (isinstance(one, dict) and "If" in one)]
        if not isinstance(value, dict):
            return value
        if "Ref" in value:
            return self.words.get(value["Ref"]) or self.parts[value["Ref"]]
        if "GetAtt" in value:
            return self._arn(value["GetAtt"].partition(".")[0])
        if "Sub" in value and isinstance(value["Sub"], str):
            return re.sub(r"\$\{([^}]+)\}", lambda found: self._word(found[1]), value["Sub"])
        return {key: self._resolved(one) for key, one in value.items()}

    def _word(self, name: str) -> str:
        return self.words[name] if name in self.words else self._arn(name.partition(".")[0])

    def _arn(self, part: str) -> str:
        place, name = f"{REGION}:{ACCOUNT}", self.parts[part].rsplit("/", 1)[-1]
        return {
            "Queue": f"arn:aws:sqs:{place}:{name}",
            "DeadLetters": f"arn:aws:sqs:{place}:{name}",
            **dict.fromkeys(("Rule", "EveryMinute", "EveryFiveMinutes"), f"arn:aws:events:{place}:rule/{name}"),
            "Deliveries": f"arn:aws:dynamodb:{place}:table/{name}",
            "TrailBucket": f"arn:aws:s3:::{name}",
            "ProbeRole": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        }[part]

    # --- what moto does not answer -------------------------------------------------------------------------------------------

    def _simulated(self, PolicySourceArn: str, ActionNames: list[str], ResourceArns: list[str]) -> dict[str, Any]:  # noqa: N803
        iam, role = boto3.client("iam"), PolicySourceArn.rsplit("/", 1)[-1]
        statements: list[dict[str, Any]] = []
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            found = (yaml.safe_load(document) if isinstance(document, str) else document)["Statement"]
            statements += [found] if isinstance(found, dict) else found
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "allowed" if any(_covers(one, action, resource) for one in statements) else "implicitDeny",
            }
            for action in ActionNames
            for resource in ResourceArns
        ]
        return {"EvaluationResults": results}

    def _invoked(self, FunctionName: str, Qualifier: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert (FunctionName, Qualifier, InvocationType) == (self.parts["Function"], "live", "RequestResponse")
        assert json.loads(Payload) == {"trailbell": "self-test"}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())}


def _covers(statement: dict[str, Any], action: str, resource: str) -> bool:
    actions, resources = ([one] if isinstance(one, str) else one for one in (statement["Action"], statement["Resource"]))
    return action in actions and any(fnmatchcase(resource, one) for one in resources)


class AnsweredElsewhere:
    """A client, some of whose calls are answered elsewhere."""

    def __init__(self, made: Any, calls: dict[str, Callable[..., Any]]) -> None:
        self._made, self._calls = made, calls

    def __getattr__(self, name: str) -> Any:
        """The answer that is given elsewhere, or the client's own."""
        return self._calls.get(name) or getattr(self._made, name)
