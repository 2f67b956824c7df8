"""Regular expressions in RE2 syntax (https://github.com/google/re2/wiki/Syntax), found anywhere in a text, in linear time.

Most patterns that policies hold are plain: characters, classes and counts, such as `^[0-9a-f]{32}$`. Python's `re` answers those
with the same meaning, in linear time too, four times as fast and with nothing to import; RE2 answers all others.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from engine.errors import ExpressionError
from engine.matching.globs import Shape
from engine.matching.limits import MAX_PATTERN, MAX_REGEX_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CellType

    from engine.matching.globs import Test

    Search = Callable[[str], object | None]

_CACHED: Final = 64
_ANSWERS: Final = 8_192
_KEPT_LENGTH: Final = 256
"""RE2's answers that are kept, and characters of their texts: asking costs a microsecond, and callers come again."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def check_regex(pattern: str) -> None:
    """Raises `ExpressionError` for a pattern that RE2 does not take."""
    regex_test(pattern)


def regex_test(pattern: str) -> Test:
    """The test of one regular expression."""
    find = search(pattern)
    return lambda text: find(text) is not None


class LateSearch:
    """`search` of a pattern that `check_regex` accepted, compiled when it is first used: most of a set never are in one process.

    `cell` is the cell of the function that uses it: there it replaces itself by what it compiles.
    """

    __slots__ = ("_pattern", "cell")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.cell: CellType | None = None

    def __call__(self, text: str) -> object | None:
        """What is found in a text. From now on the compiled search is called directly."""
        find = search(self._pattern)
        if self.cell is not None:
            self.cell.cell_contents = find
        return find(text)


def search(pattern: str) -> Search:
    """What finds a regular expression in a text; None where it does not stand there."""
    if len(pattern) > MAX_PATTERN:
        raise ExpressionError(f"the regular expression is longer than {MAX_PATTERN} characters")
    return _plain_search(pattern) or _re2_search(pattern)


cached_regex = lru_cache(_CACHED)(regex_test)
"""`regex_test`, remembered: for patterns that only an event brings."""


# --- plain patterns ----------------------------------------------------------------------------------------------------

_ONE: Final = r"""[A-Za-z0-9_ "#%&',/:;<=>@~!-]|\\[.\-/+*?()\[\]{}^$|\\dw]|\."""
_CLASS: Final = r"\[\^?(?:[A-Za-z0-9](?:-[A-Za-z0-9])?|[_ .,:/@=+]|\\[.\-\]/dw])+-?\]"
_COUNT: Final = r"(?:0|[1-9][0-9]?)"
_FIXED: Final = rf"\{{({_COUNT})\}}"
_PART: Final = re.compile(rf"(?:{_CLASS}|({_ONE}))(?:{_FIXED}|([+*?]|\{{{_COUNT},(?:{_COUNT}|[1-9][0-9]{{2}})?\}}))?")
_GROUP: Final = re.compile(rf"\((?:\?:)?((?:{_CLASS}|{_ONE}|\|)+)\)")
_WIDEST: Final = 256
_MOST_WAYS: Final = 64


def is_plain(pattern: str) -> bool:
    """Whether a pattern is plain enough to mean the same to `re` and to run in linear time there."""
    return _plain_search(pattern) is not None


def _plain_search(pattern: str) -> Search | None:
    anchored = pattern.startswith("^")
    body = pattern.removeprefix("^")
    ends = body.endswith("$") and not body.endswith("\\$")
    body = body[:-1] if ends else body
    if not _is_plain(body, may_vary=anchored):
        return None
    try:
        compiled = re.compile(body + (r"\Z" if ends else ""), re.ASCII)
    except re.error:
        return None
    return compiled.match if anchored else compiled.search


def required(pattern: str) -> Shape:
    """What every text that a pattern matches starts with (`prefix`) or contains (`contains`). It may be empty."""
    runs = [""]
    place = int(pattern.startswith("^")) if is_plain(pattern) else len(pattern)
    while part := _PART.match(pattern, place) or _GROUP.match(pattern, place):
        character, place = _character(part), part.end()
        if character is not None and part[3] is None:
            runs[-1] += character * int(part[2] or 1)
        else:
            runs[-1] += character if character is not None and part[3] == "+" else ""
            runs.append("")
    if pattern.startswith("^") and runs[0]:
        return Shape("prefix", runs[0])
    return Shape("contains", max(runs, key=len))


def _character(part: re.Match[str]) -> str | None:
    """The one character that a part of a plain pattern stands for; None for classes and groups."""
    character = part[1] if part.re is _PART else None
    if character is None or character in {".", "\\d", "\\w"}:
        return None
    return str(character[-1])


def _is_plain(body: str, *, may_vary: bool) -> bool:
    """Whether a pattern consists of characters, classes, counts and groups of alternatives, and takes linear time.

    That is: a bounded number of times at each position. So it may have one count that is not fixed, and only where a match begins
    at the start of the text; and its groups may not allow too many combinations in all.
    """
    place = width = varying = 0
    ways = 1
    while place < len(body):
        part = _PART.match(body, place) or _GROUP.match(body, place)
        if part is None:
            return False
        if part.re is _GROUP:
            ways *= 1 + part[1].count("|")
            width += len(part[1])
        else:
            width += int(part[2] or 1)
            varying += part[3] is not None
        place = part.end()
    return width <= _WIDEST and ways <= _MOST_WAYS and varying <= may_vary


# --- RE2 ---------------------------------------------------------------------------------------------------------------


def re2_options(memory: int) -> Any:  # noqa: ANN401  re2 has no types
    """RE2's options: bounded memory, no groups, nothing printed."""
    import re2  # type: ignore[import-untyped]  # it has none  # noqa: PLC0415  milliseconds that few policy sets need

    options = re2.Options()
    options.max_mem = memory
    options.log_errors = False
    options.never_capture = True
    return options


def _re2_search(pattern: str) -> Search:
    import re2  # noqa: PLC0415  as above

    try:
        find = re2.compile(pattern.encode(), re2_options(MAX_REGEX_MEMORY)).search
    except UnicodeEncodeError:
        raise ExpressionError("the regular expression holds half of a surrogate pair") from None
    except re2.error as error:
        what = f"RE2 does not take this regular expression: {_message(error)}"
        starred = pattern.startswith(("*", "?", "(*", "^*"))
        instead = "a * alone is that of glob(); in a regular expression .* is any text" if starred else ""
        raise ExpressionError(what, None, instead) from None
    return lambda text: _answer(find, text) if len(text) <= _KEPT_LENGTH else find(utf8(text))


@lru_cache(_ANSWERS)
def _answer(find: Callable[[bytes], object | None], text: str) -> Literal[True] | None:
    return None if find(utf8(text)) is None else True


class RegexSet:
    """Several regular expressions that are found in one pass over a text."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """All of them were accepted by `check_regex`."""
        import re2  # noqa: PLC0415  as above

        self._each = [search(pattern) for pattern in patterns]
        self._set = re2.Set.SearchSet(re2_options(MAX_REGEX_MEMORY))
        for pattern in (*patterns, ""):
            self._set.Add(pattern.encode())
        self._set.Compile()

    def matches(self, text: str) -> list[int]:
        """The numbers of those that are found.

        The last one, which is empty, is found in every text: where it is not, the memory of the set did not suffice, and each is
        searched for by itself.
        """
        found = sorted(self._set.Match(utf8(text)))
        if found and found[-1] == len(self._each):
            return found[:-1]
        return [number for number, find in enumerate(self._each) if find(text) is not None]


def _message(error: Exception) -> str:
    message = error.args[0] if error.args else ""
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)


def utf8(text: str) -> bytes:
    """A text as RE2 reads it. Half a surrogate pair, which JSON can carry and UTF-8 cannot, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()
