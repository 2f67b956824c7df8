"""The masking law: beyond what its own operator prints, no masked value comes back, however it is placed and disguised.

The oracle reads a text as somebody curious would: it decodes, folds and parses everything that may be an address.
"""

from __future__ import annotations

import ipaddress
import re
import string
from copy import deepcopy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from builders import NOW, actor, policy_set
from hypothesis import assume, given
from hypothesis import strategies as st
from messages import DEPLOYED, lines, linked, request, tokyo

from engine.model import FIELD_OPERATORS, Detail, Event, Field, HashKey, Language, Level, Operator
from engine.pipeline.decide import decide
from engine.pipeline.mask import mask
from engine.pipeline.render import plain, render

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = HashKey("1", bytes(32))
SOUGHT = (Field.SOURCE_IP, Field.NAME, Field.SESSION, Field.ACCESS_KEY, Field.PRINCIPAL, Field.BUCKET, Field.KEY, Field.ROLE)
CHOSEN = {Field.NAME, Field.SESSION, Field.KEY}
"""What the caller of these events chose, of what is sought."""
BY_AWS = {Field.EVENT, Field.BUCKET, Field.ROLE, Field.REGION, Field.ACTOR_TYPE, Field.ERROR_CODE}
OWN_WORDS = {Field.CLASS, Field.EVIDENCE}
PLACES = ("userAgent", "errorMessage", "key", "session", "bucket")

levels = st.fixed_dictionaries({field: st.sampled_from(sorted(FIELD_OPERATORS[field])) for field in Field}).map(
    lambda operators: Level("some", 1, MappingProxyType(operators))
)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), st.sampled_from(["203.0.113.7", "2001:db8::a:1"])).map(str)
words = st.text(string.ascii_letters + string.digits + "+=,.@_-/ %é", min_size=4, max_size=24).filter(
    lambda word: word.strip("*% ") and not word.isspace()
)


def v6_forms(address: str) -> list[str]:
    parsed = ipaddress.IPv6Address(address)
    tail = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
    head = ":".join(parsed.exploded.split(":")[:6])
    return [parsed.exploded, parsed.compressed, parsed.compressed.replace(":", "-"), f"{head}:{tail}", parsed.exploded.upper()]


def v4_forms(address: str) -> list[str]:
    octets = address.split(".")
    number = int(ipaddress.IPv4Address(address))
    return [
        "-".join(octets),
        ".".join(octet.zfill(3) for octet in octets),
        f"::ffff:{address}",
        ipaddress.IPv6Address(number | 0xFFFF << 32).exploded,
        f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}",
    ]


def forms(value: str) -> list[str]:
    """Ways to write a value, all of which the policy language names."""
    common = [value, value.upper(), value.lower(), quote(value, safe=""), quote(quote(value, safe=""), safe="")]
    common += ["".join(f"%{byte:02X}" for byte in value.encode()), value.swapcase()]
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return common
    return common + (v4_forms(value) if address.version == 4 else v6_forms(value))


disguises: st.SearchStrategy[Callable[[str], str]] = st.integers(0, 30).map(
    lambda number: lambda value: forms(value)[number % len(forms(value))]
)


def readings(text: str) -> list[str]:
    found = [text]
    for _ in range(2):
        found.append(unquote(found[-1]))
    return [reading.casefold().replace("+", " ") for reading in found]


def reads_as(text: str, address: str) -> bool:
    """Whether some part of a text is an address."""
    wanted = ipaddress.ip_address(address)
    wanted = getattr(wanted, "ipv4_mapped", None) or wanted
    for reading in readings(text):
        for token in re.findall(r"[0-9a-f:.]{3,45}", reading.replace("-", ":")) + re.findall(
            r"[0-9.]{7,15}", reading.replace("-", ".")
        ):
            plain = ".".join(part.lstrip("0") or "0" for part in token.split(".")) if ":" not in token else token
            try:
                parsed = ipaddress.ip_address(plain.strip("."))
            except ValueError:
                continue
            if (getattr(parsed, "ipv4_mapped", None) or parsed) == wanted:
                return True
    return False


def told(text: str, value: str) -> bool:
    folded = value.casefold().replace("+", " ")
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return any(folded in reading for reading in readings(text))
    return any(folded in reading for reading in readings(text)) or reads_as(text, value)


def made(secret: dict[str, str], placed: dict[str, str]) -> Event:
    """An assumed role's read of an object, with what is to be hidden also placed elsewhere."""
    session = secret["session"] + placed["session"]
    return Event(
        {
            "eventName": "GetObject",
            "eventSource": "s3.amazonaws.com",
            "sourceIPAddress": secret["address"],
            "userAgent": placed["userAgent"],
            "errorMessage": placed["errorMessage"],
            "userIdentity": {
                "type": "AssumedRole",
                "arn": f"arn:aws:sts::111122223333:assumed-role/{secret['role']}/{session}",
                "principalId": f"AROAEXAMPLE:{session}",
                "accountId": "111122223333",
                "accessKeyId": secret["access"],
            },
            "requestParameters": {"bucketName": "payments-" + placed["bucket"], "key": f"in/{placed['key']}.csv"},
        },
        "test",
    )


@st.composite
def events(draw: st.DrawFn) -> Event:
    secret = {name: draw(words) for name in ("session", "role", "access")} | {"address": draw(addresses)}
    edges = st.text(string.ascii_letters + " ;-", max_size=4)

    def place() -> str:
        value = draw(st.sampled_from([*sorted(secret.values()), "111122223333"]))
        return draw(edges) + draw(disguises)(value) + draw(edges) if draw(st.booleans()) else ""

    return made(secret, {name: place() for name in PLACES})


@given(events(), levels, st.booleans())
def test_a_masked_value_stands_in_no_other_field(event: Event, level: Level, keyed: bool) -> None:  # noqa: FBT001
    decision = decide(event, policy_set(actors=(actor("anyone", "`true`"),)), NOW)
    everything = mask(event, decision, Level("all", 1, MappingProxyType(dict.fromkeys(Field, Operator.KEEP))), None).values
    shown = mask(event, decision, level, KEY if keyed else None).values
    for field in SOUGHT:
        value = everything.get(field)
        if value is None or len(value) < 4 or level.operators[field] is Operator.KEEP:
            continue
        for other, text in shown.items():
            chosen = field in CHOSEN and other in BY_AWS
            if other is not field and not chosen and other not in OWN_WORDS and level.operators[other] is not Operator.HASH:
                assert not told(text, value), (field, other)


@given(events(), levels, st.booleans())
def test_what_the_caller_chose_hides_nothing_of_what_aws_wrote(event: Event, level: Level, keyed: bool) -> None:  # noqa: FBT001
    """Whatever an assumed role's session, agent and key repeat of them: these fields are shown as if they were not there."""
    plain = deepcopy(event.record)
    session = event.record["userIdentity"]["arn"].rpartition("/")[2]
    plain["userIdentity"]["arn"] = plain["userIdentity"]["arn"].removesuffix(session) + "s"
    plain["userIdentity"]["principalId"] = "AROAEXAMPLE:s"
    plain["userAgent"], plain["requestParameters"]["key"] = "", "k"
    key = KEY if keyed else None
    shown, unrepeated = (mask(one, decide(one, policy_set(), NOW), level, key).values for one in (event, Event(plain, "test")))
    for field in BY_AWS & shown.keys():
        if level.operators[field] is Operator.KEEP:
            assert shown[field] == unrepeated[field]


@given(events(), levels)
def test_a_masked_account_stands_nowhere(event: Event, level: Level) -> None:
    assume(level.operators[Field.ACCOUNT] is not Operator.KEEP)
    shown = mask(event, decide(event, policy_set(), NOW), level, KEY).values
    for field, text in shown.items():
        if level.operators[field] is not Operator.HASH:
            assert not told(text, "111122223333"), field


@given(events(), levels)
def test_its_own_print_shows_no_whole_value(event: Event, level: Level) -> None:
    decision = decide(event, policy_set(), NOW)
    shown = mask(event, decision, level, KEY).values
    address: Any = event.record["sourceIPAddress"]
    if level.operators[Field.SOURCE_IP] in (Operator.NETWORK, Operator.MASK):
        network = ipaddress.ip_network(shown[Field.SOURCE_IP])
        assert network.num_addresses >= 256
        assert (getattr(ipaddress.ip_address(address), "ipv4_mapped", None) or ipaddress.ip_address(address)) in network
    if level.operators[Field.ACCESS_KEY] in (Operator.LAST4, Operator.MASK):
        assert len(shown[Field.ACCESS_KEY].replace("*", "")) <= 4


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["arn", "accountId", "type", "key"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "userIdentity",
                "requestParameters",
                "resources",
                "sourceIPAddress",
                "userAgent",
                "errorCode",
                "errorMessage",
                "eventID",
            ]
        ),
        json_values,
    ),
    levels,
)
def test_masking_never_raises_and_every_value_is_text(record: dict[str, Any], level: Level) -> None:
    event = Event(record, "test")
    shown = mask(event, decide(event, policy_set(), NOW), level, KEY)
    assert all(isinstance(text, str) for text in shown.values.values())


@given(events(), levels, st.booleans(), st.sampled_from(Language))
def test_a_masked_value_stands_in_no_line_and_in_no_link_of_a_message(
    event: Event,
    level: Level,
    keyed: bool,  # noqa: FBT001
    language: Language,
) -> None:
    """Of eight characters and more: what is shorter may be a part of our own words, or of a pseudonym."""
    policies = policy_set(actors=(actor("anyone", "`true`"),))
    decision = decide(event, policies, NOW)
    everything = mask(event, decision, Level("all", 1, MappingProxyType(dict.fromkeys(Field, Operator.KEEP))), None).values
    masked = mask(event, decision, level, KEY if keyed else None)
    made = render(masked, decision, request(level, detail=Detail.FULL), tokyo(language=language), DEPLOYED)
    shown = "\n".join([made.payload["text"], plain(made).payload["text"], *lines(made), *map(unquote, linked(made).values())])
    for field in SOUGHT:
        value = everything.get(field)
        operator = level.operators[field]
        if value is None or len(value) < 8 or operator is Operator.KEEP or value in masked.values.values():
            continue
        if field is Field.SOURCE_IP and operator is not Operator.DROP and value.split("/")[0] in masked.values.get(field, ""):
            continue  # an address that is its network's own
        if field in CHOSEN and any(told(masked.values.get(other, ""), value) for other in BY_AWS):
            continue  # the caller repeated it; it tells nothing of them
        assert not told(shown, value), field
    if level.operators[Field.ACCOUNT] is not Operator.KEEP:
        assert not told(shown, "111122223333")
