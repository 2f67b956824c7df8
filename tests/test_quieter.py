"""What a mute or a silence may rest on: a hundred rules judged, and soundness as a law over random sets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.matching.checks import Trees
from engine.policy.load import read
from engine.policy.quieter import QuieterRules

RULES = yaml.safe_load((Path(__file__).parent / "quieter/rules.yaml").read_text("utf-8"))
ANALYSIS = QuieterRules(
    [source.root.value for source in read(Path(__file__).parent / "quieter/actors.yaml") if source.root], Trees()
)


def name(rule: dict[str, Any]) -> str:
    return str(rule["why"])


def codes(rule: dict[str, Any], word: str) -> list[str]:
    return [problem.code for problem in ANALYSIS.judge(rule, rule.get("buckets", ()), word).problems]


def test_there_are_fifty_rules_of_either_sort() -> None:
    assert len(RULES["sound"]) >= 50
    assert len(RULES["unsound"]) >= 50


@pytest.mark.parametrize("rule", RULES["sound"], ids=name)
def test_a_sound_rule_is_accepted(rule: dict[str, Any]) -> None:
    assert codes(rule, "mute") == codes(rule, "silence") == []


@pytest.mark.parametrize("rule", RULES["unsound"], ids=name)
def test_an_unsound_rule_is_refused_by_the_branch_that_does_not_pin(rule: dict[str, Any]) -> None:
    assert codes(rule, "mute") == codes(rule, "silence") == rule["codes"]
    (problem,) = ANALYSIS.judge(rule, rule.get("buckets", ()), "mute").problems
    _, _, named = problem.what.partition(" where ")
    assert re.split(r": |, and in", named)[0] == rule["branch"]
