"""`# trailbell: allow TB406 until 2027-03-01, migration`: a finding that is meant, on its line or, if alone, on the next."""

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
        """Whether a finding of its line is meant."""
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
    """What takes a comment away: with its line, where it stands alone, else with the blanks before it."""
    start = mark.start()
    while start and source.text[start - 1] in " \t":
        start -= 1
    alone = start == 0 or source.text[start - 1] == "\n"
    return (Edit(start, mark.end() + (alone and source.text[mark.end() : mark.end() + 1] == "\n")),)


def _line(source: Source, where: Location, *, whole: bool) -> int:
    """The line that is meant: its own, or the next where the comment stands alone."""
    alone = not line_text(source.text, where.line)[: where.column - 1].strip()
    return 0 if whole else where.line + alone


def _day(text: str | None) -> date | None:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date() if text else None


def allowed(
    findings: Iterable[Finding], granted: Sequence[Allowance], judged: Container[Allowance], today: date
) -> list[Finding]:
    """The findings that are left, and those about allowances that have ended or, if `judged`, allow nothing.

    Judged are those that nothing hides the findings of.
    """
    used: set[Allowance] = set()
    left = []
    places: dict[tuple[str, int], list[Allowance]] = {}
    for one in granted:
        places.setdefault((one.path, one.line), []).append(one)
    for finding in findings:
        near = (one for line in (0, finding.where.line) for one in places.get((finding.where.path, line), ()))
        covering = [one for one in near if one.covers(finding, today)]
        used.update(covering)
        if not covering:
            left.append(finding)
    return [*left, *(_unused(one, today) for one in granted if one not in used and (one in judged or one.over(today)))]


def _unused(one: Allowance, today: date) -> Finding:
    what = (
        f"this allowance ended on {one.until}"
        if one.over(today)
        else "this allowance allows nothing: there is no such finding here"
    )
    return Finding(UNUSED, one.where, what, "delete it", FindingSeverity.WARNING, one.edits)
