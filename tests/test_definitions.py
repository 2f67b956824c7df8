"""Lists and conditions: what `in_list` and `holds` answer, what is refused, and what it costs to ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
from builders import NOW, event
from expressions import EXAMPLES, conditions, objects
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ExpressionError, MatcherError
from engine.lint import lint
from engine.lint.registry import BASE, HEADER
from engine.matching.analyse import analyse
from engine.matching.checks import Trees
from engine.matching.compile import compile_predicate, predicate
from engine.matching.formula import evaluate, formula_of, settle
from engine.matching.keys import index_keys
from engine.matching.link import link
from engine.matching.ways import Budget, implied, never
from engine.model import Definitions, FindingSeverity
from engine.pipeline.decide import decide, decide_reference
from engine.policy.fact_layout import FACT_TYPES, FACTS
from engine.policy.load import check, read
from engine.policy.prepared import CODE, NAME, load_prepared, prepare
from engine.policy.source import parse_source

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model import PolicySet

THINGS = Definitions(
    lists={"robots": frozenset({"nightly", "glue"}), "many": frozenset(map("role-{}".format, range(10_000)))},
    conditions={
        "reads": ("in_list(role, 'robots')", "kind == 'read'"),
        "named": ("role",),
        "fails": ("length(role) > `2`",),
        "above": ("holds('reads') || odd == 'x'",),
    },
)


def answer(expression: str, document: dict[str, Any], definitions: Definitions = THINGS) -> bool:
    return predicate([Trees(definitions)[expression]])(document)


def sources(body: str, other: str = "") -> list[Any]:
    texts = {"base.yaml": BASE + other, "example.yaml": HEADER + body}
    return [parse_source(text.encode(), path) for path, text in texts.items()]


def refused(body: str, other: str = "") -> list[str]:
    """The findings that keep a file from loading."""
    return [finding.line for finding in check(sources(body, other))[1]]


def loaded(body: str, other: str = "") -> PolicySet:
    policies, findings = check(sources(body, other))
    assert policies is not None, findings
    return policies


def route(when: str, rest: str = "notify: [watch]") -> str:
    return f'routes:\n  - {{id: r, when: "{when}", {rest}}}\n'


# --- what they answer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "listed"),
    [("glue", True), ("Glue", False), ("glu", False), ("", False), (None, False), (1, False), (["glue"], False), ({}, False)],
)
def test_a_value_is_in_a_list_only_if_it_is_one_of_its_texts(value: object, listed: bool) -> None:  # noqa: FBT001
    assert answer("in_list(role, 'robots')", {"role": value}) is listed
    assert answer("in_list(role, 'robots') == `false`", {"role": value}) is not listed


def test_in_list_takes_any_expression_and_stands_anywhere() -> None:
    document = {"roles": [{"name": "glue"}, {"name": "x"}], "role": "GLUE"}
    assert answer("length(roles[?in_list(name, 'robots')]) == `1`", document)
    assert answer("in_list(lower(role), 'robots')", document)
    assert answer("in_list(nothing || roles[0].name, 'robots')", document)


@pytest.mark.parametrize(
    ("document", "holds"),
    [({"role": "glue", "kind": "read"}, True), ({"role": "glue", "kind": "write"}, False), ({}, False)],
)
def test_a_condition_is_true_where_all_of_its_expressions_are(document: dict[str, Any], holds: bool) -> None:  # noqa: FBT001
    assert answer("holds('reads')", document) is holds
    assert answer("!holds('reads')", document) is not holds
    assert answer("holds('above')", document) is holds
    assert answer("holds('reads') == `false`", document) is not holds


def test_a_condition_is_true_only_where_its_expression_is_exactly_true() -> None:
    assert answer("holds('named')", {"role": "glue"}) is False
    assert answer("holds('named')", {"role": True}) is True


def test_a_condition_that_fails_fails_the_matcher_that_asks() -> None:
    assert answer("holds('fails')", {"role": "glue"})
    with pytest.raises(MatcherError):
        answer("holds('fails')", {})


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(conditions, min_size=1, max_size=2), conditions, objects)
def test_a_condition_means_what_its_expressions_mean_in_its_place(parts: list[str], other: str, document: dict[str, Any]) -> None:
    def answered(holds: Any) -> object:
        try:
            return holds(document)
        except MatcherError as error:
            return str(error)

    tree = Trees(Definitions(conditions={"c": tuple(parts)}))["holds('c')"]
    asked = answered(predicate([tree]))
    assert asked == answered(compile_predicate(parts))
    result = settle(formula_of([tree]), lambda atom: evaluate(atom, document))
    assert (result if isinstance(result, bool) else str(result.error)) == asked  # type: ignore[union-attr]
    either = Trees(Definitions(conditions={"c": tuple(parts)}))[f"holds('c') || ({other}) == `true`"]
    if asked is not False:
        assert answered(predicate([either])) == asked


# --- what is known of them ---------------------------------------------------------------------------------------------


def test_a_list_is_known_as_a_set_of_texts() -> None:
    trees = Trees(THINGS)

    def formula(expression: str) -> Any:
        return formula_of([trees[expression]])

    assert implied(formula("role == 'glue'"), formula("in_list(role, 'robots')"), Budget(10_000))
    assert not implied(formula("in_list(role, 'robots')"), formula("role == 'glue'"), Budget(10_000))
    assert implied(formula("in_list(role, 'robots')"), formula("contains(['nightly', 'glue', 'x'], role)"), Budget(10_000))
    assert never(formula("in_list(role, 'robots') && in_list(role, 'many')"), Budget(10_000))
    assert never(formula("in_list(role, 'many') && !in_list(role, 'many')"), Budget(10_000))
    assert never(formula("in_list(role, 'many') && role == 'glue'"), Budget(10_000))
    assert implied(formula("holds('reads')"), formula("kind == 'read'"), Budget(10_000))


def test_an_index_finds_a_matcher_by_a_list_of_any_length() -> None:
    trees = Trees(THINGS)
    (short,) = index_keys(formula_of([trees["in_list(role, 'robots')"]]))
    (long,) = index_keys(formula_of([trees["in_list(role, 'many')"]]))
    assert {key.kind for key in short} == {"equals"}
    assert [(key.kind, key.value) for key in long] == [("in", THINGS.lists["many"])]


# --- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("in_list(role)", "in_list() takes 2 arguments, not 1"),
        ("in_list(role, name)", "in_list() takes the name of a list, such as in_list(actor.role, 'robots'), written out"),
        ("holds(name)", "holds() takes the name of a condition, such as holds('office'), written out"),
        ("holds(`1`)", "holds() takes the name of a condition, such as holds('office'), written out"),
        ("roles[?holds('reads')]", "a condition is about the event"),
        ("actor | holds('reads')", "a condition is about the event"),
        ("actor.holds('reads')", "a condition is about the event"),
        ("inlist(role, 'robots')", "there is no function inlist()"),
    ],
)
def test_what_can_never_work_is_refused(expression: str, what: str) -> None:
    with pytest.raises(ExpressionError, match="^" + what.replace("(", r"\(").replace(")", r"\)").replace("?", r"\?")):
        Trees(THINGS)[expression]


def test_a_name_that_is_not_defined_is_a_load_error_with_what_may_be_meant() -> None:
    lists = "lists: {robots: [glue], people: [ann]}\n"
    assert refused(lists + route("in_list(actor.role, 'robot')")) == [
        "example.yaml:6:40: there is no list robot; did you mean robots? [TB301]"
    ]
    assert refused(route("holds('office')")) == [
        "example.yaml:5:26: there is no condition office; define it under conditions in one of the files [TB301]"
    ]


def test_a_name_may_be_defined_once_in_all_files() -> None:
    twice = refused("lists: {robots: [glue]}\nconditions: {robots: access.denied}\n", "lists: {robots: [glue]}\n")
    assert twice == ["example.yaml:4:9: duplicate list robots; rename one; the other is at base.yaml:12:9 [TB302]"]


def test_a_list_has_texts_each_once_and_at_least_one() -> None:
    assert refused("lists: {robots: []}\n") == ["example.yaml:4:17: robots: this is too short; write at least 1 of them [TB114]"]
    assert refused("lists: {robots: [a, b, a]}\n") == ["example.yaml:4:24: duplicate 'a' (text); keep one of them [TB302]"]
    (number,) = refused("lists: {robots: [7]}\n")
    assert number.startswith("example.yaml:4:18: robots: expected text, got '7' (a number)")


def test_conditions_in_a_circle_are_one_finding() -> None:
    body = "conditions:\n  a: holds('b')\n  b: holds('c') && access.denied\n  c: holds('a')\n  d: holds('a')\n" + route(
        "holds('c')"
    )
    (finding,) = refused(body)
    assert finding.startswith("example.yaml:5:3: these conditions use each other in a circle: a -> b -> c -> a;")


def test_conditions_use_one_another_eight_deep_and_no_deeper() -> None:
    chain = "".join(f"  c{number}: holds('c{number - 1}')\n" for number in range(1, 8))
    deep = f"conditions:\n  c0: access.denied\n{chain}"
    assert refused(deep + route("holds('c7')")) == []
    assert refused(deep + "  c8: holds('c7')\n" + route("holds('c8')")) == [
        "example.yaml:13:3: conditions use one another more than 8 deep; write out what one of them says [TB201]"
    ]


def test_a_condition_that_is_wrong_is_told_once_where_it_stands() -> None:
    body = "conditions:\n  a: glob(bucket)\n  b: holds('a')\n" + route("holds('b')")
    assert refused(body) == ["example.yaml:5:6: glob() takes 2 arguments, not 1 [TB201]"]


def test_the_limits_of_an_expression_hold_for_what_is_spelled_out() -> None:
    wide = " || ".join(f"bucket == 'b{number}'" for number in range(100))
    doubled = "".join(f"  d{number}: holds('d{number - 1}') && holds('d{number - 1}')\n" for number in range(1, 7))
    body = f'conditions:\n  d0: "{wide}"\n{doubled}'
    (finding,) = refused(body + route("holds('d0')"))
    assert "with its conditions spelled out, the expression has more than 4096 parts" in finding
    deep = Trees(Definitions(conditions={"deep": ("!" * 20 + "a",)}))
    deep["!" * 10 + "holds('deep')"]
    with pytest.raises(ExpressionError, match="more than 33 levels"):
        deep["!" * 13 + "holds('deep')"]


def test_the_names_of_classes_in_lists_and_conditions_must_exist() -> None:
    body = "lists: {ours: [robot]}\nconditions: {theirs: actor.kind == 'persn'}\n" + route(
        "in_list(actor.kind, 'ours') || holds('theirs')"
    )
    assert refused(body) == ["example.yaml:5:36: there is no kind persn; did you mean person? [TB301]"]
    assert refused(body.replace("[robot]", "[robt]").replace("persn", "person")) == [
        "example.yaml:7:20: there is no kind robt, which the list ours has; did you mean robot? [TB301]"
    ]


def test_evidence_may_not_ask_for_the_class_by_way_of_a_condition() -> None:
    body = (
        "conditions: {robot: actor.kind == 'robot'}\nactors:\n  - class: c\n    kind: robot\n    evidence:\n"
        "      - {id: e, says: it is, strength: claimed, when: \"holds('robot')\"}\n"
    )
    (finding,) = refused(body)
    assert "actor.kind is null while actors are being classified" in finding


# --- mutes, and whose names they are -----------------------------------------------------------------------------------


def test_a_mute_is_pinned_by_a_list_and_through_conditions() -> None:
    lists = "lists: {robots: [payments-nightly, glue-nightly], sessions: [a-session]}\n"
    named = "conditions:\n  nightly: [\"in_list(actor.role, 'robots')\", access.kind == 'read']\n"
    mute = "mute: a job"
    assert refused(lists + route("in_list(actor.role, 'robots')", mute)) == []
    assert refused(lists + named + route("holds('nightly')", mute)) == []
    (session,) = refused(lists + route("in_list(actor.session, 'sessions')", mute))
    assert "does not pin its caller where actor.session == 'a-session'" in session
    (either,) = refused(lists + named + route("holds('nightly') || in_list(actor.session, 'sessions')", mute))
    assert "does not pin its caller" in either


def muted(when: str) -> str:
    return f"buckets: [payments-prod]\n{route(when, 'mute: a job')}"


def warnings(body: str, other: str = "") -> list[str]:
    findings = lint(sources(body, other), datetime(2026, 11, 1, tzinfo=UTC))
    return [finding.code for finding in findings if finding.severity is FindingSeverity.WARNING]


def test_a_mute_that_rests_on_another_owners_list_is_a_warning_also_by_way_of_a_condition() -> None:
    theirs = "lists: {robots: [nightly-export, glue-nightly]}\n"
    ours = "conditions: {job: \"in_list(actor.role, 'robots')\"}\n"
    assert warnings(muted("in_list(actor.role, 'robots')"), theirs) == ["TB432"]
    assert warnings(ours + muted("holds('job')"), theirs) == ["TB432"]
    assert warnings(ours + route("holds('job')"), theirs) == []
    same_owner = theirs.replace("lists:", "lists:")
    assert warnings(same_owner + muted("in_list(actor.role, 'robots')")) == []


def test_what_nothing_uses_is_a_warning() -> None:
    assert warnings("lists: {robots: [glue]}\nconditions: {a: access.denied}\n") == ["TB431", "TB431"]


# --- deciding ----------------------------------------------------------------------------------------------------------


def test_indexed_and_plain_deciding_agree_on_long_lists() -> None:
    roles = json.dumps([f"role-{number}" for number in range(100)])
    many = "".join(f"  - {{id: r{n}, when: \"in_list(actor.role, 'l{n % 3}')\", notify: [watch]}}\n" for n in range(80))
    lists = "".join(f"  l{n}: {roles if n else json.dumps(['other', *json.loads(roles)])}\n" for n in range(3))
    policies = loaded(f"lists:\n{lists}routes:\n{many}")
    for role in ("role-7", "other", "none"):
        arn = f"arn:aws:sts::111122223333:assumed-role/{role}/s"
        one = event(userIdentity={"type": "AssumedRole", "arn": arn})
        assert decide(one, policies, NOW) == decide_reference(one, policies, NOW)
        assert bool(decide(one, policies, NOW).verdict.routes) is (role != "none")


def seconds(expression: str, definitions: Definitions, document: dict[str, Any]) -> float:
    """The least time of some thousand questions."""
    holds = link(analyse([Trees(definitions)[expression]], FACTS, FACT_TYPES).source, FACTS)
    facts = [(None,) * 4] * 7
    best = float("inf")
    for _ in range(7):
        start = perf_counter()
        for _ in range(2_000):
            holds(document, facts)
        best = min(best, perf_counter() - start)
    return best


def test_a_list_of_ten_thousand_entries_costs_a_question_what_ten_cost() -> None:
    few = Definitions(lists={"l": frozenset(map("agent-{}".format, range(10)))})
    many = Definitions(lists={"l": frozenset(map("agent-{}".format, range(10_000)))})
    document = {"userAgent": "agent-none"}
    costs = [seconds("in_list(userAgent, 'l')", definitions, document) for definitions in (few, many)]
    assert costs[1] < costs[0] * 3


def test_a_prepared_set_holds_a_list_once_and_decides_alike(tmp_path: Path) -> None:
    body = (
        "lists:\n  robots: "
        + json.dumps([f"role-{number}" for number in range(1_000)])
        + "\nroutes:\n"
        + "".join(
            f"  - {{id: r{n}, when: \"in_list(actor.role, 'robots') && bucket == 'b{n}'\", notify: [watch]}}\n" for n in range(5)
        )
    )
    (tmp_path / "base.yaml").write_text(BASE + body, encoding="utf-8")
    files = read(tmp_path)
    made = prepare(files, tmp_path, None)
    (tmp_path / NAME).write_text(made.content, encoding="utf-8")
    (tmp_path / CODE).write_text(made.code, encoding="utf-8")
    prepared = load_prepared(tmp_path, tmp_path)
    assert prepared is not None
    assert made.content.count('"role-999"') == 1
    arn = "arn:aws:sts::111122223333:assumed-role/role-7/s"
    one = event(userIdentity={"type": "AssumedRole", "arn": arn}, requestParameters={"bucketName": "b3"})
    policies, _ = check(files)
    assert policies is not None
    assert decide(one, prepared, NOW).verdict == decide(one, policies, NOW).verdict
    assert decide(one, prepared, NOW).verdict.routes == ("base/r3",)
