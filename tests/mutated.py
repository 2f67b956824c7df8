"""Payloads as nobody would send them: cut off, of wrong types, deep, huge, binary, not UTF-8. Each is answered.

`python tests/mutated.py [PAYLOADS] [SEED]` prints the table.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builders import SHIPPED, record

from engine.model import Deployment, HttpResponse, Ports
from engine.pipeline.batch import run
from engine.pipeline.decode import decode
from engine.pipeline.response import lambda_response
from engine.pipeline.setting import Setting
from engine.policy.load import load

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 24, tzinfo=UTC)
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e308, "", "x" * 10_000, "\x00", "\ud800", "\u202e", "<!channel>", [], {}, [[]], {"": {}}, ["a"] * 100),
    *("9" * 400, "2026-13-45T99:99:99Z", "::ffff:203.0.113.7", "arn:::::", "http://[", {"Records": [{}]}, 10**400),
)


def deep(depth: int) -> Any:
    """A value within a value within a value."""
    value: Any = "end"
    for number in range(depth):
        value = [value] if number % 2 else {"a": value}
    return value


class Mutations:
    """Payloads from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  not for secrets
        self._number = 0

    def payload(self) -> object:
        """One payload: a sound one in one of its forms, changed somewhere."""
        self._number += 1
        detail = record(eventID=f"event-{self._number}")
        for _ in range(self._random.randrange(4)):
            detail = self._changed(detail)
        form = self._random.choice((self._bridged, self._queued, self._subscribed, self._stream, self._kinesis, self._bare))
        payload: object = form(detail)
        for _ in range(self._random.randrange(3)):
            payload = self._changed(payload)
        return payload

    def _changed(self, value: Any) -> Any:
        """The same with one thing in it replaced, dropped, doubled or cut."""
        if isinstance(value, dict) and value and self._random.random() < 0.9:
            name = self._random.choice(list(value))
            if self._random.random() < 0.15:
                return {key: one for key, one in value.items() if key != name}
            return {**value, name: self._changed(value[name])}
        if isinstance(value, list) and value and self._random.random() < 0.9:
            place = self._random.randrange(len(value))
            return [*value[:place], self._changed(value[place]), *value[place + self._random.randrange(2) :]]
        if isinstance(value, str) and value and self._random.random() < 0.6:
            place = self._random.randrange(len(value))
            return value[:place] + self._random.choice(("", "\x00", "\\", '"', "{", "\ufffd", "é", "9")) + value[place + 1 :]
        return deep(self._random.randrange(200)) if self._random.random() < 0.05 else self._random.choice(ODD)

    def _text(self, value: object) -> str:
        text = json.dumps(value)
        cut = self._random.random()
        return text[: self._random.randrange(len(text))] if cut < 0.1 else text

    def _bridged(self, detail: Any) -> object:
        return {"detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": detail}

    def _queued(self, detail: Any) -> object:
        bodies = [self._text(self._bridged(detail)), self._text(record(eventID=f"other-{self._number}"))]
        return {"Records": [{"messageId": f"m{n}", "eventSource": "aws:sqs", "body": body} for n, body in enumerate(bodies)]}

    def _subscribed(self, detail: Any) -> object:
        return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": self._text({"Records": [detail]})}}]}

    def _stream(self, detail: Any) -> object:
        log = {"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": self._text(detail)}]}
        return {"awslogs": {"data": base64.b64encode(self._bytes(gzip.compress(self._text(log).encode()))).decode()}}

    def _kinesis(self, detail: Any) -> object:
        content = base64.b64encode(self._bytes(self._text(self._bridged(detail)).encode("utf-8", "surrogatepass"))).decode()
        return {
            "Records": [{"eventSource": "aws:kinesis", "eventID": "s:1", "kinesis": {"sequenceNumber": "1", "data": content}}]
        }

    def _bare(self, detail: Any) -> object:
        return self._random.choice((detail, [detail], {"Records": [detail]}, self._text(detail), {"detail": deep(300)}))

    def _bytes(self, content: bytes) -> bytes:
        if self._random.random() < 0.7 or not content:
            return content
        place = self._random.randrange(len(content))
        return content[:place] + self._random.randbytes(self._random.randrange(4)) + content[place + 1 :]


def handled(count: int, seed: int) -> Counter[str]:
    """How so many payloads ended: their records by end, and `broken` what raised or did not add up (nothing)."""
    setting = Setting(load(SHIPPED), Deployment())
    ports = Ports(
        post=lambda _, __, ___: HttpResponse(200, "ok"),
        webhook=lambda _, __=False: "https://hooks.slack.com/services/T/B/x",
        emit=lambda line: json.loads(line) and None,
        now=lambda: NOW,
        elapsed=lambda: 0.0,
        sleep=lambda _: None,
        remaining=lambda: 60.0,
    )
    mutations, ends = Mutations(seed), Counter[str]()
    for _ in range(count):
        payload = mutations.payload()
        try:
            result = run(decode(payload, _no_file), setting, ports)
            lambda_response(payload, result.failed_items)
        except Exception as error:  # noqa: BLE001  to be counted and told
            ends[f"broken: {type(error).__name__}"] += 1
            continue
        ends.update({end.value: number for end, number in result.tally.records.items()})
        ends["broken: does not add up"] += not result.tally.adds_up
    return ends


def _no_file(_: str, __: str) -> Any:
    raise AssertionError("no payload here names a log file")


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    began = time.monotonic()
    ended = handled(number, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for name, times in [("payloads", number), *sorted(ended.items()), ("seconds", round(time.monotonic() - began))]:
        print(f"{name:<34}{times:>8}")  # noqa: T201  what it is for
    sys.exit(any(times for name, times in ended.items() if name.startswith("broken")))
