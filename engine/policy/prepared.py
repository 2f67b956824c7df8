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
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine import __version__
from engine.matching.link import link
from engine.matching.source import Constant, Source
from engine.model import IndexKey, Matcher
from engine.policy.compile import compile_set, expressions
from engine.policy.files import policy_files
from engine.policy.given import GIVEN
from engine.policy.matchers import Makers, first_sources, in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.matching.analyse import Analysed
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
    read = [source for source in sources if source.root is not None]
    contents = [source.root.value for source in read if source.root is not None]
    texts: dict[str, int] = {}
    evidence = [expressions(one["when"]) for one in _evidence(contents)]
    made = {
        "engine": __version__,
        "commit": commit,
        "files": [
            {
                "path": Path(source.path).relative_to(directory).as_posix(),
                "sha256": _digest(Path(source.path)),
                "content": content,
            }
            for source, content in zip(read, contents, strict=True)
        ],
        "matchers": [_matcher_json(one, texts) for one in dict.fromkeys([*evidence, *_rules(contents)])],
        "first": [_source_json(one, texts) for one in first_sources(evidence)],
    }
    content = json.dumps(made)  # in the order of the files: the keys of a literal have one
    listed = "".join(f"    {text},\n" for text in texts)
    return Prepared(content, f'{_HEAD}OF = "{_digest_of(content.encode())}"\nMADE = (\n{listed})\n')


def _evidence(contents: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (sign for content in contents for actor in content.get("actors", ()) for sign in actor.get("evidence", ()))


def _rules(contents: Sequence[Mapping[str, Any]]) -> Iterator[Expressions]:
    for content in contents:
        for rule in (*content.get("routes", ()), *content.get("silences", ())):
            if "when" in rule:
                yield expressions(rule["when"])


def _matcher_json(when: Expressions, texts: dict[str, int]) -> dict[str, Any]:
    from engine.matching.analyse import analyse  # noqa: PLC0415  the parser, which only a build needs
    from engine.policy.given import KNOWN  # noqa: PLC0415

    found: Analysed = analyse(when, GIVEN, KNOWN)
    return {
        "when": when,
        "source": _source_json(found.source, texts),
        "keys": [sorted(keys, key=repr) for keys in found.keys],
        "reads": sorted(found.reads),
    }


def _source_json(source: Source, texts: dict[str, int]) -> list[object]:
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
    files = {directory / one["path"]: one for one in content["files"]}
    found = policy_files(directory)
    if content["engine"] != __version__ or set(found) != set(files):
        return None
    if any(_digest(path) != files[path]["sha256"] for path in found):
        return None
    parts: list[tuple[str, Any]] = [(path.as_posix(), files[path]["content"]) for path in found]
    return compile_set(parts, content["commit"], _makers(content, [one for one in code.co_consts if isinstance(one, CodeType)]))


def _makers(content: Mapping[str, Any], codes: Sequence[CodeType]) -> Makers:
    """Makers that look up what was prepared."""
    matchers = {tuple(one["when"]): one for one in content["matchers"]}
    firsts = [link(_source(one), GIVEN, codes[one[0]]) for one in content["first"]]
    reads: dict[str, frozenset[tuple[str, ...]]] = {}

    def matcher(when: Expressions) -> Matcher:
        one = matchers[when]
        holds = link(_source(one["source"]), GIVEN, codes[one["source"][0]])
        paths = reads.setdefault(repr(one["reads"]), frozenset(map(tuple, one["reads"])))
        return Matcher(when, holds, tuple(map(_any_of, one["keys"])), paths)

    def first(_: Sequence[Expressions]) -> First:
        return in_turn(firsts)

    return Makers(matcher, first)


def _source(one: Sequence[Any]) -> Source:
    return Source("", tuple(Constant(*constant) for constant in one[1]))


def _any_of(keys: Sequence[Sequence[Any]]) -> AnyOf:
    return frozenset(IndexKey(kind, tuple(path), value, other) for kind, path, value, other in keys)


def _digest(path: Path) -> str:
    return _digest_of(path.read_bytes())


def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
