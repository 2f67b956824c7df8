"""What a policy set reads of a record."""

from __future__ import annotations

from builders import policy, policy_set, route

from engine.bulk.fields import ALWAYS, FIELDS, needed
from engine.pipeline.decide.reads import groups_read
from engine.policy.fact_layout import ACCESS, CALLER, FACTS, GROUPS, ROLE, TARGET


def test_a_matcher_that_looks_at_the_whole_document_needs_all_of_it() -> None:
    one = policy_set(policy("p", route("r", "length(@) > `3`")))
    assert needed(one) is None
    assert groups_read(one) == set(range(GROUPS))


def test_a_set_without_matchers_needs_little() -> None:
    assert needed(policy_set(policy("p", route("r")))) == ALWAYS


def test_only_the_groups_that_are_read_are_made() -> None:
    assert groups_read(policy_set(policy("p", route("r", "actor.account == 'x' && access.denied")))) == {CALLER, ACCESS}
    assert groups_read(policy_set(policy("p", route("r", "actor.role == 'x'")))) == {ROLE}
    assert groups_read(policy_set(policy("p", route("r", "actor.name == 'x'")))) == {ROLE, CALLER}
    assert groups_read(policy_set(policy("p", route("r", "userAgent == 'x'"), buckets=("x",)))) == {TARGET}
    assert groups_read(policy_set(policy("p", route("r", "length(actor) > `1`")))) == set(range(GROUPS))


def test_every_fact_is_known() -> None:
    assert set(FIELDS) == set(FACTS.places)
