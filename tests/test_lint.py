# ruff: noqa: E501  a finding is one line, as it is printed
"""Every mistake found before merge: each code by its examples, its page and its golden file; the formats; the shipped sets.

`TRAILBELL_GOLDEN=write` writes the pages and golden files anew.
"""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from builders import base_files
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cli import trailbell
from engine.lint import lint
from engine.lint.formats import FORMATS, summary, text
from engine.lint.registry import BASE, BY_CODE, CHECKS, HEADER, Check, cases, files, page
from engine.lint.settings import Settings
from engine.model import Finding, FindingSeverity
from engine.policy.bases import with_base
from engine.policy.codes import LOAD_CODES
from engine.policy.load import read, read_fixtures, read_set
from engine.policy.source import Source, parse_source
from engine.prove.findings import proved_problems

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 24, tzinfo=UTC)
GOLDEN = ROOT / "tests/lint"
PAGES = ROOT / "docs/lint"
WRITES = os.environ.get("TRAILBELL_GOLDEN") == "write"

THE_BASE = re.compile("the base is sha256:[0-9a-f]{12}")
"""Another one with each change of the base."""
WITHOUT_EXAMPLE = {"TB107", "TB417"}
"""Of a folder without files, and of a deployment: no text of a policy shows them."""

A_QUARTER = settings(max_examples=settings.default.max_examples // 4)
"""For laws whose every example is the linting of a whole set."""

SHOWN = [check for check in CHECKS if check.code not in WITHOUT_EXAMPLE]


def parsed(texts: dict[str, str]) -> list[Source]:
    return [parse_source(content.encode(), path) for path, content in texts.items()]


def found(texts: dict[str, str], now: datetime = NOW, tests: dict[str, str] | None = None) -> tuple[Finding, ...]:
    return lint(with_base(parsed(texts), Path("policies")), now, parsed(tests or {}), proofs=proved_problems)


def of_example(check: Check, example: str) -> tuple[Finding, ...]:
    return found(files(check, example), tests=cases(check, example))


def of(body: str) -> list[str]:
    """The findings of a file beside `BASE`, without their place."""
    texts = {"base.yaml": BASE, "example.yaml": HEADER + body}
    return [finding.line.partition(": ")[2] for finding in found(texts)]


def when(expression: str) -> list[str]:
    return of(f"routes:\n  - {{id: r, notify: [watch], when: {json.dumps(expression)}}}\n")


CLASSES = """actors:
  - class: a
    kind: robot
    evidence: [{{id: one, says: it is so, strength: {0}, when: "userIdentity.type == 'IAMUser' && actor.name == 'x'"}}]
  - class: b
    kind: robot
    evidence: [{{id: two, says: it is so, strength: {1}, when: "userIdentity.type == 'IAMUser'"}}]
  - class: c
    kind: robot
    never_mute: {2}
    evidence: [{{id: three, says: it is so, strength: claimed, when: "userIdentity.type == 'IAMUser' && actor.name == 'x'"}}]
"""


def test_evidence_that_never_decides_is_found_in_the_order_in_which_evidence_is_asked() -> None:
    never = "this evidence never decides: {0}, at line {1}, always holds before it; {2} [TB402]".format
    first = "delete it: the evidence of classes with never_mute is asked first"
    attested = "delete it: attested evidence is asked before claimed evidence"
    assert of(CLASSES.format("attested", "attested", "false")) == [never("one", 7, attested)]
    assert of(CLASSES.format("claimed", "attested", "false")) == [never("two", 10, attested)] * 2
    assert of(CLASSES.format("attested", "claimed", "true")) == [never("three", 14, first)]
    assert of(CLASSES.format("claimed", "claimed", "false")) == [never("one", 7, "put it before that one, or delete it")]


# --- every code -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", SHOWN, ids=lambda check: check.code)
def test_the_bad_example_has_this_finding_and_no_other(check: Check) -> None:
    assert [finding.code for finding in of_example(check, check.bad)] == [check.code]


@pytest.mark.parametrize("check", SHOWN, ids=lambda check: check.code)
def test_the_good_example_has_none(check: Check) -> None:
    assert [finding.line for finding in of_example(check, check.good)] == []


@pytest.mark.parametrize("check", SHOWN, ids=lambda check: check.code)
def test_what_is_printed_is_as_reviewed(check: Check) -> None:
    texts = {**files(check, check.bad), **cases(check, check.bad)}
    printed = THE_BASE.sub("the base is sha256:0123456789ab", text(of_example(check, check.bad), texts) + "\n")
    golden = GOLDEN / f"{check.code}.txt"
    if WRITES:
        golden.write_text(printed, encoding="utf-8")
    assert golden.read_text("utf-8") == printed


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_code_has_its_page(check: Check) -> None:
    path = PAGES / f"{check.code}.md"
    if WRITES:
        path.write_text(page(check), encoding="utf-8")
    assert path.read_text("utf-8") == page(check)


def test_there_is_no_page_and_no_golden_file_without_a_code() -> None:
    assert {path.stem for path in PAGES.glob("TB*.md")} == set(BY_CODE)
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {check.code for check in SHOWN}


def test_every_code_of_the_load_checks_is_registered() -> None:
    assert set(LOAD_CODES) <= set(BY_CODE)


def test_codes_are_in_order_and_named_once() -> None:
    codes = [check.code for check in CHECKS]
    assert codes == sorted(set(codes))


@pytest.mark.parametrize(
    ("folder", "tests"), [("tests/base/policies", "tests/base/tests"), ("examples/tour/policies", "examples/tour/tests")]
)
def test_the_shipped_sets_and_their_tests_are_clean(folder: str, tests: str) -> None:
    policy_tests = read(ROOT / tests)
    fixtures = read_fixtures(policy_tests)
    assert len(fixtures) > 10
    assert [
        finding.line for finding in lint(read_set(ROOT / folder), NOW, policy_tests, fixtures, Settings(include_base=True))
    ] == []


# --- expressions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "lines"),
    [
        ("userIdentity.type == 'Root' && access.denied", []),
        ("requestParameters.\"x-amz-acl\" == 'public-read'", []),
        ("resources[0].ARN == 'arn:aws:s3:::b'", []),
        ("responseElements.anything.at.all == 'x'", []),
        ("resources[?type == 'AWS::S3::Bucket'].accountId | [0] == '111122223333'", []),
        ("copy.bucket != `null` && copy.bucket != bucket", []),
        ("`true`", []),
        ("key != `null` && starts_with(key, 'x')", []),
        ("key == 'x' && length(key) > `0`", []),
        ("contains(['a', 'b'], bucket)", []),
        ("actr.role == 'x'", ["there is no field actr in the event; did you mean actor? [TB202]"]),
        ("requestParameters.bucket == 'x'", ["there is no field bucket in requestParameters; did you mean bucketName? [TB202]"]),
        ("bucket.name == 'x'", ["bucket has no fields, so this is always null; write bucket [TB202]"]),
        ("userIdentity.sessionContext.sessionIsuer.arn == 'x'", ["there is no field sessionIsuer in userIdentity.sessionContext; did you mean sessionIssuer? [TB202]"]),
        ("!(userIdentty.type)", ["there is no field userIdentty in the event; did you mean userIdentity? [TB202]"]),
        ("readOnly == false", ["false is read as a field name; write `false` [TB203]"]),
        ("errorCode == null", ["null is read as a field name; write `null` [TB203]"]),
        ('eventName == "GetObject"', ["double quotes name a field; a string is written 'GetObject' [TB204]"]),
        ("userIdentity.sessionContext.attributes.mfaAuthenticated == `true`", ["userIdentity.sessionContext.attributes.mfaAuthenticated is a string, so this never holds; write 'true' [TB205]"]),
        ("recipientAccountId == `111122223333`", ["recipientAccountId is a string, so this never holds; write '111122223333' [TB205]"]),
        ("access.denied != 'no'", ["access.denied is a boolean, so this always holds; write `true` or `false` [TB205]"]),
        ("userIdentity.type == 'IamUser'", ["userIdentity.type is never 'IamUser'; did you mean IAMUser? [TB206]"]),
        ("access.kind == 'reads'", ["access.kind is never 'reads'; did you mean read? [TB206]"]),
        ("bucket == 'Payments'", ["no bucket is named 'Payments': names have no capitals and no underscores; write 'payments' [TB206]"]),
        ("actor.account == '1111'", ["'1111' is no account id; write its twelve digits [TB206]"]),
        ("access.denied && bucket", ["a matcher holds only where it is exactly true, and this is a string; write bucket != `null` [TB207]"]),
        ("length(key)", ["a matcher holds only where it is exactly true, and this is a number; compare it with something [TB207]"]),
        ("!bucket == 'x'", ["! is read before ==, so this compares true or false with something else; write !(… == …), or != [TB205]"]),
        ("!actor.role == 'x'", ["! is read before the dot, so this is always null; write !(actor.role) [TB212]"]),
        ("starts_with(key, `1`)", ["starts_with() does not take `1`: it is a number; give it a string [TB213]"]),
        ("key != `null` && abs(key) > `1`", ["abs() does not take key: it is a string; give it a number [TB213]"]),
        ("regex(access.denied, 'x')", ["regex() does not take access.denied: it is a boolean; give it a string [TB213]"]),
        ("length(length(key)) == `1`", ["length() does not take length(): it is a number; give it an array or an object or a string [TB213]"]),
        ("access.denied > `1`", ["access.denied is a boolean, which has no order, so this never holds; compare numbers, or use == or != [TB205]"]),
        ("to_number(key) == '1'", ["to_number() gives a number, so this never holds; compare it with a value of that type [TB205]"]),
        ("length(resources[?type > 'A']) > `0`", []),
        ("additionalEventData.bytesTransferredOut > `1000`", []),
        ("key > 'a'", []),
        ("bucket == bucket", ["both sides are the same for every event; compare a field with a value [TB208]"]),
        ("bucket != 'a' || bucket != 'b'", ["this always holds: bucket is never both values at once; join them with && instead of || [TB208]"]),
        ("glob(bucket, 'a*') && access.denied && starts_with(bucket, 'b')", ["this never holds: no bucket meets this and the condition before it; delete one of them, or use || [TB208]"]),
        ("(cidr(source.ip, '10.0.0.0/8') && !cidr(source.ip, '10.0.0.0/8')) || access.denied", ["this never holds: no source.ip meets this and the condition before it; delete one of them, or use || [TB208]"]),
        ("errorCode == `null` || glob(errorCode, '*')", ["this always holds: every errorCode meets this or the condition before it; delete one of them, or use && [TB208]"]),
        ("starts_with(key, 'a') || key == 'b'", ["starts_with() fails where key is absent, and a matcher that fails does not hold; put key != `null` && before it, or use glob() or regex(), which take null [TB210]"]),
        ("key == `null` || starts_with(key, 'a')", []),
        ("glob(key, 'a*') && ends_with(key, 'b')", []),
        ("actor.role == 'batch-*'", ["== compares exactly, so * is only a star; write glob(actor.role, 'batch-*') [TB209]"]),
        ("ends_with(userAgent, 'x')", ["ends_with() fails where userAgent is absent, and a matcher that fails does not hold; put userAgent != `null` && before it, or use glob() or regex(), which take null [TB210]"]),
    ],
)  # fmt: skip
def test_what_is_said_about_an_expression(expression: str, lines: list[str]) -> None:
    assert when(expression) == lines


def test_event_names_are_any_where_every_event_is_looked_at() -> None:
    body = "events: {select: all}\nroutes:\n  - {id: r, notify: [watch], when: eventName == 'RunInstances'}\n"
    assert of(body) == []


def test_a_place_inside_a_folded_expression_is_the_token() -> None:
    body = "routes:\n  - id: r\n    when: >-\n      access.denied\n      && readOnly == true\n    notify: [watch]\n"
    (finding,) = found({"base.yaml": BASE, "example.yaml": HEADER + body})
    assert (str(finding.where), finding.where.length) == ("example.yaml:8:22", 4)


# --- the whole --------------------------------------------------------------------------------------------------------


def test_a_broken_file_does_not_hide_its_neighbours_expressions() -> None:
    texts = {
        "base.yaml": BASE,
        "a.yaml": "version: [",
        "b.yaml": HEADER + "routes:\n  - {id: r, notify: [watch], when: readOnly == true}",
    }
    assert [(finding.where.path, finding.code) for finding in found(texts)] == [("a.yaml", "TB101"), ("b.yaml", "TB203")]


def test_findings_are_sorted_and_all_told_at_once() -> None:
    body = "routes:\n  - {id: b, notify: [watch], when: readOnly == true, continue: true}\n  - {id: a, notify: [watch], when: actr.role == 'x'}\n"
    assert [finding.where.line for finding in found({"base.yaml": BASE, "example.yaml": HEADER + body})] == [5, 6]


RINGS = "routes:\n  - {id: r, notify: [watch], when: access.denied}\n"
SILENCE = "silences:\n  - {id: s, when: actor.role == 'mover', reason: work, until: 2026-01-31T00:00:00Z}"


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# trailbell: allow TB406, kept as an example", []),
        ("# trailbell: allow TB406 until 2026-12-01, kept as an example", []),
        ("# trailbell: allow TB406 until 2026-11-01, kept as an example", ["TB406", "TB702"]),
        ("# trailbell: allow TB406", ["TB406", "TB701"]),
        ("# trailbell: allow everything, please", ["TB406", "TB701"]),
        ("# trailbell: allow TB999, there is no such thing", ["TB406", "TB701"]),
        ("# trailbell: allow TB405, the wrong one", ["TB406", "TB702"]),
    ],
)
def test_what_is_meant_can_be_allowed_with_a_reason(comment: str, codes: list[str]) -> None:
    texts = {"base.yaml": BASE, "example.yaml": HEADER + RINGS + SILENCE + f"  {comment}\n"}
    assert sorted(finding.code for finding in found(texts)) == codes


def test_a_whole_file_can_be_allowed() -> None:
    texts = {"base.yaml": BASE, "example.yaml": "# trailbell: allow-file TB406, an archive\n" + HEADER + RINGS + SILENCE}
    assert found(texts) == ()


def test_the_calendar_alone_makes_no_error() -> None:
    texts = {"base.yaml": BASE, "example.yaml": HEADER + RINGS + SILENCE.replace("2026-01-31", "2026-12-31")}
    for days in (0, 30, 60, 4_000):
        assert all(finding.severity is FindingSeverity.WARNING for finding in found(texts, NOW + timedelta(days=days)))


def test_a_check_that_breaks_is_named_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("203.0.113.7")

    monkeypatch.setattr("engine.lint.meaning_findings", broken)
    (folder / "y.yaml").write_text(
        HEADER.replace("example", "other") + "routes:\n  - {id: r, notify: [watch], when: readOnly == true}\n", encoding="utf-8"
    )
    code, said = ran(str(folder))
    assert code == 3
    assert "TB203" in said
    assert "the checks of files broke (RuntimeError)" in said
    assert "203.0.113.7" not in said


def test_a_secret_is_not_repeated() -> None:
    texts = {"base.yaml": BASE, "example.yaml": HEADER + "# hooks.slack.com/services/" + "T0/B0/verysecret\nroutes: []\n"}
    (finding,) = found(texts)
    assert "verysecret" not in finding.line
    assert finding.code == "TB501"


# --- formats ----------------------------------------------------------------------------------------------------------

TEXTS = {"base.yaml": BASE, "a,b:c%.yaml": HEADER + "routes:\n  - {id: r, notify: [watch], when: readOnly == true}\n" + SILENCE}


def test_github_annotations_are_encoded() -> None:
    lines = FORMATS["github"](found(TEXTS), TEXTS).splitlines()
    assert (
        lines[0]
        == "::error file=a%2Cb%3Ac%25.yaml,line=5,col=48,endColumn=52,title=TB203::true is read as a field name; write `true`"
    )
    assert lines[1].startswith("::warning file=a%2Cb%3Ac%25.yaml,line=7,")


def test_json_has_every_part_of_a_finding() -> None:
    told = json.loads(FORMATS["json"](found(TEXTS), TEXTS))
    assert told[0] == {
        "code": "TB203",
        "severity": "error",
        "path": "a,b:c%.yaml",
        "line": 5,
        "column": 48,
        "length": 4,
        "what": "true is read as a field name",
        "instead": "write `true`",
        "edits": [{"start": 92, "end": 96, "text": "`true`"}],
    }


def test_sarif_names_every_rule_and_place() -> None:
    told = json.loads(FORMATS["sarif"](found(TEXTS), TEXTS))
    assert told["version"] == "2.1.0"
    (run,) = told["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} <= rules
    assert [result["level"] for result in run["results"]] == ["error", "warning"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "a%2Cb%3Ac%25.yaml"}
    region = place["region"]
    assert region == {"startLine": 5, "startColumn": 48, "endColumn": 52}


def test_junit_has_a_case_for_each_file() -> None:
    suite = ET.fromstring(FORMATS["junit"](found(TEXTS), TEXTS))  # noqa: S314  our own
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == list(TEXTS)


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_takes_a_line_or_an_escape_from_a_policy_or_its_path(form: str) -> None:
    hostile = "x\n::add-mask::y\r::z\x1b[2J"
    texts = {"base.yaml": BASE, f"{hostile}.yaml": HEADER + f"routes:\n  - {{id: r, notify: [{json.dumps(hostile)}]}}\n"}
    told = FORMATS[form](found(texts), texts)
    assert "add-mask" in told
    assert "\x1b" not in told
    assert not [line for line in told.splitlines() if line.startswith("::") and not line.startswith("::error file=")]


def test_no_format_shows_a_secret_again() -> None:
    secret = "hooks.slack.com/services/T00000000/B0PRIVATE0/" + "x" * 24
    token = "xoxb-" + "1" * 12 + "-abcdef"
    texts = {"x.yaml": f"{HEADER}description: https://{secret} {token}  # {secret}\nroutes: 5\n"}
    for form in FORMATS.values():
        told = form(found(texts), texts)
        assert "TB501" in told
        assert "B0PRIVATE0" not in told
        assert token not in told


def test_text_obeys_no_escape_of_a_policy() -> None:
    texts = {"base.yaml": BASE, "x.yaml": HEADER + "description: a\x1b[31mb\n"}
    assert "\x1b" not in text(found(texts), texts)


def test_a_caret_stands_below_wide_characters() -> None:
    texts = {"base.yaml": BASE, "x.yaml": HEADER + "description: 日本\nroutes:\n  - {id: r, title: 日本, notify: [wach]}\n"}
    *_, line, caret, _ = text(found(texts), texts).splitlines()
    assert caret.index("^") == line.index("wach") + 2


def test_the_summary_counts() -> None:
    assert summary(found(TEXTS), 2) == "1 error, 1 warning in 2 files; --fix corrects 2 of them"
    assert summary((), 1) == "no findings in 1 file"


# --- the command ------------------------------------------------------------------------------------------------------


def ran(*words: str, **environment: str) -> tuple[int, str]:
    done = CliRunner().invoke(trailbell, ["lint", *words], env={"GITHUB_ACTIONS": "", **environment})
    return done.exit_code, done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    (tmp_path / "x.yaml").write_text(HEADER + RINGS + SILENCE, encoding="utf-8")
    return tmp_path


def test_the_fail_level_decides_the_exit_code(folder: Path) -> None:
    assert [ran(str(folder), "--fail-level", level)[0] for level in ("error", "warning", "note")] == [0, 1, 1]


def test_github_is_chosen_by_itself(folder: Path) -> None:
    assert ran(str(folder), GITHUB_ACTIONS="true")[1].startswith("::warning ")
    assert not ran(str(folder), "--format", "text", GITHUB_ACTIONS="true")[1].startswith("::")


def test_a_code_is_explained() -> None:
    assert ran("--explain", "tb203")[1] == page(BY_CODE["TB203"])
    assert ran("--explain", "all")[1].count("\n") == len(CHECKS)
    assert ran("--explain", "TB999")[0] == 2


# --- whatever comes ---------------------------------------------------------------------------------------------------


@given(st.text("abcdrot.=!&|()'`\"[]*? {}:,@-", max_size=60))
def test_no_expression_breaks_the_linter(expression: str) -> None:
    when(expression)


@A_QUARTER
@given(st.integers(0, 10_000), st.sampled_from(["", "x", "'", '"', "`", ":", "[", " ", "\n", "*", "-", "0"]))
def test_no_change_of_a_shipped_policy_breaks_the_linter(place: int, character: str) -> None:
    sources = base_files()
    texts = {source.path: source.text for source in sources}
    path = max(texts, key=lambda one: len(texts[one]))
    at = place % len(texts[path])
    changed = {**texts, path: texts[path][:at] + character + texts[path][at + 1 :]}
    for finding in found(changed):
        assert finding.where.line <= changed[finding.where.path].count("\n") + 1


def many(count: int, route: str) -> str:
    return "routes:\n" + "".join(f"  - {{id: r{number}, notify: [watch], when: {route % number}}}\n" for number in range(count))


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("x: " + "[" * 100_000, {"TB102"}),
        ("x: " + "{" * 100_000, {"TB102"}),
        ("description: " + "'" * 200_001, {"TB101"}),
        ("description: '" + "x" * 900_000 + "'", {"TB114"}),
        ("# " + "xoxb-" + "12345678 " * 9 + "a@b.c " * 100_000, {"TB501"}),
        ("# trailbell: allow TB406, x\n" * 2_000, {"TB702"}),
        ("name: x\n" * 2_000, {"TB103"}),
        ("".join(f"k{number}: 1\n" for number in range(2_000)), {"TB111"}),
        (many(1, "'" + "(" * 4_000 + "%d'"), {"TB201"}),
        (many(1, "'" + "!" * 4_000 + "a%d'"), {"TB201"}),
        (many(100, '"' + " && ".join(["(bucket == 'b' || key == 'k')"] * 20) + " && key == '%d'\""), set()),
        (many(100, "\"glob(key, '" + "*a?" * 60 + "%d')\""), set()),
        (many(100, "readOnly || access.denied || key == '%d'"), set()),
    ],
    ids=lambda given: given[:20] if isinstance(given, str) else "",
)
def test_no_file_keeps_the_linter_busy(body: str, codes: set[str]) -> None:
    assert {finding.code for finding in found({"base.yaml": BASE, "example.yaml": HEADER + body})} == codes


@given(st.binary(max_size=200))
def test_no_bytes_break_the_linter(content: bytes) -> None:
    for source in (content, BASE.encode() + content):
        for finding in lint([parse_source(source, "x.yaml")], NOW, [parse_source(content, "t.yaml")]):
            assert text([finding], {"x.yaml": source.decode("utf-8", "replace")})


@A_QUARTER
@given(
    st.lists(
        st.tuples(st.integers(0, 100_000), st.integers(0, 30), st.sampled_from(["", "\n", "  ", "- ", "'", "`", "!", "*a", "|"]))
    )
)
def test_no_changes_of_the_shipped_policies_break_the_linter(changes: list[tuple[int, int, str]]) -> None:
    texts = {source.path: source.text for source in base_files()}
    for place, length, character in changes:
        path = sorted(texts)[place % len(texts)]
        at = place % (len(texts[path]) or 1)
        texts[path] = texts[path][:at] + character + texts[path][at + length :]
    told = found(texts)
    assert not any(finding.code == "TB900" for finding in told)
    assert text(told, texts) or not told
