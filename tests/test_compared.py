"""A class, a kind or a piece of evidence that an expression compares must be one of the set."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import base_files

from engine.lint.registry import BASE, HEADER
from engine.policy.load import check, read
from engine.policy.source import parse_source

ROOT = Path(__file__).parent.parent

ACTORS = """\
actors:
  - class: ecs-robot
    kind: robot
    evidence: [{id: ecs-session, says: the session is named like a task, strength: claimed, when: actor.session == 'x'}]
  - class: human
    kind: person
    evidence: [{id: iam-user, says: an IAM user called, strength: attested, when: userIdentity.type == 'IAMUser'}]
"""


def found(when: str, actors: str = ACTORS, *, in_force: bool = False) -> list[str]:
    """The findings of a route with this matcher, without their place."""
    body = f"{HEADER}{actors}routes:\n  - id: r\n    notify: [watch]\n    when: {when}\n"
    sources = [parse_source(BASE.encode(), "base.yaml"), parse_source(body.encode(), "example.yaml")]
    return [finding.line.partition(": ")[2] for finding in check(sources, in_force=in_force)[1]]


@pytest.mark.parametrize(
    "when",
    [
        "actor.class == 'ecs-robot'",
        "actor.class != 'unknown'",
        "actor.kind == 'service'",
        "contains(['iam-user', 'ecs-session'], actor.evidence)",
        "glob(actor.class, 'ecs-*')",
        "actor.evidence != `null` && starts_with(actor.evidence, 'iam')",
        "actor.evidence == `null`",
        "actor.role == 'ecs-robto'",
        "lower(actor.class) == 'x'",
    ],
)
def test_names_of_the_set_and_whatever_is_no_name_load(when: str) -> None:
    assert found(when) == []


@pytest.mark.parametrize(
    ("when", "line"),
    [
        ("actor.class == 'ecs-robto'", "there is no class ecs-robto; did you mean ecs-robot? [TB301]"),
        ("access.denied || actor.class != 'humans'", "there is no class humans; did you mean human? [TB301]"),
        ("actor.kind == 'persons'", "there is no kind persons; did you mean person? [TB301]"),
        ("actor.evidence == 'iam_user'", "there is no evidence iam_user; did you mean iam-user? [TB301]"),
        ("contains(['human', 'bots'], actor.class)", "there is no class bots; there is: ecs-robot, human, unknown [TB301]"),
        ("glob(actor.class, 'lambda-*')", "no class matches lambda-*; there is: ecs-robot, human, unknown [TB301]"),
        ("regex(actor.evidence, '^ec2')", "no evidence matches ^ec2; there is: ecs-session, iam-user [TB301]"),
        ("actor.strength == 'attestd'", "there is no strength attestd; did you mean attested? [TB301]"),
        ("actor.class == 'ecs_robot' || actor.role == 'x'", "there is no class ecs_robot; did you mean ecs-robot? [TB301]"),
    ],
)
def test_a_name_that_the_set_does_not_have_is_a_load_error(when: str, line: str) -> None:
    assert found(when) == [line]


def test_the_place_is_the_name() -> None:
    body = f"{HEADER}{ACTORS}routes:\n  - id: r\n    notify: [watch]\n    when: access.denied && actor.class == 'humans'\n"
    _, (finding,) = check([parse_source(BASE.encode(), "base.yaml"), parse_source(body.encode(), "example.yaml")])
    assert (str(finding.where), finding.where.length) == ("example.yaml:14:43", 8)


def test_a_silence_is_checked_too() -> None:
    body = f"{HEADER}{ACTORS}silences:\n  - {{id: s, when: actor.class == 'x', until: 2027-01-31T00:00:00Z, reason: work}}\n"
    _, findings = check([parse_source(BASE.encode(), "base.yaml"), parse_source(body.encode(), "example.yaml")])
    assert [finding.code for finding in findings] == ["TB301"]


def test_a_set_that_is_in_force_keeps_its_routes() -> None:
    assert found("actor.class == 'ecs-robto'", in_force=True) == []


@pytest.mark.parametrize("fact", ["class", "kind", "evidence", "strength"])
def test_evidence_cannot_read_what_only_evidence_decides(fact: str) -> None:
    actors = ACTORS.replace("actor.session == 'x'", f"actor.{fact} == `null`")
    assert found("access.denied", actors) == [
        f"actor.{fact} is null while actors are being classified, so evidence cannot test it; repeat the other test [TB312]"
    ]


def test_the_shipped_set_with_one_misspelled_class_does_not_load(tmp_path: Path) -> None:
    places = 0
    for source in base_files():
        places += source.text.count("actor.class == 'credential-misuse'")
        (tmp_path / Path(source.path).name).write_text(
            source.text.replace("actor.class == 'credential-misuse'", "actor.class == 'credential-missuse'"), encoding="utf-8"
        )
    findings = check(read(tmp_path))[1]
    assert places
    assert [(finding.code, finding.instead) for finding in findings] == [("TB301", "did you mean credential-misuse?")] * places
