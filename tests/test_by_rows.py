"""What is decided about rows is what is decided about whole records: failures, scopes, hours and silences included."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, actor, event, policy, policy_set, route, silence
from hypothesis import given, settings
from hypothesis import strategies as st
from test_index import events, sets

from engine.cli.decide import Deciding
from engine.matching import check, choices, compile_predicate
from engine.matching.anchors import beyond
from engine.matching.generate import predicate_source
from engine.matching.link import link
from engine.model import Selection, Selects
from engine.pipeline.audit import decision_json, line
from engine.pipeline.decide import by_rows, decide_plainly, needed, program_of
from engine.pipeline.decide.by_rows import ByRows
from engine.pipeline.decode.batches import Batch, answers
from engine.pipeline.decode.typed import Typed, record_of
from engine.policy.rows import layout, read_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model import Event, PolicySet


def of_all(policies: PolicySet) -> PolicySet:
    """A set that looks at every event."""
    return policies._replace(selection=Selection(Selects.ALL))


def told(policies: PolicySet, some: Iterable[Event], copies: int = 1) -> tuple[list[str], bool]:
    """What the command says of a log file, so many times; and whether it was read by rows."""
    content = json.dumps({"Records": [one.record for one in some]}).encode()
    deciding = Deciding(policies, NOW)
    lines, by_row = [], []

    def answer(batch: Batch) -> bytes:
        by_row.append(bool(batch.rows))
        return deciding.answer(batch).output

    for _ in range(copies):
        for said in answers(io.BytesIO(content), "f", deciding.typed, answer):
            lines += said.decode().splitlines()
    return lines, all(by_row)


def meant(policies: PolicySet, some: Iterable[Event]) -> list[str]:
    return [line(decision_json(decide_plainly(one, policies, NOW))) for one in some]


@given(sets(), st.lists(events, min_size=1, max_size=4))
@settings(deadline=None)
def test_over_any_set_the_decision_is_the_same(policies: Any, some: list[Event]) -> None:
    assert told(of_all(policies), some, 2)[0] == meant(of_all(policies), some) * 2


BUCKETS = ["payments-prod", "a", "ab", "arn:aws:s3:eu-west-1:111122223333:accesspoint/ab", "x:y", "", None, 7, "team-12-x"]
SAMPLES = [
    event(
        eventID=f"{number}",
        requestParameters={"bucketName": bucket, "x-amz-copy-source": copied, "key": "2026/k"},
        resources=resources,
        userIdentity={"type": kind, "arn": arn, "principalId": "AROA:s", "sessionContext": {"sessionIssuer": {"type": "Role"}}},
        eventTime=time,
    )
    for number, (bucket, copied, resources, (kind, arn), time) in enumerate(
        (bucket, copied, resources, who, time)
        for bucket in BUCKETS
        for copied in (None, "/from/key")
        for resources in (None, [{"ARN": "arn:aws:s3:::other/k"}, {"ARNPrefix": "arn:aws:s3:::third/"}, None, 3])
        for who, time in (
            (("AssumedRole", "arn:aws:sts::111122223333:assumed-role/batch/0123"), "2026-11-01T09:30:00Z"),
            (("IAMUser", "arn:aws:iam::111122223333:user/ada"), None),
            ((None, None), "never"),
        )
    )
]

PLAIN = [one for one in SAMPLES if one.record["requestParameters"]["bucketName"] in ("payments-prod", "a", "ab", "x:y")]

MANY = tuple(route(f"e{number}", f"bucket == 'b{number}' && userIdentity.type == 'IAMUser'") for number in range(80))


@pytest.mark.parametrize(
    "policies",
    [
        policy_set(policy("p", *MANY, route("r", "bucket == 'a' && actor.role == 'batch'"), route("m", mute="a job"))),
        policy_set(policy("p", *MANY, route("r", "starts_with(bucket, 'x')")), policy("q", route("s", "copy.bucket == 'from'"))),
        policy_set(policy("p", *(route(f"r{n}", f"starts_with(bucket, '{'p' * n}')") for n in range(1, 60)))),
        policy_set(
            policy("p", *MANY, buckets=("other", "pay*")), policy("q", route("s", "source.kind != 'none'"), buckets=("a*",))
        ),
        policy_set(policy("p", *MANY, *(route(f"c{n}", f"contains(userAgent, 'tool-{n}')") for n in range(90)))),
        policy_set(policy("p", *MANY), actors=tuple(actor(f"c{n}", f"actor.session == '{n:04}'") for n in range(150))),
        policy_set(
            policy("p", *MANY), actors=(actor("c", "keys(actor)[0] == 'class' && actor.type == 'IAMUser'", never_mute=True),)
        ),
        policy_set(
            policy("p", route("r", "bucket == 'a'"), route("all"), silences=(silence("s", "key != `null`", NOW + timedelta(1)),)),
            policy("q", *MANY, silences=tuple(silence(f"s{n}", f"bucket == '{n}'", NOW + timedelta(1)) for n in range(70))),
        ),
        policy_set(policy("p", *(route(f"r{n}", f"key != '{n}'", continues=True) for n in range(3_000)))),
        policy_set(policy("p", route("r", "bucket == 'a' && length(actor.type) > `3`"), route("s", "length(bucket) > `2`"))),
    ],
    ids=[
        "equal",
        "prefix",
        "many prefixes",
        "scopes",
        "parts",
        "much evidence",
        "facts as a whole",
        "silences",
        "many that hold",
        "failures",
    ],
)
def test_what_decides_rows_is_written_for_every_sort_of_set(policies: PolicySet) -> None:
    lines, by_row = told(of_all(policies), PLAIN, 2)
    assert by_row
    assert lines == meant(of_all(policies), PLAIN) * 2
    lines, by_row = told(of_all(policies), SAMPLES, 2)
    assert by_row == any(one.buckets for one in policies.policies)  # else rows say too little without a plain bucket
    assert lines == meant(of_all(policies), SAMPLES) * 2


def test_what_is_kept_of_verdicts_is_bounded_and_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_rows, "MOST_KEPT", 3)
    policies = of_all(policy_set(policy("p", *(route(f"r{n}", f"bucket == 'b{n}'") for n in range(20)))))
    some = [event(requestParameters={"bucketName": f"b{number % 20}"}) for number in range(60)]
    typed = Typed(needed(policies))
    content = json.dumps({"Records": [one.record for one in some]}).encode()
    (rows,) = answers(io.BytesIO(content), "f", typed, lambda batch: batch.rows)
    made = ByRows(program_of(policies), typed.layout, record_of, lambda verdict: verdict.routes)
    assert made.decided(rows, NOW)[1] == [decide_plainly(one, policies, NOW).routes for one in some]
    assert sum(map(len, made._kept)) <= 3


@given(
    st.lists(
        st.sampled_from(["a == 'x'", "'x' == a", "b == 'y'", "b", "!c", "a != 'x'", "length(b) > `1`"]), min_size=1, max_size=4
    ),
    st.sampled_from([" && ", " || "]),
    st.fixed_dictionaries({"b": st.sampled_from(["y", "", None, True, [1, 2]]), "c": st.sampled_from([None, "z"])}),
)
def test_what_an_equality_leaves_open_is_what_the_whole_asks(parts: list[str], joint: str, document: dict[str, Any]) -> None:
    expression = joint.join(parts)
    (anchor,) = next(iter(choices([check("a == 'x'")])))
    left = link(predicate_source(beyond([check(expression)], anchor)))
    assert outcome(left, {"a": "x", **document}) == outcome(compile_predicate([expression]), {"a": "x", **document})


def outcome(holds: Any, document: object) -> object:
    try:
        return holds(document)
    except Exception as failed:  # noqa: BLE001  its type is the outcome
        return type(failed)


def test_no_name_of_a_policy_is_a_name_of_python() -> None:
    codes = read_by(layout({("__class__", "import os"), ("resources", "ARN"), ("a",), ("a", "b"), ("x", "y", "z")}))
    assert codes == {
        ("__class__", "import os"): "(d.f0 and d.f0.f0)",
        ("a",): "d.f1",
        ("resources",): "d.f2",
        ("resources", "ARN"): "None",
        ("x", "y", "z"): "(d.f3 and d.f3.f0 and d.f3.f0.f0)",
    }
