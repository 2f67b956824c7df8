"""Account ids, addresses, names and key ids are hidden wherever a record names them, in every spelling that is promised.

Each law is drawn as a record that names a value in one place, and shows it in another place in some spelling.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from unicodedata import normalize
from urllib.parse import quote

import pytest
from builders import NOW, STANDARD, policy_set, record
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Event, Field, Level, Operator
from engine.pipeline.decide import decide
from engine.pipeline.mask import mask, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ipaddress import IPv4Address, IPv6Address

    Place = Callable[[dict[str, Any], str], Field]
    Escape = Callable[[str], str]

NAMES_MASKED = Level("some", 1, MappingProxyType({**STANDARD.operators, Field.NAME: Operator.MASK, Field.SESSION: Operator.MASK}))
ACCOUNT_IDS = st.from_regex(r"[1-9][0-9]{11}|0[1-9][0-9]{10}", fullmatch=True)
SEPARATORS = st.sampled_from([*"-_.:/,;|=~@", "[.]", "(.)", "[:]"])


def shown(made: dict[str, Any], level: Level = STANDARD) -> Mapping[Field, str]:
    event = Event(made, "test")
    return mask(event, decide(event, policy_set(), NOW), level, None).values


# --- where a text is shown ----------------------------------------------------------------------------------------------------


def in_key(made: dict[str, Any], text: str) -> Field:
    made["requestParameters"] = {**made["requestParameters"], "key": f"in/{text}/x.csv"}
    return Field.KEY


def in_bucket(made: dict[str, Any], text: str) -> Field:
    made["requestParameters"] = {**made["requestParameters"], "bucketName": f"logs-{text}-ap"}
    return Field.BUCKET


def in_user_agent(made: dict[str, Any], text: str) -> Field:
    made["userAgent"] = f"tool/1 ({text}) end"
    return Field.USER_AGENT


def in_message(made: dict[str, Any], text: str) -> Field:
    made["errorMessage"] = f"not allowed: {text}"
    return Field.ERROR_MESSAGE


def in_copy_source(made: dict[str, Any], text: str) -> Field:
    made["requestParameters"] = {**made["requestParameters"], "x-amz-copy-source": f"source/{text}/x.csv"}
    return Field.COPY_SOURCE


SHOWN_IN = st.sampled_from([in_key, in_bucket, in_user_agent, in_message, in_copy_source])


def left_of(made: dict[str, Any], text: str, shown_in: Place, level: Level = STANDARD) -> str:
    """What is shown of a text in a place of a record."""
    made["requestParameters"] = {"bucketName": "payments-prod", "key": "x", **made["requestParameters"]}
    field = shown_in(made, text)
    return shown(made, level)[field]


# --- escapes that somebody reads ------------------------------------------------------------------------------------------------

ESCAPES: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "upper": str.upper,
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "every octet": lambda text: "".join(f"%{octet:02x}" for octet in text.encode()),
    "HTML": lambda text: "".join(f"&#{ord(character)};" if not character.isalnum() else character for character in text),
    "HTML in hexadecimal": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "JSON": lambda text: "".join(f"\\u{ord(character):04x}" if not character.isalnum() else character for character in text),
}
ESCAPED = st.sampled_from(sorted(ESCAPES)).map(ESCAPES.__getitem__)


# --- account ids --------------------------------------------------------------------------------------------------------------


def arn(account: str) -> str:
    return f"arn:aws:iam::{account}:role/deploy"


ACCOUNT_NAMED_BY: dict[str, Callable[[str], dict[str, Any]]] = {
    "userIdentity.accountId": lambda account: {"userIdentity": {"type": "AWSAccount", "accountId": account}},
    "a number": lambda account: {"userIdentity": {"type": "AWSAccount", "accountId": int(account)}},
    "recipientAccountId": lambda account: {"recipientAccountId": account},
    "vpcEndpointAccountId": lambda account: {"vpcEndpointAccountId": account},
    "for whom a service acts": lambda account: {
        "userIdentity": {"type": "AWSService", "invokedBy": "config.amazonaws.com", "inScopeOf": {"sourceAccount": account}}
    },
    "a session's issuer": lambda account: {
        "userIdentity": {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": arn(account)}}}
    },
    "a web identity's provider": lambda account: {
        "userIdentity": {
            "type": "AssumedRole",
            "sessionContext": {"webIdFederationData": {"federatedProvider": f"arn:aws:iam::{account}:oidc-provider/x"}},
        }
    },
    "the sixtieth resource": lambda account: {"resources": [{"type": "x"}] * 60 + [{"accountId": account}]},
    "an expected owner": lambda account: {
        "requestParameters": {"bucketName": "payments-prod", "key": "x", "x-amz-expected-bucket-owner": account}
    },
    "an expected owner of the source": lambda account: {
        "requestParameters": {"bucketName": "payments-prod", "key": "x", "x-amz-source-expected-bucket-owner": account}
    },
    "an ARN of the answer": lambda account: {"responseElements": {"a": [{"b": arn(account)}]}},
    "an ARN in a sentence": lambda account: {"errorMessage": f"{arn(account)} may not"},
    "an ARN that is cut": lambda account: {"userAgent": f"tool/1 role=arn:aws:iam::{account}"},
    "an encoded ARN": lambda account: {
        "additionalEventData": {"x": quote(f"arn:aws:s3:us-west-2:{account}:accesspoint/p", safe="")}
    },
    "a trail's log": lambda account: {"additionalEventData": {"x": f"AWSLogs/{account}/CloudTrail/us-east-1/x.json.gz"}},
    "an organization's log": lambda account: {"additionalEventData": {"x": f"logs/AWSLogs/o-abc123/{account}/x.json.gz"}},
    "flow logs": lambda account: {"additionalEventData": {"x": f"AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/x"}},
    "a log file": lambda account: {"additionalEventData": {"x": f"copy/{account}_CloudTrail_us-east-1_20261101T0000Z_x.json.gz"}},
}
ACCOUNT_SPELLINGS: list[Callable[[str], str]] = [
    str,
    lambda account: "-".join((account[:4], account[4:8], account[8:])),
    lambda account: " ".join((account[:4], account[4:8], account[8:])),
    lambda account: "+".join((account[:4], account[4:8], account[8:])),
]


@pytest.mark.parametrize("place", ACCOUNT_NAMED_BY)
@given(ACCOUNT_IDS, st.sampled_from(ACCOUNT_SPELLINGS), ESCAPED, SHOWN_IN)
def test_an_account_id_is_hidden_wherever_the_record_names_it(
    place: str, account: str, spelling: Escape, escape: Escape, shown_in: Place
) -> None:
    made = record(**ACCOUNT_NAMED_BY[place](account))
    text = escape(spelling(account))
    value = left_of(made, text, shown_in if "sentence" not in place and "cut" not in place else in_key)
    assert text not in value
    assert account not in "\0".join(shown(made).values())
    assert "************" in value


@pytest.mark.parametrize("word", ["anonymous", "ANONYMOUS_PRINCIPAL", "CloudFront"])
def test_what_is_no_account_id_is_not_hidden_as_one(word: str) -> None:
    made = record(userIdentity={"type": "AWSAccount", "accountId": word, "principalId": word})
    assert left_of(made, word, in_user_agent) == f"tool/1 ({word}) end"
    assert left_of(made, word, in_key) == f"in/{word}/x.csv"
    assert shown(made)[Field.ACCOUNT] == word


@given(ACCOUNT_IDS.filter(lambda account: account != "111122223333"))
def test_twelve_digits_that_the_record_names_nowhere_stay(account: str) -> None:
    assert left_of(record(), account, in_key) == f"in/{account}/x.csv"


def test_a_level_that_keeps_the_account_hides_none() -> None:
    kept = Level("some", 1, MappingProxyType(dict.fromkeys(Field, Operator.KEEP)))
    assert left_of(record(vpcEndpointAccountId="444455556666"), "444455556666", in_key, kept) == "in/444455556666/x.csv"


def test_a_text_beside_the_event_loses_the_account_ids_that_the_event_names() -> None:
    event = Event(record(vpcEndpointAccountId="444455556666"), "test")
    assert redact("of 4444-5555-6666", event, decide(event, policy_set(), NOW), STANDARD) == "of ************"


# --- addresses ----------------------------------------------------------------------------------------------------------------

SOURCES: dict[str, Callable[[str], str]] = {
    "alone": str,
    "with a port": lambda address: f"[{address}]:52311" if ":" in address else f"{address}:52311",
    "in brackets": lambda address: f"[{address}]",
    "first of a list": lambda address: f"{address}, 198.51.100.77",
    "last of a list": lambda address: f"198.51.100.77,{address}",
    "in a list, with a port": lambda address: f"198.51.100.77, [{address}]:8080, unknown",
    "as a header writes it": lambda address: f'for="[{address}]:4711";proto=https',
}
ADDRESSES_V4 = st.ip_addresses(v=4, network="203.0.113.0/24") | st.ip_addresses(v=4)
ADDRESSES_V6 = st.ip_addresses(v=6, network="2001:db8::/32") | st.ip_addresses(v=6, network="2000::/3")


@st.composite
def written_v4(draw: st.DrawFn) -> tuple[str, str]:
    """An IPv4 address, and a text that holds it."""
    address: IPv4Address = draw(ADDRESSES_V4)
    octets = str(address).split(".")
    filled = [octet.zfill(3) for octet in octets] if draw(st.booleans()) else octets
    return str(address), draw(ESCAPED)(draw(st.sampled_from(["ip-", "ip ", ""])) + draw(SEPARATORS).join(filled))


@st.composite
def written_v6(draw: st.DrawFn) -> tuple[str, str]:
    """An IPv6 address, and a text that holds it."""
    address: IPv6Address = draw(ADDRESSES_V6)
    number, separator = int(address), draw(st.sampled_from("-_.:/,"))
    forms = [
        address.compressed.replace(":", separator),
        address.exploded.replace(":", separator),
        f"{number:032x}",
        separator.join(reversed(f"{number:032x}")),
        str(number) if number >= 10**7 else address.exploded,
    ]
    return str(address), f"ip{draw(st.sampled_from(forms))}"


@pytest.mark.parametrize("source", SOURCES)
@given(written_v4() | written_v6(), SHOWN_IN)
def test_each_address_of_a_source_is_hidden_with_any_separator(source: str, written: tuple[str, str], shown_in: Place) -> None:
    address, text = written
    value = left_of(record(sourceIPAddress=SOURCES[source](address)), text, shown_in)
    assert text not in value
    assert "***" in value


@pytest.mark.parametrize(
    "text",
    [
        "ec2-203-0-113-7.ap-northeast-1.compute.amazonaws.com",
        "ip-203-0-113-7.ec2.internal",
        "::ffff:203.0.113.7",
        "::ffff:cb00:7107",
        "__ffff_cb00_7107",
        "64:ff9b::cb00:7107",
        "cb-00-71-07",
        "cb:00:71:07",
        "203[.]0[.]113[.]7",
        "203&#46;0&#46;113&#46;7",
        "203/0/113/7",
    ],
)
def test_the_host_names_and_notations_of_an_address_are_hidden(text: str) -> None:
    value = left_of(record(sourceIPAddress="203.0.113.7"), text, in_key)
    assert "***" in value
    assert "113" not in value
    assert "7107" not in value


@pytest.mark.parametrize("text", ["data/000007.csv", "2026-11-01/10", "part-00007", "a/b/c/d", "10-20-30"])
def test_words_that_no_one_reads_as_the_address_stay(text: str) -> None:
    assert left_of(record(sourceIPAddress="10.0.0.7"), text, in_key) == f"in/{text}/x.csv"


# --- names --------------------------------------------------------------------------------------------------------------------

NAME_PARTS = st.lists(st.text("abcdefghijklmnopqrstuvwxyzéíñüøễßÅ", min_size=4, max_size=6), min_size=1, max_size=3)


@st.composite
def written_names(draw: st.DrawFn) -> tuple[str, str]:
    """A person's e-mail address, and a text that holds the name of it."""
    parts = draw(NAME_PARTS)
    other = normalize(draw(st.sampled_from(["NFC", "NFD"])), draw(st.sampled_from("._-")).join(parts))  # type: ignore[arg-type]
    try:
        text = quote(other, safe="", encoding="latin-1") if draw(st.booleans()) else draw(ESCAPED)(other)
    except UnicodeEncodeError:
        text = other
    return f"{draw(st.sampled_from('._-')).join(parts)}{draw(st.sampled_from(['', '+aws', '+prod.x']))}@example.com", text


@given(written_names(), SHOWN_IN)
def test_a_name_is_hidden_without_its_tag_with_other_separators_and_however_it_is_composed(
    written: tuple[str, str], shown_in: Place
) -> None:
    session, text = written
    arn = f"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Analyst_0123456789abcdef/{session}"
    value = left_of(record(userIdentity={"type": "AssumedRole", "arn": arn}), text, shown_in, NAMES_MASKED)
    assert text not in value
    assert "***" in value or "\N{REPLACEMENT CHARACTER}" in value  # S3 reads no Latin-1 in a copy's source


# --- access keys --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The AWS Access Key Id AKIAIOSFODNN7EXAMPLE does not exist", "The AWS Access Key Id *** does not exist"),
        ("x?X-Amz-Credential=AKIAI44QH8DHBEXAMPLE%2F20261101%2Fus-east-1", "x?X-Amz-Credential=***%2F20261101%2Fus-east-1"),
        ("keys/ASIAEXAMPLE7CAL7", "keys/***"),
        ("keys/asiaexample7cal7", "keys/***"),
        ("the asia-pacific-region", "the asia-pacific-region"),
    ],
)
def test_ids_of_access_keys_are_hidden_also_others_and_the_part_that_is_not_shown(text: str, left: str) -> None:
    made = record(errorMessage=text)
    made["userIdentity"] = {**made["userIdentity"], "accessKeyId": "ASIAEXAMPLE7CAL7LER7"}
    assert shown(made)[Field.ERROR_MESSAGE] == left
    assert shown(made)[Field.ACCESS_KEY] == "***LER7"
