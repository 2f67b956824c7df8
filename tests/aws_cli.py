"""What workflows use of AWS's command line, over boto3: `python aws_cli.py SERVICE CALL OPTIONS [OUTFILE]`."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import boto3
import jmespath


def call_aws(service: str, call: str, *words: str) -> None:
    """Make the call and print what `--query` picks; a blob of the answer goes to the file that is named last."""
    options: dict[str, str] = {}
    rest = list(words)
    waits = rest.pop(0) if call == "wait" else None
    while rest and rest[0].startswith("--"):
        options[rest[0]], rest = rest[1], rest[2:]
    query, _ = options.pop("--query", "@"), options.pop("--output", None)
    how: dict[str, Any] = {_parameter(name): _value(name, value) for name, value in options.items()}
    client = boto3.client("s3" if service == "s3api" else service)
    if waits:
        client.get_waiter(waits.replace("-", "_")).wait(**how)
        return
    answer = getattr(client, call.replace("-", "_"))(**how)
    for blob in ("Body", "Payload"):
        content = answer.pop(blob, None)
        if rest and content is not None:
            Path(rest[0]).write_bytes(content.read())
    found = jmespath.search(query, answer)
    sys.stdout.buffer.write(base64.b64encode(found) if isinstance(found, bytes) else str(found).encode())


def _parameter(name: str) -> str:
    return "".join(word.capitalize() for word in name.removeprefix("--").split("-"))


def _value(name: str, value: str) -> Any:
    if name == "--body":
        return Path(value).read_bytes()
    if name == "--metadata":
        return json.loads(value)
    if name == "--payload":
        return base64.b64decode(value)
    return Path(value.removeprefix("fileb://")).read_bytes() if value.startswith("fileb://") else value


if __name__ == "__main__":
    call_aws(*sys.argv[1:])
