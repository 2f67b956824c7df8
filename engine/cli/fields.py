"""`trailbell fields`: every path and fact that a matcher may read, or those of one event with their values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from engine.cli.inputs import number_option, one_event
from engine.cli.matcher_parts import value_text
from engine.cli.options import open_policies, policies_option, reveal_option
from engine.cli.terminal import show, show_json
from engine.edge.secrets import random_key
from engine.pipeline.render.parts import shortened
from engine.workbench.event_fields import FIELDS_MAX, EventField, event_fields
from engine.workbench.fields import FieldRow, field_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_LONGEST = 160
"""Characters of a value that are shown; JSON has the whole."""


@click.command(short_help="List the fields and facts that a matcher may read.")
@click.argument("event", metavar="[EVENT]", required=False, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@policies_option
@number_option
@reveal_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def fields(event: str | None, policies_path: Path, number: int | None, form: str, *, reveal: bool) -> None:
    """List every field and fact that a matcher may read: its type, its provenance, and the tests by which a mute pins its caller.

    With EVENT, a file with one event (or - for standard input): those that it has, each as the test that holds for its value, to
    be copied into a matcher, and whether it pins the caller. Values are masked at the strictest level that its channels have; a
    masked one makes no test.

    Provenance: who (AWS verified it), how (AWS recorded it), claimed (the caller chose it), what (target, request). Reasons and
    sources are in docs/provenance.md.
    """
    if event is None:
        _show_all(form)
        return
    policies = open_policies(policies_path)
    found = event_fields(one_event(event, number), policies, random_key(), datetime.now(UTC), reveal=reveal)
    if form == "json":
        show_json([_field_json(field) for field in found])
    else:
        show(*_field_lines(found))


def _show_all(form: str) -> None:
    rows = field_rows()
    if form == "json":
        show_json([_as_json(row) for row in rows])
        return
    width = max(len(row.name) for row in rows)
    types = max(len(_types(row)) for row in rows)
    for row in rows:
        pins = "" if row.row.pinning == "no" else f"  pins: {row.row.pinning}"
        show(f"{row.name:<{width}}  {_types(row):<{types}}  {row.row.words:<17}{pins}".rstrip())


def _field_lines(found: Sequence[EventField]) -> Iterator[str]:
    for field in found:
        test = field.test or f"{field.name}  (masked) {value_text(field.value)}"
        yield f"{field.row.words:<17} {shortened(test, _LONGEST)}{_pins(field.row.pinning)}"
    if len(found) == FIELDS_MAX:
        yield f"… the event has more than {FIELDS_MAX:,} fields"


def _pins(pinning: str) -> str:
    """Whether this test pins the caller, as an equality, and beside what."""
    equality, beside, other = pinning.partition(", beside ")
    return f"  (pins the caller{beside}{other})" if equality.startswith("equality") else ""


def _field_json(field: EventField) -> dict[str, object]:
    provenance = {"provenance": field.row.words, "pins": field.row.pinning}
    return {"path": field.name, "value": field.value, "masked": field.is_masked, "test": field.test, **provenance}


def _types(row: FieldRow) -> str:
    return "any" if len(row.types) > 2 else " or ".join(sorted(row.types))  # noqa: PLR2004  all but null


def _as_json(row: FieldRow) -> dict[str, object]:
    return {"path": row.name, "types": sorted(row.types), "provenance": row.row.words, "pins": row.row.pinning}
