"""What each operator prints of each field, and that what it hides does not come back elsewhere."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from builders import NOW, OPEN_LEVEL, STANDARD, event, policy_set

from engine.model import FIELD_OPERATORS, Event, Field, HashKey, Level, MaskedEvent, Operator
from engine.pipeline.decide import decide
from engine.pipeline.facts import groups
from engine.pipeline.mask import addresses, mask, mask_by_parts, prints, redact
from engine.pipeline.mask.prints import LONGEST_ADDRESS

KEY = HashKey("1", bytes(range(32)))


def level(changes: dict[Field, Operator] | None = None) -> Level:
    """Everything kept but for the changes."""
    return Level("some", 1, MappingProxyType({**dict.fromkeys(Field, Operator.KEEP), **(changes or {})}))


def masked(
    at: Level | dict[Field, Operator] = STANDARD, key: HashKey | None = None, made: Event | None = None, **changes: Any
) -> MaskedEvent:
    one = made or event(**changes)
    return mask(one, decide(one, policy_set(), NOW), at if isinstance(at, Level) else level(at), key)


def identity(**parts: Any) -> dict[str, Any]:
    return {"type": "IAMUser", **parts}


# --- addresses ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::/64"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("::ffff:cb00:7107", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/64"),
        ("253.252.51.07", "***"),
        ("203.0.113.7, 198.51.100.1", "***"),
        ("203.0.113", "***"),
        ("not an address", "***"),
        ("1" * 5000, "***"),
        ("athena.amazonaws.com", "athena.amazonaws.com"),
        ("AWS Internal", "AWS Internal"),
    ],
)
def test_an_address_becomes_its_network(address: str, network: str) -> None:
    for operator in (Operator.NETWORK, Operator.MASK):
        assert masked({Field.SOURCE_IP: operator}, sourceIPAddress=address).values[Field.SOURCE_IP] == network


def test_a_name_that_only_looks_like_a_service_host_is_masked() -> None:
    assert masked(sourceIPAddress="203.0.113.7.amazonaws.com.example.com").values[Field.SOURCE_IP] == "***"


# --- the other fields ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "changes", "shown"),
    [
        (Field.ACCOUNT, {}, "************"),
        (Field.BUCKET, {}, "p***"),
        (Field.KEY, {}, "2026/***.csv"),
        (Field.KEY, {"requestParameters": {"bucketName": "b-ucket", "key": "secret.pdf"}}, "***.pdf"),
        (Field.KEY, {"requestParameters": {"bucketName": "b-ucket", "key": "a/b/c"}}, "a/***"),
        (Field.KEY, {"requestParameters": {"bucketName": "b-ucket", "key": "a/b.verylongext"}}, "a/***"),
        (Field.NAME, {"userIdentity": identity(userName="alice")}, "a***"),
        (Field.NAME, {"userIdentity": identity(userName="alice@example.com")}, "a***@example.com"),
        (Field.NAME, {"userIdentity": identity(userName="a")}, "***"),
        (Field.SESSION, {}, "a***@example.com"),
        (Field.ROLE, {}, "A***"),
        (Field.PRINCIPAL, {"userIdentity": identity(principalId="AIDAEXAMPLE")}, "A***"),
        (Field.ARN, {}, "arn:aws:sts::************:assumed-role/***"),
        (Field.ARN, {"userIdentity": identity(arn="arn:aws:iam::111122223333:root")}, "arn:aws:iam::************:***"),
        (Field.ARN, {"userIdentity": identity(arn="junk")}, "***"),
        (Field.USER_AGENT, {}, "aws-cli/***"),
        (Field.USER_AGENT, {"userAgent": "\N{SNOWMAN}/1"}, "***"),
        (Field.ACCESS_KEY, {}, "***MPLE"),
        (Field.ACCESS_KEY, {"userIdentity": identity(accessKeyId="AKIA")}, "***"),
        (
            Field.COPY_SOURCE,
            {"requestParameters": {"bucketName": "b-ucket", "key": "k", "x-amz-copy-source": "/source-bucket/a/b.csv"}},
            "s***/a/***.csv",
        ),
    ],
)
def test_mask_is_each_fields_own_way(field: Field, changes: dict[str, Any], shown: str) -> None:
    assert masked({field: Operator.MASK}, **changes).values[field] == shown


def test_last4_shows_the_last_four() -> None:
    assert masked({Field.ACCESS_KEY: Operator.LAST4}).values[Field.ACCESS_KEY] == "***MPLE"


@pytest.mark.parametrize("field", [field for field, operators in FIELD_OPERATORS.items() if Operator.MASK in operators])
def test_every_field_that_may_be_masked_has_a_way(field: Field) -> None:
    one = event(requestParameters={"bucketName": "payments-prod", "key": "a/b", "x-amz-copy-source": "other/a/b"})
    plain = masked(level(), made=one).values
    assert plain[field] != masked({field: Operator.MASK}, made=one).values[field]


def test_what_is_not_listed_is_dropped() -> None:
    only = Level("only", 1, MappingProxyType({Field.EVENT: Operator.KEEP}))
    assert dict(masked(only).values) == {Field.EVENT: "GetObject"}


def test_what_an_event_has_not_is_absent() -> None:
    assert Field.ERROR_CODE not in masked().values
    assert dict(masked(OPEN_LEVEL, made=Event({}, "test")).values) == {Field.CLASS: "unknown"}


@pytest.mark.parametrize(
    ("value", "text"),
    [({"a": [1, None]}, '{"a":[1,null]}'), (0, "0"), (False, "false"), ([], "[]"), ({}, "{}"), ("", None), (None, None)],
)
def test_what_is_not_text_is_shown_as_json_and_nothing_is_absent(value: object, text: str | None) -> None:
    assert masked(userAgent=value).values.get(Field.USER_AGENT) == text


def test_a_level_is_never_taken_for_another_of_its_name() -> None:
    for operator in (Operator.KEEP, Operator.MASK, Operator.DROP) * 40:
        shown = masked({Field.BUCKET: operator}).values.get(Field.BUCKET)
        assert shown == {Operator.KEEP: "payments-prod", Operator.MASK: "p***", Operator.DROP: None}[operator]


def test_open_keeps_everything() -> None:
    assert masked(OPEN_LEVEL).values[Field.SOURCE_IP] == "203.0.113.7"


def test_a_long_value_is_cut_and_leaves_no_half_of_a_secret() -> None:
    agent = "x" * 4090 + "203.0.113.7" + "y" * 4090
    assert masked(userAgent=agent).values[Field.USER_AGENT] == "x" * 4090 + "***" + "yyy"


# --- hash ---------------------------------------------------------------------------------------------------------------------


def test_the_same_value_has_the_same_pseudonym_however_it_is_written() -> None:
    told = {
        masked({Field.SOURCE_IP: Operator.HASH}, KEY, sourceIPAddress=text).values[Field.SOURCE_IP]
        for text in ("2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:0db8::0001")
    }
    assert len(told) == 1
    assert next(iter(told)).startswith("ip:1:")
    assert len(next(iter(told))) == len("ip:1:") + 16


def test_a_pseudonym_is_hmac_sha_256_of_label_and_value() -> None:
    shown = masked({Field.NAME: Operator.HASH}, KEY, userIdentity=identity(userName="alice")).values[Field.NAME]
    assert shown == "name:1:f5d2556646b08bbc"


def test_fields_have_pseudonyms_of_their_own() -> None:
    values = masked({Field.NAME: Operator.HASH, Field.SESSION: Operator.HASH}, KEY).values
    assert values[Field.NAME].split(":")[2] != values[Field.SESSION].split(":")[2]


def test_another_key_gives_another_pseudonym() -> None:
    shown = {masked({Field.NAME: Operator.HASH}, HashKey("1", bytes([n] * 32))).values[Field.NAME] for n in range(3)}
    assert len(shown) == 3


def test_without_a_key_the_field_is_dropped_and_counted() -> None:
    one = masked({Field.NAME: Operator.HASH, Field.SESSION: Operator.HASH})
    assert one.hash_missing == 2
    assert Field.NAME not in one.values
    assert "analyst" not in "".join(one.values.values())


# --- what is masked does not come back -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "203.0.113.7",
        "ip-203-0-113-7.ec2.internal",
        "203.000.113.007",
        "7.113.0.203.in-addr.arpa",
        "::ffff:203.0.113.7",
        "::FFFF:CB00:7107",
        "0:0:0:0:0:ffff:cb00:7107",
        "3405803783",
        "0xCB007107",
        "%3203.0.113.7",
        "203%2E0%2e113%2E7",
        "203%252E0%252E113%252E7",
        "x203.0.113.7y",
        "9203.0.113.79",
    ],
)
def test_an_ipv4_address_does_not_come_back(written: str) -> None:
    agent = masked(userAgent=f"tool/1 {written} end").values[Field.USER_AGENT]
    assert "***" in agent
    assert agent.startswith("tool/1 ")
    assert agent.endswith(" end")
    for part in ("203.0.113", "113.0.203", "203-0-113", "cb00", "CB00", "3405803783", "203%2"):
        assert part not in agent


@pytest.mark.parametrize(
    "written",
    [
        "2001:db8::a:1",
        "2001:DB8::A:1",
        "2001:db8:0:0:0:0:a:1",
        "2001:0db8:0000:0000:0000:0000:000a:0001",
        "2001:db8::0:a:1",
        "2001:db8::0.10.0.1",
        "2001-db8--a-1.example.com",
        "2001-0db8-0000-0000-0000-0000-000a-0001",
        "2001%3Adb8%3A%3Aa%3A1",
        "2001%253adb8%253a%253aa%253a1",
        "[2001:db8::a:1]:443",
        "2001:db8::a:1%eth0",
        "20010db800000000000000000000a0001"[:11] + "20010db80000000000000000000a0001",
        "1.0.0.0.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        "f2001:db8::a:1",
    ],
)
def test_an_ipv6_address_does_not_come_back(written: str) -> None:
    agent = masked(sourceIPAddress="2001:db8::a:1", userAgent=f"tool/1 {written} end").values[Field.USER_AGENT]
    assert "***" in agent
    assert agent.startswith("tool/1 ")
    assert agent.endswith(" end")
    for part in ("a:1", "A:1", "a-1", "000a", "10.0.1", "8.b.d"):
        assert part not in agent


def test_an_address_beside_it_stays() -> None:
    agent = "203.0.113.8 2001:db8::1 10.203.0.113"
    assert masked(userAgent=agent).values[Field.USER_AGENT] == agent


def test_the_account_does_not_come_back_in_arns_keys_or_messages() -> None:
    one = masked(
        errorMessage="User: arn:aws:iam::111122223333:user/x on arn:aws:s3:::b by arn:aws:iam::444455556666:role/y",
        requestParameters={"bucketName": "cloudtrail-111122223333", "key": "AWSLogs/111122223333/x"},
    )
    everything = " ".join(one.values.values())
    assert "111122223333" not in everything
    assert "444455556666" not in everything
    assert one.values[Field.BUCKET] == "cloudtrail-************"


def test_a_name_does_not_come_back_in_another_case_or_encoded() -> None:
    one = masked(
        {Field.NAME: Operator.MASK, Field.SESSION: Operator.DROP},
        userAgent="for ANALYST@example.com, analyst%40example.com, analyst%2540example.com and Analyst",
    )
    assert one.values[Field.USER_AGENT] == "for ***, ***, *** and ***"
    assert "analyst" not in " ".join(one.values.values()).lower().replace("a***@", "")


def test_a_short_name_is_hidden_in_its_arn_alone() -> None:
    one = masked(
        {Field.NAME: Operator.MASK},
        userIdentity=identity(userName="bob", arn="arn:aws:iam::111122223333:user/bob"),
        userAgent="bobsleigh/1",
    )
    assert one.values[Field.ARN] == "arn:aws:iam::111122223333:user/***"
    assert one.values[Field.USER_AGENT] == "bobsleigh/1"


def test_a_partial_print_of_one_field_does_not_show_another() -> None:
    one = masked(
        {Field.KEY: Operator.MASK, Field.NAME: Operator.DROP},
        userIdentity=identity(userName="alice"),
        requestParameters={"bucketName": "payments-prod", "key": "alice/x.csv"},
    )
    assert one.values[Field.KEY] == "***/***.csv"


def test_what_two_fields_share_is_hidden_by_the_stricter() -> None:
    assert masked({Field.SESSION: Operator.DROP}).values[Field.NAME] == "***"


def test_closed_vocabularies_are_not_looked_for() -> None:
    one = masked({Field.EVENT: Operator.DROP, Field.ACTOR_TYPE: Operator.DROP}, userAgent="GetObject AssumedRole")
    assert one.values[Field.USER_AGENT] == "GetObject AssumedRole"


def test_a_text_can_be_redacted_at_a_level() -> None:
    one = event()
    decision = decide(one, policy_set(), NOW)
    assert redact("from 203.0.113.7 by 111122223333", one, decision, STANDARD) == "from *** by ************"
    assert redact("from 203.0.113.7", one, decision, OPEN_LEVEL) == "from 203.0.113.7"


def test_asterisks_in_a_value_end_the_search() -> None:
    one = masked({Field.NAME: Operator.DROP}, userIdentity=identity(userName="****"), userAgent="*********")
    assert one.values[Field.USER_AGENT] == "***"


def test_hostile_texts_take_linear_time() -> None:
    source = "2001:db8::1"
    for piece in ("2001:", "2001-db8-", "%2532", "203.0.113.", "0", ":::::", "a" * 7 + ":"):
        assert masked(sourceIPAddress=source, userAgent=piece * 4_000).values[Field.USER_AGENT]


def test_no_more_of_a_caller_is_remembered_than_an_address_has(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: list[str] = []
    for module, names in ((prints, ("_address", "_network")), (addresses, ("_forms", "_number"))):
        for name in names:
            asked = getattr(module, name)
            monkeypatch.setattr(module, name, lambda text, asked=asked: (remembered.append(text), asked(text))[1])
    for source in ("203.0.113.7", "2001:db8::1", "203.0.113.7" + " " * 60, "x" * 10_000):
        one = event(sourceIPAddress=source, userAgent=f"2001:db8{'-' * 10_000}1 {'2001:0:' * 1_000} 2001:db8::1")
        assert mask_by_parts(one, decide(one, policy_set(), NOW), STANDARD, None, groups(one.record)) == masked(made=one)
        assert masked({Field.SOURCE_IP: Operator.HASH}, KEY, one).values[Field.SOURCE_IP].startswith("ip:1:")
    assert "2001:db8::1" in remembered
    assert max(map(len, remembered)) <= LONGEST_ADDRESS
