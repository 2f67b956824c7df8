"""Applies the fixes of findings that have a safe one, and returns the new texts of the files. Comments and layout survive.

A fix is kept only where the linter then reports less and nothing new.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.policy.edits import edited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.model import Edit, Finding
    from engine.policy.source import Source

    Sources: TypeAlias = Mapping[str, Source]
    """Files by path."""

_ROUNDS: Final = 100
_LINE: Final = re.compile(r"\bline \d+")
_STAGES: Final = ("TB10", "TB110", "TB11", "")
"""How codes start, in the order in which a file is checked: what is wrong at one stage hides what is wrong at the next."""


def fixed(sources: Sources, look: Callable[[Sources], Sequence[Finding]]) -> tuple[Sources, int]:
    """The files with every safe fix applied, and how many fixes there were. `look` lints files.

    A fix may uncover other findings, so this goes on until there is nothing left to fix.
    """
    count = 0
    for _ in range(_ROUNDS):
        changed, fixes = _with_fixes(sources, look(sources), look)
        if not fixes:
            break
        sources, count = changed, count + fixes
    return sources, count


def _with_fixes(
    sources: Sources, findings: Sequence[Finding], look: Callable[[Sources], Sequence[Finding]]
) -> tuple[Sources, int]:
    """All fixes at once; where one of them does harm, those of each file, or the first one of the file that does none."""
    fixable = _apart([finding for finding in findings if finding.edits and finding.where.path in sources])
    if not fixable:
        return sources, 0
    changed = _changed(sources, fixable)
    if _better(findings, look(changed)):
        return changed, len(fixable)
    count = 0
    for path in dict.fromkeys(finding.where.path for finding in fixable):
        of_file = [finding for finding in fixable if finding.where.path == path]
        for group in [of_file, *([finding] for finding in of_file)]:
            changed = _changed(sources, group)
            after = look(changed)
            if _better(findings, after):
                sources, findings, count = changed, after, count + len(group)
                break
    return sources, count


def _apart(findings: Iterable[Finding]) -> list[Finding]:
    """Those of which no edit touches another's: the first of each such pair."""
    kept: list[Finding] = []
    taken: dict[str, list[Edit]] = {}
    for finding in findings:
        others = taken.setdefault(finding.where.path, [])
        if not any(mine.start <= other.end and other.start <= mine.end for mine in finding.edits for other in others):
            others += finding.edits
            kept.append(finding)
    return kept


def _changed(sources: Sources, findings: Iterable[Finding]) -> Sources:
    edits: dict[str, list[Edit]] = {}
    for finding in findings:
        edits.setdefault(finding.where.path, []).extend(finding.edits)
    return {**sources, **{path: edited(sources[path], of_file) for path, of_file in edits.items()}}


def _better(before: Sequence[Finding], after: Sequence[Finding]) -> bool:
    """Whether there are fewer findings and no new ones, but for such as were hidden by one that is gone."""
    pairs = ((_counted(before, codes), _counted(after, codes)) for codes in _STAGES)
    return next((now < was for was, now in pairs if now != was), False)


def _counted(findings: Iterable[Finding], codes: str) -> Counter[tuple[str, str, str]]:
    """Findings by file, code and text, without their lines: an edit moves lines."""
    of_stage = (finding for finding in findings if finding.code.startswith(codes))
    return Counter((finding.where.path, finding.code, _LINE.sub("", f"{finding.what} {finding.instead}")) for finding in of_stage)


def diff(before: Sources, after: Sources) -> Iterator[str]:
    """What changes, as a unified diff, line by line."""
    for path, source in before.items():
        old, new = source.text.splitlines(keepends=True), after[path].text.splitlines(keepends=True)
        for line in difflib.unified_diff(old, new, path, path):
            yield line.rstrip("\r\n")
