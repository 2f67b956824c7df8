"""Worlds that several test files share: what the pipeline is given in place of Slack, a clock and a log, and events for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders import NOW, channel, record

from engine.errors import FetchError, PublishedSetError
from engine.model import FetchedFile, HttpResponse, Ports, WebhookRef
from engine.policy.poller import Copy
from engine.policy.published import pack, placed
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model import Channel

OK = HttpResponse(200, "ok")
GONE = HttpResponse(404, "no_service")
DOWN = HttpResponse(500, "")


class World:
    """A Slack that answers by URL, a clock that only moves when somebody sleeps, and a log that is a list."""

    def __init__(self, answers: Callable[[str], HttpResponse] = lambda _: OK, seconds: float = 60.0) -> None:
        self.answers = answers
        self.posts: list[tuple[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self.time = 0.0
        self.seconds = seconds

    def ports(self) -> Ports:
        """What the pipeline is given."""
        return Ports(
            post=self._post,
            webhook=lambda ref, _fresh: f"https://hooks.slack.com/services/{ref.env}",
            emit=lambda line: self.lines.append(json.loads(line)),
            now=lambda: NOW,
            elapsed=lambda: self.time,
            sleep=self._sleep,
            remaining=lambda: self.seconds - self.time,
        )

    def _post(self, url: str, body: bytes, _timeout: float) -> HttpResponse:
        answer = self.answers(url)
        self.posts.append((url, json.loads(body)))
        return answer

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The records of one kind."""
        return [line for line in self.lines if line.get("type") == kind]

    def metrics(self) -> dict[str, Any]:
        """The invocation's own line of metrics."""
        return next(line for line in self.lines if "Received" in line)


def named(name: str, **parts: Any) -> Channel:
    return channel(name, **parts)._replace(webhook=WebhookRef(env=f"SLACK_WEBHOOK_{name.upper()}"))


def no_file(_bucket: str, _key: str) -> FetchedFile:
    raise FetchError("no such log file", passing=False)


CHANNELS = {name: named(name) for name in ("watch", "security", "ops")}


def sqs(*records: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "eventSource": "aws:sqs",
                "body": json.dumps({"detail-type": "AWS API Call via CloudTrail", "detail": one}),
            }
            for number, one in enumerate(records)
        ]
    }


def numbered(number: int, **changes: Any) -> dict[str, Any]:
    return record(eventID=f"event-{number}", **changes)


# --- published policy sets ----------------------------------------------------------------------------------------------------

PUBLISHED = datetime(2026, 11, 24, tzinfo=UTC)
"""When the first copy in `Memory` is published; the others follow, a millisecond apart."""
PLACE = "s3://sets/current"


def packed(text: str, commit: str | None = None) -> bytes:
    """The text of one policy file as a set that is packed and not signed."""
    return pack([parse_source(text.encode(), "policies/base.yaml")], Path("policies"), commit)


class Memory:
    """A store in memory. A signature is right where it is `signed`."""

    place = PLACE
    pinned = False

    def __init__(self) -> None:
        self.copies: list[Copy] = []
        self.state: tuple[str | None, str | None] = (None, None)
        self.down = False
        self.read = 0

    def publish(self, text: str, signature: bytes = b"signed", *, place: str = PLACE, number: int | None = None) -> str:
        """A new version, under a new number unless one is given."""
        number = int(PUBLISHED.timestamp() * 1_000) + len(self.copies) if number is None else number
        self.store(placed(packed(text), place, number, "arn:aws:iam::111122223333:user/publisher"), signature)
        return self.copies[-1].version

    def store(self, content: bytes, signature: bytes = b"signed") -> None:
        """These bytes as a new version."""
        self.copies.append(Copy(content, signature, f"v{len(self.copies) + 1}"))

    def _up(self) -> None:
        if self.down:
            raise PublishedSetError("S3 cannot be reached", passing=True)

    def newest(self, known: str | None) -> Copy | None:
        """As a store does."""
        self._up()
        if not self.copies or self.copies[-1].version == known:
            return None
        self.read += 1
        return self.copies[-1]

    def stored(self, version: str) -> Copy:
        """As a store does."""
        self._up()
        return next(copy for copy in self.copies if copy.version == version)

    def signed(self, copy: Copy) -> bool:
        """As a store does."""
        self._up()
        return copy.signature == b"signed"

    def kept(self) -> tuple[str | None, str | None]:
        """As a store does."""
        self._up()
        return self.state

    def keep(self, good: str | None, refused: str | None) -> None:
        """As a store does."""
        self.state = (good, refused)
