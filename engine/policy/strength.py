"""Whether AWS attests what a branch of evidence tests, and what each test is worth."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

from engine.matching.formula import evaluate
from engine.model import Kind
from engine.policy.pins import ADDRESSES, PATTERNS, SERVICES, TYPES, demands_more, meets, pins_beside, pins_by, texts
from engine.policy.provenance import AWS_SERVICE, CLAIMED, HOW, WHAT, WHO, Pin, Provenance, row_of

if TYPE_CHECKING:
    from engine.matching.formula import Atom
    from engine.policy.pins import Branch

_EVERY_ROLE: Final = frozenset({"AssumedRole", "Role"})
"""Types of identity that tell nothing: any caller with a role has one of them."""

_NOT_PUBLIC: Final = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
            *("::/127", "::ffff:0:0/96", "fc00::/7", "fe80::/10"),
        ),
    )
)
"""Addresses that a caller can choose, in a VPC of their own (RFC 1918, 6598, 4193, 3927, 4291)."""


def why_not_attested(branch: Branch, kind: Kind) -> str | None:
    """Why evidence of a class of this kind is not attested by a branch; None where it is."""
    words = {atom: provenance_of(atom, branch) for atom in branch}
    claimed = sorted(name_of(atom) for atom, word in words.items() if word is CLAIMED)
    if claimed:
        return f"{claimed[0]} is the caller's choice"
    if any(word in (WHO, HOW) and _tells(atom, branch, kind) for atom, word in words.items()):
        return None
    return "none of its tests says who called, or how"


def only_claims(branch: Branch) -> bool:
    """Whether a branch tests something claimed and nothing else that tells one caller or request from another."""
    words = {atom: provenance_of(atom, branch) for atom in branch}
    telling = (word is WHAT or (word in (WHO, HOW) and _tells(atom, branch, Kind.UNKNOWN)) for atom, word in words.items())
    return CLAIMED in words.values() and not any(telling)


def provenance_of(atom: Atom, branch: Branch) -> Provenance | None:
    """Who wrote what an atom tests, beside the other tests of its branch; None where it only tests that AWS wrote something."""
    if atom.path is None:
        words = {word for path in atom.paths for word in (row_of(path).provenance, row_of(path).otherwise)}
        return CLAIMED if CLAIMED in words or () in atom.paths else WHAT if words else None
    row = row_of(atom.path)
    if row.provenance in (WHO, HOW) and holds_for_all(atom):
        return None
    if row.otherwise is None:
        return row.provenance
    if atom.path in ADDRESSES:
        applies = _is_public(atom)
    elif row.beside is not None:
        applies = meets(branch, row.beside)
    else:
        applies = _is_of_aws(atom) if row.otherwise is CLAIMED else pins_by(atom, branch)
    return row.provenance if applies else row.otherwise


def _is_of_aws(atom: Atom) -> bool:
    """Whether an atom asks of an ARN or a principal id only for what stands before the session name."""
    session = atom.path == ("userIdentity", "principalId")
    names = texts(atom)
    if names is not None:
        return not any(":" in name if session else ":assumed-role/" in name or ":federated-user/" in name for name in names)
    return pins_beside(atom) and (not (session or ":assumed-role/" in atom.value) or atom.value.rstrip("*").endswith(("/", ":")))


def holds_for_all(atom: Atom) -> bool:
    """Whether an atom is true of whatever its field may be: it is only there, or all texts match."""
    if atom.kind == "truthy":
        return True
    if atom.kind == "cidr":
        return ip_network(atom.value).prefixlen == 0
    return (
        atom.kind in PATTERNS and atom.path is not None and all(evaluate(atom, _nested(atom.path, text)) is True for text in _ANY)
    )


_ANY: Final = ("", "\x00", "~ 0")
"""Texts of which a pattern that says something does not match all."""


def _nested(path: tuple[str, ...], value: str) -> dict[str, Any]:
    document: Any = value
    for name in reversed(path):
        document = {name: document}
    nested: dict[str, Any] = document
    return nested


def name_of(atom: Atom) -> str:
    """The field that an atom reads, or the fields."""
    return ", ".join(sorted(".".join(path) or "the event as a whole" for path in atom.paths))


def _tells(atom: Atom, branch: Branch, kind: Kind) -> bool:
    """Whether an atom about what AWS wrote narrows down who called or how."""
    if kind is Kind.SERVICE and (atom.path == ("source", "kind") or (atom.path in SERVICES and not meets(branch, AWS_SERVICE))):
        return False
    names = texts(atom)
    if names is not None:
        return all(names) and not (atom.path in TYPES and names & _EVERY_ROLE)
    if atom.kind in PATTERNS:
        return demands_more(atom) or (atom.path is not None and row_of(atom.path).pins is Pin.NO)
    return atom.kind in ("true", "false", "cidr") or (atom.kind == "is" and atom.value is not None)


def _is_public(atom: Atom) -> bool:
    """Whether all addresses for which an atom is true are public ones."""
    names = texts(atom) or ({atom.value} if atom.kind == "cidr" else ())
    try:
        networks = [ip_network(name) for name in names]
    except ValueError:
        return False
    return bool(networks) and not any(
        network.version == other.version and network.overlaps(other) for network in networks for other in _NOT_PUBLIC
    )
