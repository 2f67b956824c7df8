"""The table of provenance, and every place that shows it.

`TRAILBELL_GOLDEN=write` writes `docs/provenance.md` anew.
"""

from __future__ import annotations

import json
import os
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, record
from click.testing import CliRunner

from engine.cli import trailbell
from engine.cli.inputs import decode_inputs
from engine.lint.fields import S3_EVENT, FieldShape
from engine.lint.shapes import member_of
from engine.matching import compile_predicate
from engine.model import Event
from engine.pipeline.decide import decider_of
from engine.pipeline.facts import document, facts
from engine.policy.fact_layout import FACT_TYPES
from engine.policy.load import load
from engine.policy.provenance import SOURCES, TABLE, Pin, Provenance, row_of
from engine.workbench.event_fields import FIELDS_MAX
from engine.workbench.fields import field_rows, hover_text, page

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/provenance.md"


def test_every_path_of_the_table_is_a_field_or_a_fact() -> None:
    def member(shape: FieldShape | None, name: str) -> FieldShape | None:
        return None if shape is None else member_of(shape, name)

    assert [".".join(path) for path in TABLE if reduce(member, path, S3_EVENT.shape) is None] == []


def test_every_fact_is_in_the_table() -> None:
    assert [".".join(path) for path in FACT_TYPES if path not in TABLE and path[:1] not in TABLE] == []


def test_every_source_that_a_row_names_is_listed() -> None:
    assert {short for row in TABLE.values() for short in row.sources} == set(SOURCES)


def test_only_who_and_root_pin() -> None:
    pinning = {path for path, row in TABLE.items() if row.pins is not Pin.NO and row.provenance is not Provenance.WHO}
    assert pinning == {("actor", "type"), ("userIdentity", "type")}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("actor.role", "who"),
        ("userIdentity.arn", "who, else claimed"),
        ("actor.session", "claimed"),
        ("userAgent", "claimed"),
        ("tlsDetails.tlsVersion", "claimed"),
        ("requestParameters.Host", "claimed"),
        ("requestParameters.key", "what"),
        ("copy.bucket", "what"),
        ("source.ip", "how, else claimed"),
        ("source.private", "claimed"),
        ("actor.service", "who, else how"),
        ("userIdentity.sessionContext.ec2IssuedInVpc", "claimed"),
        ("userIdentity.sessionContext.sourceIdentity", "claimed"),
        ("recipientAccountId", "what"),
        ("aFieldOfTomorrow", "claimed"),
    ],
)
def test_a_path_has_the_provenance_of_its_row_and_claimed_without_one(path: str, words: str) -> None:
    assert row_of(tuple(path.split("."))).words == words


def test_nothing_below_a_pinning_field_pins() -> None:
    assert row_of(("actor", "role", "inner")).pins is Pin.NO


def test_the_page_shows_the_table() -> None:
    if os.environ.get("TRAILBELL_GOLDEN") == "write":
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text("utf-8") == page()


def test_the_hover_text_of_when_ends_with_the_provenance_of_the_facts() -> None:
    schema = json.loads((ROOT / "schemas/v1/policy.schema.json").read_text("utf-8"))
    assert schema["$defs"]["when"]["description"].endswith(hover_text())


# --- trailbell fields -------------------------------------------------------------------------------------------------


def test_fields_lists_every_path_with_its_provenance_and_its_pins() -> None:
    result = CliRunner().invoke(trailbell, ["fields"])
    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert result.exit_code == 0
    assert set(lines) == {row.name for row in field_rows()}
    assert lines["actor.session"].split()[1:] == ["string", "claimed"]
    assert lines["userIdentity.accessKeyId"].endswith("who                pins: equality or a list")


def test_fields_prints_json() -> None:
    rows = json.loads(CliRunner().invoke(trailbell, ["fields", "--format", "json"]).output)
    assert {"path": "userAgent", "types": ["string"], "provenance": "claimed", "pins": "no"} in rows


def test_a_listed_path_is_written_as_in_an_expression() -> None:
    names = {row.name for row in field_rows()}
    assert 'requestParameters."key-marker"' in names
    assert "actor.cross_account" in names


# --- the fields of an event -------------------------------------------------------------------------------------------------

TOUR = ROOT / "examples/tour"
EVENTS = sorted((TOUR / "events").glob("*.json"))


def of_event(path: Path) -> list[dict[str, Any]]:
    done = CliRunner().invoke(trailbell, ["fields", str(path), "--policies", str(TOUR / "policies"), "--format", "json"])
    assert done.exit_code == 0, done.output
    rows: list[dict[str, Any]] = json.loads(done.output)
    return rows


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_each_test_of_an_event_holds_for_it(path: Path) -> None:
    (event,) = (one for one in decode_inputs([str(path)]) if isinstance(one, Event))
    policies = load(TOUR / "policies")
    verdict = decider_of(policies).verdict(event.record, NOW)
    seen = document(event.record, facts(event), verdict.actor, verdict.evidence)
    tests = [row["test"] for row in of_event(path) if row["test"]]
    assert len(tests) > 15
    for test in tests:
        assert compile_predicate([test])(seen), test


def test_the_values_of_an_event_are_masked_and_a_masked_one_makes_no_test(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(
        json.dumps(record(sourceIPAddress="203.0.113.7", note=["seen at 203.0.113.7", "`it's`\n"], **{"odd name": 1}))
    )
    rows = {row["path"]: row for row in of_event(path)}
    assert "203.0.113.7" not in json.dumps(rows)
    assert rows["sourceIPAddress"]["test"] is rows["note[0]"]["test"] is None
    assert rows["note[1]"]["test"] == 'note[1] == `"\\`it\'s\\`\\n"`'
    assert rows['"odd name"']["test"] == '"odd name" == `1`'


def test_what_is_revealed_is_for_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(record()))
    done = CliRunner().invoke(trailbell, ["fields", str(path), "--reveal"])
    assert "--reveal works only on a terminal" in done.output


def test_an_event_of_very_many_fields_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(record(many=list(range(FIELDS_MAX + 5)))))
    done = CliRunner().invoke(trailbell, ["fields", str(path)])
    assert done.output.endswith("… the event has more than 1,000 fields\n")
