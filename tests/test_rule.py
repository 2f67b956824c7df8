"""What the rule lets through, in both languages: each fixture is matched as EventBridge matches it."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from builders import SHIPPED_BASE, record
from event_patterns import matches
from repository import ROOT
from templates import template

from engine.pipeline.select import S3_SOURCES

if TYPE_CHECKING:
    from pathlib import Path

OWN = "arn:aws:iam::111122223333:role/trailbell"
ELSEWHERE = "network-activity.json"
"""Of an endpoint's owner: EventBridge gives it another detail-type."""
FIXTURES = [
    path
    for folder in ("tests/events", "examples/tour/events")
    for path in sorted((ROOT / folder).glob("*.json"))
    if path.name != ELSEWHERE
]
BUCKETS = [
    *(
        "payments-prod",
        "ledger",
        "web-assets",
        "analytics-lake",
        "partner-exchange",
        "example-scratch",
        "example-web",
        "example-trail",
    ),
    *("reports--apne1-az4--x-s3", "example-outpost", "redacted", "example-tables"),
    *("example-reports", "example-terraform-state", "example-artifacts", "example-downloads", "example-lake", "example-backups"),
]
"""Every bucket of the fixtures, but the one that somebody copies to."""
SELECTED = yaml.safe_load((SHIPPED_BASE / "events.yaml").read_text("utf-8"))["events"]["names"]
QUOTA = 2048
"""Characters of a pattern. Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html (adjustable)."""


def default_names() -> list[str]:
    names: str = template()["Parameters"]["EventNames"]["Default"]
    return names.split(",")


def of_the_template(buckets: list[str]) -> str:
    """The pattern that CloudFormation makes of the parameters."""
    text, parts = template()["Resources"]["Rule"]["Properties"]["EventPattern"]["If"][2]["Sub"]
    values = {"BucketNames": buckets, "EventNames": default_names()}
    joined = {name: one["Join"][0].join(values[one["Join"][1]["Ref"]]) for name, one in parts.items()}
    made: str = re.sub(r"\$\{([\w.]+)\}", lambda found: {**joined, "Role.Arn": OWN}[found[1]], text)
    return made


def of_terraform(buckets: list[str]) -> dict[str, Any]:
    """The pattern that Terraform makes of the variables: its expression has few forms, and each has its like in Python."""
    main = (ROOT / "deploy/terraform/main.tf").read_text("utf-8")
    body = main.partition("}) : jsonencode(")[2].partition("\n  })\n")[0] + "\n}"
    body = re.sub(r"^ *#.*$", "", body, flags=re.MULTILINE).replace("${data.aws_partition.this.partition}", "aws")
    body = re.sub(r'("[^"]*)\$(\{name\}[^"]*")', r"f\1\2", body)
    body = re.sub(r"\[for name in var\.bucket_names : ([^][]+?)\](?=[ ,])", r"[\1 for name in buckets]", body)
    body = re.sub(r'(?<![\w"])"?([$\w-]+)"? += ', r'"\1": ', body)
    body = re.sub(r"(?<=[\]}\w])\n", ",\n", body)
    variables = (ROOT / "deploy/terraform/variables.tf").read_text("utf-8").partition('variable "event_names"')[2]
    names = re.findall(r'"(\w+)"', variables.partition("default = [")[2].partition("]")[0])
    for name, value in (("var.bucket_names", "buckets"), ("var.event_names", "names"), ("aws_iam_role.this.arn", "own")):
        body = body.replace(name, value)
    known = {"buckets": buckets, "names": names, "own": OWN, "false": False, "concat": lambda *lists: [*chain(*lists)]}
    made: dict[str, Any] = eval(body.rstrip(",\n "), known)  # noqa: S307  our own file
    return made


def test_both_languages_make_the_same_pattern() -> None:
    for buckets in (["payments-prod"], BUCKETS):
        assert in_order(json.loads(of_the_template(buckets))) == in_order(of_terraform(buckets))


def in_order(node: Any) -> Any:
    """The node with its lists sorted: their order means nothing."""
    if isinstance(node, list):
        return sorted((in_order(one) for one in node), key=json.dumps)
    return {name: in_order(one) for name, one in sorted(node.items())} if isinstance(node, dict) else node


def lets_through(detail: dict[str, Any], buckets: list[str]) -> bool:
    source = f"aws.{detail['eventSource'].removesuffix('.amazonaws.com')}"
    event = {"source": source, "detail-type": "AWS API Call via CloudTrail", "detail": detail}
    return matches(json.loads(of_the_template(buckets)), [event])


def detail_of(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded.get("detail", loaded)


NO_DATA_EVENTS = {"bucket-policy-change.json", "head-object.json", "13-head-object-is-passed-over.json"}
"""What the policies pass over, and the rule stops."""


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_what_the_policies_select_is_let_through(path: Path) -> None:
    assert lets_through(detail_of(path), BUCKETS) == (path.name not in NO_DATA_EVENTS)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_nothing_of_other_buckets_is_but_for_copies_whose_source_is_encoded(path: Path) -> None:
    detail = detail_of(path)
    encoded = "%" in str((detail["requestParameters"] or {}).get("x-amz-copy-source"))
    assert lets_through(detail, ["example", "reports", "scratch", "payments", "ledge", "prod"]) == encoded


def test_the_rule_takes_from_the_bus_what_is_selected_as_an_event_of_s3() -> None:
    sources = json.loads(of_the_template(BUCKETS))["source"]
    assert {f"{source.removeprefix('aws.')}.amazonaws.com" for source in sources} == set(S3_SOURCES)


POINT = "arn:aws:s3:eu-west-1:111122223333:accesspoint/of-the-ledger/object/a"


@pytest.mark.parametrize(
    "source",
    [
        *("ledger/a/b", "/ledger/a/b", "ledger/a?versionId=1"),
        *("ledger%2Fa", "/ledger%2fa", "%6Cedger/a", "%2Fledger/a", POINT, POINT.replace(":", "%3A")),
    ],
)
def test_a_copy_out_is_let_through_however_its_source_is_written(source: str) -> None:
    copy = record(
        eventName="CopyObject",
        requestParameters={"bucketName": "attacker", "key": "k", "x-amz-copy-source": source},
        resources=[{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::attacker/k"}],
    )
    assert lets_through(copy, ["payments-prod", "ledger"])
    assert lets_through(copy, ["payments-prod", "ledge", "attack"]) == ("%" in source or "arn:" in source)


def test_what_trailbell_itself_does_is_left_out() -> None:
    mine = record(userIdentity={"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": OWN}}})
    nobodys = record(userIdentity={"type": "AWSAccount"})
    assert not lets_through(mine, ["payments-prod"])
    assert lets_through(nobodys, ["payments-prod"])


def test_the_rule_lets_through_exactly_the_names_that_the_policies_select() -> None:
    assert default_names() == SELECTED
    assert of_terraform(BUCKETS)["detail"]["eventName"] == SELECTED


def test_a_pattern_has_room_for_five_buckets() -> None:
    made = of_the_template([f"payments-prod-bucket-{number}" for number in range(5)])
    assert len(made) <= QUOTA


def test_a_record_that_names_an_object_and_not_its_bucket_is_let_through() -> None:
    resources = [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::payments-prod/a.csv"}]
    event = {
        "source": "aws.s3",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": record(requestParameters=None, resources=resources),
    }
    for buckets, through in ((["payments-prod"], True), (["payments"], False), (["prod"], False)):
        assert matches(json.loads(of_the_template(buckets)), [event]) is through
        assert matches(of_terraform(buckets), [event]) is through


def test_on_the_bus_of_an_organization_everything_is_taken_but_what_trailbell_itself_does() -> None:
    condition, pattern, _ = template()["Resources"]["Rule"]["Properties"]["EventPattern"]["If"]
    assert condition == "HasOrganization"
    own = json.dumps(pattern).replace('{"GetAtt": "Role.Arn"}', json.dumps(OWN))
    main = (ROOT / "deploy/terraform/main.tf").read_text("utf-8")
    body = main.partition("event_pattern = local.organized ? jsonencode(")[2].partition("}) : jsonencode(")[0]
    assert re.findall(r'"aws\.[\w-]+"', body) == [json.dumps(source) for source in pattern["source"]]
    assert "anything-but = aws_iam_role.this.arn" in body
    for path in FIXTURES:
        detail = detail_of(path)
        event = {
            "source": f"aws.{detail['eventSource'].removesuffix('.amazonaws.com')}",
            "detail-type": "AWS API Call via CloudTrail",
        }
        assert matches(json.loads(own), [{**event, "detail": detail}]) == (detail["eventSource"] in S3_SOURCES), path
    mine = record(userIdentity={"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": OWN}}})
    assert not matches(json.loads(own), [{"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": mine}])


def test_only_accounts_of_the_organization_may_send_to_its_bus() -> None:
    policy = template()["Resources"]["BusPolicy"]["Properties"]["Statement"]
    assert policy["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}}
    main = (ROOT / "deploy/terraform/main.tf").read_text("utf-8")
    assert re.search(r'variable = "aws:PrincipalOrgID"\n +values += \[var\.organization_id\]', main)
