"""How long a guarantee takes: of the shipped set, and of one of 200 teams' files."""

from __future__ import annotations

from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Final

from bench.deciding import POLICIES
from bench.generate import BASE
from bench.report import Part, Row
from engine.policy.load import check, read_set
from engine.policy.source import parse_source
from engine.prove.check import prove
from engine.prove.findings import NEEDS_SOLVER, has_solver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.policy.source import Source

TEAMS: Final = 200
MILLI: Final = 1e3

TEAM: Final = """\
version: 1
name: {name}
owner: bench
buckets: ["{name}-*"]
{floor}routes:
  - {{id: denied, when: access.denied, notify: [security], masking: strict, continue: true}}
  - {{id: nightly, when: "actor.role == '{name}-nightly' && access.kind == 'read'", mute: the nightly job reads}}
  - {{id: out, when: "glob(copy.bucket, '{name}-*') && !glob(bucket, '{name}-*')", notify: [security, ops], severity: critical}}
  - id: at-night
    when: actor.kind != 'robot'
    during: {{days: [mon-fri], hours: "20:00-07:00", timezone: Asia/Tokyo}}
    notify: [security]
  - {{id: people, when: actor.kind == 'person', notify: [watch], severity: info}}
  - {{id: rest, notify: [ops]}}
"""
SILENCES: Final = """\
silences:
  - {{id: move, when: actor.role == '{name}-mover', until: 2027-01-31T00:00:00Z, reason: they move}}
"""

GUARANTEES: Final[Mapping[str, tuple[str, str]]] = {
    "people-ring": ("when: actor.kind == 'person', always: rings, unless: [silenced]", "proved"),
    "people-are-not-muted": ("when: actor.kind == 'person', never: muted", "proved"),
    "root-rings": ("when: actor.type == 'Root', always: rings", "proved"),
    "writes-are-not-muted": ("when: access.kind != 'read', never: muted", "proved"),
    "denied-of-one-team": ("when: \"access.denied && glob(bucket, 'team-008-*')\", always: {reaches: [security]}", "proved"),
    "strict-of-one-team": ("when: \"glob(bucket, 'team-007-*')\", never: {shown_below: strict}", "proved"),
    "denied-of-all-teams": ("when: \"access.denied && glob(bucket, 'team-*')\", always: {reaches: [security]}", "broken"),
    "strict-everywhere": ("never: {shown_below: strict, except: [watch]}", "broken"),
    "robots-are-not-muted": ("when: actor.kind == 'robot', never: muted", "broken"),
    "movers-ring": ("when: \"glob(actor.role, 'team-*-mover')\", always: rings", "broken"),
}
"""What each of ten guarantees says of the teams' set, and the answer."""


def team_set(count: int = TEAMS) -> list[Source]:
    """A base, so many teams' files, and a file of guarantees."""
    names = [f"team-{number:03}" for number in range(count)]
    texts = {"base.yaml": BASE}
    for number, name in enumerate(names):
        floor = "masking_floor: strict\n" if number % 7 == 0 else ""
        text = TEAM.format(name=name, floor=floor)
        texts[f"{name}.yaml"] = text + (SILENCES.format(name=name) if number % 10 == 0 else "")
    said = "".join(f"  - {{id: {name}, {says}}}\n" for name, (says, _) in GUARANTEES.items())
    texts["guards.yaml"] = f"version: 1\nname: guards\nowner: bench\nguarantees:\n{said}"
    return [parse_source(text.encode(), path) for path, text in texts.items()]


def proving() -> Part:
    """Milliseconds of a guarantee, the median; the first one includes what is made of the set for all of them."""
    if not has_solver():
        return Part((), {}, (f"guarantees are not measured: {NEEDS_SOLVER}",))
    sets = {"the shipped set": read_set(POLICIES), f"{TEAMS} files": team_set()}
    times = {name: _times(sources) for name, sources in sets.items()}
    shipped, teams = times.values()
    rows = (
        Row("a guarantee of the shipped set, median", median(shipped), 100, 20, faster=False, unit="ms"),
        Row(f"a guarantee of a set of {TEAMS} files, median", median(teams), 2_000, 500, faster=False, unit="ms"),
        Row(f"ten guarantees of a set of {TEAMS} files, all in", sum(teams), unit="ms"),
    )
    return Part(rows, {"milliseconds a guarantee": times})


def _times(sources: Sequence[Source]) -> list[float]:
    policies, findings = check(sources)
    assert policies is not None, findings  # noqa: S101  a set of ours
    times: list[float] = []
    last = process_time()
    for _ in prove(sources, policies):
        now = process_time()
        times.append((now - last) * MILLI)
        last = now
    return times
