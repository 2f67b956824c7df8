"""Log files to decisions: Trailbell's way, the floor below it, and databases that read JSON.

The floor inflates and parses by the same libraries and the same type, each file at once, and does nothing else.

The others answer only which rule is the first that holds, counted by rule: no classes, no channels, no levels.

`python -m bench.files COUNT FOLDER` has DuckDB read a folder by so many rules, in a process that imports nothing of ours.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.generate import RAW, Compare, Condition, Field, Rule, Shape, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from engine.model import PolicySet

GZIP = 31
"""Window bits, for zlib, of a gzip file."""


def trailbell(policies: PolicySet, now: datetime) -> Callable[[Sequence[Path]], int]:
    """What decides every event of log files on one core, as `trailbell decide` does, and returns how many these were."""
    from engine.bulk.deciding import BatchDecider
    from engine.bulk.reading import Job, read
    from engine.cli.inputs import sources

    deciding = BatchDecider(policies, now)

    def read_all(paths: Sequence[Path]) -> int:
        answers = read(Job(sources(map(str, paths)), deciding.typed, deciding.decide), 1)
        return sum(answer.records for answer in answers if answer.output)

    return read_all


def inflate_and_parse(policies: PolicySet) -> Callable[[Sequence[Path]], int]:
    """What inflates and parses by the type of the rows that decisions of a set take; returns how many records there were."""
    import msgspec
    from isal import isal_zlib

    from engine.bulk.fields import needed, seldom_needed
    from engine.bulk.rows import layout
    from engine.bulk.typed import USUAL, row_type

    record: Any = row_type(layout((needed(policies) or frozenset()) - seldom_needed(policies)), USUAL)
    decoder = msgspec.json.Decoder(dict[str, list[record]])

    def read_all(paths: Sequence[Path]) -> int:
        return sum(len(decoder.decode(isal_zlib.decompress(path.read_bytes(), GZIP))["Records"]) for path in paths)

    return read_all


# --- DuckDB -----------------------------------------------------------------------------------------------------------------


def duckdb(some: Sequence[Rule], threads: int = 1) -> Callable[[Sequence[Path]], int]:
    """DuckDB as tuned by hand: JSON Lines, only the columns that are read, one CASE; returns what reads files."""
    import duckdb as database

    connection = database.connect(config={"threads": threads})
    columns = {
        "requestParameters": "STRUCT(bucketName VARCHAR)",
        "userIdentity": "STRUCT(type VARCHAR, sessionContext STRUCT(sessionIssuer STRUCT(userName VARCHAR)))",
        "userAgent": "VARCHAR",
        "awsRegion": "VARCHAR",
    }
    cases = " ".join(f"WHEN {' AND '.join(map(_sql_clause, rule.clauses))} THEN '{rule.id}'" for rule in some)
    query = (
        "SELECT sum(n) FROM (SELECT rule, count(*) AS n FROM ("
        f"SELECT CASE {cases} END AS rule FROM read_json($paths, columns = {columns}, format = 'newline_delimited',"
        " auto_detect = true, maximum_sample_files = 1)) GROUP BY rule)"
    )

    def read(paths: Sequence[Path]) -> int:
        answer = connection.execute(query, {"paths": [str(path) for path in paths]}).fetchone()
        return int(answer[0]) if answer else 0

    return read


def _sql_clause(clause: Sequence[Condition]) -> str:
    return f"({' OR '.join(map(_sql_condition, clause))})"


def _sql_condition(condition: Condition) -> str:
    return {
        Compare.EQUALS: f"{RAW[condition.field]} = '{condition.value}'",
        Compare.DIFFERS: f"{RAW[condition.field]} <> '{condition.value}'",
        Compare.PREFIX: f"starts_with({RAW[condition.field]}, '{condition.value}')",
        Compare.CONTAINS: f"contains({RAW[condition.field]}, '{condition.value}')",
    }[condition.compare]


# --- polars -----------------------------------------------------------------------------------------------------------------


def polars(some: Sequence[Rule]) -> Callable[[Sequence[Path]], int]:
    """polars, on the threads that it chooses: JSON Lines, only the columns that are read, a chain of when and then."""
    import polars as pl

    schema = {
        "requestParameters": pl.Struct({"bucketName": pl.String}),
        "userIdentity": pl.Struct(
            {"type": pl.String, "sessionContext": pl.Struct({"sessionIssuer": pl.Struct({"userName": pl.String})})}
        ),
        "userAgent": pl.String,
        "awsRegion": pl.String,
    }

    def column(field: Field) -> pl.Expr:
        first, *rest = RAW[field].split(".")
        read = pl.col(first)
        for name in rest:
            read = read.struct.field(name)
        return read

    def written(condition: Condition) -> pl.Expr:
        read = column(condition.field)
        return {
            Compare.EQUALS: lambda: read == condition.value,
            Compare.DIFFERS: lambda: read != condition.value,
            Compare.PREFIX: lambda: read.str.starts_with(condition.value),
            Compare.CONTAINS: lambda: read.str.contains(condition.value, literal=True),
        }[condition.compare]()

    def holds(rule: Rule) -> pl.Expr:
        return pl.all_horizontal(pl.any_horizontal(written(condition) for condition in clause) for clause in rule.clauses)

    chosen = pl.coalesce([pl.when(holds(rule)).then(pl.lit(rule.id)) for rule in some]).alias("rule")

    def read(paths: Sequence[Path]) -> int:
        frame = pl.scan_ndjson([str(path) for path in paths], schema=schema)
        return int(frame.select(chosen).group_by("rule").len().collect()["len"].sum())

    return read


if __name__ == "__main__":
    print(duckdb(rules(Shape.USUAL, int(sys.argv[1])))(sorted(Path(sys.argv[2]).iterdir())))
