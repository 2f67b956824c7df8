"""What a cluster starts: it gives each worker the archive that `trailbell build-spark` makes, and runs a command.

It lies beside the archive and needs nothing of it to start. Where the archive is not unpacked already, as `spark.archives` does,
the zip is in the working directory. The command is what follows (`replay s3://…`), or, as AWS Glue takes named parameters alone,
the value of `--trailbell`.
"""

import os
import shlex
import sys
import tempfile
import zipfile
from pathlib import Path

NAME = "trailbell"
LEAST = (3, 11)


def main() -> None:
    """Run the command, on all workers."""
    if sys.version_info[:2] < LEAST:
        sys.exit("Trailbell needs Python 3.11 on the driver and the workers: set PYSPARK_PYTHON, as docs/spark.md says")
    archive, folder = Path(f"{NAME}.zip").absolute(), Path(NAME).absolute()
    is_unpacked = folder.is_dir()
    if not is_unpacked:
        folder = Path(tempfile.mkdtemp(prefix=NAME))
        with zipfile.ZipFile(archive) as members:
            members.extractall(folder)

    from pyspark.sql import SparkSession  # noqa: PLC0415  the cluster's own

    # Workers unpack archives in their working directories; the second path is for a worker that is this machine.
    paths = f"./{NAME}:{folder}"
    spark = SparkSession.builder.appName(NAME).config("spark.executorEnv.PYTHONPATH", paths).getOrCreate()
    if not is_unpacked:
        spark.sparkContext.addArchive(f"{archive}#{NAME}")
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    sys.argv[1:] = words(sys.argv[1:])

    from engine.cli import main as trailbell  # noqa: PLC0415  out of the archive

    trailbell()


def words(arguments: "list[str]") -> "list[str]":
    """The words of the command."""
    parameter = f"--{NAME}"
    return shlex.split(arguments[arguments.index(parameter) + 1]) if parameter in arguments else arguments


if __name__ == "__main__":
    main()
