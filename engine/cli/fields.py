"""`trailbell fields`: every path and fact that a matcher may read."""

from __future__ import annotations

import click

from engine.cli.terminal import show, show_json
from engine.workbench.fields import FieldRow, field_rows


@click.command(short_help="List the fields and facts that a matcher may read.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def fields(form: str) -> None:
    """List every field and fact that a matcher may read: its type, its provenance, and the tests by which a mute pins its caller.

    Provenance: who (AWS verified it), how (AWS recorded it), claimed (the caller chose it), what (target, request). Reasons and
    sources are in docs/provenance.md.
    """
    rows = field_rows()
    if form == "json":
        show_json([_as_json(row) for row in rows])
        return
    width = max(len(row.name) for row in rows)
    types = max(len(_types(row)) for row in rows)
    for row in rows:
        pins = "" if row.row.pinning == "no" else f"  pins: {row.row.pinning}"
        show(f"{row.name:<{width}}  {_types(row):<{types}}  {row.row.words:<17}{pins}".rstrip())


def _types(row: FieldRow) -> str:
    return "any" if len(row.types) > 2 else " or ".join(sorted(row.types))  # noqa: PLR2004  all but null


def _as_json(row: FieldRow) -> dict[str, object]:
    return {"path": row.name, "types": sorted(row.types), "provenance": row.row.words, "pins": row.row.pinning}
