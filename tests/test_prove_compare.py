"""Whether two policy sets tell the same of every event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, ROOT
from click.testing import CliRunner
from granted_events import is_granted
from hypothesis import given
from hypothesis import strategies as st
from strategies import events, expressions, levelled_sets, routes

from engine.cli import trailbell
from engine.matching.checks import Trees
from engine.policy.load import check, read
from engine.policy.source import parse_source
from engine.prove.axioms import axioms_of
from engine.prove.circuit import Circuit
from engine.prove.compare import difference, heard
from engine.prove.encoding import EncodedSet
from engine.prove.fields import Fields
from engine.prove.prover import Witness

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model import Event, PolicySet

TOUR = ROOT / "examples/tour/policies"


def tour(old: str = "", new: str = "") -> PolicySet:
    """The tour, after an edit."""
    sources = read(TOUR)
    assert any(old in source.text for source in sources)
    policies, findings = check([parse_source(source.text.replace(old, new, 1).encode(), source.path) for source in sources])
    assert policies is not None, findings
    return policies


EDITS = {
    "a channel more": ("notify: [security]\n    masking", "notify: [security, ops]\n    masking"),
    "another level": ("masking: strict\n    continue", "masking: standard\n    continue"),
    "another severity": ("severity: info\n    title: touched", "severity: warning\n    title: touched"),
    "a wider mute": ("actor.role == 'payments-nightly'", "contains(['payments-nightly', 'payments-hourly'], actor.role)"),
    "what a level shows": ("      copy_source: mask\n      region", "      region"),
    "other hours": ("20:00-07:00", "21:00-07:00"),
    "a longer silence": ("2027-01-31T00:00:00Z", "2027-02-07T00:00:00Z"),
    "other events": ("CopyObject, ", ""),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_an_edit_changes_is_shown_by_an_event(edit: str) -> None:
    new, old = tour(*EDITS[edit]), tour()
    found = difference(new, old)
    assert isinstance(found, Witness), found
    assert heard(found.record, new, NOW) != heard(found.record, old, NOW)


def test_what_changes_nothing_is_proved_to() -> None:
    assert difference(tour("  # The event of a copy", "  # An event of a copy"), tour()) is None
    longer = "actor.class == 'ecs-robot' && (actor.role == 'payments-nightly' && !(!(actor.role)))"
    assert difference(tour("actor.class == 'ecs-robot' && actor.role == 'payments-nightly'", longer), tour()) is None


def test_what_may_differ_is_left_out() -> None:
    new, old = tour(*EDITS["another severity"]), tour()
    assert difference(new, old, "actor.class == 'human'") is None
    found = difference(new, old, "actor.class == 'human' && glob(bucket, 'payments-*')")
    assert isinstance(found, Witness), "a copy out of such a bucket is in the file's scope, too"
    assert not found.record["requestParameters"]["bucketName"].startswith("payments-")


@given(levelled_sets(), st.data(), st.lists(events, min_size=6, max_size=6))
def test_where_sets_are_the_same_no_event_is_told_otherwise(old: Any, data: st.DataObject, some: list[Event]) -> None:
    policy = data.draw(st.sampled_from(old.policies))
    edited = policy._replace(routes=(*policy.routes[:1], data.draw(routes(99)), *policy.routes[2:]))
    new = old._replace(policies=tuple(edited if one is policy else one for one in old.policies))
    exempt = data.draw(st.none() | expressions)
    found = difference(new, old, exempt)
    if isinstance(found, Witness):
        assert heard(found.record, new, NOW) != heard(found.record, old, NOW)
    fields = Fields(Circuit(), axioms_of)
    for one in (new, old):
        EncodedSet(one, fields, Trees(one.definitions))
    for event in some:
        if exempt is None and is_granted(event, fields, new):
            assert found is not None or heard(event.record, new, NOW) == heard(event.record, old, NOW)


def test_the_command_shows_both_decisions(tmp_path: Path) -> None:
    for source in read(TOUR):
        text = source.text.replace(*EDITS["another severity"])
        (tmp_path / source.path.rpartition("/")[2]).write_text(text, "utf-8")
    words = ("prove", "--policies", str(tmp_path), "--same-as", str(TOUR))
    done = CliRunner().invoke(trailbell, words)
    assert done.exit_code == 1
    assert "payments-alerts at standard, warning" in done.stdout
    assert "payments-alerts at standard, info" in done.stdout
    answer = json.loads(CliRunner().invoke(trailbell, [*words, "--format", "json"]).stdout)
    assert answer["result"] == "broken"
    assert answer["decision"] != answer["other_decision"]
    but = "actor.class == 'human'"
    assert CliRunner().invoke(trailbell, [*words, "--but", but]).exit_code == 0
    assert CliRunner().invoke(trailbell, [*words, "--but", "actor.class =="]).exit_code == 2
    assert CliRunner().invoke(trailbell, ["prove", "--policies", str(tmp_path), "--but", "key"]).exit_code == 2
