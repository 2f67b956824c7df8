"""What is wrong with a pattern: nothing or everything matches it, or it is written in another language than the function's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.lint.comparisons import EVENT_NAME, PASSED_OVER, VALUE, Expected, Side
from engine.lint.problems import Problem, length_of
from engine.matching.literals import demanded
from engine.matching.spelling import written
from engine.matching.tree import Node
from engine.policy.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

SHELL: Final = "TB214"
EVERYTHING: Final = "TB215"

_KIND_OF_PATTERN: Final = {
    **{name: name for name in ("cidr", "contains", "glob", "regex")},
    "ends_with": "suffix",
    "starts_with": "prefix",
}


def pattern_problems(function: str, subject: Side, pattern: Node, expected: Expected) -> Iterator[Problem]:
    """What is wrong with a literal pattern, or a part of a text, that a field is tested for."""
    text, offset, size = pattern.value, pattern.offset or 0, length_of(pattern.value)
    if not isinstance(text, str) or "string" not in subject.shape.types:
        return
    yield from _shell(function, subject, text, offset)
    if subject.shape.values is not None and subject.shape.types == {"string"}:
        yield from _among_values(function, subject, pattern, expected)
        return
    if _takes_everything(function, text):
        which = "IPv6 address" if ":" in text else "IPv4 address" if function == "cidr" else subject.name
        what = f"every {which} matches " + (f"'{text}'" if text else "an empty text")
        yield Problem(EVERYTHING, offset, size, what, f"write {written(subject.node)} != `null`, or what was meant", warns=True)
        return
    form = subject.shape.form
    if function == "cidr" or form is None or subject.shape.types != {"string"}:
        return
    alternatives = demanded(_KIND_OF_PATTERN[function], text)
    if all(any(form.excluded.search(run.text) for run in alternative) for alternative in alternatives) and not _FOLDS_CASE.search(
        text
    ):
        yield Problem(VALUE, offset, size, f"no {subject.name} matches '{text}'", form.excluded_what)


_FOLDS_CASE: Final = re.compile(r"\(\?[a-zA-Z]*i")


def _among_values(function: str, subject: Side, pattern: Node, expected: Expected) -> Iterator[Problem]:
    """A pattern over a field of few values: none of them, or all, may match it."""
    values = sorted(subject.shape.values or ())
    matching = [value for value in values if _matches(function, value, pattern)]
    offset, size = pattern.offset or 0, length_of(pattern.value)
    if not matching:
        yield Problem(VALUE, offset, size, f"no {subject.name} matches '{pattern.value}'", suggestion(pattern.value, values))
    elif len(matching) == len(values):
        what = f"every {subject.name} matches '{pattern.value}'"
        yield Problem(EVERYTHING, offset, size, what, "leave this out, or write what was meant", warns=True)
    elif subject.path == EVENT_NAME and expected.selected is not None and not expected.selected & set(matching):
        what = f"events of these names are passed over: `events.names` has none that matches '{pattern.value}'"
        yield Problem(PASSED_OVER, offset, size, what, "add them to events.names, or leave this out", warns=True)


def _matches(function: str, value: str, pattern: Node) -> bool:
    from engine.matching.compile import compile_tree  # noqa: PLC0415  only for fields of few values

    return compile_tree(Node("function_expression", function, (Node("literal", value), pattern)))({}) is True


_ANY_TEXT: Final = re.compile(r"(?P<start>\^?)(?P<run>(?:\.\*\??)*)(?P<end>\$?)")


def _takes_everything(function: str, text: str) -> bool:
    """Whether a pattern matches every text (of one line), or every address of a version of IP."""
    if function == "glob":
        return bool(text) and not text.strip("*")
    if function == "cidr":
        return text.endswith("/0")
    if function == "regex":
        forms = map(_ANY_TEXT.fullmatch, text.split("|") if not set(text) & set("([\\") else [text])
        return any(form and (form["run"] or not (form["start"] and form["end"])) for form in forms)
    return not text


_OUTSIDE_CLASSES: Final = re.compile(r"\\.|\[\]?[^\]]*\]|(?P<repeated>[A-Za-z0-9_/-]\*)", re.DOTALL)


def _star(subject: Side, text: str, offset: int) -> Iterator[Problem]:
    """A star behind a letter: in a glob it is any text, in a regular expression that letter any number of times."""
    for part in _OUTSIDE_CLASSES.finditer(text):
        if part["repeated"]:
            what = f"in a regular expression {part['repeated']} is {part['repeated'][0]} any number of times, also none"
            instead = f"write .* for any text, or glob({written(subject.node)}, '…')"
            yield Problem(SHELL, offset + 1 + part.start(), 2, what, instead, warns=True)
            return


_BRACES: Final = re.compile(r"\{[^{}]*,[^{}]*\}")
_BRACKETS: Final = re.compile(r"\[[^\[\]]+\]")
_OF_REGEX: Final = re.compile(r"^\^|\$$|\.\*|\.\+|\\[dwsb.]|\(\?|\|")


def _shell(function: str, subject: Side, text: str, offset: int) -> Iterator[Problem]:
    """What a shell or a regular expression reads in a glob, and ours does not."""
    if function == "regex":
        yield from _star(subject, text, offset)
    if function != "glob":
        return
    for form, what in ((_BRACES, "{ } stand"), (_BRACKETS, "[ ] stand"), (_OF_REGEX, "signs of a regular expression stand")):
        there = form.search(text)
        if there is not None:
            instead = f"write regex({written(subject.node)}, '…'); in a glob only * and ? mean something"
            yield Problem(
                SHELL, offset + 1 + there.start(), len(there[0]), f"in a glob {what} for themselves", instead, warns=True
            )
            return
