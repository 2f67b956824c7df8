"""What `trailbell decide` says of records of which it reads a few fields is what is decided about all of them."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import NOW, SHIPPED, actor, policy, policy_set, record, route, silence
from hypothesis import given
from hypothesis import strategies as st
from mutated import ODD
from strategies import places, replaced

from engine.bulk.batches import file_results
from engine.bulk.deciding import BatchDecider
from engine.model import Event, Window
from engine.pipeline.audit import decision_json, line
from engine.pipeline.decide import decide
from engine.pipeline.decode import decode_stream
from engine.pipeline.select import passed_over
from engine.policy.load import load

if TYPE_CHECKING:
    from engine.model import PolicySet

ROOT = Path(__file__).parent.parent
RECORDS = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests/events").glob("*.json"))]
SETS = [load(SHIPPED), load(ROOT / "examples/tour/policies")]


def check(event: object, policies: PolicySet, deciding: BatchDecider) -> None:
    """What the command says of a record is what is decided about all of it."""
    stream = [json.dumps({"Records": [event]}).encode() for _ in range(2)]
    found = [one for one in decode_stream(io.BytesIO(stream[0]), "f") if isinstance(one, Event)]
    selected = [one for one in found if passed_over(one, policies.selection) is None]
    expected = "".join(line(decision_json(decide(one, policies, NOW))) + "\n" for one in selected)
    results = file_results(io.BytesIO(stream[1]), "f", deciding.typed, deciding.decide)
    assert b"".join(result.output for result in results).decode() == expected


@pytest.mark.parametrize("policies", SETS, ids=["shipped", "tour"])
@given(st.data())
def test_what_is_read_of_a_record_decides_as_all_of_it_does(policies: PolicySet, data: st.DataObject) -> None:
    event = data.draw(st.sampled_from(RECORDS))
    for _ in range(data.draw(st.integers(0, 3))):
        event = replaced(event, data.draw(st.sampled_from(places(event))), data.draw(st.sampled_from(ODD)))
    check(event, policies, BatchDecider(policies, NOW))


FACTS = {
    *("bucket", "key", "copy.bucket", "copy.key", "copy", "actor.class", "actor.kind", "actor.evidence", "actor.type", "actor"),
    *(
        "actor.name",
        "actor.role",
        "actor.session",
        "actor.account",
        "actor.cross_account",
        "actor.service",
        "source.ip",
        "source",
    ),
    *("source.kind", "source.private", "access.denied", "access.kind", "access"),
}
EXPRESSIONS = [
    *(f"{fact} == 'x' || {fact} == `true` || contains(to_string({fact}), 'a')" for fact in sorted(FACTS)),
    *("keys(actor)[0] == 'class'", "responseElements.a.b == 'x'", "resources[?type == 'AWS::S3::Object'].ARN | [0] != `null`"),
    *("userIdentity == requestParameters", "length(@) > `3`", "requestParameters.\"[]\".a == 'x'", "tlsDetails.*.a[0] == 'x'"),
    *("resources[0].ARN != `null`", "resources[].ARN | length(@) > `1`", "resources.ARN == `null`", "length(userIdentity) > `4`"),
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_whatever_a_matcher_reads_is_read(expression: str) -> None:
    days = Window(frozenset(range(7)), 60, 700, UTC)
    sets = [
        policy_set(policy("p", route("r", expression))),
        policy_set(policy("p", route("r", expression), accounts=frozenset({"111122223333"}))),
        policy_set(policy("p", route("r", expression, during=(days,)), buckets=("payments-*",))),
        policy_set(policy("p", route("r"), silences=(silence("s", expression, datetime(2026, 11, 1, 9, 40, tzinfo=UTC)),))),
        policy_set(policy("p"), actors=(actor("human", expression),)),
    ]
    for policies in sets:
        deciding = BatchDecider(policies, NOW)
        for event in (record(), *RECORDS):
            check(event, policies, deciding)
