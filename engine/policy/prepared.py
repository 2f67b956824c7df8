"""A policy set prepared at build time, so that a cold start parses no YAML and no expression, and validates nothing.

There are two files beside the policies. `prepared.json` holds data only: the checked content of each policy file, and the
analysis of each matcher. `prepared_code.py` holds the code of the matchers, one function for each shape; like all code it is
loaded from the zip only. The set is valid for the files whose SHA-256 it lists: it is refused if one of them differs, is missing
or is new, or if the two files were not written together.
"""

from __future__ import annotations

import hashlib
import json
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine import __version__
from engine.matching.link import link
from engine.matching.source import Constant, Generated
from engine.model import IndexKey, Matcher, VoidReason
from engine.policy.compile import actors_in_order, compile_set, evidence_rank, expressions
from engine.policy.definitions import definitions
from engine.policy.fact_layout import FACTS
from engine.policy.files import base_files, policy_files
from engine.policy.matchers import MatcherFactory, first_sources, in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.matching.analyse import Analysed
    from engine.matching.checks import Trees
    from engine.model import AnyOf, PolicySet
    from engine.policy.matchers import Expressions, First
    from engine.policy.source import Source as PolicyFile

    _ListNames = Mapping[frozenset[str], str]

NAME: Final = "prepared.json"
CODE: Final = "prepared_code.py"

_HEAD: Final = '"""The matchers of a policy set, written by `trailbell build`."""\n'


class Prepared(NamedTuple):
    """The texts of the two files."""

    content: str
    code: str


# --- writing, for the build -------------------------------------------------------------------------------------------------


def prepare(sources: Sequence[PolicyFile], directory: Path, commit: str | None) -> Prepared:
    """The prepared set of sources that passed all load checks; paths are those below `directory`."""
    from engine.policy.bases import effective, extends  # noqa: PLC0415  YAML, which only a build reads

    contents = {source.path: source.root.value for source in effective(sources) if source.root is not None}
    extended = extends(sources)
    base = extended.name if extended is not None else None
    from engine.matching.checks import Trees  # noqa: PLC0415  the parser, which only a build needs
    from engine.policy.quieter import QuieterRules  # noqa: PLC0415  the analysis, likewise

    texts: dict[str, int] = {}
    defined = definitions(contents.values())
    trees, names = Trees(defined), {members: name for name, members in defined.lists.items()}
    quieter = QuieterRules(list(contents.values()), trees)
    evidence = [expressions(evidence["when"]) for evidence in _evidence(list(contents.values()))]
    content = {
        "engine": __version__,
        "commit": commit,
        "base": base,
        "files": [
            {"path": path, "sha256": _digest(file), "content": contents.get(file.as_posix() if own else path)}
            for path, file, own in _files(directory, base)
        ],
        "matchers": [
            _matcher_json(when, trees, texts, names) for when in dict.fromkeys([*evidence, *_rules(list(contents.values()))])
        ],
        "first": [_source_json(source, texts, names) for source in first_sources(evidence, trees)],
        "void_for": [[*rule, reasons] for rule, reasons in quieter.void_for().items()],
    }
    text = json.dumps(content)  # keys stay in the order of the files, since the keys of a literal have an order
    functions = "".join(f"    {function},\n" for function in texts)
    return Prepared(text, f'{_HEAD}OF = "{_digest_of(text.encode())}"\nMADE = (\n{functions})\n')


def _evidence(contents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """All evidence, in the order in which it is asked."""
    ranked = [
        (evidence_rank(never_mute=actor.get("never_mute", False), strength=evidence["strength"]), evidence)
        for actor in actors_in_order(contents)
        for evidence in actor.get("evidence", ())
    ]
    return [evidence for _, evidence in sorted(ranked, key=lambda pair: pair[0])]


def _rules(contents: Sequence[Mapping[str, Any]]) -> Iterator[Expressions]:
    for content in contents:
        for rule in (*content.get("routes", ()), *content.get("silences", ())):
            if "when" in rule:
                yield expressions(rule["when"])


def _matcher_json(when: Expressions, trees: Trees, texts: dict[str, int], names: _ListNames) -> dict[str, Any]:
    from engine.matching.analyse import analyse  # noqa: PLC0415  the parser, as above
    from engine.policy.fact_layout import FACT_TYPES  # noqa: PLC0415

    analysed: Analysed = analyse([trees[expression] for expression in when], FACTS, FACT_TYPES)
    return {
        "when": when,
        "source": _source_json(analysed.source, texts, names),
        "keys": [
            sorted(((key.kind, key.path, _members_json(key.value, names), key.other) for key in keys), key=repr)
            for keys in analysed.keys
        ],
        "reads": sorted(analysed.reads),
    }


def _source_json(source: Generated, texts: dict[str, int], names: _ListNames) -> list[object]:
    """The number of its text, and its constants."""
    constants = [(constant.kind, _members_json(constant.value, names)) for constant in source.constants]
    return [texts.setdefault(source.text, len(texts)), constants]


def _members_json(value: object, names: _ListNames) -> object:
    """Some texts as the name of the list of the set that has them, else as they are; any other value as it is."""
    return (names.get(value) or sorted(value)) if isinstance(value, frozenset) else value


# --- reading, at a start ---------------------------------------------------------------------------------------------------


def load_prepared(directory: Path, home: Path) -> PolicySet | None:
    """The set prepared from the files of a folder, as `home` holds it; None where there is none, or it is of other files."""
    try:
        text = (home / NAME).read_bytes()
        code = SourceFileLoader("prepared_code", str(home / CODE)).get_code("prepared_code")
    except (OSError, ValueError, SyntaxError, ImportError, EOFError):
        return None
    # The code names the digest of the text it was written with, so the text is unchanged.
    if code is None or _digest_of(text) not in code.co_consts:
        return None
    content = json.loads(text)
    if content["engine"] != __version__:
        return None
    files = _files(directory, content["base"])
    if [(path, _digest(file)) for path, file, _ in files] != [(entry["path"], entry["sha256"]) for entry in content["files"]]:
        return None
    contents: list[tuple[str, Any]] = [
        (file.as_posix() if own else path, entry["content"])
        for (path, file, own), entry in zip(files, content["files"], strict=True)
        if entry["content"] is not None  # of a base's file that is replaced
    ]
    defined = definitions(content for _, content in contents)
    functions = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return compile_set(contents, content["commit"], _factory(content, functions, defined.lists))


def _factory(content: Mapping[str, Any], codes: Sequence[CodeType], lists: Mapping[str, frozenset[str]]) -> MatcherFactory:
    """A factory that looks up what was prepared."""
    matchers = {tuple(entry["when"]): entry for entry in content["matchers"]}
    firsts = [link(_source(source, lists), FACTS, codes[source[0]]) for source in content["first"]]
    reads: dict[str, frozenset[tuple[str, ...]]] = {}

    def matcher(when: Expressions) -> Matcher:
        entry = matchers[when]
        holds = link(_source(entry["source"], lists), FACTS, codes[entry["source"][0]])
        paths = reads.setdefault(repr(entry["reads"]), frozenset(map(tuple, entry["reads"])))
        return Matcher(when, holds, tuple(_any_of(keys, lists) for keys in entry["keys"]), paths)

    def first(_: Sequence[Expressions]) -> First:
        return in_turn(firsts)

    void_for = {
        (policy, section, rule): tuple(map(VoidReason, reasons)) for policy, section, rule, reasons in content["void_for"]
    }
    return MatcherFactory(matcher, first, lambda _: void_for)


def _source(entry: Sequence[Any], lists: Mapping[str, frozenset[str]]) -> Generated:
    constants = (Constant(kind, _members(value, lists) if kind == "texts" else value) for kind, value in entry[1])
    return Generated("", tuple(constants))


def _any_of(keys: Sequence[Sequence[Any]], lists: Mapping[str, frozenset[str]]) -> AnyOf:
    return frozenset(
        IndexKey(kind, tuple(path), _members(value, lists) if kind == "in" else value, other) for kind, path, value, other in keys
    )


def _members(value: str | Sequence[str], lists: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The texts of a list by its name, one set for all that use it; or those that were prepared."""
    return lists[value] if isinstance(value, str) else frozenset(value)


def _files(directory: Path, base: str | None) -> list[tuple[str, Path, bool]]:
    """The files of a set, then those of its base: the path that each is known by, where it is, and whether it is no base's."""
    own = [(path.relative_to(directory).as_posix(), path, True) for path in policy_files(directory)]
    return [*own, *((path, file, False) for path, file in base_files(base, directory).items())] if base else own


def _digest(path: Path) -> str:
    return _digest_of(path.read_bytes())


def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
