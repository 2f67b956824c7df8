"""A policy set as a circuit: what it decides about any event, as `decide.reference` decides about one.

Each function here says for all events what the function of the same purpose there says for one. A test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.matching.formula import And, Atom, AtomFailure, Not, evaluate, formula_of
from engine.matching.relations import document_with
from engine.model import SEVERITY_RANK, Selects, Severity, VoidReason
from engine.pipeline.decide.windows import lasts, within
from engine.pipeline.facts import class_facts
from engine.pipeline.select import S3_SOURCES
from engine.policy.fact_layout import FACT_TYPES
from engine.policy.scopes import BucketScope
from engine.prove.circuit import FALSE, TRUE
from engine.prove.fields import AtomAnswer
from engine.prove.paths import BUCKET, CLASS_FACTS, COPY_BUCKET, EVENT_NAME, RECIPIENT
from engine.prove.questions import ScopeQuestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.matching.checks import Trees
    from engine.matching.formula import Formula
    from engine.model import ActorClass, Evidence, Level, Policy, PolicySet, Route, Silence, Window
    from engine.prove.circuit import Circuit, Literal
    from engine.prove.fields import Fields, TextField

_CLASS_FACTS = ("class", "kind", "evidence", "strength")


class DecidedBy(NamedTuple):
    """A class and the evidence for it (None: `unknown`), whether that holds, and whether it is the first and decides."""

    actor: ActorClass
    evidence: Evidence | None
    holds: Literal
    literal: Literal


class Reached(NamedTuple):
    """Whether the conditions of a route or a silence hold, whether it acts, and whether it ends its policy.

    A silence acts where it takes a channel away.
    """

    holds: Literal
    acts: Literal
    ends: Literal = FALSE


class AskedFor(NamedTuple):
    """A request that a route or the default makes, and the literal that it is made and no silence removes it."""

    channel: str
    level: Level
    severity: Severity
    literal: Literal


class _PolicyPart(NamedTuple):
    """What one policy does: its scope, its requests before silences, and the literals of `decide.reference`'s result."""

    policy: Policy
    scope: Literal
    wants: tuple[AskedFor, ...]
    mutes: tuple[tuple[str, Literal], ...]
    failed_to_notify: Literal
    routes: tuple[tuple[str, Reached], ...]

    def decided(self, circuit: Circuit) -> Literal:
        """Whether it notifies or mutes."""
        literals = [want.literal for want in self.wants] + [literal for _, literal in self.mutes]
        return circuit.all_of([self.scope, circuit.any_of(literals)])


class EncodedSet:
    """What a policy set decides, as literals of a circuit.

    `classes`: which class decides; `requests`: who is asked for; `routes`, `mutes` and `silences` by policy and id; `scopes` by
    policy.
    """

    def __init__(self, policies: PolicySet, fields: Fields, trees: Trees) -> None:
        self.policies = policies
        self.fields = fields
        self._circuit = fields.circuit
        self._trees = trees
        self._formulas: dict[tuple[str, ...], Formula] = {}
        self.classes, self._failed = self._classify()
        self._never_mute = self._any(entry.literal for entry in self.classes if entry.actor.never_mute)
        self._voids = self._void_reasons()
        parts = [self._policy(policy) for policy in policies.policies]
        self.scopes = {part.policy.name: part.scope for part in parts}
        self.mutes = {(part.policy.name, name): literal for part in parts for name, literal in part.mutes}
        self.routes = {(part.policy.name, name): reached for part in parts for name, reached in part.routes}
        self.defaulted = self._any([self._never_mute, self._default_applies(parts)])
        self.silences: dict[tuple[str, str], Reached] = {}
        self.requests = self._requests(parts)

    def _any(self, literals: Iterable[Literal]) -> Literal:
        return self._circuit.any_of(literals)

    def _all(self, literals: Iterable[Literal]) -> Literal:
        return self._circuit.all_of(literals)

    # --- what guarantees ask for -----------------------------------------------------------------------------------------

    def rings(self, channel: str | None = None) -> Literal:
        """Whether a channel is asked for; without one, whether any is."""
        return self._any(request.literal for request in self.requests if channel in (None, request.channel))

    def less_strict(self, channel: str, rank: int) -> Literal:
        """Whether a channel is asked for at a level below one of this rank."""
        if self.policies.channels[channel].masking_floor.rank >= rank:
            return FALSE
        strict = [request.literal for request in self.requests if request.channel == channel and request.level.rank >= rank]
        floors = [
            self.scopes[policy.name]
            for policy in self.policies.policies
            if policy.masking_floor is not None and policy.masking_floor.rank >= rank
        ]
        return self._all([self.rings(channel), -self._any([*strict, *floors])])

    def at_least(self, channel: str, severity: Severity) -> Literal:
        """Whether a channel is asked for at least as severely as this."""
        least = SEVERITY_RANK[severity]
        asked = (request for request in self.requests if request.channel == channel)
        return self._any(request.literal for request in asked if SEVERITY_RANK[request.severity] >= least)

    def silenced(self) -> Literal:
        """Whether a silence takes a channel away."""
        return self._any(silence.acts for silence in self.silences.values())

    def looked_at(self) -> Literal:
        """Whether an event is selected (section `events`), as `select.passed_over` says it."""
        selection, text = self.policies.selection, self.fields.text
        parts = []
        if selection.select is Selects.S3_DATA:
            category = text(("eventCategory",))
            parts = [text(("eventSource",)).equals(*S3_SOURCES), self._any([category.null, category.equals("Data")])]
        if selection.names is not None:
            parts.append(text(EVENT_NAME).equals(*selection.names))
        return self._all(parts)

    def holds(self, expressions: tuple[str, ...]) -> Literal:
        """Whether a matcher holds for an event, whose class is decided. One that fails does not."""
        return self._matcher(expressions).yes

    # --- matchers ------------------------------------------------------------------------------------------------------

    def _matcher(self, expressions: tuple[str, ...], *, classified: bool = True) -> AtomAnswer:
        if expressions not in self._formulas:
            self._formulas[expressions] = formula_of([self._trees[expression] for expression in expressions], FACT_TYPES)
        return self._formula(self._formulas[expressions], self._atom if classified else self._unclassified)

    def _formula(self, part: Formula, atom: Callable[[Atom], AtomAnswer]) -> AtomAnswer:
        """When a formula is true, and when evaluating it fails, from left to right and no further than needed."""
        if isinstance(part, Atom):
            return atom(part)
        if isinstance(part, Not):
            inner = self._formula(part.part, atom)
            return AtomAnswer(self._all([-inner.yes, -inner.fails]), inner.fails)
        goes_on = isinstance(part, And)
        passed: list[Literal] = []
        yes: list[Literal] = []
        fails: list[Literal] = []
        for each in part.parts:
            answer = self._formula(each, atom)
            fails.append(self._all([*passed, answer.fails]))
            if not goes_on:
                yes.append(self._all([*passed, answer.yes]))
            passed.append(answer.yes if goes_on else self._all([-answer.yes, -answer.fails]))
        return AtomAnswer(self._all(passed) if goes_on else self._any(yes), self._any(fails))

    def _atom(self, atom: Atom) -> AtomAnswer:
        if atom.paths and atom.paths <= CLASS_FACTS:
            return self._of_class(atom)
        return self.fields.answer(atom)

    def _of_class(self, atom: Atom) -> AtomAnswer:
        """An atom about the class: by each piece of evidence that may have decided."""
        results = [(_ask(atom, class_facts(entry.actor, entry.evidence)), entry.literal) for entry in self.classes]
        return AtomAnswer(
            self._any(literal for result, literal in results if result is True),
            self._any(literal for result, literal in results if isinstance(result, AtomFailure)),
        )

    def _unclassified(self, atom: Atom) -> AtomAnswer:
        """An atom of a piece of evidence: while actors are classified, the facts of the class are null."""
        if atom.paths and atom.paths <= CLASS_FACTS:
            result = _ask(atom, (None, None, None, None))
            return AtomAnswer(TRUE if result is True else FALSE, TRUE if isinstance(result, AtomFailure) else FALSE)
        return self.fields.answer(atom)

    # --- the class -----------------------------------------------------------------------------------------------------

    def _classify(self) -> tuple[tuple[DecidedBy, ...], Literal]:
        """Which evidence decides: the first that holds; and whether one failed before that."""
        entries: list[DecidedBy] = []
        passed: Literal = TRUE
        failures: list[Literal] = []
        for actor, evidence in self.policies.evidence:
            answer = self._matcher(evidence.matcher.expressions, classified=False)
            entries.append(DecidedBy(actor, evidence, answer.yes, self._all([passed, answer.yes])))
            failures.append(self._all([passed, answer.fails]))
            passed = self._all([passed, -answer.yes])
        return (*entries, DecidedBy(self.policies.unknown, None, TRUE, passed)), self._any(failures)

    def _void_reasons(self) -> Mapping[VoidReason, Literal]:
        rules = [*self._quieter()]
        asked = {reason for rule in rules for reason in rule.void_for}
        reasons = {VoidReason.NOT_ALLOWED: TRUE, VoidReason.NEVER_MUTE: self._never_mute, VoidReason.FAILURE: self._failed}
        if VoidReason.ACCOUNT in asked:
            crossing = self.fields.crossing()
            reasons[VoidReason.ACCOUNT] = self._any([crossing.yes, crossing.unknown])
        if VoidReason.BUCKET in asked:
            copied = -self.fields.text(COPY_BUCKET).null
            reasons[VoidReason.BUCKET] = self._all([copied, -self.fields.same_texts(BUCKET, COPY_BUCKET)])
        return reasons

    def _quieter(self) -> Iterable[Route | Silence]:
        for policy in self.policies.policies:
            yield from (route for route in policy.routes if route.mute is not None)
            yield from policy.silences

    def _void(self, rule: Route | Silence, failed: Literal = FALSE) -> Literal:
        reasons = [self._voids[reason] for reason in rule.void_for]
        return self._any([*reasons, failed] if VoidReason.FAILURE in rule.void_for else reasons)

    # --- policies ------------------------------------------------------------------------------------------------------

    def in_scope(self, policy: Policy) -> Literal:
        """Whether an event is in a policy's scope."""
        parts = []
        if policy.accounts is not None:
            parts.append(self.fields.text(RECIPIENT).equals(*policy.accounts))
        if policy.buckets is not None:
            parts.append(self._any([*self._named(policy), self.fields.named_elsewhere(_scope(policy))]))
        return self._all(parts)

    def _named(self, policy: Policy) -> tuple[Literal, Literal]:
        """Whether a policy's scope names the bucket of the request, and the source of the copy."""
        text = self.fields.text
        return self._names(policy, text(BUCKET)), self._names(policy, text(COPY_BUCKET))

    def _names(self, policy: Policy, field: TextField) -> Literal:
        scope = _scope(policy)
        return self._all([field.text, field.question(scope, lambda number: ScopeQuestion(number, scope))])

    def _policy(self, policy: Policy) -> _PolicyPart:
        """What a policy's routes do where it is in scope, in order, up to the first that holds and does not continue."""
        alive, failed = TRUE, FALSE
        wants: list[AskedFor] = []
        mutes: list[tuple[str, Literal]] = []
        to_notify: list[Literal] = []
        reached: list[tuple[str, Reached]] = []
        scope = self.in_scope(policy)
        for route in policy.routes:
            answer = AtomAnswer(TRUE, FALSE) if route.matcher is None else self._matcher(route.matcher.expressions)
            in_time = self.during(route.during)
            asked = self._all([alive, in_time])
            fires, fails = self._all([asked, answer.yes]), self._all([asked, answer.fails])
            if route.mute is None:
                level = route.level or self.policies.default.level
                wants += [AskedFor(name, level, route.severity, self._all([scope, fires])) for name in route.notify]
                to_notify.append(fails)
                ends = FALSE if route.continues else fires
            else:
                ends = self._all([fires, -self._void(route, failed)])
                mutes.append((route.id, self._all([scope, ends])))
            holds = self._all([scope, in_time, answer.yes])
            reached.append((route.id, Reached(holds, self._all([scope, fires]), ends)))
            failed = self._any([failed, fails])
            alive = self._all([alive, -ends])
        failed_to_notify = self._all([scope, self._any(to_notify)])
        return _PolicyPart(policy, scope, tuple(wants), tuple(mutes), failed_to_notify, tuple(reached))

    def during(self, windows: tuple[Window, ...]) -> Literal:
        """Whether an event's time is in one of some windows; always where there are none."""
        if not windows:
            return TRUE
        return self.fields.time(windows, lambda time: within(windows, time))

    def _default_applies(self, parts: Sequence[_PolicyPart]) -> Literal:
        bucket, source = self.fields.text(BUCKET), self.fields.text(COPY_BUCKET)
        owners = [(part.decided(self._circuit), self._named(part.policy)) for part in parts if part.policy.anchored]
        owned_bucket = self._any(self._all([decided, names]) for decided, (names, _) in owners)
        owned_source = self._any(self._all([decided, names]) for decided, (_, names) in owners)
        without_owner = self._any(
            [
                self._all([bucket.null, source.null]),
                self._all([-bucket.null, -owned_bucket]),
                self._all([-source.null, -owned_source]),
            ]
        )
        holder = self._any(part.decided(self._circuit) for part in parts if part.policy.holds_default)
        return self._any([*(part.failed_to_notify for part in parts), self._all([-holder, without_owner])])

    def _requests(self, parts: Sequence[_PolicyPart]) -> tuple[AskedFor, ...]:
        """The requests of all policies and of the default that no silence removes."""
        default = self.policies.default
        requests: list[AskedFor] = []
        outside: Literal = TRUE
        for part in parts:
            wants = part.wants
            if part.policy.name == default.policy:
                outside = -part.scope
                here = self._all([part.scope, self.defaulted])
                wants = (*wants, *(AskedFor(name, default.level, Severity.WARNING, here) for name in default.notify))
            requests += self._left(part.policy, wants)
        elsewhere = self._all([outside, self.defaulted])
        return (*requests, *(AskedFor(name, default.level, Severity.WARNING, elsewhere) for name in default.notify))

    def _left(self, policy: Policy, wants: Sequence[AskedFor]) -> Iterable[AskedFor]:
        """What a policy's silences leave of its requests."""
        silenced: dict[str, list[Literal]] = {}
        for silence in policy.silences:
            covered = [want for want in wants if silence.channels is None or want.channel in silence.channels]
            active = self._active(silence)
            acts = self._all([active, self._any(want.literal for want in covered)])
            self.silences[policy.name, silence.id] = Reached(self._all([self.scopes[policy.name], active]), acts)
            for want in covered:
                silenced.setdefault(want.channel, []).append(active)
        for want in wants:
            yield want._replace(literal=self._all([want.literal, -self._any(silenced.get(want.channel, ()))]))

    def _active(self, silence: Silence) -> Literal:
        edges = (silence.until,) if silence.start is None else (silence.start, silence.until)
        in_time = self.fields.time(edges, lambda time: lasts(silence, time))
        return self._all([in_time, self._matcher(silence.matcher.expressions).yes, -self._void(silence)])


def _ask(atom: Atom, facts: Sequence[str | None]) -> object:
    """The result of an atom about the class for one class and evidence."""
    return evaluate(atom, document_with({("actor", name): value for name, value in zip(_CLASS_FACTS, facts, strict=True)}))


def _scope(policy: Policy) -> BucketScope:
    return BucketScope(policy.buckets or (), policy.exclusions)
