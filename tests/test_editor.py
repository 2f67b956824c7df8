"""What an editor shows of a policy file: keys and values to choose from, what they mean, mistakes.

It is yaml-language-server itself that is asked, started as an editor starts it; it finds the schema by the modeline of each file.
Protocol: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from engine.cli import trailbell

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
SERVER = ROOT / "tests/node/node_modules/.bin/yaml-language-server"
PATIENCE = 60
"""Seconds to wait for an answer on a busy machine."""

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not SERVER.exists(), reason="yaml-language-server is not installed: make node installs it"
)

SETTINGS = {"yaml": {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}}


class Editor:
    """As much of an editor as the language server notices."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._told: dict[str, list[dict[str, Any]]] = {}
        self._number = 0
        threading.Thread(target=self._listen, daemon=True).start()
        self.ask(
            "initialize", {"processId": None, "rootUri": ROOT.as_uri(), "capabilities": {"workspace": {"configuration": True}}}
        )
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": SETTINGS})

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while line := stream.readline():
            length = int(line.split(b":")[1])
            while stream.readline().strip():
                pass
            self._answers.put(json.loads(stream.read(length)))

    def tell(self, method: str, params: object) -> None:
        """A notification."""
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: object) -> Any:
        """The answer to a request."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        return self._until(lambda told: told.get("id") == self._number and "method" not in told)["result"]

    def open(self, path: Path, text: str) -> tuple[str, list[str]]:
        """A file with a text of its own; its address, and what is marked in it."""
        address = path.as_uri()
        document = {"uri": address, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        marked = self._until(
            lambda told: told.get("method") == "textDocument/publishDiagnostics" and told["params"]["uri"] == address
        )
        return address, [one["message"] for one in marked["params"]["diagnostics"]]

    def _until(self, wanted: Any) -> dict[str, Any]:
        while True:
            told = self._answers.get(timeout=PATIENCE)
            if wanted(told):
                return told
            if told.get("method") == "workspace/configuration":
                items = [SETTINGS.get(item.get("section", ""), {}) for item in told["params"]["items"]]
                self._send({"id": told["id"], "result": items})
            elif "id" in told and "method" in told:
                self._send({"id": told["id"], "result": None})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream = self._process.stdin
        assert stream is not None
        stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        stream.flush()


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["node", SERVER, "--stdio"], **pipes) as process:  # noqa: S603, S607  pinned by tests/node
        yield Editor(process)
        process.kill()


def test_the_files_of_a_repository_made_by_init_name_schemas_that_are_there(editor: Editor, tmp_path: Path) -> None:
    assert CliRunner().invoke(trailbell, ["init", str(tmp_path)]).exit_code == 0
    paths = sorted([*tmp_path.glob("policies/*.yaml"), *tmp_path.glob("tests/policies/*.yaml")])
    assert len(paths) == 3
    for path in paths:
        text = path.read_text("utf-8")
        assert editor.open(path, text)[1] == []
        _, marked = editor.open(path.with_name(f"misspelled-{path.name}"), text.replace("version: 1", "version: 1\nnmae: x"))
        assert marked == ["Property nmae is not allowed."]


POLICY = ROOT / "policies/new.yaml"
"""A file that does not exist: an editor has its text before the disk has."""
HEADER = "# yaml-language-server: $schema=../schemas/v1/policy.schema.json\nversion: 1\nname: new\nowner: team\n"


@pytest.mark.parametrize(
    "path",
    sorted(path for folder in ("engine/base", "tests/base/*", "examples/tour/*") for path in ROOT.glob(f"{folder}/*.yaml")),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_every_shipped_file_names_its_schema_and_nothing_is_marked(editor: Editor, path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=")
    assert (path.parent / text.partition("=")[2].split("\n", 1)[0]).is_file()
    assert editor.open(path, text)[1] == []


def labels(editor: Editor, text: str, line: int, column: int) -> set[str]:
    path = POLICY.with_name(f"completion-{abs(hash((text, line, column)))}.yaml")
    address, _ = editor.open(path, text)
    found = editor.ask(
        "textDocument/completion", {"textDocument": {"uri": address}, "position": {"line": line, "character": column}}
    )
    return {item["label"] for item in (found["items"] if isinstance(found, dict) else found)}


def test_the_keys_of_a_file_are_offered(editor: Editor) -> None:
    assert {"routes", "channels", "silences", "buckets"} <= labels(editor, HEADER, 4, 0)


def test_the_keys_of_a_route_are_offered(editor: Editor) -> None:
    text = HEADER + "routes:\n  - id: one\n    \n"
    assert {"when", "notify", "mute", "masking", "severity"} <= labels(editor, text, 6, 4)


def test_the_values_of_a_key_are_offered(editor: Editor) -> None:
    text = HEADER + "routes:\n  - id: one\n    severity: \n"
    assert labels(editor, text, 6, 14) == {"info", "warning", "critical"}


def test_a_key_is_explained(editor: Editor) -> None:
    text = HEADER + "routes:\n  - id: one\n    mute: a nightly job\n"
    address, marked = editor.open(POLICY.with_name("hover.yaml"), text)
    assert not marked
    found = editor.ask("textDocument/hover", {"textDocument": {"uri": address}, "position": {"line": 6, "character": 5}})
    said = " ".join(found["contents"]["value"].replace("\\", "").split())
    assert said.startswith("#### Trailbell policy")
    assert described("mute") in said


def described(key: str) -> str:
    """What the schema says of a key of a route."""
    schema = json.loads((ROOT / "schemas/v1/policy.schema.json").read_text("utf-8"))
    description: str = schema["$defs"]["route"]["properties"][key]["description"]
    return description


def test_a_misspelled_key_is_marked(editor: Editor) -> None:
    _, marked = editor.open(POLICY.with_name("marked.yaml"), HEADER + "rutes: []\n")
    assert marked == ["Property rutes is not allowed."]


def test_a_policy_test_has_a_schema_of_its_own(editor: Editor) -> None:
    modeline = "# yaml-language-server: $schema=../../schemas/v1/policy-test.schema.json\n"
    text = "version: 1\ntests:\n  - name: one\n    expects: {}\n"
    _, marked = editor.open(ROOT / "tests/policies/new.yaml", modeline + text)
    assert "Property expects is not allowed." in marked
