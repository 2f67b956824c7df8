"""What is wrong with a policy set: the load checks, and what a set that loads may still get wrong.

`expressions` looks at matchers, `meaning` at what the parts do together (`shadowing`: which part leaves nothing for another),
`channels` at where messages go,
`bases` at what the set does to the base that it extends, `secrets` at the text, `cases` and `fixtures` at policy tests and their
events, `allowances` at what was meant. `settings` are a team's own; `registry` has a page for every code, `formats` writes the
findings for a person or for a machine.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.errors import ExpressionError
from engine.lint.allowances import Allowance, allowances, allowed
from engine.lint.bases import of_the_set, replacement_findings
from engine.lint.cases import OF_TESTS, case_findings
from engine.lint.channels import channel_findings
from engine.lint.claims import claims_findings
from engine.lint.conditions import Conditions
from engine.lint.definitions import definition_findings
from engine.lint.expressions import Events, rule_problems
from engine.lint.fields import ANY_EVENT, S3_EVENT
from engine.lint.fixtures import fixture_findings
from engine.lint.lines import broken_texts
from engine.lint.meaning import kinds_of, meaning_findings, set_findings
from engine.lint.reach import reach_findings
from engine.lint.registry import CODES, INTERNAL
from engine.lint.secrets import secret_findings
from engine.lint.settings import DEFAULTS, Settings
from engine.lint.titles import title_findings
from engine.model import Finding, FindingSeverity, Location
from engine.policy.bases import effective
from engine.policy.codes import BASE
from engine.policy.edits import inside, rewritten
from engine.policy.expression_nodes import expression_nodes, matchers
from engine.policy.load import checked, trees_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from engine.lint.conditions import Condition
    from engine.lint.problems import Problem
    from engine.policy.source import Source, YamlNode

    Proofs: TypeAlias = Callable[[Sequence[Source], Sequence[Finding]], Iterator[Finding]]

__all__ = ["lint"]


def lint(  # noqa: PLR0913  what is looked at, and by which rules
    sources: Sequence[Source],
    now: datetime,
    tests: Sequence[Source] = (),
    fixtures: Sequence[Source] = (),
    settings: Settings = DEFAULTS,
    *,
    in_force: bool = False,
    proofs: Proofs | None = None,
) -> tuple[Finding, ...]:
    """Everything that is wrong with the files of a set, sorted by place. `now` tells which silences are past.

    `tests` are files of policy tests, `fixtures` the event files that these name: both are looked at beside the set.
    `in_force`: the set runs already; what only its author has to mend is left out (`engine.policy.load.check`). What is wrong
    with the base that the set extends, and would be without the set, is left out unless the settings include the base.
    `proofs` finds guarantees that do not hold, and what no event reaches, in a set that loads. It is given what was found before.
    """
    trees = trees_of(sources)
    loaded = checked(sources, trees, in_force=in_force)
    with_base = settings.include_base
    own = [source for source in sources if with_base or not source.base]
    sound, shaped = loaded.sound, loaded.readable
    events = _events(shaped)
    conditions = Conditions(trees)
    findings = [*loaded.findings]
    for source in own:
        findings += _checked("secrets", source.path, partial(secret_findings, source))
    for source in shaped:
        if with_base or not source.base:
            findings += _checked("expressions", source.path, partial(_expression_findings, source, conditions, events))
            findings += _checked("titles", source.path, partial(title_findings, source))
    loads = shaped if sound else _loading(shaped, loaded.findings, conditions)
    if loads:
        findings += _checked("files", loads[0].path, partial(_meaning, sources, shaped, loads, conditions, now, settings))
    if sound:
        findings += _checked("the set", sources[0].path, partial(_of_set, sources, shaped, conditions, settings))
        findings += _checked("channels", sources[0].path, partial(channel_findings, shaped, has_table=settings.has_table))
        replaced = partial(replacement_findings, sources, kinds_of(shaped), conditions)
        findings += _checked("the base", sources[0].path, replaced)
        if proofs is not None:
            findings += list(_checked("the prover", sources[0].path, partial(proofs, sources, tuple(findings))))
    for source in (*tests, *fixtures):
        findings += _checked("secrets", source.path, partial(secret_findings, source))
        findings += _checked("fixtures", source.path, partial(fixture_findings, source))
    if tests and len(shaped) == len(effective(sources)) and not any(finding.code == BASE for finding in loaded.findings):
        findings += _checked(
            "policy tests", tests[0].path, partial(case_findings, shaped, tests, fixtures, include_base=with_base)
        )
    comments = [comment for source in (*own, *tests) for comment in allowances(source, CODES)]
    findings += [comment for comment in comments if isinstance(comment, Finding)]
    granted = [comment for comment in comments if isinstance(comment, Allowance)]
    judged = {
        allowance for allowance in granted if sound and (tests or not any(code.startswith(OF_TESTS) for code in allowance.codes))
    }
    left = dict.fromkeys(settings.weighed(finding) for finding in allowed(findings, granted, judged, now.date()))
    return tuple(sorted(left, key=lambda finding: (finding.where.path, finding.where.line, finding.where.column, finding.code)))


def _checked(name: str, path: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of one family of checks. Where it raises, that is a finding, and the other families go on."""
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001  an error of ours must not hide what the other checks find
        yield Finding(INTERNAL, Location(path), f"the checks of {name} broke ({type(error).__name__})", "please report it")


def _loading(shaped: Sequence[Source], findings: Sequence[Finding], conditions: Conditions) -> tuple[Source, ...]:
    """The own files of a set that load by themselves, where others do not: those have findings, and hide none of these."""
    broken = {finding.where.path for finding in findings if finding.severity is FindingSeverity.ERROR}
    return tuple(
        source
        for source in shaped
        if source.path not in broken and not source.base and source.root is not None and _compile(source.root, conditions)
    )


def _compile(root: YamlNode, conditions: Conditions) -> bool:
    """Whether the expressions of a file can be worked out, also where they use conditions of other files."""
    try:
        for node in expression_nodes(root):
            conditions.condition(node.value)
    except ExpressionError:
        return False
    return True


def _meaning(  # noqa: PLR0913, PLR0917  the set, and which of its files are looked at
    sources: Sequence[Source],
    shaped: Sequence[Source],
    loads: Sequence[Source],
    conditions: Conditions,
    now: datetime,
    settings: Settings,
) -> Iterator[Finding]:
    """What is to be said of files that load by themselves, even where others of the set do not."""

    def look(files: Sequence[Source]) -> Iterator[Finding]:
        among = [source for source in files if source in loads] if files is shaped else files
        return chain(
            meaning_findings(files, among, conditions, now, settings.longest_silence), reach_findings(files, among, conditions)
        )

    return look(shaped) if settings.include_base else of_the_set(look(shaped), sources, look)


def _of_set(sources: Sequence[Source], shaped: Sequence[Source], conditions: Conditions, settings: Settings) -> Iterator[Finding]:
    def look(files: Sequence[Source]) -> Iterator[Finding]:
        trees = conditions.trees
        return chain(set_findings(files, conditions), claims_findings(files, trees), definition_findings(files, trees))

    return look(shaped) if settings.include_base else of_the_set(look(shaped), sources, look)


def _events(sources: Sequence[Source]) -> Events:
    """The events that a set looks at."""
    section: Mapping[str, Any] = next(
        (node.value for source in sources if source.root and (node := source.root.at("events")) is not None), {}
    )
    names = section.get("names")
    every = section.get("select") == "all"
    return Events(ANY_EVENT if every else S3_EVENT, frozenset(names) if names is not None else None)


def _expression_findings(source: Source, conditions: Conditions, events: Events) -> Iterator[Finding]:
    for matcher in matchers(source.root) if source.root is not None else ():
        read: list[tuple[YamlNode, Condition]] = []
        for node in matcher:
            with suppress(ExpressionError):  # the load checks have said so
                read.append((node, conditions.condition(node.value)))
        for number, problem in rule_problems([condition for _, condition in read], events):
            yield _finding(source, read[number][0], problem)
        for node, condition in read:
            yield from broken_texts(source, node, condition)


def _finding(source: Source, node: YamlNode, problem: Problem) -> Finding:
    """A problem of an expression as a finding in its file."""
    severity = FindingSeverity.WARNING if problem.warns else FindingSeverity.ERROR
    where = inside(source, node, problem.offset, problem.length)
    edits = rewritten(source, node, *problem.edit) if problem.edit else ()
    return Finding(problem.code, where, problem.what, problem.instead, severity, edits)
