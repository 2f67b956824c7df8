"""Texts for readers: titles and what evidence says, in one language or by language, with message fields as placeholders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model import Field, Finding
from engine.policy import codes
from engine.policy.edits import inside
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import Location
    from engine.policy.source import Source, YamlNode

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


def placeholders(source: Source, text: YamlNode | None) -> Iterator[tuple[str, Location]]:
    """The names of all placeholders of a text, in each of its languages, and where they are."""
    for version in _versions(text).values():
        for match in PLACEHOLDER.finditer(str(version.value)):
            yield match.group(1), inside(source, version, match.start(), len(match.group()))


def text_findings(source: Source, text: YamlNode | None) -> Iterator[Finding]:
    """Placeholders that are no message fields, and languages whose placeholders differ from the English ones."""
    for name, where in placeholders(source, text):
        if name not in set(Field):
            known = [field.value for field in Field]
            yield Finding(codes.NO_SUCH, where, f"there is no message field {name!r}", suggestion(name, known))
    versions = _versions(text)
    for language, version in versions.items():
        missing = [f"{{{name}}}" for name in sorted(_names(versions["en"]) ^ _names(version))]
        if missing:
            what = f"en and {language} do not have the same placeholders: {', '.join(missing)}"
            yield Finding(codes.PLACEHOLDERS, version.where, what, "use the same fields in each language")


def _versions(text: YamlNode | None) -> dict[str, YamlNode]:
    """A text by language."""
    if text is None:
        return {}
    return {"en": text} if isinstance(text.value, str) else {str(language): node for language, node in text.children.items()}


def _names(version: YamlNode) -> set[str]:
    return set(PLACEHOLDER.findall(str(version.value)))
