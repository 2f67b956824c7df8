"""`# trailbell: allow TB406 until 2027-03-01, migration`: allows a finding on its line or, where it stands alone, on the next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from engine.model import Edit, Finding, FindingSeverity, Location
from engine.policy.positions import line_text, location_at

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from engine.policy.source import Source

UNREADABLE: Final = "TB701"
UNUSED: Final = "TB702"

_MARK: Final = re.compile(r"#\s*trailbell\s*:(?P<rest>.*)$", re.MULTILINE | re.IGNORECASE)
_FORM: Final = re.compile(
    r"\s*allow(?P<file>-file)?\s+(?P<codes>TB\d{3}(?:\s+TB\d{3})*)(?:\s+until\s+(?P<until>\d{4}-\d\d-\d\d))?\s*,\s*(?P<why>\S.*)",
    re.ASCII,
)
_HOW: Final = "write # trailbell: allow TB406 until 2027-03-01, REASON (until may be left out; allow-file is for the whole file)"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one comment allows. `line` 0: the whole file."""

    codes: frozenset[str]
    path: str
    line: int
    until: date | None
    where: Location
    edits: tuple[Edit, ...] = ()

    def covers(self, finding: Finding, today: date) -> bool:
        """Whether a finding on its line is allowed."""
        return finding.code in self.codes and not self.over(today)

    def over(self, today: date) -> bool:
        """Whether it has ended."""
        return self.until is not None and self.until <= today


def allowances(source: Source, known: frozenset[str]) -> Iterator[Allowance | Finding]:
    """Every allowance of a file, and what is wrong with those that cannot be read."""
    for mark in _MARK.finditer(source.text):
        where = location_at(source.path, source.text, mark.start(), len(mark.group()))
        form = _FORM.fullmatch(mark.group("rest").rstrip())
        codes = frozenset(form.group("codes").split()) if form else frozenset()
        if form is None:
            yield Finding(UNREADABLE, where, "this allowance names no code or gives no reason", _HOW)
        elif codes - known:
            yield Finding(UNREADABLE, where, f"there is no finding {min(codes - known)}", "trailbell lint --explain lists them")
        else:
            line = _line(source, where, whole=bool(form.group("file")))
            yield Allowance(codes, source.path, line, _day(form.group("until")), where, _without(source, mark))


def _without(source: Source, mark: re.Match[str]) -> tuple[Edit, ...]:
    """The edit that deletes a comment: with its line, where it stands alone, else with the blanks before it."""
    start = mark.start()
    while start and source.text[start - 1] in " \t":
        start -= 1
    alone = start == 0 or source.text[start - 1] == "\n"
    return (Edit(start, mark.end() + (alone and source.text[mark.end() : mark.end() + 1] == "\n")),)


def _line(source: Source, where: Location, *, whole: bool) -> int:
    """The line that a comment is about: its own, or the next one where it stands alone; 0 for the whole file."""
    alone = not line_text(source.text, where.line)[: where.column - 1].strip()
    return 0 if whole else where.line + alone


def _day(text: str | None) -> date | None:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date() if text else None


def allowed(
    findings: Iterable[Finding], granted: Sequence[Allowance], judged: Container[Allowance], today: date
) -> list[Finding]:
    """The findings that no allowance covers, and one for each allowance that has ended or covers nothing.

    That an allowance covers nothing is only said of the `judged` ones, those whose findings cannot be hidden by others.
    """
    used: set[Allowance] = set()
    left = []
    places: dict[tuple[str, int], list[Allowance]] = {}
    for allowance in granted:
        places.setdefault((allowance.path, allowance.line), []).append(allowance)
    for finding in findings:
        near = (allowance for line in (0, finding.where.line) for allowance in places.get((finding.where.path, line), ()))
        covering = [allowance for allowance in near if allowance.covers(finding, today)]
        used.update(covering)
        if not covering:
            left.append(finding)
    unused = (allowance for allowance in granted if allowance not in used and (allowance in judged or allowance.over(today)))
    return [*left, *(_unused(allowance, today) for allowance in unused)]


def _unused(allowance: Allowance, today: date) -> Finding:
    what = (
        f"this allowance ended on {allowance.until}"
        if allowance.over(today)
        else "this allowance allows nothing: there is no such finding here"
    )
    return Finding(UNUSED, allowance.where, what, "delete it", FindingSeverity.WARNING, allowance.edits)
