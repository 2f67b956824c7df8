"""Which muted events a trail need not record at all, and its advanced event selectors without these.

What a trail leaves out is in no log, so a mute is not enough. An event may be left out only where its caller is a service-linked
role, which none but its service takes, and where the prover finds none like it that rings.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.matching.formula import atoms, formula_of
from engine.matching.globs import shape
from engine.model import Location, Policy, VoidReason
from engine.policy.fact_layout import FACT_TYPES
from engine.policy.matchers import from_source
from engine.policy.pins import branches_of, texts
from engine.prove.check import Proof, decided
from engine.prove.guarantees import RINGS, Guarantee, Statement, breaks, broken
from engine.prove.paths import COPY_BUCKET
from engine.prove.prover import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from engine.model import Document, PolicySet, Record, Route
    from engine.policy.pins import Branch
    from engine.policy.source import Source

LINKED: Final = re.compile(r"AWSServiceRoleFor[A-Za-z0-9+=,.@_-]+")
"""Names of service-linked roles. Their trust policy is their service's, and nobody can edit it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
"""

COPIES: Final = ("CopyObject", "UploadPartCopy")
"""They have a second bucket, of which `resources.ARN` may say nothing."""

MOST_VALUES: Final = 500
"""Values in all selectors of a trail.

Source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
"""

_ROLES: Final = frozenset({("actor", "role"), ("userIdentity", "sessionContext", "sessionIssuer", "userName")})
_BUCKETS: Final = frozenset({("bucket",), ("requestParameters", "bucketName")})
_BUCKET_NAME: Final = re.compile(r"[a-z0-9.-]+")
_ANYWHERE: Final = Location("trail")


class LeftOut(NamedTuple):
    """Events that a trail need not record: of a role of an account, on a bucket, but for copies."""

    account: str
    role: str
    bucket: str

    def caller(self, partition: str) -> str:
        """How `userIdentity.arn` of the role begins."""
        return f"arn:{partition}:sts::{self.account}:assumed-role/{self.role}/"

    def when(self, partition: str) -> str:
        """These events as an expression."""
        return (
            f"actor.type == 'AssumedRole' && actor.role == '{self.role}' && actor.account == '{self.account}'"
            f" && glob(userIdentity.arn, '{self.caller(partition)}*') && bucket == '{self.bucket}'"
            f" && !contains({list(COPIES)}, eventName)"
        )


class MuteAnswer(NamedTuple):
    """What of a mute's events a trail may leave out, and why not the others ("" where all)."""

    mute: str
    left_out: tuple[LeftOut, ...]
    why: str


def answers(
    sources: Sequence[Source], policies: PolicySet, accounts: Sequence[str], partition: str = "aws"
) -> Iterator[MuteAnswer]:
    """An answer for each mute of a set that loads. Raises `ModuleNotFoundError` where python-sat is not installed."""
    proof = Proof(sources, policies)
    for policy in policies.policies:
        for route in policy.routes:
            if route.mute is not None:
                yield _answer(policy, route, accounts, partition, proof)


def _answer(policy: Policy, route: Route, accounts: Sequence[str], partition: str, proof: Proof) -> MuteAnswer:
    name = f"{policy.name}/{route.id}"
    expressions = route.matcher.expressions if route.matcher is not None else ()
    formula = formula_of([proof.trees[one] for one in expressions], FACT_TYPES)
    roles = frozenset[str]()
    for branch in branches_of(formula):
        of_branch = _roles(branch)
        if of_branch is None:
            return MuteAnswer(name, (), "it does not name the roles that it is about (actor.role == …)")
        roles |= of_branch
    assumable = sorted(role for role in roles if not LINKED.fullmatch(role))
    if assumable:
        return MuteAnswer(
            name, (), f"a person may take the role {assumable[0]}: it is not linked to a service (AWSServiceRoleFor…)"
        )
    if route.during:
        return MuteAnswer(name, (), "it holds at some hours only")
    tested = {text for atom in atoms(formula) if atom.path in _BUCKETS for text in texts(atom) or ()}
    buckets = sorted(name for name in {*tested, *(policy.buckets or ())} if _BUCKET_NAME.fullmatch(name))
    if not buckets:
        return MuteAnswer(name, (), "neither it nor its file names a bucket in full")
    asked = [LeftOut(account, role, bucket) for account in accounts for role in sorted(roles) for bucket in buckets]
    refused = {one: _why_not(one, partition, proof) for one in asked}
    proved = tuple(one for one in asked if not refused[one])
    return MuteAnswer(name, proved, next((f"{one.role} on {one.bucket}: {why}" for one, why in refused.items() if why), ""))


def _roles(branch: Branch) -> frozenset[str] | None:
    """The roles one of which the caller has in a branch; None where it does not say."""
    return next((named for atom in branch if atom.path in _ROLES and (named := texts(atom)) is not None), None)


def _why_not(one: LeftOut, partition: str, proof: Proof) -> str:
    """Why some events may not be left out; "" where it is proved that none of them rings, whatever else it is."""
    matcher = from_source(proof.trees).matcher((one.when(partition),))
    guarantee = Guarantee("trail", Policy("trail", "", ""), _ANYWHERE, matcher, Statement(RINGS), always=False)
    encoded = proof.encoded
    fields, policies = encoded.fields, encoded.policies

    def confirm(record: Record, time: datetime) -> Document | None:
        verdict, seen, meant = decided(guarantee, record, time, policies)
        return None if meant and breaks(guarantee, verdict, policies) else seen

    rings = broken(guarantee, encoded)
    # Copies stay recorded, and nothing but a copy has a second bucket.
    one_bucket = [fields.text(COPY_BUCKET).null, *(-literal for literal in fields.elsewhere)]
    found = proof.prover.witness(fields.circuit.all_of([rings, *one_bucket]), confirm)
    if isinstance(found, Unknown):
        return f"it is not known whether all of these events are muted ({'; '.join(found.why)})"
    if found is None:
        return ""
    verdict = decided(guarantee, found.record, found.time, policies)[0]
    if any(rule.reason is VoidReason.ACCOUNT for rule in verdict.void):
        return f"a bucket of this name may be another account's: have the mute test actor.account == '{one.account}'"
    by = ", ".join(verdict.routes) or "the default"
    return f"some of these events ring, such as one of the class {verdict.actor.name}, by {by}"


# --- as a trail's selectors -------------------------------------------------------------------------------------------------


def selectors(buckets: Iterable[str], left_out: Iterable[LeftOut], partition: str = "aws") -> list[dict[str, Any]]:
    """The advanced event selectors of a trail for the globs of `buckets`, without what is left out.

    A field's `StartsWith` are alternatives, its `NotStartsWith` all hold, and so do both together; fields of one selector all
    hold, and of several selectors one is enough.
    Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html
    """
    objects = f"arn:{partition}:s3:::"
    by_bucket = {name: sorted(group) for name, group in groupby(sorted(left_out, key=_bucket), key=_bucket)}
    callers = {name: sorted({one.caller(partition) for one in group}) for name, group in by_bucket.items()}
    starts = sorted({_start(objects, glob) for glob in buckets})
    whole = {"StartsWith": starts} if objects not in starts else {}
    without = {"NotStartsWith": [f"{objects}{name}/" for name in callers]} if callers else {}
    arn = [{"Field": "resources.ARN", **whole, **without}] if whole or without else []
    made = [_selector("S3 data events of the watched buckets", *arn)]
    for unlike in sorted({tuple(one) for one in callers.values()}):
        names = [name for name, one in callers.items() if tuple(one) == unlike]
        made.append(
            _selector(
                f"the same but for muted roles: {', '.join(names)}"[:1000],
                {"Field": "resources.ARN", "StartsWith": [f"{objects}{name}/" for name in names]},
                {"Field": "userIdentity.arn", "NotStartsWith": list(unlike)},
            )
        )
    return [*made, _selector("copies to anywhere", {"Field": "eventName", "Equals": list(COPIES)})]


def values_in(made: Iterable[dict[str, Any]]) -> int:
    """How many values the selectors have, of which a trail takes `MOST_VALUES`."""
    return sum(len(of) for one in made for field in one["FieldSelectors"] for name, of in field.items() if name != "Field")


def _bucket(one: LeftOut) -> str:
    return one.bucket


def _start(objects: str, glob: str) -> str:
    """How the ARNs of objects begin in the buckets of a glob: more may begin so, none begins otherwise."""
    kind, text = shape(glob)
    if kind == "equals":
        return f"{objects}{text}/"
    return f"{objects}{glob.partition('*')[0].partition('?')[0]}"


def _selector(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    data = {"Field": "eventCategory", "Equals": ["Data"]}
    return {"Name": name, "FieldSelectors": [data, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}, *fields]}
