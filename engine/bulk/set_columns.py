"""The columns on which the verdicts of a policy set depend: for its fields, the facts, scopes and limits, and times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.bulk import fields
from engine.bulk.answers import AnswerNumbers, PathAnswers
from engine.bulk.columns import (
    CallerColumn,
    Column,
    DerivedColumn,
    FieldColumn,
    GroupAnswers,
    JointColumn,
    SessionColumn,
    SharedColumn,
)
from engine.bulk.rows import RowError, attributes
from engine.model import VoidReason
from engine.pipeline.decide.void import BITS
from engine.pipeline.decide.windows import lasts, within
from engine.pipeline.facts import NO_CLASS, access_of, assumed_role, caller_of, issued_role, source_of, time_of
from engine.pipeline.facts.target import crossing_of, needs_resources, scope_of, target_of
from engine.policy.fact_layout import ACCESS, CALLER, CROSSING, FACTS, ROLE, SOURCE, TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from engine.bulk.rows import Layout, Row
    from engine.matching.formula import Atom
    from engine.model import Record
    from engine.pipeline.decide.indexed import IndexedDecider
    from engine.pipeline.facts.target import Target
    from engine.policy.fact_layout import Path

_ALONE: Final = tuple({group} for group in (TARGET, ROLE, CALLER, SOURCE, ACCESS))
"""Groups of facts of which several may be compared with each other in the column of the group."""

_KEYS: Final = frozenset({("key",), ("copy", "key")})
_KEYED: Final = -1
"""In place of the group's number: what depends on keys has a column of its own, as most keys are new."""

_OF_SESSIONS: Final = (("actor", "session"), ("actor", "name"))
"""The facts that the session in an assumed role's ARN may be."""

_OF_FEW_VALUES: Final = frozenset(
    tuple(name.split("."))
    for name in (
        *("awsRegion", "errorCode", "eventCategory", "eventName", "eventSource", "eventType", "managementEvent", "readOnly"),
        *("recipientAccountId", "sessionCredentialFromConsole", "additionalEventData.AuthenticationMethod"),
        *("additionalEventData.SignatureVersion", "additionalEventData.CipherSuite", "requestParameters.X-Amz-SignedHeaders"),
        *("userIdentity.type", "userIdentity.accountId", "userIdentity.invokedBy", "userIdentity.identityProvider"),
        *("userIdentity.inScopeOf.issuerType", "userIdentity.onBehalfOf.identityStoreArn", "tlsDetails.tlsVersion"),
        *("userIdentity.sessionContext.assumedRoot", "userIdentity.sessionContext.ec2RoleDelivery"),
        *("userIdentity.sessionContext.attributes.mfaAuthenticated", "userIdentity.sessionContext.sessionIssuer.type"),
        "userIdentity.sessionContext.webIdFederationData.federatedProvider",
    )
)
"""Fields of which a company's events have few different values: they share one column."""


def _reads_something(atom: Atom) -> bool:
    """Whether an atom's answer is not the same for every event."""
    return bool(atom.paths)


class ColumnsOfSet:
    """Makes the columns on which the verdicts of a decider depend."""

    def __init__(
        self, decider: IndexedDecider, layout: Layout, record_of: Callable[[Row], Record], seldom: Collection[Path], now: datetime
    ) -> None:
        self._decider = decider
        self._layout = layout
        self._record_of = record_of
        self._seldom = seldom
        self._now = now
        self._names = attributes(layout)
        self._numbers = AnswerNumbers()
        self._lacks_resources = any(path[:1] == fields.RESOURCES for path in seldom)
        self._lacks_issued = not set(seldom).isdisjoint(fields.OF_ISSUED)

    def columns(self, single: dict[Path, Sequence[Atom]], joint: Sequence[Atom]) -> list[Column]:
        """The columns for these atoms, and those for scopes, limits and times."""
        known = self._names
        places = FACTS.places
        of_fields = {path: asked for path, asked in single.items() if path in known and path not in places}
        several = [
            *joint,
            *(atom for path, asked in single.items() if path not in places and path not in known for atom in asked),
        ]
        listed = [atom for path, asked in of_fields.items() if path == fields.RESOURCES for atom in asked]
        of_fields.pop(fields.RESOURCES, None)
        answers = {path: PathAnswers(path, asked, self._numbers) for path, asked in of_fields.items()}
        few = {path: made for path, made in answers.items() if path in _OF_FEW_VALUES}
        few = few if len(few) > 1 else {}
        columns: list[Column] = [FieldColumn(path, made) for path, made in answers.items() if path not in few]
        if few:
            columns.append(SharedColumn(few, self._numbers))
        classes = [NO_CLASS, *(of_class for of_class, _ in self._decider.classes)]
        within: dict[int, list[GroupAnswers]] = {}
        for atom in filter(_reads_something, [*several, *listed]):
            groups = {places[path][0] if path in places else None for path in atom.paths}
            if groups in _ALONE:
                group = _KEYED if atom.paths & _KEYS else next(iter(groups)) or TARGET
                within.setdefault(group, []).append(GroupAnswers(atom))
            else:
                columns.append(JointColumn(self._layout, atom, self._record_of, classes, self._numbers))
        of_facts = {path: asked for path, asked in single.items() if path in places}
        return [*columns, *self._of_facts(of_facts, within), *self._of_times()]

    def _of_facts(self, asked: dict[Path, Sequence[Atom]], within: dict[int, list[GroupAnswers]]) -> Iterable[Column]:
        answers = {path: PathAnswers(path, some, self._numbers) for path, some in asked.items()}
        reads = self._decider.reads
        groups: dict[int, list[tuple[int, PathAnswers]]] = {}
        for path, made in answers.items():
            group, place = FACTS.places[path]
            groups.setdefault(_KEYED if path in _KEYS else group, []).append((place, made))

        def number(group: int, facts: Sequence[Any], *more: object) -> int:
            joint = [asked(facts) for asked in within.get(group, ())]
            return self._numbers[(group, *more, *joint, *(made.number(facts[place]) for place, made in groups.get(group, ())))]

        if TARGET in reads:
            paths = [() if path in fields.OF_TARGET[1:3] else path for path in fields.OF_TARGET]
            paths.append(fields.RECIPIENT if self._decider.scoped else ())
            yield self._derived(paths, lambda values: self._target(values, number))
        if _KEYED in groups or _KEYED in within:
            yield self._derived(fields.OF_TARGET, lambda values: number(_KEYED, self._target_facts(*values)))
        if ROLE in reads or CALLER in reads:
            paths = [*fields.OF_CALLER, *(fields.NO_ROLE if self._lacks_issued else fields.OF_ISSUED)]
            sessions = [answers[path] for path in _OF_SESSIONS if path in answers]
            compared = not within.keys().isdisjoint({ROLE, CALLER})
            if ROLE not in reads or not sessions or compared:
                yield self._derived(paths, lambda values: self._caller(values, number))
            else:
                called, issued = paths[: len(fields.OF_CALLER)], paths[len(fields.OF_CALLER) :]
                yield CallerColumn(called, issued, self._names, lambda values: self._caller(values, number, apart=True))
                yield SessionColumn(sessions, self._numbers)
        if SOURCE in reads:
            yield self._derived(fields.OF_SOURCE, lambda values: number(SOURCE, source_of(*values)))
        if ACCESS in reads:
            yield self._derived(fields.OF_ACCESS, lambda values: number(ACCESS, access_of(*values)))
        if CROSSING in reads:
            yield self._derived(fields.OF_CROSSING, lambda values: self._crossing(values, number))

    def _derived(self, paths: Sequence[Path], number: Callable[[Sequence[Any]], int]) -> Column:
        return DerivedColumn(paths, self._names, number)

    def _target(self, values: Sequence[Any], number: Callable[..., int]) -> int:
        *of_target, recipient = values
        target, resources, decider = self._target_facts(*of_target), of_target[4], self._decider
        copied = VoidReason.BUCKET in decider.limits and target[2] is not None and target[2] != target[0]
        scope = decider.scope(*scope_of(target, resources, recipient)).number if decider.scoped else 0
        return number(TARGET, target, copied * BITS[VoidReason.BUCKET], scope)

    def _target_facts(self, *values: Any) -> Target:  # noqa: ANN401  JSON values
        if self._lacks_resources and needs_resources(values[0], values[3]):
            raise RowError("a row does not name its bucket")
        return target_of(*values)

    def _caller(self, values: Sequence[Any], number: Callable[..., int], *, apart: bool = False) -> int:
        """`apart`: the session in an assumed role's ARN does not count, but whether the caller's name is another."""
        called, issued = values[: len(fields.OF_CALLER)], values[len(fields.OF_CALLER) :]
        role: tuple[str | None, str | None] = (None, None)
        more: tuple[bool, ...] = ()
        if ROLE in self._decider.reads:
            named = assumed_role(called[1])
            if named is None and self._lacks_issued and (issued[0] == "AssumedRole" or issued[1] == "Role"):
                raise RowError("a row does not name its role")
            role = named or ((None, None) if self._lacks_issued else issued_role(*issued))
            if apart and named is not None:
                role = named[0], None
                more = (caller_of((*called[:-1], None), role)[1] is not None,)
        caller = caller_of(tuple(called), role)
        return self._numbers[number(ROLE, role), number(CALLER, caller), *more]

    def _crossing(self, values: Sequence[Any], number: Callable[..., int]) -> int:
        crossing = crossing_of(*values)
        return number(CROSSING, crossing, VoidReason.ACCOUNT in self._decider.limits and crossing[0] is not False)

    def _of_times(self) -> Iterable[Column]:
        decider = self._decider
        windows = list(dict.fromkeys(route[-1] for route in decider.rules if route[-1]))
        silences = [silence for of_policy in decider.silences.values() for silence in of_policy.silences.values()]

        def number(values: Sequence[Any]) -> int:
            time = time_of(values[0]) or self._now
            held = (*(within(during, time) for during in windows), *(lasts(silence, time) for silence in silences))
            return self._numbers["time", held]

        if decider.timed:
            yield self._derived([fields.TIME], number)
