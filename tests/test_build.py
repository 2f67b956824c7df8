"""The zip that is deployed: the same bits twice, complete, and prepared so that a start parses no YAML."""

from __future__ import annotations

import json
import platform
import py_compile
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from builders import NOW, SHIPPED, event, record
from click.testing import CliRunner
from leaks import leaks

from engine.cli import trailbell
from engine.model import Event
from engine.pipeline.audit import decision_json
from engine.pipeline.decide import decide
from engine.policy.load import load, read_event, read_set
from engine.policy.prepared import CODE, NAME, load_prepared, prepare

ROOT = Path(__file__).parent.parent
RUNTIME = f"{sys.version_info[0]}.{sys.version_info[1]}"
MACHINE = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine())

BEGIN = """
import json, sys
sys.path.insert(0, {task!r})
import lambda_entry
policies = lambda_entry.POLICIES.setting.policies
heavy = [name for name in ("yaml", "jsonschema", "jmespath", "re2", "boto3", "msgspec") if name in sys.modules]
print(json.dumps([policies.revision, policies.commit, heavy]))
class Context:
    aws_request_id = "one"
    def get_remaining_time_in_millis(self):
        return 4000
try:
    lambda_entry.handler(json.load(sys.stdin), Context())
except lambda_entry.UndeliveredError:
    print("undelivered")
"""


def built(target: Path) -> Path:
    assert MACHINE is not None
    words = [
        "build",
        "--policies",
        str(SHIPPED),
        "--output",
        str(target),
        "--architecture",
        MACHINE,
        "--runtime",
        RUNTIME,
    ]
    done = CliRunner().invoke(trailbell, words)
    assert done.exit_code == 0, done.output
    assert str(target) in done.output
    return target


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if MACHINE is None or sys.platform != "linux":
        pytest.skip("the zip holds Linux wheels of Lambda's two architectures; this machine cannot run them")
    return built(tmp_path_factory.mktemp("zip") / "trailbell.zip")


def started(task: Path) -> list[str]:
    """What a start with the zip's content alone prints, and one invocation."""
    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-I", "-S", "-c", BEGIN.format(task=str(task))],
        input=json.dumps({"detail-type": "AWS API Call via CloudTrail", "detail": record()}),
        capture_output=True,
        text=True,
        check=True,
        cwd=task,
    )
    return done.stdout.splitlines()


def test_the_same_content_gives_the_same_bits(package: Path, tmp_path: Path) -> None:
    assert built(tmp_path / "again.zip").read_bytes() == package.read_bytes()


def test_it_holds_what_runs_and_nothing_else(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = set(archive.namelist())
        entries = archive.infolist()
    assert {"lambda_entry.py", "prepared.json", "engine/pipeline/batch.py", "policies/channels.yaml"} <= names
    assert "engine/base/watch.yaml" in names
    assert any(name.startswith("engine/__pycache__/") for name in names)
    assert not any(
        name.startswith(
            ("engine/bulk/", "engine/cli/", "engine/prove/", "engine/spark/", "engine/workbench/", "boto3/", "tests/")
        )
        for name in names
    )
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert package.stat().st_size < 10_000_000


def test_no_secret_stands_in_it(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        assert {name: found for name in archive.namelist() if (found := leaks(archive.read(name)))} == {}


def test_it_starts_from_the_prepared_set_and_decides(package: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    first, *lines, last = started(tmp_path)
    revision, commit, imported = json.loads(first)
    assert revision == load(SHIPPED).revision
    assert commit is None or len(commit) == 40
    assert imported == []
    assert [json.loads(line)["decision"]["class"] for line in lines if '"type":"decision"' in line] == ["human"]
    assert last == "undelivered"


@pytest.mark.parametrize("file", ["policies/channels.yaml", "engine/base/watch.yaml"])
def test_a_policy_that_was_changed_in_the_zip_is_read_anew(package: Path, tmp_path: Path, file: str) -> None:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    path = tmp_path / file
    path.write_text(path.read_text("utf-8") + "# a comment changes the bytes\n", encoding="utf-8")
    revision, _, imported = json.loads(started(tmp_path)[0])
    assert revision == load(SHIPPED).revision
    assert {"yaml", "jsonschema", "jmespath"} <= set(imported)


def compileall_of(path: Path) -> str:
    """Byte code beside a module, never checked against its source, as the zip has it."""
    return py_compile.compile(str(path), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def prepared_in(home: Path, policies: Path, commit: str | None = None) -> Path:
    """The two files of a prepared set, in a folder."""
    made = prepare(read_set(policies), policies, commit)
    (home / NAME).write_text(made.content, encoding="utf-8")
    (home / CODE).write_text(made.code, encoding="utf-8")
    return home


@pytest.mark.parametrize("policies", [SHIPPED, ROOT / "examples" / "tour" / "policies"])
def test_a_prepared_set_equals_the_one_that_is_read(tmp_path: Path, policies: Path) -> None:
    prepared = load_prepared(policies, prepared_in(tmp_path, policies, "c0ffee"))
    plain = load(policies, commit="c0ffee")
    assert prepared is not None
    assert prepared.commit == "c0ffee"
    assert repr(prepared) == repr(plain)  # all but the compiled predicates
    matchers = [[route.matcher for policy in one.policies for route in policy.routes] for one in (prepared, plain)]
    assert [one and (one.keys, one.reads) for one in matchers[0]] == [one and (one.keys, one.reads) for one in matchers[1]]
    for path in sorted((ROOT / "tests" / "events").glob("*.json")):
        one = Event(read_event(path)[0], path.name)
        assert decision_json(decide(one, prepared, NOW)) == decision_json(decide(one, plain, NOW))


def test_a_prepared_set_keeps_the_order_of_a_literals_keys(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    for path in SHIPPED.glob("*.yaml"):
        (policies / path.name).write_bytes(path.read_bytes())
    when = """keys(`{"b": 1, "a": 2}`)[0] == 'b'"""
    text = f"version: 1\nname: zz\nowner: a\nroutes:\n  - {{id: one, when: {json.dumps(when)}, notify: [s3-watch]}}\n"
    (policies / "zz.yaml").write_text(text, encoding="utf-8")
    prepared = load_prepared(policies, prepared_in(tmp_path, policies))
    assert prepared is not None
    assert "zz/one" in decide(event(), prepared, NOW).verdict.routes
    assert "zz/one" in decide(event(), load(policies), NOW).verdict.routes


def test_a_prepared_set_has_more_matchers_than_one_function_takes(tmp_path: Path) -> None:
    evidence = "".join(
        f"{{id: e{number}, says: it, strength: attested, when: \"actor.role == 'role-{number}'\"}}," for number in range(150)
    )
    policies = tmp_path / "policies"
    policies.mkdir()
    for path in (ROOT / "examples" / "tour" / "policies").glob("*.yaml"):
        (policies / path.name).write_bytes(path.read_bytes())
    text = f"version: 1\nname: actors\nowner: a\nactors: [{{class: some, kind: robot, evidence: [{evidence}]}}]\n"
    (policies / "actors.yaml").write_text(text, encoding="utf-8")
    for path in policies.glob("*.yaml"):
        if path.name not in {"actors.yaml", "base.yaml", "channels.yaml", "masking.yaml"}:
            path.unlink()
    prepared = load_prepared(policies, prepared_in(tmp_path, policies))
    assert prepared is not None
    for number in (0, 63, 64, 149):
        arn = f"arn:aws:sts::111122223333:assumed-role/role-{number}/s"
        found = decide(event(userIdentity={"type": "AssumedRole", "arn": arn}), prepared, NOW)
        assert found.verdict.evidence is not None
        assert found.verdict.evidence.id == f"e{number}"
    assert decide(event(), prepared, NOW).verdict.evidence is None


def test_a_prepared_set_asks_evidence_in_the_order_of_its_strength(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(ROOT / "examples" / "tour" / "policies", policies)
    for path in policies.glob("*.yaml"):
        if path.name not in {"base.yaml", "channels.yaml", "masking.yaml"}:
            path.unlink()
    evidence = "evidence: [{{id: of-{0}, says: it, strength: {1}, when: \"userIdentity.type == '{2}' && `true`\"}}]".format
    (policies / "actors.yaml").write_text(
        "version: 1\nname: actors\nowner: a\nactors:\n"
        f"  - {{class: a, kind: robot, {evidence('a', 'claimed', 'AssumedRole')}}}\n"
        f"  - {{class: b, kind: robot, {evidence('b', 'attested', 'AssumedRole')}}}\n"
        f"  - {{class: c, kind: robot, never_mute: true, {evidence('c', 'claimed', 'IAMUser')}}}\n",
        encoding="utf-8",
    )
    prepared = load_prepared(policies, prepared_in(tmp_path, policies))
    assert prepared is not None
    assert [
        decide(event(userIdentity={"type": one}), prepared, NOW).verdict.actor.name for one in ("AssumedRole", "IAMUser", "Root")
    ] == [*("b", "c", "unknown")]


@pytest.mark.parametrize("change", ["added", "removed", "damaged", "empty", "list", "engine", "code", "cut", "no code"])
def test_a_prepared_set_of_other_files_is_refused(tmp_path: Path, change: str) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    for path in SHIPPED.glob("*.yaml"):
        (policies / path.name).write_bytes(path.read_bytes())
    target = prepared_in(tmp_path, policies) / NAME
    assert load_prepared(policies, tmp_path) is not None
    if change == "added":
        (policies / "more.yaml").write_text("version: 1\nname: more\nowner: a\n", encoding="utf-8")
    elif change == "removed":
        (policies / "channels.yaml").unlink()
    elif change == "damaged":
        target.write_text("{", encoding="utf-8")
    elif change in {"empty", "list"}:
        target.write_text({"empty": "{}", "list": "[]"}[change], encoding="utf-8")
    elif change == "cut":
        compiled = Path(compileall_of(tmp_path / CODE))
        compiled.write_bytes(compiled.read_bytes()[:40])
    elif change == "engine":
        target.write_text(target.read_text("utf-8").replace('"engine": "', '"engine": "0.'), encoding="utf-8")
    elif change == "code":
        (tmp_path / CODE).write_text(prepare(read_set(policies), policies, "another").code + "\n", encoding="utf-8")
    else:
        (tmp_path / CODE).unlink()
    assert load_prepared(policies, tmp_path) is None


def test_a_set_that_does_not_load_is_not_built(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("version: 1\n", encoding="utf-8")
    done = CliRunner().invoke(trailbell, ["build", "--policies", str(tmp_path), "--output", str(tmp_path / "x.zip")])
    assert done.exit_code == 1
    assert not (tmp_path / "x.zip").exists()


def test_one_file_is_no_folder_to_build(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        trailbell, ["build", "--policies", str(SHIPPED / "channels.yaml"), "--output", str(tmp_path / "x.zip")]
    )
    assert done.exit_code == 2
    assert "name the folder" in done.output
