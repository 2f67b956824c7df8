"""What is not seen, or would act, is shown; what is shown stays what it was."""

from __future__ import annotations

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pipeline.render.escape import entities, harmless, visible

ANY = st.text(st.integers(0, 0x10FFFF).map(chr), max_size=60)
NASTY = st.text(
    st.sampled_from("a é\N{COMBINING ACUTE ACCENT}\n\t\x1b\u202e\u200b\ufe0f\ud800\U000e0041 \u3000\\&<>:/"), max_size=40
)
TEXTS = ANY | NASTY

NAMED = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\0": "\0", "\\e": "\x1b"}


def unescaped(shown: str) -> str:
    """What an escaped text stands for, where the text had no backslash."""
    return re.sub(r"\\u\{([0-9a-f]+)\}|\\[nrt0e]", lambda found: chr(int(found[1], 16)) if found[1] else NAMED[found[0]], shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026/11/ledger.csv", "2026/11/ledger.csv"),
        ("a\nb\r\tc\0", "a\\nb\\r\\tc\\0"),
        ("\x1b[31mred\x9b", "\\e[31mred\\u{9b}"),
        ("invoice\u202efdp.exe", "invoice\\u{202e}fdp.exe"),
        ("zero\u200bwidth\u2060\ufeff", "zero\\u{200b}width\\u{2060}\\u{feff}"),
        ("soft\u00adhyphen", "soft\\u{ad}hyphen"),
        ("tag\U000e0041", "tag\\u{e0041}"),
        ("variant\ufe0f\U000e0100", "variant\\u{fe0f}\\u{e0100}"),
        ("filler\u3164\u115f\u2800", "filler\\u{3164}\\u{115f}\\u{2800}"),
        ("lone\ud83d", "lone\\u{d83d}"),
        ("private\ue000 none\U0003ffff", "private\\u{e000} none\\u{3ffff}"),
        ("line\u2028paragraph\u2029next\x85", "line\\u{2028}paragraph\\u{2029}next\\u{85}"),
        ("no\u00a0break", "no\\u{a0}break"),
        (" a  b ", "\\u{20}a \\u{20}b\\u{20}"),
        ("資料\u3000最終.xlsx", "資料\u3000最終.xlsx"),
        ("資料 \u3000最終", "資料 \\u{3000}最終"),
        ("😀 naïve कि ภาษาไทย", "😀 naïve कि ภาษาไทย"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301\u0301\\u{301}"),
        ("\u0301a", "\\u{301}a"),
        ("\n\u0301", "\\n\\u{301}"),
        ("", ""),
    ],
)
def test_a_value_is_shown_with_nothing_unseen(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(TEXTS)
def test_nothing_that_is_shown_is_unseen_or_acts(text: str) -> None:
    shown = visible(text)
    assert {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert re.search(r"[ \u3000]{2}|^[ \u3000]|[ \u3000]$", shown) is None
    shown.encode()


@given(TEXTS)
def test_escaping_twice_changes_nothing(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert harmless(harmless(text)) == harmless(text)
    assert harmless(visible(text)) == visible(text)


@given(TEXTS.map(lambda text: text.replace("\\", "")))
def test_what_is_shown_says_what_the_text_was(text: str) -> None:
    assert unescaped(visible(text)) == text
    assert unescaped(harmless(text)) == text


@given(TEXTS.map(lambda text: text.replace("\\", "").replace("…", "")), st.integers(0, 50))
def test_a_cut_text_says_how_much_is_left_out(text: str, limit: int) -> None:
    shown = visible(text, limit)
    kept, mark, rest = shown.partition("… (+")
    assert len(kept) <= limit
    assert text.startswith(unescaped(kept))
    assert len(unescaped(kept)) + (int(rest.rstrip(")")) if mark else 0) == len(text)


def test_a_cut_never_leaves_a_part_of_an_escape() -> None:
    assert visible("ab\u202ecd", 9) == "ab… (+3)"
    assert visible("ab\u202ecd", 10) == "ab\\u{202e}… (+2)"
    assert visible("x" * 5000, 3) == "xxx… (+4,997)"


def test_the_blanks_of_our_own_words_stay() -> None:
    assert harmless(" a  b\u202e ") == " a  b\\u{202e} "


@given(TEXTS)
def test_the_fallback_text_has_no_markup_and_no_link(text: str) -> None:
    shown = entities(visible(text))
    assert re.search(r"[<>]|&(?!amp;|lt;|gt;)|://", shown) is None
    assert html.unescape(shown).replace(":\\u{2f}/", "://") == visible(text).replace(":\\u{2f}/", "://")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("a&amp;b", "a&amp;amp;b"),
        ("<https://evil.example|bank>", "&lt;https:\\u{2f}/evil.example|bank&gt;"),
        ("*bold* `code` @here", "*bold* `code` @here"),
    ],
)
def test_the_three_characters_of_markup_become_entities_and_no_others(text: str, shown: str) -> None:
    assert entities(text) == shown
