"""Whether a matcher pins its caller, by the positive tests of each of its branches.

A branch is one way in which a matcher can hold: tests that must all be true. The analysis is sound: a test that it does not
understand counts as one that is always true, and no branch is left out. So where each branch has a pin, a caller for whom the
matcher holds has an identity that one of the pins names.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from engine.matching.formula import And, Atom, Not, evaluate
from engine.matching.literals import Run, demanded
from engine.model import UNKNOWN, Kind, Strength
from engine.policy.provenance import TYPE, Beside, Pin, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.matching.formula import Formula

Branch: TypeAlias = frozenset[Atom]
"""Atoms that are all true where a matcher holds in this way."""

MOST_BRANCHES: Final = 256
"""Branches of one matcher. A part that would make it more counts as true."""

TYPES: Final = frozenset({TYPE, ("actor", "type")})
ACTOR_FACTS: Final = frozenset({("actor", name) for name in ("class", "kind", "evidence", "strength")})
_NAMES: Final = ACTOR_FACTS - {("actor", "strength")}
ACCOUNTS: Final = frozenset({("actor", "account"), ("userIdentity", "accountId")})
SERVICES: Final = frozenset({("actor", "service"), ("userIdentity", "invokedBy")})
ADDRESSES: Final = frozenset({("source", "ip"), ("sourceIPAddress",)})
PATTERNS: Final = frozenset({"contains", "glob", "prefix", "regex", "suffix"})

_EMPTY: Final[Branch] = frozenset()


class EvidenceBranches(NamedTuple):
    """An evidence as the analysis knows it: the values that it gives the facts of the class, and its branches.

    The class `unknown` is a piece of evidence without a name that tests nothing.
    """

    actor: str
    kind: Kind
    id: str | None
    strength: Strength | None
    branches: tuple[Branch, ...]
    never_mute: bool = False

    def fits(self, branch: Branch) -> bool:
        """Whether what a branch asks of the actor's class can be true where this evidence decided."""
        facts = {"class": self.actor, "kind": self.kind, "evidence": self.id, "strength": self.strength}
        actor = {name: None if value is None else str(value) for name, value in facts.items()}
        return all(evaluate(atom, {"actor": actor}) is True for atom in branch if atom.path in ACTOR_FACTS)


UNKNOWN_ACTOR: Final = EvidenceBranches(UNKNOWN, Kind.UNKNOWN, None, None, (_EMPTY,))

Actors: TypeAlias = "Sequence[EvidenceBranches]"
"""All evidence of a set, `UNKNOWN_ACTOR` included."""


def branches_of(part: Formula) -> tuple[Branch, ...]:
    """The branches of a formula: where it holds, all atoms of one of them are true. A negation counts as true."""
    if isinstance(part, Not):
        return (_EMPTY,)
    if isinstance(part, Atom):
        return (frozenset({part}),)
    parts = [branches_of(each) for each in part.parts]
    if isinstance(part, And):
        return _all_of(parts)
    alternatives = tuple(dict.fromkeys(branch for each in parts for branch in each))
    return alternatives if len(alternatives) <= MOST_BRANCHES else (_EMPTY,)


def _all_of(parts: Iterable[tuple[Branch, ...]]) -> tuple[Branch, ...]:
    branches: tuple[Branch, ...] = (_EMPTY,)
    for part in sorted(parts, key=len):
        if len(branches) * len(part) <= MOST_BRANCHES:
            branches = tuple(dict.fromkeys(before | after for before, after in product(branches, part)))
    return branches


def spelled_out(branch: Branch, actors: Actors) -> Iterator[tuple[EvidenceBranches | None, Branch]]:
    """A branch with the tests of each evidence that it leaves possible; as it is, where it does not name any of these."""
    if not any(atom.path in _NAMES and texts(atom) is not None for atom in branch):
        yield None, branch
        return
    for actor in actors:
        if actor.fits(branch):
            yield from ((actor, branch | own) for own in actor.branches)


def texts(atom: Atom) -> frozenset[str] | None:
    """The texts of which the value is one, where an atom is an equality with a text or a list of texts; else None."""
    if atom.kind == "in":
        members: frozenset[str] = atom.value
        return members
    return frozenset({atom.value}) if atom.kind == "is" and isinstance(atom.value, str) else None


def meets(branch: Branch, beside: Beside) -> bool:
    """Whether a branch has the test that must stand beside another one."""
    if beside.value is True:
        return any(atom.path == beside.path and atom.kind in ("true", "truthy") for atom in branch)
    return any(atom.path in TYPES and texts(atom) == frozenset({beside.value}) for atom in branch)


# --- pins ------------------------------------------------------------------------------------------------------------------


def pins(branch: Branch, actors: Actors) -> bool:
    """Whether a branch pins the caller, by itself or by each evidence that it leaves possible."""
    return is_pinned(branch) or all(is_pinned(spelled) for _, spelled in spelled_out(branch, actors))


def is_pinned(branch: Branch) -> bool:
    """Whether a test of a branch pins the caller, the facts of the class aside."""
    return any(pins_by(atom, branch) for atom in branch)


def branch_pins(branch: Branch) -> list[Atom]:
    """The tests of a branch that pin the caller, the facts of the class aside."""
    return [atom for atom in branch if pins_by(atom, branch)]


def pins_by(atom: Atom, branch: Branch) -> bool:
    """Whether an atom pins the caller, beside the other tests of its branch."""
    beside = row_of(atom.path).beside if atom.path is not None else None
    return (beside is None or meets(branch, beside)) and pins_beside(atom)


def pins_beside(atom: Atom) -> bool:
    """Whether an atom pins the caller where the test stands beside it that the table asks for."""
    if atom.path is None:
        return False
    row, names = row_of(atom.path), texts(atom)
    if names is not None:
        return bool(names) and all(names) and all(map(_EQUALS[row.pins], names)) and _names_caller(atom, names)
    return atom.kind in PATTERNS and all(any(_MATCHES[row.pins](run, atom) for run in runs) for runs in _demanded(atom))


def _names_caller(atom: Atom, names: frozenset[str]) -> bool:
    if atom.path in ACCOUNTS:
        return all(map(_ACCOUNT.fullmatch, names))
    return atom.path not in SERVICES or _NOBODY not in names


_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_NOBODY: Final = "AWS Internal"
"""In `invokedBy` it stands for no service: 704 published records of IAM users have it."""


@lru_cache(4_096)
def _demanded(atom: Atom) -> tuple[tuple[Run, ...], ...]:
    return demanded(atom.kind, atom.value)


# --- what a text demands beyond what AWS gives every value -----------------------------------------------------------------

_FEWEST: Final = 3
"""Literal characters in a row that a pattern must demand."""

_PREFIXES: Final = tuple(
    map(
        str.lower,
        (
            *("role/", "assumed-role/", "user/", "oidc-provider/", "saml-provider/", "AKIA", "ASIA", "AROA", "AIDA", "AWS::"),
            *("service-role/", ".amazonaws.com"),
            *("arn:aws:iam::", "arn:aws:sts::", "arn:aws-cn:iam::", "arn:aws-cn:sts::", "arn:aws-us-gov:iam::"),
        ),
    )
)
_RESERVED: Final = tuple(
    map(str.lower, ("AWSReservedSSO_", "AWSServiceRoleFor", "aws-reserved/sso.amazonaws.com/", "aws-service-role/"))
)
"""Beginnings of names and paths that only AWS gives: they pin nobody, but tell something."""
_KNOWN: Final = (*_PREFIXES, *_RESERVED)
_ARN_HEAD: Final = re.compile(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:")
_RESOURCE_TYPE: Final = re.compile(r"\A[^:/]*[:/]?")
"""`function:` or `instance/`: every resource of a service has it, and what ends before one may be a part of it."""

_ARNS: Final = frozenset(
    {
        ("userIdentity", "sessionContext", "sessionIssuer", "arn"),
        ("userIdentity", "sessionContext", "webIdFederationData", "federatedProvider"),
        ("userIdentity", "inScopeOf", "credentialsIssuedTo"),
        ("userIdentity", "inScopeOf", "sourceArn"),
        ("userIdentity", "onBehalfOf", "identityStoreArn"),
    }
)


def _beyond(run: Run, atom: Atom) -> bool:
    """Whether a run has three characters in a row that are in no value that AWS gives to everyone."""
    text = _behind_head(run) if atom.path in _ARNS else run.text.lower()
    separated = [text]
    for word in sorted(_KNOWN, key=len, reverse=True):
        separated = [piece for part in separated for piece in part.split(word)]
    if not run.end:
        separated[-1] = _without_begun(separated[-1])
    if not run.start:
        separated[0] = _without_ended(separated[0])
    return any(len(piece) >= _FEWEST and not any(piece in word for word in _KNOWN) for piece in separated)


def demands_more(atom: Atom) -> bool:
    """Whether a pattern demands more than every value has. Unlike for a pin, what only AWS gives is more."""
    return all(any(_is_reserved(run.text) or _beyond(run, atom) for run in runs) for runs in _demanded(atom))


def _is_reserved(text: str) -> bool:
    return any(word in text.lower() for word in _RESERVED)


def _behind_head(run: Run) -> str:
    """What a run demands of a resource behind its type, which follows the first five parts of an ARN (no slash is in these)."""
    text = run.text.lower()
    head = _ARN_HEAD.match(text)
    if head is not None:
        return _RESOURCE_TYPE.sub("", text[head.end() :])
    if "/" in text:
        return text.partition("/")[2]
    return text.rpartition(":")[2] if run.end else ""


def _without_begun(text: str) -> str:
    """A text without an end that is the beginning of a known word."""
    sizes = (size for word in _KNOWN for size in range(1, len(word)) if text.endswith(word[:size]))
    return text[: len(text) - max(sizes, default=0)]


def _without_ended(text: str) -> str:
    """A text without a beginning that is the end of a known word."""
    return text[max((size for word in _KNOWN for size in range(1, len(word)) if text.startswith(word[-size:])), default=0) :]


_ROLE_HEAD: Final = re.compile(r"arn:[a-z-]+:sts::[0-9]{12}:assumed-role/[^/]+/", re.IGNORECASE)
_USER_HEAD: Final = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:user/.{3}", re.IGNORECASE)
_CALLER_ARN: Final = re.compile(r"arn:[a-z-]+:(sts::[0-9]{12}:assumed-role/[^/]+/.+|iam::[0-9]{12}:((user|role)/.+|root))")
_OWNED_HEAD: Final = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:", re.IGNORECASE)
_ID_HEAD: Final = re.compile(r"A(?:ROA|IDA)[A-Z0-9]{12,}:", re.IGNORECASE)
_PRINCIPAL: Final = re.compile(r"A(?:ROA|IDA)[A-Z0-9]{12,}(?::.*)?")
"""The unique id of a role or a user: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"""

_PROVIDER: Final = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:(oidc|saml)-provider/.+")


def _never(*_: object) -> bool:
    return False


def _behind_provider(run: Run, atom: Atom) -> bool:
    _, provider, rest = run.text.lower().partition("-provider/")
    return bool(provider) and _beyond(Run(f"/{rest}", end=run.end), atom)


_EQUALS: Final[Mapping[Pin, Callable[[str], object]]] = {
    Pin.NO: _never,
    Pin.CLASS: _never,
    Pin.TEXT: bool,
    Pin.EXACT: bool,
    Pin.ROOT: "Root".__eq__,
    Pin.ROLE_ARN: bool,
    Pin.OWNED_ARN: bool,
    Pin.CALLER_ARN: _CALLER_ARN.fullmatch,
    Pin.PRINCIPAL: _PRINCIPAL.fullmatch,
    Pin.PROVIDER: _PROVIDER.fullmatch,
}
_MATCHES: Final[Mapping[Pin, Callable[[Run, Atom], object]]] = {
    Pin.NO: _never,
    Pin.CLASS: _never,
    Pin.TEXT: _beyond,
    Pin.EXACT: _never,
    Pin.ROOT: _never,
    Pin.ROLE_ARN: _beyond,
    Pin.OWNED_ARN: lambda run, atom: run.start and _OWNED_HEAD.match(run.text) and _beyond(run, atom),
    Pin.CALLER_ARN: lambda run, _: run.start and (_ROLE_HEAD.match(run.text) or _USER_HEAD.match(run.text)),
    Pin.PRINCIPAL: lambda run, _: run.start and _ID_HEAD.match(run.text),
    Pin.PROVIDER: _behind_provider,
}
