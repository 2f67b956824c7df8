"""A decision as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.terminal import heading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.workbench.explain import Explanation
    from engine.workbench.incidents import Likeness


def decision_lines(explanation: Explanation) -> Iterator[str]:
    """The decision: class, routes, mutes, and the channels that are asked for."""
    verdict = explanation.decision.verdict
    yield heading("Decision")
    evidence = f", because {verdict.evidence.says.en} [{verdict.evidence.id}]" if verdict.evidence else ""
    yield f"  class     {verdict.actor.name} ({verdict.actor.kind.value}){evidence}"
    yield f"  routes    {', '.join(verdict.routes) or 'none'}{' - the default applies' if verdict.defaulted else ''}"
    for request in verdict.requests:
        asked_by = ", ".join(request.routes)
        yield f"  channel   {request.channel} at {request.level.name}, {request.severity.value}, asked by {asked_by}"
        yield from _alike(explanation.alike[request.channel])
    for word, suppressions in (("muted", verdict.mutes), ("silenced", verdict.silences)):
        yield from (f"  {word:<9} by {rule.policy}/{rule.id}: {rule.reason}" for rule in suppressions)
    yield from (f"  void      {rule.policy}/{rule.id}: {rule.reason}" for rule in verdict.void)
    yield f"  revision  {verdict.revision}"


def _alike(alike: Likeness | None) -> Iterator[str]:
    """What a channel hears of together with this event, and what of it is posted at once."""
    if alike is None:
        yield "            posts each event"
        return
    shared = ", ".join(f"{name} {text}" for name, text in alike.shared.items())
    after = alike.rule.after
    if alike.window is None:
        yield f"            digest of {shared}: more than {after} in one batch become one summary"
        return
    first = "the first" if after == 1 else f"the first {after}"
    yield f"            incident, {alike.window / 60:g}m, of {shared}: posts {first} and what is new, counts the others"
