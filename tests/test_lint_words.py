# ruff: noqa: E501, RUF001  a finding is one line, as it is printed; curly quotes are what is tested
"""What a mistaken author is told to write instead, where YAML, JMESPath or another language leads elsewhere than meant."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from engine.cli import trailbell
from engine.lint import lint
from engine.lint.fix import fixed
from engine.lint.registry import BASE, HEADER
from engine.policy.source import Source, parse_source

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FIRST_LINE = HEADER.count("\n") + 1


def sources(**texts: str) -> dict[str, Source]:
    """Files beside `BASE`; names without their suffix."""
    return {f"{name}.yaml": parse_source(text.encode(), f"{name}.yaml") for name, text in {"base": BASE, **texts}.items()}


def of(body: str) -> list[str]:
    """The findings of a file, each with its line in the body (from 1) and column."""
    findings = lint(list(sources(example=HEADER + body).values()), NOW)
    return [
        f"{finding.where.line - FIRST_LINE + 1}:{finding.where.column} {finding.line.partition(': ')[2]}" for finding in findings
    ]


@pytest.mark.parametrize(
    ("when", "lines"),
    [
        ("!access.denied", ['3:11 YAML reads !access.denied as a tag; quote the expression: "!(access.denied)" [TB104]']),
        ("!regex(userAgent, 'x')", ["3:11 YAML reads what begins with ! as a tag; quote the expression, the ! included [TB104]"]),
        (
            "!(access.denied) && readOnly",
            ["3:11 YAML reads what begins with ! as a tag; quote the expression, the ! included [TB104]"],
        ),
        ("`null` == errorCode", ["3:11 a value that begins with ` means something else in YAML; quote the whole value [TB101]"]),
        ("'Root' == userIdentity.type", ["3:11 this value goes on after its closing quote; quote the whole value [TB101]"]),
        ("[glob(key, 'a*'), access.denied]", ["3:20 a comma within [ ] ends the value; quote the expression [TB101]"]),
        (
            "[regex(a, b), access.denied]",
            [
                "3:19 the expression ends too early; quote the expression: a comma within [ ] or { } ends a value [TB201]",
                "3:22 `)` is not expected here; quote the expression: a comma within [ ] or { } ends a value [TB201]",
            ],
        ),
        (
            "!regex(userAgent, 'x')\n      && readOnly",
            ["3:11 YAML reads what begins with ! as a tag; quote the expression, the ! included [TB104]"],
        ),
        ("key == 'a: b'", ["3:20 a colon and a space within a value; quote the whole value [TB101]"]),
    ],
)
def test_yaml_that_means_something_else(when: str, lines: list[str]) -> None:
    assert of(f"routes:\n  - id: r\n    when: {when}\n    notify: [watch]\n") == lines


@pytest.mark.parametrize(
    ("route", "lines"),
    [
        (
            "{id: r, when: glob(key, 'a*'), notify: [watch]}",
            ["2:27 a comma within { } ends the value; quote the expression [TB101]"],
        ),
        (
            "{id: r, when: resources[0].ARN == 'x', notify: [watch]}",
            ["2:28 YAML reads [ within { } as the start of a list or mapping; quote the expression [TB101]"],
        ),
        (
            "{id: r, when: contains(['a', 'b'], bucket), notify: [watch]}",
            ["2:28 YAML reads [ within { } as the start of a list or mapping; quote the expression [TB101]"],
        ),
        (
            "{id: r, when: regex(a, b), notify: [watch]}",
            ["2:28 there is no key 'b)' here; quote the expression before it: a comma within { } ends a value [TB111]"],
        ),
        ("{id: r, notify: [watch}", ["2:21 this bracket is never closed; close it with ] [TB101]"]),
        (
            "{id: r, notify: [watch], title: '<b> {bucket is read'}",
            ["2:42 this { has no partner; a field stands between { and }, as in {bucket} [TB114]"],
        ),
        (
            "{id: r, notify: [watch], title: '{actor.name} reads'}",
            ["2:38 there is no message field 'actor.name'; write {name} [TB301]"],
        ),
        (
            "{id: r, notify: [watch], title: '{nmae} reads'}",
            ["2:38 there is no message field 'nmae'; did you mean name? [TB301]"],
        ),
    ],
)
def test_a_route_in_braces(route: str, lines: list[str]) -> None:
    assert of(f"routes:\n  - {route}\n") == lines


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        ("access.denied or readOnly", "`or` is not expected here; write || instead of or"),
        ("access.denied AND readOnly", "`AND` is not expected here; write && instead of AND"),
        ("not access.denied", "`access` is not expected here; write ! instead of not, and parentheses: !(…)"),
        ("bucket in ['a', 'b']", "`in` is not expected here; one of several values is written contains(['a', 'b'], bucket)"),
        ("bucket not in ['a', 'b']", "`not` is not expected here; write ! before parentheses, as in !(bucket == 'a'); one of several values is written contains(['a', 'b'], bucket)"),
        ("key like 'a%'", "`like` is not expected here; write glob(key, 'a*') instead of like"),
        ("errorCode is null", "`is` is not expected here; write == instead of is, and null as `null`"),
        ("additionalEventData.bytesTransferredOut > 1000000", "`1000000` is not expected here; a number has backticks: `1000000`"),
        ("requestParameters.x-amz-acl == 'private'", '`-` is not expected here; a name with a dash has double quotes: "x-amz-acl"'),
        ("actor.role == payments-nightly", "`-` is not expected here; a text has single quotes: 'payments-nightly'"),
        ("actor.role == job-2", "`-2` is not expected here; a text has single quotes: 'job-2'"),
        ("actor.role == ‘nightly’", "`‘` is not expected here; write straight single quotes: 'text'"),
        ("actor.role == “nightly”", "`“` is not expected here; write straight single quotes: 'text'"),
        ("userAgent =~ 'Boto3'", "`=` is not an operator; write regex(field, 'pattern') instead of =~"),
        ("actor.role = 'x'", "`=` is not an operator; write =="),
        ("actor.role <> 'x'", "`>` is not expected here; write != instead of <>"),
        ("startsWith(key, 'a')", "there is no function startsWith(); did you mean starts_with()?"),
        ("matches(key, 'a')", "there is no function matches(); did you mean regex()?"),
        ("regex(key, '*.csv')", "RE2 does not take this regular expression: no argument for repetition operator: *; a * alone is that of glob(); in a regular expression .* is any text"),
    ],
)  # fmt: skip
def test_words_of_other_languages(expression: str, line: str) -> None:
    (found,) = of(f"routes:\n  - {{id: r, notify: [watch], when: {json.dumps(expression, ensure_ascii=False)}}}\n")
    assert found.partition(" ")[2] == f"{line} [TB201]"


@pytest.mark.parametrize(
    ("scope", "instead"),
    [
        ("arn:aws:s3:::payments-prod", "write the name of the bucket: payments-prod"),
        ("arn:aws:s3:::payments-prod/*", "write the name of the bucket: payments-prod"),
        ("s3://payments-prod", "write the name of the bucket: payments-prod"),
        (
            "payments-prod/reports/*",
            "write the name of the bucket, payments-prod, and test the key in when: glob(key, 'reports/*')",
        ),
        ("payments prod", "names have lower-case letters, digits, dots and dashes; * and ? stand for any"),
    ],
)
def test_a_scope_that_is_more_than_a_bucket(scope: str, instead: str) -> None:
    assert of(f'buckets: ["{scope}"]\n') == [f"1:11 buckets: '{scope}' has the wrong form; {instead} [TB114]"]


def test_no_fix_writes_the_reason_of_a_mute() -> None:
    before = sources(example=HEADER + "routes:\n  - {id: r, when: actor.role == 'x', mute: true}\n")
    after, fixes = fixed(before, lambda current: lint(list(current.values()), NOW))
    assert (fixes, after["example.yaml"].text) == (0, before["example.yaml"].text)
    assert [finding.instead for finding in lint(list(after.values()), NOW)] == ["write the reason: mute: a nightly job, OPS-1"]


@pytest.mark.parametrize("broken", ["version: [", HEADER.replace("example", "broken") + "rutes: []\n"])
def test_a_file_that_does_not_load_hides_nothing_of_the_others(broken: str) -> None:
    body = (
        "routes:\n  - {id: a, notify: [of-the-broken-file], when: actr.role == 'x'}\n"
        "  - {id: b, notify: [watch], when: a =}\n  - {id: b, notify: [watch], masking: of-the-broken-file}\n"
    )
    findings = lint(list(sources(broken=broken, example=HEADER + body).values()), NOW)
    assert [(finding.where.line, finding.code) for finding in findings if finding.where.path == "example.yaml"] == [
        (5, "TB202"),
        (6, "TB201"),
        (7, "TB302"),
    ]


def test_a_name_that_nothing_has_hides_nothing_of_the_other_files() -> None:
    broken = HEADER.replace("example", "broken") + "routes:\n  - {id: a, when: access.denied, notify: [no-such-channel]}\n"
    body = "routes:\n  - {id: a, notify: [watch], when: access.denied}\n  - {id: b, notify: [watch], when: access.denied}\n"
    both = lint(list(sources(broken=broken, example=HEADER + body).values()), NOW)
    assert [(finding.where.path, finding.where.line, finding.code) for finding in both] == [
        ("broken.yaml", 5, "TB301"),
        ("example.yaml", 6, "TB402"),
    ]


def test_a_condition_that_does_not_compile_breaks_no_check_of_the_files_that_use_it() -> None:
    broken = HEADER.replace("example", "broken") + "conditions:\n  odd: key ==\n"
    body = "routes:\n  - {id: a, notify: [watch], when: \"holds('odd')\"}\n"
    findings = lint(list(sources(broken=broken, example=HEADER + body).values()), NOW)
    assert {finding.code for finding in findings} == {"TB201"}


def test_a_mute_that_takes_all_of_a_route_is_named_first() -> None:
    mute = "buckets: [a-bucket]\nroutes:\n  - {id: night, when: actor.role == 'night', mute: OPS-1}\n"
    assert of(mute + "  - {id: writes, when: actor.role == 'night' && access.kind == 'write', notify: [watch]}\n") == [
        "4:10 the mute night, at line 6, takes all that this route is about; narrow that mute, or put this route before it [TB402]"
    ]


def test_routes_that_leave_nothing_together_are_all_named() -> None:
    routes = "routes:\n  - {id: a, when: access.denied, notify: [watch]}\n  - {id: b, when: access.denied != `true`, notify: [watch]}\n"
    assert of(routes + "  - {id: c, when: key == 'x', notify: [watch]}\n") == [
        (
            "4:10 this route never decides: a, at line 5, and b, at line 6, together always do before it; "
            "put it before them, or delete it [TB402]"
        )
    ]


def test_a_folder_that_is_not_there_is_asked_for_as_the_command_takes_it(tmp_path: object) -> None:
    done = CliRunner().invoke(trailbell, ["lint", f"{tmp_path}/none"])
    assert "--policies" not in done.output
    assert "give the path of the folder" in done.output


def test_a_code_that_does_not_exist_is_answered_with_where_the_codes_are_listed() -> None:
    assert (
        "there is no finding TB999; --explain all lists them"
        in CliRunner().invoke(trailbell, ["lint", "--explain", "TB999"]).output
    )
