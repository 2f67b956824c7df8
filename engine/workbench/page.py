"""Messages as one HTML page: each channel as Slack would show it, made of the very payloads that would be posted.

The page asks nothing of any other place, and its Content-Security-Policy forbids it to: no script, no image, no font, and of
styles only its own, which it names by their hash. All text is escaped. Width and colours can be chosen without a script.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.model import repr_only
from engine.pipeline.render.marks import SYMBOLS
from engine.pipeline.render.mentions import MENTIONS, mention_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@repr_only("channel")
class ShownMessage(NamedTuple):
    """A message for a channel: the payload that would be posted."""

    channel: str
    payload: Mapping[str, Any]


MESSAGES_MAX: Final = 500
"""Messages on one page; a browser shows more slowly than a terminal."""

STYLE: Final = """
:root { color-scheme: light dark; --text: #1d1c1d; --back: #fff; --faint: #616061; --line: #dddddd; --link: #1264a3;
  --code: #c01343; --code-back: #f7f7f8; --code-line: #dedee3; --bar: #f8f8f8; --badge: #e8e8e8; }
@media (prefers-color-scheme: dark) { :root:not(:has(#light:checked)) { --text: #d1d2d3; --back: #1a1d21; --faint: #ababad;
  --line: #35373b; --link: #1d9bd1; --code: #e8912d; --code-back: #22252a; --code-line: #35373b; --bar: #222529;
  --badge: #35373b; } }
:root:has(#dark:checked) { color-scheme: dark; --text: #d1d2d3; --back: #1a1d21; --faint: #ababad; --line: #35373b;
  --link: #1d9bd1; --code: #e8912d; --code-back: #22252a; --code-line: #35373b; --bar: #222529; --badge: #35373b; }
:root:has(#light:checked) { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 15px/22px Lato, "Noto Sans", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic UI", system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 4px 20px; padding: 8px 16px; background: var(--bar);
  border-bottom: 1px solid var(--line); font-size: 13px; }
header h1 { margin: 0 auto 0 0; font-size: 15px; }
fieldset { border: 0; margin: 0; padding: 0; }
main { margin: 0 auto; max-width: 760px; }
body:has(#phone:checked) main { max-width: 360px; border-inline: 1px solid var(--line); }
h2 { margin: 0; padding: 10px 16px; font-size: 16px; border-bottom: 1px solid var(--line); }
article { display: grid; grid-template-columns: 36px minmax(0, 1fr); gap: 0 8px; padding: 6px 16px; }
.face { width: 36px; height: 36px; border-radius: 6px; background: #4a154b; color: #fff; font-weight: 700; line-height: 36px;
  text-align: center; }
.name { font-weight: 700; }
.badge { padding: 0 3px; border-radius: 2px; background: var(--badge); color: var(--faint); font-size: 10px;
  vertical-align: 1px; }
p, ul { margin: 0; overflow-wrap: anywhere; }
ul { padding-left: 22px; }
.small { color: var(--faint); font-size: 12px; line-height: 17px; }
code { padding: 1px 3px; border: 1px solid var(--code-line); border-radius: 3px; background: var(--code-back); color: var(--code);
  font: 12px/1.5 Monaco, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
a { color: var(--link); text-decoration: none; }
.told { display: none; grid-column: 1 / 3; margin: 2px 0 4px; padding: 6px 10px; border-radius: 10px; background: var(--bar);
  font-size: 13px; line-height: 18px; }
body:has(#told:checked) .told { display: block; }
footer { padding: 12px 16px; color: var(--faint); font-size: 13px; }
@media (max-width: 480px) { header { padding: 6px 12px; } article { padding: 6px 12px; } h2 { padding: 8px 12px; } }
"""
"""After how Slack looks on the desktop and on a phone."""

_POLICY: Final = "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"

_CHOICES: Final = (
    '<fieldset>Width <label><input type="radio" name="width" checked> desktop</label>'
    ' <label><input type="radio" name="width" id="phone"> phone</label></fieldset>'
    '<fieldset>Colours <label><input type="radio" name="colours" checked> system</label>'
    ' <label><input type="radio" name="colours" id="light"> light</label>'
    ' <label><input type="radio" name="colours" id="dark"> dark</label></fieldset>'
    '<fieldset><label><input type="checkbox" id="told"> notifications</label></fieldset>'
)


def page(messages: Sequence[ShownMessage], title: str, left_out: int = 0) -> str:
    """The page. `left_out`: how many messages there are beside these."""
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(digest=_digest(STYLE))}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="referrer" content="no-referrer">\n',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
            f"<header><h1>{escape(title)}</h1>{_CHOICES}</header>\n<main>\n",
            *_channels(messages),
            f"</main>\n<footer>{_summary(len(messages), left_out)}</footer>\n</body>\n</html>\n",
        ]
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _summary(count: int, left_out: int) -> str:
    text = "Nothing would be posted." if count == 0 else f"{count:,} message{'' if count == 1 else 's'}; nothing was posted."
    return text + (f" {left_out:,} more are not on this page." if left_out else "")


def _channels(messages: Sequence[ShownMessage]) -> Iterator[str]:
    """The messages by channel, in the order of each channel's first."""
    by_channel: dict[str, list[ShownMessage]] = {}
    for message in messages:
        by_channel.setdefault(message.channel, []).append(message)
    for name, shown in by_channel.items():
        yield f"<section><h2># {escape(name)}</h2>\n"
        yield from (_article(message.payload) for message in shown)
        yield "</section>\n"


def _article(payload: Mapping[str, Any]) -> str:
    if "Message" in payload:
        return _topic_article(payload)
    blocks = payload.get("blocks") or [{"type": "context", "elements": [{"type": "plain_text", "text": payload["text"]}]}]
    text = str(payload["text"]).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return (
        f'<article><p class="told">{escape(text)}</p><div class="face">T</div><div>'
        '<p><span class="name">Trailbell</span> <span class="badge">APP</span></p>'
        f"{''.join(map(_block, blocks))}</div></article>\n"
    )


def _topic_article(payload: Mapping[str, Any]) -> str:
    """What is published to a topic: its subject, and its message as text."""
    subject, text = escape(payload["Subject"]), escape(payload["Message"]).replace("\n", "<br>")
    return (
        f'<article><p class="told">{subject}</p><div class="face">T</div><div>'
        f'<p><span class="name">{subject}</span> <span class="badge">SNS</span></p><p>{text}</p></div></article>\n'
    )


def _block(block: Mapping[str, Any]) -> str:
    if block["type"] == "context":
        return f'<p class="small">{escape("".join(element["text"] for element in block["elements"]))}</p>'
    return "".join(map(_rich_text, block["elements"]))


def _rich_text(element: Mapping[str, Any]) -> str:
    if element["type"] == "rich_text_list":
        return f"<ul>{''.join(f'<li>{_inline(section)}</li>' for section in element['elements'])}</ul>"
    return f"<p>{_inline(element)}</p>"


def _inline(section: Mapping[str, Any]) -> str:
    return "".join(map(_piece, section["elements"]))


def _piece(piece: Mapping[str, Any]) -> str:
    if piece["type"] == "emoji":
        return escape(SYMBOLS.get(piece["name"], f":{piece['name']}:"))
    if piece["type"] in MENTIONS:
        return f"<b>{escape(mention_text(piece))}</b>"
    text = escape(piece["text"]).replace("\n", "<br>")
    if piece["type"] == "link":
        return f'<a href="{escape(piece["url"])}" target="_blank" rel="noopener noreferrer">{text}</a>'
    style = piece.get("style", {})
    return f"<b>{text}</b>" if style.get("bold") else f"<code>{text}</code>" if style.get("code") else text
