"""What the documents say that lint refuses is refused, beside the shipped set."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import SHIPPED

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


def test_every_document_that_says_what_lint_refuses_is_held_to_it() -> None:
    says = {
        path.relative_to(ROOT).as_posix() for path in DOCUMENTS if re.search(r"lint(er)?`?\s+refuses", path.read_text("utf-8"))
    }
    assert says == set(PROMISES)


@pytest.mark.parametrize(("document", "rule"), [(document, rule) for document, rules in PROMISES.items() for rule in rules])
def test_what_the_documents_say_is_refused_is_refused(document: str, rule: str) -> None:
    assert {*codes(rule)} & {"TB404", "TB405", "TB422"}, document


@pytest.mark.parametrize("when", KEPT)
def test_what_the_documents_say_pins_is_accepted(when: str) -> None:
    assert codes(mute(when)) == []
