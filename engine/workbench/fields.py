"""Every path that a matcher may read, with its type and its provenance; and the same as a page of the documentation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.lint.fields import RECORD
from engine.policy.provenance import MEANING, SOURCES, TABLE, Pin, Row, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.lint.fields import FieldShape

    Path = tuple[str, ...]


class FieldRow(NamedTuple):
    """A path of the document that a matcher sees: its types by JMESPath's names, and its row in the table of provenance."""

    path: Path
    types: frozenset[str]
    row: Row

    @property
    def name(self) -> str:
        """The path as it is written in an expression."""
        return path_name(self.path)


def path_name(path: tuple[str | int, ...]) -> str:
    """A path as it is written in an expression: `requestParameters."key-marker"`, `resources[0].ARN`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.isascii() and part.isidentifier()
            text += f"{'.' if text else ''}{part if plain else json.dumps(part)}"
    return text


def field_rows() -> tuple[FieldRow, ...]:
    """A row for each path that holds a value, those of the record first, then the facts, as the linter knows them."""
    return tuple(FieldRow(path, shape.types, row_of(path)) for path, shape in _leaves(RECORD, ()))


def _leaves(shape: FieldShape, path: Path) -> Iterator[tuple[Path, FieldShape]]:
    if not shape.fields:
        yield path, shape
    for name, inner in (shape.fields or {}).items():
        yield from _leaves(inner, (*path, name))


# --- documentation -------------------------------------------------------------------------------------------------------


def page() -> str:
    """`docs/provenance.md`: the table, what its words mean, and its sources."""
    rows: dict[Row, list[str]] = {}
    for path, row in TABLE.items():
        rows.setdefault(row, []).append(f"`{'.'.join(path)}`")
    lines = [_INTRODUCTION, "| word | means |", "|---|---|"]
    lines += [f"| `{word}` | {meaning} |" for word, meaning in MEANING.items()]
    lines += ["", _ABOVE_TABLE, "| field or fact | provenance | pins the caller | remarks | source |", "|---|---|---|---|---|"]
    lines += [
        f"| {', '.join(names)} | {row.words} | {row.pinning} | {row.why} | {', '.join(row.sources)} |"
        for row, names in rows.items()
    ]
    lines += ["", "Sources:", ""]
    lines += [f"- {short}: {f'[{name}]({url})' if url else name}" for short, (name, url) in SOURCES.items()]
    return "\n".join([*lines, ""])


def hover_text() -> str:
    """What the schema's description of `when`, which editors show, says of the facts about the caller and the source."""
    facts: dict[str, list[str]] = {}
    for path, row in TABLE.items():
        if path[0] in ("actor", "source") and row.pins is not Pin.CLASS:
            facts.setdefault(row.words, []).append(".".join(path))
    meanings = "; ".join(f"{word}: {meaning}" for word, meaning in MEANING.items())
    of_facts = " ".join(f"{words}: {', '.join(names)}." for words, names in facts.items())
    return f"Provenance: {meanings}. {of_facts}"


_INTRODUCTION: Final = """\
# Provenance of fields and facts

Every field and fact has one word that says who wrote it. A field that is not listed here is `claimed`. `trailbell fields` prints
the same for every path.

None of it says in whose hands the credentials are: whoever steals them keeps it all. For that there is `never_mute`.
"""

_ABOVE_TABLE: Final = """\
A mute or a silence has to **pin** its caller: each of its branches contains a test of the third column. See
[policies.md](policies.md#what-a-mute-or-a-silence-may-rest-on).
"""
