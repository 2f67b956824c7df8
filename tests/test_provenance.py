"""The table of provenance, and every place that shows it.

`TRAILBELL_GOLDEN=write` writes `docs/provenance.md` anew.
"""

from __future__ import annotations

import json
import os
from functools import reduce
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli import trailbell
from engine.lint.fields import S3_EVENT, FieldShape
from engine.lint.shapes import member_of
from engine.policy.fact_layout import FACT_TYPES
from engine.policy.provenance import SOURCES, TABLE, Pin, Provenance, row_of
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
