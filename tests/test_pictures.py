"""The pictures in `docs/` are of today's messages, and a message is small on a desktop and on a phone."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from browser import browser, executable
from pictures import DOCS, MANIFEST, README_PICTURE, WIDTHS, manifest, samples_page
from sample_messages import ABOUT_ONE_EVENT, SAMPLES

HEIGHTS = {640: 220, 360: 330}
"""Pixels that a message about one event may be high, by width."""

needs_browser = pytest.mark.skipif(
    executable() is None, reason="no Chromium with the fonts Lato, Noto Sans CJK JP and Noto Color Emoji (Debian's packages)"
)


def size(picture: bytes) -> tuple[int, int]:
    """Width and height that a PNG says of itself."""
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def test_the_pictures_are_of_todays_messages() -> None:
    assert json.loads(MANIFEST.read_text("utf-8")) == manifest(), "make pictures"


@pytest.mark.parametrize("name", [*WIDTHS.values(), README_PICTURE])
def test_every_picture_is_there_and_shown(name: str) -> None:
    assert (DOCS / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    pages = [Path(__file__).parent.parent / "README.md", *DOCS.glob("*.md")]
    assert any(name in page.read_text("utf-8") for page in pages)


def test_there_are_enough_kinds_of_messages() -> None:
    assert len(ABOUT_ONE_EVENT) >= 14
    assert len(SAMPLES) >= 20


@needs_browser
@pytest.mark.parametrize("width", WIDTHS)
def test_a_message_about_one_event_is_small_and_the_picture_is_made_again(width: int) -> None:
    with browser() as chromium:
        page = chromium.open(samples_page(), width)
        heights = dict(zip(SAMPLES, page.heights("article"), strict=True))
        made = page.picture()
    assert {name: height for name, height in heights.items() if name in ABOUT_ONE_EVENT and height > HEIGHTS[width]} == {}
    kept, now = size((DOCS / WIDTHS[width]).read_bytes()), size(made)
    assert now[0] == kept[0] == width
    assert abs(now[1] - kept[1]) <= kept[1] // 20
