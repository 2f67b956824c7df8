"""What the prover tells the linter: parts that no event reaches, where the linter's own comparison of pairs cannot tell."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from builders import ROOT, base_files

from engine.lint import lint
from engine.lint.registry import BASE
from engine.policy.load import read
from engine.policy.source import parse_source
from engine.prove import unreachable
from engine.prove.findings import proved_problems

if TYPE_CHECKING:
    from engine.model import Finding

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HEADER = "version: 1\nname: team\nowner: team\nbuckets: ['payments-*']\n"
COVERED = """routes:
  - {id: reads, when: access.kind == 'read', notify: [s3-watch]}
  - {id: changes, when: access.kind == 'write' || access.kind == 'delete', notify: [s3-watch]}
  - {id: others, when: access.kind == 'list' || access.kind == 'other', notify: [s3-watch]}
"""


def findings(body: str) -> tuple[Finding, ...]:
    """What lint finds in a team's file beside the base."""
    return lint([*base_files(), parse_source((HEADER + body).encode(), "team.yaml")], NOW, proofs=proved_problems)


def test_evidence_that_no_event_reaches_is_said() -> None:
    sources = [parse_source(BASE.encode(), "base.yaml"), parse_source((HEADER + EVIDENCE).encode(), "team.yaml")]
    lines = [finding.line for finding in lint(sources, NOW, proofs=proved_problems) if finding.code == unreachable.CONSTANT]
    assert lines == ["team.yaml:9:14: no event meets the conditions of this evidence; mend its when, or delete it [TB208]"]


def said(body: str) -> list[str]:
    return [finding.line for finding in findings(body) if finding.code in (unreachable.SHADOWED, unreachable.CONSTANT)]


EVIDENCE = """actors:
  - class: odd
    kind: person
    evidence:
      - {id: odd, says: it is odd, strength: claimed, when: "actor.role == 'a' && actor.type == 'IAMUser'"}
"""
MOVED = """routes:
  - {id: r, when: actor.role == 'other', notify: [s3-watch]}
silences:
  - {id: s, when: actor.role == 'mover', until: 2027-01-01T00:00:00Z, reason: they move, channels: [s3-watch]}
"""
UNREACHED = {
    "several routes together": (
        COVERED + "  - {id: rest, notify: [s3-watch]}\n",
        "one of reads, changes, others always does before it",
    ),
    "a route": (
        "routes:\n  - {id: r, when: actor.role == 'job' && actor.type == 'IAMUser', notify: [s3-watch]}\n",
        "no event meets the conditions of this route",
    ),
    "a silence": (MOVED, "of the events that it is about, this file asks for none of its channels"),
}


@pytest.mark.parametrize("part", UNREACHED)
def test_what_no_event_reaches_is_said(part: str) -> None:
    body, expected = UNREACHED[part]
    (finding,) = said(body)
    assert expected in finding


@pytest.mark.parametrize(
    "body",
    [
        COVERED.replace(" || access.kind == 'delete'", "") + "  - {id: rest, notify: [s3-watch]}\n",
        "routes:\n  - {id: r, when: lower(key) == 'a' && lower(key) == 'b', notify: [s3-watch]}\n",
        "routes:\n  - {id: r, during: {days: [mon], timezone: UTC}, notify: [s3-watch]}\n  - {id: t, notify: [s3-watch]}\n",
    ],
    ids=["an event is left", "what is not understood", "other hours"],
)
def test_of_what_may_be_reached_nothing_is_said(body: str) -> None:
    assert said(body) == []


def test_nothing_is_said_twice() -> None:
    shadowed = "routes:\n  - {id: a, notify: [s3-watch]}\n  - {id: b, when: access.denied, notify: [s3-watch]}\n"
    assert len([finding for finding in findings(shadowed) if finding.code == unreachable.SHADOWED]) == 1


def test_of_what_is_wrong_already_nothing_more_is_said() -> None:
    assert said("routes:\n  - {id: r, when: readOnly == 'true' && readOnly == 'false', notify: [s3-watch]}\n") == []


def test_questions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unreachable, "_MOST_ASKED", 2)
    assert said(COVERED + "  - {id: rest, notify: [s3-watch]}\n") == []


def test_without_the_solver_nothing_is_said_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysat", None)
    assert said(COVERED + "  - {id: rest, notify: [s3-watch]}\n") == []


def test_each_part_of_the_tour_is_reached() -> None:
    found = lint(read(ROOT / "examples/tour/policies"), NOW, proofs=proved_problems)
    assert [finding for finding in found if finding.code in (unreachable.SHADOWED, unreachable.CONSTANT)] == []
