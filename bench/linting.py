"""Linting a large set: as a multiple of what it takes PyYAML to read its files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from bench.report import Part, Row
from bench.timing import Job, side_by_side
from engine.lint import lint
from engine.policy.bases import with_base
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW: Final = datetime(2026, 11, 24, tzinfo=UTC)
POLICIES: Final = 1_000
LINT, YAML = "trailbell lint", "PyYAML's SafeLoader"
MAIN: Final = """\
version: 1
name: main
owner: security
extends: trailbell/base
channels: [{name: s3-watch, webhook: {env: SLACK_WEBHOOK_URL}}]
default: {notify: [s3-watch], masking: standard}
"""
POLICY: Final = """\
version: 1
name: team-{0:04}
owner: team-{0:04}
description: Who reads the buckets of one team.
buckets: ["team-{0:04}-*"]
routes:
  - {{id: denied, when: access.denied, notify: [s3-watch], severity: critical, continue: true}}
  - {{id: nightly, when: actor.role == 'nightly-{0:04}' && access.kind == 'read', mute: "a nightly job, OPS-{0}"}}
  - {{id: build, when: "contains(['build-{0:04}', 'test-{0:04}'], actor.role)", mute: "builds, OPS-{0}"}}
  - {{id: copied, when: "glob(copy.bucket, 'team-{0:04}-*') && !glob(bucket, 'team-{0:04}-*')", notify: [s3-watch]}}
  - {{id: large, when: additionalEventData.bytesTransferredOut > `{0}000`, notify: [s3-watch], continue: true}}
  - {{id: exports, when: "regex(key, '^exports/{0:04}/') && actor.kind == 'person'", notify: [s3-watch]}}
  - {{id: away, when: "actor.kind == 'person' && !cidr(source.ip, '203.0.113.0/24')", notify: [s3-watch]}}
  - {{id: deletes, when: access.kind == 'delete', notify: [s3-watch], severity: critical}}
  - {{id: people, when: actor.class == 'human', notify: [s3-watch]}}
  - {{id: others, notify: [s3-watch], severity: info}}
"""


def policies(count: int) -> dict[str, bytes]:
    """The files of a set with as many policies of ten routes each."""
    made = {f"policies/team-{number:04}.yaml": POLICY.format(number).encode() for number in range(1, count + 1)}
    return {"policies/main.yaml": MAIN.encode(), **made}


def findings(files: Mapping[str, bytes]) -> int:
    """How many findings a set has."""
    return len(lint(with_base([parse_source(text, path) for path, text in files.items()], Path("policies")), NOW))


def linting(count: int = POLICIES) -> Part:
    """The linter's time for a set as a multiple of what its files take PyYAML, both from their bytes."""
    files = policies(count)
    taken = side_by_side({LINT: Job(findings, [files]), YAML: Job(_read, [files])}, rounds=3)
    what = f"{LINT} of {count:,} policies with 10 routes each against {YAML}"
    row = Row(what, taken[LINT] / taken[YAML], 3, 2, faster=False)
    return Part((row,), {"seconds": taken})


def _read(files: Mapping[str, bytes]) -> None:
    for text in files.values():
        yaml.load(text, Loader=yaml.SafeLoader)
