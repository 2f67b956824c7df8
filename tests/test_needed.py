"""Decisions need no other fields than those that are said to be needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, actor, policy, policy_set, record, route, silence
from hypothesis import given
from hypothesis import strategies as st
from mutated import ODD
from test_decode_properties import places, replaced

from engine.model import Event, Window
from engine.pipeline.decide import decide, needed
from engine.pipeline.decide.reads import ALWAYS, FIELDS
from engine.pipeline.facts import facts
from engine.policy.given import EACH, GIVEN
from engine.policy.load import load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model import Decision, PolicySet

ROOT = Path(__file__).parent.parent
RECORDS = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests/events").glob("*.json"))]
SETS = [load(ROOT / "policies"), load(ROOT / "examples/tour/policies")]


def only(value: Any, paths: Iterable[tuple[str, ...]]) -> Any:
    """What is left of a value where nothing but some paths is read."""
    inner = [path for path in paths if path]
    if len(inner) < len(list(paths)) or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [only(one, [path[1:] for path in inner if path[0] == EACH]) for one in value]
    return {
        name: only(one, [path[1:] for path in inner if path[0] == name])
        for name, one in value.items()
        if name in {p[0] for p in inner}
    }


def shown(decision: Decision) -> Decision:
    """A decision without its facts, which may know less."""
    return decision._replace(facts=facts(Event({}, "")))


def check(event: dict[str, Any], policies: PolicySet) -> None:
    left = only(event, list(needed(policies) or [()]))
    assert shown(decide(Event(left, ""), policies, NOW)) == shown(decide(Event(event, ""), policies, NOW))


@pytest.mark.parametrize("policies", SETS, ids=["shipped", "tour"])
@given(st.data())
def test_decisions_need_no_more_than_the_needed_fields(policies: PolicySet, data: st.DataObject) -> None:
    event = data.draw(st.sampled_from(RECORDS))
    for _ in range(data.draw(st.integers(0, 3))):
        event = replaced(event, data.draw(st.sampled_from(places(event))), data.draw(st.sampled_from(ODD)))
    if isinstance(event, dict):
        check(event, policies)


EXPRESSIONS = [
    *(f"{path[0]} == 'x' || {'.'.join(path)} != 'y'" for path in FIELDS),
    *("keys(actor)[0] == 'class'", "responseElements.a.b == 'x'", "resources[?type == 'AWS::S3::Object'].ARN | [0] != null"),
    *("userIdentity == requestParameters", "length(@) > `3`", "requestParameters.\"[]\".a == 'x'", "tlsDetails.*.a[0] == 'x'"),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_whatever_a_matcher_reads_is_needed(expression: str) -> None:
    days = Window(frozenset(range(7)), 60, 700, NOW.tzinfo) if NOW.tzinfo else None
    sets = [
        policy_set(policy("p", route("r", expression))),
        policy_set(policy("p", route("r", expression), accounts=frozenset({"111122223333"}))),
        policy_set(policy("p", route("r", expression, during=days), buckets=("payments-*",))),
        policy_set(policy("p", route("r"), silences=(silence("s", expression, NOW),))),
        policy_set(policy("p"), actors=(actor("human", expression),)),
    ]
    for event in (record(), *RECORDS):
        for policies in sets:
            check(event, policies)


def test_a_matcher_that_looks_at_the_whole_document_needs_all_of_it() -> None:
    assert needed(policy_set(policy("p", route("r", "length(@) > `3`")))) is None


def test_a_set_without_matchers_needs_little() -> None:
    assert needed(policy_set(policy("p", route("r")))) == ALWAYS


def test_every_fact_is_known() -> None:
    assert set(FIELDS) == set(GIVEN.places)
