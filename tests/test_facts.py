"""The facts of a record, shape by shape, as real records have them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import actor, event, record
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Event, Facts
from engine.pipeline import facts as module
from engine.pipeline.facts import LONGEST_HEAD, _Roles, assumed_role, document, facts


def of(**changes: Any) -> Facts:
    return facts(event(**changes))


def identity(**parts: Any) -> Facts:
    return of(userIdentity=parts)


# --- who -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (
            "arn:aws:sts::111122223333:assumed-role/reader/0123456789abcdef0123456789abcdef",
            ("reader", "0123456789abcdef0123456789abcdef"),
        ),
        ("arn:aws:sts::111122223333:assumed-role/a/path/reader/me@example.com", ("reader", "me@example.com")),
        ("arn:aws-cn:sts::111122223333:assumed-role/reader/s", ("reader", "s")),
    ],
)
def test_role_and_session_come_from_the_assumed_roles_arn(arn: str, expected: tuple[str, str]) -> None:
    got = identity(type="AssumedRole", arn=arn)
    assert (got.role, got.session, got.actor_name) == (*expected, expected[1])


def test_without_an_arn_they_come_from_the_issuer_and_the_principal() -> None:
    issuer = {"type": "Role", "arn": "arn:aws:iam::111122223333:role/service-role/reader", "userName": "reader"}
    got = identity(type="AssumedRole", principalId="AROAEXAMPLE:session", sessionContext={"sessionIssuer": issuer})
    assert (got.role, got.session) == ("reader", "session")


def test_an_iam_user_has_a_name_and_no_role() -> None:
    got = identity(type="IAMUser", userName="alice", arn="arn:aws:iam::111122223333:user/alice")
    assert (got.actor_name, got.role, got.session) == ("alice", None, None)


def test_the_path_of_an_iam_user_names_no_role() -> None:
    got = identity(type="IAMUser", userName="mallory", arn="arn:aws:iam::111122223333:user/:assumed-role/reader/mallory")
    assert (got.actor_name, got.role, got.session) == ("mallory", None, None)


def test_an_iam_user_without_a_name_is_named_by_its_arn() -> None:
    assert identity(type="IAMUser", arn="arn:aws:iam::111122223333:user/path/alice").actor_name == "alice"
    assert identity(type="FederatedUser", arn="arn:aws:sts::111122223333:federated-user/alice").actor_name == "alice"
    assert identity(type="FederatedUser", arn="arn:aws:iam::111122223333:user/alice").actor_name is None


def test_a_service_is_named_by_its_host() -> None:
    got = identity(type="AWSService", invokedBy="athena.amazonaws.com")
    assert (got.actor_name, got.service, got.account, got.cross_account) == (
        "athena.amazonaws.com",
        "athena.amazonaws.com",
        None,
        False,
    )


# --- from where, and how ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", ("203.0.113.7", "ipv4", False)),
        ("10.1.2.3", ("10.1.2.3", "ipv4", True)),
        ("172.31.0.1", ("172.31.0.1", "ipv4", True)),
        ("172.32.0.1", ("172.32.0.1", "ipv4", False)),
        ("2001:db8::1", ("2001:db8::1", "ipv6", False)),
        ("fd00::1", ("fd00::1", "ipv6", True)),
        ("fe80::1%eth0", ("fe80::1%eth0", "ipv6", True)),
        ("::1", ("::1", "ipv6", True)),
        ("::ffff:10.0.0.7", ("::ffff:10.0.0.7", "ipv4", True)),
        ("athena.amazonaws.com", (None, "service", None)),
        ("s3.cn-north-1.amazonaws.com.cn", (None, "service", None)),
        ("AWS Internal", (None, "none", None)),
        ("253.252.51.07", (None, "none", None)),
        ("evil.amazonaws.com.example.com", (None, "none", None)),
        ("203.0.113.9, 10.0.0.1", (None, "none", None)),
        (None, (None, "none", None)),
        (7, (None, "none", None)),
    ],
)
def test_where_a_call_comes_from(address: object, expected: tuple[str | None, str, bool | None]) -> None:
    got = of(sourceIPAddress=address)
    assert (got.source_ip, got.source_kind, got.source_private) == expected


@pytest.mark.parametrize(
    ("code", "denied"),
    [
        ("AccessDenied", True),
        ("Client.UnauthorizedOperation", True),
        ("VpceAccessDenied", True),
        ("NoSuchKey", False),
        ("", False),
        (None, False),
        (["AccessDenied"], False),
    ],
)
def test_which_error_codes_mean_denied(code: object, *, denied: bool) -> None:
    assert of(errorCode=code).denied is denied


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("GetObject", "read"),
        ("HeadObject", "read"),
        ("SelectObjectContent", "read"),
        ("PutObject", "write"),
        ("CopyObject", "write"),
        ("CompleteMultipartUpload", "write"),
        ("RestoreObject", "write"),
        ("DeleteObjects", "delete"),
        ("AbortMultipartUpload", "delete"),
        ("ListObjects", "list"),
        ("HeadBucket", "list"),
        ("AssumeRole", "other"),
        (None, "other"),
    ],
)
def test_what_kind_of_access_an_event_is(name: object, kind: str) -> None:
    assert of(eventName=name).access_kind == kind


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-01T09:30:00Z", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30:00", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        (1793525400, None),
    ],
)
def test_the_time_of_an_event(time: object, expected: datetime | None) -> None:
    assert of(eventTime=time).time == expected


# --- the document -----------------------------------------------------------------------------------------------------------


def test_a_matcher_sees_the_record_and_the_facts_beside_it() -> None:
    one = event()
    seen = document(one.record, facts(one), actor("human", "`true`"), actor("human", "`true`").evidence[0])
    assert set(seen) - set(one.record) == {"bucket", "key", "copy", "actor", "source", "access"}
    told = [seen["actor"][name] for name in ("class", "kind", "evidence", "strength")]
    assert told == ["human", "person", "human-sign", "attested"]
    assert seen["eventName"] == "GetObject"


def test_the_repr_of_facts_shows_nothing_of_the_event() -> None:
    assert "203.0.113.7" not in repr(of())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(record())), json_values))
def test_facts_never_raise_whatever_a_record_holds(changes: dict[str, Any]) -> None:
    one = Event({**record(), **changes}, "test")
    assert document(one.record, facts(one))["source"]["kind"] in {"ipv4", "ipv6", "service", "none"}


def test_what_is_kept_of_roles_is_bounded_and_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROLES", _Roles(3))
    long = "r" * LONGEST_HEAD
    for number in (*range(6), *range(6)):
        arn = "arn:aws:sts::111122223333:assumed-role"
        assert assumed_role(f"{arn}/role-{number}/s") == (f"role-{number}", "s")
        assert assumed_role(f"{arn}/{long}{number}/s") == (f"{long}{number}", "s")
        assert assumed_role(f"arn:aws:iam::111122223333:user/{number}/u") is None
        assert len(module.ROLES) <= 3
    assert all(len(head) <= LONGEST_HEAD for head in module.ROLES)
