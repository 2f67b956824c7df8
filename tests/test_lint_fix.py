"""`trailbell lint --fix`: what has one safe answer is answered, nothing else is touched, and no set is worse for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from engine.cli import trailbell
from engine.lint import lint
from engine.lint.fix import diff, fixed
from engine.lint.formats import FORMATS
from engine.lint.registry import BASE, CHECKS, HEADER, Check, files
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from pathlib import Path

    from engine.lint.fix import Sources
    from engine.model import Finding

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def look(sources: Sources) -> tuple[Finding, ...]:
    return lint(list(sources.values()), NOW)


def parsed(texts: dict[str, str]) -> Sources:
    return {path: parse_source(text.encode(), path) for path, text in texts.items()}


def after(body: str, header: str = HEADER) -> str:
    """The text of a file beside `BASE` with every safe answer, without its header where it still has it."""
    sources, _ = fixed(parsed({"base.yaml": BASE, "example.yaml": header + body}), look)
    assert sources["base.yaml"].text == BASE
    return sources["example.yaml"].text.removeprefix(header)


CRITICAL = (
    "routes:\n  - {{id: r, when: access.denied, notify: [x], severity: critical}}\n"
    "channels:\n  - name: x\n    webhook: {{env: SLACK_WEBHOOK_X}}{}\n"
)
ROUTE = "routes:\n  - id: r  # kept\n    when: {}\n    notify: [watch]\n"


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ("readOnly == true", "readOnly == `true`"),
        ("readOnly == true && errorCode != null", "readOnly == `true` && errorCode != `null`"),
        ("'readOnly == true'", "'readOnly == `true`'"),
        ('"readOnly == true"', '"readOnly == `true`"'),
        (">-\n      access.denied\n      && readOnly == true", ">-\n      access.denied\n      && readOnly == `true`"),
        ("|\n      readOnly == true", "|\n      readOnly == `true`"),
        ("[access.denied, readOnly == true]", "[access.denied, readOnly == `true`]"),
        ("""'actor.role == "nightly"'""", "'actor.role == ''nightly'''"),
        (r'''"actor.role == \"nightly\""''', '''"actor.role == 'nightly'"'''),
        ("""actor.role == "nightly" """, "actor.role == 'nightly' "),
        ("readOnly == 'true'", "readOnly == `true`"),
        ("recipientAccountId == `111122223333`", "recipientAccountId == '111122223333'"),
        (
            "userIdentity.sessionContext.attributes.mfaAuthenticated == `true`",
            "userIdentity.sessionContext.attributes.mfaAuthenticated == 'true'",
        ),
        ("bucket == 'pay-*'", "glob(bucket, 'pay-*')"),
        ("bucket  ==   'pay-*' && readOnly", "glob(bucket, 'pay-*') && readOnly"),
        ("'''pay-*'' == bucket'", "'glob(bucket, ''pay-*'')'"),
        ("\"actor.role != 'batch-*'\"", "\"!glob(actor.role, 'batch-*')\""),
        ('"!access.denied && readOnly"', '"!(access.denied) && readOnly"'),
        ("'readOnly == true && bucket == ''日本-*'''", "'readOnly == `true` && glob(bucket, ''日本-*'')'"),
    ],
)
def test_expressions(before: str, then: str) -> None:
    assert after(ROUTE.format(before)) == ROUTE.format(then)


@pytest.mark.parametrize(
    "expression",
    [
        "userIdentity.tpye == 'Root'",
        "access.denied == 'no'",
        "eventName == 'GetObjects'",
        "!actor.role == 'x'",
        "bucket == 'Payments'",
        "errorCode",
        "actor.role != 'batch-*'",  # a plain text may not start with !
        r'''"readOnly == true && key == '\x41'"''',
        "true",
    ],
)
def test_what_has_more_than_one_answer_or_none_stays(expression: str) -> None:
    assert after(ROUTE.format(expression)) == ROUTE.format(expression)


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ("accounts: [012345678901]\n", 'accounts: ["012345678901"]\n'),
        ("accounts: [111122223333]\n", 'accounts: ["111122223333"]\n'),
        ("buckets: payments-* # all\n", "buckets: [payments-*] # all\n"),
        ('buckets: "payments-*"\n', 'buckets: ["payments-*"]\n'),
        ("description: 12\n", 'description: "12"\n'),
        (
            CRITICAL.format("\n    fallback: watch  # theirs\n    timezone: UTC"),
            CRITICAL.format("\n    fallback: watch  # theirs\n    fallback_after: 5m\n    timezone: UTC"),
        ),
        (
            CRITICAL.format("")
            .replace("name: x", "{name: x, fallback: watch, webhook: {env: SLACK_WEBHOOK_X}}")
            .replace("    webhook: {env: SLACK_WEBHOOK_X}\n", ""),
            CRITICAL.format("")
            .replace("name: x", "{name: x, fallback: watch, fallback_after: 5m, webhook: {env: SLACK_WEBHOOK_X}}")
            .replace("    webhook: {env: SLACK_WEBHOOK_X}\n", ""),
        ),
        (CRITICAL.format(""), CRITICAL.format("")),
        ("description: true\n", 'description: "true"\n'),
        ("description: yes\n", "description: yes\n"),
        (
            ROUTE.format("readOnly") + '    continue: "true"\n  - id: two\n    notify: [watch]\n',
            ROUTE.format("readOnly") + "    continue: true\n  - id: two\n    notify: [watch]\n",
        ),
        (ROUTE.format("readOnly") + "    continue: true\n", ROUTE.format("readOnly")),
        (ROUTE.format("readOnly") + "    continue: true  # why\n", ROUTE.format("readOnly") + "    continue: true  # why\n"),
        ("# trailbell: allow TB406, over\nroutes: []\n", "routes: []\n"),
        ("routes: [] # trailbell: allow TB406, over\n", "routes: []\n"),
    ],
)
def test_values_and_lines(before: str, then: str) -> None:
    assert after(before) == then


SILENCES = """\
silences:
  - id: past
    when: actor.role == 'mover'
    until: 2026-01-01T00:00:00Z
    reason: work
  - {id: past-too, when: actor.role == 'copier', until: 2026-01-01T00:00:00Z, reason: work}
  - id: now
    when: actor.role == 'mover'
    until: 2026-12-01T00:00:00Z
    reason: work
# the end
"""


def test_silences_that_are_past_go_and_their_section_with_the_last() -> None:
    assert after(SILENCES) == "silences:\n" + SILENCES[SILENCES.index("  - id: now") :]
    assert after("routes: []\n" + SILENCES[: SILENCES.index("  - {id")]) == "routes: []\n"


def test_a_silence_with_a_comment_stays_as_the_comment_would_go_with_it() -> None:
    text = SILENCES.replace("reason: work\n  - {id", "reason: work # OPS-1\n  - {id")
    assert "id: past\n" in after(text)
    assert "past-too" not in after(text)


def test_what_was_hidden_is_answered_too() -> None:
    body = "accounts: [012345678901]\n" + ROUTE.format("readOnly == true")
    assert after(body, "name: example\nowner: team\n") == "version: 1\nname: example\nowner: team\n" + (
        'accounts: ["012345678901"]\n' + ROUTE.format("readOnly == `true`")
    )


def test_an_allowance_is_not_taken_for_unused_while_a_mistake_hides_what_it_allows() -> None:
    body = "accounts: [yes]\n# trailbell: allow TB406, kept\nroutes: []\n"
    assert after(body) == body


def test_line_ends_stay() -> None:
    header = HEADER.replace("\n", "\r\n").replace("version: 1\r\n", "")
    text = after("accounts: [012345678901]\r\n", header)
    assert text == "version: 1\r\n" + header + 'accounts: ["012345678901"]\r\n'


def test_the_difference_is_a_unified_diff() -> None:
    before = parsed({"base.yaml": BASE, "x.yaml": HEADER + "accounts: [012345678901]\n"})
    changed, count = fixed(before, look)
    assert count == 1
    assert list(diff(before, changed)) == [
        *("--- x.yaml", "+++ x.yaml", "@@ -1,4 +1,4 @@", " version: 1", " name: example", " owner: team"),
        *("-accounts: [012345678901]", '+accounts: ["012345678901"]'),
    ]


@given(st.lists(st.sampled_from([check for check in CHECKS if check.bad and not check.alone and not check.tested]), max_size=4))
def test_no_set_is_worse_for_it(checks: list[Check]) -> None:
    texts = {"base.yaml": BASE}
    for number, check in enumerate(checks):
        texts[f"{number}.yaml"] = files(check, check.bad)["example.yaml"].replace("name: example", f"name: example-{number}")
    before = parsed(texts)
    changed, count = fixed(before, look)
    was, now = look(before), look(changed)
    assert fixed(changed, look)[1] == 0
    assert (count == 0) == (changed == before)
    assert not any(finding.code == "TB101" for finding in now) or any(finding.code == "TB101" for finding in was)
    for path, source in before.items():
        comments = [line for line in source.text.splitlines() if "#" in line and "trailbell: allow" not in line]
        assert [line for line in changed[path].text.splitlines() if "#" in line and "trailbell: allow" not in line] == comments


# --- formats and the command ------------------------------------------------------------------------------------------


TEXTS = {"base.yaml": BASE, "x.yaml": HEADER + "# 日本\naccounts: [012345678901]\n"}


def test_sarif_and_json_have_the_answer() -> None:
    findings = look(parsed(TEXTS))
    (told,) = json.loads(FORMATS["json"](findings, TEXTS))
    (edit,) = told["edits"]
    text = TEXTS["x.yaml"]
    assert text[: edit["start"]] + edit["text"] + text[edit["end"] :] == text.replace("012345678901", '"012345678901"')
    (result,) = json.loads(FORMATS["sarif"](findings, TEXTS))["runs"][0]["results"]
    ((change,),) = [fix["artifactChanges"] for fix in result["fixes"]]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 5, "startColumn": 12, "endLine": 5, "endColumn": 24},
            "insertedContent": {"text": '"012345678901"'},
        }
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in TEXTS.items():
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def ran(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(trailbell, ["lint", *words], env={"GITHUB_ACTIONS": ""})
    return done.exit_code, done.stdout, done.stderr


def test_diff_changes_nothing_and_says_so_by_its_exit_code(folder: Path) -> None:
    code, said, _ = ran(str(folder), "--diff")
    assert code == 1
    assert '+accounts: ["012345678901"]' in said
    assert (folder / "x.yaml").read_text("utf-8") == TEXTS["x.yaml"]
    assert ran(str(folder), "--fix")[0] == 0
    assert ran(str(folder), "--diff") == (0, "", "")


def test_fix_writes_keeps_mode_and_byte_order_mark_and_says_what_is_left(folder: Path) -> None:
    file = folder / "x.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + (TEXTS["x.yaml"] + "rutes: []\n").encode())
    file.chmod(0o640)
    code, said, summary = ran(str(folder), "--fix")
    assert code == 1
    assert "there is no key 'rutes' here" in said
    assert summary == f"{folder}: 1 fixed\n{folder}: 1 error in 2 files\n"
    assert file.read_bytes().startswith(b"\xef\xbb\xbfversion")
    assert file.stat().st_mode & 0o777 == 0o640
    assert {path.name for path in folder.iterdir()} == {"base.yaml", "x.yaml"}


def test_what_can_be_answered_is_counted(folder: Path) -> None:
    assert ran(str(folder))[2] == f"{folder}: 1 error in 2 files; --fix corrects 1 of them\n"
