"""A policy set prepared ahead: a start that has it parses no YAML and no expression, and validates nothing.

Two files beside the policies. `prepared.json` holds data only: the checked content of each policy file, and of each matcher what
was found out about it. `prepared_code.py` holds the code of the matchers, one function for each shape; like all code it is taken
from the zip and from nowhere else. The set stands for the files whose SHA-256 it names: where one differs, is missing or is new,
or where the two are not of one making, it is refused.
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

NAME: Final = "prepared.json"
CODE: Final = "prepared_code.py"

_HEAD: Final = '"""The matchers of a policy set, written by `trailbell build`."""\n'


class Prepared(NamedTuple):
    """The texts of the two files."""

    content: str
    code: str


# --- made by the build -------------------------------------------------------------------------------------------------


def prepare(sources: Sequence[PolicyFile], directory: Path, commit: str | None) -> Prepared:
    """The prepared set of sources that passed all load checks; paths are those below `directory`."""
    from engine.policy.bases import effective, extends  # noqa: PLC0415  YAML, which only a build reads

    contents = {source.path: source.root.value for source in effective(sources) if source.root is not None}
    named = extends(sources)
    base = named.name if named is not None else None
    from engine.matching.checks import Trees  # noqa: PLC0415  the parser, which only a build needs
    from engine.policy.quieter import QuieterRules  # noqa: PLC0415  the analysis, likewise

    texts: dict[str, int] = {}
    trees = Trees()
    quieter = QuieterRules(list(contents.values()), trees)
    evidence = [expressions(one["when"]) for one in _evidence(list(contents.values()))]
    made = {
        "engine": __version__,
        "commit": commit,
        "base": base,
        "files": [
            {"path": path, "sha256": _digest(file), "content": contents.get(file.as_posix() if own else path)}
            for path, file, own in _files(directory, base)
        ],
        "matchers": [_matcher_json(one, trees, texts) for one in dict.fromkeys([*evidence, *_rules(list(contents.values()))])],
        "first": [_source_json(one, texts) for one in first_sources(evidence, trees)],
        "void_for": [[*rule, reasons] for rule, reasons in quieter.void_for().items()],
    }
    content = json.dumps(made)  # in the order of the files: the keys of a literal have one
    listed = "".join(f"    {text},\n" for text in texts)
    return Prepared(content, f'{_HEAD}OF = "{_digest_of(content.encode())}"\nMADE = (\n{listed})\n')


def _evidence(contents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """All evidence, in the order in which it is asked."""
    found = [
        (evidence_rank(never_mute=actor.get("never_mute", False), strength=evidence["strength"]), evidence)
        for actor in actors_in_order(contents)
        for evidence in actor.get("evidence", ())
    ]
    return [evidence for _, evidence in sorted(found, key=lambda one: one[0])]


def _rules(contents: Sequence[Mapping[str, Any]]) -> Iterator[Expressions]:
    for content in contents:
        for rule in (*content.get("routes", ()), *content.get("silences", ())):
            if "when" in rule:
                yield expressions(rule["when"])


def _matcher_json(when: Expressions, trees: Trees, texts: dict[str, int]) -> dict[str, Any]:
    from engine.matching.analyse import analyse  # noqa: PLC0415  the parser, as above
    from engine.policy.fact_layout import FACT_TYPES  # noqa: PLC0415

    found: Analysed = analyse([trees[expression] for expression in when], FACTS, FACT_TYPES)
    return {
        "when": when,
        "source": _source_json(found.source, texts),
        "keys": [sorted(keys, key=repr) for keys in found.keys],
        "reads": sorted(found.reads),
    }


def _source_json(source: Generated, texts: dict[str, int]) -> list[object]:
    """The number of its text, and its constants."""
    return [texts.setdefault(source.text, len(texts)), source.constants]


# --- used by a start ---------------------------------------------------------------------------------------------------


def load_prepared(directory: Path, home: Path) -> PolicySet | None:
    """The set that was prepared of a folder's files, from `home`; None where there is none, or it stands for other files."""
    try:
        text = (home / NAME).read_bytes()
        code = SourceFileLoader("prepared_code", str(home / CODE)).get_code("prepared_code")
    except (OSError, ValueError, SyntaxError, ImportError, EOFError):
        return None
    # Of one making with the code, the text is as it was written.
    if code is None or _digest_of(text) not in code.co_consts:
        return None
    content = json.loads(text)
    if content["engine"] != __version__:
        return None
    found = _files(directory, content["base"])
    if [(path, _digest(file)) for path, file, _ in found] != [(one["path"], one["sha256"]) for one in content["files"]]:
        return None
    parts: list[tuple[str, Any]] = [
        (file.as_posix() if own else path, one["content"])
        for (path, file, own), one in zip(found, content["files"], strict=True)
        if one["content"] is not None
    ]
    return compile_set(parts, content["commit"], _factory(content, [one for one in code.co_consts if isinstance(one, CodeType)]))


def _factory(content: Mapping[str, Any], codes: Sequence[CodeType]) -> MatcherFactory:
    """A factory that looks up what was prepared."""
    matchers = {tuple(one["when"]): one for one in content["matchers"]}
    firsts = [link(_source(one), FACTS, codes[one[0]]) for one in content["first"]]
    reads: dict[str, frozenset[tuple[str, ...]]] = {}

    def matcher(when: Expressions) -> Matcher:
        one = matchers[when]
        holds = link(_source(one["source"]), FACTS, codes[one["source"][0]])
        paths = reads.setdefault(repr(one["reads"]), frozenset(map(tuple, one["reads"])))
        return Matcher(when, holds, tuple(map(_any_of, one["keys"])), paths)

    def first(_: Sequence[Expressions]) -> First:
        return in_turn(firsts)

    void_for = {
        (policy, section, rule): tuple(map(VoidReason, reasons)) for policy, section, rule, reasons in content["void_for"]
    }
    return MatcherFactory(matcher, first, lambda _: void_for)


def _source(one: Sequence[Any]) -> Generated:
    return Generated("", tuple(Constant(*constant) for constant in one[1]))


def _any_of(keys: Sequence[Sequence[Any]]) -> AnyOf:
    return frozenset(IndexKey(kind, tuple(path), value, other) for kind, path, value, other in keys)


def _files(directory: Path, base: str | None) -> list[tuple[str, Path, bool]]:
    """The files of a set, then those of its base: the path that each is known by, where it is, and whether it is no base's."""
    own = [(path.relative_to(directory).as_posix(), path, True) for path in policy_files(directory)]
    return [*own, *((path, file, False) for path, file in base_files(base, directory).items())] if base else own


def _digest(path: Path) -> str:
    return _digest_of(path.read_bytes())


def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
