"""The templates: sound, least-privileged, and of the same parts in both languages."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from templates import TEMPLATE, chosen, linted, template

from engine.pipeline.log_files import STOP_SECONDS
from engine.workbench.stack_watch import ALARMS, QUEUED_ALARMS, THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PUBLISHING = ROOT / "deploy/publishing.yaml"
TERRAFORM = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "deploy/terraform").glob("*.tf")))

MAY = {
    "logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
    "queue": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "dead-letters": {"sqs:SendMessage"},
    "secrets": {"secretsmanager:GetSecretValue"},
    "parameters": {"ssm:GetParameter"},
    "topics": {"sns:Publish"},
    "log-files": {"s3:GetObject"},
    "deliveries": {
        *("dynamodb:PutItem", "dynamodb:BatchWriteItem", "dynamodb:UpdateItem"),
        *("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
    },
    "policies": {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "kms:Verify"},
    "key": {"kms:Decrypt", "kms:GenerateDataKey"},
    "decrypt": {"kms:Decrypt"},
    "probe": {"sts:AssumeRole"},
}
"""Everything that the function may do."""

OF_THE_PROBE = {"canary": {"s3:GetObject"}}
"""What the role may do that the function takes to read the probe's object."""

OF_THE_ARCHIVE = {
    "archive": {
        *("s3:PutObject", "s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:ListBucket"),
        "s3:ListBucketMultipartUploads",
    },
    "subscription": {"firehose:PutRecord", "firehose:PutRecordBatch"},
}
"""What the roles may do that carry audit records into the archive."""


def statements(resource: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each statement of a role's policies, with the policy's name."""
    parts = resource["Properties"]
    inline = parts.get("Policies", [parts] if resource["Type"] == "AWS::IAM::RolePolicy" else [])
    for policy in inline:
        yield from ((policy["PolicyName"], one) for one in policy["PolicyDocument"]["Statement"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(path: Path = TEMPLATE) -> list[tuple[str, dict[str, Any]]]:
    return [one for resource in template(path)["Resources"].values() for one in statements(resource) if "IAM" in resource["Type"]]


def test_the_function_may_do_this_and_nothing_else() -> None:
    actions: dict[str, set[str]] = {}
    for name, statement in granted():
        assert statement["Effect"] == "Allow"
        actions.setdefault(name, set()).update(listed(statement["Action"]))
    assert actions == {**MAY, **OF_THE_PROBE, **OF_THE_ARCHIVE}


def test_workflows_may_publish_and_deploy_and_nothing_else() -> None:
    actions: dict[str, set[str]] = {}
    for name, statement in granted(PUBLISHING):
        actions.setdefault(name, set()).update(listed(statement["Action"]))
    assert actions == {
        "publish": {"s3:PutObject", "s3:GetObject", "s3:GetObjectVersion", "kms:Sign", "kms:Verify"},
        "deploy": {
            *("lambda:UpdateFunctionCode", "lambda:PublishVersion", "lambda:GetAlias", "lambda:UpdateAlias"),
            *("lambda:GetFunctionConfiguration", "lambda:InvokeFunction"),
        },
    }


def test_nobody_deletes_a_published_set_or_its_versions() -> None:
    found = template(PUBLISHING)["Resources"]["PoliciesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    for_all = [one for one in found if one["Effect"] == "Deny" and one["Principal"] == "*" and "Condition" not in one]
    denied = {(action, json.dumps(where)) for one in for_all for action in one["Action"] for where in listed(one["Resource"])}
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        for end in ("", ".state"):
            assert (action, json.dumps({"Sub": f"${{Policies.Arn}}/${{PoliciesKey}}{end}"})) in denied
    for action in ("s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"):
        assert (action, json.dumps({"GetAtt": "Policies.Arn"})) in denied


def test_only_one_environment_of_one_repository_takes_the_roles() -> None:
    roles = [one["Properties"] for one in template(PUBLISHING)["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    assert len(roles) == 2
    for role in roles:
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"] == {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": {"Sub": "repo:${Repository}:environment:${Environment}"},
            }
        }


def test_the_variables_of_the_workflows_are_outputs_of_the_template() -> None:
    told = " ".join(one["Description"] for one in template(PUBLISHING)["Outputs"].values())
    for name in ("TRAILBELL_POLICIES", "TRAILBELL_SIGNING_KEY", "TRAILBELL_PUBLISHER", "TRAILBELL_DEPLOYER"):
        assert name in told
        assert any(f"vars.{name} " in path.read_text("utf-8") for path in (ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", [TEMPLATE, PUBLISHING], ids=lambda path: path.name)
def test_no_permission_is_for_everything(path: Path) -> None:
    for name, statement in granted(path):
        for resource in listed(statement["Resource"]):
            assert resource != "*", name
        assert not any("*" in action for action in listed(statement["Action"])), name


def test_nobody_is_allowed_in_without_a_condition() -> None:
    for conditions in ((), ("ReadsLogFiles",), ("ReadsLogFiles", "HasLogFilesTopic")):
        for resource in chosen(template()["Resources"], *conditions).values():
            document = resource.get("Properties", {}).get("PolicyDocument", {})
            for statement in document.get("Statement", []):
                if statement["Effect"] == "Allow" and "Principal" in statement:
                    assert statement["Principal"] != "*"
                    assert "Condition" in statement


def senders(*conditions: str) -> dict[str, Any]:
    """Who may send to the queue, by the statement's id."""
    policy = chosen(template()["Resources"]["QueuePolicy"], *conditions)["Properties"]["PolicyDocument"]
    return {one["Sid"]: (one["Principal"]["Service"], one["Condition"]) for one in policy["Statement"]}


def test_log_files_are_announced_by_their_bucket_or_its_topic_alone() -> None:
    rule = {"RuleSends": ("events.amazonaws.com", {"ArnEquals": {"aws:SourceArn": {"GetAtt": "Rule.Arn"}}})}
    bucket = {"aws:SourceArn": {"Sub": "arn:${AWS::Partition}:s3:::${LogFilesBucket}"}}
    of_bucket = {"ArnEquals": bucket, "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    of_topic = {"ArnEquals": {"aws:SourceArn": {"Ref": "LogFilesTopicArn"}}}
    assert senders() == rule
    assert senders("ReadsLogFiles") == {**rule, "BucketSends": ("s3.amazonaws.com", of_bucket)}
    assert senders("ReadsLogFiles", "HasLogFilesTopic") == {**rule, "TopicSends": ("sns.amazonaws.com", of_topic)}
    for text in ('"s3.amazonaws.com" : "sns.amazonaws.com"', '"aws:SourceAccount"', "local.log_files_arn : statement.value"):
        assert text in TERRAFORM


def test_the_times_of_log_files_fit_each_other() -> None:
    made = chosen(template()["Resources"], "ReadsLogFiles", "Queued")
    timeout = made["Function"]["Properties"]["Timeout"]
    assert timeout > 10 * STOP_SECONDS
    assert made["Queue"]["Properties"]["VisibilityTimeout"] >= 6 * timeout
    assert made["FromQueue"]["Properties"]["BatchSize"] == 5
    assert made["Rule"]["Properties"]["State"] == "DISABLED"
    assert chosen(template()["Resources"]["Rule"])["Properties"]["State"] == "ENABLED"
    for name, value in (("visibility_timeout_seconds", 1800), ("timeout", timeout), ("batch_size", 5)):
        assert re.search(rf"{name} += local\.log_files \? {value} : var\.", TERRAFORM)
    assert re.search(r'state += local\.log_files \? "DISABLED" : "ENABLED"', TERRAFORM)


def test_terraform_grants_the_same_actions() -> None:
    main = (ROOT / "deploy/terraform/main.tf").read_text("utf-8")
    found = set(re.findall(r'"((?:logs|sqs|sns|secretsmanager|ssm|dynamodb|kms|s3|sts):[A-Za-z]+)"', main))
    assert found == set().union(*MAY.values())


def test_both_give_the_function_the_same_variables() -> None:
    variables = set(template()["Resources"]["Function"]["Properties"]["Environment"]["Variables"])
    assert variables == set(re.findall(r"\b((?:TRAILBELL|SLACK)_[A-Z_]+) += ", TERRAFORM))
    read = (ROOT / "lambda_entry.py").read_text("utf-8") + "".join(
        path.read_text("utf-8") for path in sorted((ROOT / "engine/edge").glob("*.py"))
    )
    for name in variables - {"SLACK_WEBHOOK_URL"}:
        assert name in read


def test_every_alarm_of_ours_watches_a_metric_that_is_emitted() -> None:
    metrics = (ROOT / "engine/pipeline/metrics.py").read_text("utf-8")
    ends = {"Unreadable", "PassedOver", "Duplicate", "Failed", "Delivered", "Silenced", "Muted"}
    for resource in template()["Resources"].values():
        parts = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudWatch::Alarm" and parts["Namespace"] == "Trailbell":
            assert parts["MetricName"] in ends or f'"{parts["MetricName"]}"' in metrics


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of the resources of a type, by logical id."""
    return {name: one["Properties"] for name, one in template()["Resources"].items() if one["Type"] == kind}


PAGING = {
    *(("AWS/SQS", "ApproximateNumberOfMessagesVisible"), ("AWS/SQS", "ApproximateAgeOfOldestMessage")),
    *(("AWS/Lambda", "Errors"), ("AWS/Lambda", "DestinationDeliveryFailures"), ("AWS/Events", "InvocationsFailedToBeSentToDlq")),
    *(("Trailbell", "FromCloudTrail"), ("Trailbell", "HoursSinceEvent"), ("Trailbell", "SecondsFromEvent")),
    *(("Trailbell", "OldestOwedSeconds"), ("Trailbell", "GivenUp"), ("Trailbell", "ProbeMinutes")),
}
"""What does not mend itself, and what readers feel."""

CAN_WAIT = {
    *(("AWS/Lambda", "Throttles"), ("Trailbell", "Failed"), ("Trailbell", "Unreadable")),
    *(("Trailbell", "FailedMatchers"), ("Trailbell", "PolicySetRefused"), ("Trailbell", "DoesNotAddUp")),
}


def alarms() -> dict[str, dict[str, Any]]:
    return of_type("AWS::CloudWatch::Alarm")


def test_what_mends_itself_wakes_nobody_and_each_alarm_is_heard_where_it_belongs() -> None:
    heard = {True: ("HasTopic", "AlarmTopicArn"), False: ("HasMorningTopic", "MorningTopicArn")}
    found: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
    for one in alarms().values():
        pages = one["AlarmDescription"].startswith("page: ")
        assert pages or one["AlarmDescription"].startswith("morning: ")
        condition, topic = heard[pages]
        assert one["AlarmActions"] == {"If": [condition, [{"Ref": topic}], {"Ref": "AWS::NoValue"}]}
        found[pages].add((one["Namespace"], one["MetricName"]))
    assert (found[True], found[False]) == (PAGING, CAN_WAIT)


def test_what_is_tried_again_by_itself_rings_only_where_that_goes_on() -> None:
    for name in ("ErrorsAlarm", "ThrottlesAlarm", "FailedAlarm"):
        assert alarms()[name]["EvaluationPeriods"] * alarms()[name]["Period"] >= 900, name


def test_each_alarm_has_a_section_in_the_runbook_with_its_severity() -> None:
    text = (ROOT / "docs/at-3-am.md").read_text("utf-8")
    sections = re.split(r"^#{2,3} (.+)\n", text, flags=re.MULTILINE)[1:]
    by_anchor = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-"): body
        for title, body in zip(sections[::2], sections[1::2], strict=True)
    }
    for name, one in alarms().items():
        anchor = one["AlarmDescription"].rpartition("#")[2]
        severity = one["AlarmDescription"].partition(":")[0]
        assert f"*{severity.capitalize()}.*" in by_anchor[anchor], name


def test_terraform_has_the_same_alarms() -> None:
    text = (ROOT / "deploy/terraform/main.tf").read_text("utf-8").partition("# --- alarms")[2]
    told = re.findall(r'text += "([^"]+)"\s+namespace += "([^"]+)", metric = "(\w+)"', text)
    assert set(told) == {(one["AlarmDescription"], one["Namespace"], one["MetricName"]) for one in alarms().values()}
    assert 'startswith(each.value.text, "page") ? local.actions : local.morning' in text


def test_a_stack_whose_alarms_nobody_hears_says_so() -> None:
    told = template()["Outputs"]["NobodyHearsAlarms"]
    assert template()["Conditions"][told["Condition"]] == {"Equals": [{"Ref": "AlarmTopicArn"}, ""]}
    assert 'check "somebody_hears_alarms"' in TERRAFORM


def test_the_doctor_looks_for_the_alarms_that_every_stack_has() -> None:
    resources = template()["Resources"]
    always = [one for name, one in alarms().items() if "Condition" not in resources[name]]
    assert set(ALARMS) == {(one["Namespace"], one["MetricName"]) for one in always}


def test_the_doctor_knows_the_thresholds_that_no_parameter_sets() -> None:
    above = [one for one in alarms().values() if one["ComparisonOperator"] == "GreaterThanThreshold"]
    constant = {(one["Namespace"], one["MetricName"]): one["Threshold"] for one in above if isinstance(one["Threshold"], int)}
    assert {metric: constant[metric] for metric in constant if metric in {*ALARMS, *QUEUED_ALARMS}} == THRESHOLDS


def test_the_alarms_of_two_stacks_do_not_hear_each_other() -> None:
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        dimensions = alarm["Dimensions"]
        direct = dimensions["If"][2] if isinstance(dimensions, dict) else dimensions
        assert len(direct) == 1, name
    body = of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Sub"][0]
    assert all("${Function}" in one for one in re.findall(r'\["Trailbell", [^]]+\]', body))


def test_the_dashboard_is_json_and_terraforms_has_the_same_widgets() -> None:
    body = of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Sub"][0]
    widgets = json.loads(re.sub(r"\$\{[A-Za-z:.]+\}", "x", body))["widgets"]
    titles = [one["properties"]["title"] for one in widgets]
    assert titles == re.findall(r'\btitle = "([^"]+)"', TERRAFORM)
    metrics = {one[1] for widget in widgets for one in widget["properties"]["metrics"] if len(one) > 1}
    assert all(f'"{name}"' in TERRAFORM for name in metrics)


def queries() -> dict[str, str]:
    return {one["Name"]["Sub"].partition("/")[2]: one["QueryString"] for one in of_type("AWS::Logs::QueryDefinition").values()}


def test_terraform_has_the_same_saved_queries() -> None:
    found = re.findall(r'"([^"]+)" += <<-QUERY\n(.*?)^ *QUERY$', TERRAFORM, re.MULTILINE | re.DOTALL)
    assert {name: textwrap.dedent(text) for name, text in found} == queries()


def test_the_saved_queries_ask_for_what_stands_in_the_records() -> None:
    known = {"invocation"}
    for path in ("audit", "decision"):
        known |= set(re.findall(r'"([a-z_]+)": \{', (ROOT / f"schemas/v1/{path}.schema.json").read_text("utf-8")))
    for text in queries().values():
        words = re.sub(r'"[^"]*"|@\w+|\bas \w+|sort \w+|\w+\(\*?', " ", text)
        asked = {part for word in re.findall(r"[a-z_][a-z_.0-9]*", words) for part in word.split(".") if not part.isdigit()}
        assert asked - {"filter", "fields", "stats", "by", "and", "or", "not", "like", "asc", "desc", "sort"} <= known, text


def test_what_aws_checks_against_the_role_waits_for_its_permission() -> None:
    resources = template()["Resources"]
    assert resources["FromQueue"]["DependsOn"] == "MayReadQueue"
    assert resources["OnFailure"]["DependsOn"] == ["MaySendDeadLetters", "Live"]
    assert len(re.findall(r"depends_on += \[aws_iam_role_policy\.may\]", TERRAFORM)) == 2


def test_every_part_that_terraform_names_is_one_that_it_has() -> None:
    made = set(re.findall(r'^(?:resource|data) "(\w+)" "(\w+)"', TERRAFORM, re.MULTILINE))
    named = set(re.findall(r"\b(aws_\w+)\.(\w+)\b", TERRAFORM))
    variables = set(re.findall(r'^variable "(\w+)"', TERRAFORM, re.MULTILINE))
    assert named <= made
    assert set(re.findall(r"\bvar\.(\w+)", TERRAFORM)) == variables


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def test_every_parameter_is_one_of_terraforms_variables() -> None:
    variables = set(re.findall(r'^variable "(\w+)"', TERRAFORM, re.MULTILINE))
    parameters = {snake(name) for name in template()["Parameters"]}
    otherwise = {"code_bucket", "code_key", "code_version", "role_name"}
    """A path and a name stand for these."""
    assert parameters - otherwise == variables - {"package", "name"}


def variables() -> dict[str, str]:
    """What is written of each of Terraform's variables."""
    text = (ROOT / "deploy/terraform/variables.tf").read_text("utf-8")
    return {block.partition('"')[0]: block for block in re.split(r'^variable "', text, flags=re.MULTILINE)[1:]}


LIMITED = sorted(
    name
    for name, one in template()["Parameters"].items()
    if {"MinValue", "AllowedPattern", "AllowedValues"} & set(one) and name != "RoleName"
)


@pytest.mark.parametrize("name", LIMITED)
def test_terraform_takes_the_same_values(name: str) -> None:
    parameter, variable = template()["Parameters"][name], variables()[snake(name)]
    if set(parameter.get("AllowedValues", ())) == {"no", "yes"}:
        assert re.search(r"type += bool", variable)
        return
    conditions = re.findall(r"condition += (.+)", variable)
    asked = f"var.{snake(name)}"
    if "MinValue" in parameter:
        assert conditions == [f"{asked} >= {parameter['MinValue']} && {asked} <= {parameter['MaxValue']}"]
    elif "AllowedPattern" in parameter:
        assert conditions == [f'can(regex("{parameter["AllowedPattern"]}", {asked}))']
    else:
        assert conditions == [f"contains({json.dumps(parameter['AllowedValues'])}, {asked})"]


def test_both_have_the_same_defaults() -> None:
    for name, parameter in template()["Parameters"].items():
        default = re.search(r"^  default += ([^[\n]+)$", variables().get(snake(name), ""), re.MULTILINE)
        if default and "Default" in parameter:
            told = {"true": "yes", "false": "no"}.get(default[1], default[1].strip('"'))
            assert told == str(parameter["Default"]), name


def test_terraform_refuses_what_the_templates_rules_refuse() -> None:
    policies = {"FollowedPoliciesAreSigned", "SignedPoliciesAreSomewhere"}
    assert set(template()["Rules"]) == {*policies, "SomethingIsWatched", "LogFilesComeOverTheQueue", "TopicOfABucket"}
    assert "length(var.bucket_names) > 0 || ((local.organized || local.log_files) && !var.create_trail)" in TERRAFORM
    assert "!local.log_files || (local.queued && var.delivery_table && !local.organized)" in TERRAFORM
    assert 'var.log_files_topic_arn == "" || local.log_files' in TERRAFORM
    assert '(var.policies_bucket == "") == (var.policies_signing_key_arn == "")' in TERRAFORM


def test_the_trails_bucket_is_as_closed_in_both() -> None:
    bucket = template()["Resources"]["TrailBucket"]["Properties"]
    kinds = {"public_access_block", "versioning", "server_side_encryption_configuration", "ownership_controls"}
    assert set(re.findall(r'^resource "aws_s3_bucket_(\w+)" "trail"', TERRAFORM, re.MULTILINE)) == {*kinds, "policy"}
    assert len(bucket) == len(kinds)


def test_the_archive_is_locked_for_as_long_as_it_is_kept_and_as_closed_in_both() -> None:
    bucket = template()["Resources"]["Archive"]["Properties"]
    lock = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (bucket["ObjectLockEnabled"], bucket["VersioningConfiguration"]) == (True, {"Status": "Enabled"})
    assert lock == {"Mode": {"Ref": "ArchiveMode"}, "Days": {"Ref": "ArchiveDays"}}
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == lock["Days"]
    kinds = {"public_access_block", "versioning", "server_side_encryption_configuration", "ownership_controls"}
    assert set(re.findall(r'^resource "aws_s3_bucket_(\w+)" "archive"', TERRAFORM, re.MULTILINE)) == {
        *kinds,
        *("policy", "object_lock_configuration", "lifecycle_configuration"),
    }


def test_only_the_stream_writes_into_the_archive_and_takes_each_audit_record() -> None:
    resources = template()["Resources"]
    _, writes = resources["ArchivePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (writes["Effect"], writes["Action"], writes["Principal"]) == ("Deny", "s3:PutObject", "*")
    assert writes["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": {"GetAtt": "ArchiveWriter.Arn"}}}
    pattern = resources["ArchiveSubscription"]["Properties"]["FilterPattern"]
    kinds = json.loads((ROOT / "schemas/v1/audit.schema.json").read_text("utf-8"))["properties"]["type"]["enum"]
    assert set(re.findall(r'\$\.type = "(\w+)"', pattern)) == set(kinds)
    assert json.dumps(pattern) in TERRAFORM
    processors = resources["ArchiveStream"]["Properties"]["ExtendedS3DestinationConfiguration"]["ProcessingConfiguration"]
    types = [one["Type"] for one in processors["Processors"]]
    assert types == re.findall(r'^        type = "(\w+)"', TERRAFORM, re.MULTILINE)


def test_what_is_kept_for_an_incident_outlives_the_stack() -> None:
    for name in ("Logs", "DeadLetters", "Deliveries", "Archive"):
        assert template()["Resources"][name]["DeletionPolicy"] == "Retain"
    kept_by = {
        "aws_cloudwatch_log_group": "skip_destroy      = true",
        "aws_sqs_queue": "prevent_destroy = true",
        "aws_dynamodb_table": "prevent_destroy = true",
    }
    for kind, kept in kept_by.items():
        blocks = re.findall(rf'^resource "{kind}" "\w+" \{{$(.*?)^\}}$', TERRAFORM, re.MULTILINE | re.DOTALL)
        assert any(kept in block for block in blocks), kind


def test_the_table_is_protected_as_the_only_copy_of_what_is_owed() -> None:
    table = template()["Resources"]["Deliveries"]["Properties"]
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    (block,) = re.findall(r'^resource "aws_dynamodb_table" "deliveries" \{$(.*?)^\}$', TERRAFORM, re.MULTILINE | re.DOTALL)
    assert re.search(r"deletion_protection_enabled += true", block)
    assert re.search(r"point_in_time_recovery \{\s+enabled = true", block)


def test_what_is_owed_is_found_by_an_index_of_the_same_attributes_in_both() -> None:
    (index,) = template()["Resources"]["Deliveries"]["Properties"]["GlobalSecondaryIndexes"]
    keys = {part["KeyType"]: part["AttributeName"] for part in index["KeySchema"]}
    assert (index["IndexName"], keys, index["Projection"]) == (
        "owed",
        {"HASH": "owed", "RANGE": "due"},
        {"ProjectionType": "KEYS_ONLY"},
    )
    (block,) = re.findall(r"global_secondary_index \{(.*?)\}", TERRAFORM, re.DOTALL)
    assert dict(re.findall(r'(\w+) += "(\w+)"', block)) == {
        "name": "owed",
        "hash_key": "owed",
        "range_key": "due",
        "projection_type": "KEYS_ONLY",
    }


def test_events_go_to_an_alias_that_nothing_here_moves() -> None:
    resources = chosen(template()["Resources"], "Direct")
    never_changes = {"FunctionName": {"Ref": "Function"}, "Name": "live", "FunctionVersion": "$LATEST"}
    assert resources["Live"]["Properties"] == never_changes
    for name, one in resources.items():
        parts = one.get("Properties", {})
        if one["Type"] in {"AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping"}:
            assert parts["FunctionName"] == {"Ref": "Live"}, name
        if one["Type"] == "AWS::Events::Rule":
            assert [target["Arn"] for target in parts["Targets"]] == [{"Ref": "Live"}], name
    assert resources["OnFailure"]["Properties"]["Qualifier"] == "live"
    assert TERRAFORM.count("aws_lambda_alias.live.arn") == 5
    started = re.findall(r'^resource "aws_lambda_(permission|function_event)', TERRAFORM, re.MULTILINE)
    assert TERRAFORM.count("qualifier ") == len(started)
    assert "aws_lambda_function.this.arn" not in TERRAFORM


def test_terraform_takes_back_neither_code_nor_version_that_somebody_deployed() -> None:
    for kind, left in (("function", "[filename, source_code_hash]"), ("alias", "[function_version, description]")):
        (block,) = re.findall(rf'^resource "aws_lambda_{kind}" "\w+" \{{$(.*?)^\}}$', TERRAFORM, re.MULTILINE | re.DOTALL)
        assert f"ignore_changes = {left}" in block


def test_each_minute_what_is_owed_is_sent() -> None:
    rule = of_type("AWS::Events::Rule")["EveryMinute"]
    (target,) = rule["Targets"]
    assert (rule["ScheduleExpression"], json.loads(target["Input"])) == ("rate(1 minute)", {"trailbell": "drain"})
    assert 'schedule_expression = "rate(1 minute)"' in TERRAFORM
    assert 'jsonencode({ trailbell = "drain" })' in TERRAFORM


def test_each_five_minutes_the_probe_reads_one_object_under_a_role_that_may_do_nothing_else() -> None:
    resources = template()["Resources"]
    (target,) = resources["EveryFiveMinutes"]["Properties"]["Targets"]
    assert resources["EveryFiveMinutes"]["Properties"]["ScheduleExpression"] == "rate(5 minutes)"
    assert json.loads(target["Input"]) == {"trailbell": "probe"}
    role = resources["ProbeRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": {"GetAtt": "Role.Arn"}}
    (may,) = [one for _, one in statements(resources["ProbeRole"])]
    assert may["Resource"] == {"Sub": "arn:${AWS::Partition}:s3:::${ProbeBucket}/${ProbeKey}"}
    told = resources["Function"]["Properties"]["Environment"]["Variables"]["TRAILBELL_PROBE_ROLE"]["If"][1]["Sub"]
    assert told.endswith(f"role/{role['RoleName']['Sub']}")
    for text in ('jsonencode({ trailbell = "probe" })', 'schedule_expression = "rate(5 minutes)"', "aws_iam_role.probe[0].arn"):
        assert text in TERRAFORM


def test_there_is_no_probe_unless_it_is_asked_for() -> None:
    assert template()["Parameters"]["ProbeBucket"]["Default"] == ""
    named = {name: one for name, one in template()["Resources"].items() if "Prob" in name or "FiveMinutes" in name}
    assert len(named) == 5
    assert {one["Condition"] for one in named.values()} == {"Probes"}
    parts = re.findall(r'^resource "\w+" "probe" \{\n  count += (.+)$', TERRAFORM, re.MULTILINE)
    assert parts == ["local.probes ? 1 : 0"] * 5


def test_one_number_says_how_late_a_probe_may_be_and_how_long_one_waits_for_it() -> None:
    alarm = template()["Resources"]["ProbeAlarm"]["Properties"]
    minutes = {"Ref": "ProbeMinutes"}
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Period"]) == (*[minutes] * 3, 60)
    assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("Minimum", "breaching")
    longest = template()["Parameters"]["ProbeMinutes"]["MaxValue"]
    assert longest * alarm["Period"] <= 86_400, "CloudWatch looks back a day at most"


@pytest.mark.parametrize("parameter", ["Default", "MinValue"])
def test_receives_reach_further_than_an_outage_of_half_an_hour(parameter: str) -> None:
    wanted = {name: template()["Parameters"][name][parameter] for name in ("MaxReceiveCount", "VisibilityTimeout")}
    assert (wanted["MaxReceiveCount"] - 1) * wanted["VisibilityTimeout"] >= 30 * 60


@pytest.mark.parametrize("path", [TEMPLATE, PUBLISHING], ids=lambda path: path.name)
def test_the_template_is_sound(path: Path) -> None:
    assert linted(path) == (0, "")
