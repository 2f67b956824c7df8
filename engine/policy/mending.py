"""Findings about branches in words: what a branch tests, why that does not pin the caller, and which test would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model import Strength
from engine.policy.pins import ACTOR_FACTS, TYPES, is_pinned, meets, pins_beside, spelled_out, texts
from engine.policy.provenance import AWS_SERVICE, Provenance, row_of
from engine.policy.strength import name_of, provenance_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.matching.formula import Atom
    from engine.policy.pins import Actors, Branch

_LONGEST_TEXT: Final = 40
_LONGEST_BRANCH: Final = 160
_MOST_NAMED: Final = 3

_ROLE: Final = "actor.role == '…'"
_SERVICE: Final = "actor.service == '….amazonaws.com'"
_ATTESTED: Final = "actor.strength == 'attested'"
_WITHOUT_ROLE: Final = frozenset({"AWSAccount"})
"""Types of callers that have neither a role nor a user that CloudTrail shows: strangers, and the callers of other accounts."""


def where(branch: Branch) -> str:
    """` where actor.class == 'x' && access.kind == 'read'`: the tests of a branch; empty where there are none."""
    written = written_out(branch)
    return f" where {written}" if written else ""


def written_out(branch: Branch) -> str:
    """The tests of a branch, in the order of their fields, joined by `&&`."""
    text = " && ".join(sorted(_written(atom) for atom in branch if atom.paths))
    return text if len(text) <= _LONGEST_BRANCH else f"{text[:_LONGEST_BRANCH]}…"


def _written(atom: Atom) -> str:
    """An atom as an expression, where it is understood; else the fields that it reads."""
    name, names = name_of(atom), texts(atom)
    if names is not None and len(names) > 1:
        few = ", ".join(map(_quoted, sorted(names)[:_MOST_NAMED]))
        return f"contains([{few}{', …' if len(names) > _MOST_NAMED else ''}], {name})"
    form = _FORMS.get(atom.kind, "a test of {0}")
    value = next(iter(names)) if names else atom.value
    return form.format(name, _quoted(value) if isinstance(value, str) else f"`{'null' if value is None else value}`")


def _quoted(text: str) -> str:
    return f"'{text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + '…'}'"


_FORMS: Final[Mapping[str, str]] = {
    "is": "{0} == {1}",
    "in": "{0} == {1}",
    "true": "{0}",
    "truthy": "{0}",
    "false": "{0} == `false`",
    "contains": "contains({0}, {1})",
    "prefix": "starts_with({0}, {1})",
    "suffix": "ends_with({0}, {1})",
    **{name: f"{name}({{0}}, {{1}})" for name in ("cidr", "glob", "regex")},
}


def why_no_pin(branch: Branch, actors: Actors) -> str:
    """Why a branch does not pin: the evidence that does not, or the provenance of what it tests."""
    named = [actor for actor, spelled in spelled_out(branch, actors) if actor is not None and not is_pinned(spelled)]
    if named:
        names = list(dict.fromkeys(str(actor.id) for actor in named))
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        many = len(names) > 1
        return f"the evidence {', '.join(names[:_MOST_NAMED])}{more} {'do' if many else 'does'} not pin it"
    reasons = sorted({_why_not_pinned(atom, branch) for atom in branch if atom.paths and atom.path not in ACTOR_FACTS})
    return ", ".join(reasons[:_MOST_NAMED]) or "it tests nothing of the caller"


def _why_not_pinned(atom: Atom, branch: Branch) -> str:
    """What an atom that does not pin is about: a field that never does, or one that does by another test."""
    name, word = name_of(atom), provenance_of(atom, branch)
    if word is None:
        return f"{name} is only asked to be there"
    pinning = row_of(atom.path).pinning if word is Provenance.WHO and atom.path is not None else None
    return f"{name} pins by {pinning}" if pinning else f"{name} is `{word}`"


def mend(branch: Branch, actors: Actors) -> str:
    """A test that would pin the caller of a branch, as an expression in which … stands for a name; empty where none would.

    Nothing pins a caller who did not sign, and whom the account knows nothing of.
    """
    beside = next((row_of(atom.path).beside for atom in branch if atom.path is not None and pins_beside(atom)), None)
    if beside is not None:
        return str(beside)
    if meets(branch, AWS_SERVICE):
        return _SERVICE
    spelled = list(spelled_out(branch, actors))
    attested = [own for actor, own in spelled if actor is not None and actor.strength is Strength.ATTESTED]
    if attested and all(map(is_pinned, attested)):
        return _ATTESTED
    strangers = all(any(atom.path in TYPES and (texts(atom) or {""}) <= _WITHOUT_ROLE for atom in own) for _, own in spelled)
    return "" if strangers else _ROLE
