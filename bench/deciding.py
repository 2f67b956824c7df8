"""Deciding over parsed records: whole decisions, bare rules in other engines, single expressions."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jmespath

from bench.baseline import INTERPRETER, Linear, facts
from bench.competitors import ENGINES
from bench.generate import Shape, records, rules, write_policies
from bench.report import Part, Row
from bench.timing import Job, side_by_side
from engine.matching import compile_expression
from engine.model import Event
from engine.pipeline.decide import decide
from engine.policy.load import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.generate import Rule
    from engine.model import PolicySet

NOW = datetime(2026, 11, 1, tzinfo=UTC)
POLICIES = Path("tests/base/policies")
OURS = "Trailbell, whole decision"
LINEAR = "jmespath.py, whole decision"
EVENTS = 300
"""Records that a job goes round: few enough to stay in the processor's cache."""

MICRO = 1e6
USUAL = {10: (6, 12), 1_000: (400, 1_000)}
AWKWARD = {Shape.CONTAINS: (80, 1_000), Shape.ALTERNATIVES: (500, 5_000)}


def loaded(folder: Path, made: Sequence[Rule]) -> PolicySet:
    """Rules as a policy set, through YAML like any other."""
    return load(write_policies(folder, made))


def usual(folder: Path, sizes: Iterable[int]) -> Part:
    """From few routes to many, each anchored on a bucket."""
    costs: dict[str, dict[int, float]] = {}
    skipped: dict[str, None] = {}
    for size in sizes:
        made = rules(Shape.USUAL, size)
        jobs = _decisions(loaded(folder / f"usual-{size}", made), made)
        for name, build in ENGINES.items():
            try:
                jobs[name] = Job(build(made), list(records(made, EVENTS)))
            except ImportError:
                skipped[f"{name}: not installed, skipped"] = None
        for name, seconds in side_by_side(jobs).items():
            costs.setdefault(name, {})[size] = seconds * MICRO
    ours, theirs = costs[OURS], costs[LINEAR]
    few, many = min(ours), max(ours)
    rows = [Row(f"decide against jmespath.py, {size:,} routes", theirs[size] / ours[size], *USUAL.get(size, ())) for size in ours]
    growth = Row(f"growth of decide from {few:,} to {many:,} routes", ours[many] / ours[few], 2, 1.3, faster=False)
    return Part((*rows, growth), {"microseconds": costs}, tuple(skipped))


def awkward(folder: Path, size: int = 1_000) -> Part:
    """Sets that do not suit an index on the bucket."""
    rows: list[Row] = []
    costs: dict[str, dict[str, float]] = {}
    for shape in (shape for shape in Shape if shape is not Shape.USUAL):
        made = rules(shape, size)
        times = side_by_side(_decisions(loaded(folder / shape.name, made), made), rounds=3)
        costs[shape.name.lower()] = {name: seconds * MICRO for name, seconds in times.items()}
        rows.append(Row(f"{size:,} routes: {shape}", times[LINEAR] / times[OURS], *AWKWARD.get(shape, ())))
    return Part(tuple(rows), {"microseconds": costs})


def _decisions(policies: PolicySet, made: Sequence[Rule]) -> dict[str, Job]:
    """Trailbell's decision and the baseline's, over the same records."""
    events = list(records(made, EVENTS))
    linear = Linear(policies)
    return {
        OURS: Job(lambda event: decide(event, policies, NOW), [Event(record, "bench") for record in events]),
        LINEAR: Job(lambda record: linear.decide(record, NOW), events),
    }


def single() -> Part:
    """Each expression of the shipped policies by itself."""
    policies = load(POLICIES)
    matchers = [
        *(evidence.matcher for actor in policies.actors for evidence in actor.evidence),
        *(route.matcher for policy in policies.policies for route in policy.routes if route.matcher),
    ]
    seen = [{**record, **facts(record)} for record in records(rules(Shape.USUAL, 10), EVENTS)]
    ratios = {expression: _ratio(expression, seen) for matcher in matchers for expression in matcher.expressions}
    what = f"one compiled expression against jmespath.py, median of the {len(ratios)} shipped"
    return Part((Row(what, statistics.median(ratios.values()), 15, 20),), {"ratios": ratios})


def _ratio(expression: str, seen: Sequence[dict[str, Any]]) -> float:
    compiled, tree = compile_expression(expression), jmespath.compile(expression).parsed
    jobs = {"ours": Job(compiled, seen), "theirs": Job(lambda document: INTERPRETER.visit(tree, document), seen)}
    times = side_by_side(jobs, rounds=3)
    return times["theirs"] / times["ours"]
