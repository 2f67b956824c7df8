"""What the prover tells the linter: guarantees that do not hold, and parts that no event reaches."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from engine.model import Finding, FindingSeverity
from engine.policy.load import check
from engine.prove.check import Proof
from engine.prove.unreachable import unreachable_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.policy.source import Source
    from engine.prove.check import Answered

BROKEN: Final = "TB441"
UNKNOWN: Final = "TB442"
ABOUT_NOTHING: Final = "TB443"
NEEDS_SOLVER: Final = "install Trailbell with its extra prove, as in pip install 'trailbell[prove]'"


def has_solver() -> bool:
    """Whether python-sat is installed."""
    return find_spec("pysat") is not None


def proved_problems(sources: Sequence[Source], found: Sequence[Finding]) -> Iterator[Finding]:
    """Guarantees that are broken or not decided, and parts that no event reaches; nothing of a set that does not load.

    `found` is what the linter has said already.
    """
    if not has_solver():
        yield from _not_looked_at(sources)
        return
    policies, _ = check(sources)
    if policies is not None:
        proof = Proof(sources, policies)
        of_base = {source.path for source in sources if source.base}
        for answer in proof.answers():
            if not (answer.empty and answer.guarantee.where.path in of_base):
                yield from _problem(answer)
        yield from unreachable_parts(sources, proof, found)


def _problem(answer: Answered) -> Iterator[Finding]:
    where, name = answer.guarantee.where, answer.guarantee.id
    if answer.result == "broken":
        yield Finding(BROKEN, where, f"an event breaks the guarantee {name}", "trailbell prove shows it")
    elif answer.result == "unknown":
        what = f"the guarantee {name} is neither proved nor broken: {'; '.join(answer.why)}"
        yield Finding(UNKNOWN, where, what, "say it of fields that the prover understands", FindingSeverity.WARNING)
    elif answer.empty:
        what = f"the guarantee {name} is about no event at all"
        yield Finding(ABOUT_NOTHING, where, what, "mend its when, or delete it", FindingSeverity.WARNING)


def _not_looked_at(sources: Sequence[Source]) -> Iterator[Finding]:
    """One finding for the guarantees of the set's own files; a base has been proved by whoever made it."""
    for source in sources:
        section = source.root.at("guarantees") if source.root is not None and not source.base else None
        if section is not None:
            for guarantee in section.items():
                what = "the guarantees of this set are not proved: python-sat is not installed"
                yield Finding(UNKNOWN, guarantee.children["id"].where, what, NEEDS_SOLVER, FindingSeverity.WARNING)
                return
