"""What the documents say that lint refuses is refused, beside the shipped set."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import SHIPPED
from pages import FENCED

from engine.lint import lint
from engine.policy.load import read_set
from engine.policy.source import parse_source

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 24, tzinfo=UTC)
DOCUMENTS = sorted(path for path in (ROOT / "docs").rglob("*.md") if "lint" not in path.parts and "adr" not in path.parts)
TEAM = "version: 1\nname: team\nowner: team\nbuckets: [example-reports]\n"


def codes(rule: str) -> list[str]:
    """The errors of a team's file beside the shipped set."""
    sources = [*read_set(SHIPPED), parse_source((TEAM + rule).encode(), "policies/team.yaml")]
    return [
        finding.code
        for finding in lint(sources, NOW)
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
