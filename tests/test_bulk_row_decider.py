"""What is decided about rows is what is decided about whole records: failures, scopes, hours and silences included."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, STRICT, actor, event, policy, policy_set, record, route, silence
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import VOID_FOR, events, sets, windows

from engine.bulk import columns, row_decider
from engine.bulk.batches import Batch, file_results
from engine.bulk.chunks import Chunk
from engine.bulk.deciding import BatchDecider
from engine.bulk.fields import needed, seldom_needed
from engine.bulk.row_decider import RowDecider
from engine.bulk.rows import attributes, layout
from engine.bulk.typed import TypedReader, record_of
from engine.matching import check, compile_predicate
from engine.matching.compile import predicate
from engine.matching.residual import residual
from engine.model import DecodeError, Event, Selection, Selects, Strength
from engine.pipeline.audit import decision_json, line
from engine.pipeline.decide import decide_reference, decider_of
from engine.pipeline.decode import decode_stream
from engine.pipeline.select import passed_over

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model import PolicySet


def of_all(policies: PolicySet) -> PolicySet:
    """A set that looks at every event."""
    return policies._replace(selection=Selection(Selects.ALL))


def told(policies: PolicySet, some: Iterable[Event], copies: int = 1) -> tuple[list[str], bool]:
    """What the command says of a log file, so many times; and whether it was read by rows."""
    content = json.dumps({"Records": [one.record for one in some]}).encode()
    deciding = BatchDecider(policies, NOW)
    lines, by_row = [], []

    def decide(batch: Batch) -> bytes:
        by_row.append(bool(batch.rows))
        return deciding.decide(batch)

    for _ in range(copies):
        for result in file_results(io.BytesIO(content), "f", deciding.typed, decide):
            lines += result.output.decode().splitlines()
    return lines, all(by_row)


def meant(policies: PolicySet, some: Iterable[Event]) -> list[str]:
    return [line(decision_json(decide_reference(one, policies, NOW))) for one in some]


@given(sets(), st.lists(events, min_size=1, max_size=4))
@settings(deadline=None)
def test_over_any_set_the_decision_is_the_same(policies: Any, some: list[Event]) -> None:
    assert told(of_all(policies), some, 2)[0] == meant(of_all(policies), some) * 2


# --- rows, and nothing else -----------------------------------------------------------------------------------------------

ROW_BUCKETS = ("payments-prod", "payments-dev", "ledger", "a", "x:y")
ATOMS = (
    *(f"bucket == '{bucket}'" for bucket in ROW_BUCKETS),
    *(
        "starts_with(bucket, 'payments')",
        "glob(bucket, '*-prod')",
        "contains(userAgent, 'aws-cli')",
        "regex(userAgent, '^Boto3/')",
    ),
    *(
        "actor.role == 'batch'",
        "actor.type == 'IAMUser'",
        "actor.kind == 'robot'",
        "actor.strength == 'claimed'",
        "copy.bucket == 'ledger'",
        "access.denied",
        "access.kind == 'write'",
        "!key",
    ),
    *("in_list(actor.role, 'many')", "in_list(bucket, 'few')", "holds('of-few')", "!holds('either')"),
    *("starts_with(errorCode, 'A')", "readOnly > `0`", "length(actor.role) > `3`", "key != `null`", "source.kind == 'ipv4'"),
)
row_expressions = st.lists(st.sampled_from(ATOMS), min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from([" && ", " || "]).map(lambda joint: joint.join(parts))
)
TIMES = ("2026-11-01T09:30:00Z", "2026-11-01T23:30:00Z", "2026-11-02T09:30:00Z", "2026-11-09T09:30:00Z", "never", None)


@st.composite
def row_sets(draw: st.DrawFn) -> PolicySet:
    policies = []
    for number in range(draw(st.integers(1, 4))):
        made = []
        for place in range(draw(st.integers(0, 4))):
            does = (
                {"mute": "a job", "void_for": draw(VOID_FOR)}
                if draw(st.booleans())
                else {"notify": (draw(st.sampled_from(["watch", "security", "ops"])),)}
            )
            during = draw(st.just(()) | st.lists(windows, min_size=1, max_size=2).map(tuple))
            when = draw(st.none() | row_expressions)
            made.append(route(f"r{place}", when, continues=draw(st.booleans()), during=during, **does))
        if draw(st.booleans()):
            made += [route(f"m{place}", f"bucket == 'other-{place}'") for place in range(60)]
            made += [route(f"n{bucket}", f"bucket == '{bucket}' && {draw(row_expressions)}") for bucket in ROW_BUCKETS]
        silences = tuple(
            silence(
                f"s{place}",
                draw(row_expressions),
                datetime(2026, 11, draw(st.integers(1, 9)), tzinfo=UTC),
                start=draw(st.sampled_from([None, datetime(2026, 11, 1, 12, tzinfo=UTC)])),
                void_for=draw(VOID_FOR),
            )
            for place in range(draw(st.sampled_from([0, 0, 1, 3])))
        )
        buckets = draw(st.sampled_from([None, None, ("payments-*",), ("ledger", "a"), ("nothing",)]))
        accounts = draw(st.sampled_from([None, None, None, frozenset({"111122223333"})]))
        exclusions = draw(st.sampled_from([(), (), ("*-dev", "ledger")])) if buckets else ()
        policies.append(policy(f"p{number}", *made, buckets=buckets, exclusions=exclusions, accounts=accounts, silences=silences))
    actors = tuple(
        actor(name, draw(row_expressions), strength=draw(st.sampled_from(Strength)), never_mute=draw(st.booleans()))
        for name in draw(st.sampled_from([(), ("c",), ("c", "d"), ("c", "d", "e")]))
    )
    return policy_set(*policies, actors=actors)


row_events = st.builds(
    lambda bucket, key, agent, who, time, code, recipient, named: event(  # a copy is among the keys
        requestParameters={"bucketName": bucket, **key},
        userAgent=agent,
        userIdentity=who,
        eventTime=time,
        recipientAccountId=recipient,
        eventName=named,
        resources=[],
        **code,
    ),
    st.sampled_from(ROW_BUCKETS),
    st.sampled_from([{}, {"key": "2026/k"}, {"key": "k", "x-amz-copy-source": "/ledger/k"}, {"x-amz-copy-source": "%61/k"}]),
    st.sampled_from(["aws-cli/2.15", "Boto3/1.34", None]),
    st.sampled_from(
        [
            {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/batch/0123"},
            {"type": "IAMUser", "arn": "arn:aws:sts::111122223333:assumed-role/batch/0123"},
            {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ada", "sessionContext": {"attributes": {}}},
            {"type": "FederatedUser", "sessionContext": {"sessionIssuer": {"type": "IAMUser", "userName": "ada"}}},
            {"type": "IAMUser", "arn": None},
        ]
    ),
    st.sampled_from(TIMES),
    st.sampled_from([{}, {"errorCode": "AccessDenied"}, {"errorCode": "NoSuchKey", "readOnly": 1}]),
    st.sampled_from(["111122223333", "444455556666"]),
    st.sampled_from(["GetObject", "PutObject"]),
)


@given(row_sets(), st.lists(row_events, min_size=20, max_size=60))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large])
def test_many_rows_by_one_set_are_decided_as_each_record_is(policies: PolicySet, some: list[Event]) -> None:
    assert told(policies, some) == (meant(policies, some), True)


# --- sorts of sets -----------------------------------------------------------------------------------------------------------

POINT = "arn:aws:s3:eu-west-1:111122223333:accesspoint/ab"
BUCKETS = ["payments-prod", "a", "ab", POINT, "ab-0123-s3alias", "x:y", "", None, 7, "team-12-x"]
SAMPLES = [
    event(
        eventID=f"{number}",
        requestParameters={"bucketName": bucket, "x-amz-copy-source": copied, "key": "2026/k"},
        resources=resources,
        userIdentity={"type": kind, "arn": arn, "principalId": "AROA:s", "sessionContext": {"sessionIssuer": {"type": kind}}},
        eventTime=time,
    )
    for number, (bucket, copied, resources, (kind, arn), time) in enumerate(
        (bucket, copied, resources, who, time)
        for bucket in BUCKETS
        for copied in (None, "/from/key", f"{POINT}/object/k", "p%61yments-dev/k")
        for resources in (None, [{"ARN": "arn:aws:s3:::other/k"}, {"ARNPrefix": "arn:aws:s3:::third/"}, None, 3])
        for who, time in (
            (("AssumedRole", "arn:aws:sts::111122223333:assumed-role/batch/0123"), "2026-11-01T09:30:00Z"),
            (("IAMUser", "arn:aws:iam::111122223333:user/ada"), None),
            ((None, None), "never"),
        )
    )
]

PLAIN = [
    one
    for one in SAMPLES
    for asked in (one.record["requestParameters"],)
    if asked["bucketName"] in ("payments-prod", "a", "ab", "x:y") and "accesspoint" not in str(asked["x-amz-copy-source"])
]

RESOURCES = (None, [{"ARN": "arn:aws:s3:::payments-prod/2026/k"}, {"ARN": "arn:aws:s3:::payments-prod"}])

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
        policy_set(
            policy(
                "p", route("m", "bucket", mute="a job"), *MANY, *(route(f"r{one}", f"bucket == '{one}'") for one in ROW_BUCKETS)
            ),
            actors=(actor("c", "userIdentity.type == 'IAMUser'", never_mute=True),),
        ),
        policy_set(
            policy("p", *MANY, buckets=("pay*",), masking_floor=STRICT), policy("q", route("all", mute="a job"), buckets=("a*",))
        ),
        policy_set(policy("p", *(route(f"r{n}", f"key != '{n}'", continues=True) for n in range(3_000)))),
        policy_set(policy("p", route("r", "bucket == 'a' && length(actor.type) > `3`"), route("s", "length(bucket) > `2`"))),
    ],
    ids=[
        *("equal", "prefix", "many prefixes", "scopes", "parts", "much evidence", "facts as a whole", "silences"),
        *("void mutes", "floors", "many that hold", "failures"),
    ],
)
def test_what_decides_rows_is_written_for_every_sort_of_set(policies: PolicySet) -> None:
    assert told(policies, PLAIN, 2) == (meant(policies, PLAIN) * 2, True)
    with_resources = not any(path[0] == "resources" for path in seldom_needed(policies))  # else these say too little of some
    assert told(policies, SAMPLES, 2) == (meant(policies, SAMPLES) * 2, with_resources)
    assert told(of_all(policies), SAMPLES, 2) == (meant(policies, SAMPLES) * 2, True)


@pytest.mark.parametrize(
    "identity",
    [
        {"type": "AssumedRole"},
        {"type": "AssumedRole", "arn": "arn:aws:iam::111122223333:role/batch", "principalId": "AROA:0123"},
        {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"userName": "batch"}}},
        {"type": "Unknown", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::1:role/x/batch"}}},
    ],
)
@pytest.mark.parametrize("when", ["actor.role == 'batch'", "actor.session == '0123'", "actor.name == '0123'"])
def test_a_role_that_no_arn_names_is_found(identity: dict[str, Any], when: str) -> None:
    policies = of_all(policy_set(policy("p", route("r", when))))
    some = [*PLAIN, event(userIdentity=identity), *PLAIN]
    assert told(policies, some) == (meant(policies, some), False)


STS, IAM = "arn:aws:sts::111122223333", "arn:aws:iam::111122223333"
ARNS = (
    *(f"{STS}:assumed-role/{role}/{session}" for role in ("batch", "web") for session in ("0123", "ada", "i-1", "", "é" * 300)),
    *(f"{STS}:assumed-role/batch", f"{STS}:assumed-role", f"{STS}:assumed-role//ada", f"{STS}:assumed-role/a/batch/ada"),
    *(f"{IAM}:user/ada", f"{IAM}:user/:assumed-role/x/ada", f"{IAM}:user/:assumed-role/x", f"{IAM}:user/:assumed-role/x/i-1"),
    *(f"{IAM}:user", f"{IAM}:user/0123", "", None, 7),
)
CALLERS = [
    event(userIdentity={"type": kind, "arn": arn, "userName": name, "invokedBy": service})
    for arn in ARNS
    for kind in ("AssumedRole", "IAMUser")
    for name in (None, "ada", "i-1", 7)
    for service in (None, "ada")
    if kind == "IAMUser" or str(arn).startswith(f"{STS}:assumed-role/batch/")  # others say too little of a role
]
OF_CALLERS = {
    "session": ("actor.session == 'ada'", "regex(actor.session, '^i-')", "actor.role == 'batch' && !actor.session"),
    "name": ("actor.name == 'ada'", "starts_with(actor.name, 'i')", "actor.role == 'web' && actor.name"),
    "both": ("regex(actor.session, '^[0-9]+$') && actor.name == 'ada'", "length(actor.name) > `2`", "actor.session == '0123'"),
    "compared": ("actor.session == actor.role", "actor.name == actor.type", "actor.session == 'ada'"),
    "patterns": tuple(f"regex(actor.session, '{pattern}')" for pattern in ("^i-", "a$", "[0-9]{4}", "^.*d", "(?i)ADA")),
    "many patterns": tuple(f"regex(actor.session, '^{start}')" for start in ("i-", *map(str, range(40)))),
}


@pytest.mark.parametrize("kind", OF_CALLERS)
def test_sessions_are_answered_apart_from_the_other_fields_of_their_callers(kind: str) -> None:
    routes = (route(f"r{number}", when, continues=True) for number, when in enumerate(OF_CALLERS[kind]))
    policies = of_all(policy_set(policy("p", *routes)))
    for some in (CALLERS, CALLERS[::-1]):
        assert told(policies, some, 2) == (meant(policies, some) * 2, True)


def test_texts_that_come_once_are_answered_while_none_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_REMEMBERED", 16)
    policies = of_all(policy_set(policy("p", route("r", "regex(actor.session, '[02468]$')"), route("s", "userAgent == 'x7'"))))
    batches = [
        [
            event(
                userAgent=f"x{number}" if number % 3 else None,
                userIdentity={"type": "AssumedRole", "arn": f"{STS}:assumed-role/batch/{number}"},
            )
            for number in range(first, first + 10)
        ]
        for first in range(0, 300, 10)
    ]
    deciding = BatchDecider(policies, NOW)
    lines = []
    for batch in batches:
        content = io.BytesIO(json.dumps({"Records": [one.record for one in batch]}).encode())
        for result in file_results(content, "f", deciding.typed, deciding.decide):
            lines += result.output.decode().splitlines()
    assert lines == meant(policies, [one for batch in batches for one in batch])


@pytest.mark.parametrize("read", ["principalId", "sessionContext.sessionIssuer", "sessionContext.sessionIssuer.userName"])
def test_what_else_is_read_of_a_role_is_always_read(read: str) -> None:
    policies = of_all(policy_set(policy("p", route("r", f"userIdentity.{read} == 'x' && actor.role == 'batch'"))))
    issuer = {"type": "Role", "userName": "batch"}
    some = [event(userIdentity={"type": "AssumedRole", "principalId": "x:s", "sessionContext": {"sessionIssuer": issuer}})]
    assert told(policies, some)[0] == meant(policies, some)


def test_what_only_accounts_scope_needs_no_bucket() -> None:
    policies = policy_set(policy("p", route("r", "requestParameters.bucketName == 'a'"), accounts=frozenset({"111122223333"})))
    assert told(policies, SAMPLES) == (meant(policies, SAMPLES), True)


@pytest.mark.parametrize("whole", ["requestParameters", "userIdentity", "resources", "additionalEventData", "userIdentity.arn"])
@pytest.mark.parametrize("fact", ["bucket == 'payments-prod'", "key != `null`", "copy.bucket == 'from'", "actor.role == 'batch'"])
def test_a_fact_is_found_though_what_it_stands_on_is_read_whole(whole: str, fact: str) -> None:
    policies = policy_set(policy("p", route("r", f"{whole} == `null` && {fact}"), route("s", fact)))
    some = [
        *SAMPLES[:8],
        *(event(requestParameters=parameters, resources=resources) for parameters in (None, "x", {}) for resources in RESOURCES),
    ]
    for one in some:
        assert told(policies, [one])[0] == meant(policies, [one])
    assert told(policies, some)[0] == meant(policies, some)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\u0001b", "\ud800", "", "\u00e9", "__class__", "Records", "eventSource"])
def test_any_name_may_be_read(name: str) -> None:
    quoted = json.dumps(name)
    expressions = (f"responseElements.{quoted} == 'x'", f"{quoted} == 'x'", f"resources.{quoted} == `null`")
    policies = policy_set(*(policy(f"p{number}", route("r", one)) for number, one in enumerate(expressions)))
    some = [event(responseElements={name: "x"}), event()]
    assert told(policies, some)[0] == meant(policies, some)


def test_a_set_that_selects_names_and_looks_at_the_whole_document_decides() -> None:
    policies = policy_set(policy("p", route("r", "length(@) > `3`")))
    policies = policies._replace(selection=Selection(Selects.S3_DATA, frozenset({"GetObject"})))
    some = [event(eventName="GetObject"), event(eventName="PutObject")]
    assert told(policies, some)[0] == meant(policies, some[:1])


@pytest.mark.parametrize("names", [None, frozenset({"GetObject", "7"})])
def test_rows_are_selected_as_records_are(names: frozenset[str] | None) -> None:
    policies = policy_set(policy("p", route("r", "userAgent == 'x'")))._replace(selection=Selection(Selects.S3_DATA, names))
    some = [
        event(eventSource=source, eventCategory=category, eventName=name)
        for source in ("s3.amazonaws.com", "kms.amazonaws.com", "s3express.amazonaws.com", "s3tables.amazonaws.com")
        for category in ("Data", "Management", "data")
        for name in ("GetObject", "PutObject", 7, None)
    ]
    selected = [one for one in some if passed_over(one, policies.selection) is None]
    assert told(policies, some) == (meant(policies, selected), True)


@pytest.mark.parametrize(
    "odd",
    [
        record(eventCategory=None, managementEvent=False),
        record(eventCategory=None, managementEvent=True),
        {name: value for name, value in record().items() if name not in ("eventCategory", "eventID")},
        {**record(), "eventSource": "aws:s3"},
        {"Records": [record(eventID="inner")], **record()},
        {**record(), "additionalEventData": {"x": "LONG"}},
    ],
    ids=["no category", "management", "old", "a service's event", "a log within", "a long number"],
)
def test_what_is_no_row_is_found_as_it_is(odd: dict[str, Any]) -> None:
    policies = of_all(policy_set(policy("p", route("r", "bucket == 'a'"))))
    lines = [json.dumps(one) for one in (record(eventID="1"), odd, record(eventID="2"))]
    content = "\n".join(lines).replace('"LONG"', "1" * 4_301).encode()
    deciding = BatchDecider(policies, NOW)
    read = list(file_results(io.BytesIO(content), "f", deciding.typed, deciding.decide))
    found = list(decode_stream(io.BytesIO(content), "f"))
    events = [one for one in found if isinstance(one, Event)]
    assert b"".join(one.output for one in read).decode().splitlines() == meant(policies, events)
    assert [error for one in read for error in one.errors] == [
        f"{one.where}: {one.reason}" for one in found if isinstance(one, DecodeError)
    ]


def test_where_rows_say_too_little_they_are_tried_less_and_less_often() -> None:
    policies = policy_set(policy("p", route("r", "bucket == 'a'")))
    content = json.dumps({"Records": [record(requestParameters=None)]}).encode()
    deciding, tried = BatchDecider(policies, NOW), []

    def decide(batch: Batch) -> bytes:
        tried.append(bool(batch.rows))
        return deciding.decide(batch)

    for _ in range(40):
        list(file_results(io.BytesIO(content), "f", deciding.typed, decide))
    assert sum(tried) == 5  # the first, and after 2, 4, 8 and 16 chunks more


def test_what_is_kept_of_verdicts_is_bounded_and_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_decider, "_REMEMBERED", 3)
    policies = of_all(policy_set(policy("p", *(route(f"r{n}", f"bucket == 'b{n}'") for n in range(20)))))
    some = [event(requestParameters={"bucketName": f"b{number % 20}"}) for number in range(60)]
    typed = TypedReader(needed(policies))
    rows = typed.rows(Chunk(bytearray(json.dumps([one.record for one in some]).encode()), listed=True))
    assert rows is not None
    made = RowDecider(decider_of(policies), typed.layout, record_of, lambda verdict: verdict.routes, NOW)
    assert made.decided(rows) == [decide_reference(one, policies, NOW).verdict.routes for one in some]
    assert len(made._known) <= 3


@given(
    st.lists(
        st.sampled_from(["a == 'x'", "'x' == a", "b == 'y'", "b", "!c", "a != 'x'", "length(b) > `1`"]), min_size=1, max_size=4
    ),
    st.sampled_from([" && ", " || "]),
    st.fixed_dictionaries({"b": st.sampled_from(["y", "", None, True, [1, 2]]), "c": st.sampled_from([None, "z"])}),
)
def test_what_an_equality_leaves_open_is_what_the_whole_asks(parts: list[str], joint: str, document: dict[str, Any]) -> None:
    expression = joint.join(parts)
    left = predicate(residual([check(expression)], (("a",), "x")))
    assert outcome(left, {"a": "x", **document}) == outcome(compile_predicate([expression]), {"a": "x", **document})


def outcome(holds: Any, document: object) -> object:
    try:
        return holds(document)
    except Exception as failed:  # noqa: BLE001  its type is the outcome
        return type(failed)


@pytest.mark.parametrize("asked", [None, {}, {"acl": "public-read"}, {"acl": None}, {"acl": True}, {"acl": 1}, {"other": 1}, "x"])
def test_of_an_object_of_which_members_are_chosen_only_these_are_read(asked: Any) -> None:
    chosen = route("r", "regex(to_string(requestParameters.[acl, \"x-acl\"]), '(public|true|1|null,)')")
    policies = of_all(policy_set(policy("p", chosen, route("s", "requestParameters.bucketName == 'a'"))))
    assert ("requestParameters",) not in (needed(policies) or ())
    some = [event(requestParameters=one) for one in (asked, {"acl": 1}, asked, {"acl": True}, asked)]
    found, by_row = told(policies, some, 2)
    assert found == meant(policies, some) * 2
    assert by_row == (asked != "x")


def test_many_patterns_of_one_field_are_found_as_each_is() -> None:
    patterns = ("^[0-9a-f]{32}$", "@", "(?i)build", "^i-[0-9a-f]{8,17}$", "x$")
    routes = [route(f"r{number}", f"regex(actor.session, '{one}')", continues=True) for number, one in enumerate(patterns)]
    policies = of_all(policy_set(policy("p", *routes)))
    sessions = ("0" * 32, "a@b", "CodeBUILD-x", "i-01234567", "", "none", "@x", "\ud800@")
    some = [event(userIdentity={"arn": f"arn:aws:sts::111122223333:assumed-role/r/{session}"}) for session in sessions]
    assert told(policies, some)[0] == meant(policies, some)


def test_no_name_of_a_policy_is_a_name_of_python() -> None:
    names = attributes(layout({("__class__", "import os"), ("resources", "ARN"), ("a",), ("a", "b"), ("x", "y", "z")}))
    assert names == {
        ("__class__", "import os"): "f0.f0",
        ("a",): "f1",
        ("resources",): "f2",
        ("x", "y", "z"): "f3.f0.f0",
    }


# --- the usual values ----------------------------------------------------------------------------------------------------------

USUAL = [record(eventID=f"{number}") for number in range(3)]


@pytest.mark.parametrize(
    "other", [None, {"eventCategory": "Management"}, {"eventSource": "kms.amazonaws.com"}, {"eventCategory": "data"}]
)
@pytest.mark.parametrize("place", range(4))
def test_rows_are_the_same_whether_all_of_them_are_usual_or_not(other: dict[str, Any] | None, place: int) -> None:
    some = [*USUAL[:place], *([] if other is None else [record(eventID="other", **other)]), *USUAL[place:]]
    chunk = Chunk(bytearray(json.dumps(some).encode()), listed=True)
    typed = TypedReader({("eventID",), ("userIdentity", "arn")})
    rows = typed.rows(chunk)
    assert rows is not None
    assert [record_of(row) for row in rows] == [
        {
            **{name: one[name] for name in ("eventID", "eventSource", "eventCategory")},
            "userIdentity": {"arn": one["userIdentity"]["arn"]},
        }
        for one in some
    ]


def test_where_not_all_rows_are_usual_that_is_tried_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    typed, tried = TypedReader({("eventID",)}), []
    usual = typed._usual
    assert usual is not None
    monkeypatch.setattr(typed, "_usual", usual._replace(listed=lambda body: tried.append(body) or usual.listed(body)))
    odd, plain = (
        Chunk(bytearray(json.dumps([record(eventCategory=category)]).encode()), listed=True) for category in ("x", "Data")
    )
    assert all(typed.rows(odd) for _ in range(20))
    assert len(tried) == 4  # the first, and after 2, 4 and 8 chunks more
    assert all(typed.rows(plain) for _ in range(40))
    assert len(tried) > 20


def test_chunks_of_which_no_row_is_read_do_not_make_rows_tried_again_sooner() -> None:
    typed, tried = TypedReader({("eventID",)}, only=("s3.amazonaws.com", "s3tables.amazonaws.com")), 0
    made = [json.dumps(one).encode() for one in ([record(eventCategory=None)], [record(eventSource="kms.amazonaws.com")])]
    odd, other = (Chunk(bytearray(one), listed=True) for one in made)
    reader = typed._by_row
    assert reader is not None

    def counting(body: bytearray) -> list[Any]:
        nonlocal tried
        tried += 1
        return reader.listed(body)

    typed._by_row = reader._replace(listed=counting)
    for _ in range(200):
        assert typed.rows(odd) is None
        assert typed.rows(other) is None
    assert tried == 8  # the first, and after 2, 4, 8, 16, 32, 64 and 64 chunks more
