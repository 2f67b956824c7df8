"""Reads, checks and compiles policy files. A set with an error is never compiled."""

from __future__ import annotations

import json
import os.path
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import PolicySetError
from engine.matching.checks import Trees
from engine.model import Edit, Finding, FindingSeverity, Location
from engine.policy import codes
from engine.policy.bases import base_findings, blamed, effective, extends, with_base
from engine.policy.compared import compared_findings
from engine.policy.compile import compile_set
from engine.policy.definitions import definitions
from engine.policy.edits import before_line
from engine.policy.files import policy_files
from engine.policy.matchers import from_source
from engine.policy.positions import line_text
from engine.policy.quieter import quieter_findings
from engine.policy.references import reference_findings
from engine.policy.shape import shape_findings
from engine.policy.source import Source, read_source
from engine.resources import resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.model import PolicySet
    from engine.policy.source import YamlNode

CASES_SCHEMA: Final = "v1/policy-test.schema.json"

LARGEST_EVENT: Final = 1_048_576
"""Bytes of an event file that are read; CloudTrail's largest record is 256 kB."""

READERS: Final[Mapping[int, str]] = {1: "v1/policy.schema.json"}
"""The versions of the language that this engine reads, each with its schema; one to come is added here and to `compile_set`."""


def load(directory: Path, *, commit: str | None = None, in_force: bool = False) -> PolicySet:
    """The policy set in a folder. Raises `PolicySetError` with everything that is wrong with it. `in_force`: as for `check`."""
    policies, findings = check(read_set(directory), commit=commit, in_force=in_force)
    if policies is None:
        raise PolicySetError([finding for finding in findings if finding.severity is FindingSeverity.ERROR])
    return policies


def read(directory: Path) -> tuple[Source, ...]:
    """Every policy file under a folder, in path order, or one file; a path that cannot be read is a source with a finding."""
    if directory.is_file():
        return (read_source(directory, str(directory)),)
    if not directory.is_dir():
        return (_nothing(directory, "there is no such folder", "give the path of the folder that holds the files"),)
    files = policy_files(directory)
    if not files:
        return (
            _nothing(directory, "no .yaml or .yml file in it", "every YAML file under this folder is read, and there is none"),
        )
    return tuple(read_source(file, file.as_posix(), directory) for file in files)


def read_set(directory: Path) -> tuple[Source, ...]:
    """The files of a policy set: every one under a folder, or one file, and behind them those of the base that they extend."""
    return with_base(read(directory), set_folder(directory))


def set_folder(path: Path) -> Path:
    """The folder of a policy set that is named by its folder or, for a set of one file, by that file."""
    return path.parent if path.is_file() else path


def _nothing(directory: Path, what: str, instead: str) -> Source:
    path = directory.as_posix()
    return Source(path, "", None, (Finding(codes.NO_FILE, Location(path), what, instead),))


class Checked(NamedTuple):
    """What the load checks know of a set: all that they find, in the order of the files, and the files that could be looked at.

    `readable` are the files that have the shape of a policy, as they take effect.
    """

    findings: tuple[Finding, ...]
    readable: tuple[Source, ...]

    @property
    def sound(self) -> bool:
        """Whether the set loads."""
        return not any(finding.severity is FindingSeverity.ERROR for finding in self.findings)


def check(
    sources: Sequence[Source], *, commit: str | None = None, in_force: bool = False, trees: Trees | None = None
) -> tuple[PolicySet | None, tuple[Finding, ...]]:
    """All that the load checks find, in the order of the files, and the compiled set where none of it is an error.

    `in_force` and `trees` are as for `checked`.
    """
    trees = trees_of(sources) if trees is None else trees
    result = checked(sources, trees, in_force=in_force)
    contents = [(source.path, _content(source)) for source in result.readable]
    policies = compile_set(contents, commit, from_source(trees)) if result.sound else None
    return policies, result.findings


def checked(sources: Sequence[Source], trees: Trees, *, in_force: bool = False) -> Checked:
    """What is wrong with a set.

    `in_force`: the set runs already, perhaps since before an upgrade. What an author has to mend does not stop it then, as long
    as every event is still heard. `trees` takes the syntax trees of the expressions, for those who go on with them.

    What a file that cannot be read, or has not the shape of a policy, may define is not known: names of that kind are not missed
    in the other files, which are looked at all the same. One mistake should be one finding.
    """
    of_files = {source.path: file_findings(source) for source in sources}
    findings = [finding for of_file in of_files.values() for finding in of_file]
    readable = tuple(source for source in effective(sources) if source.root is not None and not of_files[source.path])
    if findings:
        findings += _blamed(reference_findings(readable, trees, complete=False), sources)
    else:
        findings += list(base_findings(sources)) or _blamed(reference_findings(readable, trees), sources)
    if not findings and not in_force:
        findings += list(_blamed(compared_findings(readable, trees), sources)) or _blamed(
            quieter_findings(readable, trees), sources
        )
    ordered = sorted(findings, key=lambda finding: (finding.where.path, finding.where.line, finding.where.column, finding.code))
    return Checked(tuple(ordered), readable)


def trees_of(sources: Sequence[Source]) -> Trees:
    """The syntax trees of a set's expressions, none of them made yet, with the lists and conditions that its files define."""
    return Trees(definitions(_content(source) for source in effective(sources) if isinstance(_content(source), dict)))


def upgrade_findings(sources: Sequence[Source]) -> tuple[Finding, ...]:
    """What this engine makes void of a set that is in force: a finding for each such mute and silence, with what would pin it.

    Of a set that does not load at all, why it does not.
    """
    trees = trees_of(sources)
    policies, findings = check(sources, in_force=True, trees=trees)
    if policies is None:
        return findings
    of_rules = {codes.MUTES_ALL, codes.UNPINNED, codes.EVERYONE, codes.ACCOUNTS}
    return tuple(finding for finding in _blamed(quieter_findings(effective(sources), trees), sources) if finding.code in of_rules)


def _blamed(findings: Iterable[Finding], sources: Sequence[Source]) -> Iterator[Finding]:
    """Findings between files. Those in files of the base are the set's doing: each stands once, where the set extends it."""
    base, extended = {source.path for source in sources if source.base}, extends(sources)
    reported: set[tuple[str, str]] = set()
    for finding in findings:
        if extended is None or finding.where.path not in base:
            yield finding
        elif (finding.code, finding.what) not in reported:
            reported.add((finding.code, finding.what))
            yield blamed(finding, extended)


def file_findings(source: Source) -> tuple[Finding, ...]:
    """What is wrong with one file by itself: how it is written, its version, its shape."""
    if source.root is None or source.findings:
        return source.findings
    versions = tuple(_version(source, source.root))
    return versions or shape_findings(source.root, schema(READERS[source.root.value["version"]]))


def _version(source: Source, root: YamlNode) -> Iterator[Finding]:
    if not isinstance(root.value, dict):
        yield Finding(codes.WRONG_TYPE, root.where, "a policy file is a mapping", "start with version: 1")
        return
    node, known = root.at("version"), ", ".join(map(str, READERS))
    if node is None:
        where = next(iter(root.keys.values()), root.where)
        instead = f"start with version: 1 (this engine reads {known})"
        yield Finding(codes.VERSION, where, "the version of the language is missing", instead, edits=_with_version(source, where))
    elif isinstance(node.value, bool) or not isinstance(node.value, int) or node.value not in READERS:
        what = f"version {node.value!r} of the language is not known"
        yield Finding(codes.VERSION, node.where, what, f"this engine reads {known}, written as a plain number")


def _with_version(source: Source, first_key: Location) -> tuple[Edit, ...]:
    line = line_text(source.text, first_key.line)
    if first_key.column != 1 or line.startswith("{"):
        return ()
    return before_line(source, first_key.line, "version: 1")


def _content(source: Source) -> Mapping[str, Any]:
    content: Mapping[str, Any] = source.root.value if source.root is not None else {}
    return content


def read_event(path: Path) -> tuple[dict[str, Any], str]:
    """The CloudTrail record in a JSON file (of an EventBridge event its `detail`), and what is wrong with it (empty: nothing)."""
    try:
        record = json.loads(_bounded(path) or b"")
    except OSError as error:
        return {}, f"it cannot be read ({error.strerror or type(error).__name__})"
    except (ValueError, RecursionError):
        return {}, "it is not JSON of a size that an event has"
    if isinstance(record, dict) and isinstance(record.get("detail"), dict):
        record = record["detail"]
    return (record, "") if isinstance(record, dict) else ({}, "it is not a JSON object")


def _bounded(path: Path) -> bytes | None:
    """What a file holds, or None if it is too large for an event. A device's size says nothing of how much it gives."""
    with path.open("rb") as stream:
        content = stream.read(LARGEST_EVENT + 1)
    return content if len(content) <= LARGEST_EVENT else None


def event_path(case_file: str, event: str) -> Path:
    """Where the event file is that a policy test names, relative to its own file."""
    return Path(os.path.normpath(Path(case_file).parent / event))


def read_fixtures(tests: Sequence[Source]) -> tuple[Source, ...]:
    """The event files that the files of policy tests name, each once, as texts; one that cannot be read is not there."""
    paths = {event_path(source.path, event): None for source in tests for event in _events(source)}
    return tuple(text for path in paths if (text := _text_of(path)) is not None)


def _events(source: Source) -> Iterator[str]:
    tests = source.root.at("tests") if source.root is not None else None
    for case in tests.items() if tests is not None else ():
        for arrival in arrivals_of(case):
            event = arrival.at("event")
            if event is not None and isinstance(event.value, str):
                yield event.value


def arrivals_of(case: YamlNode) -> Iterable[YamlNode]:
    """The parts of a policy test that have an event each: those of `events`, or the test itself."""
    events = case.at("events")
    return (case,) if events is None else events.items()


def _text_of(path: Path) -> Source | None:
    try:
        content = _bounded(path)
    except OSError:
        return None
    return None if content is None else Source(path.as_posix(), content.decode("utf-8", "replace"), None)


@cache
def schema(name: str) -> str:
    """The text of a schema in `schemas/`."""
    return resource(f"schemas/{name}").read_text(encoding="utf-8")
