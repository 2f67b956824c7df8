"""What each operator prints of each field, and that what it hides does not come back elsewhere."""

from __future__ import annotations

from time import process_time
from types import MappingProxyType
from typing import Any

import pytest
from builders import NOW, OPEN_LEVEL, STANDARD, STRICT, actor, event, policy_set, record
from hypothesis import given
from hypothesis import strategies as st

from engine.model import FIELD_OPERATORS, Event, Field, HashKey, Level, MaskedEvent, Operator
from engine.pipeline.decide import decide
from engine.pipeline.facts import derive_facts
from engine.pipeline.mask import VALUE_MAX_LENGTH, addresses, mask, operators, redact
from engine.pipeline.mask.addresses import addresses_in
from engine.pipeline.mask.operators import ADDRESS_MAX_LENGTH
from engine.pipeline.mask.sensitive import _without

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


@pytest.mark.parametrize("claim", ["payments-prod", "payments", "GetObject", "nightly", "ap-northeast-1", "AccessDenied"])
def test_whoever_names_a_session_or_an_agent_like_the_bucket_or_the_call_is_shown_no_less(claim: str) -> None:
    one = masked(
        {Field.NAME: Operator.MASK, Field.SESSION: Operator.MASK, Field.USER_AGENT: Operator.DROP, Field.KEY: Operator.MASK},
        userIdentity={"type": "AssumedRole", "arn": f"arn:aws:sts::111122223333:assumed-role/nightly/{claim}"},
        userAgent=claim,
        errorCode="AccessDenied",
        requestParameters={"bucketName": "payments-prod", "key": claim},
    )
    kept = (Field.BUCKET, Field.EVENT, Field.ROLE, Field.REGION, Field.ERROR_CODE)
    assert [one.values[field] for field in kept] == ["payments-prod", "GetObject", "nightly", "ap-northeast-1", "AccessDenied"]


def test_the_name_of_a_person_whom_aws_names_is_hidden_in_the_bucket_too() -> None:
    arn = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Analyst_0123456789abcdef/ann-example@example.com"
    for person in (identity(userName="ann-example"), {"type": "AssumedRole", "arn": arn}):
        one = masked(
            {Field.NAME: Operator.MASK, Field.SESSION: Operator.MASK},
            userIdentity=person,
            requestParameters={"bucketName": "ann-example-exports", "key": "x"},
        )
        assert one.values[Field.BUCKET] == "***-exports"


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


def test_values_are_cut_after_redaction() -> None:
    long = "x" * (VALUE_MAX_LENGTH - 4) + "203.0.113.7"
    one = masked(userAgent=long)
    assert one.values[Field.USER_AGENT] == "x" * (VALUE_MAX_LENGTH - 4) + "***"
    assert len(masked(OPEN_LEVEL, userAgent=long).values[Field.USER_AGENT]) == VALUE_MAX_LENGTH


@pytest.mark.parametrize("place", ["userAgent", "errorMessage"])
@pytest.mark.parametrize("text", ["from 203.0.113.7", "203-000-113-007", "cb007107", "3405803783", "ASIAIOSFODNN7EXAMPLE"])
def test_a_masked_value_is_hidden_in_every_other_field(place: str, text: str) -> None:
    one = masked({Field.SOURCE_IP: Operator.NETWORK, Field.ACCESS_KEY: Operator.LAST4}, **{place: text})
    assert not [shown for shown in one.values.values() if text in shown]


@pytest.mark.parametrize(
    ("hidden", "text", "left"),
    [
        ({"accessKeyId": "a%20bcd"}, "is a bcd", "is ***"),
        ({"accessKeyId": "straße"}, "in STRASSE 1", "in *** 1"),
        ({"accessKeyId": "STRASSE"}, "in straße 1", "in *** 1"),
        ({"accountId": "ABCD"}, "of abcd", "of ************"),
        ({"accountId": "ABCD"}, "of ABCD", "of ************"),
        ({}, "a\0b", "a\0b"),
        ({}, "203.0.113\0.7", "203.0.113\0.7"),
    ],
)
@pytest.mark.parametrize("place", ["userAgent", "errorMessage"])
def test_a_masked_value_is_hidden_in_another_case_or_encoding(hidden: dict[str, str], text: str, left: str, place: str) -> None:
    one = event(**{place: text})
    one.record["userIdentity"].update(hidden)
    chosen = Level("some", 1, MappingProxyType({**STANDARD.operators, Field.ACCESS_KEY: Operator.DROP}))
    assert left in masked(chosen, made=one).values.values()


@pytest.mark.parametrize("field", [Field.CLASS, Field.EVIDENCE])
def test_the_policies_own_words_stay_although_they_read_like_an_account(field: Field) -> None:
    one = event(recipientAccountId="444455556666")
    chosen = level({**STANDARD.operators, Field.CLASS: Operator.DROP, field: Operator.KEEP})
    decision = decide(one, policy_set(actors=(actor("444455556666", "`true`"),)), NOW)
    assert mask(one, decision, chosen, None).values[field].startswith("444455556666")


@pytest.mark.parametrize(
    ("text", "accounts", "shown"),
    [
        ("from 44445555 hi", ["4444", "5555", "44445555"], "from ************ hi"),
        ("4444555566667777", ["444455556666", "555566667777"], "************"),
        ("4444555566667777", ["555566667777", "444455556666"], "************"),
        ("44445555", ["4444", "5555"], "************************"),
    ],
)
def test_nothing_is_left_of_account_ids_that_overlap(text: str, accounts: list[str], shown: str) -> None:
    one = masked(userAgent=text, resources=[{"accountId": account} for account in accounts])
    assert one.values[Field.USER_AGENT] == shown


def test_account_ids_are_replaced_in_one_order() -> None:
    orders = (["45", "**", "4567"], ["**", "4567", "45"], ["4567", "45", "**"])
    assert len({_without(f"{'*' * 5} 45 4568", order) for order in orders}) == 1


SPELLINGS = st.sampled_from(
    ["203.0.113.7", "7.113.0.203", "203-0-113-007", "cb007107", "3405803783", "::ffff:cb00:7107", "2001-db8--1"]
)
TEXTS = st.lists(SPELLINGS | st.text("0123456789abcdef.:-_ ", max_size=6), max_size=4).map("".join)


@given(st.sampled_from(["203.0.113.7", "2001:db8::1", "0.0.0.7", "10.0.0.10"]), TEXTS)
def test_the_quick_search_for_an_address_misses_no_spelling(address: str, text: str) -> None:
    (spellings,) = addresses_in(address)
    assert spellings.may_stand_in(text) or not list(spellings.spans(text))


ODD_VALUES = st.sampled_from(
    [
        *(None, "", 7, True, 0.5, [], {}, ["111122223333"], {"arn": "x"}),
        *("abc", "1234", "anonymous", "111122223333", "x\0y", "100%", "a+b@example.com", "203.0.113.7", "\ud800"),
        *("arn:aws:iam::444455556666:role/x", "arn:aws:s3:::b/444455556666", "AWS Internal", "é" * 5, "fe80::1%eth0"),
        *("athena.amazonaws.com", "::ffff:203.0.113.7", " 203.0.113.7 ", "x" * (VALUE_MAX_LENGTH + 1)),
    ]
)
MEMBERS = (
    *("sourceIPAddress", "userAgent", "errorCode", "errorMessage", "eventID", "recipientAccountId", "userIdentity", "resources"),
    *("userIdentity.arn", "userIdentity.accountId", "userIdentity.principalId", "userIdentity.sessionContext"),
    *("requestParameters.key", "requestParameters.bucketName", "requestParameters.x-amz-copy-source"),
)


@given(st.dictionaries(st.sampled_from(MEMBERS), ODD_VALUES, max_size=4), st.sampled_from([OPEN_LEVEL, STANDARD, STRICT]))
def test_every_record_is_masked_to_texts_of_bounded_length(changes: dict[str, Any], chosen: Level) -> None:
    made = record()
    for path, value in sorted(changes.items()):
        holder, _, member = path.rpartition(".")
        if not holder:
            made[member] = value
        elif isinstance(made.get(holder), dict):
            made[holder] = {**made[holder], member: value}
    one = Event(made, "test")
    decision = decide(one, policy_set(), NOW)
    result = mask(one, decision, chosen, KEY)
    assert result == mask(one, decision, chosen, KEY, derive_facts(made))
    assert all(isinstance(text, str) and 0 < len(text) <= VALUE_MAX_LENGTH for text in result.values.values())


def test_hostile_texts_take_linear_time() -> None:
    source = "2001:db8::1"
    for piece in ("2001:", "2001-db8-", "%2532", "203.0.113.", "0", ":::::", "a" * 7 + ":"):
        assert masked(sourceIPAddress=source, userAgent=piece * 4_000).values[Field.USER_AGENT]


def seconds_to_mask(ids: int) -> float:
    """Of a record that names so many account ids, in ARNs and in members."""
    numbers = [f"{100_000_000_000 + number * 7_919:012}" for number in range(ids)]
    made = record(errorMessage=" ".join(f"arn:aws:iam::{number}:role/x" for number in numbers), userAgent=" ".join(numbers))
    begun = process_time()
    shown = masked(made=Event(made, "test")).values
    taken = process_time() - begun
    assert not any(number in text for number in numbers[:: ids // 8] for text in shown.values())
    return taken


def test_a_record_that_names_very_many_account_ids_takes_linear_time() -> None:
    few, many = (min(seconds_to_mask(ids) for _ in range(3)) for ids in (500, 4_000))
    assert many < 24 * few


def test_a_record_with_very_many_texts_for_account_ids_shows_none_of_them() -> None:
    odd = [f"owner-{number}" for number in range(100)]
    made = record(userAgent=f"tool {' '.join(odd)} 111122223333", requestParameters={f"{name}AccountId": name for name in odd})
    shown = masked(made=Event(made, "test")).values
    assert shown[Field.USER_AGENT] == "***"


def test_no_more_of_a_caller_is_remembered_than_an_address_has(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: list[str] = []
    for module, names in ((operators, ("_address", "_network")), (addresses, ("_spellings", "_number"))):
        for name in names:
            asked = getattr(module, name)
            monkeypatch.setattr(module, name, lambda text, asked=asked: (remembered.append(text), asked(text))[1])
    for source in ("203.0.113.7", "2001:db8::1", "203.0.113.7" + " " * 60, "x" * 10_000):
        one = event(sourceIPAddress=source, userAgent=f"2001:db8{'-' * 10_000}1 {'2001:0:' * 1_000} 2001:db8::1")
        assert masked(made=one).values[Field.EVENT] == "GetObject"
        assert masked({Field.SOURCE_IP: Operator.HASH}, KEY, one).values[Field.SOURCE_IP].startswith("ip:1:")
    assert "2001:db8::1" in remembered
    assert max(map(len, remembered)) <= ADDRESS_MAX_LENGTH
