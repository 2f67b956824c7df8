"""Whoever deletes or loosens a line of the shipped base hears of it, from lint or from its policy tests.

`events.yaml` is not among these: `test_rule.py` compares its names with those of the EventBridge rule, one by one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from policy_mutants import Watch, expression_mutants, mutants, pattern_mutants

if TYPE_CHECKING:
    from engine.policy.source import Source

FILES = ("actors.yaml", "masking.yaml", "watch.yaml")
ASKED_BEFORE = "its evidence is claimed, so identity-center-role, which is attested, was asked before it and takes these roles"

_A = "actors.yaml/actors"
_NO_ACCOUNT = "accounts are numbers, or `cloudfront` alone"
_NAME = "the name of an assumed role's session is the caller's name, which the level hides everywhere"
SURVIVORS = {
    "masking.yaml/masking/strict/fields/session: ": _NAME,
    "watch.yaml/routes/copied-out/when/1: actor.account without ": _NO_ACCOUNT,
    f"{_A}/aws-service/evidence/invoked-by-a-service/when/1: deleted": "console-session, which is attested, was asked before it",
    f"{_A}/presigned-link/evidence/signed-form/when/1: deleted": ASKED_BEFORE,
    f"{_A}/app-user/evidence/cognito-session/when/1: deleted": ASKED_BEFORE,
    f"{_A}/aws-service/evidence/service-session/when/2: deleted": ASKED_BEFORE,
    f"{_A}/ecs-robot/evidence/ecs-task-session/when/1: deleted": ASKED_BEFORE,
    f"{_A}/ecs-robot/evidence/ecs-task-session-dashed/when/3: deleted": ASKED_BEFORE,
    f"{_A}/lambda-robot/evidence/lambda-agent/when/1: deleted": ASKED_BEFORE,
    f"{_A}/lambda-robot/evidence/lambda-worker/when/1: deleted": ASKED_BEFORE,
    f"{_A}/eks-robot/evidence/eks-pod-session/when/2: deleted": ASKED_BEFORE,
    f"{_A}/build-robot/evidence/codebuild-agent/when/2: deleted": ASKED_BEFORE,
    f"{_A}/unknown: deleted": "the class is always there; this entry gives it an emoji and a title",
    f"{_A}/unknown/kind: deleted": "the class has this kind in any case",
}
"""Changes that nothing notices, by how their names begin, and why that is right."""

AT_ONCE = [
    "actors.yaml/actors/credential-misuse/never_mute: deleted",
    "actors.yaml/actors/attack-tool/never_mute: true -> false",
    "actors.yaml/actors/human/evidence/iam-user/strength: attested -> claimed",
    "actors.yaml/actors/ec2-robot/evidence/ec2-instance-session/when: actor.session without ^ at 0 of ^i-[0-9a-f]{8,17}$",
    "masking.yaml/masking/strict/fields/key: mask -> keep",
    "watch.yaml/routes/log-delivery/when/0: without userIdentity.type == 'AWSService'",
    "watch.yaml/routes/credential-misuse: deleted",
    "watch.yaml/routes/attack-tool/severity: critical -> info",
]
"""What `make test` tries."""

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
PARTS = 12
"""`make check` tries one change in so many, `make nightly` tries every one."""


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


def source(watch: Watch, name: str) -> Source:
    return next(source for source in watch.base if source.path.endswith(f"/{name}"))


def survives(name: str) -> bool:
    return name.startswith(tuple(SURVIVORS))


@pytest.mark.parametrize("name", AT_ONCE)
def test_these_lines_are_not_deleted_or_loosened_unnoticed(watch: Watch, name: str) -> None:
    file = source(watch, name.partition("/")[0])
    (mutant,) = mutants(file, name.__eq__)
    assert watch.noticed(file.path, mutant.text)


@pytest.mark.long
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("part", range(PARTS if NIGHTLY else 1))
def test_no_line_is_deleted_or_loosened_unnoticed(watch: Watch, file: str, part: int) -> None:
    every = list(mutants(source(watch, file)))[part::PARTS]
    unnoticed = [one.name for one in every if not survives(one.name) and not watch.noticed(source(watch, file).path, one.text)]
    assert len(every) > 5
    assert unnoticed == []


@pytest.mark.long
def test_what_is_listed_as_unnoticed_is(watch: Watch) -> None:
    every = [(file, one) for file in watch.base for one in mutants(file, survives)]
    assert {name for name in SURVIVORS if not any(one.name.startswith(name) for _, one in every)} == set()
    assert [one.name for file, one in every if watch.noticed(file.path, one.text)] == []


def test_an_expression_loses_one_part_at_a_time() -> None:
    assert dict(expression_mutants("a == 'x' && !regex(b, '^(c|d)$')")) == {
        "without a == 'x'": "!(regex(b, '^(c|d)$'))",
        "without !(regex(b, '^(c|d)$'))": "a == 'x'",
        "without ! before regex(b, '^(c|d)$')": "(a == 'x' && regex(b, '^(c|d)$'))",
        "b without ^ at 0 of ^(c|d)$": "(a == 'x' && !(regex(b, '(c|d)$')))",
        "b without $ at 6 of ^(c|d)$": "(a == 'x' && !(regex(b, '^(c|d)')))",
        "b without the alternative c": "(a == 'x' && !(regex(b, '^(d)$')))",
        "b without the alternative d": "(a == 'x' && !(regex(b, '^(c)$')))",
    }


def test_a_pattern_with_brackets_and_escapes_is_cut_at_its_own_bars() -> None:
    assert dict(pattern_mutants(r"a[|)]\||(b|c)d")) == {
        r"without the alternative a[|)]\|": "(b|c)d",
        "without the alternative (b|c)d": r"a[|)]\|",
        "without the alternative b": r"a[|)]\||(c)d",
        "without the alternative c": r"a[|)]\||(b)d",
    }
