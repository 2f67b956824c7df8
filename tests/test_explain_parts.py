"""Of a matcher, the part is named that decided; and what is printed of it fits one screen and shows nothing that is masked."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, SHIPPED, policy_set
from click.testing import CliRunner
from expressions import EXAMPLES, expressions, objects
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.cli import trailbell
from engine.errors import ExpressionError, MatcherError
from engine.matching import compile_predicate, parse
from engine.model import Deployment, Event, MatchResult
from engine.pipeline.setting import Setting
from engine.policy.load import load
from engine.workbench.explain import explain, facts_by_provenance, value_at
from engine.workbench.parts import PartResult, nearly_holds, part_results

ROOT = Path(__file__).parent.parent
EVENTS = sorted((ROOT / "tests/events").glob("*.json"))
DOCUMENT = {"bucket": "orders", "access": {"kind": "read"}, "actor": {"session": None}}


def event(path: Path) -> Event:
    read = json.loads(path.read_text("utf-8"))
    return Event(read.get("detail", read), path.name)


@pytest.mark.parametrize(
    ("expressions", "parts"),
    [
        (
            ["bucket == 'ledger' && access.kind == 'read'"],
            [("bucket == 'ledger'", False, ("bucket",)), ("access.kind == 'read'", True, ("access", "kind"))],
        ),
        (
            ["bucket == 'orders'", "!glob(bucket, 'o*')"],
            [("bucket == 'orders'", True, ("bucket",)), ("!(glob(bucket, 'o*'))", False, ("bucket",))],
        ),
        (["bucket == 'a' || bucket == 'orders'"], [("bucket == 'a' || bucket == 'orders'", True, None)]),
        (["starts_with(actor.session, 'x')"], [("starts_with(actor.session, 'x')", None, ("actor", "session"))]),
        (["contains(['a', 'b'], bucket)"], [("contains(['a', 'b'], bucket)", False, ("bucket",))]),
        (["access.kind != `null`"], [("!(access.kind == `null`)", True, ("access", "kind"))]),
        (["length(items[*].x) == `1`"], [("length(items[*].x) == `1`", None, ("items",))]),
    ],
)
def test_each_part_that_must_hold_has_its_result(expressions: list[str], parts: list[tuple[str, bool | None, Any]]) -> None:
    found = part_results(expressions, DOCUMENT, policy_set())
    assert [(part.text, part.holds, part.path) for part in found] == parts


def parses(expression: str) -> bool:
    try:
        parse(expression)
    except ExpressionError:
        return False
    return True


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(expressions, min_size=1, max_size=3), objects)
def test_all_parts_hold_where_the_matcher_does(written: list[str], document: dict[str, object]) -> None:
    assume(all(map(parses, written)))
    try:
        holds: bool | None = compile_predicate(written)(document)
    except MatcherError:
        holds = None
    parts = part_results(written, document, policy_set())
    first = next((part.holds for part in parts if part.holds is not True), True)
    assert first is holds


def test_a_matcher_nearly_holds_where_one_of_several_parts_does_not() -> None:
    yes, no = PartResult("a", holds=True), PartResult("b", holds=False)
    assert nearly_holds([yes, no])
    assert not nearly_holds([yes, yes])
    assert not nearly_holds([no, no])
    assert not nearly_holds([no])


@cache
def shipped() -> Setting:
    return Setting(load(SHIPPED), Deployment())


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_the_parts_of_every_evaluated_rule_agree_with_its_result(path: Path) -> None:
    explanation = explain(event(path), shipped(), NOW)
    for rule in explanation.decisive:
        if rule.parts and rule.entry.answer is MatchResult.HELD:
            assert all(part.holds for part in rule.parts), rule.entry.id
    for rule in explanation.near:
        assert sum(part.holds is not True for part in rule.parts) == 1


def test_facts_are_grouped_by_who_vouches_for_them_and_only_facts_are_shown() -> None:
    facts = {"bucket": "b", "actor": {"role": "r", "session": None}, "source": {"ip": "192.0.2.0/24"}}
    assert facts_by_provenance(facts) == {
        "who": {"actor.role": "r"},
        "how, else claimed": {"source.ip": "192.0.2.0/24"},
        "what": {"bucket": "b"},
    }
    assert value_at(facts, ("actor", "role")) == "r"
    assert value_at(facts, ("userAgent",)) is None
    assert value_at(facts, None) is None


# --- the command ----------------------------------------------------------------------------------------------------------


def ran(*words: str) -> str:
    result = CliRunner().invoke(trailbell, ["explain", *words], terminal_width=100)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module", params=EVENTS, ids=lambda path: path.stem)
def explained(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """A sample event, and its explanation by the shipped policies."""
    return request.param, ran(str(request.param), "--policies", str(SHIPPED))


def test_an_explanation_fits_one_screen(explained: tuple[Path, str]) -> None:
    _, shown = explained
    assert len(shown.splitlines()) <= 50
    assert max(map(len, shown.splitlines())) <= 220


def test_nothing_masked_stands_on_the_screen(explained: tuple[Path, str]) -> None:
    path, shown = explained
    assert "111122223333" not in shown
    source = str(event(path).record.get("sourceIPAddress"))
    assert not (source.replace(".", "").isdecimal() and source in shown)


def test_it_says_which_part_of_a_route_did_not_hold_and_what_the_event_has() -> None:
    path = ROOT / "examples/tour/events/02-nightly-job-reads-payments.json"
    shown = ran(str(path), "--policies", str(ROOT / "examples/tour/policies"))
    assert "✓ route payments/nightly-batch" in shown
    assert "✗ glob(actor.role, 'AWSReservedSSO_*')  it is payments-nightly" in shown
    assert "who               actor.role = payments-nightly" in shown


def test_full_shows_every_matcher_and_the_payload() -> None:
    shown = ran(str(EVENTS[0]), "--policies", str(SHIPPED), "--full")
    assert "Matchers evaluated" in shown
    assert '"blocks"' in shown
