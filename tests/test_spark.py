"""Spark's tasks decide as the local engine does, whatever the files are, and what cannot be read is listed."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import boto3
import pytest
from pages import follow

from bench import company
from engine.workbench.replay import SORTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
BASE = ROOT / "tests/base/policies"
TOUR = ROOT / "examples/tour"
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
EVENTS: Final = 300_000 if NIGHTLY else 3_000
NOW: Final = "2026-11-05T00:00:00Z"
VERSIONS: Final = ("4", "3.5") if NIGHTLY else ("4",)

IS_TASK: Final = "glob(actor.role, 'service-*-task') && !(access.denied)"
TASKS: Final = f"""\
version: 1
name: tasks
owner: platform
description: What the tasks of the company do all day.
buckets: ['ledger-*', 'logs-*', 'media-*']
routes:
  - id: work
    when: actor.class == 'ecs-robot' && {IS_TASK}
    mute: the tasks do it all day
"""

LOCAL: Final = {"SPARK_LOCAL_IP": "127.0.0.1"}
"""Nothing listens to other machines."""

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("spark")]

DECISIONS = """
import json, sys
import pyarrow.parquet
for row in pyarrow.parquet.read_table(sys.argv[1]).to_pylist():
    row["channels"] = dict(row["channels"])
    print(json.dumps(row, default=str))
"""


@pytest.fixture(scope="module", params=VERSIONS)
def python(request: pytest.FixtureRequest) -> Path:
    """The Python of an environment with PySpark."""
    folder = ROOT / f".venv-spark-{request.param}"
    if not (folder / "bin/trailbell").is_file():
        pytest.skip(f"there is no {folder.name}: make nightly sets it up")
    if shutil.which("java") is None:
        pytest.skip("there is no java, which Spark needs: apt install default-jre-headless")
    return folder / "bin/python"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `events`: log files of a company, the tour, the corpus where it is at hand, and files that are damaged."""
    folder = tmp_path_factory.mktemp("spark")
    events = folder / "events"
    events.mkdir()
    paths = company.write(events, EVENTS, days=3)
    shutil.copytree(TOUR / "events", events / "tour")
    records = ROOT / os.environ.get("TRAILBELL_CORPUS", "../shared/data") / "records"
    if records.is_dir():
        shutil.copytree(records, events / "corpus")
    damaged = events / "damaged"
    damaged.mkdir()
    # With ids of their own: an event that is in two files counts twice.
    cut, changed = (
        gzip.compress(gzip.decompress(paths[0].read_bytes()).replace(b'"eventID":"', b'"eventID":"' + name))
        for name in (b"a-", b"b-")
    )
    (damaged / "cut.json.gz").write_bytes(cut[: len(cut) // 2])
    (damaged / "changed.json.gz").write_bytes(changed[: len(changed) // 3] + bytes(100) + changed[len(changed) // 3 + 100 :])
    (damaged / "none.json.gz").write_bytes(b"")
    (damaged / "text.json").write_text("no JSON at all", "utf-8")
    (damaged / "lines.jsonl").write_text('{"eventVersion": "1.11"\n{}\n[', "utf-8")
    (damaged / "list.json.gz").write_bytes(gzip.compress(b'{"Records":[1, null, "x", {"eventSource": 7}]}'))
    return folder


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tour's policies, which mute what the tasks of the company do all day, as its teams would."""
    folder = tmp_path_factory.mktemp("policies") / "policies"
    shutil.copytree(TOUR / "policies", folder)
    (folder / "tasks.yaml").write_text(TASKS, "utf-8")
    payments = (folder / "payments.yaml").read_text("utf-8")
    (folder / "payments.yaml").write_text(payments.replace("actor.role == 'payments-nightly'", IS_TASK), "utf-8")
    return folder


@pytest.fixture
def store(aws: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of S3, where every command reaches it, too."""
    access = {"AWS_ENDPOINT_URL": aws, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in access.items():
        monkeypatch.setenv(name, value)
    return boto3.client("s3")


def run(python: Path, words: Sequence[str | Path], folder: Path, code: int = 1) -> subprocess.CompletedProcess[str]:
    """What a command prints in a folder; 1: it says that something could not be read."""
    command = [python.with_name("trailbell"), *words]
    variables = {**os.environ, **LOCAL, "PYSPARK_SUBMIT_ARGS": "--master local[2] pyspark-shell"}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)  # noqa: S603  our own
    assert done.returncode == code, done.stdout[-2_000:] + done.stderr[-4_000:]
    return done


def unread(done: subprocess.CompletedProcess[str], start: str = "events/") -> list[str]:
    """What could not be read, without what Spark says."""
    return [line for line in done.stderr.splitlines() if line.startswith(start)]


def test_spark_replays_and_decides_as_the_local_engine_does(python: Path, folder: Path, policies: Path, tmp_path: Path) -> None:
    by = ["--policies", policies, "--now", NOW]
    words = ["replay", "events", *by, "--format", "json"]
    here = run(python, words, folder)
    there = run(python, [*words, "--engine", "spark", "--out", tmp_path / "out"], folder)
    assert in_any_order(there.stdout) == in_any_order(here.stdout)
    assert json.loads(here.stdout)["events"] > EVENTS
    assert unread(there) == unread(here)
    assert {line.split(":")[0].split()[0] for line in unread(here)} >= {
        f"events/damaged/{name}" for name in ("cut.json.gz", "changed.json.gz", "text.json", "lines.jsonl", "list.json.gz")
    }
    decided = [json.loads(line) for line in run(python, ["decide", "events", *by], folder).stdout.splitlines()]
    table = list(rows(python, tmp_path / "out"))
    assert all(row.pop("where").startswith("events/") and row.pop("time") for row in table)
    assert as_set(table) == as_set(decided)


def test_spark_finds_the_changes_that_the_local_engine_finds(
    python: Path, folder: Path, policies: Path, tmp_path: Path, store: Any
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(policies, changed)
    text = (changed / "payments.yaml").read_text("utf-8")
    (changed / "payments.yaml").write_text(text.replace("severity: info", "severity: critical"), "utf-8")
    bucket = f"trail-{uuid4()}"
    store.create_bucket(Bucket=bucket)
    for path in (one for one in (folder / "events").rglob("*") if one.is_file()):
        store.upload_file(str(path), bucket, path.relative_to(folder).as_posix())
    words = ["diff", policies, changed, "--now", NOW, "--format", "json"]
    here = run(python, [*words, "events"], folder)
    there = run(python, [*words, f"s3a://{bucket}/events", "--engine", "spark"], folder)
    assert without_messages(there.stdout.replace(f"s3://{bucket}/", "")) == without_messages(here.stdout)
    assert json.loads(here.stdout)["changed"] > 0
    assert [line.removeprefix(f"s3://{bucket}/") for line in unread(there, "s3://")] == unread(here)


@pytest.mark.skipif(not NIGHTLY, reason="an archive of 90 MB; make nightly builds it")
@pytest.mark.parametrize("unpacked", [False, True])
def test_the_archive_is_all_that_a_worker_needs(python: Path, tmp_path: Path, *, unpacked: bool) -> None:
    if "3.5" not in str(python):
        pytest.skip("the archive is for Spark 3.5")
    run(python, ["build-spark", "--policies", TOUR / "policies", "--base", BASE, "--output", tmp_path], tmp_path, 0)
    there = ["--master", "local-cluster[1,1,1024]"]
    if unpacked:
        # As on EMR Serverless, where the driver has it unpacked, too.
        with zipfile.ZipFile(tmp_path / "trailbell.zip") as archive:
            archive.extractall(tmp_path / "trailbell")
        there += ["--archives", f"{tmp_path / 'trailbell.zip'}#trailbell"]
    words = ["diff", "base/policies", "policies", str(TOUR / "events"), "--format", "json", "--now", NOW]
    spark = next((python.parent.parent / "lib").glob("python*/site-packages/pyspark"))
    # A Python without any package: the workers have the archive alone.
    bare = str(Path(sys.base_prefix) / f"bin/python{sys.version_info[0]}.{sys.version_info[1]}")
    done = subprocess.run(  # noqa: S603  our own
        [spark / "bin/spark-submit", *there, "trailbell_spark.py", "--trailbell", shlex.join([*words, "--engine", "spark"])],
        cwd=tmp_path,
        env={**os.environ, **LOCAL, "SPARK_HOME": str(spark), "PYSPARK_PYTHON": bare, "PYSPARK_DRIVER_PYTHON": bare},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    here = run(python, ["diff", BASE, TOUR / "policies", *words[3:]], tmp_path, 0)
    assert without_messages(done.stdout) == without_messages(here.stdout)


@pytest.mark.skipif(not NIGHTLY, reason="another start of Spark; make nightly reads the page")
def test_the_page_shows_what_spark_prints(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.setattr(sys, "executable", str(python))
    follow(ROOT / "docs/spark.md", tmp_path, ".")


def in_any_order(text: str) -> dict[str, Any]:
    """A replay; where the local engine cannot put all events in order, without what depends on that."""
    replayed: dict[str, Any] = json.loads(text)
    if replayed["events"] > SORTED:
        replayed = {name: value for name, value in replayed.items() if name not in ("first", "last", "channels")}
    return replayed


def as_set(decisions: list[dict[str, Any]]) -> set[str]:
    """Decisions, each once: a replay decides a repeated event once."""
    return {json.dumps(row, sort_keys=True) for row in decisions}


def rows(python: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of Parquet files."""
    done = subprocess.run([python, "-c", DECISIONS, folder], capture_output=True, text=True, check=True)  # noqa: S603  our own
    return map(json.loads, done.stdout.splitlines())


def without_messages(text: str) -> dict[str, Any]:
    """A diff without its messages, whose pseudonyms are others in each run."""
    found: dict[str, Any] = json.loads(text)
    for change in found["changes"]:
        del change["messages"]
    return found
