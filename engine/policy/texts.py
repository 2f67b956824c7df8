"""Texts for readers: titles and what evidence says, in one language or by language, with message fields as placeholders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model import Field, Finding
from engine.policy import codes
from engine.policy.edits import inside
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model import Location
    from engine.policy.source import Source, YamlNode

PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_LONE_BRACE: Final = re.compile(r"[{}]")

_FIELDS: Final[Mapping[str, Field]] = {
    "actor.account": Field.ACCOUNT,
    "actor.class": Field.CLASS,
    "actor.evidence": Field.EVIDENCE,
    "actor.name": Field.NAME,
    "actor.role": Field.ROLE,
    "actor.session": Field.SESSION,
    "actor.type": Field.ACTOR_TYPE,
    "awsRegion": Field.REGION,
    "bucketName": Field.BUCKET,
    "copy.bucket": Field.COPY_SOURCE,
    "copy.key": Field.COPY_SOURCE,
    "errorCode": Field.ERROR_CODE,
    "errorMessage": Field.ERROR_MESSAGE,
    "eventID": Field.EVENT_ID,
    "eventName": Field.EVENT,
    "eventTime": Field.TIME,
    "source.ip": Field.SOURCE_IP,
    "sourceIPAddress": Field.SOURCE_IP,
    "userAgent": Field.USER_AGENT,
    "userIdentity.arn": Field.ARN,
    "userIdentity.type": Field.ACTOR_TYPE,
}
"""Fields of messages by the names that expressions have for the same."""


def placeholders(source: Source, text: YamlNode | None) -> Iterator[tuple[str, Location]]:
    """The names of all placeholders of a text, in each of its languages, and where they are."""
    for version in versions_of(text).values():
        for match in PLACEHOLDER.finditer(str(version.value)):
            yield match.group(1), inside(source, version, match.start(), len(match.group()))


def text_findings(source: Source, text: YamlNode | None) -> Iterator[Finding]:
    """Placeholders that are no message fields, and languages whose placeholders differ from the English ones."""
    for name, where in placeholders(source, text):
        if name not in set(Field):
            instead = f"write {{{_FIELDS[name]}}}" if name in _FIELDS else suggestion(name, [field.value for field in Field])
            yield Finding(codes.NO_SUCH, where, f"there is no message field {name!r}", instead)
    versions = versions_of(text)
    for version in versions.values():
        brace = _LONE_BRACE.search(PLACEHOLDER.sub(lambda match: " " * len(match[0]), str(version.value)))
        if brace is not None:
            what, instead = f"this {brace[0]} has no partner", "a field stands between { and }, as in {bucket}"
            yield Finding(codes.WRONG_VALUE, inside(source, version, brace.start()), what, instead)
    for language, version in versions.items():
        missing = [f"{{{name}}}" for name in sorted(_names(versions["en"]) ^ _names(version))]
        if missing:
            what = f"en and {language} do not have the same placeholders: {', '.join(missing)}"
            yield Finding(codes.PLACEHOLDERS, version.where, what, "use the same fields in each language")


def versions_of(text: YamlNode | None) -> dict[str, YamlNode]:
    """A text by language."""
    if text is None:
        return {}
    return {"en": text} if isinstance(text.value, str) else {str(language): node for language, node in text.children.items()}


def _names(version: YamlNode) -> set[str]:
    return set(PLACEHOLDER.findall(str(version.value)))
