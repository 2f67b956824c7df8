"""What `trailbell prove --same-as` prints: whether two sets tell the same of every event, or an event about which they do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.cli.decision import decision_lines
from engine.edge.secrets import random_key
from engine.model import Deployment, Event
from engine.pipeline.audit import decision_json
from engine.pipeline.setting import Setting
from engine.prove.prover import Unknown, Witness
from engine.workbench.explain import explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model import PolicySet
    from engine.workbench.explain import Explanation


def alike_lines(found: Witness | Unknown | None, new: PolicySet, old: PolicySet, place: str, exempt: str | None) -> Iterator[str]:
    """The answer as text. `place` is where the old set is."""
    if found is None:
        but = f", but where {exempt}" if exempt is not None else ""
        yield f"✓ the same as {place}: every event notifies the same channels, at the same level and severity{but}"
    elif isinstance(found, Unknown):
        yield f"? it is not known whether every event has the same effect as in {place}"
        yield from (f"    not known: {why}" for why in found.why)
    else:
        yield f"✗ not the same as {place}: this event has another effect"
        yield f"    {json.dumps(found.record)}"
        for name, policies in (("here", new), (place, old)):
            yield f"  {name}:"
            yield from (type(line)(f"    {line}") for line in decision_lines(_explained(found, policies)))


def alike_json(found: Witness | Unknown | None, new: PolicySet, old: PolicySet) -> dict[str, Any]:
    """The answer as JSON."""
    if found is None:
        return {"result": "proved"}
    if isinstance(found, Unknown):
        return {"result": "unknown", "why": list(found.why)}
    decisions = [decision_json(_explained(found, policies).decision) for policies in (new, old)]
    return {"result": "broken", "event": found.record, "decision": decisions[0], "other_decision": decisions[1]}


def _explained(witness: Witness, policies: PolicySet) -> Explanation:
    return explain(Event(witness.record, ""), Setting(policies, Deployment(), random_key()), witness.time)
