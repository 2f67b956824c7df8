"""What the documents say is refused, never done or always so is run beside the shipped set, or names the test that shows it."""

from __future__ import annotations

import json
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import SHIPPED, matcher, record
from click.testing import CliRunner
from pages import FENCED

from engine.cli import trailbell
from engine.errors import MatcherError
from engine.lint import lint
from engine.model import Event
from engine.pipeline.decide import decide
from engine.pipeline.facts import derive_facts
from engine.policy.load import check, read_set
from engine.policy.source import parse_source

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 24, tzinfo=UTC)
DOCUMENTS = sorted(path for path in (ROOT / "docs").rglob("*.md") if "lint" not in path.parts and "adr" not in path.parts)
TEAM = "version: 1\nname: team\nowner: team\nbuckets: [example-reports]\n"


def codes(rule: str) -> list[str]:
    """The errors of a team's file beside the shipped set."""
    return [code for code, _ in errors(TEAM + rule)]


def errors(text: str) -> list[tuple[str, str]]:
    """The code and the words of each error of a file beside the shipped set, which trusts it."""
    trusting = [
        parse_source(f"{source.text}\ntrusts: [team]\n".encode(), source.path)
        if source.path.endswith("policies/channels.yaml")
        else source
        for source in read_set(SHIPPED)
    ]
    return [
        (finding.code, finding.what)
        for finding in lint([*trusting, parse_source(text.encode(), "policies/team.yaml")], NOW)
        if finding.where.path == "policies/team.yaml" and finding.severity == "error"
    ]


def mute(when: str, more: str = "") -> str:
    return f"routes:\n  - id: job\n    when: {when}\n    mute: a job, OPS-1\n{more}  - {{id: rest, notify: [s3-watch]}}\n"


def silence(when: str) -> str:
    rule = f"{{id: s, when: {when}, until: 2026-12-31T00:00:00Z, reason: work}}"
    return f"silences:\n  - {rule}\nroutes: [{{id: rest, notify: [s3-watch]}}]\n"


PROMISES = {
    "docs/guide/2-mute-a-nightly-job.md": [mute("actor.class == 'ecs-robot'")],
    "docs/guide/4-silence-a-migration.md": [silence("access.kind == 'read'")],
    "docs/policies.md": [
        mute("actor.session == 'nightly'"),
        mute("regex(userAgent, 'Boto3')"),
        mute("actor.name == 'backup'"),
        mute("userIdentity.type == 'AWSService'"),
        mute("actor.service == 'athena.amazonaws.com'"),
        mute("cidr(source.ip, '203.0.113.0/24')"),
        mute("actor.class == 'ecs-robot'"),
        mute("actor.class == 'unknown'"),
        mute("actor.role != 'x'"),
        silence("actor.session == 'nightly'"),
        mute("actor.role == 'payments-nightly'", "    everyone: true\n"),
    ],
    "docs/threat-model.md": [mute("glob(bucket, '*')"), mute("glob(actor.role, '*')")],
}
"""By document, rules that its sentences about what lint refuses are about."""

KEPT = [
    "actor.role == 'payments-nightly'",
    "contains(['payments-nightly', 'glue-nightly'], actor.role)",
    "glob(actor.role, 'payments-*')",
    "userIdentity.type == 'IAMUser' && actor.name == 'backup'",
    "userIdentity.type == 'AWSService' && actor.service == 'config.amazonaws.com'",
    "actor.type == 'Root'",
    "actor.class == 'ecs-robot' && actor.strength == 'attested'",
    "actor.account == '444455556666' && actor.cross_account",
]


QUIETER_CODES = {"TB404", "TB405", "TB422", "TB423"}


def blocks_with_quieter_rules() -> list[tuple[str, dict[str, Any]]]:
    """Each block of YAML with a mute or a silence, with its page. The guide is followed to the letter elsewhere."""
    blocks = (
        (path, yaml.safe_load(block))
        for path in DOCUMENTS
        if "guide" not in path.parts
        for kind, block in FENCED.findall(path.read_text("utf-8"))
        if kind == "yaml"
    )
    return [
        (path.relative_to(ROOT).as_posix(), block)
        for path, block in blocks
        if isinstance(block, dict) and ("silences" in block or any("mute" in route for route in block.get("routes") or ()))
    ]


def table_of_pins() -> list[tuple[str, bool]]:
    """Each expression in the table of what pins, and whether it stands in the column of those that do."""
    table = (
        (ROOT / "docs/policies.md").read_text("utf-8").partition("| pins | does not pin |\n|---|---|\n")[2].partition("\n\n")[0]
    )
    cells = [(cell, place == 0) for line in table.splitlines() for place, cell in enumerate(line.strip("| ").split(" | "))]
    return [(code, pins) for cell, pins in cells for code in re.findall(r"`([^`]+)`", cell) if re.search(r" [!=]= |\(", code)]


def test_every_document_that_says_what_lint_refuses_is_held_to_it() -> None:
    says = {
        path.relative_to(ROOT).as_posix() for path in DOCUMENTS if re.search(r"lint(er)?`?\s+refuses", path.read_text("utf-8"))
    }
    assert says == set(PROMISES)


@pytest.mark.parametrize(("document", "rule"), [(document, rule) for document, rules in PROMISES.items() for rule in rules])
def test_what_the_documents_say_is_refused_is_refused(document: str, rule: str) -> None:
    assert {*codes(rule)} & QUIETER_CODES, document


@pytest.mark.parametrize(("page", "block"), blocks_with_quieter_rules())
def test_every_mute_and_silence_that_a_document_shows_loads(page: str, block: dict[str, Any]) -> None:
    own = [*(route for route in block.get("routes") or () if "mute" in route), {"id": "rest", "notify": ["s3-watch"]}]
    silences = [
        {**{key: value for key, value in one.items() if key not in {"channels", "from"}}, "until": "2026-12-31T00:00:00Z"}
        for one in block.get("silences") or ()
    ]
    shared = {section: block[section] for section in ("lists", "conditions", "actors") if section in block}
    assert codes(yaml.safe_dump({**shared, "routes": own, **({"silences": silences} if silences else {})})) == [], page


def test_the_documents_show_mutes_and_silences() -> None:
    assert len(blocks_with_quieter_rules()) >= 4
    assert {pins for _, pins in table_of_pins()} == {True, False}


@pytest.mark.parametrize(("when", "pins"), table_of_pins())
def test_the_table_of_what_pins_is_right(when: str, pins: bool) -> None:  # noqa: FBT001
    found = {*codes(mute(f'"{when}"'))}
    assert found == set() if pins else found & QUIETER_CODES


@pytest.mark.parametrize("when", KEPT)
def test_what_the_documents_say_pins_is_accepted(when: str) -> None:
    assert codes(mute(when)) == []


# --- what the pages say is refused, never done, or always so -------------------------------------------------------------------

PAGES = [
    ROOT / "README.md",
    *(
        ROOT / f"docs/{name}.md"
        for name in (
            *("policies", "own-repository", "provenance", "organization", "from-the-post", "messages", "mint", "install"),
            *("replay", "which-route", "who-hears-what", "commands"),
            *("operations", "at-3-am", "auditor", "guarantees", "speed"),
        )
    ),
    *sorted((ROOT / "docs/guide").glob("*.md")),
]
STRONG = re.compile(r"\b(refuses?|refused|never|always|cannot)\b")
WHOLE = re.compile(r"\b(?:(?<!read-)only|nobody|every|no)\b", re.IGNORECASE)
"""Words that promise as much. Of `provenance.md`, which is written from the engine's table, the strong ones are enough."""

REST = "routes: [{id: rest, notify: [s3-watch]}]\n"


def evidence(strength: str, when: str) -> str:
    signs = f'[{{id: e, strength: {strength}, says: its own sign, when: "{when}"}}]'
    return f"actors:\n  - {{class: x, before: human, kind: robot, evidence: {signs}}}\n"


def levels(*fields: str) -> str:
    names = ("standard", "strict")[: len(fields)]
    return "masking:\n" + "".join(f"  - {{level: {name}, fields: {{{one}}}}}\n" for name, one in zip(names, fields, strict=True))


REFUSED: dict[str, list[tuple[str, str]]] = {
    "`on`, `off`, octal numbers and `12:30:45` are refused": [
        (f"{TEAM}owner: team\n{REST}", "TB103"),
        (f"{TEAM}description: !!python/name:os.system x\n{REST}", "TB104"),
        (f"{TEAM}description: on\n{REST}", "TB105"),
        (f"{TEAM}description: off\n{REST}", "TB105"),
        (f"{TEAM}accounts: [012345678901]\n{REST}", "TB105"),
        (f"{TEAM}description: 12:30:45\n{REST}", "TB105"),
    ],
    "A scope of exclusions alone is refused": [(TEAM.replace("[example-reports]", '["!example-*"]') + REST, "TB114")],
    "evidence that reads them is refused": [
        (TEAM + evidence("claimed", f"actor.{name} == 'x'") + REST, "TB312") for name in ("class", "kind", "evidence", "strength")
    ],
    "Evidence that is called `attested` and is not is refused": [
        (TEAM + evidence("attested", "regex(userAgent, 'x')") + REST, "TB421")
    ],
    "A later level that is weaker in any field is refused": [
        (TEAM + levels("time: keep, name: mask", "time: keep, name: keep") + REST, "TB306")
    ],
    "keep` is refused where `account` is masked": [
        (TEAM + levels("time: keep, account: mask, access_key: keep") + REST, "TB308")
    ],
    "A webhook URL is a secret and never stands in a policy": [
        (f"{TEAM}channels: [{{name: x, webhook: https://hooks.slack.com/services/T/B/x}}]\n{REST}", "TB501")
    ],
    "`mute` with `continue` is refused": [(TEAM + mute("actor.role == 'x'", "    continue: true\n"), "TB304")],
    "`trailbell lint` refuses what does not pin": [(TEAM + mute("actor.session == 'x'"), "TB405")],
    "It needs a bucket, in each branch or as the file's `buckets`, and it is refused": [
        (TEAM + mute("actor.role == 'payments-nightly'", "    everyone: true\n"), "TB422"),
        (TEAM.replace("buckets: [example-reports]\n", "") + mute("actor.class == 'anonymous'", "    everyone: true\n"), "TB422"),
    ],
    "`trailbell lint` refuses such a mute": [(TEAM + mute("actor.class == 'ecs-robot'"), "TB405")],
    "`trailbell lint` refuses a silence that does not say so": [(TEAM + silence("access.kind == 'read'"), "TB405")],
}
"""By a part of a sentence that says so, files that lint refuses beside the shipped set, each with the code of the finding."""

PROMISED = yaml.safe_load((ROOT / "tests/promises.yaml").read_text("utf-8"))
SHOWN = {part: test for test, parts in PROMISED["shown"].items() for part in parts}
NO_PROMISE = PROMISED["no_promise"]


def strong_sentences() -> list[tuple[str, str]]:
    """Each sentence, or cell of a table, with a strong word, and its page."""
    found = []
    for path in PAGES:
        text = re.sub(r"^( *)```.*?^\1```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for block in re.split(r"\n\s*\n|\n(?=[|#-])|\n(?=\d+\. )", text):
            parts = re.split(r"(?<=[.:;|])\s+(?=\S)", " ".join(block.split()))
            strong = (STRONG,) if path.name == "provenance.md" else (STRONG, WHOLE)
            found += [(path.name, part) for part in parts if any(word.search(part) for word in strong)]
    return found


@pytest.mark.parametrize(("page", "sentence"), strong_sentences())
def test_each_strong_sentence_is_run_or_names_its_test(page: str, sentence: str) -> None:
    assert [part for part in (*REFUSED, *SHOWN, *NO_PROMISE) if part in sentence], f"{page}: {sentence}"


def test_what_is_listed_stands_on_a_page_and_its_tests_are_there() -> None:
    sentences = [sentence for _, sentence in strong_sentences()]
    assert [part for part in (*REFUSED, *SHOWN, *NO_PROMISE) if not any(part in sentence for sentence in sentences)] == []
    for named in SHOWN.values():
        file, _, name = named.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text("utf-8"), re.MULTILINE), named


@pytest.mark.parametrize(("text", "code"), [case for cases in REFUSED.values() for case in cases])
def test_what_a_page_says_is_refused_is_refused_for_that_reason(text: str, code: str) -> None:
    assert code in [found for found, _ in errors(text)]


def test_a_route_without_when_holds() -> None:
    assert errors(TEAM + REST) == []
    policies, _ = check([*read_set(SHIPPED), parse_source((TEAM + REST).encode(), "policies/team.yaml")])
    assert policies is not None
    for change in ({}, {"userIdentity": None}, {"userAgent": 5}, {"requestParameters": {"bucketName": "example-reports"}}):
        event = record(**{"requestParameters": {"bucketName": "example-reports"}, **change})
        assert "team/rest" in decide(Event(event, "here"), policies, NOW).verdict.routes


def test_explain_opens_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(*_: object) -> None:
        raise AssertionError("explain opened a connection")

    (tmp_path / "event.json").write_text(json.dumps(record()), "utf-8")
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x")
    monkeypatch.setattr(socket.socket, "connect", connected)
    done = CliRunner().invoke(trailbell, ["explain", str(tmp_path / "event.json"), "--policies", str(SHIPPED)])
    assert (done.exit_code, "s3-watch" in done.output) == (0, True), done.output


def test_each_section_and_key_of_a_policy_stands_on_the_page() -> None:
    page = (ROOT / "docs/policies.md").read_text("utf-8")
    properties = json.loads((ROOT / "schemas/v1/policy.schema.json").read_text("utf-8"))["properties"]
    assert len(properties) > 15
    assert [name for name in properties if not re.search(rf"`{name}`|^ *{name}:", page, re.MULTILINE)] == []


@pytest.mark.parametrize(
    ("expression", "changes", "answer"),
    [
        ("contains(userAgent, 'x')", {"userAgent": None}, "fails"),
        ("regex(userAgent, 'x')", {"userAgent": None}, False),
        ("errorCode != 'X'", {}, True),
        ("errorCode && errorCode != 'X'", {}, False),
        *(("in_list(userAgent, 'few')", {"userAgent": value}, False) for value in (None, 5, True, ["ab"], {"ab": "ab"})),
        ("in_list(userAgent, 'few')", {"userAgent": "ab"}, True),
    ],
)
def test_what_the_page_says_of_single_expressions_is_so(expression: str, changes: dict[str, Any], answer: object) -> None:
    try:
        made = Event(record(**changes), "here")
        got: object = matcher(expression).holds(made.record, derive_facts(made.record))
    except MatcherError:
        got = "fails"
    assert got == answer


def test_guarantees_are_part_of_no_decision() -> None:
    wrong = "guarantees: [{id: g, when: 'bucket == `null` || bucket', never: muted}, {id: h, when: '`true`', always: rings}]\n"
    events = [Event(record(**change), "here") for change in ({}, {"eventName": "DeleteObject"}, {"userIdentity": None})]

    def verdicts(text: str) -> list[Any]:
        policies, findings = check([*read_set(SHIPPED), parse_source(text.encode(), "policies/team.yaml")])
        assert policies is not None, findings
        found = [decide(event, policies, NOW).verdict for event in events]
        return [(one.actor.name, one.requests, one.routes, one.mutes, one.void, one.defaulted, one.failures) for one in found]

    rules = TEAM + mute("actor.role == 'payments-nightly'")
    assert verdicts(rules) == verdicts(rules + wrong)
