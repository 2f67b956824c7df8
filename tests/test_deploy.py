"""The templates: sound, least-privileged, and of the same parts in both languages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "deploy/template.yaml"
TERRAFORM = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "deploy/terraform").glob("*.tf")))

MAY = {
    "logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
    "queue": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "dead-letters": {"sqs:SendMessage"},
    "secrets": {"secretsmanager:GetSecretValue"},
    "parameters": {"ssm:GetParameter"},
    "deliveries": {"dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem", "dynamodb:GetItem"},
    "policies": {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "kms:Verify"},
    "key": {"kms:Decrypt", "kms:GenerateDataKey"},
}
"""Everything that the function may do."""


class Loader(yaml.SafeLoader):
    """CloudFormation's short forms as `{Name: value}`."""


def short_form(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", short_form)


def template() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(TEMPLATE.read_text("utf-8"), Loader)  # noqa: S506  a SafeLoader with CloudFormation's tags
    return loaded


def statements(resource: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each statement of a role's policies, with the policy's name."""
    parts = resource["Properties"]
    inline = parts.get("Policies", [parts] if resource["Type"] == "AWS::IAM::RolePolicy" else [])
    for policy in inline:
        yield from ((policy["PolicyName"], one) for one in policy["PolicyDocument"]["Statement"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted() -> list[tuple[str, dict[str, Any]]]:
    return [one for resource in template()["Resources"].values() for one in statements(resource) if "IAM" in resource["Type"]]


def test_the_function_may_do_this_and_nothing_else() -> None:
    actions: dict[str, set[str]] = {}
    for name, statement in granted():
        assert statement["Effect"] == "Allow"
        actions.setdefault(name, set()).update(listed(statement["Action"]))
    assert actions == MAY


def test_no_permission_is_for_everything() -> None:
    for name, statement in granted():
        for resource in listed(statement["Resource"]):
            assert resource != "*", name
        assert not any("*" in action for action in listed(statement["Action"])), name


def test_nobody_is_allowed_in_without_a_condition() -> None:
    for resource in template()["Resources"].values():
        document = resource.get("Properties", {}).get("PolicyDocument", {})
        for statement in document.get("Statement", []):
            if statement["Effect"] == "Allow" and "Principal" in statement:
                assert statement["Principal"] != "*"
                assert "Condition" in statement


def test_terraform_grants_the_same_actions() -> None:
    found = set(re.findall(r'"((?:logs|sqs|secretsmanager|ssm|dynamodb|kms|s3):[A-Za-z]+)"', TERRAFORM))
    assert found == set().union(*MAY.values())


def test_both_give_the_function_the_same_variables() -> None:
    variables = set(template()["Resources"]["Function"]["Properties"]["Environment"]["Variables"])
    assert variables == set(re.findall(r"\b((?:TRAILBELL|SLACK)_[A-Z_]+) = ", TERRAFORM))
    read = (ROOT / "lambda_entry.py").read_text("utf-8") + (ROOT / "engine/edge/secrets.py").read_text("utf-8")
    for name in variables - {"SLACK_WEBHOOK_URL"}:
        assert name in read


def test_every_alarm_of_ours_watches_a_metric_that_is_emitted() -> None:
    metrics = (ROOT / "engine/pipeline/metrics.py").read_text("utf-8")
    ends = {"Unreadable", "PassedOver", "Duplicate", "Failed", "Delivered", "Silenced", "Muted"}
    for resource in template()["Resources"].values():
        parts = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudWatch::Alarm" and parts["Namespace"] == "Trailbell":
            assert parts["MetricName"] in ends or f'"{parts["MetricName"]}"' in metrics


def test_what_is_kept_for_an_incident_outlives_the_stack() -> None:
    for name in ("Logs", "DeadLetters"):
        assert template()["Resources"][name]["DeletionPolicy"] == "Retain"


def test_the_template_is_sound() -> None:
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("cfn-lint is not installed: make dev installs it")
    done = subprocess.run([linter, str(TEMPLATE)], capture_output=True, text=True, check=False)  # noqa: S603  our own tool
    assert done.stdout == ""
    assert done.returncode == 0
