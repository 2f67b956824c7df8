"""Titles that are written for something else: mentions of Slack, and placeholders of other languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model import Finding, FindingSeverity
from engine.policy.edits import inside
from engine.policy.quieter import parts
from engine.policy.texts import versions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.policy.source import Source, YamlNode

NO_MENTION: Final = "TB433"

_FORMS: Final = (
    (
        re.compile(r"<!(?:here|channel|everyone|subteam\b)[^>]*>|<@[^>]*>|(?<![\w.])@(?:here|channel|everyone)\b"),
        "a title mentions nobody: Slack shows this as it is written",
        "say whom to mention at the channel: mention: {critical: [here]}",
    ),
    (re.compile(r"[$#%](?=\{\w)"), "this stands before the value as it is written", "write the field alone, as in {bucket}"),
)


def title_findings(source: Source) -> Iterator[Finding]:
    """What the titles of routes and classes of a file hold that means something elsewhere."""
    for part in (*parts(source.root, "routes"), *parts(source.root, "actors")) if source.root is not None else ():
        for version in versions_of(part.at("title")).values():
            yield from _of(source, version)


def _of(source: Source, version: YamlNode) -> Iterator[Finding]:
    for form, what, instead in _FORMS:
        for there in form.finditer(str(version.value)):
            where = inside(source, version, there.start(), len(there[0]))
            yield Finding(NO_MENTION, where, what, instead, FindingSeverity.WARNING)
