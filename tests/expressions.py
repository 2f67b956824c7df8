"""Random expressions and documents, and jmespath.py as the judge of what they mean."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # it has no stubs
from hypothesis import assume, settings
from hypothesis import strategies as st
from jmespath import exceptions
from jmespath.functions import Functions, signature
from jmespath.parser import Parser
from jmespath.visitor import Options, TreeInterpreter

from engine.errors import ExpressionError, MatcherError, MatcherTypeError, MatcherValueError
from engine.matching import Node, check, parse
from engine.matching.growth import check_growth

EXAMPLES: Final = 3 * settings.default.max_examples
"""How many examples a law of expressions is tried on: they are quick."""

# --- the judge -------------------------------------------------------------------------------------------------------------

TEXT: Any = {"types": ["string", "null"]}
STRING: Any = {"types": ["string"]}


def whole(text: str) -> str:
    """A text without halves of surrogate pairs, which RE2 cannot be given."""
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


class OurFunctions(Functions):
    """glob, regex, cidr and lower, written as plainly as can be."""

    @signature(TEXT, STRING)
    def _func_glob(self, value: str | None, pattern: str) -> bool:
        plain = "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern)
        return value is not None and re.fullmatch(plain, value, re.DOTALL) is not None

    @signature(TEXT, STRING)
    def _func_regex(self, value: str | None, pattern: str) -> bool:
        try:
            return value is not None and re2.search(pattern, whole(value)) is not None
        except re2.error:
            raise ValueError from None

    @signature(TEXT, STRING)
    def _func_cidr(self, value: str | None, network: str) -> bool:
        if value is None:
            return False
        parsed = ipaddress.ip_network(network)
        try:
            return ipaddress.ip_address(value.removeprefix("::ffff:")) in parsed
        except ValueError:
            return False

    @signature(TEXT)
    def _func_lower(self, value: str | None) -> str | None:
        return None if value is None else value.lower()


JUDGE: Final = TreeInterpreter(Options(custom_functions=OurFunctions()))


def judged(expression: str, document: object) -> tuple[str, str]:
    """What jmespath.py answers: `("value", repr)`, or `("error", the class that ours must have)`."""
    tree = Parser().parse(expression).parsed
    try:
        return "value", repr(JUDGE.visit(tree, document))
    except (exceptions.JMESPathTypeError, TypeError):
        return "error", MatcherTypeError.__name__
    except (ValueError, OverflowError):
        return "error", MatcherValueError.__name__


def answered(ask: Any, document: object) -> tuple[str, str]:
    """What a compiled expression answers, in the same form. `repr` tells 1, 1.0 and true apart, and NaN from itself not."""
    try:
        return "value", repr(ask(document))
    except MatcherError as error:
        return "error", type(error).__name__


# --- documents -------------------------------------------------------------------------------------------------------------

NAMES: Final = ("a", "b", "c", "d e")
WORDS: Final = (
    "",
    "a",
    "b",
    "ab",
    "aab",
    "b/a",
    "a*",
    "A",
    "1",
    "-0",
    "1.5",
    "1e3",
    "x\ny",
    "10.1.2.3",
    "::ffff:10.1.2.3",
    "日本",
    "\ud800",
)
NUMBERS: Final = (0, 1, -1, 2, 7, 10**30, 0.0, -0.0, 1.0, 0.5, float("inf"), float("nan"))

scalars = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(WORDS))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
        st.lists(st.sampled_from(WORDS), max_size=4),
        st.lists(st.sampled_from(NUMBERS), max_size=4),
        st.lists(st.dictionaries(st.sampled_from(NAMES), scalars, max_size=3), max_size=4),
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=4)

# --- expressions -----------------------------------------------------------------------------------------------------------

GLOBS: Final = ("", "*", "a*", "*b", "a*b", "?", "a?", "*a*", "**", "b/*", "a\\*", "*\n*")
REGEXES: Final = ("", "a", "^a$", "^[ab]{2}$", "a|b", "(?i)a", "^a+b", "[^a]", ".", "\\d", "b$", "^.?$", "^a*", "\\.", "\\pN")
NETWORKS: Final = ("10.0.0.0/8", "10.1.2.3", "::/0", "0.0.0.0/0", "2001:db8::/32")

names = st.sampled_from(["a", "b", "c", '"d e"'])
raw_strings = st.sampled_from(WORDS).map(lambda word: "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'")
JSON: Final = (
    *(
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "2",
        "1.0",
        "0.5",
        "10",
        '"a"',
        '""',
        "[]",
        "{}",
        "[0]",
        "[1, true]",
        '["a", "b"]',
    ),
    *('{"a": 1}', '{"a": false}', "[[1], [2]]", '["a", 1]', "NaN", "-0.0", '"10.1.2.3"'),
)
literals = st.sampled_from(JSON).map(lambda text: f"`{text}`")
indices = st.integers(-3, 3).map(str)
slices = st.tuples(*[st.one_of(st.just(""), st.integers(-3, 3).map(str))] * 3).map(":".join)
atoms = st.one_of(
    names, names, names, st.just("@"), raw_strings, literals, st.sampled_from(["*", "[]", "[*]", "[0]", "[::2]", "a.b"])
)

UNARY: Final = (
    *("abs", "avg", "ceil", "floor", "keys", "length", "lower", "max", "merge", "min", "not_null", "reverse", "sort", "sum"),
    *("to_array", "to_number", "to_string", "type", "values"),
)
BINARY: Final = ("contains", "ends_with", "join", "merge", "not_null", "starts_with")
PATTERNS: Final = ("cidr", "glob", "regex")
BY: Final = ("sort_by", "min_by", "max_by")
OPERATORS: Final = ("&&", "||", "|", "==", "!=", "<", "<=", ">", ">=", "==", "&&", "||")


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Every way to make a larger expression of smaller ones."""
    pattern = st.one_of(
        st.tuples(st.just("glob"), st.sampled_from(GLOBS)),
        st.tuples(st.just("regex"), st.sampled_from(REGEXES)),
        st.tuples(st.just("cidr"), st.sampled_from(NETWORKS)),
        st.tuples(st.sampled_from(["contains", "starts_with", "ends_with"]), st.sampled_from(WORDS)),
    )
    return st.one_of(
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(" ".join),
        st.tuples(inner, st.sampled_from(OPERATORS), inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        inner.map(lambda one: f"!{one}"),
        inner.map(lambda one: f"({one})"),
        st.tuples(inner, names).map(".".join),
        st.tuples(inner, indices).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
        st.tuples(inner, slices).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
        st.tuples(inner, st.sampled_from(["[*]", "[]", ".*"])).map("".join),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[?{parts[1]}]"),
        st.tuples(inner, inner, names).map(lambda parts: f"{parts[0]}[?{parts[1]}].{parts[2]}"),
        st.tuples(inner, inner).map(lambda parts: f"[{parts[0]}, {parts[1]}]"),
        st.tuples(names, inner, names, inner).map(lambda parts: "{{{}: {}, {}: {}}}".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}.[{parts[1]}]"),
        st.tuples(inner, names, inner).map(lambda parts: "{}.{{{}: {}}}".format(*parts)),
        st.tuples(st.sampled_from(UNARY), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(st.sampled_from(BINARY), inner, inner).map(lambda parts: "{}({}, {})".format(*parts)),
        st.tuples(st.sampled_from(PATTERNS), inner, names).map(lambda parts: "{}({}, {})".format(*parts)),
        st.tuples(pattern, inner).map(lambda parts: f"{parts[0][0]}({parts[1]}, '{parts[0][1].replace(chr(92), chr(92) * 2)}')"),
        st.tuples(st.sampled_from(BY), inner, inner).map(lambda parts: "{}({}, &{})".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "map(&{}, {})".format(*parts)),
        inner.map(lambda one: f"contains(['a', 'b'], {one})"),
    )


def stays_small(expression: str) -> bool:
    """Whether an expression is not refused for what it could make of an event, as `join(@, @)` is."""
    try:
        check_growth(parse(expression))
    except ExpressionError as error:
        return "as large as the event" not in error.what
    return True


expressions = st.recursive(atoms, compound, max_leaves=10).filter(stays_small)

conditions = st.recursive(
    expressions,
    lambda inner: st.one_of(
        st.builds("({}) && ({})".format, inner, inner),
        st.builds("({}) || ({})".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("glob({} || {}, 'a*')".format, st.sampled_from("abc"), st.sampled_from("abc")),
        st.builds("({} || {} || 'a') == 'a'".format, st.sampled_from("abc"), st.sampled_from("abc")),
        st.builds("contains(['a', 'ab'], {})".format, st.sampled_from("abc")),
    ),
    max_leaves=6,
)
"""Expressions that are joined more often than arbitrary ones are."""


def trees_of(parts: list[str]) -> list[Node]:
    """The syntax trees; an example of which a part does not compile is not tried."""
    try:
        return [check(part) for part in parts]
    except ExpressionError:
        assume(condition=False)
        raise
