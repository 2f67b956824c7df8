"""Whether a condition leaves nothing for another one: what is true wherever something else is.

Every answer of yes is sound, failures included: where the premises are true, the conclusion is true and does not fail. A no may
only mean that it is not known.
"""

from __future__ import annotations

from itertools import islice, product, takewhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import MatcherError
from engine.lint.fields import shape_of
from engine.matching import Node, compile_tree, conjuncts, field_path, never_fails, reads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_MOST_CASES: Final = 64
_MOST_STEPS: Final = 4_096
_LONGEST_START: Final = 32
_KIND: Final = ("actor", "kind")
_NONE: Final[frozenset[object]] = frozenset({None})
_ANY, _ONE = object(), object()
"""Of a pattern: any run of characters, and exactly one."""


class _Start(NamedTuple):
    text: str


class Premises(NamedTuple):
    """What is known to be true.

    `spellings` are its conditions, `branches` what is known in each branch of those with `||`, `paths` what they read, `values`
    the only ones that a path can have, `patterns` what its text matches.
    """

    spellings: frozenset[object]
    values: Mapping[tuple[str, ...], tuple[object, ...]]
    patterns: Mapping[tuple[str, ...], tuple[tuple[object, ...], ...]]
    branches: tuple[tuple[Premises, ...], ...]
    paths: frozenset[tuple[str, ...]]


def premises(trees: Iterable[Node], kinds: Mapping[str, str]) -> Premises:
    """What is known where every one of some expressions is true. `kinds` holds the kind of each actor class."""
    conditions = tuple(one for tree in trees for one in conjuncts(tree))
    values: dict[tuple[str, ...], tuple[object, ...]] = {}
    patterns: dict[tuple[str, ...], tuple[tuple[object, ...], ...]] = {}
    for condition in conditions:
        path, allowed = _allowed(condition)
        if path is not None and allowed is not None:
            before = values.get(path)
            values[path] = allowed if before is None else tuple(one for one in before if one in allowed)
        path, pattern = _pattern(condition)
        if path is not None:
            patterns[path] = (*patterns.get(path, ()), pattern)
    classes = values.get(("actor", "class"))
    if classes and _KIND not in values and all(isinstance(one, str) and one in kinds for one in classes):
        values[_KIND] = tuple(dict.fromkeys(kinds[str(one)] for one in classes))
    several = (one.children for one in conditions if one.kind == "or_expression" and len(one.children) <= _MOST_CASES)
    branches = tuple(tuple(premises((child,), kinds) for child in children) for children in several)
    paths = frozenset({_KIND}).union(*map(reads, conditions))
    return Premises(frozenset(map(plain, conditions)), values, patterns, branches, paths)


def implied(known: Premises, trees: Iterable[Node]) -> bool:
    """Whether expressions that must all be exactly true are so wherever the premises are."""
    for tree in trees:
        parts = conjuncts(tree)
        simple_first = sorted(parts, key=lambda one: one.kind == "or_expression")
        if not _exact(parts[-1]) or not all(_follows(known, one) for one in simple_first):
            return False
    return True


def mentioned(trees: Iterable[Node]) -> Iterator[object]:
    """The paths, texts and starts of texts in expressions: what one implies has one of them, too (`actor.kind` by the class)."""
    for tree in trees:
        for path in reads(tree):
            yield path
            if path == ("actor", "class"):
                yield _KIND
        for text in _texts(tree):
            yield text
            for end in range(1, min(len(text), _LONGEST_START) + 1):
                yield _Start(text[:end])


def landmarks(trees: Iterable[Node]) -> frozenset[object]:
    """One of these must be mentioned by whatever implies these expressions; None stands for nothing in particular."""
    parts = [one for tree in trees for one in conjuncts(tree)]
    return min(map(_marks, parts), key=_vague, default=_NONE)


def _vague(marks: frozenset[object]) -> int:
    """0 for texts, 1 for starts of them, 2 for paths, 3 where it may be anything."""
    return max(0 if isinstance(one, str) else 1 if isinstance(one, _Start) else 2 if one is not None else 3 for one in marks)


def _start(part: Node) -> str:
    """The text with which a path's value must start where a condition is true; empty where there is none."""
    path, pattern = _pattern(part)
    plain_start = takewhile(lambda one: isinstance(one, str), pattern)
    return "".join(map(str, islice(plain_start, _LONGEST_START))) if path not in (None, _KIND) else ""


def _marks(part: Node) -> frozenset[object]:
    if part.kind == "or_expression":
        return frozenset[object]().union(*(landmarks((child,)) for child in part.children))
    path, allowed = _allowed(part)
    if path == _KIND:
        return frozenset({_KIND})
    if allowed and all(isinstance(one, str) for one in allowed):
        return frozenset(allowed)
    start = _start(part)
    if start:
        return frozenset({_Start(start)})
    return frozenset(sorted(reads(part))[:1]) or _NONE


def plain(node: Node) -> object:
    """A node without its places."""
    return node.kind, repr(node.value), tuple(plain(child) for child in node.children)


def _texts(node: Node) -> Iterator[str]:
    if node.kind == "literal":
        yield from (one for one in (node.value if isinstance(node.value, list) else [node.value]) if isinstance(one, str))
    for child in node.children:
        yield from _texts(child)


def _exact(node: Node) -> bool:
    """Whether a true value of a node is `true` itself."""
    if node.kind in ("or_expression", "and_expression"):
        return all(_exact(child) for child in node.children)
    path = field_path(node)
    if path is not None:
        shape = shape_of(path)
        return shape is not None and shape.types == {"boolean"}
    return node.kind in ("comparator", "not_expression", "function_expression") or node.value is True


# --- what follows ------------------------------------------------------------------------------------------------------


def _follows(known: Premises, conclusion: Node) -> bool:
    if conclusion.kind == "literal":
        return conclusion.value is True
    if conclusion.kind != "or_expression" and not reads(conclusion) <= known.paths:
        return False
    if plain(conclusion) in known.spellings or _of_values(known, conclusion) or _of_patterns(known, conclusion):
        return True
    if conclusion.kind == "and_expression":
        return all(_follows(known, child) for child in conclusion.children)
    if conclusion.kind == "or_expression":
        return _of_branches(known, conclusion) or _by_branch(known, conclusion)
    return _by_branch(known, conclusion)


def _of_branches(known: Premises, conclusion: Node) -> bool:
    """One branch follows, and none before it can fail."""
    for child in conclusion.children:
        if _follows(known, child):
            return True
        if not never_fails(child):
            return False
    return False


def _by_branch(known: Premises, conclusion: Node) -> bool:
    """It follows from every branch of a condition that has some."""
    return any(all(_follows(branch, conclusion) for branch in branches) for branches in known.branches)


def _of_values(known: Premises, conclusion: Node) -> bool:
    """It is true for all values that what it reads can have: it is asked."""
    paths = sorted(reads(conclusion))
    if not paths or any(path not in known.values for path in paths):
        return False
    cases = 1
    for path in paths:
        cases *= len(known.values[path])
    if not 1 <= cases <= _MOST_CASES:
        return False
    asked = compile_tree(conclusion)
    return all(_true(asked, paths, values) for values in product(*(known.values[path] for path in paths)))


def _true(asked: Callable[[Any], Any], paths: Iterable[tuple[str, ...]], values: Iterable[object]) -> bool:
    document: dict[str, Any] = {}
    for path, value in zip(paths, values, strict=True):
        inner = document
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                return False
        inner[path[-1]] = value
    try:
        answer = asked(document)
    except MatcherError:
        return False
    return answer is True or (isinstance(answer, str) and bool(answer))


def _allowed(node: Node) -> tuple[tuple[str, ...] | None, tuple[object, ...] | None]:
    """A path and the only values with which a condition is true: `a == 'x'`, a list that contains `a`, `||` of such."""
    if node.kind == "comparator" and node.value == "eq":
        for field, other in (node.children, node.children[::-1]):
            path = field_path(field)
            if path is not None and other.kind == "literal" and not isinstance(other.value, list | dict):
                return path, (other.value,)
    if node.kind == "function_expression" and node.value == "contains":
        path, members = field_path(node.children[1]), _members(node.children[0])
        if members is not None and path is not None:
            return path, members
    if node.kind == "or_expression":
        found = [_allowed(child) for child in node.children]
        paths = {path for path, _ in found}
        if len(paths) == 1 and None not in paths:
            return found[0][0], tuple(dict.fromkeys(one for _, allowed in found for one in allowed or ()))
    return None, None


def _members(node: Node) -> tuple[object, ...] | None:
    """The members of a list that is written out."""
    if node.kind == "multi_select_list" and all(child.kind == "literal" for child in node.children):
        values = [child.value for child in node.children]
    elif node.kind == "literal" and isinstance(node.value, list):
        values = node.value
    else:
        return None
    return None if any(isinstance(one, list | dict) for one in values) else tuple(values)


# --- patterns ----------------------------------------------------------------------------------------------------------


def _pattern(node: Node) -> tuple[tuple[str, ...] | None, tuple[object, ...]]:
    """A path and the pattern that a condition says of its text."""
    if node.kind != "function_expression" or node.value not in ("glob", "starts_with", "ends_with", "contains"):
        return None, ()
    path, text = field_path(node.children[0]), node.children[1]
    if path is None or text.kind != "literal" or not isinstance(text.value, str):
        return None, ()
    if node.value == "contains" and not _is_text(path):
        return None, ()
    if node.value == "glob":
        return path, tuple(_ANY if char == "*" else _ONE if char == "?" else char for char in text.value)
    before = () if node.value == "starts_with" else (_ANY,)
    after = () if node.value == "ends_with" else (_ANY,)
    return path, (*before, *text.value, *after)


def _is_text(path: tuple[str, ...]) -> bool:
    shape = shape_of(path)
    return shape is not None and shape.types == {"string"}


def _of_patterns(known: Premises, conclusion: Node) -> bool:
    path, wanted = _pattern(conclusion)
    if path is not None:
        return any(_within(pattern, wanted) for pattern in known.patterns.get(path, ()))
    if conclusion.kind == "comparator" and conclusion.value == "ne":
        for field, other in (conclusion.children, conclusion.children[::-1]):
            path = field_path(field)
            if path is not None and other.kind == "literal":
                patterns = known.patterns.get(path, ())
                return any(not isinstance(other.value, str) or not _within(tuple(other.value), pattern) for pattern in patterns)
    return False


def _within(narrow: Sequence[object], wide: Sequence[object]) -> bool:
    """Whether all that matches one pattern matches another: each `*` of the narrow one must fall into one of the wide one."""
    if len(narrow) * len(wide) > _MOST_STEPS:
        return False
    reached = {0}
    for place in range(len(narrow) + 1):
        for at in sorted(reached):
            while at < len(wide) and wide[at] is _ANY:
                at += 1  # noqa: PLW2901  over what may be empty
                reached.add(at)
        if place == len(narrow):
            return len(wide) in reached
        step = narrow[place]
        reached = {after for at in reached if at < len(wide) for after in _after(step, wide[at], at)}
    return False


def _after(step: object, wanted: object, at: int) -> tuple[int, ...]:
    if wanted is _ANY:
        return (at,)
    fits = step is not _ANY and (wanted is _ONE or wanted == step)
    return (at + 1,) if fits else ()
