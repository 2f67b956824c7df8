"""Evidence, routes and silences that no event reaches, and what is in their way: where the linter's own analysis cannot tell.

A part is found only where it is proved that no event reaches it. Where that is not known, or asking would take too long, nothing
is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.lint.comparisons import CONSTANT
from engine.lint.meaning import SHADOWED
from engine.lint.reach import SILENT_ANYWAY
from engine.model import Finding, FindingSeverity
from engine.policy.edits import last_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from engine.model import Location, Record
    from engine.policy.source import Source, YamlNode
    from engine.prove.check import Proof
    from engine.prove.circuit import Literal

_MOST_ASKED: Final = 100
_MOST_STEPS: Final = 3_000_000
"""Questions for one set, and the steps of automata after which no further one is asked: some seconds."""
_MOST_NAMED: Final = 3
OF_EXPRESSIONS: Final = "TB2"
"""How the codes of what is wrong with an expression begin."""
_OF_PARTS: Final = (SHADOWED, SILENT_ANYWAY)


def unreachable_parts(sources: Sequence[Source], proof: Proof, found: Sequence[Finding]) -> Iterator[Finding]:
    """What is wrong with the set's own files; a base has been looked at by whoever made it.

    A part in which the linter `found` something already is passed over.
    """
    search = _Reachability(proof, found)
    own = [(source, source.root) for source in sources if source.root is not None and not source.base]
    for source, root in own:
        yield from search.evidence(source, root)
    for source, root in own:
        yield from search.routes(source, root)
        yield from search.silences(source, root)


class _Reachability:
    def __init__(self, proof: Proof, found: Sequence[Finding]) -> None:
        self._encoded = proof.encoded
        self._prover = proof.prover
        self._found = [finding.where for finding in found if finding.code[:3] == OF_EXPRESSIONS or finding.code in _OF_PARTS]
        self._left = _MOST_ASKED
        self._last_step = self._prover.steps + _MOST_STEPS

    def _parts(self, source: Source, node: YamlNode, section: str) -> Iterator[YamlNode]:
        """The parts of a section of which nothing was said."""
        for part in _items(node, section):
            first, last = part.where.line, last_line(source, part)
            if not any(where.path == source.path and first <= where.line <= last for where in self._found):
                yield part

    def evidence(self, source: Source, root: YamlNode) -> Iterator[Finding]:
        """Evidence of a file that never decides."""
        entries = [(entry.actor.name, entry.evidence.id, entry) for entry in self._encoded.classes if entry.evidence is not None]
        places = {(name, sign): place for place, (name, sign, _) in enumerate(entries)}
        for actor in _items(root, "actors"):
            for sign in self._parts(source, actor, "evidence"):
                place = places.get((actor.value["class"], sign.value["id"]))
                if place is not None and self._never(entries[place][2].literal):
                    before = {f"{name}/{id_}": entry.holds for name, id_, entry in entries[:place]}
                    yield self._shadowed("evidence", sign, entries[place][2].holds, before)

    def routes(self, source: Source, root: YamlNode) -> Iterator[Finding]:
        """Routes of a file that never decide."""
        before: dict[str, Literal] = {}
        quiet = {part.where for part in self._parts(source, root, "routes")}
        for route in _items(root, "routes"):
            reached = self._encoded.routes[root.value["name"], route.value["id"]]
            if route.where in quiet and self._never(reached.acts):
                yield self._shadowed("route", route, reached.holds, before)
            before[route.value["id"]] = reached.ends

    def silences(self, source: Source, root: YamlNode) -> Iterator[Finding]:
        """Silences of a file that never take a channel away."""
        for silence in self._parts(source, root, "silences"):
            reached = self._encoded.silences.get((root.value["name"], silence.value["id"]))
            if reached is None or not self._never(reached.acts):
                continue
            where = silence.children["id"].where
            if self._never(reached.holds):
                yield _warning(CONSTANT, where, "no event meets the conditions of this silence", "mend its when, or delete it")
            elif "routes" in root.keys:
                what = "this silence does nothing: of the events that it is about, this file asks for none of its channels"
                yield _warning(SHADOWED, where, what, "delete it, or name the channels that the routes ask for")

    def _shadowed(self, name: str, part: YamlNode, holds: Literal, before: Mapping[str, Literal]) -> Finding:
        where = part.children["id"].where
        if self._never(holds):
            return _warning(CONSTANT, where, f"no event meets the conditions of this {name}", "mend its when, or delete it")
        names = self._needed(holds, before)
        listed = ", ".join(names[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")
        if len(names) == 1:
            what = f"this {name} never decides: {listed} always does before it"
            return _warning(SHADOWED, where, what, "put it before that one, or delete it")
        what = f"this {name} never decides: one of {listed} always does before it"
        return _warning(SHADOWED, where, what, "put it before them, or delete it")

    def _needed(self, holds: Literal, before: Mapping[str, Literal]) -> list[str]:
        """Few earlier parts that leave nothing of a part."""
        kept = dict(before)
        for name in reversed(list(before)):
            fewer = [literal for other, literal in kept.items() if other != name]
            if self._never(holds, *fewer):
                del kept[name]
        return list(kept)

    def _never(self, literal: Literal, *without: Literal) -> bool:
        """Whether it is proved that no event makes a literal true and none of the others."""
        if self._left <= 0 or self._prover.steps > self._last_step:
            return False
        self._left -= 1
        circuit = self._encoded.fields.circuit
        asked = circuit.all_of([self._encoded.looked_at(), literal, *(-other for other in without)])
        return self._prover.witness(asked, _any) is None


def _any(record: Record, time: datetime) -> None:
    """Takes every record for a witness: where one only seems possible, nothing is said."""
    del record, time


def _items(node: YamlNode, section: str) -> Iterator[YamlNode]:
    found = node.at(section)
    return found.items() if found is not None else iter(())


def _warning(code: str, where: Location, what: str, instead: str) -> Finding:
    return Finding(code, where, what, instead, FindingSeverity.WARNING)
