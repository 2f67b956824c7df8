"""What must not stand in a policy, because pull requests and build logs show it to everybody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.model import Finding
from engine.policy.positions import location_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.policy.source import Source

SECRET: Final = "TB501"

_PATTERNS: Final = (
    ("a Slack webhook's URL", re.compile(r"hooks\.slack\.com/(?:services|workflows|triggers)/\S+", re.ASCII)),
    ("a Slack token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}", re.ASCII)),
    ("an access key id", re.compile(r"\b(?:AKIA|ASIA)(?!\w*EXAMPLE)[A-Z0-9]{16}\b", re.ASCII)),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", re.ASCII)),
)


def without_secrets(line: str) -> str:
    """A line of a file as it may be shown, with an asterisk for each character of a secret."""
    for _, pattern in _PATTERNS:
        line = pattern.sub(lambda match: "*" * len(match.group()), line)
    return line


def secret_findings(source: Source) -> Iterator[Finding]:
    """Secrets in a file, comments included. The finding does not repeat them."""
    for name, pattern in _PATTERNS:
        for match in pattern.finditer(source.text):
            where = location_at(source.path, source.text, match.start(), len(match.group()))
            yield Finding(
                SECRET,
                where,
                f"this looks like {name}",
                "keep it in a secret, name that here, and revoke this one: it is known now",
            )
