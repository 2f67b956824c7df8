"""What a secret looks like, wherever it may have leaked to: in the repository, in the zip, in a log."""

from __future__ import annotations

import re

EXAMPLE = b"hooks.slack.com/services/T00000000/B00000000/" + b"X" * 24
"""The webhook in Slack's own documentation."""

LOOKS = {
    "a Slack webhook": re.compile(
        rb"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Z0-9]{6,}/[A-Z0-9]{6,}/[A-Za-z0-9]{12,}"
    ),
    "a Slack token": re.compile(rb"xox[abeoprs]-[A-Za-z0-9-]{20,}"),
    "an AWS access key": re.compile(rb"(?<![A-Za-z0-9])(?:AKIA|ASIA)(?!.{0,16}EXAMPLE)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "a GitHub token": re.compile(rb"(?<![A-Za-z0-9])gh[opsu]_[A-Za-z0-9]{36}"),
    "a key of hash": re.compile(rb'"epoch"\s*:\s*"\w+"\s*,\s*"key"\s*:\s*"[A-Za-z0-9+/]{42,}={0,2}"'),
}


def leaks(content: bytes) -> list[str]:
    """What of this stands in a text, by its sort alone."""
    return [name for name, look in LOOKS.items() if look.search(content.replace(EXAMPLE, b""))]
