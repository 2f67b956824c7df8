"""Files divided among Spark's tasks, and the results of all tasks merged into those of the local engine."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pyspark import StorageLevel

from engine.bulk.reading import inflated_size
from engine.errors import InputError
from engine.spark import tasks
from engine.spark.table import spark_schema
from engine.workbench.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from engine.bulk.sources import InputSource
    from engine.model import Event
    from engine.spark.tasks import DiffPlan, ReplayPlan
    from engine.workbench.policy_diff import ChangeCounts
    from engine.workbench.report import ReplayTallies

PART: Final = 128 << 20
"""About how many inflated bytes a task reads: some 65,000 records, so that a part that is done again costs little."""

_Part = TypeVar("_Part", tasks.ReplayPart, tasks.DiffPart)


def replay(  # noqa: PLR0913, PLR0917  one argument for each of its parts
    spark: SparkSession,
    files: Sequence[InputSource],
    plan: ReplayPlan,
    made: Replay,
    tallies: ReplayTallies | None,
    out: str | None,
) -> list[str]:
    """Add what the plan asks for to a replay, and to what its report shows; returns what could not be read, a line each.

    `out`: where decisions go as Parquet. Messages are counted here, over all events that notify somebody in the order of their
    times. Raises `InputError` where an event makes `--where` fail.
    """
    errors = list[str]()
    found = _run(spark, files, lambda parts: tasks.replay(plan, parts), tasks.FOUND).persist(StorageLevel.DISK_ONLY)
    try:
        if out is not None:
            found.where("decision is not null").select("decision.*").write.parquet(out)
        for part in _parts(found, tasks.ReplayPart):
            made.counts.merge(part.counts)
            errors += part.errors
            if tallies is not None and part.tallies is not None:
                tallies.merge(part.tallies)
        posted = Replay(made.setting, made.now)
        for _ in posted.run(_notifying(found)):
            pass
        made.counts.merge_messages(posted.counts)
    finally:
        found.unpersist()
    return errors


def diff(spark: SparkSession, files: Sequence[InputSource], plan: DiffPlan, counts: ChangeCounts) -> list[str]:
    """Add what changes from one set to another to the counts; returns what could not be read, a line each."""
    errors = list[str]()
    for part in _parts(_run(spark, files, lambda parts: tasks.diff(plan, parts), tasks.CHANGED), tasks.DiffPart):
        counts.merge(part.counts)
        errors += part.errors
    return errors


def _run(
    spark: SparkSession,
    files: Sequence[InputSource],
    task: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]],
    schema: pa.Schema,
) -> DataFrame:
    """What a task gives for all parts, each of which is a partition."""
    context = spark.sparkContext
    rows = list(enumerate([tuple(file) for file in part] for part in divided(files, context.defaultParallelism)))
    parts = spark.createDataFrame(context.parallelize(rows, max(1, len(rows))), spark_schema(tasks.FILES))
    return parts.mapInArrow(task, spark_schema(schema))


def divided(files: Sequence[InputSource], least: int) -> list[list[InputSource]]:
    """Files in parts of about `PART` inflated bytes, in their order; smaller ones where that makes fewer than `least`."""
    size = min(PART, sum(map(inflated_size, files)) // least)
    parts: list[list[InputSource]] = []
    room = 0
    for file in files:
        if room <= 0:
            parts.append([])
            room = size
        parts[-1].append(file)
        room -= inflated_size(file)
    return parts


def _parts(found: DataFrame, kind: type[_Part]) -> Iterator[_Part]:
    for row in found.where("part is not null").select("part").toLocalIterator():
        part = pickle.loads(row.part)  # noqa: S301  from a task of this job
        assert isinstance(part, kind)  # noqa: S101  a plan has one kind of task
        if part.failure is not None:
            raise InputError(part.failure)
        yield part


def _notifying(found: DataFrame) -> Iterator[Event]:
    rows: Any = found.where("event is not null").orderBy("at", "place").select("event")
    return (pickle.loads(row.event) for row in rows.toLocalIterator(prefetchPartitions=True))  # noqa: S301  from a task of this job
