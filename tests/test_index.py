"""An index changes how many routes are asked, never what is decided: mutes, failures and order included."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, SHIPPED, actor, event, policy, policy_set, route, silence
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decode_corpus import rows

from engine.errors import MatcherError
from engine.matching import GlobIndex, Index, check, compile_predicate, glob
from engine.matching.formula import formula_of
from engine.matching.keys import index_keys
from engine.matching.source import Given
from engine.model import Event, Severity, Window
from engine.pipeline.decide import decide, decide_plainly, program
from engine.pipeline.decode import decode_stream
from engine.pipeline.facts import groups
from engine.policy.load import load

ROOT = Path(__file__).parent.parent

PATHS = (
    *("bucket", "key", "actor.role", "userAgent", "errorCode", "access.kind", "readOnly", "odd", "odd.inner", "actor.kind"),
    *("actor", "actor.nothing", "copy", "source.private", "userIdentity.type", "requestParameters.bucketName"),
    "resources[0].ARN",
)
TEXTS = (
    "",
    "a",
    "ab",
    "payments-prod",
    "payments",
    "prod",
    "2026/11/ledger.csv",
    "ledger",
    "GetObject",
    "read",
    "person",
    "x" * 5,
)

paths = st.sampled_from(PATHS)
texts = st.sampled_from(TEXTS)
literals = st.one_of(
    texts.map(lambda text: f"'{text}'"), st.sampled_from(["`null`", "`true`", "`false`", "`0`", "`1`", "`1.0`", "`[]`", '`"ab"`'])
)
globs = st.sampled_from(["*", "payments-*", "*-prod", "*ledger*", "p?yments-prod", "payments-prod", "", "2026/*.csv", "a*b"])
atoms = st.one_of(
    st.builds(lambda path, literal: f"{path} == {literal}", paths, literals),
    st.builds(lambda path, literal: f"{literal} == {path}", paths, literals),
    st.builds(lambda path, literal: f"{path} != {literal}", paths, literals),
    st.builds(lambda path, pattern: f"glob({path}, '{pattern}')", paths, globs),
    st.builds(
        lambda name, path, text: f"{name}({path}, '{text}')",
        st.sampled_from(["starts_with", "ends_with", "contains"]),
        paths,
        texts,
    ),
    st.builds(lambda path, text: f"regex({path}, '^{text}')", paths, texts),
    st.builds(lambda path: f"contains(['payments-prod', 'ledger'], {path})", paths),
    st.builds(lambda path: f"length({path}) > `2`", paths),
    st.builds(lambda path: f"{path} > `0`", paths),
    paths,
    st.sampled_from(["`true`", "length(@) > `5`", "contains(keys(actor), 'role')", "not_null(actor, bucket) == 'ab'"]),
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(lambda left, right: f"{left} && {right}", inner, inner),
        st.builds(lambda left, right: f"({left} || {right})", inner, inner),
        st.builds(lambda one: f"!({one})", inner),
    ),
    max_leaves=5,
)
values = st.one_of(
    texts, st.none(), st.booleans(), st.sampled_from([0, 1, 1.0, -2.5]), st.just([]), st.just(["ab"]), st.just({"inner": "ab"})
)


@st.composite
def routes(draw: st.DrawFn, number: int) -> Any:
    parts: dict[str, Any] = {"continues": draw(st.booleans())}
    if draw(st.integers(0, 3)) == 0:
        parts = {"mute": "a job"}
    else:
        parts["notify"] = (draw(st.sampled_from(["watch", "security", "ops"])),)
        parts["severity"] = draw(st.sampled_from(list(Severity)))
    if draw(st.integers(0, 3)) == 0:
        parts["during"] = Window(frozenset({draw(st.integers(5, 6))}), draw(st.sampled_from([0, 600])), 1440, UTC)
    return route(f"r{number}", draw(st.one_of(expressions, st.none())), **parts)


@st.composite
def sets(draw: st.DrawFn) -> Any:
    policies = []
    for number in range(draw(st.integers(1, 4))):
        buckets = draw(st.one_of(st.none(), st.lists(globs.filter(bool), min_size=1, max_size=3).map(tuple)))
        many = draw(st.sampled_from([0, 1, 3, 5, 12]))
        silences = (silence("s", draw(expressions), NOW + timedelta(days=1)),) if draw(st.booleans()) else ()
        accounts = draw(st.sampled_from([None, None, frozenset({"111122223333"}), frozenset({"444455556666"})]))
        made = [draw(routes(one)) for one in range(many)]
        if draw(st.booleans()):  # so many on few paths that an index is worth it
            made += [route(f"m{one}", f"bucket == 'other-{one}'", notify=("ops",)) for one in range(60)]
        policies.append(policy(f"p{number}", *made, buckets=buckets, accounts=accounts, silences=silences))
    names = draw(st.lists(st.sampled_from(["some", "others", "more"]), unique=True))
    actors = tuple(actor(name, draw(expressions), never_mute=draw(st.booleans())) for name in names)
    return policy_set(*policies, actors=actors)


events = st.fixed_dictionaries(
    {"odd": values, "userAgent": values, "errorCode": values, "readOnly": values},
    optional={
        "requestParameters": st.fixed_dictionaries({"bucketName": values, "key": values}),
        "eventTime": st.sampled_from(["2026-11-01T09:30:00Z", "2026-11-02T09:30:00Z", "2026-11-03T09:30:00Z", None]),
        "recipientAccountId": st.sampled_from(["111122223333", "999999999999", 7]),
    },
).map(lambda changes: event(**changes))


def index(matchers: list[list[str]]) -> Index:
    """An index of matchers over a document, which is given nothing beside it."""
    found = [(number, index_keys(formula_of([check(one) for one in matcher]))) for number, matcher in enumerate(matchers)]
    return Index(found, Given({}, lambda record, _: record))


@given(sets(), st.lists(events, min_size=1, max_size=4))
def test_with_an_index_the_decision_is_the_same(policies: Any, some: list[Event]) -> None:
    for one in some:
        meant = decide_plainly(one, policies, NOW)
        assert decide(one, policies, NOW) == meant
        assert decide(one, policies, NOW, groups(one.record)) == meant


@given(
    st.lists(st.lists(expressions, min_size=1, max_size=2), max_size=12),
    st.dictionaries(st.sampled_from(["bucket", "key", "odd", "readOnly"]), values),
)
@settings(max_examples=300)
def test_what_is_no_candidate_neither_holds_nor_fails(matchers: list[list[str]], document: dict[str, Any]) -> None:
    candidates = set(index(matchers).candidates(document, ()))
    for number, one in enumerate(matchers):
        if number not in candidates:
            try:
                assert compile_predicate(one)(document) is False
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
                    assert decide(one, policies, NOW) == decide_plainly(one, policies, NOW)


def test_what_is_kept_of_scopes_and_verdicts_is_bounded_and_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MOST_KEPT", 3)
    policies = policy_set(*(policy(f"p{number}", route("r", notify=("watch",)), buckets=(f"b{number}",)) for number in range(12)))
    made = program.Program(policies)
    for number in [*range(12), *range(12), 3, 3, 11]:
        one = event(requestParameters={"bucketName": f"b{number}", "x-amz-copy-source": f"b{number // 2}/k"}, resources=[])
        expected = decide_plainly(one, policies, NOW)
        assert made.verdict(one.record, NOW).routes == expected.verdict.routes
        assert max(map(len, (made._scopes, made._known_scopes, made._verdicts))) <= 3
