"""What a file reaches: buckets outside its scope, mutes and silences that take nothing away, buckets that two files share."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.lint.conditions import together
from engine.lint.fields import FIELD_TYPES
from engine.lint.problems import offset_of
from engine.matching.formula import And, Or, atoms, conjunction, disjunction, formula_of, negation
from engine.matching.tree import Node
from engine.matching.ways import Budget, never
from engine.model import Finding, FindingSeverity
from engine.policy.edits import inside
from engine.policy.expression_nodes import expressions_of
from engine.policy.quieter import parts
from engine.policy.scopes import bucket_scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engine.lint.conditions import Conditions
    from engine.matching.formula import Formula
    from engine.policy.scopes import BucketScope
    from engine.policy.source import Source, YamlNode

OUTSIDE: Final = "TB418"
SILENT_ANYWAY: Final = "TB419"
NEARLY_ALL: Final = "TB420"
MUTES_NOBODY: Final = "TB426"
SHARED: Final = "TB427"
EVERY_BUCKET: Final = "TB428"

_BUCKET: Final = ("bucket",)
_COPIED: Final = ("copy", "bucket")
_MOST_STEPS: Final = 5_000
_MOST_PAIRS: Final = 20_000
"""Pairs of patterns of different files that are compared; few sets of real size come near."""


class _File(NamedTuple):
    """A file with its scope. `rings`: the channels that it asks for."""

    source: Source
    root: YamlNode
    scope: BucketScope
    rings: frozenset[str]
    has_default: bool


def reach_findings(sources: Sequence[Source], among: Sequence[Source], conditions: Conditions) -> Iterator[Finding]:
    """Everything about what the files `among` a set's can reach. They load by themselves."""
    files = [_file(source, source.root) for source in sources if source.root is not None]
    looked_at = {source.path for source in among}
    for file in files:
        if file.source.path in looked_at:
            yield from _nearly_all(file)
            yield from _silences(file)
            yield from _mutes(file)
            yield from _every_bucket(file)
            yield from _outside(file, conditions)
    accounts = {str(alias): account for file in files for account, alias in (file.root.value.get("account_names") or {}).items()}
    yield from (finding for finding in _shared(files, accounts) if finding.where.path in looked_at)


def _file(source: Source, root: YamlNode) -> _File:
    asked = chain.from_iterable(route.value.get("notify", ()) for route in parts(root, "routes"))
    default = root.value.get("default", {})
    return _File(
        source,
        root,
        bucket_scope(root.value.get("buckets") or ()),
        frozenset((*asked, *default.get("notify", ()))),
        "default" in root.value,
    )


def _warning(code: str, node: YamlNode, what: str, instead: str) -> Finding:
    return Finding(code, node.where, what, instead, FindingSeverity.WARNING)


def _note(code: str, node: YamlNode, what: str, instead: str) -> Finding:
    return Finding(code, node.where, what, instead, FindingSeverity.NOTE)


# --- one file --------------------------------------------------------------------------------------------------------------


def _nearly_all(file: _File) -> Iterator[Finding]:
    """Patterns that nearly every bucket matches, and exclusions of nothing."""
    for node in parts(file.root, "buckets"):
        own = bucket_scope([node.value])
        if own.patterns and not own.bounded:
            what = (
                f"nearly every bucket is '{node.value}', so the default is told of these buckets as well, whatever is muted here"
            )
            yield _note(
                NEARLY_ALL, node, what, "name the buckets by three letters at least, or leave `buckets` out if all are meant"
            )
        elif own.exclusions and never(conjunction([_among(file.scope.patterns), _among(own.exclusions)]), Budget(_MOST_STEPS)):
            what = f"'{node.value}' excludes nothing: no bucket that it matches is in this scope"
            yield _warning(NEARLY_ALL, node, what, "write the buckets that are not meant, or delete it")


def _silences(file: _File) -> Iterator[Finding]:
    """Silences of channels that the file does not ask for: a silence removes requests of its own file alone."""
    for silence in parts(file.root, "silences"):
        named = silence.at("channels")
        if not file.rings:
            what = "this silence removes nothing: a silence is of its own file, and this file asks for no channel"
            yield _warning(SILENT_ANYWAY, silence.children["id"], what, "write it in the file whose messages are meant")
        for channel in named.items() if named is not None and file.rings else ():
            if channel.value not in file.rings:
                what = f"this silence removes nothing from {channel.value}: a silence is of its own file, which never asks for it"
                instead = f"write it in a file that does, or name one of: {', '.join(sorted(file.rings))}"
                yield _warning(SILENT_ANYWAY, channel, what, instead)


def _mutes(file: _File) -> Iterator[Finding]:
    """Mutes of a file that takes the default from no bucket, with no route below that they could keep from ringing."""
    if file.scope.bounded or file.has_default:
        return
    routes = list(parts(file.root, "routes"))
    last = max((place for place, route in enumerate(routes) if "notify" in route.keys), default=-1)
    for route in routes[last + 1 :]:
        if "mute" in route.keys:
            what = (
                "this mute keeps nobody from hearing: it is of its own file alone, which has no `buckets` and no channel below it"
            )
            instead = "add buckets, or write it in the file whose messages are meant"
            yield _warning(MUTES_NOBODY, route.children["mute"], what, instead)


def _every_bucket(file: _File) -> Iterator[Finding]:
    """Routes for every event of every bucket."""
    if "buckets" in file.root.keys or "accounts" in file.root.keys or file.has_default:
        return
    for route in parts(file.root, "routes"):
        if "notify" in route.keys and "when" not in route.keys and "during" not in route.keys:
            channels = ", ".join(route.value["notify"])
            what = f"{channels} hears of every event of every bucket: this file has no `buckets`, and this route no `when`"
            yield _note(EVERY_BUCKET, route.children["id"], what, 'add the team\'s buckets: buckets: ["payments-*"]')


# --- buckets ---------------------------------------------------------------------------------------------------------------


def _among(patterns: Iterable[str], path: tuple[str, ...] = _BUCKET) -> Formula:
    """The condition that a bucket matches one of some patterns."""
    names = tuple(Node("field", name) for name in path)
    field = names[0] if len(names) == 1 else Node("subexpression", None, names)
    tests = (Node("function_expression", "glob", (field, Node("literal", pattern))) for pattern in patterns)
    return disjunction(formula_of([test], FIELD_TYPES) for test in tests)


def _in_scope(scope: BucketScope, path: tuple[str, ...] = _BUCKET) -> Formula:
    return conjunction([_among(scope.patterns, path), negation(_among(scope.exclusions, path))])


def _outside(file: _File, conditions: Conditions) -> Iterator[Finding]:
    """Rules that test for buckets which are not in the scope of their file."""
    if not file.scope.patterns:
        return
    scopes: dict[tuple[str, ...], Formula] = {path: _in_scope(file.scope, path) for path in (_BUCKET, _COPIED)}
    for rule in (*parts(file.root, "routes"), *parts(file.root, "silences")):
        read = [{atom.path: atom for atom in atoms(condition.formula)} for condition in conditions.of(rule)]
        tested = [path for path in scopes if any(path in paths for paths in read)]
        if not tested:
            continue
        whole = together(conditions.of(rule))
        inside_scope = Or(tuple(scopes[path] for path in tested))
        if never(And((*_conjuncts(whole), inside_scope)), Budget(_MOST_STEPS)) and not never(whole, Budget(_MOST_STEPS)):
            place, path = next((place, path) for place, paths in enumerate(read) for path in (_BUCKET, _COPIED) if path in paths)
            node = expressions_of(rule.at("when"))[place]
            name = ".".join(path)
            where = inside(file.source, node, offset_of(read[place][path].node), len(name))
            what = f"this is about a {name} that is not among this file's `buckets`"
            if "notify" in rule.keys and _COPIED not in tested:
                what += ", so it holds only for what is copied from these to it"
            yield Finding(
                OUTSIDE, where, what, "correct the name, or write this in the file of that bucket", FindingSeverity.WARNING
            )


def _conjuncts(part: Formula) -> tuple[Formula, ...]:
    return part.parts if isinstance(part, And) else (part,)


class _Pattern(NamedTuple):
    """A pattern of a file's scope."""

    file: _File
    node: YamlNode

    @property
    def start(self) -> str:
        """What each bucket that matches starts with."""
        text: str = self.node.value
        return text[: min((place for place in (text.find("*"), text.find("?")) if place >= 0), default=len(text))]


def _shared(files: Sequence[_File], accounts: Mapping[str, str]) -> Iterator[Finding]:
    """Buckets of two files, of which one mutes what the other one tells."""
    by_start: dict[str, list[_Pattern]] = {}
    told: set[frozenset[str]] = set()
    left = _MOST_PAIRS
    patterns = [
        _Pattern(file, node)
        for file in files
        if file.scope.bounded
        for node in parts(file.root, "buckets")
        if not node.value.startswith("!")
    ]
    for narrow in sorted(patterns, key=lambda pattern: len(pattern.start)):
        starts = (narrow.start[:end] for end in range(len(narrow.start) + 1))
        for wide in chain.from_iterable(by_start.get(start, ()) for start in starts):
            pair = frozenset((wide.file.source.path, narrow.file.source.path))
            if len(pair) == 1 or pair in told or left <= 0 or not _matters(wide.file, narrow.file, accounts):
                continue
            left -= 1
            if not never(
                conjunction([_among([wide.node.value]), _among([narrow.node.value]), *_not_excluded(wide, narrow)]),
                Budget(_MOST_STEPS),
            ):
                told.add(pair)
                yield _both(wide, narrow)
        by_start.setdefault(narrow.start, []).append(narrow)


def _not_excluded(*patterns: _Pattern) -> Iterator[Formula]:
    return (negation(_among(pattern.file.scope.exclusions)) for pattern in patterns)


def _matters(one: _File, other: _File, accounts: Mapping[str, str]) -> bool:
    """Whether one of two files mutes, the other one tells, and both may be about one account."""
    mutes = [any("mute" in route.keys for route in parts(file.root, "routes")) for file in (one, other)]
    if not ((mutes[0] and other.rings) or (mutes[1] and one.rings)):
        return False
    own = [{accounts.get(name, name) for name in file.root.value.get("accounts") or ()} for file in (one, other)]
    return not all(own) or bool(own[0] & own[1])


def _both(wide: _Pattern, narrow: _Pattern) -> Finding:
    name, where = wide.file.root.value["name"], wide.node.where
    what = (
        f"{name}, at {where}, is about such buckets, too ('{wide.node.value}'): both files are asked, and a mute of one leaves "
        "the other's messages"
    )
    instead = f'exclude them in one of the two ("!{narrow.node.value}"), if only one is to decide'
    return _note(SHARED, narrow.node, what, instead)
