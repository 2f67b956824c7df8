"""How a process starts: to a first decision, to a first message under AWS's runtime client, with a large policy set."""

from __future__ import annotations

import compileall
import json
import os
import statistics
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bench.generate import Shape, records, rules, write_policies
from bench.report import Part, Row
from bench.timing import ROUNDS, whole_process
from engine.policy.load import read_set
from engine.policy.prepared import CODE, NAME, prepare

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES = Path("tests/base/policies")
LARGE = (1_000, 10_000)
MILLI = 1e3
MACHINES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}

PREPARED = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from engine.model import Event
from engine.pipeline.decide import decide
from engine.policy.prepared import load_prepared
home = Path(sys.argv[1])
policies = load_prepared(home / "policies", home)
event = Event(json.loads(Path(sys.argv[2]).read_bytes()), "event")
decision = decide(event, policies, datetime.now(UTC))
"""
READ = PREPARED.replace("engine.policy.prepared import load_prepared", "engine.policy.load import load").replace(
    'load_prepared(home / "policies", home)', 'load(home / "policies")'
)
TLS = """
import http.client, ssl
http.client.HTTPSConnection("192.0.2.1", context=ssl.create_default_context())
"""

OURS, BOTO3 = "Trailbell, as built", "a handler that imports boto3"
HANDLERS = {BOTO3: "import boto3\n"}
ISOLATED = ("-I", "-S", "-c")
IMPORT_ROUNDS = 21
IMPORT = "import sys; sys.path.insert(0, sys.argv[1]); import lambda_entry"
ANSWER = "def handler(payload, context):\n    return None\n"


def start(folder: Path) -> Part:
    """A first decision in a new process, by the shipped policies; and what large sets cost to load."""
    event = folder / "event.json"
    event.write_text(json.dumps(_read()))
    homes = {
        size: _home(folder / f"large-{size}", write_policies(folder / f"yaml-{size}", rules(Shape.USUAL, size))) for size in LARGE
    }
    shipped = _home(folder / "shipped", POLICIES)
    short = whole_process(
        {
            "bare": ["-c", "pass"],
            "decision": ["-c", PREPARED, str(shipped), str(event)],
            "tls": ["-c", PREPARED + TLS, str(shipped), str(event)],
            "read": ["-c", READ, str(shipped), str(event)],
        }
    )
    commands = {
        f"{size:,} routes, {how}": ["-c", code, str(home), str(event)] for size, home in homes.items() for how, code in _WAYS
    }
    handler = {"bare, isolated": [*ISOLATED, "pass"], "handler": [*ISOLATED, IMPORT, str(_built(folder))]}
    measured = {**short, **whole_process(commands, rounds=3), **whole_process(handler, rounds=IMPORT_ROUNDS)}
    seconds = measured["handler"][0] - measured["bare, isolated"][0]
    what = "importing the handler, processor time over a bare interpreter's"
    bare, large = short["bare"][0], f"{LARGE[-1]:,} routes"
    rows = (
        Row(what, seconds * MILLI, 45, 35, faster=False, unit="ms"),
        Row("a first decision in a new process against the bare interpreter", short["decision"][0] / bare, 4, 2.5, faster=False),
        Row("the same with a TLS client", short["tls"][0] / bare, 10, 7, faster=False),
        Row(
            f"{large}: a set prepared against one read from YAML",
            measured[f"{large}, read"][0] / measured[f"{large}, prepared"][0],
        ),
    )
    figures = {name: {"milliseconds": seconds * MILLI, "peak kB": peak} for name, (seconds, peak) in measured.items()}
    return Part(rows, figures)


_WAYS = (("prepared", PREPARED), ("read", READ))


def _home(folder: Path, policies: Path) -> Path:
    """A folder as a zip has it: policies, prepared, with byte code."""
    folder.mkdir()
    (folder / "policies").mkdir()
    for path in policies.glob("*.yaml"):
        (folder / "policies" / path.name).write_bytes(path.read_bytes())
    made = prepare(read_set(folder / "policies"), folder / "policies", None)
    (folder / NAME).write_text(made.content)
    (folder / CODE).write_text(made.code)
    compileall.compile_file(folder / CODE, quiet=1)
    return folder


def _read() -> dict[str, object]:
    return {**next(records(rules(Shape.USUAL, 10), 1)), "eventName": "GetObject"}


# --- under AWS's runtime client -----------------------------------------------------------------------------------------------


def cold(folder: Path) -> Part:
    """From the start of AWS's runtime client to the first answer; ours with a message posted to a Slack that says ok."""
    if find_spec("awslambdaric") is None:
        return Part((), {}, ("AWS's runtime client: not installed, skipped",))
    built = _built(folder)
    tasks = {OURS: (built, "lambda_entry.handler")}
    for number, (name, text) in enumerate(HANDLERS.items()):
        (folder / f"other_{number}.py").write_text(text + ANSWER)
        tasks[name] = (folder, f"other_{number}.handler")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slack)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    webhook = f"http://127.0.0.1:{server.server_port}/services/T/B/x"
    environment = {"SLACK_WEBHOOK_URL": webhook, "TRAILBELL_WEBHOOK_HOSTS": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": ""}
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(ROUNDS + 1):
        for name, (task, function) in tasks.items():
            seconds = _first_answer(task, function, environment)
            if number:
                taken[name].append(seconds)
    server.shutdown()
    medians = {name: statistics.median(times) for name, times in taken.items()}
    what = "a cold start to the first message against"
    rows = tuple(Row(f"{what} {name}", medians[OURS] / medians[name], faster=False) for name in HANDLERS)
    return Part(rows, {"milliseconds": {name: seconds * MILLI for name, seconds in medians.items()}})


def _built(folder: Path) -> Path:
    """The built zip, unpacked."""
    runtime, machine = f"{sys.version_info[0]}.{sys.version_info[1]}", MACHINES[os.uname().machine]
    zipped, task = folder / "trailbell.zip", folder / "task"
    command = [sys.executable, "-m", "engine", "build", "--runtime", runtime, "--architecture", machine, "--output", str(zipped)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own command
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(task)
    return task


def _first_answer(task: Path, function: str, environment: Mapping[str, str]) -> float:
    from tests.runtime_api import Lambda

    payload = {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": _read()}
    began = perf_counter()
    with Lambda(environment, task, function=function) as running:
        done = running.invoke(payload)
        seconds = perf_counter() - began
    if done.error is not None:
        raise RuntimeError(f"{function} failed: {done.error}")
    return seconds


class _Slack(BaseHTTPRequestHandler):
    """Says ok to everything."""

    def do_POST(self) -> None:
        """200 and `ok`."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: Any) -> None:
        """Nothing."""
