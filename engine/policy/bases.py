"""Sets that extend a base: which files belong to the base, what of it the set replaces, and what may be wrong with that.

The set's own files come first, those of the base behind them. An own file that says `replaces: NAME` takes the place of the
base's file of that name. A section that may stand once takes the place of the base's section; everything else is added.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import UNKNOWN, Finding
from engine.policy import codes
from engine.policy.files import base_files, base_folder
from engine.policy.revision import revision
from engine.policy.scopes import bucket_scope
from engine.policy.shape import suggestion
from engine.policy.source import read_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.policy.source import Source, YamlNode

REPLACED: Final = ("masking", "audit", "events", "account_names")
"""Sections of the base that give way to the same section of an own file. (The base's `default` stays: see `compile_set`.)"""
TRUSTED: Final = ("extends", "replaces", "actors", *REPLACED)
"""What only the file with `default`, and those that it trusts, may say: it changes what holds for every file."""


class Extends(NamedTuple):
    """What a set extends: the base's name, the revision that it must have (None: any), and where the file says so."""

    name: str
    revision: str | None
    node: YamlNode


def extends(sources: Sequence[Source]) -> Extends | None:
    """What the own files of a set extend; None for nothing, or where it cannot be understood."""
    nodes = (source.root.at("extends") for source in sources if source.root is not None and not source.base)
    node = next((node for node in nodes if node is not None), None)
    if node is None:
        return None
    value = node.value if isinstance(node.value, dict) else {"base": node.value}
    name, pinned = value.get("base"), value.get("revision")
    if not isinstance(name, str) or not (pinned is None or isinstance(pinned, str)):
        return None
    return Extends(name, pinned, node)


def with_base(sources: Sequence[Source], directory: Path) -> tuple[Source, ...]:
    """The files of a set, and behind them those of the base that one of them extends. `directory` is the set's folder."""
    extended = extends(sources)
    own = tuple(source for source in sources if not source.base)
    if extended is None:
        return own
    folder, files = base_folder(extended.name, directory), base_files(extended.name, directory)
    return (*own, *(replace(read_source(file, path, folder), base=True) for path, file in files.items()))


def base_revision(sources: Sequence[Source]) -> str:
    """The revision of the base's files among those of a set."""
    return revision([_content(source) for source in sources if source.base])


def effective(sources: Sequence[Source]) -> tuple[Source, ...]:
    """The files as they take effect: without the base's files that are replaced, nor its sections that an own file has."""
    own = [source for source in sources if not source.base]
    replaced = {_content(source).get("replaces") for source in own}
    sections = frozenset(section for section in REPLACED for source in own if section in _content(source))
    kept = (source for source in sources if source.base and _content(source).get("name") not in replaced)
    return (*own, *(_without(source, sections) for source in kept))


def _content(source: Source) -> dict[str, Any]:
    value = source.root.value if source.root is not None else None
    return value if isinstance(value, dict) else {}


def _without(source: Source, sections: frozenset[str]) -> Source:
    root = source.root
    if root is None or not sections & root.keys.keys():
        return source
    kept = replace(
        root,
        value={key: value for key, value in root.value.items() if key not in sections},
        children={key: child for key, child in root.children.items() if key not in sections},
        keys={key: where for key, where in root.keys.items() if key not in sections},
    )
    return replace(source, root=kept)


# --- what may be wrong ---------------------------------------------------------------------------------------------------------


def base_findings(sources: Sequence[Source]) -> Iterator[Finding]:
    """What is wrong with how a set extends its base. The files have the right shape."""
    own = [source.root for source in sources if source.root is not None and not source.base]
    base = [source.root for source in sources if source.root is not None and source.base]
    extended = extends(sources)
    yield from _floors(own)
    if extended is None:
        yield from _without_base(own)
        return
    if not base:
        what = f"there is no base {extended.name}: no folder of that name, with policy files in it, beside the policies"
        yield Finding(
            codes.BASE, extended.node.where, what, "write trailbell/base, or the name of a folder beside that of the policies"
        )
        return
    yield from _of_base(base, extended)
    actual = base_revision(sources)
    if extended.revision is not None and extended.revision != actual:
        where = (extended.node.at("revision") or extended.node).where
        what = f"the base is {actual} here, and this set wants {extended.revision}"
        instead = "trailbell upgrade shows what is decided differently; trailbell upgrade --write takes it over"
        yield Finding(codes.OTHER_BASE, where, what, instead)
    yield from _untrusted(own)
    yield from _replaced(own, base)
    yield from _placed(own, base)


def _without_base(own: Sequence[YamlNode]) -> Iterator[Finding]:
    """Words that mean something only in a set that extends a base."""
    instead = "say which base with extends: trailbell/base in the file with default, or delete it"
    for root in own:
        nodes = [root.keys[key] for key in ("replaces", "trusts") if key in root.keys]
        nodes += [actor.keys[key] for actor in _parts(root, "actors") for key in ("before", "after") if key in actor.keys]
        for where in nodes:
            yield Finding(codes.BASE, where, "this set extends no base, so this has no meaning", instead)


def _of_base(base: Sequence[YamlNode], extended: Extends) -> Iterator[Finding]:
    for root in base:
        for key in ("extends", "replaces", "trusts"):
            if key in root.keys:
                what = f"a base stands for itself, and {root.keys[key]} says {key}"
                yield Finding(codes.BASE, extended.node.where, what, "extend a folder of policies that extend nothing")


def _holder(own: Sequence[YamlNode]) -> YamlNode | None:
    """The file with `default`. Where there is none, the checks of references say so."""
    return next((root for root in own if "default" in root.keys), None)


def _trusted(holder: YamlNode) -> set[str]:
    """The files that may say what holds for every file."""
    return {holder.value["name"], *holder.value.get("trusts", ())}


def _floors(own: Sequence[YamlNode]) -> Iterator[Finding]:
    """Levels for the messages of every channel, in a file that is neither about some buckets or accounts nor trusted."""
    holder = _holder(own)
    trusted = _trusted(holder) if holder is not None else set()
    for root in own if holder is not None else ():
        scoped = "accounts" in root.keys or bucket_scope(root.value.get("buckets", ())).bounded
        if "masking_floor" in root.keys and not scoped and root.value["name"] not in trusted:
            what = "this masking_floor is of every bucket, so it takes from what all channels are shown"
            yield Finding(codes.TRUST, root.keys["masking_floor"], what, 'say of which buckets: buckets: ["payments-*"]')


def _untrusted(own: Sequence[YamlNode]) -> Iterator[Finding]:
    holder = _holder(own)
    if holder is None:
        return
    names = {root.value["name"] for root in own}
    for node in _parts(holder, "trusts"):
        if node.value not in names:
            yield Finding(codes.NO_SUCH, node.where, f"there is no policy {node.value}", suggestion(node.value, sorted(names)))
    trusted = _trusted(holder)
    for root in own:
        if root is not holder and "trusts" in root.keys:
            what = "only the file with default says which others are trusted"
            yield Finding(codes.TRUST, root.keys["trusts"], what, f"write it in {holder.where.path}")
        if root.value["name"] in trusted:
            continue
        for key in TRUSTED:
            if key in root.keys:
                what = f"{key} changes what holds for every file, and {holder.value['name']} does not trust this one"
                instead = f"move it to {holder.where.path}, or write trusts: [{root.value['name']}] there"
                yield Finding(codes.TRUST, root.keys[key], what, instead)


def _replaced(own: Sequence[YamlNode], base: Sequence[YamlNode]) -> Iterator[Finding]:
    names = {root.value["name"]: root for root in base}
    first: dict[str, YamlNode] = {}
    for root in own:
        node = root.at("replaces")
        if node is not None and node.value not in names:
            instead = suggestion(node.value, sorted(names))
            yield Finding(codes.NO_SUCH, node.where, f"the base has no file named {node.value}", instead)
        elif node is not None and first.setdefault(node.value, node) is not node:
            what = f"{first[node.value].where} replaces {node.value} already"
            yield Finding(codes.TWICE, node.where, what, "keep one of them")
    for root in own:
        name = root.children["name"]
        if name.value in names and name.value not in first:
            what = f"the base has a file named {name.value}, at {names[name.value].where.path}"
            yield Finding(codes.TWICE, name.where, what, f"rename this one, or write replaces: {name.value}")


def _placed(own: Sequence[YamlNode], base: Sequence[YamlNode]) -> Iterator[Finding]:
    """Where the classes of an own file stand among those of the base."""
    replaced = {root.value.get("replaces") for root in own}
    known = [actor.value["class"] for root in base if root.value["name"] not in replaced for actor in _parts(root, "actors")]
    added = [actor for root in own for actor in _parts(root, "actors")]
    for actor in added:
        name, keys = actor.children["class"], [key for key in ("before", "after") if key in actor.keys]
        if not known and keys:
            what = "the base's classes are replaced, so there is none to stand beside"
            yield Finding(codes.CLASS, actor.keys[keys[0]], what, f"delete {keys[0]}: the classes stand in the order of the file")
        elif name.value == UNKNOWN or not known:
            continue
        elif len(keys) != 1:
            what = (
                f"the class {name.value} says {'both before and after' if keys else 'neither before nor after which it stands'}"
            )
            code = codes.CLASS if keys else codes.MISSING_KEY
            yield Finding(code, name.where, what, "write one of before: CLASS and after: CLASS, with a class of the base")
        else:
            node, before = actor.children[keys[0]], [*known, *_names_before(added, actor)]
            places = [other for other in before if other != UNKNOWN]
            if node.value not in places:
                what = f"there is no class {node.value} to stand {keys[0]}"
                yield Finding(codes.NO_SUCH, node.where, what, suggestion(node.value, places))


def _names_before(actors: Sequence[YamlNode], actor: YamlNode) -> Iterator[str]:
    for other in actors:
        if other is actor:
            return
        yield other.value["class"]


def _parts(root: YamlNode, section: str) -> Iterator[YamlNode]:
    node = root.at(section)
    return node.items() if node is not None else iter(())


def blamed(finding: Finding, extended: Extends) -> Finding:
    """A finding in a file of the base that the set causes, at the place where the set says what it extends."""
    what = f"{finding.what} (asked for by the base, at {finding.where})"
    instead = "the set has to define what its base asks for, or to replace that file of the base"
    return finding._replace(where=extended.node.where, what=what, instead=instead, edits=())
