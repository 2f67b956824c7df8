"""Decisions as columns: what `trailbell decide` prints, with the time of the event and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from engine.pipeline.audit import decision_json

if TYPE_CHECKING:
    from datetime import datetime

    from engine.model import Decision

_RULE: Final = (("policy", pa.string()), ("id", pa.string()), ("reason", pa.string()))

DECISION: Final = pa.struct(
    [
        ("event_id", pa.string()),
        ("time", pa.timestamp("us", "UTC")),
        ("where", pa.string()),
        ("class", pa.string()),
        ("kind", pa.string()),
        ("evidence", pa.string()),
        ("strength", pa.string()),
        ("channels", pa.map_(pa.string(), pa.string())),
        ("routes", pa.list_(pa.string())),
        ("mutes", pa.list_(pa.struct(_RULE))),
        ("silences", pa.list_(pa.struct(_RULE))),
        ("void", pa.list_(pa.struct(_RULE))),
        ("defaulted", pa.bool_()),
        ("failures", pa.list_(pa.struct((("kind", pa.string()), *_RULE)))),
        ("revision", pa.string()),
    ]
)
"""The type of a decision; `channels` has the masking level by channel, `where` is the event's place in its file."""

_NAMES: Final = {pa.string(): "string", pa.bool_(): "boolean", pa.int64(): "bigint", pa.binary(): "binary"}


def decision_row(decision: Decision, where: str, at: datetime) -> dict[str, Any]:
    """A decision as a row of the table; `where` the event stands and when it arrives."""
    row = decision_json(decision)
    return {**row, "channels": list(row["channels"].items()), "where": where, "time": at}


def spark_type(kind: pa.DataType) -> str:
    """An Arrow type as Spark writes it in a schema."""
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_map(kind):
        return f"map<{spark_type(kind.key_type)},{spark_type(kind.item_type)}>"
    if pa.types.is_list(kind):
        return f"array<{spark_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'`{one.name}`:{spark_type(one.type)}' for one in kind)}>"
    return _NAMES[kind]


def spark_schema(schema: pa.Schema) -> str:
    """An Arrow schema as Spark writes it."""
    return ", ".join(f"`{one.name}` {spark_type(one.type)}" for one in schema)
