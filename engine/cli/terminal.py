"""What commands print. A terminal obeys nothing in it: text of policies, of policy tests and of events is escaped here.

Every command prints by `show` or `show_json`, so no command has to know which of its texts somebody else wrote.
"""

from __future__ import annotations

import json

import click

from engine.pipeline.render.escape import harmless


class PaintedText(str):
    """Text that was escaped already and has colours, links or line breaks of ours in it."""

    __slots__ = ()


def show(*lines: str, err: bool = False) -> None:
    """Print lines, to standard output or standard error. In each, what a terminal would obey or hide stands as an escape.

    A line break within a line is escaped, too: nobody's text looks like a line of ours.
    """
    for line in lines:
        click.echo(line if isinstance(line, PaintedText) else harmless(line), err=err)


def show_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(as_json_text(value))


def as_json_text(value: object) -> str:
    """A value as indented JSON in printable ASCII."""
    return json.dumps(value, indent=2).replace("\x7f", "\\u007f")


def heading(head: str, rest: str = "") -> PaintedText:
    """A line that begins in bold."""
    return PaintedText(click.style(harmless(head), bold=True) + harmless(rest))
