"""Findings: what is wrong with a policy set, where, and how to mend it."""

from enum import StrEnum
from typing import NamedTuple


class Location(NamedTuple):
    """A place in a file. `line` and `column` count from 1, in characters; `length` is the number of characters, at least 1."""

    path: str
    line: int = 1
    column: int = 1
    length: int = 1

    def __str__(self) -> str:
        """`path:line:column`, as editors and terminals know it."""
        return f"{self.path}:{self.line}:{self.column}"


class FindingSeverity(StrEnum):
    """How bad a finding is: an error keeps a set from loading, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Edit(NamedTuple):
    """A change of a file: the characters from `start` up to, but not including, `end` (from 0) become `text`."""

    start: int
    end: int
    text: str = ""


class Finding(NamedTuple):
    """One thing that is wrong with a policy set: where, what, and what to write instead (may be empty).

    `edits` are the fix, where only one is safe.
    """

    code: str
    where: Location
    what: str
    instead: str = ""
    severity: FindingSeverity = FindingSeverity.ERROR
    edits: tuple[Edit, ...] = ()

    @property
    def line(self) -> str:
        """The finding on one line: `path:1:2: what; instead [TB101]`."""
        tail = f"; {self.instead}" if self.instead else ""
        return f"{self.where}: {self.what}{tail} [{self.code}]"
