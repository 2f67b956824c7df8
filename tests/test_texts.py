"""What policies say to readers: texts by language, and aliases of accounts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, STANDARD, event, policy_set
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Detail, Field, Finding, Language, Level, LocalizedText, Operator, PolicySet
from engine.pipeline.decide import decide
from engine.pipeline.mask import mask
from engine.policy.load import check
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = """\
version: 1
name: base
owner: team
default: {notify: [watch], masking: standard}
channels: [{name: watch, webhook: {env: SLACK_WEBHOOK_URL}}]
masking: [{level: standard, fields: {event: keep, bucket: keep, account: mask, arn: keep}}]
"""
HEAD = "version: 1\nname: team\nowner: team\n"


def checked(body: str) -> tuple[PolicySet | None, list[str]]:
    policies, findings = check([parse_source(BASE.encode(), "base.yaml"), parse_source((HEAD + body).encode(), "t.yaml")])
    return policies, [line(one) for one in findings]


def line(finding: Finding) -> str:
    return finding.line.removeprefix("t.yaml:")


def route_text(text: str) -> str:
    return f"routes:\n  - {{id: r, when: access.denied, notify: [watch], title: {text}}}\n"


# --- by language ---------------------------------------------------------------------------------------------------------------


def test_a_text_in_one_language_is_english_and_stands_in_for_the_others() -> None:
    text = LocalizedText("read at night")
    assert [text.in_language(language) for language in Language] == ["read at night", "read at night"]


def test_a_title_what_evidence_says_and_a_classs_title_may_be_in_two_languages() -> None:
    policies, findings = checked(
        route_text("{en: 'denied on {bucket}', ja: '{bucket} への拒否されたアクセス'}")
        + "actors:\n  - class: batch\n    kind: robot\n    title: {en: Batch job, ja: バッチ}\n    evidence:\n"
        + "      - id: role\n        says: {en: the role is the batch's, ja: バッチのロール}\n"
        + "        strength: attested\n        when: actor.role == 'batch'\n"
    )
    assert findings == []
    assert policies is not None
    assert policies.policies[1].routes[0].title == LocalizedText("denied on {bucket}", "{bucket} への拒否されたアクセス")
    assert policies.actors[0].title == LocalizedText("Batch job", "バッチ")
    assert policies.actors[0].evidence[0].says == LocalizedText("the role is the batch's", "バッチのロール")


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("{ja: 'x'}", "5:59: en is missing; add en: in English; it stands in for languages that are not there [TB112]"),
        ("{en: x, de: z}", "5:66: there is no key 'de' here; there is: en, ja [TB111]"),
        ("{en: '{buckt}'}", "5:64: there is no message field 'buckt'; did you mean bucket? [TB301]"),
        (
            "{en: 'on {bucket}', ja: '{key}'}",
            "5:82: en and ja do not have the same placeholders: {bucket}, {key}; use the same fields in each language [TB320]",
        ),
        ("[x]", "5:58: expected text or a mapping, got a list"),
    ],
)
def test_what_is_wrong_with_a_text_is_found_in_its_place(text: str, finding: str) -> None:
    policies, findings = checked(route_text(text))
    assert policies is None
    assert findings[0].startswith(finding)


def test_evidence_may_not_name_a_field_that_does_not_exist() -> None:
    _, findings = checked(
        "actors:\n  - class: batch\n    kind: robot\n    evidence:\n"
        "      - {id: role, says: 'as {rolle}', strength: attested, when: actor.role == 'batch'}\n"
    )
    assert findings == ["8:30: there is no message field 'rolle'; did you mean role? [TB301]"]


def test_the_merged_request_is_as_full_as_the_fullest_that_a_route_asks_for() -> None:
    policies, findings = checked(
        "routes:\n  - {id: short, when: access.denied, notify: [watch], continue: true}\n"
        "  - {id: full, when: access.denied, notify: [watch], detail: full}\n"
    )
    assert findings == []
    assert policies is not None
    requests = decide(event(errorCode="AccessDenied"), policies, NOW).verdict.requests
    assert [request.detail for request in requests] == [Detail.FULL]
    assert decide(event(), policies, NOW).verdict.requests[0].detail is Detail.SHORT


# --- aliases of accounts --------------------------------------------------------------------------------------------------------

NAMES = MappingProxyType({"111122223333": "prod", "444455556666": "logistics"})


def shown(operators: Mapping[Field, Operator], **changes: Any) -> Mapping[Field, str]:
    level = Level("some", 1, MappingProxyType({**STANDARD.operators, **operators}), NAMES)
    one = event(**changes)
    return mask(one, decide(one, policy_set(), NOW), level, None).values


def test_an_alias_takes_the_place_of_the_asterisks_in_account_and_arn() -> None:
    values = shown({}, errorMessage="111122223333 may not")
    assert values[Field.ACCOUNT] == "prod"
    assert values[Field.ARN].startswith("arn:aws:sts::prod:assumed-role/AWSReservedSSO_Analyst_0123456789abcdef/")
    assert values[Field.ERROR_MESSAGE] == "************ may not"


def test_a_masked_arn_has_the_alias_too() -> None:
    assert shown({Field.ARN: Operator.MASK})[Field.ARN] == "arn:aws:sts::prod:assumed-role/***"


@pytest.mark.parametrize("operator", [Operator.HASH, Operator.DROP])
def test_where_the_account_is_not_masked_by_asterisks_its_alias_stands_nowhere(operator: Operator) -> None:
    assert "prod:" not in "".join(shown({Field.ACCOUNT: operator}).values())


def test_an_account_without_an_alias_stays_asterisks() -> None:
    identity = {"type": "AWSAccount", "accountId": "777788889999", "principalId": "AIDAEXAMPLE"}
    assert shown({}, userIdentity=identity)[Field.ACCOUNT] == "************"


@pytest.mark.parametrize("account", ["anonymous", "ANONYMOUS_PRINCIPAL", "CloudFront"])
def test_what_is_no_account_id_is_not_hidden_as_one(account: str) -> None:
    assert shown({}, userIdentity={"type": "AWSAccount", "accountId": account})[Field.ACCOUNT] == account


@given(st.sampled_from(sorted(NAMES)), st.text(max_size=12))
def test_an_id_with_an_alias_is_as_hidden_as_one_without(account: str, text: str) -> None:
    values = shown({}, userIdentity={"type": "IAMUser", "accountId": account, "userName": f"a{account}{text}"})
    assert account not in "".join(values.values())


def test_accounts_takes_ids_and_aliases() -> None:
    policies, findings = checked('account_names: {"111122223333": prod}\naccounts: [prod, "444455556666"]\n')
    assert findings == []
    assert policies is not None
    assert policies.policies[1].accounts == {"111122223333", "444455556666"}
    assert policies.levels[1].account_names == {"111122223333": "prod"}


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ('account_names: {"111122223333": prod}\naccounts: [prd]\n', "5:12: there is no account prd; did you mean prod? [TB301]"),
        ("accounts: [prod]\n", "4:12: there is no account prod; name it in account_names [TB301]"),
        (
            'account_names: {"111122223333": prod, "444455556666": prod}\n',
            "4:55: duplicate alias prod; rename one; the other is at t.yaml:4:33 [TB302]",
        ),
        (
            'account_names: {"111122223333": "123456789012"}\n',
            "4:33: 111122223333: '123456789012' has the wrong form; such as prod",
        ),
        ('account_names: {"1111": prod}\n', "4:17: '1111' has the wrong form; such as \"111122223333\""),
    ],
)
def test_what_is_wrong_with_an_alias_is_found_in_its_place(body: str, finding: str) -> None:
    policies, findings = checked(body)
    assert policies is None
    assert findings[0].startswith(finding)
