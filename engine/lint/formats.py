"""Findings for a person, for GitHub, and for other machines.

Sources: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions; SARIF 2.1.0,
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; JUnit as https://github.com/testmoapp/junitxml describes it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from engine import __version__
from engine.lint.registry import BY_CODE, CHECKS, page
from engine.lint.secrets import without_secrets
from engine.model import Finding, FindingSeverity
from engine.pipeline.render.escape import harmless
from engine.policy.positions import line_text, location_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.model import Edit

WIDTH: Final = 160
"""Columns where the width of the terminal is not known."""
_NARROWEST: Final = 40
_MARGIN: Final = 7
"""Columns of a line's number."""
_SARIF_LEVEL: Final = {FindingSeverity.ERROR: "error", FindingSeverity.WARNING: "warning", FindingSeverity.NOTE: "note"}
_GITHUB_LEVEL: Final = {FindingSeverity.ERROR: "error", FindingSeverity.WARNING: "warning", FindingSeverity.NOTE: "notice"}
_COLOUR: Final = {FindingSeverity.ERROR: "\x1b[31m", FindingSeverity.WARNING: "\x1b[33m", FindingSeverity.NOTE: "\x1b[36m"}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def text(findings: Sequence[Finding], texts: Mapping[str, str], *, colour: bool = False, width: int = WIDTH) -> str:
    """For a person: the place, what is wrong, the line with a caret below it, and what to write instead.

    `width` are the columns of the terminal: a wider line of a file is cut, so that the caret stands below the right characters.
    """
    room = max(width, _NARROWEST) - _MARGIN
    blocks = ["\n".join(_block(finding, texts.get(finding.where.path, ""), room, colour=colour)) for finding in findings]
    return "\n\n".join(blocks)


def _block(finding: Finding, file: str, room: int, *, colour: bool) -> Iterator[str]:
    def styled(style: str, words: str) -> str:
        return f"{style}{words}{_RESET}" if colour else words

    severity = styled(_COLOUR[finding.severity], f"{finding.severity.value}[{finding.code}]")
    yield f"{styled(_BOLD, harmless(str(finding.where)))}: {severity} {harmless(finding.what)}"
    yield from (styled(_DIM, line) for line in _frame(finding, file, room))
    more = styled(_DIM, f"(trailbell lint --explain {finding.code})") if finding.code in BY_CODE else ""
    yield f"  {' '.join(part for part in (harmless(finding.instead), more) if part)}"


def _frame(finding: Finding, file: str, room: int) -> Iterator[str]:
    """The line, as much of it as fits, and a caret below the part in question; nothing for an empty line."""
    where = finding.where
    line = without_secrets(line_text(file, where.line).rstrip("\r"))
    if not line.strip():
        return
    column = where.column - 1
    before = _last(harmless(line[:column]), room // 2)
    marked = line[column : column + max(1, where.length)]
    shown = _first(harmless(marked), room // 2)
    after = _first(harmless(line[column + len(marked) :]), room - _columns(before) - _columns(shown))
    number = f"{where.line:>4}"
    yield f"{number} | {before}{shown}{after}"
    yield f"{' ' * len(number)} | {' ' * _columns(before)}{'^' * max(1, _columns(shown))}"


def _first(words: str, room: int) -> str:
    """The start of a text that fits, with a mark where more is cut."""
    if _columns(words) <= room:
        return words
    fitting = next(end for end in range(min(len(words), room), -1, -1) if _columns(words[:end]) < max(room, 1))
    return f"{words[:fitting]}…" if room else ""


def _last(words: str, room: int) -> str:
    """The end of a text that fits, with a mark where more is cut."""
    return _first(words[::-1], room)[::-1]


def _columns(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two."""
    from unicodedata import east_asian_width  # noqa: PLC0415  only for frames

    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


# --- for machines ------------------------------------------------------------------------------------------------------------


def github(findings: Sequence[Finding], _: Mapping[str, str]) -> str:
    """Annotations in a pull request."""
    return "\n".join(_annotation(finding) for finding in findings)


def _annotation(finding: Finding) -> str:
    where = finding.where
    words = f"{finding.what}{f'; {finding.instead}' if finding.instead else ''}"
    place = f"file={_property(where.path)},line={where.line},col={where.column},endColumn={where.column + where.length}"
    return f"::{_GITHUB_LEVEL[finding.severity]} {place},title={finding.code}::{_message(words)}"


def _message(words: str) -> str:
    return harmless(words).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(words: str) -> str:
    return _message(words).replace(":", "%3A").replace(",", "%2C")


def as_json(findings: Sequence[Finding], _: Mapping[str, str]) -> str:
    """A list of objects."""
    return json.dumps([_object(finding) for finding in findings], indent=2)


def _object(finding: Finding) -> dict[str, Any]:
    where = finding.where
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "path": where.path,
        "line": where.line,
        "column": where.column,
        "length": where.length,
        "what": finding.what,
        "instead": finding.instead,
        "edits": [{"start": edit.start, "end": edit.end, "text": edit.text} for edit in finding.edits],
    }


def sarif(findings: Sequence[Finding], texts: Mapping[str, str]) -> str:
    """SARIF 2.1.0, as code scanning reads it; with the safe fix of a finding, where it has one."""
    rules = [
        {
            "id": check.code,
            "shortDescription": {"text": check.what},
            "fullDescription": {"text": check.why},
            "help": {"text": check.why, "markdown": page(check)},
        }
        for check in CHECKS
    ]
    driver = {"name": "trailbell", "version": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, texts) for finding in findings],
    }
    return json.dumps({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}, indent=2)


def _result(finding: Finding, texts: Mapping[str, str]) -> dict[str, Any]:
    where = finding.where
    region = {"startLine": where.line, "startColumn": where.column, "endColumn": where.column + where.length}
    words = f"{finding.what}; {finding.instead}" if finding.instead else finding.what
    location = {"uri": f"{'file://' if where.path.startswith('/') else ''}{quote(where.path)}"}
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _SARIF_LEVEL[finding.severity],
        "message": {"text": words},
        "locations": [{"physicalLocation": {"artifactLocation": location, "region": region}}],
    }
    if finding.edits:
        replacements = [_replacement(edit, texts.get(where.path, "")) for edit in finding.edits]
        changes = [{"artifactLocation": location, "replacements": replacements}]
        result["fixes"] = [{"description": {"text": finding.instead}, "artifactChanges": changes}]
    return result


def _replacement(edit: Edit, text: str) -> dict[str, Any]:
    start, end = location_at("", text, edit.start), location_at("", text, edit.end)
    region = {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column}
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}


def junit(findings: Sequence[Finding], texts: Mapping[str, str]) -> str:
    """One test case for each file, failed where it has findings."""
    by_file: dict[str, list[Finding]] = {path: [] for path in texts}
    for finding in findings:
        by_file.setdefault(finding.where.path, []).append(finding)
    failed = sum(map(bool, by_file.values()))
    cases = "".join(_case(path, of_file) for path, of_file in by_file.items())
    return f'<testsuite name="trailbell lint" tests="{len(by_file)}" failures="{failed}">{cases}</testsuite>'


def _case(path: str, findings: Sequence[Finding]) -> str:
    lines = "\n".join(harmless(finding.line) for finding in findings)
    failure = f"<failure message={quoteattr(f'{len(findings)} findings')}>{escape(lines)}</failure>" if findings else ""
    return f"<testcase name={quoteattr(harmless(path))}>{failure}</testcase>"


FORMATS: Final[Mapping[str, Callable[[Sequence[Finding], Mapping[str, str]], str]]] = {
    "text": text,
    "github": github,
    "json": as_json,
    "sarif": sarif,
    "junit": junit,
}


def summary(findings: Sequence[Finding], files: int) -> str:
    """One line: how many of which severity, in how many files, and how many have a safe fix."""
    counts = Counter(finding.severity for finding in findings)
    words = [
        f"{counts[severity]} {severity.value}{'s' if counts[severity] != 1 else ''}"
        for severity in FindingSeverity
        if counts[severity]
    ]
    fixable = sum(bool(finding.edits) for finding in findings)
    tail = f"; --fix corrects {fixable} of them" if fixable else ""
    return f"{', '.join(words) or 'no findings'} in {files} file{'s' if files != 1 else ''}{tail}"
