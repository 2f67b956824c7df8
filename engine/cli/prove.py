"""`trailbell prove`: whether the guarantees of a policy set hold for every event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import yaml

from engine.cli.decision import decision_lines
from engine.cli.options import compiled, policies_option
from engine.cli.policy_sets import policies_at
from engine.cli.preview import preview
from engine.cli.prove_alike import alike_json, alike_lines
from engine.cli.terminal import PaintedText, heading, show, show_json
from engine.edge.secrets import random_key
from engine.errors import ExpressionError
from engine.model import Deployment, Event
from engine.pipeline.audit import decision_json
from engine.pipeline.setting import Setting
from engine.policy.load import read_set
from engine.prove.check import prove as answer_all
from engine.prove.claims import claimed_paths
from engine.prove.compare import difference
from engine.prove.findings import NEEDS_SOLVER, has_solver
from engine.workbench.explain import explain
from engine.workbench.mint import expected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model import PolicySet, Record
    from engine.prove.check import Answered
    from engine.prove.prover import Witness
    from engine.workbench.explain import Explanation

    Shown = dict[str, list[Explanation]]

_WIDTH: Final = 90
_MARKS: Final = {"proved": "✓", "broken": "✗", "unknown": "?"}


@click.command(short_help="Prove guarantees, or show what breaks them.")
@policies_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write the events that break guarantees to this file, as policy tests.",
)
@click.option(
    "--same-as",
    "other",
    metavar="REF",
    help="Prove instead that every event has the same effect as by the set of this folder, git revision or REV:FOLDER.",
)
@click.option("--but", "exempt", metavar="EXPRESSION", help="With --same-as: leave out events for which this matcher holds.")
def prove(policies_path: Path, form: str, out: Path | None, other: str | None, exempt: str | None) -> None:
    """Answer each guarantee of the policy set: proved for every event, broken by an event that is shown, or unknown and why.

    An event that breaks a guarantee is made up and confirmed: the policies decide it as shown. Where a guarantee is about claims,
    there are two events, which differ in claims alone. Exit code 0: all are proved; 1: one is broken or unknown,
    or the set has none.
    """
    if not has_solver():
        raise click.ClickException(f"this needs python-sat: {NEEDS_SOLVER}")
    if exempt is not None and other is None:
        raise click.UsageError("--but needs --same-as")
    sources = read_set(policies_path)
    if other is not None:
        _compare(compiled(sources), policies_at(other, policies_path), other, exempt, form)
        return
    policies = compiled(sources)
    answers = list(answer_all(sources, policies))
    shown = {answer.guarantee.name: list(_explained(answer, policies)) for answer in answers if answer.witness is not None}
    if form == "json":
        show_json(_as_json(answers, shown, policies))
    else:
        show(*_lines(answers, shown))
    if out is not None:
        out.write_text(_tests(answers, shown), encoding="utf-8")
        count = sum(map(len, shown.values()))
        show(f"{out}: {count} policy test{'' if count == 1 else 's'}", err=True)
    if not answers or any(answer.result != "proved" for answer in answers):
        raise click.exceptions.Exit(1)


def _compare(new: PolicySet, old: PolicySet, place: str, exempt: str | None, form: str) -> None:
    try:
        found = difference(new, old, exempt)
    except ExpressionError as error:
        raise click.UsageError(f"--but: {error}") from None
    if form == "json":
        show_json(alike_json(found, new, old))
    else:
        show(*alike_lines(found, new, old, place, exempt))
    if found is not None:
        raise click.exceptions.Exit(1)


def _explained(answer: Answered, policies: PolicySet) -> Iterator[Explanation]:
    """What is decided about the event that breaks a guarantee, and about the same one with other claims."""
    assert answer.witness is not None  # noqa: S101  only those are explained
    setting = Setting(policies, Deployment(), random_key())
    for record in _records(answer.witness):
        yield explain(Event(record, ""), setting, answer.witness.time)


def _records(witness: Witness) -> Iterator[Record]:
    yield witness.record
    if witness.other is not None:
        yield witness.other


def _lines(answers: Sequence[Answered], shown: Shown) -> Iterator[str]:
    if not answers:
        yield "The set has no guarantees: no file has a section `guarantees`."
        return
    for answer in answers:
        yield f"{_MARKS[answer.result]} {answer.result}  {answer.guarantee.name}: {answer.guarantee}"
        if answer.empty:
            yield "    No event at all is one that it is about."
        yield from (f"    not known: {why}" for why in answer.why)
        if answer.witness is not None:
            yield from map(_indented, _events(answer.witness, shown[answer.guarantee.name]))
    counts = {result: sum(answer.result == result for answer in answers) for result in _MARKS}
    yield ""
    yield ", ".join(f"{count} {result}" for result, count in counts.items() if count)


def _indented(line: str) -> str:
    return type(line)(f"    {line}")


def _events(witness: Witness, explanations: Sequence[Explanation]) -> Iterator[str]:
    """The event that breaks a guarantee, or the two: what was asked, what is decided, and the messages."""
    yield "this event breaks it:"
    yield from _event(witness.record, explanations[0])
    if witness.other is not None:
        yield f"with other claims of its caller ({', '.join(claimed_paths(witness.record, witness.other))}):"
        yield from _event(witness.other, explanations[1])


def _event(record: Record, explanation: Explanation) -> Iterator[str]:
    yield f"  {json.dumps(record)}"
    yield from decision_lines(explanation)
    for name, message in explanation.messages.items():
        yield heading(f"Message for {name}")
        yield from (PaintedText(f"  {line}") for line in preview(message.payload, _WIDTH).splitlines())


def _as_json(answers: Sequence[Answered], shown: Shown, policies: PolicySet) -> dict[str, Any]:
    return {"revision": policies.revision, "guarantees": [_answer_json(answer, shown) for answer in answers]}


def _answer_json(answer: Answered, shown: Shown) -> dict[str, Any]:
    guarantee = answer.guarantee
    entry: dict[str, Any] = {
        "id": guarantee.name,
        "where": str(guarantee.where),
        "says": str(guarantee),
        "result": answer.result,
    }
    if answer.empty:
        entry["empty"] = True
    if answer.why:
        entry["why"] = list(answer.why)
    if answer.witness is not None:
        entry |= _event_json(answer.witness.record, shown[guarantee.name][0])
        if answer.witness.other is not None:
            entry["claiming"] = _event_json(answer.witness.other, shown[guarantee.name][1])
    return entry


def _event_json(record: Record, explanation: Explanation) -> dict[str, Any]:
    return {
        "event": record,
        "decision": decision_json(explanation.decision),
        "messages": {name: message.payload for name, message in explanation.messages.items()},
    }


def _tests(answers: Sequence[Answered], shown: Shown) -> str:
    """The events that break guarantees, as a file of policy tests that expect what is decided now."""
    tests = [
        {
            "name": f"breaks {answer.guarantee.name}{', with other claims' if number else ''}",
            "event": record,
            "expect": expected(decision_json(shown[answer.guarantee.name][number].decision)),
        }
        for answer in answers
        if answer.witness is not None
        for number, record in enumerate(_records(answer.witness))
    ]
    head = "# Each event breaks a guarantee. `expect` is what the policies decide now: write what they should.\n"
    return head + yaml.safe_dump({"version": 1, "tests": tests}, sort_keys=False, allow_unicode=True)
