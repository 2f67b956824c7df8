"""Source addresses: values of `sourceIPAddress` among which every answer of the networks, kinds and texts of a set is found."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Final

from engine.matching.formula import AtomFailure, evaluate
from engine.matching.networks import network_of
from engine.pipeline.facts import PRIVATE_NETWORKS, source_of
from engine.prove.paths import SOURCE
from engine.prove.questions import sample_texts

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from engine.matching.formula import Atom, Result

_USUAL: Final = (
    "203.0.113.7",
    "198.51.100.7",
    "2001:db8::7",
    "10.0.0.7",
    "config.amazonaws.com",
    "s3.amazonaws.com",
    "AWS Internal",
)
_COMPLETE: Final = frozenset({"cidr", "is", "in", "truthy", "true", "false"})
_IPV4: Final = 4


def is_complete(atoms: Iterable[Atom]) -> bool:
    """Whether what no candidate gives, no value gives: where only networks, kinds and single texts are asked for."""
    return all(atom.kind in _COMPLETE or atom.path in (("source", "kind"), ("source", "private")) for atom in atoms)


def may_fail(atom: Atom) -> bool:
    """Whether an atom fails for some value: a text or null. Unless its kind is not understood, a few values tell."""
    if not atom.may_fail or atom.kind == "other":
        return atom.may_fail
    return any(isinstance(result_of(atom, value), AtomFailure) for value in (*_USUAL, "x", "", None))


def candidates(atoms: Iterable[Atom]) -> Iterator[tuple[str | None, Mapping[Atom, Result]]]:
    """Values, each with the answers of the atoms: both sides of every edge of a network, the texts that are named, and others."""
    asked = frozenset(atoms)
    return iter(_answered(asked))


@lru_cache(8)
def _answered(asked: frozenset[Atom]) -> tuple[tuple[str | None, Mapping[Atom, Result]], ...]:
    return tuple((value, {atom: result_of(atom, value) for atom in asked}) for value in dict.fromkeys(_values(asked)))


def _values(asked: Iterable[Atom]) -> Iterator[str | None]:
    yield from _USUAL
    yield None
    named = [atom.value if isinstance(atom.value, frozenset) else (atom.value,) for atom in asked if atom.kind in ("is", "in")]
    texts = frozenset(str(text) for some in named for text in some)
    yield from sorted(texts)
    yield from _samples(asked)
    networks = [atom.value for atom in asked if atom.kind == "cidr"]
    for text in (*networks, *PRIVATE_NETWORKS):
        yield from _edges(network_of(text), texts)
    # Hosts and other texts that no expression names.
    yield next(name for name in (f"{'x' * length}.amazonaws.com" for length in count(1)) if name not in texts)
    yield next(name for name in ("x" * length for length in count(1)) if name not in texts)
    yield ""


def _samples(asked: Iterable[Atom]) -> Iterator[str]:
    """Texts that match the patterns about addresses, also as the beginning of a service's host."""
    for atom in asked:
        for sample in sample_texts(atom.kind, atom.value) if atom.path == SOURCE else ():
            yield from (sample, f"{sample}.amazonaws.com")


def _edges(network: ipaddress.IPv4Network | ipaddress.IPv6Network, named: Container[str]) -> Iterator[str]:
    """Addresses on both sides of a network's edges, each in a spelling that no expression names where there is one."""
    address = ipaddress.IPv4Address if network.version == _IPV4 else ipaddress.IPv6Address
    first, last = int(network.network_address), int(network.broadcast_address)
    for number in (first + 1, first, last, first - 1, last + 1):
        if 0 <= number < 1 << network.max_prefixlen:
            text = str(address(number))
            yield text
            if text in named:
                mapped = ipaddress.IPv6Address(number if network.version != _IPV4 else 0xFFFF << 32 | number).exploded
                others = (mapped, mapped.upper(), f"::ffff:{text}", f"::FFFF:{text}")
                yield from (other for other in others if other not in named)
                yield next(zoned for zoned in (f"{mapped}%{zone}" for zone in count()) if zoned not in named)


def result_of(atom: Atom, value: str | None) -> Result:
    """What an atom gives for a value of `sourceIPAddress`."""
    address, kind, private = source_of(value)
    return evaluate(atom, {"sourceIPAddress": value, "source": {"ip": address, "kind": kind, "private": private}})


def answer(result: Result, *, of_failure: bool) -> bool:
    """What a literal of an atom about addresses says, by the atom's result: of its yes, or of its failure."""
    failed = isinstance(result, AtomFailure)
    return failed if of_failure else not failed and bool(result)
