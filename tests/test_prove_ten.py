"""Ten guarantees on the base, on the tour, and on the files of 200 teams: proved, or broken by an event that decides so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from builders import ROOT, SHIPPED

from bench.proving import GUARANTEES, TEAMS, proving, team_set
from engine.policy.load import check, read, read_set
from engine.policy.source import parse_source
from engine.prove.check import decided, prove
from engine.prove.guarantees import breaks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.policy.source import Source

BASE = {
    "nothing-mutes-attackers": "proved",
    "attackers-are-heard": "proved",
    "root-is-heard": "proved",
    "strangers-are-heard": "proved",
    "denied-is-heard": "proved",
    "who-claims-to-be-a-robot-copies-nothing-out-unheard": "proved",
    "who-claims-to-be-a-robot-deletes-nothing-unheard": "proved",
    "people-copy-nothing-out-unheard": "proved",
    "people-delete-nothing-unheard": "proved",
    "access-changes-are-heard": "proved",
}
TOUR = {
    "strict-everywhere": "proved",
    "denied-is-heard": "proved",
    "misuse-is-heard": "proved",
    "people-ring": "proved",
    "people-claim-nothing-away": "proved",
}
TOUR_TOO: Mapping[str, tuple[str, str]] = {
    "partners-are-not-muted": ("when: actor.class == 'partner', never: muted", "proved"),
    "misuse-is-not-muted": ("when: actor.class == 'credential-misuse', never: muted", "proved"),
    "root-is-a-person": ("when: actor.type == 'Root', always: {class_kind: person}", "proved"),
    "payments-are-heard": ("when: \"glob(bucket, 'payments-*')\", always: rings", "broken"),
    "the-website-is-heard": ("when: bucket == 'web-assets', never: muted", "broken"),
    "denied-anywhere-is-heard": ("when: access.denied, always: {reaches: [security]}", "broken"),
}
"""What the tour does not say of itself; some of it is not so."""


def answers(sources: Sequence[Source]) -> dict[str, str]:
    """The result of each guarantee of a set. An event that breaks one is decided once more."""
    policies, findings = check(sources)
    assert policies is not None, findings
    found: dict[str, str] = {}
    for answer in prove(sources, policies):
        found[answer.guarantee.id] = answer.result
        assert not answer.empty, "ten of something"
        if answer.witness is not None:
            record = json.loads(json.dumps(answer.witness.record))
            verdict, _, meant = decided(answer.guarantee, record, answer.witness.time, policies)
            assert meant
            assert breaks(answer.guarantee, verdict, policies)
    return found


def test_the_base_says_ten_things_and_keeps_them() -> None:
    assert answers(read_set(SHIPPED)) == BASE


def test_ten_guarantees_of_the_tour() -> None:
    said = "".join(f"  - {{id: {name}, {says}}}\n" for name, (says, _) in TOUR_TOO.items())
    more = parse_source(f"version: 1\nname: more\nowner: security\nguarantees:\n{said}".encode(), "more.yaml")
    expected = TOUR | {name: result for name, (_, result) in TOUR_TOO.items()}
    assert answers([*read(ROOT / "examples/tour/policies"), more]) == expected


def test_ten_guarantees_of_two_hundred_files() -> None:
    sources = team_set()
    assert len(sources) == TEAMS + 2
    assert answers(sources) == {name: result for name, (_, result) in GUARANTEES.items()}


@pytest.mark.long
def test_guarantees_take_as_long_as_is_said() -> None:
    part = proving()
    assert [row.verdict for row in part.rows if row.least] == ["good", "good"]
