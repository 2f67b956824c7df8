"""An index changes how many routes are asked, never what is decided: mutes, failures and order included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import DEFINITIONS, NOW, SHIPPED, event, policy, policy_set, route
from expressions import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from payload_files import rows
from strategies import events, expressions, globs, sets, texts, values

from engine.errors import MatcherError
from engine.matching import GlobIndex, Index, glob
from engine.matching.checks import Trees
from engine.matching.compile import predicate
from engine.matching.formula import formula_of
from engine.matching.keys import index_keys
from engine.matching.source import Given
from engine.model import Event
from engine.pipeline.decide import decide, decide_reference, indexed
from engine.pipeline.decode import decode_stream
from engine.pipeline.facts import derive_facts
from engine.policy.load import load

ROOT = Path(__file__).parent.parent
TREES = Trees(DEFINITIONS)


def index(matchers: list[list[str]]) -> Index:
    """An index of matchers over a document, which is given nothing beside it."""
    found = [(number, index_keys(formula_of([TREES[one] for one in matcher]))) for number, matcher in enumerate(matchers)]
    return Index(found, Given({}, lambda record, _: record))


@given(sets(), st.lists(events, min_size=1, max_size=4))
def test_with_an_index_the_decision_is_the_same(policies: Any, some: list[Event]) -> None:
    for one in some:
        meant = decide_reference(one, policies, NOW)
        assert decide(one, policies, NOW) == meant
        assert decide(one, policies, NOW, derive_facts(one.record)) == meant


@given(
    st.lists(st.lists(expressions, min_size=1, max_size=2), max_size=12),
    st.dictionaries(st.sampled_from(["bucket", "key", "odd", "readOnly"]), values),
)
@settings(max_examples=EXAMPLES)
def test_what_is_no_candidate_neither_holds_nor_fails(matchers: list[list[str]], document: dict[str, Any]) -> None:
    candidates = set(index(matchers).candidates(document, ()))
    for number, one in enumerate(matchers):
        if number not in candidates:
            try:
                assert predicate([TREES[part] for part in one])(document) is False
            except MatcherError:
                pytest.fail(f"{one} fails, and was passed over")


@given(st.lists(st.one_of(st.none(), st.lists(globs, min_size=1, max_size=3)), max_size=8), st.lists(texts, max_size=3))
def test_what_is_no_candidate_matches_no_glob(groups: list[list[str] | None], some: list[str]) -> None:
    candidates = set(GlobIndex(groups).candidates(some))
    for number, patterns in enumerate(groups):
        matches = patterns is None or any(glob(text, pattern) for text in some for pattern in patterns)
        assert number in candidates or not matches


def test_few_of_many_routes_are_candidates() -> None:
    made = index([[f"actor.role == 'role-{number}' && glob(key, 'x*')"] for number in range(10_000)])
    assert list(made.candidates({"actor": {"role": "role-77"}, "key": "x"}, ())) == [77]


def test_parts_of_strings_are_looked_up_too() -> None:
    made = index([[f"contains(['a'], key) || (key != `null` && contains(key, 'part-{number}-'))"] for number in range(1_000)])
    found = made.candidates({"key": "in/part-77-x"}, ())
    assert 77 in found
    assert len(found) < 1_000


def test_over_real_records_the_decision_is_the_same(corpus: Path) -> None:
    policies = load(SHIPPED)
    for row in rows(corpus / "MANIFEST.tsv"):
        with (corpus / row["file"]).open("rb") as stream:
            for one in decode_stream(stream, row["file"]):
                if isinstance(one, Event):
                    assert decide(one, policies, NOW) == decide_reference(one, policies, NOW)


def test_what_is_kept_of_scopes_and_verdicts_is_bounded_and_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexed, "CACHE_SIZE", 3)
    policies = policy_set(*(policy(f"p{number}", route("r", notify=("watch",)), buckets=(f"b{number}",)) for number in range(12)))
    made = indexed.IndexedDecider(policies)
    for number in [*range(12), *range(12), 3, 3, 11]:
        one = event(requestParameters={"bucketName": f"b{number}", "x-amz-copy-source": f"b{number // 2}/k"}, resources=[])
        expected = decide_reference(one, policies, NOW)
        assert made.verdict(one.record, NOW).routes == expected.verdict.routes
        assert max(map(len, (made._scopes, made._scopes_of_events, made._verdicts))) <= 3
