"""What a mute or a silence may rest on, and which evidence may call itself attested.

A quieter rule has to pin its caller in each of its branches, or to say `everyone: true`. What is wrong with a rule is a finding
for its author; in a set that is in force already, the rule is void.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.matching.formula import atoms, formula_of
from engine.matching.literals import demanded
from engine.model import ALWAYS_VOID_FOR, Finding, Kind, Strength, VoidReason
from engine.policy import codes
from engine.policy.fact_layout import FACT_TYPES, meet
from engine.policy.mending import mend, where, why_no_pin
from engine.policy.pins import (
    ACCOUNTS,
    ACTOR_FACTS,
    PATTERNS,
    UNKNOWN_ACTOR,
    EvidenceBranches,
    branches_of,
    pins,
    spelled_out,
    texts,
)
from engine.policy.scopes import bucket_scope
from engine.policy.strength import holds_for_all, why_not_attested

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.matching.checks import Trees
    from engine.matching.formula import Atom, Formula
    from engine.matching.literals import Alternative
    from engine.model import VoidFor
    from engine.policy.fact_layout import Path
    from engine.policy.pins import Actors, Branch
    from engine.policy.source import Source, YamlNode
_BUCKETS: Final = (
    ("bucket",),
    ("requestParameters", "bucketName"),
    ("requestParameters", "Host"),
    ("tlsDetails", "clientProvidedHostHeader"),
    ("resources",),
)
"""Where the bucket of a request stands."""

_COPIES: Final = frozenset({("copy",), ("copy", "bucket"), ("requestParameters", "x-amz-copy-source")})
_BOUNDING: Final = frozenset({("bucket",), ("copy", "bucket")})
_FEWEST: Final = 3
"""Literal characters in a row that bound a bucket."""


class QuieterProblem(NamedTuple):
    """Why a quieter rule is refused: a code, what is wrong, what to write instead, and which key of the rule is meant."""

    code: str
    what: str
    instead: str
    key: str = "when"


class Judgement(NamedTuple):
    """What the analysis says of a quieter rule: what makes it void, and what is wrong with it."""

    void_for: tuple[VoidReason, ...]
    problems: tuple[QuieterProblem, ...] = ()


# --- a set -----------------------------------------------------------------------------------------------------------------


class QuieterRules:
    """The mutes, the silences and the evidence of a set, analysed from the contents of its files."""

    def __init__(self, contents: Sequence[Mapping[str, Any]], trees: Trees) -> None:
        """`trees`: the syntax trees of the set's expressions."""
        self._contents = contents
        self._trees = trees
        self._formulas: dict[tuple[str, ...], Formula] = {}
        self._branches: dict[tuple[str, ...], tuple[Branch, ...]] = {}
        self.actors = tuple(self._actors())

    def branches(self, rule: Mapping[str, Any]) -> tuple[Branch, ...]:
        """The branches of a route, a silence or a piece of evidence."""
        expressions = _expressions(rule)
        if expressions not in self._branches:
            self._branches[expressions] = branches_of(self._formula(expressions))
        return self._branches[expressions]

    def judge(self, rule: Mapping[str, Any], buckets: Sequence[str], word: str) -> Judgement:
        """What is to be said of a mute or a silence (`word`) in a file of this scope (empty: every bucket)."""
        branches, actors = self.branches(rule), self.actors
        everyone = rule.get("everyone", False)
        problems = list(_everyone(branches, buckets, actors, word) if everyone else _unpinned(branches, actors, word))
        void_for = set(ALWAYS_VOID_FOR)
        if not everyone:
            problems += _accounts(branches, word)
            if not all(_tests_account(own) for branch in branches for _, own in spelled_out(branch, actors)):
                void_for.add(VoidReason.ACCOUNT)
        if any(map(_passes_over_copies, self._paths_with_evidence(rule))):
            void_for.add(VoidReason.BUCKET)
        if problems:
            void_for.add(VoidReason.NOT_ALLOWED)
        return Judgement(tuple(reason for reason in VoidReason if reason in void_for), tuple(problems))

    def void_for(self) -> VoidFor:
        """What makes each mute and each silence void."""
        return {
            (content["name"], section, rule["id"]): self.judge(rule, content.get("buckets") or (), word).void_for
            for content in self._contents
            for section, word in (("routes", "mute"), ("silences", "silence"))
            for rule in content.get(section) or ()
            if word == "silence" or "mute" in rule
        }

    def _formula(self, expressions: tuple[str, ...]) -> Formula:
        if expressions not in self._formulas:
            self._formulas[expressions] = formula_of([self._trees[expression] for expression in expressions], FACT_TYPES)
        return self._formulas[expressions]

    def _paths_with_evidence(self, rule: Mapping[str, Any]) -> Iterator[frozenset[Path]]:
        """The paths that a rule reads, and with them those of each evidence of the classes that it names."""
        read = self._paths(rule)
        yield read
        named = {actor.id for branch in self.branches(rule) for actor, _ in spelled_out(branch, self.actors) if actor is not None}
        yield from (read | self._paths(evidence) for evidence in self._evidence() if evidence["id"] in named)

    def _paths(self, rule: Mapping[str, Any]) -> frozenset[Path]:
        return frozenset(path for atom in atoms(self._formula(_expressions(rule))) for path in atom.paths)

    def _evidence(self) -> Iterator[Mapping[str, Any]]:
        actors = (actor for content in self._contents for actor in content.get("actors") or ())
        return (evidence for actor in actors for evidence in actor.get("evidence") or ())

    def _actors(self) -> Iterator[EvidenceBranches]:
        for content in self._contents:
            for actor in content.get("actors") or ():
                for evidence in actor.get("evidence") or ():
                    branches = tuple(map(_without_class, self.branches(evidence)))
                    kind, strength = Kind(actor["kind"]), Strength(evidence["strength"])
                    never_mute = actor.get("never_mute", False)
                    yield EvidenceBranches(actor["class"], kind, evidence["id"], strength, branches, never_mute)
        yield UNKNOWN_ACTOR


def _expressions(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """The expressions of a rule, all of which must hold."""
    when = rule.get("when", ())
    return (when,) if isinstance(when, str) else tuple(when)


def _without_class(branch: Branch) -> Branch:
    """While actors are being classified, the facts of the class are null: a test of them says nothing."""
    return frozenset(atom for atom in branch if atom.path not in ACTOR_FACTS)


# --- findings --------------------------------------------------------------------------------------------------------------


def quieter_findings(sources: Sequence[Source], trees: Trees) -> Iterator[Finding]:
    """What is wrong with the mutes, the silences and the evidence of files that load."""
    roots = [source.root for source in sources if source.root is not None]
    rules = QuieterRules([root.value for root in roots], trees)
    for root in roots:
        for actor in parts(root, "actors"):
            yield from _strength_findings(actor, rules)
        buckets = root.value.get("buckets") or ()
        for word, rule in quieter_rules(root):
            for problem in rules.judge(rule.value, buckets, word).problems:
                yield Finding(problem.code, rule.keys[problem.key], problem.what, problem.instead)


def parts(node: YamlNode, section: str) -> Iterator[YamlNode]:
    """What a section holds."""
    inner = node.at(section)
    return inner.items() if inner is not None else iter(())


def quieter_rules(root: YamlNode) -> Iterator[tuple[str, YamlNode]]:
    """The mutes and silences of a file, each with that word."""
    yield from (("mute", route) for route in parts(root, "routes") if "mute" in route.keys)
    yield from (("silence", silence) for silence in parts(root, "silences"))


def _strength_findings(actor: YamlNode, rules: QuieterRules) -> Iterator[Finding]:
    for evidence in parts(actor, "evidence"):
        strength = evidence.children["strength"]
        if strength.value != Strength.ATTESTED:
            continue
        kind = Kind(actor.value["kind"])
        for branch in rules.branches(evidence.value):
            why = why_not_attested(branch, kind)
            if why is not None:
                what = f"AWS does not attest this{where(branch)}: {why}"
                yield Finding(codes.NOT_ATTESTED, strength.where, what, "write strength: claimed, or leave that test out")
                break


# --- problems ---------------------------------------------------------------------------------------------------------------


def _unpinned(branches: Sequence[Branch], actors: Actors, word: str) -> Iterator[QuieterProblem]:
    bare = sorted((branch for branch in branches if not pins(branch, actors)), key=where)
    if not bare:
        return
    branch = bare[0]
    test = mend(branch, actors)
    everyone = "if everyone is meant, say everyone: true"
    if all(map(holds_for_all, branch)):
        yield QuieterProblem(
            codes.MUTES_ALL, f"this {word} is of everybody{where(branch)}", f"say in when whom it is about, such as {test}"
        )
    elif any(actor is UNKNOWN_ACTOR for actor, _ in spelled_out(branch, actors)):
        what = f"this {word} is of every caller whom nobody knows{where(branch)}"
        yield QuieterProblem(codes.MUTES_ALL, what, f"add evidence for a class of its own, or also test who calls: {test}")
    else:
        more = f", and in {len(bare) - 1} more branch{'es' if len(bare) > 2 else ''}" if len(bare) > 1 else ""  # noqa: PLR2004  one more
        what = f"this {word} does not pin its caller{where(branch)}{more}: {why_no_pin(branch, actors)}"
        yield QuieterProblem(codes.UNPINNED, what, f"also test who calls: {test}; or, {everyone}" if test else everyone)


def _everyone(branches: Sequence[Branch], buckets: Sequence[str], actors: Actors, word: str) -> Iterator[QuieterProblem]:
    if all(pins(branch, actors) for branch in branches):
        what = f"this {word} pins its caller in each branch, so it is not of everyone"
        yield QuieterProblem(codes.EVERYONE, what, "delete everyone", "everyone")
        return
    scoped = bucket_scope(buckets).bounded
    unbounded = next((branch for branch in sorted(branches, key=where) if not any(map(_bounds_bucket, branch))), None)
    if not scoped and unbounded is not None:
        what = f"this {word} is of everyone, in every bucket{where(unbounded)}"
        yield QuieterProblem(codes.EVERYONE, what, "also test the bucket: bucket == '…'; or give the file buckets", "everyone")


def _bounds_bucket(atom: Atom) -> bool:
    names = texts(atom)
    if atom.path not in _BOUNDING:
        return False
    return all(names) if names is not None else atom.kind in PATTERNS and _bounds(demanded(atom.kind, atom.value))


def _bounds(alternatives: Iterable[Alternative]) -> bool:
    return all(any(len(run.text) >= _FEWEST for run in runs) for runs in alternatives)


def _accounts(branches: Sequence[Branch], word: str) -> Iterator[QuieterProblem]:
    tested = [_tests_account(branch) for branch in branches]
    if any(tested) and not all(tested):
        other = next(branch for branch, tests in zip(branches, tested, strict=True) if not tests)
        what = f"some branches of this {word} test actor.account, and others do not{where(other)}"
        yield QuieterProblem(codes.ACCOUNTS, what, f"make two of it: a {word} for other accounts, and one for your own")


def _tests_account(branch: Branch) -> bool:
    return any(atom.path in ACCOUNTS and texts(atom) is not None for atom in branch)


def _passes_over_copies(paths: frozenset[Path]) -> bool:
    """Whether these paths lead to the bucket, and none to where a copy comes from."""
    return _COPIES.isdisjoint(paths) and any(meet(path, bucket) for path in paths for bucket in _BUCKETS)
