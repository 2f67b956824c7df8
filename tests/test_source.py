"""YAML read strictly: what would change its meaning silently is refused, at its place."""

from __future__ import annotations

import time

import pytest

from engine.policy import codes
from engine.policy.edits import inside
from engine.policy.source import parse_source


def refused(text: str | bytes) -> list[tuple[str, int, int]]:
    """Code, line and column of each finding."""
    source = parse_source(text if isinstance(text, bytes) else text.encode(), "p.yaml")
    return [(finding.code, finding.where.line, finding.where.column) for finding in source.findings]


def value(text: str) -> object:
    source = parse_source(text.encode(), "p.yaml")
    assert source.findings == ()
    assert source.root is not None
    return source.root.value


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a: 1", {"a": 1}),
        ("a: -7", {"a": -7}),
        ("a: true", {"a": True}),
        ("a: null", {"a": None}),
        ("a:", {"a": None}),
        ("a: 'on'", {"a": "on"}),
        ('a: "012345678901"', {"a": "012345678901"}),
        ("a: mon-fri", {"a": "mon-fri"}),
        ("a: 20:00-07:00", {"a": "20:00-07:00"}),
        ("a: 2027-01-31T00:00:00Z", {"a": "2027-01-31T00:00:00Z"}),
        ("a: 111122223333", {"a": 111122223333}),
        ("a: >\n  x\n  y\n", {"a": "x y\n"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    ],
)
def test_what_is_clear_is_read(text: str, read: object) -> None:
    assert value(text) == read


@pytest.mark.parametrize(
    "word",
    ["on", "off", "yes", "no", "Yes", "NO", "True", "012345678901", "0o17", "0x1F", "12:30:45", "1_000", ".inf"],
)
def test_what_yaml_1_1_reads_otherwise_is_refused(word: str) -> None:
    assert refused(f"a: {word}") == [(codes.AMBIGUOUS, 1, 4)]


def test_a_key_that_yaml_1_1_reads_otherwise_is_refused() -> None:
    assert refused("on: 1") == [(codes.AMBIGUOUS, 1, 1)]


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3", codes.DUPLICATE_KEY, 3, 1),
        ("a: {b: 1, b: 2}", codes.DUPLICATE_KEY, 1, 11),
        ("a: !!python/object:os.system x", codes.TAG, 1, 4),
        ("a: !x y", codes.TAG, 1, 4),
        ("a: &x {b: 1}\nc:\n  <<: *x", codes.TAG, 3, 3),
        ("a: [1", codes.NOT_YAML, 1, 4),
        ("a: b: c", codes.NOT_YAML, 1, 5),
        ("\tx: 1", codes.NOT_YAML, 1, 1),
        ("a: 1\n---\nb: 2", codes.NOT_YAML, 2, 1),
    ],
)
def test_what_is_no_policy_yaml_is_refused_at_its_place(text: str, code: str, line: int, column: int) -> None:
    assert refused(text)[0][0] == code
    assert refused(text)[0][1] == line
    assert abs(refused(text)[0][2] - column) <= 1


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"a: \xc3\x28", "a: x\x07y", "a: x\u202ey", "a: x\u200by", "a: x\u00ady", "a: \x00"]
)
def test_characters_that_cannot_be_seen_are_refused(text: str | bytes) -> None:
    assert refused(text)[0][0] == codes.CHARACTERS


@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\u2029"])
def test_a_comment_hides_no_line_that_only_yaml_sees(end: str) -> None:
    text = f"when: actor.role == 'nightly' # the nightly job{end}everyone: true\n"
    assert refused(text) == [(codes.CHARACTERS, 1, 1 + text.index(end))]


def test_the_lines_of_windows_are_lines() -> None:
    assert refused("a: 1\r\nb: 2\r\n") == []


def test_a_byte_order_mark_is_taken_for_what_it_is() -> None:
    assert refused(b"\xef\xbb\xbfa: 1") in ([], [(codes.CHARACTERS, 1, 1)])


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=False)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "a: " + "[" * 100_000,
        "a: " + "{a: " * 10_000,
        "a: '" + "x" * 1_100_000 + "'",
        "\n".join(f"k{number}: {number}" for number in range(200_000)),
        "a: &a [*a]",
    ],
    ids=["alias bomb", "brackets", "braces", "large", "many keys", "an alias within itself"],
)
def test_what_is_too_large_too_deep_or_entangled_is_refused_quickly(text: str) -> None:
    began = time.process_time()
    assert refused(text)[0][0] in (codes.TOO_LARGE, codes.NOT_YAML, codes.TAG)
    assert time.process_time() - began < 10


def test_an_empty_file_is_not_a_mapping() -> None:
    for text in ("", "# nothing\n", "---\n"):
        source = parse_source(text.encode(), "p.yaml")
        assert source.findings or source.root is None or source.root.value is None


# --- places -------------------------------------------------------------------------------------------------------------------


def test_every_value_and_key_knows_its_place() -> None:
    root = parse_source(b"a:\n  - b: 1\n    c: [x, 'yy']\n", "p.yaml").root
    assert root is not None
    found = root.at("a", 0, "c", 1)
    assert found is not None
    assert str(found.where) == "p.yaml:3:12"
    item = root.at("a", 0)
    assert item is not None
    assert {name: str(where) for name, where in item.keys.items()} == {"b": "p.yaml:2:5", "c": "p.yaml:3:5"}


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("when: abc", 2, "p.yaml:1:9"),
        ("when: 'it''s x'", 5, "p.yaml:1:14"),
        ('when: "a\\tb"', 2, "p.yaml:1:11"),
        ("when: |\n  abc\n  def\n", 5, "p.yaml:3:4"),
        ("when: >-\n  abc\n  def\n", 5, "p.yaml:3:4"),
        ("when: >-\n\n  abc\n  def\n", 6, "p.yaml:4:4"),
        ("x:\n    when: |\n        a ==\n          b\n", 7, "p.yaml:4:11"),
        ("when: 日本 == x", 6, "p.yaml:1:13"),
    ],
)
def test_a_place_inside_a_value_is_where_an_editor_shows_it(text: str, offset: int, place: str) -> None:
    source = parse_source(text.encode(), "p.yaml")
    assert source.root is not None
    node = source.root.at("x", "when") or source.root.at("when")
    assert node is not None
    assert str(inside(source, node, offset)) == place
