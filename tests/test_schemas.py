"""The schemas: sound, described throughout, and true of what the engine reads and writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, STANDARD, event, policy, policy_set, route
from jsonschema import Draft202012Validator

from engine.model import FIELD_OPERATORS, AuditRule, DecodeError, Delivery, Event, Message, Outcome
from engine.pipeline.audit import decision_json, decision_record, delivery_record, line, undecided_record
from engine.pipeline.decide import decide
from engine.pipeline.mask import mask
from engine.policy.load import read

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
SCHEMAS = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text("utf-8")) for path in (ROOT / "schemas/v1").glob("*.json")
}


def properties(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every property of a schema, however deep, with its path."""
    if isinstance(part, dict):
        for name, value in part.get("properties", {}).items():
            yield f"{path}.{name}", value
        for name, value in part.items():
            yield from properties(value, f"{path}.{name}")
    elif isinstance(part, list):
        for number, value in enumerate(part):
            yield from properties(value, f"{path}.{number}")


def errors(name: str, value: object) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMAS[name]).iter_errors(value)]


def test_there_are_schemas_of_what_is_read_and_what_is_written() -> None:
    assert set(SCHEMAS) == {"policy", "policy-test", "decision", "audit"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_sound(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_property_is_described(name: str) -> None:
    found = [(path, part) for path, part in properties(SCHEMAS[name]) if ".if" not in path and ".then" not in path]
    assert len(found) > 3
    assert [path for path, part in found if isinstance(part, dict) and not part.get("description") and "$ref" not in part] == []


@pytest.mark.parametrize("folder", ["engine/base", "tests/base/policies", "examples/tour/policies"])
def test_shipped_policies_are_of_their_schema_and_name_it(folder: str) -> None:
    for source in read(ROOT / folder):
        assert source.root is not None
        assert errors("policy", source.root.value) == []
        assert source.text.startswith("# yaml-language-server: $schema=")


@pytest.mark.parametrize("folder", ["tests/base/tests", "examples/tour/tests"])
def test_shipped_policy_tests_are_of_their_schema(folder: str) -> None:
    for source in read(ROOT / folder):
        assert source.root is not None
        assert errors("policy-test", source.root.value) == []


def test_the_schema_takes_the_operators_that_suit_a_field() -> None:
    fields = SCHEMAS["policy"]["$defs"]["level"]["properties"]["fields"]["properties"]
    wanted = {field.value: {one.value for one in operators} for field, operators in FIELD_OPERATORS.items()}
    assert {name: set(part["enum"]) for name, part in fields.items()} == wanted


def records() -> dict[str, dict[str, Any]]:
    policies = policy_set(policy("p", route("r", "regex(userAgent, 'aws-cli')"), route("broken", "length(`1`) == `1`")))
    one = event()
    decision = decide(one, policies, NOW)
    masked = mask(one, decision, STANDARD, None)
    large = Event({**one.record, "x": ["y" * 999] * 999}, "x")
    delivery = Delivery(Message("watch", b"{}", (0,)), Outcome.DELIVERED, "ok", 1, 200)
    return {
        "decision": decision_record(one, decision, None, policies, NOW),
        "masked": decision_record(one, decision, masked, policies._replace(audit=AuditRule(STANDARD)), NOW),
        "probe": decision_record(one, decision, None, policies, NOW, probe=True),
        "again": decision_record(one, decision, None, policies, NOW, 2),
        "cut": json.loads(line(decision_record(large, decision, None, policies, NOW))),
        "undecided": undecided_record(DecodeError("Records[0]", "not JSON", "m0"), "not JSON", NOW, 1),
        "delivery": delivery_record(delivery, "watch", ["event-1", None], policies.revision, NOW),
    }


@pytest.mark.parametrize("kind", ["decision", "masked", "probe", "again", "cut", "undecided", "delivery"])
def test_what_is_written_is_of_the_audit_schema(kind: str) -> None:
    one = json.loads(json.dumps(records()[kind]))
    assert errors("audit", one) == []
    assert errors("audit", {**one, "extra": 1})
    assert errors("audit", {name: value for name, value in one.items() if name != "written"})


def test_a_decision_is_of_its_schema() -> None:
    one = json.loads(json.dumps(decision_json(decide(event(), policy_set(policy("p", route("r", "length(`1`) == `1`"))), NOW))))
    assert errors("decision", one) == []
    assert one["failures"]
    assert errors("decision", {**one, "extra": 1})
