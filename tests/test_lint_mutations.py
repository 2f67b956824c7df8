# ruff: noqa: T201  tables stay in rows; the share is what one wants to see
"""Mistakes as people make them: each a single change of a shipped policy, found on the line where it was made.

What is not found is listed in `docs/lint/README.md`; `-s` prints the share.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from builders import base_files

from engine.lint import lint
from engine.policy.load import read
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 24, tzinfo=UTC)
LEAST_SHARE = 0.95
LEAST_COUNT = 200


class Mutation(NamedTuple):
    """One mistake: in which file and line, and the file's text with it."""

    kind: str
    path: str
    line: int
    text: str


CHANGES: list[tuple[str, str, str]] = [
    # a letter lost in a key
    *(
        (f"key {key}", rf"(?<=[ {{,-])({key})(?=:)", key[:-2] + key[-1])
        for key in (
            "routes",
            "notify",
            "masking",
            "severity",
            "evidence",
            "strength",
            "class",
            "kind",
            "says",
            "when",
            "owner",
            "name",
            "buckets",
            "silences",
            "until",
            "reason",
            "channels",
            "webhook",
            "fields",
            "default",
            "level",
            "title",
            "mute",
            "continue",
        )
    ),
    *(
        (f"top key {key}", rf"^({key})(?=:)", key[:-2] + key[-1])
        for key in (
            "version",
            "name",
            "owner",
            "routes",
            "actors",
            "masking",
            "channels",
            "default",
            "buckets",
            "silences",
            "audit",
            "events",
        )
    ),
    # names
    ("channel", r"notify: \[([a-z0-9-]+)", "no-such-channel"),
    ("level", r"masking: ([a-z]+)", "standrd"),
    ("webhook variable", r"env: (SLACK_WEBHOOK_[A-Z_]+)", "WEBHOOK_URL"),
    # fields of expressions
    ("field type", r"userIdentity\.(type)", "tpye"),
    ("field session", r"actor\.(session)", "sesion"),
    ("field role", r"actor\.(role)", "rol"),
    ("field class", r"actor\.(class) ==", "clas"),
    ("field kind", r"(?:actor|access|source)\.(kind)", "knd"),
    ("field agent", r"regex\((userAgent)", "userAgnet"),
    ("field bucket", r"copy\.(bucket)", "bukcet"),
    ("field denied", r"access\.(denied)", "deny"),
    ("field issuer", r"inScopeOf\.(issuerType)", "issuer"),
    ("field parameters", r"(additionalEventData)\.", "additionalEvent"),
    # values
    ("identity type", r"type == '(AssumedRole)'", "AssumeRole"),
    ("identity type IAMUser", r"type == '(IAMUser)'", "IamUser"),
    ("class value kind", r"kind: (robot|person|service)\b", "robots"),
    ("strength value", r"strength: (claimed|attested)", "clamed"),
    ("severity value", r"severity: (critical|info)", "high"),
    ("kind in an expression", r"kind [!=]= '(robot|service|delete|write|read)'", "robbot"),
    # quotes and operators
    ("single equals", r"( == )", " = "),
    ("double quotes", r"== ('[A-Za-z]+')", '"Text"'),
    ("quote not closed", r"== '[A-Za-z-]+(')", ""),
    ("literal null", r"(`null`)", "null"),
    ("single ampersand", r"(&&) [a-z!]", "&"),
    ("function name", r"(regex)\(", "regexp"),
    ("glob function", r"(glob)\(", "match"),
    ("one argument", r"regex\([a-zA-Z.]+(, '[^']*')\)", ""),
    ("regex bracket", r"\[0-9a-f(\])", ""),
    ("star in equals", r"glob\(([a-z.]+, '[^']*')\)", None),  # type: ignore[list-item]
    # dates, types
    ("date", r"until: (\S+)", "2027-02-30T00:00:00Z"),
    ("date without a zone", r"until: \S+(Z)", ""),
    ("list wanted", r"notify: (\[[a-z0-9-]+\])", "somewhere"),
    ("boolean", r"never_mute: (true)", "yes"),
    ("account without quotes", r'accounts: \[("[0-9]{12}")', "012345678901"),
    ("runbook", r"runbook: (https)://", "http"),
    ("title field", r"title: .*\{(event|bucket|name|key)\}", "evnt"),
    # YAML
    ("bracket lost", r"notify: \[[a-z0-9-]+(\])", ""),
    ("colon lost", r"^ +(?:- )?(?:id|class|when|says)(:) ", ""),
    ("tab", r"^( {4})(?:when|notify)", "\t"),
    ("a key twice", r"^( +)(when: .*)$", None),  # type: ignore[list-item]
]
"""Kind, what is changed (the group), and by what. None: see `changed`."""


def changed(kind: str, found: re.Match[str], by: str | None) -> str:
    if kind == "a key twice":
        return f"{found[0]}\n{found[0]}"
    if kind == "star in equals":
        path, pattern = found[1].split(", ", 1)
        return f"{path} == {pattern}"
    assert by is not None
    start, end = found.start(1) - found.start(), found.end(1) - found.start()
    return found[0][:start] + by + found[0][end:]


SETS = (base_files(), read(ROOT / "examples/tour/policies"))
"""The shipped base, and the set of the tour."""


def mutations() -> Iterator[Mutation]:
    for sources in SETS:
        for source in sources:
            for kind, pattern, by in CHANGES:
                for found in list(re.finditer(pattern, source.text, re.MULTILINE))[:3]:
                    before = source.text[source.text.rfind("\n", 0, found.start()) + 1 : found.start()]
                    if "#" in before:
                        continue
                    text = source.text[: found.start()] + changed(kind, found, by) + source.text[found.end() :]
                    at = found.start(1) if found.lastindex else found.start()
                    line = source.text.count("\n", 0, at) + 1 + (kind == "a key twice")
                    yield Mutation(kind, source.path, line, text)


@cache
def missed() -> tuple[int, list[Mutation]]:
    """How many mistakes there are, and those without a finding on their line."""
    count, not_found = 0, []
    for one in mutations():
        sources = next(found for found in SETS if any(source.path == one.path for source in found))
        changed_set = [parse_source(one.text.encode(), one.path) if source.path == one.path else source for source in sources]
        count += 1
        if not any(finding.where.path == one.path and finding.where.line == one.line for finding in lint(changed_set, NOW)):
            not_found.append(one)
    return count, not_found


@pytest.mark.long
def test_nearly_every_mistake_is_found_on_its_line() -> None:
    count, not_found = missed()
    share = 1 - len(not_found) / count
    print(f"{count - len(not_found)} of {count} mistakes found on their line ({share:.1%})")
    assert count >= LEAST_COUNT
    assert share >= LEAST_SHARE, [(one.kind, one.path, one.line) for one in not_found]


def test_the_kinds_that_are_missed_are_listed_as_known_limits() -> None:
    listed = (ROOT / "docs/lint/README.md").read_text("utf-8")
    assert [kind for kind in sorted({one.kind for one in missed()[1]}) if f"`{kind}`" not in listed] == []
