"""A fault at every single step from an event's arrival to the end of its incident: nothing is lost, and a repeat says what it is.

A step is a call to the table or a post. The run without a fault gives the steps; then each of them fails in each way, once.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from many_workers import event, policies
from simulated_table import Fault
from simulated_workers import Settings, SimulatedWorkers

from engine.outbox.calls import BUSY_TRIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from delivery_proof import DeliveryProof

SETTINGS = Settings(window=0.5)
UNKNOWN = frozenset({Fault.KILLED_AFTER, Fault.ANSWER_LOST})
"""Slack takes a post, and nobody knows."""


class Story(NamedTuple):
    """What happens to a channel; `messages` is how many there are without a fault."""

    policies: str
    events: Sequence[tuple[float, Mapping[str, Any]]]
    messages: int


INCIDENT = Story(
    policies("1m"),
    [
        *((0.0, event(number)) for number in range(3)),
        (0.0, event(3, "another")),
        (0.8, event(4)),
        (0.8, event(5, sourceIPAddress="198.51.100.7")),
        (20.0, event(6)),
    ],
    messages=4,
)
"""An incident opens while another does, is rung for again while it is told, counts one more, ends, and is summed up."""

FOLD = Story(policies("1m"), [(0.0, event(number, f"role-{number}")) for number in range(14)], messages=1)
"""More incidents than are told one by one: they are begun and settled in transactions."""

DIGEST = Story(policies(rule="digest: {after: 2, by: [bucket]}"), [(0.0, event(number)) for number in range(5)], messages=1)
STORIES = {"incident": INCIDENT, "fold": FOLD, "digest": DIGEST}


def told(story: Story, workers: int, at: int = -1, fault: Fault | None = None) -> tuple[SimulatedWorkers, DeliveryProof]:
    """The story with a fault at one step."""
    world = SimulatedWorkers(story.policies, workers, settings=SETTINGS)
    world.fault = lambda number, _: fault if number == at else None
    return world, world.run(story.events)


def steps_of(story: Story, workers: int) -> list[tuple[int, str]]:
    """The steps, of a row of queries of the index the first: between two of them nothing changes."""
    world, proof = told(story, workers)
    assert proof.problems() == []
    assert (len(world.slack.taken), proof.marked, proof.most) == (story.messages, 0, 1)
    names = world.steps
    return [(number, name) for number, name in enumerate(names) if not (name == "query" and names[number - 1] == "query")]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("name", STORIES)
def test_a_fault_at_any_step_loses_nothing_and_tells_an_event_twice_at_most(name: str, fault: Fault, workers: int) -> None:
    story = STORIES[name]
    wrong = {}
    for number, step in steps_of(story, workers):
        world, proof = told(story, workers, number, fault)
        problems = proof.problems()
        if world.dead or world.timeouts:
            problems.append("an event was given up, or an invocation took too long")
        if proof.marked > (2 if name == "fold" else 1):  # of a fold, the message that probes and the others
            problems.append(f"{proof.marked} messages say that they may be repeats")
        if len(world.slack.taken) - proof.messages != (step.startswith("post") and fault in UNKNOWN):
            problems.append(f"{len(world.slack.taken)} messages, and {proof.messages} records of one")
        if problems:
            wrong[number, step] = problems
    assert wrong == {}


def test_a_table_that_stays_busy_while_a_fold_is_begun_fails_no_invocation() -> None:
    world = SimulatedWorkers(FOLD.policies, 1, settings=SETTINGS)
    begun: list[str] = []

    def busy(_number: int, name: str) -> Fault | None:
        begun.extend([name] if name == "transaction" else [])
        return Fault.BUSY if name == "transaction" and 1 < len(begun) <= 1 + BUSY_TRIES else None

    world.fault = busy
    proof = world.run(FOLD.events)
    assert len(begun) > 1 + BUSY_TRIES
    assert (proof.problems(), world.receives, proof.messages, proof.marked) == ([], 1, 1, 0)


def test_a_fold_whose_rows_all_move_is_begun_again_as_another_transaction() -> None:
    world = SimulatedWorkers(FOLD.policies, 1, settings=SETTINGS)
    table, transactions = world.table, itertools.count()
    assert table is not None

    def moved(_number: int, name: str) -> None:
        if name == "transaction" and next(transactions) == 1:
            for item in table.items.values():
                item["version"] = int(item.get("version", 0)) + 1

    world.fault = moved
    assert world.run(FOLD.events).problems() == []
    assert next(transactions) > 3, "entered, refused, begun, settled"
