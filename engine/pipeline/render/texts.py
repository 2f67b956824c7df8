"""A message as text: for Slack where it refuses the blocks, and for the subscribers of an SNS topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.pipeline.render.escape import entities, without_links
from engine.pipeline.render.marks import symbol
from engine.pipeline.render.mentions import MENTIONS, mention_markup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


def slack_text(payload: Mapping[str, Any]) -> str:
    """The lines of a payload as text that Slack reads, with the addresses of its links."""
    return _lines(payload, entities)


def plain_text(payload: Mapping[str, Any]) -> str:
    """The lines of a payload as text in which nothing is markup."""
    return _lines(payload, without_links)


def _lines(payload: Mapping[str, Any], escape: Callable[[str], str]) -> str:
    return "\n".join(_line(pieces, escape) for block in payload["blocks"] for pieces in _pieces(block))


def _pieces(block: Mapping[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The pieces of each line of a block."""
    if block["type"] == "context":
        yield block["elements"]
        return
    for element in block["elements"]:
        sections = element["elements"] if element["type"] == "rich_text_list" else [element]
        yield from (section["elements"] for section in sections)


def _line(pieces: Sequence[Mapping[str, Any]], escape: Callable[[str], str]) -> str:
    return "".join(_piece(piece, escape) for piece in pieces)


def _piece(piece: Mapping[str, Any], escape: Callable[[str], str]) -> str:
    """A piece as text; addresses hold no `<` or `>`."""
    if piece["type"] == "emoji":
        return symbol(piece["name"])
    if piece["type"] in MENTIONS:
        return mention_markup(piece)
    text = escape(piece["text"])
    if piece["type"] != "link":
        return text
    url = piece["url"].replace("&", "&amp;") if escape is entities else piece["url"]
    return f"{text}: {url}"
