"""What a row keeps of all of its events: counts, and the values that they have in common or that are most frequent.

Two digests add up to one. Everything in a digest is masked, or a keyed digest of what must not be shown, and can be written as
JSON. `bounded` keeps it small, whatever the events hold.
"""

import json
from typing import Any, Final, NamedTuple

from engine.model import SEVERITY_RANK, Severity, repr_only

VALUES_KEPT: Final = 5
"""Values of a field that a bounded digest counts one by one; of the others it knows how many there are."""

_IDS_KEPT: Final = 24
_PREFIXES_KEPT: Final = 12
_NAMES_KEPT: Final = 6
PREFIX_DEPTH: Final = 6
"""Folders of a key that a common prefix may have."""


@repr_only("total", "failed", "denied", "severity")
class Digest(NamedTuple):
    """What is known of some events, all of one level.

    `shared`: the values that all have in common. `flags`: which of the masked event's flags all have. `first` and `last` are
    pairs of a moment in UTC, to be compared, and of the value shown. `top`: for each listed field the counts of its values;
    `further`: of how many other values the counts were dropped. `keys` counts events and bytes by prefix of at most `depth`
    folders (None: by whole key) of what did not fail. `objects` are keyed digests of these keys, `denied_under` the folders that
    all denied keys have in common (None: nothing was denied). `callers` are keyed digests by kind. `lead` is what the most severe
    event's request and decision say.
    """

    total: int
    failed: int
    denied: int
    severity: str
    lead: dict[str, Any]
    shared: dict[str, str]
    flags: dict[str, Any]
    first: list[str] | None
    last: list[str] | None
    size: int | None
    top: dict[str, dict[str, int]]
    further: dict[str, int]
    keys: dict[str, list[int]]
    depth: int | None
    keys_dropped: int
    objects: list[str]
    objects_dropped: int
    denied_under: str | None
    callers: dict[str, list[str]]
    callers_dropped: dict[str, int]
    routes: list[str]
    failures: list[list[str]]
    hash_missing: int


def unknown_events(total: int, severity: Severity) -> Digest:
    """The digest of events of which nothing is known but how many there are."""
    return Digest(
        total=total,
        failed=0,
        denied=0,
        severity=severity.value,
        lead={"revision": ""},
        shared={},
        flags={},
        first=None,
        last=None,
        size=None,
        top={},
        further={},
        keys={},
        depth=None,
        keys_dropped=0,
        objects=[],
        objects_dropped=0,
        denied_under=None,
        callers={},
        callers_dropped={},
        routes=[],
        failures=[],
        hash_missing=0,
    )


def merged(one: Digest, other: Digest) -> Digest:
    """The digest of the events of both; of two that are equally severe, the first leads."""
    louder = SEVERITY_RANK[Severity(other.severity)] > SEVERITY_RANK[Severity(one.severity)]
    depth = min((depth for depth in (one.depth, other.depth) if depth is not None), default=None)
    return Digest(
        total=one.total + other.total,
        failed=one.failed + other.failed,
        denied=one.denied + other.denied,
        severity=other.severity if louder else one.severity,
        lead={**(other if louder else one).lead, **_agreed(one.lead, other.lead)},
        shared={name: text for name, text in one.shared.items() if other.shared.get(name) == text},
        flags={name: value if other.flags.get(name) == value else None for name, value in one.flags.items()},
        first=min((pair for pair in (one.first, other.first) if pair), default=None),
        last=max((pair for pair in (one.last, other.last) if pair), default=None),
        size=None if one.size is None and other.size is None else (one.size or 0) + (other.size or 0),
        top={name: _counts(one.top.get(name, {}), other.top.get(name, {})) for name in {**one.top, **other.top}},
        further=_most(one.further, other.further),
        keys=_prefixes(_prefixes({}, one.keys, depth), other.keys, depth),
        depth=depth,
        keys_dropped=one.keys_dropped + other.keys_dropped,
        objects=_union(one.objects, other.objects),
        objects_dropped=max(one.objects_dropped, other.objects_dropped),
        denied_under=_common(one.denied_under, other.denied_under),
        callers={
            kind: _union(one.callers.get(kind, []), other.callers.get(kind, [])) for kind in {**one.callers, **other.callers}
        },
        callers_dropped=_most(one.callers_dropped, other.callers_dropped),
        routes=_union(one.routes, other.routes),
        failures=[*one.failures, *(failure for failure in other.failures if failure not in one.failures)],
        hash_missing=max(one.hash_missing, other.hash_missing),
    )


def sum_of(digests: list[Digest]) -> Digest:
    """The digest of the events of all, in their order; the cost grows with n log n."""
    while len(digests) > 1:
        pairs = [merged(*digests[place : place + 2]) for place in range(0, len(digests) - 1, 2)]
        digests = [*pairs, *digests[2 * len(pairs) :]]
    return digests[0]


def _agreed(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Class and evidence, where both have the same; None where they differ."""
    return {name: one.get(name) if one.get(name) == other.get(name) else None for name in ("actor", "evidence")}


def _counts(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    total = dict(one)
    for name, count in other.items():
        total[name] = total.get(name, 0) + count
    return total


def _most(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    """How many values were dropped at least: one that was dropped may come again, so the numbers do not add up."""
    most = {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}
    return {name: count for name, count in most.items() if count > 0}


def _union(one: list[str], other: list[str]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def folder(key: str, depth: int) -> str:
    """The first folders of a key, at most so many."""
    folders = key.split("/")[:-1]
    return "".join(f"{name}/" for name in folders[:depth])


def _common(one: str | None, other: str | None) -> str | None:
    """The folders that both prefixes begin with."""
    if one is None or other is None:
        return one if other is None else other
    depth = PREFIX_DEPTH
    while folder(one, depth) != folder(other, depth):
        depth -= 1
    return folder(one, depth)


def _prefixes(total: dict[str, list[int]], added: dict[str, list[int]], depth: int | None) -> dict[str, list[int]]:
    """Counts and bytes by prefix, with further ones added to it."""
    for key, (events, size) in added.items():
        prefix = key if depth is None else folder(key, depth)
        known = total.get(prefix, [0, 0])
        total[prefix] = [known[0] + events, known[1] + size]
    return total


def grouped(keys: dict[str, list[int]], most: int, depth: int | None = None) -> tuple[dict[str, list[int]], int | None]:
    """Keys grouped by the deepest folders of which there are at most `most`, or by the outermost; and how deep these are.

    `depth` is how deep they are already.
    """
    groups, deepest = keys, PREFIX_DEPTH if depth is None else depth - 1
    for shorter in range(deepest, 0, -1):
        if len(groups) <= most:
            break
        depth, groups = shorter, _prefixes({}, keys, shorter)
    return groups, depth


def bounded(digest: Digest, most_bytes: int) -> Digest:
    """The digest with so few and so short values that its JSON has at most so many bytes."""
    keys, depth = grouped(digest.keys, _PREFIXES_KEPT, digest.depth)
    ordered = sorted(keys.items(), key=lambda group: (-group[1][0], group[0]))
    kept = [sorted(counts.items(), key=lambda pair: -pair[1]) for counts in digest.top.values()]
    digest = digest._replace(
        top={name: dict(counts[:VALUES_KEPT]) for name, counts in zip(digest.top, kept, strict=True)},
        further=_most(digest.further, {name: len(counts) - VALUES_KEPT for name, counts in zip(digest.top, kept, strict=True)}),
        keys=dict(ordered[:_PREFIXES_KEPT]),
        depth=depth,
        keys_dropped=digest.keys_dropped + sum(events for _, (events, _) in ordered[_PREFIXES_KEPT:]),
        objects=digest.objects[:_IDS_KEPT],
        objects_dropped=max(digest.objects_dropped, len(digest.objects) - _IDS_KEPT),
        callers={kind: ids[:_IDS_KEPT] for kind, ids in digest.callers.items()},
        callers_dropped=_most(digest.callers_dropped, {kind: len(ids) - _IDS_KEPT for kind, ids in digest.callers.items()}),
        routes=digest.routes[:_NAMES_KEPT],
        failures=digest.failures[:_NAMES_KEPT],
    )
    for length in (100, 50, 25, 10):
        short = _shortened(digest, length)
        if len(written(short)) <= most_bytes:
            return short
    return short._replace(top={}, keys={}, shared={}, failures=[], lead={**short.lead, "title": None, "runbook": None})


def _shortened(digest: Digest, length: int) -> Digest:
    return digest._replace(
        shared={name: text[:length] for name, text in digest.shared.items()},
        top={name: {text[:length]: count for text, count in counts.items()} for name, counts in digest.top.items()},
        keys=_prefixes({}, {key[: 2 * length]: counts for key, counts in digest.keys.items()}, None),
        denied_under=None if digest.denied_under is None else digest.denied_under[: 2 * length],
        routes=[route[: 2 * length] for route in digest.routes],
        failures=[[part[:length] for part in failure] for failure in digest.failures],
    )


def written(digest: Digest) -> str:
    """The digest as JSON."""
    return json.dumps(digest, separators=(",", ":"))


def from_json(values: list[Any]) -> Digest:
    """The digest that was written, from its JSON."""
    return Digest._make(values)
