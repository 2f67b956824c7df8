"""What is proved of a set is true of every event: a law over random sets, random guarantees and random events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builders import DEFINITIONS, NOW, matcher
from expressions import EXAMPLES
from granted_events import is_granted
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import events, expressions, levelled_sets, windows

from engine.matching.checks import Trees
from engine.model import Event, Kind, Location
from engine.prove.axioms import axioms_of
from engine.prove.check import answer_of, decided
from engine.prove.circuit import Circuit
from engine.prove.encoding import EncodedSet
from engine.prove.fields import Fields
from engine.prove.guarantees import CLASS_KIND, MUTED, REACHES, RINGS, SHOWN_BELOW, Guarantee, Statement, breaks
from engine.prove.prover import Prover

if TYPE_CHECKING:
    from engine.model import PolicySet

CHANNELS = st.lists(st.sampled_from(["watch", "security", "ops"]), min_size=1, max_size=2, unique=True).map(tuple)
STATEMENTS = st.one_of(
    st.just(Statement(RINGS)),
    st.just(Statement(MUTED)),
    st.builds(Statement, st.just(REACHES), CHANNELS),
    st.builds(Statement, st.just(SHOWN_BELOW), st.just(()) | CHANNELS, st.sampled_from(["standard", "strict"])),
    st.builds(Statement, st.just(CLASS_KIND), st.just(()), st.sampled_from([kind.value for kind in Kind])),
)


@st.composite
def guarded(draw: st.DrawFn) -> tuple[PolicySet, list[Guarantee]]:
    """A set, and guarantees about it."""
    policies: Any = draw(levelled_sets())
    guarantees = [
        Guarantee(
            id=f"g{number}",
            policy=draw(st.sampled_from(policies.policies)),
            where=Location("policies/p.yaml", 1, 1),
            matcher=matcher(draw(expressions)),
            statement=draw(STATEMENTS),
            always=draw(st.booleans()),
            during=tuple(draw(st.lists(windows, max_size=1))),
            unless_silenced=draw(st.booleans()),
        )
        for number in range(3)
    ]
    return policies, guarantees


@given(guarded(), st.lists(events, min_size=6, max_size=6))
@settings(max_examples=EXAMPLES)
def test_no_event_breaks_what_is_proved_and_the_one_that_is_shown_breaks_it(
    pair: tuple[PolicySet, list[Guarantee]], some: list[Event]
) -> None:
    policies, guarantees = pair
    fields = Fields(Circuit(), axioms_of)
    encoded = EncodedSet(policies, fields, Trees(DEFINITIONS))
    prover = Prover(fields)
    answers = [answer_of(guarantee, encoded, prover) for guarantee in guarantees]
    for answer in answers:
        note(answer.result)
        if answer.witness is not None:
            verdict, _, meant = decided(answer.guarantee, answer.witness.record, NOW, policies)
            assert meant
            assert breaks(answer.guarantee, verdict, policies)
    for event in some:
        if not is_granted(event, fields, policies):
            continue
        for answer in answers:
            verdict, _, meant = decided(answer.guarantee, event.record, NOW, policies)
            assert not (answer.result == "proved" and meant and breaks(answer.guarantee, verdict, policies)), answer
            assert not (answer.empty and meant and not (answer.guarantee.unless_silenced and verdict.silences)), answer
