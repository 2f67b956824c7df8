"""Reads a policy file as strict YAML, with the location of every value. Mistakes are findings of the file, not errors.

YAML 1.1 changes values silently (`on` becomes true, `0123` eighty-three). Here a plain word is what JSON would call it, or a
string. What YAML 1.1 would read as anything else is refused, except times, which stay strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from engine.model import Edit, Finding, Location
from engine.policy import codes
from engine.policy.positions import location_at
from engine.policy.yaml_mistakes import not_yaml, tag_instead

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAX_BYTES: Final = 1_048_576
MAX_DEPTH: Final = 40
MAX_NODES: Final = 200_000
"""Values of one file, those behind aliases counted each time they stand."""

Key: TypeAlias = "str | int"

_Parser: Final = getattr(yaml, "CLoader", yaml.Loader)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER: Final = 30
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
_SURPRISES: Final = re.compile(
    r"[-+]?0[0-9_]+|[-+]?0[box][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*_[0-9_]*|\+[0-9]+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|[-+]?\.[0-9]+|[-+]?[0-9]+\.|=",
)
_BOOLEANS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e00ff]|\r(?!\n)"
)
"""Characters without a glyph, and two that end a line for YAML and not for whoever reads a change: a carriage return alone, and
U+0085. What such a line says would look like a part of the comment before it."""


@dataclass(frozen=True, slots=True)
class YamlNode:
    """One value of a file: the plain value, its place, and for a mapping or list what it is made of.

    `keys` are the places of a mapping's keys, `children` the values by key or index. `span` are the characters of a scalar in the
    file's text, `size` how many values there are in it, itself included.
    """

    value: Any
    where: Location
    children: Mapping[Key, YamlNode] = field(default_factory=dict, repr=False)
    keys: Mapping[str, Location] = field(default_factory=dict, repr=False)
    span: tuple[int, int] = (0, 0)
    size: int = 1

    def at(self, *path: Key) -> YamlNode | None:
        """The value at a path, or None where there is none."""
        node: YamlNode | None = self
        for key in path:
            node = node.children.get(key) if node is not None else None
        return node

    def items(self) -> Iterator[YamlNode]:
        """What a list or mapping is made of, in order."""
        return iter(self.children.values())


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its path as users write it, its text, its values (None where it cannot be read), and what is wrong with it.

    `base`: it belongs to the base that the set extends.
    """

    path: str
    text: str = field(repr=False)
    root: YamlNode | None
    findings: tuple[Finding, ...] = ()
    base: bool = False


def read_source(file: Path, path: str, folder: Path | None = None) -> Source:
    """A policy file, read strictly. `path` is what findings call it.

    A link may not lead out of `folder`, the set's: a finding shows the line that it is about, and whoever may propose a policy
    would see lines of any file on the machine that checks it.
    """
    if folder is not None and not file.resolve().is_relative_to(folder.resolve()):
        return _refused(path, codes.NO_FILE, "a link leads out of the folder", "put the file itself here")
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return _refused(path, codes.NO_FILE, f"the file cannot be read ({type(error).__name__})", "check its permissions")
    return parse_source(content, path)


def parse_source(content: bytes, path: str) -> Source:
    """The bytes of a policy file, read strictly."""
    if len(content) > MAX_BYTES:
        return _refused(path, codes.TOO_LARGE, "the file is larger than 1 MiB", "split it by team")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        where = Location(path, line)
        return Source(path, "", None, (Finding(codes.CHARACTERS, where, "the file is not UTF-8", "save it as UTF-8"),))
    unseen = _UNSEEN.search(text)
    if unseen:
        what = f"the character U+{ord(unseen.group()):04X} cannot be seen"
        where = location_at(path, text, unseen.start())
        return Source(
            path, text, None, (Finding(codes.CHARACTERS, where, what, "delete it, or write it as an escape in double quotes"),)
        )
    return _composed(text, path)


def _refused(path: str, code: str, what: str, instead: str) -> Source:
    return Source(path, "", None, (Finding(code, Location(path), what, instead),))


class _RefusedError(Exception):
    """A file that is given up at once."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


def _composed(text: str, path: str) -> Source:
    building = _Building(path, text)
    try:
        for event in yaml.parse(text, Loader=_Parser):
            building.take(event)
    except yaml.MarkedYAMLError as error:
        return Source(path, text, None, (not_yaml(error, text, path),))
    except (_RefusedError, yaml.YAMLError) as error:
        finding = (
            error.finding if isinstance(error, _RefusedError) else Finding(codes.NOT_YAML, Location(path), "this is not YAML")
        )
        return Source(path, text, None, (finding,))
    if building.root is None:
        return _refused(path, codes.NO_FILE, "the file is empty", "start with version, name and owner")
    return Source(path, text, building.root, tuple(building.findings))


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read; `key` is a mapping's key that still waits for its value."""

    where: Location
    mapping: bool
    anchor: str | None
    children: dict[Key, YamlNode] = field(default_factory=dict)
    keys: dict[str, Location] = field(default_factory=dict)
    key: tuple[str, Location] | None = None
    size: int = 1


class _Building:
    """Values made of YAML's events, without recursion, so that depth is ours to bound."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.root: YamlNode | None = None
        self.findings: list[Finding] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, YamlNode] = {}
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """One event of the parser."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse(codes.NOT_YAML, event, "a second document", "keep one policy in one file, without a line of ---")
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._start(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end()
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _where(self, event: yaml.Event) -> Location:
        start, end = event.start_mark, event.end_mark
        if start is None or end is None:
            return Location(self.path)
        length = end.column - start.column if start.line == end.line else 1
        return Location(self.path, start.line + 1, start.column + 1, max(length, 1))

    def _refuse(self, code: str, event: yaml.Event, what: str, instead: str) -> None:
        raise _RefusedError(Finding(code, self._where(event), what, instead))

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._untagged(event)
        if len(self._open) >= MAX_DEPTH:
            self._refuse(
                codes.TOO_LARGE, event, f"values lie more than {MAX_DEPTH} deep", "no section of a policy is deeper than six"
            )
        self._open.append(_Open(self._where(event), isinstance(event, yaml.MappingStartEvent), event.anchor))

    def _untagged(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent | yaml.ScalarEvent) -> None:
        if event.tag is not None:
            instead = tag_instead(event.tag, event.value if isinstance(event, yaml.ScalarEvent) else "")
            self.findings.append(Finding(codes.TAG, self._where(event), f"YAML reads {event.tag} as a tag", instead))

    def _end(self) -> None:
        done = self._open.pop()
        values = done.children.values()
        value: Any = {key: node.value for key, node in done.children.items()} if done.mapping else [node.value for node in values]
        self._add(YamlNode(value, done.where, done.children, done.keys, size=done.size), done.anchor)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._untagged(event)
        where = self._where(event)
        value: Any = event.value
        if not event.style and event.tag is None:
            value = self._plain(event.value, where, _span(event))
        self._add(YamlNode(value, where, span=_span(event)), event.anchor)

    def _plain(self, text: str, where: Location, span: tuple[int, int]) -> Any:  # noqa: ANN401  any JSON scalar
        """A plain word: what JSON calls it, else the string; with a finding where YAML 1.1 would read something else."""
        as_key = bool(self._open and self._open[-1].mapping and self._open[-1].key is None)
        if text in _WORDS and not as_key:
            return _WORDS[text]
        number = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
        if number and not as_key:
            return float(text) if number.group(1) or "e" in text.lower() else int(text)
        if text.lower() in _BOOLEANS or _SURPRISES.fullmatch(text) or text == "<<":
            self._ambiguous(text, where, span)
        return text

    def _ambiguous(self, text: str, where: Location, span: tuple[int, int]) -> None:
        if text == "<<":
            self.findings.append(Finding(codes.TAG, where, "merge keys are not read", "write the keys out"))
            return
        truth = {"yes": "true", "on": "true", "y": "true", "true": "true"}.get(text.lower(), "false")
        instead = f'write "{text}" for the text' + (f", or {truth}" if text.lower() in _BOOLEANS - {"null"} else "")
        edits = () if text.lower() in _BOOLEANS else (Edit(*span, f'"{text}"'),)
        what = f"YAML 1.1 reads {text} as something else"
        self.findings.append(Finding(codes.AMBIGUOUS, where, what, instead, edits=edits))

    def _alias(self, event: yaml.AliasEvent) -> None:
        node = self._anchors.get(str(event.anchor))
        if node is None:
            what = f"there is no anchor {event.anchor} before this"
            self._refuse(
                codes.NOT_YAML, event, what, f'write the value out; a text that begins with * has quotes: "*{event.anchor}"'
            )
            return
        self._add(node, None)

    def _add(self, node: YamlNode, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.size += node.size
        if parent.size > MAX_NODES:
            raise _RefusedError(
                Finding(codes.TOO_LARGE, node.where, f"more than {MAX_NODES} values", "split the file; use no aliases")
            )
        if not parent.mapping:
            parent.children[len(parent.children)] = node
        elif parent.key is None:
            self._take_key(parent, node)
        else:
            key, where = parent.key
            parent.key = None
            if key not in parent.keys:
                parent.children[key], parent.keys[key] = node, where

    def _take_key(self, parent: _Open, node: YamlNode) -> None:
        key = node.value if isinstance(node.value, str) else str(node.value)
        if node.children:
            raise _RefusedError(Finding(codes.NOT_YAML, node.where, "a key has to be a word", "quote it"))
        if key in parent.keys:
            first = parent.keys[key].line
            self.findings.append(
                Finding(codes.DUPLICATE_KEY, node.where, f"duplicate key {key}; the first is in line {first}", "keep one of them")
            )
        parent.key = (key, node.where)


def _span(event: yaml.ScalarEvent) -> tuple[int, int]:
    """The characters that a scalar takes in the text, its quotes and block marks among them."""
    start, end = event.start_mark, event.end_mark
    return (start.index, end.index) if start is not None and end is not None else (0, 0)
