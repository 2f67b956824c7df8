"""`--engine spark`: a session of Spark, and its errors as errors of the command line."""

from __future__ import annotations

import os
import re
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from engine.cli.inputs import sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import SparkSession

    from engine.bulk.sources import InputSource

LOCAL: Final = "local"
SPARK: Final = "spark"

engine_option = click.option(
    "--engine",
    type=click.Choice([LOCAL, SPARK]),
    default=LOCAL,
    show_default=True,
    help="What reads the files: this process, or the tasks of Apache Spark.",
)

_FAULT: Final = re.compile(r"WorkerFaultError: (.+)")


def files_for_spark(inputs: Sequence[str]) -> list[InputSource]:
    """The files of inputs. Standard input is refused, since the tasks cannot read it."""
    files = sources(inputs)
    if any(file.path is None for file in files):
        raise click.UsageError("--engine spark reads files; write what standard input has to a file")
    return files


@contextmanager
def spark_session() -> Iterator[SparkSession]:
    """The session of the job that this process was started for (`spark-submit`), else one on all cores of this machine."""
    from py4j.protocol import Py4JError  # noqa: PLC0415  an extra
    from pyspark.errors import AnalysisException, PySparkException  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    builder = SparkSession.builder.appName("trailbell")
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
            raise click.ClickException(
                "--engine spark needs Java 17 or newer, and there is no java; on Debian: apt install default-jre-headless"
            )
        # Spark's page about running jobs listens on all addresses.
        builder = builder.config("spark.ui.enabled", "false")
        builder = builder.config("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower())
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    try:
        yield spark
    except AnalysisException as error:
        raise click.ClickException(f"Spark: {_first_line(error)}") from None
    except (PySparkException, Py4JError) as error:
        fault = _FAULT.search(str(error))
        raise click.ClickException(f"Spark: {fault[1] if fault else _first_line(error)}") from None
    finally:
        spark.stop()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
