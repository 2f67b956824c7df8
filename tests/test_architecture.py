"""The plan of the house: which room may look into which, where the outside begins, how things are called."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
from repository import ROOT, name, tracked

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = sorted([*(ROOT / "engine").rglob("*.py"), ROOT / "lambda_entry.py", ROOT / "spark_entry.py"])

GROUND = {"cache", "model", "errors"}
MAY_IMPORT = {
    "cache": set(),
    "model": set(),
    "errors": {"model"},
    "resources": {"errors", "version"},
    "matching": GROUND,
    "outbox": GROUND,
    "edge": GROUND | {"outbox", "version"},
    "policy": GROUND | {"matching", "resources", "version"},
    "pipeline": GROUND | {"matching", "outbox", "policy"},
    "bulk": GROUND | {"matching", "outbox", "policy", "pipeline"},
    "lint": GROUND | {"matching", "outbox", "policy", "pipeline", "version"},
    "workbench": GROUND | {"matching", "outbox", "policy", "pipeline", "lint"},
    "spark": GROUND | {"pipeline", "policy", "bulk", "workbench"},
    "prove": GROUND | {"matching", "policy", "pipeline", "lint"},
    "cli": GROUND
    | {
        "prove",
        "spark",
        "matching",
        "outbox",
        "policy",
        "pipeline",
        "bulk",
        "lint",
        "workbench",
        "edge",
        "resources",
        "version",
        "active_policies",
    },
    "__main__": {"cli"},
    "spark_entry": {"cli"},
    "version": set(),
    "active_policies": GROUND | {"matching", "outbox", "policy", "pipeline", "edge", "lint"},
    "lambda_entry": GROUND | {"matching", "outbox", "policy", "pipeline", "edge", "active_policies"},
}
"""Rooms, and the rooms that each may import. `version` is `engine/__init__.py`."""

COMPOSERS = {
    *(
        "batch",
        "booking",
        "decide",
        "delivery_log",
        "destinations",
        "drain",
        "metrics",
        "notices",
        "posting",
        "setting",
        "shadow",
    ),
    "total",
}
"""What may put stages together; no stage imports another, but for `SHARED_STAGES`."""

SHARED_STAGES = {"answers", "effect", "facts"}
"""What every stage may ask: what an answer of Slack means, what people notice of a verdict, and the facts of an event."""

EDGES = (
    *("lambda_entry.py", "spark_entry.py", "engine/cli/", "engine/edge/", "engine/active_policies.py"),
    *("engine/bulk/memory.py", "engine/bulk/objects.py", "engine/bulk/sources.py", "engine/bulk/workers.py"),
    *("engine/policy/source.py", "engine/policy/load.py", "engine/policy/prepared.py", "engine/policy/files.py"),
)
OUTSIDE_MODULES = {
    *("asyncio", "boto3", "botocore", "ftplib", "http", "logging", "multiprocessing", "os", "requests", "shutil", "smtplib"),
    *("socket", "ssl", "subprocess", "sys", "tempfile", "threading", "urllib.request", "urllib3"),
}
OUTSIDE_CALLS = {
    *("open", "print", "input", "breakpoint", "eval", "exec", "__import__"),
    *(".open", ".read_text", ".read_bytes", ".write_text", ".write_bytes", ".unlink", ".mkdir", ".iterdir", ".rglob"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "time.time", "time.sleep", "time.monotonic", "time.perf_counter"),
}

LONGEST = 400
LONG = {"engine/lint/registry.py"}
"""Longer than `LONGEST` on purpose: every finding with its examples, without logic."""

ELSEWHERE = re.compile(
    r"[p]ypi\.o[r]g|python[h]osted|[n]pmj[s]\b|[d]ebian\.o[r]g|[g]olang\.o[r]g"
    r"|(?<![\w.])/(?:wor[k]|roo[t]|hom[e])/|\bissue\s+#?[0-9]+\b|\b[s]ubagen[t]|\bthis sessio[n]\b",
    re.IGNORECASE,
)
"""Index hosts, somebody's folders, numbers of a tracker. (Brackets, so that the pattern does not find itself.)"""

UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|NotImplementedErro[r])\b")


def room(module: str) -> str:
    """The room of a dotted module: its first part under `engine`, or the module itself."""
    parts = module.split(".")
    if parts[0] != "engine":
        return parts[0]
    return parts[1] if len(parts) > 1 else "version"


def dotted(path: Path) -> str:
    """The dotted name of a source file; a package goes by its own name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it and for types too."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno}: imports are absolute"
            found |= {_from(node.module or "", alias.name) for alias in node.names}
    return found


def _from(module: str, alias: str) -> str:
    """`from engine.cli import run` means a module where there is one, else a name in `engine.cli`."""
    file = ROOT / module.replace(".", "/") / alias
    return f"{module}.{alias}" if file.with_suffix(".py").is_file() or (file / "__init__.py").is_file() else module


def within(module: str, names: set[str]) -> bool:
    """Whether a module or a package of it is among the names."""
    parts = module.split(".")
    return any(".".join(parts[: length + 1]) in names for length in range(len(parts)))


def called(path: Path) -> set[str]:
    """Every call in a file: `open`, `.read_text` and `datetime.now` as written."""
    functions = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    plain = {function.id for function in functions if isinstance(function, ast.Name)}
    attributes = [function for function in functions if isinstance(function, ast.Attribute)]
    methods = {f".{function.attr}" for function in attributes}
    return plain | methods | {f"{one.value.id}.{one.attr}" for one in attributes if isinstance(one.value, ast.Name)}


def findings(pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern stands in the repository's text."""
    return [
        f"{name(path)}:{number}: {found.group()}"
        for path in tracked()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for found in pattern.finditer(line)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_imports_run_one_way(path: Path) -> None:
    here = room(dotted(path))
    rooms = {room(module) for module in imports(path) if module.split(".")[0] in {"engine", "lambda_entry"}}
    assert rooms - MAY_IMPORT[here] - {here} == set()


def test_there_is_no_room_that_the_plan_does_not_know() -> None:
    assert {room(dotted(path)) for path in SOURCES} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", sorted((ROOT / "engine/pipeline").rglob("*.py")), ids=name)
def test_no_stage_imports_another(path: Path) -> None:
    stage = path.relative_to(ROOT / "engine/pipeline").with_suffix("").parts[0]
    stages = {module.split(".")[2] for module in imports(path) if module.startswith("engine.pipeline.")}
    assert stage in COMPOSERS or stages <= {stage, *SHARED_STAGES}


@pytest.mark.parametrize("path", [path for path in SOURCES if not name(path).startswith(EDGES)], ids=name)
def test_the_outside_begins_at_the_edges(path: Path) -> None:
    assert {module for module in imports(path) if within(module, OUTSIDE_MODULES)} == set()
    assert called(path) & OUTSIDE_CALLS == set()


@pytest.mark.parametrize("path", [path for path in SOURCES if name(path) not in LONG], ids=name)
def test_a_module_is_one_room(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append(f"{name(path)}:{node.lineno}")
    assert {class_name: found for class_name, found in places.items() if len(found) > 1} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports for types alone count, too."""
    graph = {dotted(path): imports(path) for path in SOURCES}
    while free := [module for module, imported in graph.items() if not imported & graph.keys()]:
        graph = {module: imported for module, imported in graph.items() if module not in free}
    assert graph == {}, "each of these is in a circle, or imports one that is"


IDENTITY_CACHES = {"engine/bulk/lines.py", "engine/workbench/policy_diff.py"}
"""Where a cache is keyed by the identity of what it keeps alive itself."""


@pytest.mark.parametrize("path", [path for path in SOURCES if name(path) not in IDENTITY_CACHES], ids=name)
def test_nothing_is_remembered_by_its_identity(path: Path) -> None:
    assert "id" not in called(path)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree(path)) or path.stem == "__main__"


def test_the_project_speaks_of_itself_alone() -> None:
    assert findings(ELSEWHERE) == []


def test_nothing_is_left_unfinished() -> None:
    assert findings(UNFINISHED) == []


def test_every_file_ends_with_one_line_end() -> None:
    texts = {name(path): path.read_bytes() for path in tracked()}
    assert [path for path, text in texts.items() if text and (not text.endswith(b"\n") or text.endswith(b"\n\n"))] == []


SECRET_TYPES = {"Record", "Facts", "FactGroups", "Document", "bytes", "Mapping[str, Any]", "object", "dict[str, Any]"}
"""Types of what holds event data or a secret."""


def test_a_named_tuple_that_carries_event_data_or_a_secret_says_what_its_repr_shows() -> None:
    told = []
    for path in SOURCES:
        of_policies = "engine/matching" in path.as_posix()  # its values are a policy's own literals
        for node in [] if of_policies else ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "NamedTuple" for base in node.bases):
                fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
                types = {ast.unparse(one.target): ast.unparse(one.annotation).removesuffix(" | None") for one in fields}
                carries = [name for name, kind in types.items() if kind in SECRET_TYPES]
                if carries and not any(ast.unparse(one).startswith("repr_only(") for one in node.decorator_list):
                    told.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} shows {', '.join(carries)}")
    assert told == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests").glob("*.py")), ids=name)
def test_no_test_file_imports_another(path: Path) -> None:
    assert {module for module in imports(path) if module.startswith("test_")} == set()
